import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Instant, instant, NEVER } from '../../src/base/time.ts';
import { SLOTS, TICK_MS, type TimerId, TimerWheel } from '../../src/timer/wheel.ts';

const REVOLUTION = SLOTS * TICK_MS;

function fire(wheel: TimerWheel, now: number, limit?: number): TimerId[] {
  const out: TimerId[] = [];
  const count = wheel.advance(instant(now), (id) => out.push(id), limit);
  expect(count).toBe(out.length);
  return out;
}

function wheelAt(origin: number, timers: number): { wheel: TimerWheel; ids: TimerId[] } {
  const wheel = new TimerWheel({ origin: instant(origin), capacity: 16 });
  return { wheel, ids: Array.from({ length: timers }, () => wheel.allocate()) };
}

describe('a timer on the wheel', () => {
  it('is never early and at most one tick late', () => {
    const { wheel, ids } = wheelAt(1_000, 1);
    wheel.arm(ids[0]!, instant(1_250.5));
    expect(wheel.pollAt()).toBe(1_300);
    expect(fire(wheel, 1_299.9)).toEqual([]);
    expect(fire(wheel, 1_300)).toEqual([ids[0]]);
    expect(wheel.isArmed(ids[0]!)).toBe(false);
    expect(wheel.pollAt()).toBe(NEVER);
  });

  it('moves when it is armed again, earlier and later', () => {
    const { wheel, ids } = wheelAt(0, 2);
    wheel.arm(ids[0]!, instant(5_000));
    wheel.arm(ids[1]!, instant(1_000));
    wheel.arm(ids[0]!, instant(500));
    wheel.arm(ids[1]!, instant(9_000));
    expect(wheel.size).toBe(2);
    expect(fire(wheel, 5_000)).toEqual([ids[0]]);
    expect(wheel.pollAt()).toBe(9_000);
  });

  it('stays away when cancelled, and may be cancelled twice', () => {
    const { wheel, ids } = wheelAt(0, 1);
    wheel.arm(ids[0]!, instant(100));
    wheel.cancel(ids[0]!);
    wheel.cancel(ids[0]!);
    expect(wheel.size).toBe(0);
    expect(fire(wheel, REVOLUTION * 2)).toEqual([]);
  });

  it('waits whole revolutions where its deadline is beyond one', () => {
    const { wheel, ids } = wheelAt(0, 2);
    wheel.arm(ids[0]!, instant(3 * REVOLUTION + 700));
    wheel.arm(ids[1]!, instant(700));
    expect(fire(wheel, 700)).toEqual([ids[1]]);
    let wakeUps = 0;
    while (wheel.pollAt() < 3 * REVOLUTION + 700) {
      expect(fire(wheel, wheel.pollAt())).toEqual([]);
      wakeUps++;
    }
    expect(wakeUps).toBe(2);
    expect(fire(wheel, 3 * REVOLUTION + 700)).toEqual([ids[0]]);
  });

  it('is due at the next tick when armed in the past', () => {
    const { wheel, ids } = wheelAt(0, 1);
    fire(wheel, 10_000);
    wheel.arm(ids[0]!, instant(50));
    expect(fire(wheel, 10_099)).toEqual([]);
    expect(fire(wheel, 10_100)).toEqual([ids[0]]);
  });

  it('is cancelled by a deadline of NEVER', () => {
    const { wheel, ids } = wheelAt(0, 1);
    wheel.arm(ids[0]!, instant(100));
    wheel.arm(ids[0]!, NEVER);
    expect(wheel.isArmed(ids[0]!)).toBe(false);
    expect(wheel.pollAt()).toBe(NEVER);
  });
});

describe('many timers in one tick', () => {
  it('come in the order of their arming', () => {
    const { wheel, ids } = wheelAt(0, 5);
    for (const i of [3, 1, 4, 0, 2]) wheel.arm(ids[i]!, instant(1_000 - i));
    wheel.arm(ids[3]!, instant(950));
    expect(fire(wheel, 1_000)).toEqual([1, 4, 0, 2, 3].map((i) => ids[i]));
  });

  it('are split by the limit, and the rest comes first at the next call', () => {
    const { wheel, ids } = wheelAt(0, 4);
    for (const id of ids) wheel.arm(id, instant(100));
    expect(fire(wheel, 500, 3)).toEqual(ids.slice(0, 3));
    expect(wheel.pollAt()).toBeLessThanOrEqual(500);
    wheel.arm(ids[0]!, instant(300));
    expect(fire(wheel, 500)).toEqual([ids[3], ids[0]]);
  });

  it('may re-arm, cancel, release and allocate while they fire', () => {
    const { wheel, ids } = wheelAt(0, 4);
    for (const id of ids) wheel.arm(id, instant(100));
    const seen: TimerId[] = [];
    wheel.advance(instant(1_000), (id) => {
      seen.push(id);
      if (seen.length === 1) {
        wheel.arm(id, instant(0));
        wheel.cancel(ids[1]!);
        wheel.arm(ids[2]!, instant(400));
        wheel.release(ids[1]!);
        for (let i = 0; i < 100; i++) wheel.arm(wheel.allocate(), instant(REVOLUTION));
      }
    });
    expect(seen).toEqual([ids[0], ids[3], ids[0], ids[2]]);
    expect(wheel.size).toBe(100);
  });

  it('cannot hold the wheel in one tick for ever by arming for now', () => {
    const { wheel, ids } = wheelAt(0, 1);
    wheel.arm(ids[0]!, instant(0));
    let count = 0;
    wheel.advance(instant(1_000), (id) => {
      count++;
      wheel.arm(id, instant(0));
    });
    expect(count).toBe(10);
  });
});

describe('an id that is not allocated', () => {
  it('is refused, never corrupts the free list', () => {
    const { wheel, ids } = wheelAt(0, 2);
    wheel.release(ids[1]!);
    expect(() => wheel.release(ids[1]!)).toThrow(RangeError);
    expect(() => wheel.arm(ids[1]!, instant(5))).toThrow(RangeError);
    expect(() => wheel.arm(7 as TimerId, instant(5))).toThrow(RangeError);
    expect(wheel.isArmed(ids[1]!)).toBe(false);
    expect(wheel.isArmed(7 as TimerId)).toBe(false);
    expect(wheel.allocate()).toBe(ids[1]);
    expect(wheel.allocate()).toBe(2);
  });
});

// The model: a list of what is armed, sorted by (tick, order of arming).
interface Armed {
  readonly id: TimerId;
  readonly tick: number;
  readonly order: number;
}

class Model {
  armed: Armed[] = [];
  tick = 0;
  private order = 0;

  arm(id: TimerId, at: number): void {
    this.cancel(id);
    this.armed.push({ id, tick: Math.max(Math.ceil(at / TICK_MS), this.tick + 1), order: this.order++ });
  }

  cancel(id: TimerId): void {
    this.armed = this.armed.filter((timer) => timer.id !== id);
  }

  advance(now: number, limit: number): TimerId[] {
    this.armed.sort((a, b) => a.tick - b.tick || a.order - b.order);
    const due = this.armed.filter((timer) => timer.tick * TICK_MS <= now);
    const handed = due.slice(0, limit);
    this.armed = this.armed.slice(handed.length);
    this.tick = due[limit]?.tick ?? Math.floor(now / TICK_MS);
    return handed.map((timer) => timer.id);
  }
}

type Step =
  | { readonly type: 'arm'; readonly timer: number; readonly delay: number }
  | { readonly type: 'cancel'; readonly timer: number }
  | { readonly type: 'renew'; readonly timer: number }
  | { readonly type: 'advance'; readonly by: number; readonly limit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('arm' as const),
      timer: fc.nat(39),
      delay: fc.oneof(fc.integer({ min: -500, max: 3_000 }), fc.nat(4 * REVOLUTION)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cancel' as const), timer: fc.nat(39) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('renew' as const), timer: fc.nat(39) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('advance' as const),
      by: fc.oneof(fc.nat(1_000), fc.nat(2 * REVOLUTION)),
      limit: fc.oneof(fc.constant(1_000), fc.integer({ min: 1, max: 4 })),
    }),
  },
);

describe('against a sorted list', () => {
  it('hands out the same timers in the same order, whatever is done', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { wheel, ids } = wheelAt(0, 40);
        const model = new Model();
        let now = 0;
        for (const step of steps) {
          if (step.type === 'arm') {
            wheel.arm(ids[step.timer]!, (now + step.delay) as Instant);
            model.arm(ids[step.timer]!, now + step.delay);
          } else if (step.type === 'cancel') {
            wheel.cancel(ids[step.timer]!);
            model.cancel(ids[step.timer]!);
          } else if (step.type === 'renew') {
            model.cancel(ids[step.timer]!);
            wheel.release(ids[step.timer]!);
            ids[step.timer] = wheel.allocate();
          } else {
            now += step.by;
            expect(fire(wheel, now, step.limit)).toEqual(model.advance(now, step.limit));
          }
          expect(wheel.size).toBe(model.armed.length);
          for (const id of ids) {
            expect(wheel.isArmed(id)).toBe(model.armed.some((timer) => timer.id === id));
          }
          const first = Math.min(...model.armed.map((timer) => timer.tick)) * TICK_MS;
          expect(wheel.pollAt()).toBeLessThanOrEqual(first);
          if (model.armed.length > 0 && first - now < REVOLUTION) expect(wheel.pollAt()).not.toBe(NEVER);
        }
      }),
      { numRuns: 300 },
    );
  });
});
