// The handshake: is this client still there? One machine per session; the rule, word for word:
//
//   1. The timer starts when the session starts. It runs in periods of T.
//   2. Evidence within a period: at the period's end the client is online and the silent count returns to 0.
//   3. The 1st, 2nd, ... (N-1)th silent period in a row ends with one probe each. An answer is evidence for the
//      period in which it arrives.
//   4. The Nth silent period in a row ends the session.
//
// How it is kept: evidence only moves `lastSeen`, an absolute time, so a table dump that tells of a thousand clients
// costs a thousand comparisons. The count is derived at the period's end from `lastSeen`, so late news of earlier
// evidence counts for the period in which it happened. One bit per ended period remembers whether it may count: the
// bit is 0 where the probe was withheld and where the agent slept through the period. Hence N is at most 32
// (HANDSHAKE_TIMES_MAX), which the schemas of the configuration and of commands see to.
//
// When a period is judged: a period in which evidence is known has its verdict at once. One that seems silent waits
// for a table dump that is newer than its end (`sweep-needed`): for the Nth that is the rule (`urgent`), for the
// earlier ones it keeps the number of probes exactly N-1, because a probe for a client that did speak just before the
// period's end is never sent. A caller that would rather probe early passes a `sweptAt` that is late by as much as it
// tolerates, for periods that are not urgent; one without a table passes the present.
//
// Evidence after the period's end, while the dump is awaited, is as good: the Nth does not end the session, which is
// never ended sooner than N*T after the last sign of life that we know of, and an earlier one needs no probe.
//
// Phases: periods end at start + k*T for ever, so sessions are as spread as their logins were; a caller that restores
// many at once gives them starts spread over T. A change of T at run time starts a new count, at the first such
// multiple of the new T that is at least a whole period away.
//
// Trade: a session is told to end a little after (N+1)*T at most, by the dump's wait. Limits: no clock, no frames;
// what a probe is and whether it may be sent is probing.ts, whether a verdict stands is guard.ts.

import { assertNever } from '../base/result.ts';
import {
  after,
  earliest,
  type Instant,
  instant,
  LONG_AGO,
  type Millis,
  millis,
  NEVER,
} from '../base/time.ts';
import { HANDSHAKE_TIMES_MAX } from '../model/probe.ts';
import type { EndEvidence, EvidenceKind } from '../model/session.ts';
import type { Presence } from './guard.ts';
import type { HandshakeSettings } from './settings.ts';
import { sweepInterval } from './sweep.ts';

export type HandshakeEvent =
  /** `pollAt` is reached, or a table dump has been taken in. Everything before `sweptAt` is known. */
  | { readonly type: 'tick'; readonly sweptAt: Instant }
  /** The probe asked for is on its way; `number` as in the effect. */
  | { readonly type: 'probe-sent'; readonly number: number }
  /** The probe asked for was withheld: its period does not count. */
  | { readonly type: 'probe-withheld'; readonly number: number }
  /** The guard's answer to `silent`: count N periods once more. */
  | { readonly type: 'extra-round' }
  | { readonly type: 'settings'; readonly settings: HandshakeSettings };

export type HandshakeEffect =
  /** `number` = the silent count, from 1; 0 = the probe in the middle of a period of a client that sleeps. */
  | { readonly type: 'probe'; readonly number: number }
  /** Tick again when a dump newer than this moment is in. Urgent: ask for one; else the next routine one will do. */
  | { readonly type: 'sweep-needed'; readonly urgent: boolean }
  /** The verdict. The session ends with `handshake-timeout`, unless the caller answers with `extra-round`. */
  | { readonly type: 'silent'; readonly evidence: EndEvidence; readonly extended: boolean };

type State =
  | { readonly type: 'off' }
  /** Inside the period that ends at `end`; `middle` is NEVER, or when a sleeping client gets its early probe. */
  | { readonly type: 'watching'; readonly end: Instant; readonly middle: Instant }
  /** The period that ended at `end` seems silent; a dump newer than that is awaited. */
  | { readonly type: 'sweeping'; readonly end: Instant }
  /** The verdict on the period that ended at `end` has been given. */
  | { readonly type: 'judged'; readonly end: Instant };

/** What an earlier run of ours knew of the session. */
export interface ResumedHandshake {
  readonly now: Instant;
  readonly lastSeen: Instant;
  readonly lastSeenBy: EndEvidence['lastSeenBy'];
  readonly probesSent: number;
  readonly probesAnswered: number;
}

const OFF: State = { type: 'off' };
const NOTHING: readonly HandshakeEffect[] = [];

/** What views and the guard read; times are NEVER where there is none. */
export interface HandshakeView {
  readonly state: State['type'];
  readonly lastSeen: Instant;
  readonly lastSeenBy: EndEvidence['lastSeenBy'];
  /** End of the running period. */
  readonly periodEnd: Instant;
  /** Silent periods in a row that count, as of the last period's end. */
  readonly silentPeriods: number;
  /** The earliest instant at which the session can be told to end, if nothing more is heard. */
  readonly deadline: Instant;
  readonly probesSent: number;
  readonly probesAnswered: number;
}

export class Handshake {
  private state: State;
  /** Whole milliseconds, so that the ends of periods are exact sums. */
  private readonly start: Instant;
  private seen: Instant;
  private seenBy: EndEvidence['lastSeenBy'] = 'login';
  /** Bit i: the period i periods before the last ended one may count as silent. */
  private history = 0;
  private count = 0;
  /** When the last probe was sent, until it is answered or its period is over; else NEVER. */
  private probedAt: Instant = NEVER;
  private sent = 0;
  private answers = 0;
  private inExtraRound = false;

  /**
   * `resumed`: the count begins anew with the first period that lies wholly in this run, since nobody asked the client
   * before; what was heard of it before that is known all the same.
   */
  constructor(
    private config: HandshakeSettings,
    start: Instant,
    resumed?: ResumedHandshake,
  ) {
    this.seen = start;
    this.start = instant(Math.ceil(start));
    this.state = periodAfter(config, this.start);
    if (resumed === undefined) return;
    this.seen = resumed.lastSeen;
    this.seenBy = resumed.lastSeenBy;
    this.sent = resumed.probesSent;
    this.answers = resumed.probesAnswered;
    this.state = periodAfter(config, this.phaseAfter(resumed.now, config.period));
  }

  get settings(): HandshakeSettings {
    return this.config;
  }

  /**
   * Within so long after it was resumed, a client that is there and says nothing has been asked: what is left of a period,
   * a whole one, and the wait for the dump.
   */
  get resumedAsksWithin(): Millis {
    const { period } = this.config;
    return millis(2 * period + sweepInterval(period));
  }

  get lastSeen(): Instant {
    return this.seen;
  }

  /** Probes, each within its period. */
  get answered(): number {
    return this.answers;
  }

  /** True from the guard's extra round until the client is heard again: there is no second one. */
  get extended(): boolean {
    return this.inExtraRound;
  }

  /** A sign of life at `at`, whenever the news of it arrives; older than what is known: no effect. */
  evidence(at: Instant, kind: EvidenceKind): void {
    if (at >= this.probedAt && (kind === 'arp' || kind === 'nd' || kind === 'eapol')) {
      this.answers++;
      this.probedAt = NEVER;
    }
    if (at <= this.seen) return;
    this.seen = at;
    this.seenBy = kind;
  }

  /** Silent for at least one whole counted period, and nothing heard since. */
  get unheard(): boolean {
    return this.count > 0 && this.seen <= this.lastJudged();
  }

  /** For the guard, which says what the words mean. */
  presence(now: Instant): Presence {
    const { period, times } = this.config;
    if (this.seen > now - heardWithin(this.config)) return 'heard';
    if (times === 1) return 'missing';
    // Of a probe that has only just been sent nothing can be known yet.
    const asked = this.count === 1 && this.probedAt !== NEVER && now < this.probedAt + sweepInterval(period);
    return this.unheard && !asked ? 'missing' : 'untested';
  }

  handle(event: HandshakeEvent, now: Instant): readonly HandshakeEffect[] {
    switch (event.type) {
      case 'tick':
        return this.tick(event.sweptAt, now);
      case 'probe-sent':
        this.sent++;
        this.probedAt = now;
        return NOTHING;
      case 'probe-withheld':
        if (event.number > 0 && (this.history & 1) === 1) {
          this.history &= ~1;
          this.count--;
        }
        return NOTHING;
      case 'extra-round':
        return this.extend();
      case 'settings':
        this.adopt(event.settings, now);
        return NOTHING;
      default:
        return assertNever(event);
    }
  }

  /** When to `tick` next; NEVER while a dump or the guard's word is awaited, and while T = 0. */
  pollAt(): Instant {
    return this.state.type === 'watching' ? earliest(this.state.end, this.state.middle) : NEVER;
  }

  view(): HandshakeView {
    const { state, config } = this;
    const end = state.type === 'off' ? NEVER : state.end;
    const deadline = state.type === 'watching' ? after(end, millis(this.periodsLeft() * config.period)) : end;
    return {
      state: state.type,
      lastSeen: this.seen,
      lastSeenBy: this.seenBy,
      periodEnd: end,
      silentPeriods: this.count,
      deadline: config.keep ? NEVER : deadline,
      probesSent: this.sent,
      probesAnswered: this.answers,
    };
  }

  /** Periods that may still pass in silence before the session ends, the running one not counted. */
  private periodsLeft(): number {
    // Heard within the running period: that one is not silent, and all N are still to come.
    if (this.seen > this.lastJudged()) return this.config.times;
    return Math.max(this.config.times - this.count, 1) - 1;
  }

  /** End of the last period that has been judged; the far past where there are no periods. */
  private lastJudged(): Instant {
    const { state } = this;
    if (state.type === 'off') return LONG_AGO;
    return state.type === 'judged' ? state.end : instant(state.end - this.config.period);
  }

  private tick(sweptAt: Instant, now: Instant): readonly HandshakeEffect[] {
    const { state } = this;
    switch (state.type) {
      case 'off':
      case 'judged':
        return NOTHING;
      case 'watching': {
        if (now >= state.end) return this.periodOver(this.skipMissed(state.end, now), sweptAt);
        if (now < state.middle) return NOTHING;
        this.state = { type: 'watching', end: state.end, middle: NEVER };
        return this.seen > this.lastJudged() ? NOTHING : [{ type: 'probe', number: 0 }];
      }
      case 'sweeping':
        return sweptAt < state.end && this.seen <= this.lastJudged()
          ? NOTHING
          : this.judge(state.end, sweptAt);
      default:
        return assertNever(state);
    }
  }

  /**
   * Nobody was there to probe at the ends that were slept through, so those periods do not count; the one that ended
   * last, less than T ago, is judged. Returns its end.
   */
  private skipMissed(end: Instant, now: Instant): Instant {
    const missed = Math.floor((now - end) / this.config.period);
    if (missed <= 0) return end;
    this.history = missed >= HANDSHAKE_TIMES_MAX ? 0 : this.history << missed;
    return after(end, millis(missed * this.config.period));
  }

  private periodOver(end: Instant, sweptAt: Instant): readonly HandshakeEffect[] {
    this.history <<= 1;
    this.state = { type: 'sweeping', end };
    return this.judge(end, sweptAt);
  }

  /** The verdict on the period that ended at `end`. Its bit in the history is 0 as yet. */
  private judge(end: Instant, sweptAt: Instant): readonly HandshakeEffect[] {
    const { period, times, keep } = this.config;
    const run = Math.floor((end - this.seen) / period);
    if (run <= 0) {
      this.begin(end);
      this.count = 0;
      this.history = 0;
      this.inExtraRound = false;
      return NOTHING;
    }
    const count = onesOfLast(this.history, run) + 1;
    const last = count >= times && !keep;
    if (sweptAt < end) return [{ type: 'sweep-needed', urgent: last }];
    this.history |= 1;
    this.count = count;
    if (last) {
      this.state = { type: 'judged', end };
      return [{ type: 'silent', evidence: this.endEvidence(), extended: this.inExtraRound }];
    }
    this.begin(end);
    return [{ type: 'probe', number: count }];
  }

  private begin(end: Instant): void {
    this.probedAt = NEVER;
    this.state = periodAfter(this.config, end);
  }

  private extend(): readonly HandshakeEffect[] {
    if (this.state.type !== 'judged') return NOTHING;
    this.inExtraRound = true;
    this.history = 0;
    this.count = 0;
    this.begin(this.state.end);
    return NOTHING;
  }

  private adopt(next: HandshakeSettings, now: Instant): void {
    const { config } = this;
    this.config = next;
    if (next.period === config.period) {
      if (next.wake !== config.wake && this.state.type === 'watching') {
        const { end } = this.state;
        this.state = { type: 'watching', end, middle: middleOf(next, end) };
      }
      return;
    }
    this.history = 0;
    this.count = 0;
    this.probedAt = NEVER;
    this.state = periodAfter(next, this.phaseAfter(now, next.period));
  }

  /** The first multiple of `period` after the start that is not before `now`. */
  private phaseAfter(now: Instant, period: number): Instant {
    return period === 0 ? now : after(this.start, millis(Math.ceil((now - this.start) / period) * period));
  }

  private endEvidence(): EndEvidence {
    return {
      lastSeen: this.seen,
      lastSeenBy: this.seenBy,
      probesSent: this.sent,
      probesAnswered: this.answers,
    };
  }
}

/**
 * No longer than (N-1)*T, so that of a loss nobody looks heard at its first verdict; but a client that only answers is
 * heard every second period.
 */
function heardWithin({ period, times }: HandshakeSettings): number {
  return times >= 3 ? 2 * period : period;
}

function middleOf(settings: HandshakeSettings, end: Instant): Instant {
  return settings.wake ? instant(end - settings.period / 2) : NEVER;
}

/** The state within the period that begins at `start`. */
function periodAfter(settings: HandshakeSettings, start: Instant): State {
  if (settings.period <= 0) return OFF;
  const end = after(start, settings.period);
  return { type: 'watching', end, middle: middleOf(settings, end) };
}

/** Bits set among the lowest `length`. */
function onesOfLast(history: number, length: number): number {
  let bits = length >= HANDSHAKE_TIMES_MAX ? history : history & ((1 << length) - 1);
  let ones = 0;
  for (; bits !== 0; bits &= bits - 1) ones++;
  return ones;
}
