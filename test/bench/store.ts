// What the store costs: a record made durable alone and in company, beside a plain file that is appended to and synced;
// what is written of living sessions, and of events that wait for the broker. On the disk of the temporary folder.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeRecord } from '../../src/accounting/record-codec.ts';
import { keeping, type SessionRecord, storing } from '../../src/accounting/spool.ts';
import type { MachineTime, WallTime } from '../../src/base/time.ts';
import { openStore, type Store } from '../../src/io/store/store.ts';
import type { AcctStory } from '../../src/model/acct.ts';
import { NO_EVENTS } from '../../src/report/event-codec.ts';
import { EventLog } from '../../src/report/events.ts';
import { EVENTS, NOW } from '../report/samples.ts';
import { subject } from '../rigs/accounting-path.ts';
import type { Row } from './row.ts';

const ALONE = 200;
const HUNDREDS = 100;
const WAITING = 1_000;
/** radius.accounting.spool.evidence_s, as it is if nothing is said. */
const ROUNDS_PER_HOUR = 12;

function session(n: number, round: number): SessionRecord {
  const sessionTimeS = 300 * round;
  const counters = { inputOctets: n, outputOctets: round, inputPackets: 1, outputPackets: 1 };
  const at = (1e9 + 300_000 * round) as MachineTime;
  const story: AcctStory = {
    method: 'dot1x',
    role: 'default',
    started: 1 as WallTime,
    vlan: 0,
    lastSeenBy: 'fdb',
    probesSent: round,
    probesAnswered: round,
    seenAt: at,
    ownAt: at,
    interimAt: at,
  };
  const who = { ...subject(`5f0c29aa-${n.toString(16).padStart(6, '0')}`), story };
  return { kind: 'interim', eventTime: round as WallTime, subject: who, sessionTimeS, counters };
}

const stored = (store: Store, ref: number): Promise<string | undefined> =>
  new Promise((done) => store.write(storing({ ref, record: session(ref, 1) }), done));

/** Microseconds each. */
async function timed(count: number, act: (n: number) => Promise<unknown> | undefined): Promise<number> {
  const began = performance.now();
  for (let n = 1; n <= count; n++) await act(n);
  return ((performance.now() - began) * 1000) / count;
}

/** Octets that this process had written to a medium so far. */
function written(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

async function perSessionHour(store: Store, sessions: number): Promise<number> {
  const round = (n: number): Promise<unknown> => {
    for (let i = 1; i <= sessions; i += 500) {
      const some = Array.from({ length: Math.min(500, sessions - i + 1) }, (_, k) => session(i + k, n));
      store.write(some.map(keeping));
    }
    return stored(store, 1_000_000 + n);
  };
  await round(1);
  const before = written();
  await round(2);
  await round(3);
  return ((written() - before) / 2 / sessions) * ROUNDS_PER_HOUR;
}

/** Octets written of each event of sessions that begin and end, `together` at a time; and of its erasure, all at once. */
async function perEvent(
  store: Store,
  together: number,
): Promise<{ readonly kept: number; readonly erased: number }> {
  const log = new EventLog({ bootId: '5f0c29aa' });
  log.open(NO_EVENTS, NOW.mono);
  const news = EVENTS.filter(({ type }) => type === 'session-start' || type === 'session-end');
  const commit = (): Promise<unknown> =>
    new Promise((done) => store.write(log.toStore(NOW.mono, true), done));
  const before = written();
  for (let n = 0; n < WAITING; n++) {
    log.record(news[n % news.length] as (typeof EVENTS)[number], NOW);
    if (n % together === together - 1) await commit();
  }
  const kept = written() - before;
  for (let next = log.take(); next !== undefined; next = log.take()) log.acknowledged([next.ref], NOW.mono);
  await commit();
  return { kept: kept / WAITING, erased: (written() - before - kept) / WAITING };
}

export async function storeRows(): Promise<readonly Row[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-bench-store-'));
  try {
    const opened = openStore(folder, () => undefined);
    if (!opened.ok) throw new Error(opened.error);
    const { store } = opened.value;
    const plain = openSync(path.join(folder, 'plain'), 'a');
    const octets = encodeRecord(session(1, 1));
    const append = await timed(ALONE, () => {
      writeSync(plain, octets);
      fdatasyncSync(plain);
      return undefined;
    });
    closeSync(plain);
    const alone = await timed(ALONE, (n) => stored(store, n));
    const hundred = await timed(HUNDREDS, (n) =>
      Promise.all(Array.from({ length: 100 }, (_, i) => stored(store, 1000 + 100 * n + i))),
    );
    const few = await perSessionHour(store, 50);
    const many = await perSessionHour(store, 10_000);
    await store.close();
    // A small switch: a store that was large keeps long lists of free pages, of which each commit writes some.
    const small = openStore(path.join(folder, 'small'), () => undefined);
    if (!small.ok) throw new Error(small.error);
    await perSessionHour(small.value.store, 50);
    const single = await perEvent(small.value.store, 1);
    const burst = await perEvent(small.value.store, 50);
    await small.value.store.close();
    const kib = (value: number): string => `${(value / 1024).toFixed(1)} KiB`;
    return [
      {
        what: 'a record durable, each alone',
        ours: `${alone.toFixed(0)} µs`,
        against: `append and fdatasync ${append.toFixed(0)} µs`,
        goal: '',
      },
      {
        what: 'a record durable, by the hundred',
        ours: `${(hundred / 100).toFixed(1)} µs`,
        against: `append and fdatasync ${append.toFixed(0)} µs`,
        ratio: append / (hundred / 100),
        goal: '',
      },
      {
        what: 'written of living sessions, per session and hour',
        ours: `${kib(few)} with 50 sessions, ${kib(many)} with 10,000`,
        against: '',
        goal: '',
      },
      {
        what: 'written of an event while the broker is away; when it is erased',
        ours: `${kib(single.kept)} each alone, ${kib(burst.kept)} by 50; ${kib(single.erased)}`,
        against: '',
        goal: '',
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
