// A single-level hashed timer wheel in typed arrays: 8,192 slots of 100 ms, 819.2 s a revolution.
//
// Purpose: hold some timers per session, up to a million, where nearly every timer is re-armed or cancelled before it
// is due. At that size what costs is memory: each touch of a timer is a cache miss. So a cancel and a later deadline
// touch one record of 8 octets, any other arming that and one cache line of a slot, and no touch has to wait for
// another: the processor overlaps them.
//
// How: a record holds the deadline of a timer, which is the truth, and its visit: the tick, never after the deadline,
// of the one entry in the slots that speaks for the timer. A cancel, or a move to later, leaves the entry: at its
// visit it is dropped or moved. A move to before the visit makes another entry, which speaks from then on; the old
// one is stale, and dropped at its own visit. An entry is at most one revolution ahead, so a deadline further away is
// visited once a revolution. There is no cascade: one of this capacity was measured to have ticks of 3 to 5 ms.
//
// Trades. Precision: a deadline is rounded up to the next tick, so a timer is never early and up to 100 ms late.
// Memory: what a cancel or a move leaves behind lasts for up to one revolution. Beyond two entries per timer, and
// SLOTS, each `arm` also sweeps one slot; as SLOTS of them sweep all, there are never more than SLOTS above that. The
// room for these is reserved from the start: 25 octets per timer and 0.6 MB, of which what is never used is never
// touched. Nothing is allocated but by the constructor, and by `allocate` for doubling.
//
// Order: ticks in order; within one tick, that in which the entries were made there. So timers armed once come in the
// order of arming, but one that was moved later comes after those armed before its visit.
//
// Limits: 2^31 ticks after `origin` (6.8 years); a later deadline is due then. A visit of a slot walks the whole
// slot, so the worst tick is that of the fullest slot: callers spread their phases. The wheel knows ticks only:
// what a timer means is the caller's table from TimerId to whatever it likes.

import { type Instant, NEVER } from '../base/time.ts';

/** An index into the wheel; valid from `allocate` until `release`. Small and dense: fit for an array index. */
export type TimerId = number & { readonly __brand: 'TimerId' };

export const TICK_MS = 100;
export const SLOTS = 8192;

const SLOT_MASK = SLOTS - 1;
const LAST_TICK = 0x7ffffffe;

// Layout of a record: at `2 * id` the deadline: a tick, or IDLE, or of a free timer `~` the next free one.
const IDLE = 0;
// Behind it the visit: a tick, or 0 from when its entry is collected until the timer is seen to, or NO_ENTRY.
const VISIT = 1;
/** After all ticks: any arming makes an entry. (0 is before them: none does.) */
const NO_ENTRY = 0x7fffffff;

// Layout of a chunk: a link, how many ids, the ids. Chunk n is the head of slot n: ids go into it one by one. When it is
// full it is copied to a chunk behind the heads. Those of a slot are a ring, and the head links to the last of them.
const CHUNK = 16;
const COUNT = 1;
const IDS = 2;
const FULL = CHUNK - IDS;
const HEADS = SLOTS * CHUNK;
/** The link to no chunk. */
const NIL = 0;

export interface TimerWheelOptions {
  /** The instant of tick 0. */
  readonly origin: Instant;
  /** Timers that fit before the first doubling. */
  readonly capacity?: number;
}

export class TimerWheel {
  private readonly origin: number;
  private records = new Int32Array(0);
  private chunks = new Int32Array(0);
  /** One bit per slot that holds an entry. */
  private readonly occupied = new Int32Array(SLOTS / 32);
  /** Timers whose entries were taken out of the slot of `tick`; `handed` to `collected` are yet to be seen to. */
  private due = new Int32Array(0);
  private handed = 0;
  private collected = 0;
  private freeTimer = 0;
  private freeChunk = NIL;
  /** Chunks from here on were never used. */
  private unused = HEADS;
  /** The last tick whose slot has been collected. */
  private tick = 0;
  private armed = 0;
  /** In all slots, stale ones included, and in `due`. */
  private entries = 0;
  /** With more entries than these, `arm` sweeps. */
  private plenty = 0;
  /** The slot that was swept last. */
  private swept = 0;

  constructor(options: TimerWheelOptions) {
    this.origin = options.origin;
    this.grow(Math.max(options.capacity ?? 1024, 16));
  }

  /** Timers that are armed. */
  get size(): number {
    return this.armed;
  }

  /** A fresh timer, not armed. Doubles the storage when it is full. */
  allocate(): TimerId {
    const id = this.freeTimer;
    if (2 * id === this.records.length) this.grow(2 * id);
    this.freeTimer = ~this.records[2 * id]!;
    this.records[2 * id] = IDLE;
    return id as TimerId;
  }

  /** Gives a timer back, cancelled. Its id will be given out again. Throws for an id that is not allocated. */
  release(id: TimerId): void {
    this.cancel(id);
    this.records[2 * id] = ~this.freeTimer;
    this.freeTimer = id;
  }

  /**
   * Sets or moves the deadline. Due at the first tick that is not before `at`, and never in the tick that has been
   * reached: an overdue deadline is due at the next tick. NEVER cancels. Throws for an id that is not allocated.
   */
  arm(id: TimerId, at: Instant): void {
    const length = at - this.origin;
    let deadline = Math.ceil(length / TICK_MS);
    if (deadline * TICK_MS < length) deadline++;
    if (deadline <= this.tick) deadline = this.tick + 1;
    else if (!(deadline <= LAST_TICK)) {
      if (at === NEVER) {
        this.cancel(id);
        return;
      }
      deadline = LAST_TICK;
    }
    if (this.deadlineOf(id) === IDLE) this.armed++;
    this.enter(id, deadline);
    if (this.entries > this.plenty) this.sweep();
  }

  /** No effect on a timer that is not armed. Throws for an id that is not allocated. */
  cancel(id: TimerId): void {
    if (this.deadlineOf(id) !== IDLE) this.armed--;
    this.records[2 * id] = IDLE;
  }

  /**
   * Hands out every timer that is due at `now`, each disarmed just before its call. `due` may do anything to any
   * timer, this one included: what it arms is due in a later tick, what it cancels is not handed out.
   * Stops after `limit` timers; what is left is handed out first by the next call. Returns how many were.
   */
  advance(now: Instant, due: (id: TimerId) => void, limit = Number.POSITIVE_INFINITY): number {
    const length = now - this.origin;
    let target = Math.min(Math.floor(length / TICK_MS), LAST_TICK);
    if (target * TICK_MS > length) target--;
    let fired = 0;
    for (;;) {
      while (this.handed < this.collected) {
        const id = this.due[this.handed]! as TimerId;
        const deadline = this.records[2 * id]!;
        const isDue = deadline > IDLE && deadline <= this.tick;
        if (isDue && fired >= limit) return fired;
        this.handed++;
        if (isDue) this.cancel(id);
        this.settle(id);
        if (!isDue) continue;
        fired++;
        due(id);
      }
      this.handed = this.collected = 0;
      if (this.tick >= target) return fired;
      const next = this.nextOccupied(this.tick + 1);
      if (next > target) {
        this.tick = target;
        return fired;
      }
      this.tick = next;
      this.collect(next);
    }
  }

  /**
   * When `advance` is to be called next: NEVER if no timer is armed, else an instant not after the first deadline
   * (rounded up to its tick). It may be earlier: by a call for each entry that a cancel or a move has left behind, and
   * by a call a revolution for each deadline further away than that.
   */
  pollAt(): Instant {
    if (this.armed === 0) return NEVER;
    const tick = this.handed < this.collected ? this.tick : this.nextOccupied(this.tick + 1);
    return (this.origin + tick * TICK_MS) as Instant;
  }

  private deadlineOf(id: TimerId): number {
    const deadline = this.records[2 * id];
    if (deadline === undefined || deadline < IDLE) throw new RangeError(`timer ${id} is not allocated`);
    return deadline;
  }

  /** Writes a deadline that is a tick to come, and makes an entry unless one speaks for the timer early enough. */
  private enter(id: TimerId, deadline: number): void {
    const { records, chunks, tick } = this;
    records[2 * id] = deadline;
    const visit = tick + 1 + ((deadline - tick - 1) & SLOT_MASK);
    if (visit >= records[2 * id + VISIT]!) return;
    records[2 * id + VISIT] = visit;
    const slot = visit & SLOT_MASK;
    const head = slot * CHUNK;
    const count = chunks[head + COUNT]! + 1;
    chunks[head + COUNT + count] = id;
    chunks[head + COUNT] = count;
    this.occupied[slot >>> 5]! |= 1 << (slot & 31);
    this.entries++;
    if (count === FULL) this.spill(head);
  }

  /** Empties a full head into a free chunk, the last of the ring now. As entries are bounded, there is one. */
  private spill(head: number): void {
    const chunks = this.chunks;
    let chunk = this.freeChunk;
    if (chunk !== NIL) this.freeChunk = chunks[chunk]!;
    else {
      chunk = this.unused;
      this.unused += CHUNK;
    }
    for (let i = COUNT; i < CHUNK; i++) chunks[chunk + i] = chunks[head + i]!;
    chunks[head + COUNT] = 0;
    const last = chunks[head]!;
    chunks[chunk] = last === NIL ? chunk : chunks[last]!;
    if (last !== NIL) chunks[last] = chunk;
    chunks[head] = chunk;
  }

  /** Takes the entries out of the slot of `tick`, and appends the timers for which they speak to `due`. */
  private collect(tick: number): void {
    const chunks = this.chunks;
    const slot = tick & SLOT_MASK;
    const head = slot * CHUNK;
    const last = chunks[head]!;
    if (last !== NIL) {
      const first = chunks[last]!;
      // The ring is cut here, and leads on to the free chunks.
      chunks[last] = this.freeChunk;
      for (let chunk = first; chunk !== this.freeChunk; chunk = chunks[chunk]!) this.take(chunk, tick);
      this.freeChunk = first;
      chunks[head] = NIL;
    }
    this.take(head, tick);
    chunks[head + COUNT] = 0;
    this.occupied[slot >>> 5]! &= ~(1 << (slot & 31));
  }

  /** The same for one chunk. All the misses are in this loop, which has no branch to be foretold wrong on one of them. */
  private take(chunk: number, tick: number): void {
    const { records, chunks, due } = this;
    const count = chunks[chunk + COUNT]!;
    let collected = this.collected;
    for (let i = 0; i < count; i++) {
      const id = chunks[chunk + IDS + i]!;
      const visit = records[2 * id + VISIT]!;
      const stale = (0 - (visit ^ tick)) >>> 31;
      due[collected] = id;
      collected += 1 - stale;
      records[2 * id + VISIT] = visit & -stale;
    }
    this.entries -= count - (collected - this.collected);
    this.collected = collected;
  }

  /** A collected timer gets a new entry if it is armed, and has none if it is not. */
  private settle(id: TimerId): void {
    this.entries--;
    this.records[2 * id + VISIT] = NO_ENTRY;
    const deadline = this.records[2 * id]!;
    if (deadline > IDLE) this.enter(id, deadline);
  }

  /** Rids the next slot of what is stale, or is not to stay there. */
  private sweep(): void {
    const from = this.collected;
    this.swept = (this.swept + 1) & SLOT_MASK;
    this.collect(this.tick + 1 + ((this.swept - this.tick - 1) & SLOT_MASK));
    for (let i = from; i < this.collected; i++) this.settle(this.due[i]! as TimerId);
    this.collected = from;
  }

  /** The first tick from `tick` on, within one revolution, whose slot holds an entry; NEVER if none does. */
  private nextOccupied(tick: number): number {
    const start = tick & SLOT_MASK;
    const words = this.occupied;
    let word = start >>> 5;
    let bits = words[word]! & (-1 << (start & 31));
    for (let looked = 0; looked <= words.length; looked++) {
      if (bits !== 0) {
        const slot = (word << 5) + 31 - Math.clz32(bits & -bits);
        return tick + ((slot - start) & SLOT_MASK);
      }
      word = (word + 1) & (words.length - 1);
      bits = words[word]!;
    }
    return NEVER;
  }

  /** Makes room for `capacity` timers and for the entries that they may leave. */
  private grow(capacity: number): void {
    let id = this.records.length / 2;
    this.records = resized(this.records, 2 * capacity);
    for (; id < capacity; id++) {
      this.records[2 * id] = ~(id + 1);
      this.records[2 * id + VISIT] = NO_ENTRY;
    }
    // A timer is collected once at a time; but while the last of a tick are handed out, a sweep may collect the first.
    this.due = resized(this.due, 2 * capacity);
    this.plenty = 2 * capacity + SLOTS;
    this.chunks = resized(this.chunks, HEADS + Math.ceil((this.plenty + SLOTS) / FULL) * CHUNK);
  }
}

function resized(old: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(length);
  grown.set(old);
  return grown;
}
