// A single-level hashed timer wheel in typed arrays: 8,192 slots of 100 ms, 819.2 s a revolution.
//
// Purpose: hold some timers per session for tens of thousands of sessions, where nearly every timer is re-armed
// or cancelled before it is due. Arm, re-arm and cancel are O(1): unlink from one doubly linked list, link into
// another. A timer is 16 octets in one Int32Array (next, prev, tick, unused: one cache line holds four of them,
// and a timer never straddles two). Nothing is allocated after `allocate` but for doubling.
//
// Trade: precision. A deadline is rounded up to the next tick, so a timer is never early and up to 100 ms late.
// There is no cascade: a deadline beyond one revolution stays in its slot and is looked at once a revolution, which
// costs a comparison. A cascade of the same capacity was measured to have ticks of 3 to 5 ms.
//
// Order: ticks in order; within one tick, in the order of their arming (a re-arm is a new arming).
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
const LAST_TICK = 0x7fffffff;
/** List number of the timers that are due and not yet handed out. */
const DUE_LIST = SLOTS;

// Layout of a timer: `id << STRIDE_BITS` is the offset of its `next`.
const STRIDE_BITS = 2;
const PREV = 1;
const TICK = 2;

/** End of a list. */
const NIL = -1;
// `prev` is the id before, or `FIRST - list` for the first of a list, or one of two marks.
const FIRST = -1;
const IDLE = -0x7ffffffe;
const FREE = -0x7fffffff;

export interface TimerWheelOptions {
  /** The instant of tick 0. */
  readonly origin: Instant;
  /** Timers that fit before the first doubling. */
  readonly capacity?: number;
}

export class TimerWheel {
  private readonly origin: number;
  private nodes: Int32Array;
  private readonly heads = new Int32Array(SLOTS + 1).fill(NIL);
  /** One bit per slot that has any timer in it. */
  private readonly occupied = new Int32Array(SLOTS / 32);
  private firstFree = NIL;
  /** Ids from here on were never given out. */
  private unused = 0;
  /** The last tick whose slot has been collected. */
  private tick = 0;
  private armed = 0;

  constructor(options: TimerWheelOptions) {
    this.origin = options.origin;
    this.nodes = new Int32Array(Math.max(options.capacity ?? 1024, 16) << STRIDE_BITS);
  }

  /** Timers that are armed. */
  get size(): number {
    return this.armed;
  }

  /** A fresh timer, not armed. Doubles the storage when it is full. */
  allocate(): TimerId {
    let id = this.firstFree;
    if (id === NIL) {
      id = this.unused++;
      if (id << STRIDE_BITS >= this.nodes.length) {
        const grown = new Int32Array(this.nodes.length * 2);
        grown.set(this.nodes);
        this.nodes = grown;
      }
    } else {
      this.firstFree = this.nodes[id << STRIDE_BITS]!;
    }
    this.nodes[(id << STRIDE_BITS) + PREV] = IDLE;
    return id as TimerId;
  }

  /** Gives a timer back, cancelled. Its id will be given out again. Throws for an id that is not allocated. */
  release(id: TimerId): void {
    this.cancel(id);
    const at = id << STRIDE_BITS;
    this.nodes[at] = this.firstFree;
    this.nodes[at + PREV] = FREE;
    this.firstFree = id;
  }

  /**
   * Sets or moves the deadline. Due at the first tick that is not before `at`, and never in the tick that has been
   * reached: an overdue deadline is due at the next tick. NEVER cancels. Throws for an id that is not allocated.
   */
  arm(id: TimerId, at: Instant): void {
    const length = at - this.origin;
    let tick = Math.ceil(length / TICK_MS);
    if (tick * TICK_MS < length) tick++;
    if (tick <= this.tick) tick = this.tick + 1;
    else if (!(tick <= LAST_TICK)) {
      if (at === NEVER) {
        this.cancel(id);
        return;
      }
      tick = LAST_TICK;
    }
    const nodes = this.nodes;
    const node = id << STRIDE_BITS;
    this.detach(id, node);
    const slot = tick & SLOT_MASK;
    const head = this.heads[slot]!;
    if (head === NIL) this.occupied[slot >>> 5]! |= 1 << (slot & 31);
    else nodes[(head << STRIDE_BITS) + PREV] = id;
    nodes[node] = head;
    nodes[node + PREV] = FIRST - slot;
    nodes[node + TICK] = tick;
    this.heads[slot] = id;
    this.armed++;
  }

  /** No effect on a timer that is not armed. Throws for an id that is not allocated. */
  cancel(id: TimerId): void {
    const node = id << STRIDE_BITS;
    this.detach(id, node);
    this.nodes[node + PREV] = IDLE;
  }

  isArmed(id: TimerId): boolean {
    const prev = this.nodes[(id << STRIDE_BITS) + PREV];
    return prev !== undefined && prev > IDLE && id < this.unused;
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
      for (let id = this.heads[DUE_LIST]!; id !== NIL; id = this.heads[DUE_LIST]!) {
        if (fired >= limit) return fired;
        this.cancel(id as TimerId);
        fired++;
        due(id as TimerId);
      }
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
   * (rounded up to its tick). It is earlier than that only for a deadline more than one revolution away.
   */
  pollAt(): Instant {
    if (this.armed === 0) return NEVER;
    const tick = this.heads[DUE_LIST] === NIL ? this.nextOccupied(this.tick + 1) : this.tick;
    return (this.origin + tick * TICK_MS) as Instant;
  }

  /** Takes an armed timer out of its list; its `prev` is left stale. */
  private detach(id: number, node: number): void {
    const nodes = this.nodes;
    const prev = id < this.unused ? nodes[node + PREV]! : FREE;
    if (prev === IDLE) return;
    if (prev === FREE) throw new RangeError(`timer ${id} is not allocated`);
    const next = nodes[node]!;
    if (next !== NIL) nodes[(next << STRIDE_BITS) + PREV] = prev;
    if (prev >= 0) nodes[prev << STRIDE_BITS] = next;
    else {
      const list = FIRST - prev;
      this.heads[list] = next;
      if (next === NIL && list !== DUE_LIST) this.occupied[list >>> 5]! &= ~(1 << (list & 31));
    }
    this.armed--;
  }

  /**
   * Moves the timers of a slot that are due at `tick` to the due list, which is empty. A slot has its newest timer
   * first; putting each in front of the one before makes the due list begin with the oldest.
   */
  private collect(tick: number): void {
    const nodes = this.nodes;
    let first = NIL;
    for (let id = this.heads[tick & SLOT_MASK]!; id !== NIL; ) {
      const node = id << STRIDE_BITS;
      const next = nodes[node]!;
      if (nodes[node + TICK]! <= tick) {
        this.detach(id, node);
        this.armed++;
        nodes[node] = first;
        nodes[node + PREV] = FIRST - DUE_LIST;
        if (first !== NIL) nodes[(first << STRIDE_BITS) + PREV] = id;
        first = id;
      }
      id = next;
    }
    this.heads[DUE_LIST] = first;
  }

  /** The first tick from `tick` on, within one revolution, whose slot has any timer; NEVER if none has. */
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
}
