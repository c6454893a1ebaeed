// The queue between a session's end and the RADIUS client: a record is durable before it is on the wire, and leaves
// the store when it was answered.
//
//   record ──'store'──> stored ──'submit'──> answered ──'erase'──> gone
//
// Order: one record of a session is outstanding, and the next waits for its answer, so a Stop never overtakes its
// Start. Accounting-On holds back what came after it (a server closes every session when it hears it, RFC 2866
// §5.1), but for at most 30 s after it was submitted, and makes an earlier Off needless; Accounting-Off waits until it
// is alone.
// An interim is dropped when a newer one or the Stop of its session is durable, even if it is on the wire: a server
// that never answers interims must not hold up the Stop.
//
// Bound: `capacity` records. When full, the oldest interim goes first; then a Stop takes the place of its own queued
// Start (it says all that the Start said); an interim or a Start that finds no room is refused; a Stop, On or Off is
// taken in beyond the capacity, and counted. At most `outstanding` records are at the RADIUS client at a time.
// One Stop a session: what comes after it is refused, for as long as it is queued and for 4,096 ends after that.

import { Counters } from '../base/counters.ts';
import { assertNever } from '../base/result.ts';
import {
  after,
  earliest,
  type Instant,
  instant,
  NEVER,
  type Now,
  seconds,
  type WallTime,
} from '../base/time.ts';
import type { AcctRecord } from '../model/acct.ts';
import {
  JOURNAL_DEFAULTS,
  type JournalCounter,
  type JournalEffect,
  type JournalEvent,
  type JournalSettings,
  type RecordRef,
  type RefusedReason,
} from './journal-events.ts';
import { type Entry, type EntryState, type Line, Turns } from './turns.ts';

const ON_HOLDS_FOR = seconds(30);
const RETRY_AFTER = seconds(60);
const ENDS_REMEMBERED = 4096;

/** What need not be sent any more when a record of this kind is queued behind it. */
const NEEDLESS_BEFORE: Readonly<Record<AcctRecord['kind'], readonly AcctRecord['kind'][]>> = {
  start: [],
  interim: ['interim'],
  stop: ['interim'],
  on: ['on', 'off'],
  off: ['off'],
};

function lineKey(record: AcctRecord): string {
  return 'subject' in record ? `session ${record.subject.sessionId}` : 'system';
}

/** A clock that says so was never set: there was no Rollcall before that. */
const FIRST_TIME = Date.UTC(2020, 0, 1);

/**
 * A wall clock that was stepped back since the event makes no negative delay; and how long ago something was that has the time
 * of a clock that was set only later, nobody knows: it counts as now.
 */
function sinceOf(record: AcctRecord, now: Now): Instant {
  const unknown = record.eventTime < FIRST_TIME && now.wall >= FIRST_TIME;
  return instant(now.mono - (unknown ? 0 : Math.max(0, now.wall - record.eventTime)));
}

/** Never dropped, never refused for want of room. */
function precious(record: AcctRecord): boolean {
  return record.kind !== 'interim' && record.kind !== 'start';
}

export class AcctJournal {
  readonly counters = new Counters<JournalCounter>();
  /** By ref, oldest first. */
  private readonly entries = new Map<RecordRef, Entry>();
  private readonly lines = new Map<string, Line>();
  private readonly ended = new Set<string>();
  private readonly turns = new Turns();
  /** Lines that wait for an On to be answered, or for everything before an Off. */
  private held: Line[] = [];
  private on: { readonly entry: Entry; until: Instant } | undefined;
  private readonly resting: { readonly at: Instant; readonly entry: Entry }[] = [];
  private nextRef: RecordRef = 1;
  private submitted = 0;
  private interims = 0;

  constructor(private readonly settings: JournalSettings = JOURNAL_DEFAULTS) {}

  /** Records that are not answered yet; 0 = a drain may end. */
  get size(): number {
    return this.entries.size;
  }

  /** When the oldest of them happened. */
  get oldest(): WallTime | undefined {
    const { value } = this.entries.values().next();
    return value?.record.eventTime;
  }

  handle(event: JournalEvent, now: Now): JournalEffect[] {
    const out: JournalEffect[] = [];
    switch (event.type) {
      case 'record':
        this.accept(event.record, now, out);
        break;
      case 'recovered':
        this.recover(event.ref, event.record, out);
        break;
      case 'stored':
        this.stored(event.ref, true, out);
        break;
      case 'store-failed':
        this.stored(event.ref, false, out);
        break;
      case 'answered':
        this.closed(event.ref, 'answered', out);
        break;
      case 'unanswered':
        this.rest(event.ref, now);
        break;
      case 'unsendable':
        this.closed(event.ref, 'unsendable', out);
        break;
      default:
        return assertNever(event);
    }
    this.submitReady(now, out);
    return out;
  }

  pollAt(): Instant {
    return earliest(this.resting[0]?.at ?? NEVER, this.on?.until ?? NEVER);
  }

  tick(now: Now): JournalEffect[] {
    const out: JournalEffect[] = [];
    if (this.on !== undefined && now.mono >= this.on.until) this.endOn();
    for (let first = this.resting[0]; first !== undefined && first.at <= now.mono; first = this.resting[0]) {
      this.resting.shift();
      if (first.entry.state !== 'resting') continue;
      first.entry.state = 'waiting';
      this.turn(first.entry.line);
    }
    this.submitReady(now, out);
    return out;
  }

  private accept(record: AcctRecord, now: Now, out: JournalEffect[]): void {
    const key = lineKey(record);
    const reason = this.refusal(record, this.lines.get(key), key) ?? this.makeRoom(record, key, out);
    if (reason !== undefined) {
      this.counters.add(`refused_${reason.replaceAll('-', '_')}` as JournalCounter);
      out.push({ type: 'refused', record, reason });
      return;
    }
    this.counters.add('recorded');
    const ref = this.nextRef++;
    const entry = this.append({ ref, record, key, since: sinceOf(record, now), state: 'storing' });
    if (record.kind === 'on') this.on = { entry, until: NEVER };
    out.push({ type: 'store', ref, record });
  }

  private refusal(record: AcctRecord, line: Line | undefined, key: string): RefusedReason | undefined {
    const queued = (kind: AcctRecord['kind']) => line?.entries.some((entry) => entry.record.kind === kind);
    if (!('subject' in record)) return undefined;
    if (this.ended.has(key) || queued('stop')) return 'after-stop';
    return record.kind === 'start' && queued('start') ? 'second-start' : undefined;
  }

  private recover(ref: RecordRef, record: AcctRecord, out: JournalEffect[]): void {
    if (this.entries.has(ref)) return;
    this.counters.add('recovered');
    this.nextRef = Math.max(this.nextRef, ref + 1);
    const entry = this.append({ ref, record, key: lineKey(record), since: undefined, state: 'waiting' });
    if (record.kind === 'on') this.on = { entry, until: NEVER };
    this.supersede(entry, out);
    this.turn(entry.line);
  }

  private append(made: {
    readonly ref: RecordRef;
    readonly record: AcctRecord;
    readonly key: string;
    readonly since: Instant | undefined;
    readonly state: EntryState;
  }): Entry {
    const { ref, record, key, since, state } = made;
    const line = this.lines.get(key) ?? { key, entries: [], inTurn: false, next: undefined };
    this.lines.set(key, line);
    const entry: Entry = { ref, record, since, line, state };
    line.entries.push(entry);
    this.entries.set(ref, entry);
    if (record.kind === 'interim') this.interims++;
    return entry;
  }

  private stored(ref: RecordRef, durable: boolean, out: JournalEffect[]): void {
    const entry = this.entries.get(ref);
    if (!durable) this.counters.add('store_failed');
    if (entry === undefined) {
      // Dropped while it was being stored.
      out.push({ type: 'erase', ref });
      return;
    }
    if (entry.state !== 'storing') return;
    entry.state = 'waiting';
    this.supersede(entry, out);
    this.turn(entry.line);
  }

  /** Drops what a durable record makes needless. */
  private supersede(newer: Entry, out: JournalEffect[]): void {
    const { kind } = newer.record;
    const needless = NEEDLESS_BEFORE[kind];
    const older = newer.line.entries.filter(
      ({ record, ref }) => ref < newer.ref && needless.includes(record.kind),
    );
    for (const entry of older) {
      this.counters.add(entry.record.kind === 'interim' ? 'interims_superseded' : 'system_superseded');
      if (entry.state === 'submitted') out.push({ type: 'withdraw', ref: entry.ref });
      this.remove(entry, out);
    }
  }

  private closed(ref: RecordRef, how: 'answered' | 'unsendable', out: JournalEffect[]): void {
    const entry = this.entries.get(ref);
    if (entry === undefined || entry.state === 'storing') return;
    this.counters.add(how);
    this.remove(entry, out);
  }

  private rest(ref: RecordRef, now: Now): void {
    const entry = this.entries.get(ref);
    if (entry?.state !== 'submitted') return;
    this.counters.add('unanswered');
    this.submitted--;
    entry.state = 'resting';
    this.resting.push({ at: after(now.mono, RETRY_AFTER), entry });
  }

  /** Room for one more; a reason if there is none. */
  private makeRoom(record: AcctRecord, key: string, out: JournalEffect[]): RefusedReason | undefined {
    if (this.entries.size < this.settings.capacity) return undefined;
    if (this.dropOldestInterim(out)) return undefined;
    if (!precious(record)) return 'full';
    const start = this.lines.get(key)?.entries.find((entry) => entry.record.kind === 'start');
    if (start !== undefined && start.state !== 'submitted') {
      this.counters.add('starts_dropped_full');
      this.remove(start, out);
    } else this.counters.add('over_capacity');
    return undefined;
  }

  private dropOldestInterim(out: JournalEffect[]): boolean {
    if (this.interims === 0) return false;
    for (const entry of this.entries.values()) {
      if (entry.record.kind !== 'interim' || entry.state === 'submitted') continue;
      this.counters.add('interims_dropped_full');
      this.remove(entry, out);
      return true;
    }
    return false;
  }

  private remove(entry: Entry, out: JournalEffect[]): void {
    const { line } = entry;
    // One that is still being stored is erased when the store has answered; one that it could not take, too, since a
    // store that has room again takes what it could not.
    if (entry.state !== 'storing') out.push({ type: 'erase', ref: entry.ref });
    if (entry.state === 'submitted') this.submitted--;
    if (entry.record.kind === 'interim') this.interims--;
    if (entry.record.kind === 'stop') this.remember(line.key);
    this.entries.delete(entry.ref);
    line.entries.splice(line.entries.indexOf(entry), 1);
    if (line.entries.length === 0) this.lines.delete(line.key);
    else this.turn(line);
    if (this.on?.entry === entry) this.endOn();
    if (this.entries.size === 1) this.release();
  }

  private remember(key: string): void {
    this.ended.add(key);
    if (this.ended.size <= ENDS_REMEMBERED) return;
    for (const oldest of this.ended) {
      this.ended.delete(oldest);
      return;
    }
  }

  private turn(line: Line): void {
    if (line.entries[0]?.state === 'waiting') this.turns.push(line);
  }

  private endOn(): void {
    this.on = undefined;
    this.release();
  }

  private release(): void {
    const { held } = this;
    this.held = [];
    for (const line of held) this.turn(line);
  }

  private mustWait(entry: Entry): boolean {
    if (entry.record.kind === 'off') return this.entries.size > 1;
    return this.on !== undefined && entry.ref > this.on.entry.ref;
  }

  private submitReady(now: Now, out: JournalEffect[]): void {
    while (this.submitted < this.settings.outstanding) {
      const line = this.turns.shift();
      if (line === undefined) return;
      const entry = line.entries[0];
      if (entry?.state !== 'waiting') continue;
      if (this.mustWait(entry)) {
        this.held.push(line);
        continue;
      }
      entry.state = 'submitted';
      this.submitted++;
      if (this.on?.entry === entry) this.on.until = after(now.mono, ON_HOLDS_FOR);
      const since = entry.since ?? sinceOf(entry.record, now);
      out.push({ type: 'submit', ref: entry.ref, record: entry.record, since });
    }
  }
}
