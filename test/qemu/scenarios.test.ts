// Every scenario of the lab that a booted switch can play: the same bodies, on another kernel, with the agent as its package
// installs it. One machine, one scenario after the other.

import { afterAll, beforeAll, describe, it } from 'vitest';
import { switchImage } from '../rigs/qemu/image.ts';
import { Machine } from '../rigs/qemu/machine.ts';
import { play } from '../rigs/qemu/stage.ts';
import { CHAPTERS } from '../scenarios/chapters.ts';

let machine: Machine;

beforeAll(async () => {
  // Ten clients are silenced at once in one of them.
  machine = await Machine.boot({ image: await switchImage(), ports: 10 });
});
afterAll(() => machine?.close());

describe.each(Object.entries(CHAPTERS))('%s, on a booted switch', (_, scenarios) => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    play(machine, scenario),
  );
});
