import { describe, expect, it } from 'vitest';
import { INTERIM_DEFAULTS, InterimTimer } from '../../src/accounting/interim.ts';
import { type Instant, instant, NEVER, seconds } from '../../src/base/time.ts';
import { SeededEntropy } from '../rigs/radius-servers.ts';

const T0 = instant(5_000_000);

/** When interims were made within `span` milliseconds. */
function reports(timer: InterimTimer, span: number): number[] {
  const found: number[] = [];
  for (let at = timer.pollAt(); at <= T0 + span; at = timer.pollAt()) {
    expect(timer.tick(instant(at - 1))).toBe(false);
    expect(timer.tick(at)).toBe(true);
    found.push(at - T0);
  }
  return found;
}

function timer(interval: number, minimum = 60): InterimTimer {
  return new InterimTimer({ interval: seconds(interval), minimum: seconds(minimum) }, new SeededEntropy(2));
}

describe('interim updates', () => {
  it('come every interval, a tenth more or less', () => {
    const made = timer(600);
    made.apply(undefined, T0);
    const times = reports(made, 600_000 * 100);
    const gaps = times.map((at, i) => at - (times[i - 1] ?? 0));
    expect(times.length).toBeGreaterThan(90);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(540_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(660_000);
    expect(new Set(gaps).size).toBeGreaterThan(50);
  });

  it('are off unless somebody asks for them', () => {
    const made = new InterimTimer(INTERIM_DEFAULTS, new SeededEntropy());
    made.apply(undefined, T0);
    expect(made.pollAt()).toBe(NEVER);
    expect(made.tick((T0 + 1e9) as Instant)).toBe(false);
  });

  it('follow RADIUS rather than the configuration, but not below the minimum', () => {
    const slower = timer(600);
    slower.apply(seconds(1200), T0);
    expect(slower.pollAt() - T0).toBeGreaterThanOrEqual(1_080_000);
    const hasty = timer(600);
    hasty.apply(seconds(5), T0);
    expect(hasty.pollAt() - T0).toBeGreaterThanOrEqual(54_000);
    expect(hasty.pollAt() - T0).toBeLessThanOrEqual(66_000);
    const inTests = timer(600, 1);
    inTests.apply(seconds(2), T0);
    expect(inTests.pollAt() - T0).toBeLessThanOrEqual(2200);
  });

  it('a reauthentication with the same interval does not put the next report off', () => {
    const made = timer(600);
    made.apply(undefined, T0);
    const due = made.pollAt();
    made.apply(seconds(600), instant(T0 + 500_000));
    expect(made.pollAt()).toBe(due);
    made.apply(seconds(60), instant(T0 + 500_000));
    expect(made.pollAt() - T0).toBeLessThanOrEqual(566_000);
  });

  it('do not come in a burst after a stall', () => {
    const made = timer(60);
    made.apply(undefined, T0);
    const late = instant(T0 + 3_600_000);
    expect(made.tick(late)).toBe(true);
    expect(made.tick(late)).toBe(false);
  });
});
