// A short run of chaos (`make chaos` has the long one): who is in stays in, who has gone is out, every record is there once, and nobody
// passes without a grant, while the agent, its servers, its disk, its clock, its ports and its bridge's table fail.

import { expect, it } from 'vitest';
import { runChaos } from '../chaos/run.ts';
import { breachesOf, tableOf } from '../chaos/table.ts';
import { judgeRun } from '../chaos/verdict.ts';

const SEED = 6;
const DURATION_MS = 40_000;
const CLIENTS = 40;

it(`${CLIENTS} clients, ${DURATION_MS / 1000} s, seed ${SEED}: nothing lost, nothing doubled, nobody put out, nobody let in`, async () => {
  const run = await runChaos({
    seed: SEED,
    durationMs: DURATION_MS,
    clients: CLIENTS,
    hosts: 4,
    crowdPorts: 8,
    periodS: 2,
    times: 3,
  });
  const verdict = judgeRun(run.evidence);
  const broken = breachesOf(run, verdict).filter(({ found }) => found.length > 0);
  const table = tableOf(run, verdict, { seed: SEED, minutes: DURATION_MS / 60_000, clients: CLIENTS });
  expect(broken, table).toEqual([]);
  // It was one: faults came, and many came and went.
  expect(run.faults.size, table).toBeGreaterThanOrEqual(8);
  expect(run.evidence.sessions.length, table).toBeGreaterThanOrEqual(CLIENTS);
}, 180_000);
