// Every scenario on the simulated switch, in fake time, with the invariants looked at after each input of the agent.

import { describe, it } from 'vitest';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { BYPASS } from './bypass.ts';
import { BYPASS_FALLBACKS } from './bypass-fallbacks.ts';
import { ENDING } from './ending.ts';
import { FAULTS, FAULTS_SIMULATED } from './faults.ts';
import { HANDSHAKE } from './handshake.ts';
import { HOSTS, HOSTS_SIMULATED } from './hosts.ts';
import { LEAVING } from './leaving.ts';
import { MOVING } from './moving.ts';
import type { FaultStage, Scenario } from './stage.ts';
import { VLAN_FALLBACKS } from './vlan-fallbacks.ts';
import { VLAN_FAULTS } from './vlan-faults.ts';
import { VLANS } from './vlans.ts';

const CHAPTERS: Readonly<Record<string, readonly Scenario<FaultStage>[]>> = {
  'comes and leaves': LEAVING,
  'falls silent': HANDSHAKE,
  'is put out': ENDING,
  'turns up elsewhere': MOVING,
  'beside others': [...HOSTS, ...HOSTS_SIMULATED],
  'in a VLAN': [...VLANS, ...VLAN_FALLBACKS, ...VLAN_FAULTS],
  'gets in by its MAC': BYPASS,
  'gets in by nobody': BYPASS_FALLBACKS,
  'when things go wrong': [...FAULTS, ...FAULTS_SIMULATED],
};

describe.each(Object.entries(CHAPTERS))('%s', (_, scenarios) => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) =>
    SimulatedStage.play(scenario),
  );
});
