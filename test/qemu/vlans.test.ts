// VLANs on a booted switch, whose bridge filters them: those that a server gives, guest and auth-fail and critical ones, voice,
// tagged ports. And MAB by the kernel's own notices, on a kernel that is not the lab's.

import { afterAll, beforeAll, describe, it } from 'vitest';
import { switchImage } from '../rigs/qemu/image.ts';
import { Machine } from '../rigs/qemu/machine.ts';
import { play } from '../rigs/qemu/stage.ts';
import { VLAN_FALLBACKS } from '../scenarios/vlan-fallbacks.ts';
import { VLANS } from '../scenarios/vlans.ts';
import { KERNEL_MAB } from './kernel-mab.ts';

let machine: Machine;

beforeAll(async () => {
  machine = await Machine.boot({ image: await switchImage() });
});
afterAll(() => machine?.close());

describe('in a VLAN, on a booted switch', () => {
  it.each([...VLANS, ...VLAN_FALLBACKS].map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    (_name, scenario) => play(machine, scenario),
  );
});

describe('by its MAC, on a booted switch', () => {
  it.each(KERNEL_MAB.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    play(machine, scenario),
  );
});
