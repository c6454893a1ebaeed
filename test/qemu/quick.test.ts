// What `make test` plays of the booted switch: one boot, one scenario of each kind that takes a machine of its own or another
// kernel, one power cut. `make qemu-test` plays all.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { switchImage } from '../rigs/qemu/image.ts';
import { Machine } from '../rigs/qemu/machine.ts';
import { play } from '../rigs/qemu/stage.ts';
import { HANDSHAKE } from '../scenarios/handshake.ts';
import { LEAVING } from '../scenarios/leaving.ts';
import type { Scenario, VlanStage } from '../scenarios/stage.ts';
import { VLANS } from '../scenarios/vlans.ts';
import { POWER } from './power.ts';

const [logoff] = LEAVING;
const [timeout] = HANDSHAKE;
const [, vlan] = VLANS;
const QUICK = [logoff, timeout, vlan, POWER.at(-1)].filter(
  (scenario): scenario is Scenario<VlanStage> => scenario !== undefined,
);

let machine: Machine;
let began = 0;

beforeAll(async () => {
  began = Date.now();
  machine = await Machine.boot({ image: await switchImage() });
  console.log(`qemu: made and booted within ${seconds(began)}`);
});
afterAll(async () => {
  await machine?.close();
  console.log(`qemu: all within ${seconds(began)}`);
});

describe('on a booted switch', () => {
  it('is another kernel than this one, with bridges that filter VLANs', async () => {
    const info = await machine.must(
      'rollcall status --json || rollcall status --socket /run/rollcall/control.sock --json',
    );
    expect(info).toContain('vlan_filtering');
  });

  it.each(QUICK.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    play(machine, scenario),
  );
});

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
