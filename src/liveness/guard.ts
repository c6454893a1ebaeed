// The mass-loss guard: when most sessions of a switch fall silent together, it is likelier that we are deaf than that
// everybody left. Then nobody is cut at once: each gets one extra round of N*T, at most one, and who is still silent
// after it is cut. The same after the agent itself was stalled for longer than T. One guard for the whole switch, none
// for an uplink: no session that is watched hangs on one, and signs of life are seen at the access port.
//
// Timing. Phases are spread over T, so the verdicts of one loss come one by one over two periods, and the first of
// them must already be held. The guard therefore does not count verdicts: when a verdict is ready, it takes stock of
// all sessions (`survey`; 10,000 of them cost some tens of microseconds, and only a verdict makes it look).
//   heard     a sign of life within the last T; for N > 2 within the last 2*T, in which every client is asked once.
//   missing   N > 1: silent for a counted period and not heard since, its probe given time for an answer. A quiet
//             client answers within milliseconds and so is never missing for long, however quiet the night.
//             N = 1: not heard for T. There are no probes, so age is all there is; and every client of a loss has that
//             age when the first verdict is ready, whatever its phase. So no candidate needs to be held back at all.
//   untested  neither: quiet, and its probe is still to come. Tells nothing, so it counts on neither side.
//             (Only with N = 2, where the first verdict of a loss comes before the last client has been asked.)
// It is a mass loss if the missing are at least `minimum` and more than `share` of the missing and the heard.
//
// A session that dies alone finds the others heard or untested and is cut at once. Sessions in their extra round are
// on neither side: they have been judged, and must not delay anybody who dies after them.

import { after, type Instant, type Millis, millis, NEVER } from '../base/time.ts';
import type { GuardSettings, HandshakeSettings } from './settings.ts';

export type Presence = 'heard' | 'missing' | 'untested';

/** What the guard asks of a session; `Handshake` is one. */
export interface GuardSubject {
  readonly settings: HandshakeSettings;
  readonly extended: boolean;
  presence(now: Instant): Presence;
}

/** One look at all sessions. */
export interface GuardSurvey {
  /** Sessions that can be cut for silence. */
  readonly watched: number;
  readonly missing: number;
  readonly heard: number;
  readonly shortestPeriod: Millis;
  readonly longestPeriod: Millis;
  /** The greatest N*T. */
  readonly longestRound: Millis;
}

/** For the alarm. `released` closes what `armed` began; between them comes `cut`, if anybody had to be. */
export interface GuardEffect {
  readonly type: 'guard';
  readonly state: 'armed' | 'cut' | 'released';
  readonly reason: 'mass-loss' | 'stall';
  /** Missing when it was armed. */
  readonly silent: number;
  /** Watched when it was armed. */
  readonly watched: number;
  /** Sessions cut after their extra round, so far. */
  readonly cut: number;
}

/** Verdicts that became ready together: of sessions that had no extra round yet, and of those that had theirs. */
export interface GuardVerdicts {
  readonly fresh: number;
  readonly extended: number;
}

export interface GuardDecision {
  /** The fresh ones get an extra round. The extended ones are always cut. */
  readonly spare: boolean;
  readonly effects: readonly GuardEffect[];
}

interface Episode {
  readonly type: 'armed';
  readonly reason: GuardEffect['reason'];
  readonly silent: number;
  readonly watched: number;
  readonly cut: number;
  /** Until then every fresh verdict is taken for part of it. */
  readonly spareUntil: Instant;
  readonly endsAt: Instant;
}

type State = { readonly type: 'idle' } | Episode;

/** Ticks, dumps and a busy agent: what may pass between a period's end and its verdict. */
const SLACK = millis(2_000);

/** Sessions with T = 0 and those that are never cut are left out. */
export function survey(sessions: Iterable<GuardSubject>, now: Instant): GuardSurvey {
  let watched = 0;
  let missing = 0;
  let heard = 0;
  let shortestPeriod: number = NEVER;
  let longestPeriod = 0;
  let longestRound = 0;
  for (const session of sessions) {
    const { period, times, keep } = session.settings;
    if (period <= 0 || keep) continue;
    watched++;
    shortestPeriod = Math.min(shortestPeriod, period);
    longestPeriod = Math.max(longestPeriod, period);
    longestRound = Math.max(longestRound, period * times);
    if (session.extended) continue;
    const presence = session.presence(now);
    if (presence === 'missing') missing++;
    else if (presence === 'heard') heard++;
  }
  return {
    watched,
    missing,
    heard,
    shortestPeriod: millis(shortestPeriod),
    longestPeriod: millis(longestPeriod),
    longestRound: millis(longestRound),
  };
}

export class Guard {
  private state: State = { type: 'idle' };

  constructor(private settings: GuardSettings) {}

  /** An episode that is under way goes on. */
  configure(settings: GuardSettings): void {
    this.settings = settings;
  }

  /** Verdicts are ready; the survey is of now and has these sessions among the missing. */
  judge(verdicts: GuardVerdicts, facts: GuardSurvey, now: Instant): GuardDecision {
    const effects: GuardEffect[] = [];
    if (verdicts.fresh > 0 && !this.sparing(now) && this.isMassLoss(facts)) {
      // The verdicts of clients that answered a probe just before the loss come two periods after the first ones.
      effects.push(this.arm('mass-loss', millis(facts.longestPeriod * 2), facts, now));
    }
    if (verdicts.extended > 0 && this.state.type === 'armed') {
      const first = this.state.cut === 0;
      this.state = { ...this.state, cut: this.state.cut + verdicts.extended };
      if (first) effects.push(this.report(this.state, 'cut'));
    }
    return { spare: verdicts.fresh > 0 && this.sparing(now), effects };
  }

  /** The agent did not run for `by`, until now. Longer than T: what was counted over that time counts no more. */
  stalled(by: Millis, facts: GuardSurvey, now: Instant): readonly GuardEffect[] {
    if (this.settings.share <= 0 || facts.watched === 0 || by <= facts.shortestPeriod) return [];
    return [this.arm('stall', facts.longestRound, facts, now)];
  }

  pollAt(): Instant {
    return this.state.type === 'armed' ? this.state.endsAt : NEVER;
  }

  tick(now: Instant): readonly GuardEffect[] {
    if (this.state.type !== 'armed' || now < this.state.endsAt) return [];
    const effect = this.report(this.state, 'released');
    this.state = { type: 'idle' };
    return [effect];
  }

  private sparing(now: Instant): boolean {
    return this.state.type === 'armed' && now <= this.state.spareUntil;
  }

  private isMassLoss({ missing, heard }: GuardSurvey): boolean {
    const { share, minimum } = this.settings;
    return share > 0 && missing >= minimum && missing > share * (missing + heard);
  }

  private arm(reason: Episode['reason'], spare: Millis, facts: GuardSurvey, now: Instant): GuardEffect {
    const spareUntil = after(after(now, spare), SLACK);
    this.state = {
      type: 'armed',
      reason,
      silent: facts.missing,
      watched: facts.watched,
      cut: 0,
      spareUntil,
      endsAt: after(after(spareUntil, facts.longestRound), SLACK),
    };
    return this.report(this.state, 'armed');
  }

  private report(episode: Episode, state: GuardEffect['state']): GuardEffect {
    const { reason, silent, watched, cut } = episode;
    return { type: 'guard', state, reason, silent, watched, cut };
  }
}
