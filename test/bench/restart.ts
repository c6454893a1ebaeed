// 10,000 sessions on 48 ports, and the agent killed: how long the next start takes to have them all again, what it costs to
// keep them in the store meanwhile, and how large that is.

import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { sleep, until } from '../rigs/lab/process.ts';
import { rollcall } from './authenticators.ts';
import { bringIn } from './memory.ts';
import type { Row } from './row.ts';
import { cpuMs, Stage } from './stage.ts';

const SESSIONS = 10_000;
/** As short as it can be measured; what is kept so often by default. */
const EVIDENCE_S = 60;
const KEEPINGS_AN_HOUR = 12;

/** Octets that the process has caused to be written to the medium. */
function writtenOctets(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
}

export async function restartRows(): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    await stage.radius();
    await stage.broker();
    const config = { radius: { accounting: { spool: { evidence_s: EVIDENCE_S } } } };
    const agent = await rollcall(stage, { periodS: 15, config });
    const clients = await bringIn(stage, { from: 0, upTo: SESSIONS });
    await sleep(10_000);
    // Two rounds of keeping what is known, whole.
    const [octets, cpu, began] = [writtenOctets(agent.pid), cpuMs(agent.pid), Date.now()];
    await sleep(2 * EVIDENCE_S * 1000);
    const seconds = (Date.now() - began) / 1000;
    const atOnce = ((writtenOctets(agent.pid) - octets) / SESSIONS / seconds) * EVIDENCE_S;
    const busy = ((cpuMs(agent.pid) - cpu) / seconds / 1000) * 100;
    const store = statSync(path.join(agent.stateDir, 'accounting.mdb')).size;
    await agent.kill();
    const next = agent.launch();
    const said = async (message: string) =>
      JSON.parse(await next.waitForLine(new RegExp(`"${message}"`), { timeoutMs: 30_000 })) as {
        readonly kept: number;
        readonly ms: number;
      };
    const { kept } = await said('sessions of an earlier run go on');
    const { ms } = await said('the store is read');
    await until('it answers', async () => (await agent.cli('status')).code === 0, 30_000);
    await clients.close();
    await agent.close();
    return [
      row(
        `start after a kill, until ${kept} of ${SESSIONS} sessions are adopted`,
        `${ms} ms`,
        '2 s',
        ms <= 2000,
      ),
      row(
        'written to the medium for a session and hour, quiet clients',
        `${((atOnce * KEEPINGS_AN_HOUR) / 1000).toFixed(1)} kB`,
      ),
      row('CPU of 10,000 quiet sessions, T = 15 s, all of it', `${busy.toFixed(1)} %`),
      row('the store with 10,000 sessions', `${(store / 1e6).toFixed(1)} MB`),
    ];
  } finally {
    await stage.close();
  }
}

function row(what: string, ours: string, goal = '', reached?: boolean): Row {
  return { what, ours, against: '', goal, ...(reached === undefined ? {} : { reached }) };
}
