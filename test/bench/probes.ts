// What watching costs. The agent's whole CPU time with 10,000 sessions that are quiet and answer probes, by the handshake
// of T seconds; and what one probe costs on its way out, the wheel included, against arp-scan.
//
// By the rule (src/liveness/handshake.ts) an answer is evidence for the period in which it arrives, so a client that only answers is
// probed in every second period: T = 3 s makes 1,667 probes a second, and T = 1.5 s the 3,333 of the goal.

import type { ConfigPart } from '../rigs/config-part.ts';
import { sleep } from '../rigs/lab/process.ts';
import { rollcall } from './authenticators.ts';
import { runChild } from './child.ts';
import type { Clients } from './clients.ts';
import { bringIn } from './memory.ts';
import type { Row } from './row.ts';
import { cpuMs, type Memory, memoryOf, Stage } from './stage.ts';
import { bridgeOf48 } from './table.ts';

export const SESSIONS = 10_000;
const MEASURED_S = 15;

export interface Watching {
  /** Of one core. */
  readonly percent: number;
  readonly probesPerSecond: number;
  readonly stillIn: number;
  /** The median of one look each second. */
  readonly memory: Memory;
}

/** With 10,000 sessions that are quiet and answer probes. `config` is laid over the bench's. */
export async function watching(stage: Stage, periodS: number, config: ConfigPart = {}): Promise<Watching> {
  const agent = await rollcall(stage, { periodS, config });
  const clients: Clients = await bringIn(stage, { from: 0, upTo: SESSIONS });
  await sleep(4000 * periodS);
  const before = { cpu: cpuMs(agent.pid), probes: await clients.arpRequests(), at: performance.now() };
  const memories: Memory[] = [];
  for (let second = 0; second < MEASURED_S; second++) {
    await sleep(1000);
    memories.push(memoryOf(agent.pid));
  }
  const tookMs = performance.now() - before.at;
  const cpu = cpuMs(agent.pid) - before.cpu;
  const probes = (await clients.arpRequests()) - before.probes;
  const { result } = (await agent.ask('status')) as {
    readonly result: { readonly counts: { readonly sessions: number } };
  };
  await clients.close();
  await agent.close();
  return {
    percent: (cpu / tookMs) * 100,
    probesPerSecond: (probes / tookMs) * 1000,
    stillIn: result.counts.sessions,
    memory: median(memories),
  };
}

function median(memories: readonly Memory[]): Memory {
  const sorted = [...memories].sort((a, b) => a.residentMb - b.residentMb);
  return sorted[Math.floor(sorted.length / 2)] ?? { residentMb: 0, anonymousMb: 0 };
}

const PROBES = 262_144;

/** Out of 48 ports of a bridge, and nobody answers; arp-scan asks as many addresses out of a veth, once each. */
export async function costOfOne(): Promise<Row> {
  const netns = await bridgeOf48();
  try {
    await netns.ip('link add v0 type veth peer name v1');
    await netns.ip('link set v1 up');
    await netns.ip('link set v0 up');
    const { cpuUs, probes } = await runChild<{ readonly cpuUs: number; readonly probes: number }>(
      netns,
      'probe-child',
      { bridge: 'br0', count: PROBES },
    );
    const scan = 'arp-scan -q -I v0 --arpspa=10.0.0.1 -r 1 -t 1 -B 1000000000 10.0.0.0/14';
    const said = await netns.must(
      ['bash', '-c', `TIMEFORMAT='%U %S'; { time ${scan} >&2; } 2>&1 | tail -n 1`],
      {
        timeoutMs: 60_000,
      },
    );
    const seconds = said
      .trim()
      .split(' ')
      .reduce((sum, part) => sum + Number(part), 0);
    if (!(seconds > 0)) throw new Error(`arp-scan: ${said}`);
    const ours = cpuUs / probes;
    const theirs = (seconds * 1e6) / PROBES;
    return {
      what: 'CPU per probe, the wheel included',
      ours: `${ours.toFixed(1)} µs`,
      against: `arp-scan ${theirs.toFixed(1)} µs`,
      ratio: ours / theirs,
      goal: 'at most half',
      reached: ours <= theirs / 2,
    };
  } finally {
    netns.close();
  }
}

export async function probeRows(): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    await stage.radius();
    await stage.broker();
    const rows: Row[] = [await costOfOne()];
    for (const periodS of [3, 1.5]) {
      const { percent, probesPerSecond, stillIn } = await watching(stage, periodS);
      rows.push({
        what: `CPU with ${SESSIONS} quiet sessions that answer probes, T = ${periodS} s: ${probesPerSecond.toFixed(0)} probes/s, ${stillIn} still in`,
        ours: `${percent.toFixed(1)} % of a core`,
        against: '',
        goal: '10 %',
        reached: percent <= 10,
      });
    }
    return rows;
  } finally {
    await stage.close();
  }
}
