// What the accounting journal is told, and what it wants done.

import type { Instant } from '../base/time.ts';
import type { AcctRecord } from '../model/acct.ts';

export type RecordRef = number;

export interface JournalSettings {
  /** Records kept. */
  readonly capacity: number;
  /** Records at the RADIUS client; more than its windows hold, or they would not fill. */
  readonly outstanding: number;
}

export const JOURNAL_DEFAULTS: JournalSettings = { capacity: 50_000, outstanding: 1024 };

export type JournalEvent =
  | { readonly type: 'record'; readonly record: AcctRecord }
  /** Found in the store at start-up, oldest first; it keeps the ref under which it was stored. */
  | { readonly type: 'recovered'; readonly ref: RecordRef; readonly record: AcctRecord }
  | { readonly type: 'stored'; readonly ref: RecordRef }
  /** The store cannot take it. It is sent all the same: a record at risk is better than none. */
  | { readonly type: 'store-failed'; readonly ref: RecordRef }
  | { readonly type: 'answered'; readonly ref: RecordRef }
  /** The RADIUS client has given up; tried again after a minute. */
  | { readonly type: 'unanswered'; readonly ref: RecordRef }
  /** It cannot be put into a packet, ever. */
  | { readonly type: 'unsendable'; readonly ref: RecordRef };

export type RefusedReason = 'full' | 'after-stop' | 'second-start';

export type JournalEffect =
  | { readonly type: 'store'; readonly ref: RecordRef; readonly record: AcctRecord }
  /** `since`: the event's time on the monotonic clock, from which Acct-Delay-Time counts. */
  | {
      readonly type: 'submit';
      readonly ref: RecordRef;
      readonly record: AcctRecord;
      readonly since: Instant;
    }
  /** The RADIUS client need not send it any more. */
  | { readonly type: 'withdraw'; readonly ref: RecordRef }
  | { readonly type: 'erase'; readonly ref: RecordRef }
  | { readonly type: 'refused'; readonly record: AcctRecord; readonly reason: RefusedReason };

export type JournalCounter =
  | 'recorded'
  | 'recovered'
  | 'answered'
  | 'unanswered'
  | 'unsendable'
  | 'store_failed'
  | 'interims_superseded'
  | 'system_superseded'
  | 'interims_dropped_full'
  | 'starts_dropped_full'
  | 'over_capacity'
  | 'refused_full'
  | 'refused_after_stop'
  | 'refused_second_start';
