// The journal's waiting records, by session, and whose turn it is.

import type { Instant } from '../base/time.ts';
import type { AcctRecord } from '../model/acct.ts';
import type { RecordRef } from './journal-events.ts';

export type EntryState = 'storing' | 'waiting' | 'submitted' | 'resting';

export interface Entry {
  readonly ref: RecordRef;
  readonly record: AcctRecord;
  /**
   * The event on the monotonic clock. Undefined for one of an earlier run, which knew another such clock: there the wall
   * clock tells, at each submission anew, since a switch without a battery may be told the time after its start only.
   */
  readonly since: Instant | undefined;
  readonly line: Line;
  state: EntryState;
}

/** The records of one session, in their order; or one Accounting-On or -Off. */
export interface Line {
  readonly key: string;
  readonly entries: Entry[];
  inTurn: boolean;
  /** The queue of lines is linked through the lines. */
  next: Line | undefined;
}

/** Lines whose first record may be submitted, in turn. */
export class Turns {
  private first: Line | undefined;
  private last: Line | undefined;

  push(line: Line): void {
    if (line.inTurn) return;
    line.inTurn = true;
    if (this.last === undefined) this.first = line;
    else this.last.next = line;
    this.last = line;
  }

  shift(): Line | undefined {
    const line = this.first;
    if (line === undefined) return undefined;
    this.first = line.next;
    if (this.first === undefined) this.last = undefined;
    line.next = undefined;
    line.inTurn = false;
    return line;
  }
}
