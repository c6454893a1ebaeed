// How many accounting requests may be on the wire to one server; the rest waits in the queue. After a blackout of
// an hour ten thousand Stops wait: sent at once they would drown the server that has just come back. So the window
// opens by one for each answer (doubling per round trip), is halved when answers fail to come, at most once a
// second, and falls to a few when the server is dead: those few are how its return is noticed.

import { after, type Instant, LONG_AGO, seconds } from '../base/time.ts';

export const WINDOW_MAX = 256;
const WINDOW_START = 32;
/** On the wire to a dead server; more than one, so that a record which the server dislikes is not alone there. */
export const WINDOW_DEAD = 4;
const CUT_AT_MOST_EVERY = seconds(1);

export class SendWindow {
  private limit = WINDOW_START;
  private count = 0;
  private nextCut = LONG_AGO;

  get size(): number {
    return this.limit;
  }

  get inFlight(): number {
    return this.count;
  }

  get open(): boolean {
    return this.count < this.limit;
  }

  enter(): void {
    this.count++;
  }

  leave(): void {
    this.count--;
  }

  answered(): void {
    if (this.limit < WINDOW_MAX) this.limit++;
  }

  timedOut(now: Instant): void {
    if (now < this.nextCut) return;
    this.nextCut = after(now, CUT_AT_MOST_EVERY);
    this.limit = Math.max(WINDOW_DEAD, this.limit >> 1);
  }

  died(): void {
    this.limit = WINDOW_DEAD;
  }
}
