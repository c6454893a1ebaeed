// Every scenario of the simulated switch that a real one can play: the same bodies, on a bridge in namespaces, with real
// peers and the agent as it is shipped. They mostly wait, so some are played at the same time, each on a switch of its own.

import { describe, it } from 'vitest';
import { LabStage } from '../rigs/lab/stage.ts';
import { CHAPTERS } from '../scenarios/chapters.ts';

const PLAYED_WITHIN_MS = 180_000;

describe.concurrent.each(Object.entries(CHAPTERS))('%s, really', (_, scenarios) => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    (_name, scenario) => LabStage.play(scenario),
    PLAYED_WITHIN_MS,
  );
});
