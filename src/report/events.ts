// The event log: numbers events, and keeps each until the broker has it.
//
//   record ─▶ waits ─▶ take: handed out ─▶ acknowledged, and forgotten
//
// One queue, in the order of what happened. Bounded: beyond `limit` waiting events (each probe of a gathered one counts) the
// oldest is dropped, and the next after the hole says how many are missing. Numbers have no gaps where nothing was dropped. A
// short tail of what happened is kept for the `events` verb. Time is an argument.
//
// What of it is on disk (event-codec.ts) is a copy, for the next start: what nobody has acknowledged within `WAIT`; while the
// broker is known to be away at once, but once in `WAIT` at most. So a broker that answers costs no write, and an outage of
// days, in which somebody is probed each second, no flash: probes wait for company, and `PROBES_WAIT` at most, and so does the
// erasure of what had to make room for them. What an earlier run has left comes first, with the numbers that it had; nothing is
// handed out before that is known.

import {
  after,
  earliest,
  type Instant,
  LONG_AGO,
  latest,
  millis,
  NEVER,
  type Now,
  rfc3339,
} from '../base/time.ts';
import {
  type EventChange,
  type EventRef,
  eventKey,
  type QueuedEvent,
  type StoredEvents,
  storingEvent,
} from './event-codec.ts';
import type { EventPayload, ReportableEvent } from './event-payloads.ts';

export interface EventLogOptions {
  readonly bootId: string;
  /** Most events that wait while the broker is away. */
  readonly limit?: number;
  /** Most past events that `recent` can give. */
  readonly history?: number;
  /** Nothing is written to disk: the broker is our own, and ends with us. Default false. */
  readonly memoryOnly?: boolean;
}

interface Entry {
  ref: EventRef;
  event: EventPayload;
  /** When it happened, or is otherwise than on disk. */
  since: Instant;
  isOnDisk: boolean;
}

const DEFAULT_LIMIT = 10_000;
const DEFAULT_HISTORY = 1_000;
/** More than the link has in flight. */
const MOST_HANDED_OUT = 1_000;
/** For an acknowledgement, before the event is written; and after one, until it is erased, with others. */
const WAIT = millis(1_000);
/** Before probes are written, and what had to make room for them is erased. */
const PROBES_WAIT = millis(60_000);

export class EventLog {
  private readonly bootId: string;
  private readonly limit: number;
  private readonly memoryOnly: boolean;
  private waiting: Ring<Entry>;
  private readonly handedOut = new Map<EventRef, Entry>();
  private readonly past: Ring<EventPayload>;
  private lastSeq = 0;
  private lastRef: EventRef = 0;
  private lost = 0;
  /** So many are missing, and no event after them has happened yet. */
  private hole = 0;
  private isOpen = false;
  private isAway = false;
  /** In the queue, and not on disk as they are. */
  private readonly unsaved = new Map<EventRef, Entry>();
  /** When the first of them is to be, or before that. */
  private saveAt: Instant = NEVER;
  private savedAt = LONG_AGO;
  /** Keys on disk of which nobody wants anything. */
  private erased: string[] = [];
  private eraseAt: Instant = NEVER;

  constructor(options: EventLogOptions) {
    this.bootId = options.bootId;
    this.limit = options.limit ?? DEFAULT_LIMIT;
    this.memoryOnly = options.memoryOnly ?? false;
    this.waiting = this.newQueue();
    this.past = new Ring(options.history ?? DEFAULT_HISTORY, weightOf);
  }

  /** Numbers the event and puts it in the queue; the result is what a local listener is told. */
  record(event: ReportableEvent, now: Now): EventPayload {
    this.lastSeq++;
    const envelope = { seq: this.lastSeq, boot_id: this.bootId, time: rfc3339(now.wall), type: event.type };
    const payload = { ...envelope, ...event.body } as EventPayload;
    this.enqueue({ ref: ++this.lastRef, event: payload, since: now.mono, isOnDisk: false });
    this.past.push(payload);
    return payload;
  }

  /** The store is open, or cannot be had: then an earlier run has left nothing. */
  open({ events, damaged, lastRef }: StoredEvents, now: Instant): void {
    if (this.isOpen) return;
    this.isOpen = true;
    const early = this.waiting;
    this.waiting = this.newQueue();
    this.unsaved.clear();
    this.saveAt = NEVER;
    for (const { ref, event } of events) this.enqueue({ ref, event, since: now, isOnDisk: true });
    for (const key of damaged) this.erase(key, now);
    this.tellMissing(damaged.length, now);
    for (let entry = early.shift(); entry !== undefined; entry = early.shift()) {
      entry.ref += lastRef;
      this.enqueue(entry);
    }
    this.lastRef += lastRef;
  }

  /** The oldest waiting event, handed out now; undefined when none waits, or so many are not acknowledged yet. */
  take(): QueuedEvent | undefined {
    if (!this.isOpen || this.handedOut.size >= MOST_HANDED_OUT) return undefined;
    const entry = this.waiting.shift();
    if (entry !== undefined) this.handedOut.set(entry.ref, entry);
    return entry;
  }

  /** The broker has them. */
  acknowledged(refs: readonly EventRef[], now: Instant): void {
    for (const ref of refs) {
      const entry = this.handedOut.get(ref);
      this.handedOut.delete(ref);
      if (entry !== undefined) this.forget(entry, now);
    }
  }

  /** The link to the broker has broken, or stands again. */
  linkChanged(isThere: boolean): void {
    this.isAway = !isThere;
    this.saveAt = this.nextSave();
  }

  /** When `toStore` has something. */
  pollAt(): Instant {
    return this.isOpen ? earliest(this.eraseAt, this.saveAt) : NEVER;
  }

  /** What is to be written by now; with `all`, since nobody will come back, whatever is not acknowledged. */
  toStore(now: Instant, all = false): readonly EventChange[] {
    if (!this.isOpen) return [];
    if (this.saveAt <= now) this.saveAt = this.nextSave();
    const saves = all || this.saveAt <= now;
    if (!saves && this.eraseAt > now) return [];
    const erasing: EventChange[] = this.erased.map((key) => ({ key, value: null }));
    this.erased = [];
    this.eraseAt = NEVER;
    // A hole on disk is told there at once: who has an older state is saved with every erasure.
    const entries = [...this.unsaved.values()].filter(({ isOnDisk }) => saves || isOnDisk);
    if (saves) this.savedAt = now;
    return [...erasing, ...this.saving(entries)];
  }

  get size(): number {
    return this.waiting.size + this.handedOut.size;
  }

  /** Events dropped since the start. */
  get droppedTotal(): number {
    return this.lost;
  }

  /** Number of the newest event; 0 = none yet. */
  get seq(): number {
    return this.lastSeq;
  }

  /** The newest `count` events of this run, oldest first, waiting or not. */
  recent(count: number): readonly EventPayload[] {
    return this.past.newest(count);
  }

  private newQueue(): Ring<Entry> {
    return new Ring(this.limit, ({ event }) => weightOf(event));
  }

  private enqueue(entry: Entry): void {
    const dropped = this.waiting.push(entry);
    if (!entry.isOnDisk) this.save(entry);
    const { hole } = this;
    this.hole = 0;
    this.tellMissing(hole, entry.since);
    let missing = 0;
    for (const old of dropped) {
      this.forget(old, entry.since, PROBES_WAIT);
      missing += 1 + (old.event.dropped ?? 0);
    }
    this.lost += dropped.length;
    this.tellMissing(missing, entry.since);
  }

  /** The oldest waiting event says so, or the next that there will be. */
  private tellMissing(count: number, now: Instant): void {
    if (count === 0) return;
    const { first } = this.waiting;
    if (first === undefined) {
      this.hole += count;
      return;
    }
    first.event = { ...first.event, dropped: (first.event.dropped ?? 0) + count };
    if (first.isOnDisk) first.since = now;
    this.save(first);
  }

  private save(entry: Entry): void {
    if (this.memoryOnly) return;
    this.unsaved.set(entry.ref, entry);
    this.saveAt = earliest(this.saveAt, this.dueOf(entry));
  }

  private dueOf({ event, since }: Entry): Instant {
    if (event.type === 'handshake-probe') return after(since, PROBES_WAIT);
    return this.isAway ? latest(since, after(this.savedAt, WAIT)) : after(since, WAIT);
  }

  /** Of those that are not acknowledged by now. */
  private nextSave(): Instant {
    let next = NEVER;
    for (const entry of this.unsaved.values()) next = earliest(next, this.dueOf(entry));
    return next;
  }

  private saving(entries: readonly Entry[]): readonly EventChange[] {
    return entries.map((entry) => {
      this.saved(entry);
      const change = storingEvent(entry, !entry.isOnDisk);
      entry.isOnDisk = true;
      return change;
    });
  }

  private forget(entry: Entry, now: Instant, wait = WAIT): void {
    this.saved(entry);
    if (entry.isOnDisk) this.erase(eventKey(entry.ref), now, wait);
  }

  private saved({ ref }: Entry): void {
    this.unsaved.delete(ref);
    if (this.unsaved.size === 0) this.saveAt = NEVER;
  }

  private erase(key: string, now: Instant, wait = WAIT): void {
    this.erased.push(key);
    this.eraseAt = earliest(this.eraseAt, after(now, wait));
  }
}

function weightOf(event: EventPayload): number {
  return event.type === 'handshake-probe' ? event.probes.length : 1;
}

/** First in, first out; a push into a full one drops the oldest. The newest is always kept. */
class Ring<T> {
  private items: T[] = [];
  private head = 0;
  private weight = 0;

  constructor(
    private readonly capacity: number,
    private readonly weightOf: (item: T) => number,
  ) {}

  get size(): number {
    return this.items.length - this.head;
  }

  get first(): T | undefined {
    return this.items[this.head];
  }

  /** Those that had to go, oldest first. */
  push(item: T): readonly T[] {
    const weight = this.weightOf(item);
    const dropped: T[] = [];
    while (this.size > 0 && this.weight + weight > this.capacity) dropped.push(this.shift() as T);
    this.items.push(item);
    this.weight += weight;
    return dropped;
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.items[this.head++] as T;
    this.weight -= this.weightOf(item);
    if (this.head >= 1024 && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  newest(count: number): readonly T[] {
    return this.items.slice(Math.max(this.head, this.items.length - Math.max(0, count)));
  }
}
