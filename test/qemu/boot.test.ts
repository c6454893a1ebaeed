// From power-on to the first session, on a machine that boots (boot.ts has what happens).

import { afterAll, beforeAll, describe, it } from 'vitest';
import { switchImage } from '../rigs/qemu/image.ts';
import { Machine } from '../rigs/qemu/machine.ts';
import { play } from '../rigs/qemu/stage.ts';
import { BOOT } from './boot.ts';

let machine: Machine;

beforeAll(async () => {
  machine = await Machine.boot({ image: await switchImage() });
});
afterAll(() => machine?.close());

describe('boot', () => {
  it.each(BOOT.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    play(machine, scenario),
  );
});
