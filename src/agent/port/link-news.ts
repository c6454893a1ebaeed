// Which changes of a link are told. All of them, until a port flaps: more than ten in ten seconds. Then that is told, once, and no
// more of it until its link has been as it is for five seconds; that state is told, with how many changes there were. What a
// change does to sessions that stand is not held up by this, and neither is the port's retained state (once a second at most); but
// newcomers are not listened to until it is over (supplicants.ts, mab.ts), or each flap would be a login, a Start and a Stop.

import { after, earliest, elapsed, type Instant, NEVER, seconds } from '../../base/time.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Timed } from '../schedule.ts';

const MOST = 10;
const WITHIN = seconds(10);
const SETTLED_AFTER = seconds(5);

export interface LinkNewsOptions {
  readonly link: (port: PortName, up: boolean) => void;
  readonly flaps: (port: PortName, message: string) => void;
  readonly settled: (port: PortName, up: boolean, message: string) => void;
}

interface Flapping {
  changes: number;
  up: boolean;
  settledAt: Instant;
}

export class LinkNews implements Timed {
  timer: Timed['timer'];
  /** The newest changes, of those that were told. */
  private readonly told = new Map<PortName, readonly Instant[]>();
  private readonly flapping = new Map<PortName, Flapping>();

  constructor(private readonly options: LinkNewsOptions) {}

  changed(port: PortName, up: boolean, now: Instant): void {
    const flapping = this.flapping.get(port);
    if (flapping !== undefined) {
      flapping.changes++;
      flapping.up = up;
      flapping.settledAt = after(now, SETTLED_AFTER);
      return;
    }
    const recent = (this.told.get(port) ?? []).filter((at) => elapsed(at, now) < WITHIN);
    if (recent.length < MOST) {
      this.told.set(port, [...recent, now]);
      this.options.link(port, up);
      return;
    }
    this.told.delete(port);
    this.flapping.set(port, { changes: 1, up, settledAt: after(now, SETTLED_AFTER) });
    this.options.flaps(port, `the link has changed more than ${MOST} times in ${WITHIN / 1000} s`);
  }

  isFlapping(port: PortName): boolean {
    return this.flapping.has(port);
  }

  gone(port: PortName): void {
    this.told.delete(port);
    this.flapping.delete(port);
  }

  pollAt(): Instant {
    let at: Instant = NEVER;
    for (const { settledAt } of this.flapping.values()) at = earliest(at, settledAt);
    return at;
  }

  onTime(now: Instant): void {
    for (const [port, { changes, up, settledAt }] of this.flapping) {
      if (settledAt > now) continue;
      this.flapping.delete(port);
      this.options.settled(port, up, `the link is ${up ? 'up' : 'down'} after ${changes} more changes`);
      this.changed(port, up, now);
    }
  }
}
