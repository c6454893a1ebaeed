// Whose turn it is to be asked about: at most so many questions a second, however many MACs a port brings up. Who has a
// session comes first, then who was seen more than once, then everybody else: a flood of random MACs, each seen once,
// does not keep a device waiting that goes on sending. Within a rank: first come, first served.
// Bound: the caller's, who takes out what it forgets.

import { type Instant, NEVER } from '../base/time.ts';
import { type Pace, TokenBucket } from '../base/token-bucket.ts';

/** Lower is sooner. */
export type AskRank = 0 | 1 | 2;

/** Questions at once, after a calm: seconds' worth of the rate. */
const BURST_SECONDS = 3;

export class AskQueue<T> {
  private readonly ranks: readonly [Set<T>, Set<T>, Set<T>] = [new Set(), new Set(), new Set()];
  private readonly bucket: TokenBucket;

  constructor(ratePerSecond: number) {
    this.bucket = new TokenBucket(paceOf(ratePerSecond));
  }

  configure(ratePerSecond: number): void {
    this.bucket.configure(paceOf(ratePerSecond));
  }

  /** Once in the queue, whatever its rank was; a better rank moves it there. */
  add(item: T, rank: AskRank): void {
    for (const [at, items] of this.ranks.entries()) {
      if (!items.has(item)) continue;
      if (at <= rank) return;
      items.delete(item);
    }
    this.ranks[rank].add(item);
  }

  has(item: T): boolean {
    return this.ranks.some((items) => items.has(item));
  }

  remove(item: T): void {
    for (const items of this.ranks) items.delete(item);
  }

  /** Whose turn it is now; out of the queue with that. */
  take(now: Instant): T | undefined {
    if (!this.bucket.has(now)) return undefined;
    for (const items of this.ranks) {
      for (const item of items) {
        items.delete(item);
        this.bucket.take(now);
        return item;
      }
    }
    return undefined;
  }

  /** When the next one may be asked about; NEVER while nobody waits. */
  pollAt(): Instant {
    if (this.ranks.every((items) => items.size === 0)) return NEVER;
    return this.bucket.readyAt();
  }
}

function paceOf(ratePerSecond: number): Pace {
  return { perSecond: ratePerSecond, burst: ratePerSecond * BURST_SECONDS };
}
