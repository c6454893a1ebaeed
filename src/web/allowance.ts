// How much one visitor, and all of them together, may ask for: a bucket of tokens each, which fills at a steady pace.
// A request is refused when either is empty, and takes from neither then. Bound: 1,024 visitors are remembered; the one
// that asked for nothing for the longest time is forgotten for a new one, which costs it nothing but a full bucket.

import { elapsed, type Instant, type Millis, millis } from '../base/time.ts';
import type { Pace } from './settings.ts';

const MOST_VISITORS = 1024;
const MINUTE_MS = 60_000;

interface Bucket {
  tokens: number;
  filledAt: Instant;
}

export class Allowance {
  private readonly buckets = new Map<string, Bucket>();
  private readonly whole: Bucket;

  constructor(
    private ofOne: Pace,
    private ofAll: Pace,
    now: Instant,
  ) {
    this.whole = { tokens: ofAll.burst, filledAt: now };
  }

  configure(ofOne: Pace, ofAll: Pace): void {
    this.ofOne = ofOne;
    this.ofAll = ofAll;
  }

  /** 0: it may, and one token is spent; else how long to wait. */
  take(visitor: string, now: Instant): Millis {
    const bucket = this.bucketOf(visitor, now);
    const wait = Math.max(fill(bucket, this.ofOne, now), fill(this.whole, this.ofAll, now));
    if (wait > 0) return millis(wait);
    bucket.tokens -= 1;
    this.whole.tokens -= 1;
    return millis(0);
  }

  private bucketOf(visitor: string, now: Instant): Bucket {
    const bucket = this.buckets.get(visitor) ?? { tokens: this.ofOne.burst, filledAt: now };
    // The order of the map is that of the last visits.
    this.buckets.delete(visitor);
    this.buckets.set(visitor, bucket);
    if (this.buckets.size > MOST_VISITORS) {
      const [oldest] = this.buckets.keys();
      if (oldest !== undefined) this.buckets.delete(oldest);
    }
    return bucket;
  }
}

/** How long until there is a token, 0 if there is one. */
function fill(bucket: Bucket, pace: Pace, now: Instant): number {
  const earned = (Math.max(0, elapsed(bucket.filledAt, now)) * pace.perMinute) / MINUTE_MS;
  bucket.tokens = Math.min(pace.burst, bucket.tokens + earned);
  bucket.filledAt = now;
  return bucket.tokens >= 1 ? 0 : Math.ceil(((1 - bucket.tokens) * MINUTE_MS) / pace.perMinute);
}
