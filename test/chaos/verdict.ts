// What a run of chaos is judged by: what truly happened (the ledger) against what the switch said and did. Pure.
//
// Times are milliseconds since 1970, of one clock.

import { bySession, distinct } from '../rigs/accounting-judge.ts';
import type { AccountingRow } from '../scenarios/stage.ts';

/** From when somebody wants in until they want no more. */
export interface TrueStay {
  readonly mac: string;
  readonly port: string;
  from: number;
  /** It began to leave, or the order to put it out was given: from then on it may be out. Absent = it is there still. */
  asked?: number;
  /** Nothing came from it any more. */
  left?: number;
  /** It says something by itself, and so does not depend on being asked. */
  readonly talks?: boolean;
  /** Its way of leaving. */
  readonly how: string;
}

/** A reason for sessions to end: on one port, or on all. */
export interface Disturbance {
  readonly name: string;
  /** '' = of all. */
  readonly port: string;
  readonly from: number;
  to?: number;
  /** Only where no agent ran then, or within the aftermath. */
  readonly ifUnseen?: boolean;
}

/** An event, as it arrived. */
export interface Arrived {
  /** Which life of the agent it is of. */
  readonly boot: string;
  /** From 1 in each. */
  readonly seq: number;
}

export interface Span {
  readonly from: number;
  to?: number;
}

/** As the switch told of it. */
export interface ToldSession {
  readonly id: string;
  readonly mac: string;
  readonly port: string;
  readonly started: number;
  /** The switch knew an address to ask its client by; it does if absent. */
  readonly isAddressed?: boolean;
  readonly end?: {
    /** As of when it is over; before `told` where it was found out later, as after a start. */
    readonly decided: number;
    readonly told: number;
    readonly revoked: number;
    readonly cause: string;
  };
}

export interface Evidence {
  readonly periodMs: number;
  readonly times: number;
  readonly boundMs: number;
  readonly stays: readonly TrueStay[];
  readonly disturbances: readonly Disturbance[];
  /** When the agent did not run. */
  readonly pauses: readonly Span[];
  /** From when the agent was killed, or could have been at any moment, until the next one ran: of these pauses. */
  readonly kills: readonly Span[];
  /** When ports began to join the bridge, open as the kernel makes them. */
  readonly joinings: readonly Span[];
  /** When nothing could be written, until the next agent ran: it knows nothing of what happened then. */
  readonly unwritten: readonly Span[];
  /** When the guard stepped in. */
  readonly guards: readonly number[];
  readonly sessions: readonly ToldSession[];
  readonly rows: readonly AccountingRow[];
  readonly passed: readonly { readonly at: number; readonly mac: string }[];
  /** In the order of their arrival. */
  readonly events: readonly Arrived[];
  /** Entries that a foreign hand wrote. */
  readonly forged: readonly { readonly mac: string; readonly at: number }[];
  /** When it is all over: whoever is in still is so by right. */
  readonly over: number;
}

export interface Verdict {
  readonly falseLogouts: readonly string[];
  /** Put out in silence, and never asked: nobody could have told the switch their address, since it was killed when they did. */
  readonly unaddressed: readonly string[];
  readonly missedLogouts: readonly string[];
  readonly lostRecords: readonly string[];
  /** Sessions so young at a kill that nothing of them was on disk: they have no record at all, and their client comes in anew. */
  readonly forgotten: readonly string[];
  /** Records lost of sessions that began while nothing could be written, and Stops doubled of those that ended: the next agent cannot know. */
  readonly unwritten: readonly string[];
  readonly doubledRecords: readonly string[];
  /** That did not arrive, or after those of a later life. */
  readonly lostEvents: readonly string[];
  readonly trespasses: readonly string[];
  /** Frames of users who were there and let in, by an agent that was killed before it could tell anybody of the session. */
  readonly untold: readonly string[];
  /** Frames through a port that had just joined the bridge and was not locked yet: how long after the last had joined, in milliseconds. */
  readonly beforeLockMs: readonly number[];
  /** From the last sign of life to the decision, of those who left in silence and undisturbed. */
  readonly vanishedMs: readonly number[];
}

/** Between two clocks of one machine, and from the wire to the book. */
const CLOCK_MS = 100;
/** What has happened is heard of, and acted on, within so long while the agent runs. */
const AFTERMATH_MS = 3_000;
/** Of an end that no event has told of. */
const BY_ITS_STOP = 'by its Stop';
/** What is this old at a kill is on disk. */
const YOUNG_MS = 2_000;
/** A frame that was in the switch when its entry was deleted, or came before the event's own time was taken. */
const IN_FLIGHT_MS = 100;
/**
 * An event that an agent had not sent when it was killed is lost with it, and its record is not: what is missing of a session is
 * taken from there, to the second.
 */
export function completed(
  sessions: readonly ToldSession[],
  rows: readonly AccountingRow[],
  known: ReadonlyMap<string, { readonly mac: string; readonly port: string }>,
): readonly ToldSession[] {
  const told = new Map(sessions.map((session) => [session.id, session]));
  return [...bySession(rows)]
    .map(([id, ofSession]): ToldSession => {
      const time = (status: AccountingRow['status']): number | undefined => {
        const found = ofSession.find((row) => row.status === status);
        return found === undefined ? undefined : found.eventS * 1000;
      };
      const { mac, port } = known.get(id) ?? { mac: '', port: '' };
      const session = told.get(id) ?? { id, mac, port, started: time('Start') ?? 0 };
      const stopped = time('Stop');
      if (session.end !== undefined || stopped === undefined) return session;
      const upTo = stopped + 1_000;
      return { ...session, end: { decided: stopped, told: upTo, revoked: upTo, cause: BY_ITS_STOP } };
    })
    .concat(sessions.filter(({ id }) => !rows.some(({ sessionId }) => sessionId === id)));
}

export function judgeRun(evidence: Evidence): Verdict {
  return {
    ...falseLogouts(evidence),
    missedLogouts: missedLogouts(evidence),
    ...records(evidence),
    lostEvents: lostEvents(evidence),
    ...trespasses(evidence),
    vanishedMs: vanished(evidence),
  };
}

function falseLogouts(evidence: Evidence): Pick<Verdict, 'falseLogouts' | 'unaddressed'> {
  const { sessions, stays, disturbances, pauses, over } = evidence;
  const byMac = byMacOf(stays);
  const falseLogouts: string[] = [];
  const unaddressed: string[] = [];
  for (const { id, mac, port, end, isAddressed = true } of sessions) {
    if (end === undefined || end.decided >= over - CLOCK_MS) continue;
    const disturbed = disturbances.some(
      (each) =>
        (each.port === '' || each.port === port) &&
        (each.ifUnseen !== true || isUnseen(each, pauses, over)) &&
        each.from - CLOCK_MS <= end.told &&
        end.decided <= awareBy(each.to ?? over, pauses, over),
    );
    const own = byMac.get(mac) ?? [];
    if (disturbed || hasLeft(own, end.told, pauses, over)) continue;
    const isMute =
      !isAddressed && end.cause === 'handshake-timeout' && own.every(({ talks }) => talks === false);
    const list = isMute ? unaddressed : falseLogouts;
    list.push(`${at(end.decided)} ${mac} on ${port}, session ${id}: ${end.cause}`);
  }
  return { falseLogouts, unaddressed };
}

/** The latest moment at which a session may be ended whose user left then. */
export function deadlineOf(
  left: number,
  evidence: Pick<Evidence, 'pauses' | 'guards' | 'boundMs' | 'periodMs' | 'times' | 'over'>,
): number {
  const { pauses, guards, boundMs, periodMs, times, over } = evidence;
  let deadline = left + boundMs;
  // Whoever did not run counts anew from the first period that lies wholly after it (rigs/sim/invariants.ts).
  for (const { from, to = over } of pauses)
    if (from <= deadline && to >= left - periodMs) deadline = Math.max(deadline, to + periodMs + boundMs);
  const guarded = guards.some((when) => when >= left - periodMs && when <= deadline);
  return guarded ? deadline + times * periodMs : deadline;
}

function isUnseen({ from, to = from }: Disturbance, pauses: readonly Span[], over: number): boolean {
  return pauses.some((pause) => pause.from <= to + AFTERMATH_MS && (pause.to ?? over) >= from);
}

/** The end of the times without an agent that began at this moment, or within the aftermath of it. */
function pausedUntil(when: number, pauses: readonly Span[], over: number): number {
  const by = awareBy(when, pauses, over);
  return by === when + AFTERMATH_MS ? when : by;
}

/** What happens while the agent does not run it hears of when it does. */
function awareBy(when: number, pauses: readonly Span[], over: number): number {
  let by = when + AFTERMATH_MS;
  for (const { from, to = over } of pauses)
    if (from <= by && to >= when) by = Math.max(by, to + AFTERMATH_MS);
  return by;
}

function hasLeft(stays: readonly TrueStay[], when: number, pauses: readonly Span[], over: number): boolean {
  const at = stays.findLastIndex(({ from }) => from <= when + CLOCK_MS);
  const last = stays[at];
  if (last?.asked !== undefined && last.asked <= when + CLOCK_MS) return true;
  // It had left, and was back in that moment.
  return last !== undefined && at > 0 && when <= awareBy(last.from, pauses, over);
}

function missedLogouts(evidence: Evidence): readonly string[] {
  const { over } = evidence;
  // One that a kill met in its first moments, or whose beginning no disk took, has no end to be told of.
  const sessions = evidence.sessions.filter(
    (each) =>
      each.end !== undefined || !(isKilled(each.started, evidence) || isUnwritten(each.started, evidence)),
  );
  const byMac = byMacOf(sessions);
  return [...byMacOf(evidence.stays)].flatMap(([mac, stays]) =>
    stays.flatMap(({ port, left, how }, n) => {
      if (left === undefined) return [];
      const back = stays[n + 1]?.from ?? Number.POSITIVE_INFINITY;
      return (byMac.get(mac) ?? []).flatMap(({ id, started, end }) => {
        if (started >= back || (end !== undefined && end.decided <= left)) return [];
        // A login that was under way begins its session after its client has left.
        const gone = Math.max(left, started);
        const deadline = deadlineOf(gone, evidence);
        if (deadline > over || back <= deadline || (end !== undefined && end.decided <= deadline)) return [];
        const what =
          end === undefined ? 'never ended' : `ended ${end.decided - gone} ms later (${end.cause})`;
        return [
          `${at(gone)} ${mac} on ${port} left (${how}); session ${id} ${what}, allowed ${deadline - gone} ms`,
        ];
      });
    }),
  );
}

function records(
  evidence: Evidence,
): Pick<Verdict, 'lostRecords' | 'forgotten' | 'unwritten' | 'doubledRecords'> {
  const { sessions, rows } = evidence;
  const heard = bySession(rows);
  const told = new Map(sessions.map((session) => [session.id, session]));
  const lostRecords: string[] = [];
  const forgotten: string[] = [];
  const unwritten: string[] = [];
  const doubledRecords: string[] = [];
  for (const id of new Set([...heard.keys(), ...told.keys()])) {
    const session = told.get(id);
    const itsRows = heard.get(id) ?? [];
    if (itsRows.length === 0 && session !== undefined && isKilled(session.started, evidence)) {
      forgotten.push(`session ${id}`);
      continue;
    }
    const timesOf = (kind: AccountingRow['status']): readonly number[] =>
      itsRows.filter(({ status }) => status === kind).map(({ eventS }) => eventS * 1000);
    const began = [session?.started, ...timesOf('Start')];
    const ended = [session?.end?.decided, ...timesOf('Stop')];
    const wasUnwritten = (moments: readonly (number | undefined)[]): boolean =>
      moments.some((when) => when !== undefined && isUnwritten(when, evidence));
    for (const kind of ['Start', 'Stop'] as const) {
      const found = distinct(itsRows, kind).length;
      // The next agent does not know of it.
      if (found === 0) (wasUnwritten(began) ? unwritten : lostRecords).push(`session ${id} has no ${kind}`);
      // To the next agent it goes on.
      const isExcused = kind === 'Stop' && wasUnwritten(ended);
      if (found > 1) (isExcused ? unwritten : doubledRecords).push(`session ${id} has ${found} of ${kind}`);
    }
  }
  return { lostRecords, forgotten, unwritten, doubledRecords };
}

/** No disk took what happened then, or what had happened just before. */
function isUnwritten(when: number, { unwritten, over }: Pick<Evidence, 'unwritten' | 'over'>): boolean {
  return unwritten.some(({ from, to = over }) => from - YOUNG_MS <= when && when <= to);
}

/** It had just happened when the agent was killed. */
function isKilled(when: number, { kills, over }: Pick<Evidence, 'kills' | 'over'>): boolean {
  return kills.some(({ from, to = over }) => from - YOUNG_MS <= when && when <= to);
}

/** The last that a killed life had to tell may be lost with it; what came before may not, and repeats are none. */
function lostEvents(evidence: Evidence): readonly string[] {
  const lastOf = new Map<string, number>();
  const gaps = evidence.events.flatMap(({ boot, seq }) => {
    const last = lastOf.get(boot) ?? 0;
    if (seq <= last) return [];
    const isOvertaken = lastOf.has(boot) && [...lastOf.keys()].at(-1) !== boot;
    lastOf.set(boot, seq);
    if (isOvertaken) return [`${boot} ${seq} arrived after those of a later life`];
    return seq === last + 1 ? [] : [`${boot} ${last + 1} to ${seq - 1} did not arrive`];
  });
  const untold = evidence.sessions.flatMap(({ id, end }) => {
    if (end?.cause !== BY_ITS_STOP || isKilled(end.told, evidence) || isUnwritten(end.decided, evidence))
      return [];
    return [`${at(end.decided)} nobody was told of the end of session ${id}`];
  });
  return [...gaps, ...untold];
}

function grantedUntil({ started, end }: ToldSession, evidence: Evidence): number {
  const { pauses, kills, unwritten, over } = evidence;
  // Dated back by a start, which only then removed what was left.
  if (end !== undefined) return Math.max(end.revoked + IN_FLIGHT_MS, pausedUntil(end.decided, pauses, over));
  // One that is forgotten has no end to be told of: the next agent takes away what it had.
  const forgotten = [
    ...kills.filter((span) => isKilled(started, { kills: [span], over })),
    ...unwritten.filter((span) => isUnwritten(started, { unwritten: [span], over })),
  ];
  return forgotten.length === 0
    ? Number.POSITIVE_INFINITY
    : Math.max(...forgotten.map(({ to = over }) => awareBy(to, pauses, over)));
}

function trespasses(evidence: Evidence): Pick<Verdict, 'trespasses' | 'untold' | 'beforeLockMs'> {
  const { passed, sessions, stays, forged, pauses, joinings, over } = evidence;
  const byMac = byMacOf(sessions);
  const staysByMac = byMacOf(stays);
  const forgedByMac = byMacOf(forged);
  const beforeLockMs: number[] = [];
  const untold: string[] = [];
  const trespasses = passed.flatMap(({ at: when, mac }) => {
    const granted = (byMac.get(mac) ?? []).some(
      (session) => session.started - IN_FLIGHT_MS <= when && when <= grantedUntil(session, evidence),
    );
    if (granted) return [];
    const isWithin = (since: number): boolean => since <= when && when <= awareBy(since, pauses, over);
    if ((forgedByMac.get(mac) ?? []).some((each) => isWithin(each.at))) return [];
    const joined = joinings.find(({ from, to = over }) => from <= when && when <= awareBy(to, pauses, over));
    if (joined !== undefined) {
      beforeLockMs.push(Math.max(0, when - (joined.to ?? over)));
      return [];
    }
    const what = `${at(when)} ${mac}`;
    const isThere = (staysByMac.get(mac) ?? []).some(
      ({ from, asked = over }) => from <= when && when <= asked,
    );
    if (!isThere || !isKilled(when, evidence)) return [what];
    untold.push(what);
    return [];
  });
  return { trespasses, untold, beforeLockMs };
}

function vanished({
  stays,
  sessions,
  pauses,
  guards,
  boundMs,
  periodMs,
  times,
  over,
}: Evidence): readonly number[] {
  const calm = { pauses, guards, boundMs, periodMs, times, over };
  return stays.flatMap(({ mac, left, how }) => {
    if (how !== 'vanish' || left === undefined || deadlineOf(left, calm) > left + boundMs) return [];
    // Whoever was back by then is no silence that was noticed.
    if (stays.some((later) => later.mac === mac && later.from > left && later.from <= left + boundMs))
      return [];
    const session = sessions.find(
      ({ mac: its, started, end }) => its === mac && started <= left && (end?.decided ?? 0) >= left,
    );
    return session?.end?.cause === 'handshake-timeout' ? [session.end.decided - left] : [];
  });
}

function byMacOf<T extends { readonly mac: string }>(
  things: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of things) groups.set(each.mac, [...(groups.get(each.mac) ?? []), each]);
  return groups;
}

function at(when: number): string {
  return new Date(when).toISOString().slice(11, 23);
}
