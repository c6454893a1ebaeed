// Resident memory with 0, 1,000 and 10,000 sessions on 48 ports, with an external broker and with the embedded one;
// hostapd with 0 and 2,000 beside it. The sessions are logged in as everybody is; what their logins left is collected
// as it comes, nobody calls the collector.

import { sleep } from '../rigs/lab/process.ts';
import { type Authenticator, hostapd, rollcall } from './authenticators.ts';
import { Clients } from './clients.ts';
import type { Row } from './row.ts';
import { type Memory, memoryOf, PORTS, Stage } from './stage.ts';

/** Below the sum of what 48 ports admit in the long run (pae/limits.ts): 10 newcomers a second each. */
const RATE = 400;
const SETTLE_MS = 5000;

/** Brings clients in until `upTo` have a session, `from` of which had one; they answer ARP until they are closed. */
export async function bringIn(
  stage: Stage,
  { from, upTo, ports = PORTS }: { readonly from: number; readonly upTo: number; readonly ports?: number },
): Promise<Clients> {
  const load = { first: 1 + from, count: upTo - from, window: 50, seconds: 300, rate: RATE, ports };
  const clients = await Clients.logIn(stage, { ...load, announce: true });
  const { begun, in: inside } = clients.logins;
  if (inside < begun * 0.99) throw new Error(`${inside} of ${begun} clients got in`);
  return clients;
}

async function memoryAt(
  stage: Stage,
  authenticator: Authenticator,
  { steps, ports = PORTS }: { readonly steps: readonly number[]; readonly ports?: number },
): Promise<readonly Memory[]> {
  const figures: Memory[] = [];
  const all: Clients[] = [];
  let from = 0;
  for (const upTo of steps) {
    if (upTo > from) all.push(await bringIn(stage, { from, upTo, ports }));
    from = upTo;
    await sleep(SETTLE_MS);
    figures.push(memoryOf(authenticator.pid));
  }
  for (const clients of all) await clients.close();
  await authenticator.close();
  return figures;
}

function say({ residentMb, anonymousMb }: Memory): string {
  return `${residentMb.toFixed(0)} MB (anonymous ${anonymousMb.toFixed(0)})`;
}

function row(what: string, memory: Memory | undefined, goalMb?: number): Row {
  if (memory === undefined) throw new Error(`not measured: ${what}`);
  const goal =
    goalMb === undefined ? { goal: '' } : { goal: `${goalMb} MB`, reached: memory.residentMb <= goalMb };
  return { what: `resident memory, ${what}`, ours: say(memory), against: '', ...goal };
}

export async function memoryRows(): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    await stage.radius();
    await stage.broker();
    const external = await memoryAt(stage, await rollcall(stage, { periodS: 15 }), {
      steps: [0, 1000, 10_000],
    });
    const embedded = await memoryAt(stage, await rollcall(stage, { periodS: 15, embedded: true }), {
      steps: [0, 10_000],
    });
    const peer = await memoryAt(stage, await hostapd(stage, { ports: 1 }), { steps: [0, 2000], ports: 1 });
    return [
      row('0 sessions, external broker', external[0], 80),
      row('1,000 sessions, external broker', external[1]),
      row('10,000 sessions, external broker', external[2], 100),
      row('0 sessions, embedded broker', embedded[0]),
      row('10,000 sessions, embedded broker', embedded[1], 125),
      ...peer.map((memory, i) => ({
        what: `resident memory, hostapd, ${i === 0 ? 0 : '2,000'} sessions on one port`,
        ours: '',
        against: say(memory),
        goal: '',
      })),
    ];
  } finally {
    await stage.close();
  }
}
