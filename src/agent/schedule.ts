// The one owner of the timer wheel. Whatever has a deadline is a `Timed` thing with an entry here; nothing else arms.
//
// A touch that changes no deadline does nothing. Not only to save the work: what is overdue when it is armed is due in
// the next tick, so a thing that everybody touches, in every tick and before its own turn, would never have one.

import { type Instant, NEVER } from '../base/time.ts';
import { type TimerId, TimerWheel } from '../timer/wheel.ts';

/** A machine, or a bundle of machines, that says when it wants to be looked at. */
export interface Timed {
  /** The schedule's own: its timer, from the first `touch` to `forget`. Kept here, since a map of 20,000 of them takes 1 MB. */
  timer?: TimerId | undefined;
  /** NEVER = only when something happens. */
  pollAt(): Instant;
  onTime(now: Instant): void;
}

export class Schedule {
  private readonly wheel: TimerWheel;
  private readonly owners: (Timed | undefined)[] = [];
  /** What each is armed for; NEVER = it is not. */
  private readonly armedFor: Instant[] = [];

  constructor(origin: Instant) {
    this.wheel = new TimerWheel({ origin });
  }

  /** To be called whenever a thing's deadlines may have changed; the first call registers it. */
  touch(timed: Timed): void {
    let id = timed.timer;
    if (id === undefined) {
      id = this.wheel.allocate();
      timed.timer = id;
      this.owners[id] = timed;
      this.armedFor[id] = NEVER;
    }
    const at = timed.pollAt();
    if (at === this.armedFor[id]) return;
    this.armedFor[id] = at;
    this.wheel.arm(id, at);
  }

  forget(timed: Timed): void {
    const id = timed.timer;
    if (id === undefined) return;
    timed.timer = undefined;
    this.owners[id] = undefined;
    this.wheel.release(id);
  }

  /** How many have an entry, of all or of one kind. Looks at each: for answers, not for every turn. */
  count(wanted: (timed: Timed) => boolean = () => true): number {
    return this.owners.filter((timed) => timed !== undefined && wanted(timed)).length;
  }

  pollAt(): Instant {
    return this.wheel.pollAt();
  }

  /** Wakes everything that is due; each is re-armed by its own next deadline. */
  advance(now: Instant): void {
    this.wheel.advance(now, (id) => {
      const timed = this.owners[id];
      if (timed === undefined) return;
      this.armedFor[id] = NEVER;
      timed.onTime(now);
      // It may have ended itself.
      if (this.owners[id] === timed) this.touch(timed);
    });
  }
}
