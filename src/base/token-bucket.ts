// A pace that allows for bursts: a bucket of tokens that fills steadily, and from which each thing that is done takes one.
// Times are monotonic; nothing is allocated.

import { after, elapsed, type Instant, LONG_AGO, type Millis, millis } from './time.ts';

export interface Pace {
  /** Above 0. */
  readonly perSecond: number;
  /** What the bucket holds: so many at once, after a calm. It is full at first. */
  readonly burst: number;
}

export class TokenBucket {
  private tokens: number;
  private filledAt = LONG_AGO;

  constructor(private pace: Pace) {
    this.tokens = pace.burst;
  }

  configure(pace: Pace): void {
    this.pace = pace;
    this.tokens = Math.min(this.tokens, pace.burst);
  }

  /** Whether there is one; it stays. */
  has(now: Instant): boolean {
    const earned = (elapsed(this.filledAt, now) * this.pace.perSecond) / 1000;
    this.filledAt = now;
    this.tokens = Math.min(this.pace.burst, this.tokens + earned);
    return this.tokens >= 1;
  }

  /** How long until there is one, if none is taken meanwhile; 0 = there is one, and it stays. */
  wait(now: Instant): Millis {
    return this.has(now) ? millis(0) : this.missing();
  }

  /** When there is one, by what there was when it was last asked; in the past if there was one then. */
  readyAt(): Instant {
    return after(this.filledAt, this.missing());
  }

  /** True: there was one, and it is spent. */
  take(now: Instant): boolean {
    if (!this.has(now)) return false;
    this.tokens -= 1;
    return true;
  }

  /** From now on so many are in it, or what it holds if that is less, whether there were more or fewer. */
  leave(tokens: number, now: Instant): void {
    this.tokens = Math.min(this.pace.burst, tokens);
    this.filledAt = now;
  }

  private missing(): Millis {
    return millis(Math.ceil((Math.max(0, 1 - this.tokens) * 1000) / this.pace.perSecond));
  }
}
