// What must hold at the end of every run of the lab, whatever happened in it; what `rigs/sim/invariants.ts` asks of the simulated
// agent, asked of real parts from outside: the kernel's table, the agent's answers, what the broker has stored, the server's records.
//
// What is under way is given a moment. Who breaks one on purpose says so (`Excuses`), each with its reason; nothing is guessed.
// Limit: grants of layer 3, which are in the packet filter's sets, are not compared.

import assert from 'node:assert/strict';
import type { EventPayload } from '../../../src/report/event-payloads.ts';
import type { InfoPayload, SessionPayload } from '../../../src/report/payloads.ts';
import { bySession, distinct, judge, judgeCounts } from '../accounting-judge.ts';
import { accountingRow } from './accounting-row.ts';
import { TOPIC_BASE } from './agent.ts';
import type { FdbEntry } from './bridge.ts';
import type { MqttMessage } from './broker.ts';
import type { House } from './house.ts';
import { patience } from './patience.ts';
import { sleep } from './process.ts';

/**
 * `agent`: it runs and answers, without which nothing can be judged. `grants`: each grant of the kernel has a session, each session its
 * grants. `records`: each session has one Start, and one Stop as soon as it has ended. `prompt`: nobody outlives their last sign of
 * life by more than the handshake allows. `timers`: those of sessions are as many as sessions. `retained`: the session table is what
 * the broker has stored.
 */
export type Invariant = 'agent' | 'grants' | 'records' | 'prompt' | 'timers' | 'retained';

/** What a run breaks on purpose, and why. */
export type Excuses = Readonly<Partial<Record<Invariant, string>>>;

/** One machine said nothing in this time; `to` absent = it says nothing still. Milliseconds since 1970. */
export interface Silence {
  readonly mac: string;
  readonly from: number;
  readonly to?: number;
}

/** The agent did not run in this time. */
export interface Pause {
  readonly from: number;
  readonly to: number;
}

export interface Truth {
  readonly silences?: readonly Silence[];
  readonly pauses?: readonly Pause[];
  readonly excuses?: Excuses;
  /** By how much the agent's clock may differ from ours. */
  readonly clockSlackMs?: number;
  /** The agent's clock was stepped: times of its records are not judged. */
  readonly isClockStepped?: boolean;
  /** What is on its way has arrived by then: a Stop, a retained topic, the deletion of an entry. */
  readonly settledWithinMs?: number;
}

type Judged = Pick<House, 'lab' | 'radius' | 'upstream' | 'agentEnded' | 'request' | 'stored'>;

const SESSIONS = `${TOPIC_BASE}/session/`;
const SETTLED_WITHIN_MS = 10_000;
/** Beyond (N + 1) * T: a timer tick, and the dump that a verdict waits for. */
const VERDICT_SLACK_MS = 1_000;

/** Throws with a line for each breach. An agent that has drained, or was told to stop and has, is not asked any more. */
export async function assertInvariants(house: Judged, truth: Truth = {}): Promise<void> {
  const { excuses = {}, settledWithinMs = SETTLED_WITHIN_MS } = truth;
  if (excuses.agent !== undefined) return;
  const deadline = Date.now() + patience(settledWithinMs);
  for (;;) {
    if ((await house.agentEnded()) === 0) return;
    const breaches = await breachesOf(house, truth).catch((error: unknown) => [`agent: ${String(error)}`]);
    if (breaches.length === 0) return;
    if (Date.now() > deadline) assert.fail(`invariants at the end:\n${breaches.join('\n')}`);
    await sleep(200);
  }
}

async function breachesOf(house: Judged, truth: Truth): Promise<readonly string[]> {
  const { excuses = {} } = truth;
  const { sessions } = (await house.request('sessions', {})) as {
    readonly sessions: readonly SessionPayload[];
  };
  const info = (await house.request('info', {})) as InfoPayload;
  const said = (excuse: Invariant, find: () => readonly string[]): readonly string[] =>
    excuses[excuse] === undefined ? find().map((what) => `${excuse}: ${what}`) : [];
  const entries = await house.lab.fdb();
  const kept = excuses.retained === undefined ? await house.stored(`${SESSIONS}#`) : [];
  return [
    ...said('grants', () => misgranted(entries, sessions)),
    ...said('records', () => misrecorded(house, sessions, info, truth)),
    ...said('prompt', () => late(house, truth)),
    ...said('timers', () => mistimed(info)),
    ...said('retained', () => misretained(kept, sessions)),
  ];
}

/** As pa_grant writes it: static, so that it is not aged; sticky, so that its MAC moves nowhere. */
export function isGrant({ state, flags }: Pick<FdbEntry, 'state' | 'flags'>): boolean {
  return state === 'static' && flags.includes('sticky');
}

/**
 * Of a grant without a VLAN the kernel makes a copy in each VLAN of its port, where it knows VLANs at all, and takes them away with it
 * (br_fdb.c, br_fdb_add). Such a copy is no grant of its own; one that is alone is.
 */
function misgranted(entries: readonly FdbEntry[], sessions: readonly SessionPayload[]): readonly string[] {
  const grants = entries.filter((entry) => isGrant(entry) && isAccessPort(entry.ifname));
  const nameOf = ({ mac, ifname }: FdbEntry, vlan: number): string => `${mac} on ${ifname}, VLAN ${vlan}`;
  const is = grants.map((entry) => nameOf(entry, entry.vlan ?? 0));
  const own = grants
    .filter((entry) => entry.vlan === undefined || !is.includes(nameOf(entry, 0)))
    .map((entry) => nameOf(entry, entry.vlan ?? 0));
  const wanted = sessions
    .filter(({ layer }) => layer === 2)
    .flatMap(({ mac, port, vlan, tagged_vlans }) =>
      [...(vlan === null ? [] : [vlan]), ...tagged_vlans].map((each) => `${mac} on ${port}, VLAN ${each}`),
    );
  return [
    ...own
      .filter((grant) => !wanted.includes(grant))
      .map((grant) => `${grant} is granted, and nobody has a session for it`),
    ...wanted.filter((grant) => !is.includes(grant)).map((grant) => `${grant} has a session and no grant`),
  ];
}

function isAccessPort(name: string): boolean {
  return /^p\d+$/.test(name);
}

function misrecorded(
  { radius, upstream }: Judged,
  sessions: readonly SessionPayload[],
  info: InfoPayload,
  { isClockStepped = false }: Truth,
): readonly string[] {
  const rows = radius.accounting().map(accountingRow);
  const living = new Map(sessions.map((session) => [session.session_id, session]));
  const ended = new Set(
    eventsOf(upstream).flatMap((event) => (event.type === 'session-end' ? [event.session_id] : [])),
  );
  const pending = info.accounting.pending;
  const faults = pending === 0 ? [] : [`${pending} records are not acknowledged`];
  const heard = bySession(rows);
  for (const [id, { authenticated }] of living)
    if (authenticated && !heard.has(id)) faults.push(`session ${id} has no Start`);
  for (const [id, ofSession] of heard) {
    const starts = distinct(ofSession, 'Start').length;
    const stops = distinct(ofSession, 'Stop').length;
    if (!living.has(id)) continue;
    if (starts !== 1 || stops !== 0)
      faults.push(`session ${id}, living, has ${starts} Starts and ${stops} Stops`);
    if (ended.has(id)) faults.push(`session ${id} has ended, and lives`);
  }
  return [
    ...faults,
    ...(isClockStepped ? judgeCounts : judge)(rows.filter(({ sessionId }) => !living.has(sessionId))),
  ];
}

function mistimed({ counts }: InfoPayload): readonly string[] {
  const { sessions, session_timers: timers } = counts;
  return timers === sessions ? [] : [`${timers} timers of sessions, and there are ${sessions} sessions`];
}

function misretained(kept: readonly MqttMessage[], sessions: readonly SessionPayload[]): readonly string[] {
  const stored = new Map(kept.map(({ topic, payload }) => [topic.slice(SESSIONS.length), payload]));
  const faults = sessions.flatMap((session) => {
    const payload = stored.get(session.key);
    stored.delete(session.key);
    if (payload === undefined) return [`${session.key} has a session, and is not published`];
    const is = lasting(session);
    const was = lasting(JSON.parse(payload) as SessionPayload);
    return is === was ? [] : [`published is ${was}, and it is ${is}`];
  });
  return [...faults, ...[...stored.keys()].map((key) => `${key} is published, and has no session`)];
}

/** Without what the retained topic does not follow. */
function lasting({ last_seen, last_seen_by, session_time_s, handshake, ...session }: SessionPayload): string {
  const { silent_periods, ...settings } = handshake;
  return JSON.stringify({ ...session, settings });
}

/** Those that lived on while their client was silent for longer than the handshake, as it was set at its slowest, allows. */
function late(
  { upstream }: Judged,
  { silences = [], pauses = [], clockSlackMs = 0 }: Truth,
): readonly string[] {
  const now = Date.now();
  const events = eventsOf(upstream);
  const sessions = new Map<string, SessionPayload[]>();
  for (const { topic, payload } of upstream.messages) {
    if (!topic.startsWith(SESSIONS) || payload === '') continue;
    const session = JSON.parse(payload) as SessionPayload;
    sessions.set(session.session_id, [...(sessions.get(session.session_id) ?? []), session]);
  }
  return [...sessions].flatMap(([id, states]) => {
    const [first] = states;
    const bound = Math.max(...states.map(boundMs)) + clockSlackMs;
    if (first === undefined || !Number.isFinite(bound)) return [];
    const began = Date.parse(first.started);
    const end = events.find((event) => event.type === 'session-end' && event.session_id === id);
    const until = end?.type === 'session-end' ? Date.parse(end.decided) : now;
    return silences
      .filter(({ mac }) => mac === first.mac)
      .flatMap((silence) => {
        const from = Math.max(silence.from, began);
        const lasted = Math.min(silence.to ?? now, until) - from;
        const allowed = bound + graceMs(first, { from, to: from + lasted }, pauses, events);
        return lasted <= allowed
          ? []
          : [`${first.mac} was silent in its session for ${lasted} ms, and may for ${allowed} ms`];
      });
  });
}

/** (N + 1) * T and the slack; what is never judged by silence has no bound. */
function boundMs({ handshake, in_band, layer }: SessionPayload): number {
  const { period_s: period, times, keep } = handshake;
  if (period === 0 || keep || !in_band || layer === 3) return Number.POSITIVE_INFINITY;
  return (times + 1) * period * 1000 + VERDICT_SLACK_MS;
}

/** The agent begins to count anew where it did not run, with the first whole period; the guard gives one round more, once. */
function graceMs(
  { handshake }: SessionPayload,
  during: Pause,
  pauses: readonly Pause[],
  events: readonly EventPayload[],
): number {
  const period = handshake.period_s * 1000;
  const paused = pauses
    .filter(({ from, to }) => from < during.to && to > during.from)
    .reduce(
      (sum, { from, to }) => sum + (to - Math.max(from, during.from)) + (handshake.times + 2) * period,
      0,
    );
  const guarded = events.some(
    ({ type, time, ...event }) =>
      type === 'guard' &&
      'state' in event &&
      event.state === 'raised' &&
      Date.parse(time) >= during.from - period,
  );
  return paused + (guarded ? handshake.times * period : 0);
}

function eventsOf(upstream: Judged['upstream']): readonly EventPayload[] {
  return upstream.messages
    .filter(({ topic }) => topic.startsWith(`${TOPIC_BASE}/event/`))
    .map(({ payload }) => JSON.parse(payload) as EventPayload);
}
