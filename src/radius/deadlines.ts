// Deadlines of requests in flight: a binary heap whose items know their own place, so that re-arming and removal
// cost O(log n) and need no search. The engine keeps its own heap because it polls one `pollAt()` for thousands of
// requests; only what is on the wire stands in it, never what waits in the accounting queue.

import { type Instant, NEVER } from '../base/time.ts';

/** What an item of the heap carries; written by the heap only. `place` is -1 outside of it. */
export interface Deadline {
  at: Instant;
  place: number;
}

export function newDeadline(): Deadline {
  return { at: NEVER, place: -1 };
}

export class DeadlineHeap<T extends { readonly deadline: Deadline }> {
  private readonly items: T[] = [];

  /** The earliest deadline; NEVER when there is none. */
  get next(): Instant {
    return this.items[0]?.deadline.at ?? NEVER;
  }

  /** Puts the item in, or moves it to its new deadline. */
  set(item: T, at: Instant): void {
    item.deadline.at = at;
    if (item.deadline.place < 0) {
      item.deadline.place = this.items.length;
      this.items.push(item);
    }
    this.down(this.up(item.deadline.place));
  }

  remove(item: T): void {
    const { place } = item.deadline;
    if (place < 0) return;
    item.deadline.place = -1;
    const last = this.items.pop();
    if (last === undefined || last === item) return;
    this.put(place, last);
    this.down(this.up(place));
  }

  /** Takes out the earliest item that is due; undefined when none is. */
  popDue(now: Instant): T | undefined {
    const first = this.items[0];
    if (first === undefined || first.deadline.at > now) return undefined;
    this.remove(first);
    return first;
  }

  private put(place: number, item: T): void {
    this.items[place] = item;
    item.deadline.place = place;
  }

  private up(from: number): number {
    let place = from;
    const item = this.items[place];
    if (item === undefined) return place;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.items[above];
      if (parent === undefined || parent.deadline.at <= item.deadline.at) break;
      this.put(place, parent);
      place = above;
    }
    this.put(place, item);
    return place;
  }

  private down(from: number): void {
    let place = from;
    const item = this.items[place];
    if (item === undefined) return;
    for (;;) {
      let below = 2 * place + 1;
      const left = this.items[below];
      if (left === undefined) break;
      const right = this.items[below + 1];
      let least = left;
      if (right !== undefined && right.deadline.at < left.deadline.at) {
        below++;
        least = right;
      }
      if (least.deadline.at >= item.deadline.at) break;
      this.put(place, least);
      place = below;
    }
    this.put(place, item);
  }
}
