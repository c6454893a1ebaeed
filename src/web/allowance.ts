// How much one visitor, all of one place (a port), and all of them together may ask for: a bucket of tokens each, which
// fills at a steady pace. A request is refused when any of its three is empty, and takes from none then. So who fills
// a place with visitors takes from that place alone. Bound: 1,024 visitors and as many places are remembered; the one
// that asked for nothing for the longest time is forgotten for a new one, which costs it nothing but a full bucket.

import { type Instant, type Millis, millis } from '../base/time.ts';
import { type Pace, TokenBucket } from '../base/token-bucket.ts';
import type { Paces } from './settings.ts';

const MOST_BUCKETS = 1024;

export class Allowance {
  private readonly visitors = new Map<string, TokenBucket>();
  private readonly places = new Map<string, TokenBucket>();
  private readonly whole: TokenBucket;

  constructor(private paces: Paces) {
    this.whole = new TokenBucket(paces.ofAll);
  }

  configure(paces: Paces): void {
    this.paces = paces;
    this.whole.configure(paces.ofAll);
    for (const bucket of this.visitors.values()) bucket.configure(paces.ofOne);
    for (const bucket of this.places.values()) bucket.configure(paces.ofPlace);
  }

  /** 0: it may, and one token of each is spent; else how long to wait. */
  take(visitor: string, place: string, now: Instant): Millis {
    const own = bucketOf(this.visitors, visitor, this.paces.ofOne);
    const here = bucketOf(this.places, place, this.paces.ofPlace);
    const all = [own, here, this.whole];
    const wait = Math.max(...all.map((bucket) => bucket.wait(now)));
    if (wait === 0) for (const bucket of all) bucket.take(now);
    return millis(wait);
  }
}

function bucketOf(buckets: Map<string, TokenBucket>, name: string, pace: Pace): TokenBucket {
  const bucket = buckets.get(name) ?? new TokenBucket(pace);
  // The order of the map is that of the last visits.
  buckets.delete(name);
  buckets.set(name, bucket);
  if (buckets.size > MOST_BUCKETS) {
    const [oldest] = buckets.keys();
    if (oldest !== undefined) buckets.delete(oldest);
  }
  return bucket;
}
