// Reauthentications while no server answers, and after its return.

import { describe, expect, it } from 'vitest';
import { type Instant, instant, NEVER } from '../../src/base/time.ts';
import { ReauthPacing } from '../../src/pae/reauth-pacing.ts';

const START = instant(1_000_000);
const at = (s: number): Instant => instant(START + s * 1000);

/** Lets time pass, looking at every deadline; who began when, in ms from `from`. */
function run(pacing: ReauthPacing<number>, from: Instant, ms: number, trialAt: Instant = NEVER) {
  const begun: [number, number][] = [];
  for (let now = from; now <= from + ms; now = instant(now + 20)) {
    if (pacing.pollAt(trialAt) > now) continue;
    for (const who of pacing.take(trialAt, now)) begun.push([who, now - from]);
  }
  return begun;
}

function waiting(count: number, perSecond = 25): ReauthPacing<number> {
  const pacing = new ReauthPacing<number>({ perSecond });
  pacing.servers(false, 0, START);
  for (let who = 0; who < count; who++) expect(pacing.due(who)).toBe(false);
  return pacing;
}

describe('while a server answers', () => {
  it('each begins at once', () => {
    const pacing = new ReauthPacing<number>({ perSecond: 1 });
    for (let who = 0; who < 1000; who++) expect(pacing.due(who)).toBe(true);
    expect(pacing.pollAt(NEVER)).toBe(NEVER);
  });
});

describe('while none answers', () => {
  it('all wait, and nothing is due', () => {
    const pacing = waiting(500);
    expect(pacing.waiting).toBe(500);
    expect(pacing.pollAt(NEVER)).toBe(NEVER);
    expect(run(pacing, START, 3_600_000)).toEqual([]);
  });

  it('one at a time is tried where nothing else would find out: when a server is due to be tried, every 10 s', () => {
    const pacing = waiting(5);
    const trialAt = at(60);
    expect(run(pacing, START, 85_000, trialAt)).toEqual([
      [0, 60_000],
      [1, 70_000],
      [2, 80_000],
    ]);
    expect(pacing.waiting).toBe(2);
  });

  it('who has ended does not wait any more; who is due twice waits once', () => {
    const pacing = waiting(3);
    pacing.forget(1);
    pacing.due(2);
    pacing.servers(true, 0, START);
    expect(run(pacing, START, 1_000).map(([who]) => who)).toEqual([0, 2]);
  });
});

describe('after the return of a server', () => {
  it('500 begin in their order, at 25 a second: no 100 ms has more than three of them', () => {
    const pacing = waiting(500);
    expect(pacing.servers(true, 0.5, START)).toBe(true);
    const begun = run(pacing, START, 30_000);
    expect(begun.map(([who]) => who)).toEqual(Array.from({ length: 500 }, (_, who) => who));
    expect(begun[0]?.[1]).toBeGreaterThanOrEqual(500);
    const perTenth = new Map<number, number>();
    for (const [, ms] of begun) {
      const tenth = Math.floor(ms / 100);
      perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1);
    }
    expect(Math.max(...perTenth.values())).toBeLessThanOrEqual(3);
    const last = begun.at(-1)?.[1] ?? 0;
    expect(last - (begun[0]?.[1] ?? 0)).toBeGreaterThanOrEqual(19_900);
    expect(last).toBeLessThanOrEqual(20_600);
  });

  it('takes longer the more there are', () => {
    const times = [10, 100, 1000].map((count) => {
      const pacing = waiting(count);
      pacing.servers(true, 0, START);
      return run(pacing, START, 60_000).at(-1)?.[1] ?? 0;
    });
    expect(times).toEqual([360, 3960, 39_960]);
  });

  it('what comes due meanwhile waits behind them, and begins at once when they are through', () => {
    const pacing = waiting(25);
    pacing.servers(true, 0, START);
    expect(pacing.due(100)).toBe(false);
    expect(run(pacing, START, 2_000).at(-1)).toEqual([100, 1_000]);
    expect(pacing.due(101)).toBe(true);
  });

  it('a stalled agent does not make up for what it did not begin', () => {
    const pacing = waiting(500);
    pacing.servers(true, 0, START);
    expect(pacing.take(NEVER, at(10)).length).toBeLessThanOrEqual(3);
  });

  it('a server that dies again stops them; a new rate holds at once', () => {
    const pacing = waiting(100);
    pacing.servers(true, 0, START);
    expect(run(pacing, START, 990)).toHaveLength(25);
    pacing.servers(false, 0, at(1));
    expect(run(pacing, at(1), 60_000)).toEqual([]);
    pacing.configure({ perSecond: 1000 });
    pacing.servers(true, 0, at(70));
    expect(run(pacing, at(70), 200)).toHaveLength(75);
  });
});
