// When reauthentications that are due may begin. While a server answers: at once. While none does they wait, since each
// would drive its client through an exchange that cannot end; and when one answers again they begin in the order in which
// they came due, so many a second and no more. So the time that it takes grows with their number, and a server that has
// just come back is not drowned by everybody at once. What comes due meanwhile waits behind them.
//
// Not all can wait: where nothing else is asked of the servers, nobody would ever find out that one is back. So one is let
// through as a canary from time to time (`trialAt` says when one is wanted).
// Cost: O(1) each; what waits costs its place in a set.

import { after, type Instant, instant, latest, type Millis, millis, NEVER, seconds } from '../base/time.ts';

/** The first one waits for up to so long, by chance: other switches have heard of the same server's return. */
const FIRST_WITHIN = seconds(1);
/** What was not begun in time is not made up for: a turn begins no more than this long lets through. */
const CATCH_UP: Millis = millis(100);
/** Between canaries: a client takes a while to say who it is, and only then a server is asked. */
const BETWEEN_CANARIES = seconds(10);

export interface PacingSettings {
  /** After a return, at most so many begin in a second. */
  readonly perSecond: number;
}

export const PACING_DEFAULTS: PacingSettings = { perSecond: 25 };

export class ReauthPacing<Who> {
  private readonly queue = new Set<Who>();
  private answering = true;
  private nextAt: Instant = NEVER;

  constructor(private settings: PacingSettings) {}

  configure(settings: PacingSettings): void {
    this.settings = settings;
  }

  get waiting(): number {
    return this.queue.size;
  }

  /** Whoever waits, in their order. */
  get all(): readonly Who[] {
    return [...this.queue];
  }

  /** True: it may begin now. False: `take` will return it later. One that waits already keeps its place. */
  due(who: Who): boolean {
    if (this.answering && this.queue.size === 0) return true;
    this.queue.add(who);
    return false;
  }

  /** It has ended, or was reauthenticated for another reason. */
  forget(who: Who): void {
    this.queue.delete(who);
  }

  /** Whether a server answers; `fraction` is uniform in [0, 1). True if that is new. */
  servers(answering: boolean, fraction: number, now: Instant): boolean {
    if (answering === this.answering) return false;
    this.answering = answering;
    this.nextAt = after(now, answering ? millis(fraction * FIRST_WITHIN) : millis(0));
    return true;
  }

  /** `trialAt`: when a server that is dead should be tried by somebody. */
  pollAt(trialAt: Instant): Instant {
    if (this.queue.size === 0) return NEVER;
    return this.answering ? this.nextAt : latest(this.nextAt, trialAt);
  }

  /** Whoever may begin now. */
  take(trialAt: Instant, now: Instant): readonly Who[] {
    if (!this.answering) return this.takeCanary(trialAt, now);
    const spacing = millis(1000 / this.settings.perSecond);
    const begun: Who[] = [];
    this.nextAt = latest(this.nextAt, instant(now - CATCH_UP));
    for (const who of this.queue) {
      if (this.nextAt > now) break;
      this.nextAt = after(this.nextAt, spacing);
      this.queue.delete(who);
      begun.push(who);
    }
    return begun;
  }

  private takeCanary(trialAt: Instant, now: Instant): readonly Who[] {
    if (this.pollAt(trialAt) > now) return [];
    this.nextAt = after(now, BETWEEN_CANARIES);
    for (const who of this.queue) {
      this.queue.delete(who);
      return [who];
    }
    return [];
  }
}
