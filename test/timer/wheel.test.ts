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
    expect(wheel.size).toBe(0);
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
    expect(wheel.size).toBe(0);
    expect(wheel.pollAt()).toBe(NEVER);
  });
});

describe('many timers in one tick', () => {
  it('come in the order of their arming', () => {
    const { wheel, ids } = wheelAt(0, 100);
    const shuffled = ids.map((_, i) => ids[(i * 37) % 100]!);
    for (const [i, id] of shuffled.entries()) wheel.arm(id, instant(1_000 - (i % 100)));
    expect(fire(wheel, 1_000)).toEqual(shuffled);
  });

  it('come after those armed before their visit, where they were moved there from an earlier tick', () => {
    const { wheel, ids } = wheelAt(0, 3);
    wheel.arm(ids[0]!, instant(500));
    wheel.arm(ids[0]!, instant(1_000));
    wheel.arm(ids[1]!, instant(1_000));
    expect(fire(wheel, 500)).toEqual([]);
    wheel.arm(ids[2]!, instant(1_000));
    expect(fire(wheel, 1_000)).toEqual([ids[1], ids[0], ids[2]]);
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

describe('what a cancel or a move leaves behind', () => {
  it('wakes once, and fires nothing', () => {
    const { wheel, ids } = wheelAt(0, 3);
    wheel.arm(ids[0]!, instant(5_000));
    wheel.arm(ids[1]!, instant(200));
    wheel.arm(ids[1]!, instant(6_000));
    wheel.arm(ids[2]!, instant(300));
    wheel.cancel(ids[2]!);
    const wakeUps: number[] = [];
    while (wheel.pollAt() < 5_000) {
      wakeUps.push(wheel.pollAt());
      expect(fire(wheel, wheel.pollAt())).toEqual([]);
    }
    expect(wakeUps).toEqual([200, 300]);
    expect(fire(wheel, 5_000)).toEqual([ids[0]]);
    expect(fire(wheel, wheel.pollAt())).toEqual([ids[1]]);
    expect(wheel.pollAt()).toBe(NEVER);
  });

  it('does not wake a wheel on which no timer is armed', () => {
    const { wheel, ids } = wheelAt(0, 2);
    for (const id of ids) wheel.arm(id, instant(200));
    for (const id of ids) wheel.cancel(id);
    expect(wheel.pollAt()).toBe(NEVER);
  });

  it('is not the next owner of the id', () => {
    const { wheel, ids } = wheelAt(0, 1);
    wheel.arm(ids[0]!, instant(200));
    wheel.release(ids[0]!);
    expect(wheel.allocate()).toBe(ids[0]);
    expect(fire(wheel, 300)).toEqual([]);
    wheel.arm(ids[0]!, instant(900));
    expect(fire(wheel, 1_000)).toEqual(ids);
  });

  it('does not pile up in the tick to which a timer is moved again and again', () => {
    const { wheel, ids } = wheelAt(0, 16);
    for (let tick = 1; tick < 100; tick++) {
      wheel.arm(ids[0]!, instant(tick * TICK_MS));
      wheel.arm(ids[0]!, instant(10_000));
      expect(fire(wheel, tick * TICK_MS)).toEqual([]);
    }
    for (const id of ids) wheel.arm(id, instant(10_000));
    expect(fire(wheel, 10_000)).toEqual(ids);
    expect(wheel.pollAt()).toBe(NEVER);
  });

  it('does not hold up what comes after it, where the limit is reached', () => {
    const { wheel, ids } = wheelAt(0, 3);
    for (const [i, id] of ids.entries()) wheel.arm(id, instant((i + 1) * TICK_MS));
    wheel.cancel(ids[1]!);
    expect(fire(wheel, 1_000, 1)).toEqual([ids[0]]);
    expect(wheel.pollAt()).toBe(3 * TICK_MS);
  });

  it('is swept up before there is no room for it', () => {
    const { wheel, ids } = wheelAt(0, 64);
    // 64 in each of 8,000 slots, where there is room for 14, and for 16,500 besides.
    for (let tick = 8_000; tick > 0; tick--) for (const id of ids) wheel.arm(id, instant(tick * TICK_MS));
    for (const [i, id] of ids.entries()) wheel.arm(id, instant((i + 2) * TICK_MS));
    for (const [i, id] of ids.entries()) expect(fire(wheel, (i + 2) * TICK_MS)).toEqual([id]);
    expect(fire(wheel, 2 * REVOLUTION)).toEqual([]);
  });

  it('is swept up while a tick is handed out', () => {
    const { wheel, ids } = wheelAt(0, 64);
    for (const id of ids) wheel.arm(id, instant(TICK_MS));
    const seen = new Set<TimerId>();
    wheel.advance(instant(TICK_MS), (id) => {
      seen.add(id);
      for (let tick = 4_000; tick > 1; tick--)
        for (const other of seen) wheel.arm(other, instant(tick * TICK_MS));
    });
    expect(seen.size).toBe(64);
    expect(fire(wheel, 2 * TICK_MS).sort((a, b) => a - b)).toEqual(ids);
  });
});

describe('an id that is not allocated', () => {
  it('is refused, never corrupts the free list', () => {
    const { wheel, ids } = wheelAt(0, 2);
    wheel.release(ids[1]!);
    expect(() => wheel.release(ids[1]!)).toThrow(RangeError);
    expect(() => wheel.arm(ids[1]!, instant(5))).toThrow(RangeError);
    expect(() => wheel.arm(7 as TimerId, instant(5))).toThrow(RangeError);
    expect(wheel.size).toBe(0);
    expect(wheel.allocate()).toBe(ids[1]);
    expect(wheel.allocate()).toBe(2);
  });
});

// The model: a list of what is armed. Within one tick it leaves the order open.
interface Armed {
  readonly id: TimerId;
  readonly tick: number;
}

class Model {
  armed: Armed[] = [];
  private tick = 0;

  arm(id: TimerId, at: number): void {
    this.cancel(id);
    this.armed.push({ id, tick: Math.max(Math.ceil(at / TICK_MS), this.tick + 1) });
  }

  cancel(id: TimerId): void {
    this.armed = this.armed.filter((timer) => timer.id !== id);
  }

  /** The first tick that has a timer, or Infinity. */
  first(): number {
    return Math.min(...this.armed.map((timer) => timer.tick));
  }

  /** To be called for each timer that is handed out. */
  fires(id: TimerId): void {
    this.tick = this.first();
    expect(this.armed).toContainEqual({ id, tick: this.tick });
    this.cancel(id);
  }

  /** To be called after all have been. */
  reaches(now: number, limited: boolean): void {
    const tick = Math.floor(now / TICK_MS);
    if (!limited) expect(this.first()).toBeGreaterThan(tick);
    this.tick = Math.min(this.first(), tick);
  }
}

type Step =
  | { readonly type: 'arm'; readonly timer: number; readonly delay: number }
  | { readonly type: 'cancel'; readonly timer: number }
  | { readonly type: 'renew'; readonly timer: number }
  /** All timers are armed ever earlier, tick by tick: each arming leaves a stale entry. */
  | { readonly type: 'fall'; readonly delay: number; readonly ticks: number }
  | {
      readonly type: 'advance';
      readonly by: number;
      readonly limit: number;
      readonly again: number | undefined;
    };

const TIMERS = 40;
const timer = fc.nat(TIMERS - 1);
// Crowded: many timers meet in a few slots, in this revolution and the next ones.
const delay = fc.oneof(
  fc.integer({ min: -500, max: 3_000 }),
  fc.constantFrom(500, 1_000, REVOLUTION - 100, REVOLUTION, REVOLUTION + 500, 3 * REVOLUTION + 500),
  fc.nat(4 * REVOLUTION),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant('arm' as const), timer, delay }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('cancel' as const), timer }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('renew' as const), timer }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('fall' as const),
      delay,
      ticks: fc.integer({ min: 1, max: 600 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('advance' as const),
      by: fc.oneof(fc.nat(1_000), fc.nat(2 * REVOLUTION)),
      limit: fc.oneof(fc.constant(1_000), fc.integer({ min: 1, max: 4 })),
      again: fc.option(delay, { nil: undefined }),
    }),
  },
);

describe('against a list', () => {
  it('hands out the same timers in the same ticks, whatever is done', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { wheel, ids } = wheelAt(0, TIMERS);
        const model = new Model();
        let now = 0;
        const arm = (id: TimerId, at: number): void => {
          wheel.arm(id, at as Instant);
          model.arm(id, at);
        };
        for (const step of steps) {
          if (step.type === 'arm') {
            arm(ids[step.timer]!, now + step.delay);
          } else if (step.type === 'cancel') {
            wheel.cancel(ids[step.timer]!);
            model.cancel(ids[step.timer]!);
          } else if (step.type === 'renew') {
            model.cancel(ids[step.timer]!);
            wheel.release(ids[step.timer]!);
            ids[step.timer] = wheel.allocate();
          } else if (step.type === 'fall') {
            const at = now + step.delay;
            for (let tick = step.ticks; tick > 0; tick--) {
              for (const id of ids) wheel.arm(id, (at + tick * TICK_MS) as Instant);
            }
            for (const id of ids) arm(id, at);
          } else {
            now += step.by;
            let left = step.limit;
            const count = wheel.advance(
              now as Instant,
              (id) => {
                left--;
                model.fires(id);
                if (step.again !== undefined && left % 2 === 0) arm(id, now + step.again);
              },
              step.limit,
            );
            expect(count).toBe(step.limit - left);
            model.reaches(now, left === 0);
          }
          expect(wheel.size).toBe(model.armed.length);
          const pollAt = wheel.pollAt();
          if (model.armed.length === 0) expect(pollAt).toBe(NEVER);
          else expect(pollAt).toBeLessThanOrEqual(model.first() * TICK_MS);
        }
      }),
      { numRuns: 300 },
    );
  });
});
