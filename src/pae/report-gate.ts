// The kernel's reports of unknown MACs (MAB) on one port. Each leaves an entry in its table, and a flood of random MACs, of any
// frames, fills memory that nobody bounds (fdb_max_learned is 0, no limit, unless an administrator has set it), and makes
// every reading of the table long. So a port with too many is taken off the reports, and its entries with them, until a
// calm has passed; meanwhile captured frames tell of newcomers, as on a kernel without reports.

import { after, type Instant, NEVER } from '../base/time.ts';
import { type Pace, TokenBucket } from '../base/token-bucket.ts';
import { CALM } from './flood-gate.ts';

/** New MACs of one port: a stack of switches that comes back with all its devices is within the burst. */
export const REPORTS: Pace = { perSecond: 100, burst: 1024 };

export type ReportVerdict =
  | 'taken'
  | 'refused'
  /** This one was too many: no more reports, and whether upstream is to hear of it. */
  | { readonly off: true; readonly isNews: boolean };

export class ReportGate {
  private readonly bucket = new TokenBucket(REPORTS);
  private onAt: Instant = NEVER;
  private toldUntil: Instant | undefined;

  /** When reports are to be switched on again. */
  pollAt(): Instant {
    return this.onAt;
  }

  report(now: Instant): ReportVerdict {
    if (this.onAt !== NEVER) return 'refused';
    if (this.bucket.take(now)) return 'taken';
    // A flood that goes on is found again as soon as there are reports again.
    const isNews = this.toldUntil === undefined || this.toldUntil <= now;
    this.onAt = after(now, CALM);
    this.toldUntil = after(this.onAt, CALM);
    return { off: true, isNews };
  }

  /** True: they are to be on again. */
  tick(now: Instant): boolean {
    if (this.onAt > now) return false;
    this.onAt = NEVER;
    return true;
  }
}
