import { describe, expect, it } from 'vitest';
import { instant, millis, NEVER, seconds } from '../../src/base/time.ts';
import { SweepSchedule, sweepInterval } from '../../src/liveness/sweep.ts';

function dump(schedule: SweepSchedule, from: number, tookMs: number): void {
  schedule.started();
  schedule.done({ at: instant(from), tookMs });
}

describe('how often the table is read for a period', () => {
  it.each([
    [seconds(15), 1_000],
    [seconds(3), 750],
    [millis(400), 100],
    [seconds(0), NEVER],
  ])('T = %i ms: every %d ms', (period, interval) => {
    expect(sweepInterval(period)).toBe(interval);
  });
});

describe('the schedule of dumps', () => {
  it('goes round at its interval and waits for a dump that is under way', () => {
    const schedule = new SweepSchedule(millis(750), instant(0));
    expect(schedule.pollAt()).toBe(750);
    schedule.started();
    expect(schedule.pollAt()).toBe(NEVER);
    schedule.done({ at: instant(750), tookMs: 7 });
    expect(schedule.sweptAt).toBe(750);
    expect(schedule.pollAt()).toBe(1_507);
  });

  it('serves a request at once when the last dump is long enough ago', () => {
    const schedule = new SweepSchedule(millis(1_000), instant(0));
    dump(schedule, 1_000, 10);
    schedule.requested(instant(1_500));
    expect(schedule.pollAt()).toBe(1_500);
  });

  it('spaces requests so that dumps take a twentieth of a core', () => {
    const schedule = new SweepSchedule(millis(1_000), instant(0));
    let now = 1_000;
    let busy = 0;
    for (let i = 0; i < 100; i++) {
      schedule.requested(instant(now));
      now = schedule.pollAt();
      dump(schedule, now, 30);
      busy += 30;
      now += 30;
    }
    expect(busy / (now - 1_000)).toBeLessThanOrEqual(0.0505);
    expect(busy / (now - 1_000)).toBeGreaterThan(0.045);
  });

  it('spaces even the routine ones where a dump is that slow', () => {
    const schedule = new SweepSchedule(millis(250), instant(0));
    dump(schedule, 250, 100);
    expect(schedule.pollAt()).toBe(350 + 1_900);
  });

  it('dumps again for a request that came while one ran', () => {
    const schedule = new SweepSchedule(millis(1_000), instant(0));
    schedule.started();
    schedule.requested(instant(1_004));
    schedule.done({ at: instant(1_000), tookMs: 10 });
    expect(schedule.sweptAt).toBeLessThan(1_004);
    expect(schedule.pollAt()).toBe(1_200);
  });

  it('tries again after a failure, and claims nothing', () => {
    const schedule = new SweepSchedule(millis(1_000), instant(0));
    dump(schedule, 1_000, 10);
    schedule.started();
    schedule.failed(instant(2_000));
    expect(schedule.sweptAt).toBe(1_000);
    expect(schedule.pollAt()).toBe(3_000);
  });

  it('sleeps while no session has a handshake, unless it is asked', () => {
    const schedule = new SweepSchedule(sweepInterval(seconds(0)), instant(0));
    expect(schedule.pollAt()).toBe(NEVER);
    schedule.requested(instant(50));
    expect(schedule.pollAt()).toBe(50);
    dump(schedule, 50, 5);
    expect(schedule.pollAt()).toBe(NEVER);
    schedule.adjust(millis(500), instant(1_000));
    expect(schedule.pollAt()).toBe(1_500);
  });
});
