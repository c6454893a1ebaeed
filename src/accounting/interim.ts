// When the next Interim-Update of one session is due. One timer a session; the agent asks `pollAt()` and arms.
//
// RADIUS' Acct-Interim-Interval wins over the configured interval (RFC 2869 §5.16); neither means no interims. Each
// period is a tenth longer or shorter at random, so that ten thousand sessions that began in one minute, after a
// power cut say, do not report in one minute for ever.

import type { Entropy } from '../base/entropy.ts';
import { after, type Instant, type Millis, millis, NEVER, seconds } from '../base/time.ts';

export interface InterimSettings {
  /** 0 = none unless RADIUS asks for them. */
  readonly interval: Millis;
  /** Shorter intervals are raised to this; RFC 2869 §5.16: at least 60 s. */
  readonly minimum: Millis;
}

export const INTERIM_DEFAULTS: InterimSettings = { interval: seconds(0), minimum: seconds(60) };

const JITTER = 0.1;

export class InterimTimer {
  private interval: Millis = seconds(0);
  private due: Instant = NEVER;

  constructor(
    private settings: InterimSettings,
    private readonly entropy: Entropy,
  ) {}

  /** To be followed by `apply`. */
  configure(settings: InterimSettings): void {
    this.settings = settings;
  }

  /**
   * At the session's start and after each reauthentication, with the Accept's Acct-Interim-Interval if it had one.
   * A running period goes on if the interval is what it was.
   */
  apply(fromRadius: Millis | undefined, now: Instant): void {
    const wanted = fromRadius ?? this.settings.interval;
    const interval = wanted <= 0 ? seconds(0) : millis(Math.max(wanted, this.settings.minimum));
    if (interval === this.interval) return;
    this.interval = interval;
    this.due = this.next(now);
  }

  /** A period that an earlier run of ours has begun goes on, if one runs now. */
  resume(due: Instant): void {
    if (this.due !== NEVER) this.due = due;
  }

  pollAt(): Instant {
    return this.due;
  }

  /** True if an interim is to be made now; then the next period begins. Missed periods are not made up for. */
  tick(now: Instant): boolean {
    if (now < this.due) return false;
    this.due = this.next(now);
    return true;
  }

  private next(now: Instant): Instant {
    if (this.interval === 0) return NEVER;
    return after(now, millis(this.interval * (1 - JITTER + 2 * JITTER * this.entropy.fraction())));
  }
}
