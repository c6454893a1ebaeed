import { describe, expect, it } from 'vitest';
import { instant } from '../../src/base/time.ts';
import { TokenBucket } from '../../src/base/token-bucket.ts';

describe('a pace', () => {
  it('allows for a burst, then for its rate, and saves up no more than a burst', () => {
    const bucket = new TokenBucket({ perSecond: 2, burst: 3 });
    const taken = (ms: number, tries: number): number =>
      Array.from({ length: tries }, () => bucket.take(instant(ms))).filter((took) => took).length;
    expect(taken(0, 10)).toBe(3);
    expect(taken(499, 10)).toBe(0);
    expect(taken(500, 10)).toBe(1);
    expect(taken(1_500, 10)).toBe(2);
    expect(taken(1_000_000, 10)).toBe(3);
  });

  it('is looked at for nothing', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 });
    expect([bucket.has(instant(0)), bucket.has(instant(0)), bucket.take(instant(0))]).toEqual([
      true,
      true,
      true,
    ]);
    expect(bucket.has(instant(0))).toBe(false);
  });

  it('says when there is one', () => {
    const bucket = new TokenBucket({ perSecond: 4, burst: 1 });
    expect(bucket.readyAt()).toBeLessThan(0);
    expect([bucket.wait(instant(0)), bucket.take(instant(0)), bucket.wait(instant(0))]).toEqual([
      0,
      true,
      250,
    ]);
    expect([bucket.wait(instant(50)), bucket.readyAt(), bucket.wait(instant(250))]).toEqual([200, 250, 0]);
    expect(bucket.readyAt()).toBe(250);
  });

  it('of another size holds at once, and gives nothing back', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 5 });
    bucket.configure({ perSecond: 1, burst: 1 });
    bucket.take(instant(0));
    bucket.configure({ perSecond: 1, burst: 5 });
    expect(bucket.has(instant(0))).toBe(false);
  });
});
