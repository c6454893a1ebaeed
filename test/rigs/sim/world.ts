// Time for a simulated switch and everything around it: two clocks that move only when told, and what is still to happen.

import { type Instant, instant, NEVER, type Now, type WallTime } from '../../../src/base/time.ts';

interface Happening {
  readonly at: Instant;
  readonly run: () => void;
}

export class World {
  now: Instant = instant(1_000_000);
  /** Wall clock minus monotonic clock; whoever changes it has stepped the wall clock. */
  wallOffset = Date.UTC(2025, 0, 31) - 1_000_000;
  private happenings: Happening[] = [];

  get clocks(): Now {
    return { mono: this.now, wall: Math.floor(this.now + this.wallOffset) as WallTime };
  }

  /** In `ms` from now; what is due at the same moment happens in the order of its planning. */
  in(ms: number, run: () => void): void {
    const at = instant(this.now + ms);
    let low = 0;
    let high = this.happenings.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.happenings[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    this.happenings.splice(low, 0, { at, run });
  }

  nextAt(): Instant {
    return this.happenings[0]?.at ?? NEVER;
  }

  /** The next happening, now. */
  happen(): void {
    this.happenings.shift()?.run();
  }
}
