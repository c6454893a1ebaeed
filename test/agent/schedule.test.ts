// Who is woken, when many touch each other's deadlines.

import { expect, it } from 'vitest';
import { Schedule, type Timed } from '../../src/agent/schedule.ts';
import { after, type Instant, instant, millis, NEVER } from '../../src/base/time.ts';

it('one that all others touch in every tick, before its own turn, has its turn all the same', () => {
  const schedule = new Schedule(instant(0));
  const woken: Instant[] = [];
  const late: Timed & { at: Instant } = {
    at: instant(500),
    pollAt: () => late.at,
    onTime: (now) => {
      woken.push(now);
      late.at = after(now, millis(500));
    },
  };
  // Five in each tick, armed long before it, and so before `late`.
  const busy = Array.from({ length: 100 }, (_, i): Timed => {
    let at = instant(100 + 100 * (i % 20));
    return {
      pollAt: () => at,
      onTime: () => {
        at = after(at, millis(2_000));
        schedule.touch(late);
      },
    };
  });
  for (const each of busy) schedule.touch(each);
  schedule.touch(late);
  for (let now = 0; now <= 5_000; now += 50) schedule.advance(instant(now));
  expect(woken).toEqual([500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 4_500, 5_000]);
});

it('one that has no deadline any more is not woken; a new one wakes it', () => {
  const schedule = new Schedule(instant(0));
  let at: Instant = instant(500);
  let woken = 0;
  const timed: Timed = {
    pollAt: () => at,
    onTime: () => {
      woken++;
      at = NEVER;
    },
  };
  schedule.touch(timed);
  at = NEVER;
  schedule.touch(timed);
  schedule.advance(instant(1_000));
  expect(woken).toBe(0);
  at = instant(1_500);
  schedule.touch(timed);
  schedule.advance(instant(2_000));
  expect(woken).toBe(1);
  schedule.forget(timed);
  expect(schedule.pollAt()).toBe(NEVER);
});

it('counts those that have an entry, of all or of one kind', () => {
  const schedule = new Schedule(instant(0));
  const [first, second] = [1, 2].map((): Timed => ({ pollAt: () => NEVER, onTime: () => undefined }));
  if (first === undefined || second === undefined) throw new Error('there are two');
  schedule.touch(first);
  schedule.touch(second);
  schedule.touch(second);
  expect([schedule.count(), schedule.count((timed) => timed === first)]).toEqual([2, 1]);
  schedule.forget(first);
  expect([schedule.count(), schedule.count((timed) => timed === first)]).toEqual([1, 0]);
});
