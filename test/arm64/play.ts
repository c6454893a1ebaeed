// Plays scenarios of the lab on the machine that it runs on, without vitest: in the arm64 machine there is only Node.
//
//   node test/rigs/lab/play.mjs PATTERN      those whose name has it; bundled to there, so that the rigs find what they look for
//
// A line each; the exit code is 1 if one failed, or none was found.

import { everythingHeard } from '../rigs/lab/broker.ts';
import { Contract } from '../rigs/lab/contract.ts';
import { LabStage } from '../rigs/lab/stage.ts';
import { LabVlanStage } from '../rigs/lab/vlan-stage.ts';
import { BYPASS } from '../scenarios/bypass.ts';
import { ENDING } from '../scenarios/ending.ts';
import { FAULTS } from '../scenarios/faults.ts';
import { HANDSHAKE } from '../scenarios/handshake.ts';
import { HOSTS } from '../scenarios/hosts.ts';
import { LEAVING } from '../scenarios/leaving.ts';
import { MOVING } from '../scenarios/moving.ts';
import { VLAN_FALLBACKS } from '../scenarios/vlan-fallbacks.ts';
import { VLANS } from '../scenarios/vlans.ts';

interface Play {
  readonly name: string;
  readonly play: () => Promise<void>;
}

const plain = [BYPASS, ENDING, FAULTS, HANDSHAKE, HOSTS, LEAVING, MOVING].flat();
const inVlans = [VLANS, VLAN_FALLBACKS].flat();
const all: readonly Play[] = [
  ...plain.map((scenario) => ({ name: scenario.name, play: () => LabStage.play(scenario) })),
  ...inVlans.map((scenario) => ({ name: scenario.name, play: () => LabVlanStage.play(scenario) })),
];

const pattern = new RegExp(process.argv[2] ?? '');
const chosen = all.filter(({ name }) => pattern.test(name));
let failed = chosen.length === 0;
if (failed) console.log(`arm64: no scenario is called like ${pattern}`);

// One after the other: an emulated machine makes those late that share it.
for (const { name, play } of chosen) {
  const start = Date.now();
  const fault = await play().then(
    () => undefined,
    (error: unknown) => error,
  );
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(`arm64: ${fault === undefined ? 'ok' : 'FAILED'}: scenario: ${name} (${seconds} s)`);
  if (fault === undefined) continue;
  failed = true;
  console.log(String(fault instanceof Error ? fault.message : fault).replace(/^/gm, '    '));
}
const contract = new Contract();
const faults = everythingHeard().flatMap((heard) => contract.judge(heard).faults);
for (const fault of faults) console.log(`arm64: FAILED: not as docs/asyncapi.yaml says: ${fault}`);
process.exit(failed || faults.length > 0 ? 1 : 0);
