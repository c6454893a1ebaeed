// `make chaos SEED=1 MINUTES=20`: 200 clients for so long, all faults mixed; a table of what came of it. Ends with 1 if anything
// was lost, doubled, missed or let in.
//
// argv: [SEED [MINUTES [CLIENTS]]]

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Run, runChaos } from './run.ts';
import { isGood, tableOf } from './table.ts';
import { judgeRun } from './verdict.ts';

const [seed = 1, minutes = 20, clients = 200] = process.argv.slice(2).map(Number);
const HOSTS = 16;
const CROWD_PORTS = 24;
const PERIOD_S = 5;
const TIMES = 3;

const run = await runChaos({
  seed,
  durationMs: minutes * 60_000,
  clients,
  hosts: Math.min(HOSTS, Math.ceil(clients / 4)),
  crowdPorts: CROWD_PORTS,
  periodS: PERIOD_S,
  times: TIMES,
  say: (line) => console.log(line),
});
const verdict = judgeRun(run.evidence);
console.log(`\n${tableOf(run, verdict, { seed, minutes, clients })}`);
if (process.env.CHAOS_LOG !== undefined) writeRun(process.env.CHAOS_LOG, run);
process.exitCode = isGood(run, verdict) ? 0 : 1;

/** What one needs to see why: the agents' logs, what the broker handed on, and the evidence. */
function writeRun(folder: string, { log, heard, evidence }: Run): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'agent.log'), `${log.join('\n')}\n`);
  writeFileSync(
    path.join(folder, 'mqtt.log'),
    heard.map((message) => `${JSON.stringify(message)}\n`).join(''),
  );
  writeFileSync(
    path.join(folder, 'evidence.json'),
    JSON.stringify({ ...evidence, passed: evidence.passed.length }, null, 1),
  );
}
