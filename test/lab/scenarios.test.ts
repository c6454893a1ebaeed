// Every scenario of the simulated switch that a real one can play: the same bodies, on a bridge in namespaces, with real
// peers and the agent as it is shipped. They mostly wait, so some are played at the same time, each on a switch of its own.

import { describe, it } from 'vitest';
import { LabStage } from '../rigs/lab/stage.ts';
import { BYPASS } from '../scenarios/bypass.ts';
import { ENDING } from '../scenarios/ending.ts';
import { FAULTS } from '../scenarios/faults.ts';
import { HANDSHAKE } from '../scenarios/handshake.ts';
import { HOSTS } from '../scenarios/hosts.ts';
import { LEAVING } from '../scenarios/leaving.ts';
import { MOVING } from '../scenarios/moving.ts';
import type { Scenario } from '../scenarios/stage.ts';

/** The long ones first. */
const CHAPTERS: Readonly<Record<string, readonly Scenario[]>> = {
  'falls silent': HANDSHAKE,
  'when things go wrong': FAULTS,
  'beside others': HOSTS,
  'is put out': ENDING,
  'turns up elsewhere': MOVING,
  'gets in by its MAC': BYPASS,
  'comes and leaves': LEAVING,
};

const PLAYED_WITHIN_MS = 180_000;

describe.concurrent.each(Object.entries(CHAPTERS))('%s, really', (_, scenarios) => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    (_name, scenario) => LabStage.play(scenario),
    PLAYED_WITHIN_MS,
  );
});
