// Random lives of a client, seen through random dumps, against a reference that keeps a list of everything that
// happened and counts whole periods backwards. Also the two promises to the user, checked on their own:
// never out sooner than N*T after the last sign of life, always out (N+1)*T and the dump's wait after it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instant, millis } from '../../src/base/time.ts';
import { Handshake } from '../../src/liveness/handshake.ts';
import { HANDSHAKE_DEFAULTS } from '../../src/liveness/settings.ts';

interface Life {
  readonly period: number;
  readonly times: number;
  readonly start: number;
  /** Frames, in fractions of a period after the start. */
  readonly frames: readonly { readonly at: number; readonly toCpu: boolean }[];
  /** Between routine dumps, in ms; used in a circle, like the three below. */
  readonly dumpGaps: readonly number[];
  readonly urgentDelays: readonly number[];
  readonly tickDelays: readonly number[];
  readonly withheld: readonly boolean[];
}

const life: fc.Arbitrary<Life> = fc.record({
  period: fc.integer({ min: 1_000, max: 15_000 }),
  times: fc.integer({ min: 1, max: 6 }),
  start: fc.nat(100_000),
  frames: fc.array(fc.record({ at: fc.double({ min: 0, max: 12, noNaN: true }), toCpu: fc.boolean() }), {
    maxLength: 12,
  }),
  dumpGaps: fc.array(fc.integer({ min: 100, max: 1_000 }), { minLength: 1, maxLength: 5 }),
  urgentDelays: fc.array(fc.nat(300), { minLength: 1, maxLength: 5 }),
  tickDelays: fc.array(fc.nat(100), { minLength: 1, maxLength: 5 }),
  withheld: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }).filter((list) => !list.every(Boolean)),
});

interface Outcome {
  readonly probes: readonly string[];
  readonly endedAt: number | undefined;
}

/** When things happen: the same for both, so that they may be compared to the millisecond. */
class World {
  readonly frames: readonly { readonly at: number; readonly toCpu: boolean }[];
  readonly dumps: number[] = [];
  readonly end: number;
  private ticks = 0;
  private urgents = 0;
  private probes = 0;

  constructor(readonly life: Life) {
    this.frames = life.frames
      .map((frame) => ({ at: Math.round(life.start + frame.at * life.period), toCpu: frame.toCpu }))
      .sort((a, b) => a.at - b.at);
    this.end = life.start + life.period * 60;
    let at = life.start;
    for (let i = 0; at < this.end; i++) {
      at += life.dumpGaps[i % life.dumpGaps.length]!;
      this.dumps.push(at);
    }
  }

  tickDelay(): number {
    return this.life.tickDelays[this.ticks++ % this.life.tickDelays.length]!;
  }

  urgentDelay(): number {
    return this.life.urgentDelays[this.urgents++ % this.life.urgentDelays.length]!;
  }

  withheldNext(): boolean {
    return this.life.withheld[this.probes++ % this.life.withheld.length]!;
  }

  dumpBefore(at: number): number {
    return this.dumps.filter((dump) => dump <= at).at(-1) ?? this.life.start - 1;
  }

  /** An extra dump `delay` after `at`; returns the first dump after `at`, which may be a routine one. */
  askForDump(at: number, delay: number): number {
    this.dumps.push(at + delay);
    this.dumps.sort((a, b) => a - b);
    return this.dumpAfter(at);
  }

  /** The first dump at or after `at` that was not yet there. */
  dumpAfter(at: number): number {
    return this.dumps.find((dump) => dump >= at)!;
  }

  /** Every sign of life that is known at `at`, when the last dump was at `dump`. */
  known(at: number, dump: number): number[] {
    return this.frames.filter((frame) => frame.at <= (frame.toCpu ? at : dump)).map((frame) => frame.at);
  }
}

function reference(life: Life): Outcome {
  const world = new World(life);
  const { period, times, start } = life;
  const probes: string[] = [];
  const counts: boolean[] = [];
  for (let k = 1; ; k++) {
    const end = start + k * period;
    const begin = end - period;
    let at = Math.max(end, begin) + world.tickDelay();
    if (at > world.end) return { probes, endedAt: undefined };
    let dump = world.dumpBefore(at);
    let known = world.known(at, dump);
    if (!known.some((frame) => frame > begin) && dump < end) {
      const last = countBack(counts, k, known, start, period) + 1 >= times;
      at = last ? world.askForDump(at, world.urgentDelay()) : world.dumpAfter(at);
      dump = at;
      known = world.known(at, dump);
    }
    if (known.some((frame) => frame > begin)) {
      // Heard in this period, or after its end while the dump was awaited: online.
      for (let i = 1; i <= k; i++) counts[i] = false;
      continue;
    }
    const count = countBack(counts, k, known, start, period) + 1;
    if (count >= times) return { probes, endedAt: at };
    probes.push(`${count}@${at}`);
    counts[k] = !world.withheldNext();
  }
}

/** Periods before the kth that count, back to the first in which anything was heard. */
function countBack(
  counts: readonly boolean[],
  k: number,
  known: readonly number[],
  start: number,
  period: number,
): number {
  let count = 0;
  for (let i = k - 1; i >= 1; i--) {
    const end = start + i * period;
    if (known.some((frame) => frame > end - period && frame <= end)) break;
    if (counts[i]) count++;
  }
  return count;
}

function machine(life: Life): Outcome {
  const world = new World(life);
  const settings = { ...HANDSHAKE_DEFAULTS, period: millis(life.period), times: life.times };
  const handshake = new Handshake(settings, instant(life.start));
  const probes: string[] = [];
  let at = life.start;
  let dump = life.start - 1;
  for (;;) {
    const due = handshake.pollAt() + world.tickDelay();
    if (due > world.end) return { probes, endedAt: undefined };
    at = due;
    let waiting = true;
    dump = world.dumpBefore(at);
    while (waiting) {
      waiting = false;
      for (const frame of world.frames) {
        if (frame.at <= (frame.toCpu ? at : dump)) {
          handshake.evidence(instant(frame.at), frame.toCpu ? 'arp' : 'fdb');
        }
      }
      for (const effect of handshake.handle({ type: 'tick', sweptAt: instant(dump) }, instant(at))) {
        if (effect.type === 'silent') return { probes, endedAt: at };
        if (effect.type === 'probe') {
          probes.push(`${effect.number}@${at}`);
          const type = world.withheldNext() ? 'probe-withheld' : 'probe-sent';
          handshake.handle({ type, number: effect.number }, instant(at));
        }
        if (effect.type === 'sweep-needed') {
          at = effect.urgent ? world.askForDump(at, world.urgentDelay()) : world.dumpAfter(at);
          dump = at;
          waiting = true;
        }
      }
    }
  }
}

describe('the handshake against a list of everything', () => {
  it('sends the same probes and ends at the same millisecond', () => {
    fc.assert(
      fc.property(life, (life) => {
        expect(machine(life)).toEqual(reference(life));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is never sooner than N*T after the last sign of life, and not later than (N+1)*T and the wait', () => {
    fc.assert(
      fc.property(life, (life) => {
        const alwaysSent = { ...life, withheld: [false] };
        const { endedAt } = machine(alwaysSent);
        const frames = new World(life).frames.map((frame) => frame.at);
        const { period, times, start } = life;
        // The tick's delay and the longest wait for a dump.
        const slack = 100 + 1_000;
        expect(endedAt).toBeDefined();
        const lastFrame = Math.max(start, ...frames.filter((frame) => frame <= endedAt!));
        expect(endedAt! - lastFrame).toBeGreaterThanOrEqual(times * period);
        expect(endedAt! - lastFrame).toBeLessThanOrEqual((times + 1) * period + slack);
      }),
      { numRuns: 2_000 },
    );
  });
});
