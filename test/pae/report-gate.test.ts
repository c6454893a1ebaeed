// The kernel's reports of unknown MACs on one port, in a flood.

import { describe, expect, it } from 'vitest';
import { after, instant, millis, NEVER } from '../../src/base/time.ts';
import { CALM } from '../../src/pae/flood-gate.ts';
import { REPORTS, ReportGate } from '../../src/pae/report-gate.ts';

describe('reports of unknown MACs', () => {
  it('are taken while they are few, a burst of them too', () => {
    const gate = new ReportGate();
    for (let n = 0; n < REPORTS.burst; n++) expect(gate.report(instant(0))).toBe('taken');
    for (let second = 1; second < 100; second++)
      for (let n = 0; n < REPORTS.perSecond; n++) expect(gate.report(instant(second * 1000))).toBe('taken');
    expect(gate.pollAt()).toBe(NEVER);
  });

  it('are switched off by a flood, which is told of once, and on again after a calm', () => {
    const gate = new ReportGate();
    const flood = (at: number): readonly unknown[] =>
      Array.from({ length: 10_000 }, () => gate.report(instant(at))).filter(
        (each) => typeof each === 'object',
      );
    expect(flood(0)).toEqual([{ off: true, isNews: true }]);
    expect(gate.pollAt()).toBe(CALM);
    expect(gate.tick(instant(CALM - 1))).toBe(false);
    expect(gate.tick(instant(CALM))).toBe(true);
    expect(gate.pollAt()).toBe(NEVER);
    // It has not stopped.
    expect(flood(CALM + 100)).toEqual([{ off: true, isNews: false }]);
    const calm = after(instant(CALM * 4), millis(100));
    expect(gate.tick(calm)).toBe(true);
    expect(flood(calm)).toEqual([{ off: true, isNews: true }]);
  });
});
