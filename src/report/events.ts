// The event log: numbers events, and keeps them until the link takes them.
//
// Bounded: beyond `limit` waiting events (each probe of a gathered one counts) the oldest is dropped, and the first one that is handed out after the hole says how
// many are missing. Numbers have no gaps where nothing was dropped. A short tail of what was handed out is kept for the
// `events` verb. Time is an argument.

import { rfc3339, type WallTime } from '../base/time.ts';
import type { EventPayload, ReportableEvent } from './event-payloads.ts';

export interface EventLogOptions {
  readonly bootId: string;
  /** Most events that wait while the broker is away. */
  readonly limit?: number;
  /** Most past events that `recent` can give. */
  readonly history?: number;
}

const DEFAULT_LIMIT = 10_000;
const DEFAULT_HISTORY = 1_000;

export class EventLog {
  private readonly bootId: string;
  private readonly waiting: Ring<EventPayload>;
  private readonly past: Ring<EventPayload>;
  private lastSeq = 0;
  private hole = 0;
  private lost = 0;

  constructor(options: EventLogOptions) {
    this.bootId = options.bootId;
    this.waiting = new Ring(options.limit ?? DEFAULT_LIMIT, weightOf);
    this.past = new Ring(options.history ?? DEFAULT_HISTORY, weightOf);
  }

  /** Numbers the event and puts it in the queue; the result is what a local listener is told. */
  record(event: ReportableEvent, at: WallTime): EventPayload {
    this.lastSeq++;
    const envelope = { seq: this.lastSeq, boot_id: this.bootId, time: rfc3339(at), type: event.type };
    const payload = { ...envelope, ...event.body } as EventPayload;
    const dropped = this.waiting.push(payload);
    this.hole += dropped;
    this.lost += dropped;
    this.past.push(payload);
    return payload;
  }

  /** The oldest waiting event, removed; undefined when none waits. */
  take(): EventPayload | undefined {
    const event = this.waiting.shift();
    if (event === undefined || this.hole === 0) return event;
    const dropped = this.hole;
    this.hole = 0;
    return { ...event, dropped };
  }

  get size(): number {
    return this.waiting.size;
  }

  /** Events dropped since the start. */
  get droppedTotal(): number {
    return this.lost;
  }

  /** Number of the newest event; 0 = none yet. */
  get seq(): number {
    return this.lastSeq;
  }

  /** The newest `count` events, oldest first, waiting or not. */
  recent(count: number): readonly EventPayload[] {
    return this.past.newest(count);
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

  /** How many had to go. */
  push(item: T): number {
    const weight = this.weightOf(item);
    let dropped = 0;
    for (; this.size > 0 && this.weight + weight > this.capacity; dropped++) this.shift();
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
