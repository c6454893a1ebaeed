// Packets for which nobody waits any more, and whose answer may still come: until it does, or is late beyond all
// expectation, their identifiers are taken (RFC 5080 §2.2.2). O(1) each, in the order in which they were left.

import { Fifo } from '../base/fifo.ts';
import { after, type Instant, type Millis, millis, NEVER, seconds } from '../base/time.ts';
import type { Exchange, Link } from './exchange.ts';
import type { Attempt } from './server-link.ts';
import type { RetransmissionSettings } from './settings.ts';

/** An answer that is later than this is nobody's. */
const SHORTEST_LINGER = seconds(30);

function lingerTime({ mrt }: RetransmissionSettings): Millis {
  return millis(Math.max(SHORTEST_LINGER, 2 * mrt));
}

export class Lingering {
  private readonly queue = new Fifo<{ at: Instant; link: Link; attempt: Attempt<Exchange> }>();
  private time: Millis;

  constructor(retransmission: RetransmissionSettings) {
    this.time = lingerTime(retransmission);
  }

  /** From the next one on. */
  configure(retransmission: RetransmissionSettings): void {
    this.time = lingerTime(retransmission);
  }

  add(link: Link, attempt: Attempt<Exchange>, now: Instant): void {
    if (link.isOpen(attempt)) this.queue.push({ at: after(now, this.time), link, attempt });
  }

  expire(now: Instant): void {
    for (;;) {
      const first = this.queue.first;
      if (first === undefined || first.at > now) return;
      this.queue.shift();
      first.link.expire(first.attempt);
    }
  }

  pollAt(): Instant {
    return this.queue.first?.at ?? NEVER;
  }
}
