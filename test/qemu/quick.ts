// What `make test` plays of the booted switch: one scenario of each kind that takes another kernel or a machine of its own.

import type { PoweredScenario } from '../rigs/qemu/stage.ts';
import { HANDSHAKE } from '../scenarios/handshake.ts';
import { LEAVING } from '../scenarios/leaving.ts';
import type { Scenario, VlanStage } from '../scenarios/stage.ts';
import { VLANS } from '../scenarios/vlans.ts';
import { POWER } from './power.ts';

const NAMES = [
  'supplicant-logoff: out at once',
  'handshake-timeout: N - 1 probes, out between N and N + 1 periods after the last frame',
  'a VLAN of the server, by id and by name: the port is in it as long as the session lasts',
  'power is cut when the Stop is on its way: it comes once, with its cause, when the switch is back',
];

export const QUICK: readonly (Scenario<VlanStage> | PoweredScenario)[] = [
  ...LEAVING,
  ...HANDSHAKE,
  ...VLANS,
  ...POWER,
].filter(({ name }) => NAMES.includes(name));
