// What `make test` plays of the booted switch, and how long that takes. `make qemu-test` plays all.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { switchImage } from '../rigs/qemu/image.ts';
import { Machine } from '../rigs/qemu/machine.ts';
import { play } from '../rigs/qemu/stage.ts';
import { QUICK } from './quick.ts';

let machine: Machine;
let began = 0;

beforeAll(async () => {
  began = Date.now();
  const image = await switchImage();
  console.log(`qemu: the image is there after ${seconds(began)}`);
  machine = await Machine.boot({ image });
  console.log(`qemu: booted after ${seconds(began)}`);
});
afterAll(async () => {
  await machine?.close();
  console.log(`qemu: all played after ${seconds(began)}`);
});

describe('on a booted switch', () => {
  it('is another kernel than this one, with bridges that filter VLANs', async () => {
    expect(await machine.must('rollcall status')).toMatch(/can .*\bmab\b.*\bvlan_filtering\b/);
  });

  it.each(QUICK.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    play(machine, scenario),
  );
});

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
