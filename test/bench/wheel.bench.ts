// flags: --expose-gc
// The timer wheel against Node's own timers: arm, re-arm, cancel and fire of 1,000, 100,000 and 1,000,000 timers
// with random deadlines, in one run, so that the ratios hold on any machine.
//
// Deadlines: whole milliseconds, uniform over 60 to 660 s from now, the same for both. Re-arm: every timer once, to
// another random deadline (setTimeout cannot do that: clearTimeout and setTimeout), in the order of allocation.
// "shuffled": in random order, where at a million every touch of a timer is a cache miss for both. Both go through a
// shuffled array of their own handles, since the caller has the handle at hand; each row shuffles anew, since
// Node's re-arm makes new timers, which lie in the order of the last row.
// Settle: what the wheel puts off. When every timer has been armed, re-armed and cancelled, the clock goes round once,
// so that the wheel drops what that left behind; so every "arm" starts on an empty wheel. Node puts nothing off.
// A whole life: arm, re-arm and cancel (shuffled) and settle, added up.
// Fire: each fired timer is armed again at a random deadline, as a handshake would. On the wheel all are armed, and
// re-armed in random order, before that, so that there is something to move and to drop; the virtual clock runs through
// all ticks. Max tick: of those, the slowest single `advance`; for each tick the best of the rounds, which are the
// same tick by tick, as one in which the machine ran somebody else is not the wheel's. Node's firing cannot be run in
// virtual time: its timers are spread over one second instead, and the CPU time is taken.
// Floor: the loop of the shuffled rows with one access to one random word per timer in place of the wheel.
// Each figure is the best of ROUNDS rounds over at least 200,000 operations, both sides in turn, each on what its
// rounds before have warmed.

import { instant } from '../../src/base/time.ts';
import { SLOTS, TICK_MS, type TimerId, TimerWheel } from '../../src/timer/wheel.ts';

const SIZES = [1_000, 100_000, 1_000_000] as const;
const FROM_MS = 60_000;
const SPAN_MS = 600_000;
const OPERATIONS = 200_000;
const ROUNDS = 5;

/** Timed of every subject. */
type Timed = Record<'arm' | 're-arm' | 're-arm, shuffled' | 'cancel' | 'cancel, shuffled' | 'settle', number>;

const COMPARED = [
  'arm',
  're-arm',
  're-arm, shuffled',
  'cancel',
  'cancel, shuffled',
  'a whole life, shuffled',
  'fire',
] as const;
type Figures = Timed & Record<(typeof COMPARED)[number], number>;

function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

function shuffled(count: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    const kept = order[i]!;
    order[i] = order[other]!;
    order[other] = kept;
  }
  return order;
}

function deadlines(count: number, random: () => number): Float64Array {
  return Float64Array.from({ length: count }, () => FROM_MS + Math.floor(random() * SPAN_MS));
}

function nanoseconds(from: bigint, operations: number): number {
  return Number(process.hrtime.bigint() - from) / operations;
}

interface Inputs {
  readonly size: number;
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly order: Int32Array;
}

function inputs(size: number): Inputs {
  const random = randomSource(size);
  return {
    size,
    first: deadlines(size, random),
    second: deadlines(size, random),
    order: shuffled(size, random),
  };
}

function best<T extends Record<string, number>>(figures: readonly T[]): T {
  const least = (key: string) => Math.min(...figures.map((figure) => figure[key]!));
  return Object.fromEntries(Object.keys(figures[0]!).map((key) => [key, least(key)])) as T;
}

/** What is measured of both: the loops are the same, the timers are not. A subject goes through its timers in a row. */
interface Subject {
  armAll(delays: Float64Array): void;
  rearmAll(delays: Float64Array): void;
  cancelAll(): void;
  /** Puts the row in the order of allocation. */
  sort(): void;
  shuffle(order: Int32Array): void;
  settle(): void;
}

function measure(subject: Subject, { size, first, second, order }: Inputs): Timed {
  const repeat = Math.ceil(OPERATIONS / size);
  const sums: Timed = {
    arm: 0,
    're-arm': 0,
    're-arm, shuffled': 0,
    cancel: 0,
    'cancel, shuffled': 0,
    settle: 0,
  };
  const timed = (key: keyof Timed, work: () => void): void => {
    const start = process.hrtime.bigint();
    work();
    sums[key] += nanoseconds(start, size * repeat);
  };
  for (let round = 0; round < repeat; round++) {
    subject.sort();
    timed('arm', () => subject.armAll(first));
    timed('re-arm', () => subject.rearmAll(second));
    timed('cancel', () => subject.cancelAll());
    subject.settle();
    subject.sort();
    subject.armAll(first);
    subject.shuffle(order);
    timed('re-arm, shuffled', () => subject.rearmAll(second));
    subject.shuffle(order);
    timed('cancel, shuffled', () => subject.cancelAll());
    timed('settle', () => subject.settle());
  }
  return sums;
}

class Floor implements Subject {
  private readonly words: Int32Array;
  private ids: Int32Array;

  constructor(size: number) {
    this.words = new Int32Array(2 * size);
    this.ids = Int32Array.from({ length: size }, (_, i) => i);
  }

  armAll(delays: Float64Array): void {
    const { ids, words } = this;
    for (let i = 0; i < ids.length; i++) words[2 * ids[i]!] = delays[i]!;
  }

  rearmAll(delays: Float64Array): void {
    this.armAll(delays);
  }

  cancelAll(): void {
    const { ids, words } = this;
    for (let i = 0; i < ids.length; i++) words[2 * ids[i]!]! &= 1;
  }

  shuffle(order: Int32Array): void {
    this.ids = order.map((i) => this.ids[i]!);
  }

  sort(): void {
    this.ids.sort();
  }

  settle(): void {}
}

class Wheel implements Subject {
  private readonly wheel: TimerWheel;
  private readonly allocated: readonly TimerId[];
  private ids: readonly TimerId[];
  private now = 0;
  /** Of the ticks in which timers fire, one after the other: the milliseconds of the best round. */
  private readonly ticks: number[] = [];

  constructor(size: number) {
    this.wheel = new TimerWheel({ origin: instant(0), capacity: size });
    this.allocated = Array.from({ length: size }, () => this.wheel.allocate());
    this.ids = this.allocated;
  }

  armAll(delays: Float64Array): void {
    const { wheel, ids, now } = this;
    for (let i = 0; i < ids.length; i++) wheel.arm(ids[i]!, instant(now + delays[i]!));
  }

  rearmAll(delays: Float64Array): void {
    this.armAll(delays);
  }

  cancelAll(): void {
    const { wheel, ids } = this;
    for (let i = 0; i < ids.length; i++) wheel.cancel(ids[i]!);
  }

  shuffle(order: Int32Array): void {
    this.ids = Array.from(order, (i) => this.ids[i]!);
  }

  sort(): void {
    this.ids = this.allocated;
  }

  settle(): void {
    this.now += SLOTS * TICK_MS;
    this.wheel.advance(instant(this.now), nothing);
  }

  /** Nanoseconds of one. */
  fire({ size, first, second, order }: Inputs): number {
    this.sort();
    this.armAll(first);
    this.shuffle(order);
    this.rearmAll(second);
    let fired = 0;
    const again = (id: TimerId): void => {
      this.wheel.arm(id, instant(this.now + first[fired++ % size]!));
    };
    const target = Math.max(OPERATIONS, size * 2);
    const start = process.hrtime.bigint();
    while (fired < target) {
      this.now += TICK_MS;
      this.wheel.advance(instant(this.now), again);
    }
    const figure = nanoseconds(start, fired);
    for (let i = 0; i < SLOTS; i++) {
      this.now += TICK_MS;
      const from = process.hrtime.bigint();
      this.wheel.advance(instant(this.now), again);
      this.ticks[i] = Math.min(nanoseconds(from, 1e6), this.ticks[i] ?? Number.POSITIVE_INFINITY);
    }
    this.cancelAll();
    this.settle();
    return figure;
  }

  maxTickMs(): number {
    return Math.max(...this.ticks);
  }
}

class NodeTimers implements Subject {
  private timers: NodeJS.Timeout[] = [];

  armAll(delays: Float64Array): void {
    for (let i = 0; i < delays.length; i++) this.timers[i] = setTimeout(nothing, delays[i]!);
  }

  rearmAll(delays: Float64Array): void {
    const { timers } = this;
    for (let i = 0; i < timers.length; i++) {
      clearTimeout(timers[i]);
      timers[i] = setTimeout(nothing, delays[i]!);
    }
  }

  cancelAll(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  shuffle(order: Int32Array): void {
    this.timers = Array.from(order, (i) => this.timers[i]!);
  }

  sort(): void {}

  settle(): void {}
}

function figures(timed: Timed, fire: number): Figures {
  const life = timed.arm + timed['re-arm, shuffled'] + timed['cancel, shuffled'] + timed.settle;
  return { ...timed, 'a whole life, shuffled': life, fire };
}

function nothing(): void {}

/** CPU of firing and arming again `size` timers that are spread over a second, the arming before it not counted. */
async function nodeFire({ size, second }: Inputs): Promise<number> {
  const again: NodeJS.Timeout[] = [];
  let left = size;
  const done = new Promise<void>((resolve) => {
    const fire = (): void => {
      again.push(setTimeout(nothing, second[--left]!));
      if (left === 0) resolve();
    };
    for (let i = 0; i < size; i++) setTimeout(fire, 1_500 + (i % 1_000));
  });
  const before = process.cpuUsage();
  await done;
  const { user, system } = process.cpuUsage(before);
  for (const timer of again) clearTimeout(timer);
  return ((user + system) * 1_000) / size;
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(10) : i === 1 ? cell.padEnd(22) : cell.padStart(10)))
    .join(' ');
}

const lines = new Map<number, Record<string, number>>();
console.log(row(['timers', 'operation', 'wheel ns', 'node ns', 'ratio']));
let worstTick = 0;
for (const size of SIZES) {
  const input = inputs(size);
  const subjects = { wheel: new Wheel(size), node: new NodeTimers(), floor: new Floor(size) };
  const rounds: Record<'wheel' | 'node', Figures[]> & { floor: Timed[] } = { wheel: [], node: [], floor: [] };
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.();
    rounds.wheel.push(figures(measure(subjects.wheel, input), subjects.wheel.fire(input)));
    rounds.floor.push(measure(subjects.floor, input));
    globalThis.gc?.();
    rounds.node.push(figures(measure(subjects.node, input), await nodeFire(input)));
  }
  const wheel = best(rounds.wheel);
  const node = best(rounds.node);
  const floor = best(rounds.floor);
  for (const key of COMPARED) {
    const ratio = node[key] / wheel[key];
    console.log(row([`${size}`, key, wheel[key].toFixed(1), node[key].toFixed(0), `${ratio.toFixed(1)}x`]));
  }
  const alone = {
    settle: wheel.settle,
    'floor of re-arm': floor['re-arm, shuffled'],
    'floor of cancel': floor['cancel, shuffled'],
  };
  for (const [key, figure] of Object.entries(alone)) console.log(row([`${size}`, key, figure.toFixed(1)]));
  const tick = subjects.wheel.maxTickMs();
  console.log(row([`${size}`, 'max tick', `${tick.toFixed(2)} ms`]));
  worstTick = Math.max(worstTick, tick);
  lines.set(size, { ...wheel, ...alone });
}
const small = lines.get(SIZES[0])!;
const large = lines.get(SIZES[2])!;
for (const key of [...COMPARED, 'settle', 'floor of re-arm', 'floor of cancel']) {
  const goal = key.startsWith('floor') || key === 'settle' ? '' : 'of 2';
  console.log(row(['1 k to 1 M', key, `x ${(large[key]! / small[key]!).toFixed(2)}`, goal]));
}
console.log(row(['worst', 'tick', `${worstTick.toFixed(2)} ms`, 'of 2 ms']));
