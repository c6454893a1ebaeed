// A pace that allows for bursts: a bucket of tokens that fills steadily, and from which each thing that is done takes one.
// Times are monotonic; nothing is allocated.

import { elapsed, type Instant } from './time.ts';

export interface Pace {
  readonly perSecond: number;
  /** What the bucket holds: so many at once, after a calm. It is full at first. */
  readonly burst: number;
}

export class TokenBucket {
  private tokens: number;
  private filledAt: Instant | undefined;

  constructor(private pace: Pace) {
    this.tokens = pace.burst;
  }

  configure(pace: Pace): void {
    this.pace = pace;
    this.tokens = Math.min(this.tokens, pace.burst);
  }

  /** Whether there is one; it stays. */
  has(now: Instant): boolean {
    const idle = this.filledAt === undefined ? 0 : elapsed(this.filledAt, now);
    this.filledAt = now;
    this.tokens = Math.min(this.pace.burst, this.tokens + (idle * this.pace.perSecond) / 1000);
    return this.tokens >= 1;
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
}
