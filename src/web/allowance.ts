// How much one visitor, all of one place (a port), and all of them together may ask for: a bucket of tokens each, which
// fills at a steady pace. A request is refused when any of its three is empty, and takes from none then. So who fills
// a place with visitors takes from that place alone. Bound: 1,024 visitors and as many places are remembered; the one
// that asked for nothing for the longest time is forgotten for a new one, which costs it nothing but a full bucket.

import { elapsed, type Instant, type Millis, millis } from '../base/time.ts';
import type { Pace, Paces } from './settings.ts';

const MOST_BUCKETS = 1024;
const MINUTE_MS = 60_000;

interface Bucket {
  tokens: number;
  filledAt: Instant;
}

export class Allowance {
  private readonly visitors = new Map<string, Bucket>();
  private readonly places = new Map<string, Bucket>();
  private readonly whole: Bucket;

  constructor(
    private paces: Paces,
    now: Instant,
  ) {
    this.whole = { tokens: paces.ofAll.burst, filledAt: now };
  }

  configure(paces: Paces): void {
    this.paces = paces;
  }

  /** 0: it may, and one token of each is spent; else how long to wait. */
  take(visitor: string, place: string, now: Instant): Millis {
    const { ofOne, ofPlace, ofAll } = this.paces;
    const own = bucketOf(this.visitors, visitor, ofOne, now);
    const here = bucketOf(this.places, place, ofPlace, now);
    const wait = Math.max(fill(own, ofOne, now), fill(here, ofPlace, now), fill(this.whole, ofAll, now));
    if (wait > 0) return millis(wait);
    for (const bucket of [own, here, this.whole]) bucket.tokens -= 1;
    return millis(0);
  }
}

function bucketOf(buckets: Map<string, Bucket>, name: string, pace: Pace, now: Instant): Bucket {
  const bucket = buckets.get(name) ?? { tokens: pace.burst, filledAt: now };
  // The order of the map is that of the last visits.
  buckets.delete(name);
  buckets.set(name, bucket);
  if (buckets.size > MOST_BUCKETS) {
    const [oldest] = buckets.keys();
    if (oldest !== undefined) buckets.delete(oldest);
  }
  return bucket;
}

/** How long until there is a token, 0 if there is one. */
function fill(bucket: Bucket, pace: Pace, now: Instant): number {
  const earned = (Math.max(0, elapsed(bucket.filledAt, now)) * pace.perMinute) / MINUTE_MS;
  bucket.tokens = Math.min(pace.burst, bucket.tokens + earned);
  bucket.filledAt = now;
  return bucket.tokens >= 1 ? 0 : Math.ceil(((1 - bucket.tokens) * MINUTE_MS) / pace.perMinute);
}
