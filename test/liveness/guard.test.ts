import { describe, expect, it } from 'vitest';
import { type Instant, instant, millis, seconds } from '../../src/base/time.ts';
import { Guard, type GuardEffect, type GuardSurvey, survey } from '../../src/liveness/guard.ts';
import { Handshake } from '../../src/liveness/handshake.ts';
import { GUARD_DEFAULTS, HANDSHAKE_DEFAULTS } from '../../src/liveness/settings.ts';

const T = 10_000;

/** A whole switch: clients that talk or only answer, and that may all be lost at once. Ticks of 100 ms. */
class SwitchRig {
  readonly guard = new Guard(GUARD_DEFAULTS);
  readonly effects: GuardEffect[] = [];
  readonly cutAt = new Map<number, number>();
  readonly probesUnanswered = new Map<number, number>();
  private readonly clients: { machine: Handshake; talksEvery: number | undefined; nextTalk: number }[] = [];
  private readonly lost = new Set<number>();
  now = 0;

  constructor(
    readonly times: number,
    count: number,
    talksEvery: (index: number) => number | undefined,
  ) {
    const settings = { ...HANDSHAKE_DEFAULTS, period: millis(T), times };
    for (let i = 0; i < count; i++) {
      const start = instant(Math.round((i * T) / count));
      const machine = new Handshake(settings, start);
      this.clients.push({ machine, talksEvery: talksEvery(i), nextTalk: start });
    }
  }

  get sessions(): number {
    return this.clients.length - this.cutAt.size;
  }

  lose(which: Iterable<number>): void {
    for (const index of which) this.lost.add(index);
  }

  loseAll(): void {
    this.lose(this.clients.keys());
  }

  allBack(): void {
    this.lost.clear();
  }

  stall(by: number): void {
    this.now += by;
    this.effects.push(...this.guard.stalled(millis(by), this.survey(), this.clock));
  }

  run(until: number): void {
    for (; this.now < until; this.now += 100) this.step();
  }

  private get clock(): Instant {
    return instant(this.now);
  }

  private survey(): GuardSurvey {
    const alive = this.clients.filter((_, i) => !this.cutAt.has(i)).map((client) => client.machine);
    return survey(alive, this.clock);
  }

  private step(): void {
    const silent: number[] = [];
    for (const [index, client] of this.clients.entries()) {
      if (this.cutAt.has(index)) continue;
      while (client.talksEvery !== undefined && client.nextTalk <= this.now) {
        if (!this.lost.has(index)) client.machine.evidence(instant(client.nextTalk), 'fdb');
        client.nextTalk += client.talksEvery;
      }
      if (client.machine.pollAt() > this.now) continue;
      for (const effect of client.machine.handle({ type: 'tick', sweptAt: this.clock }, this.clock)) {
        if (effect.type === 'silent') silent.push(index);
        if (effect.type !== 'probe') continue;
        client.machine.handle({ type: 'probe-sent', number: effect.number }, this.clock);
        if (!this.lost.has(index)) client.machine.evidence(instant(this.now + 3), 'arp');
      }
    }
    this.decide(silent);
    this.effects.push(...this.guard.tick(this.clock));
  }

  private decide(silent: readonly number[]): void {
    if (silent.length === 0) return;
    const extended = silent.filter((index) => this.clients[index]!.machine.extended);
    const verdicts = { fresh: silent.length - extended.length, extended: extended.length };
    const decision = this.guard.judge(verdicts, this.survey(), this.clock);
    this.effects.push(...decision.effects);
    for (const index of silent) {
      if (extended.includes(index) || !decision.spare) this.cutAt.set(index, this.now);
      else this.clients[index]!.machine.handle({ type: 'extra-round' }, this.clock);
    }
  }

  get states(): string[] {
    return this.effects.map((effect) => effect.state);
  }
}

const quiet = () => undefined;
const chatty = () => 1_300;
const mixed = (index: number) => (index % 3 === 0 ? undefined : 700 * (index % 11) + 500);

describe.each([
  ['quiet clients that answer', quiet],
  ['clients that talk', chatty],
  ['some of both', mixed],
])('a switch with %s', (_, talks) => {
  // N = 1 sends no probes, so clients that only answer cannot live under it.
  const all = talks === chatty ? [1, 2, 3, 5] : [2, 3, 5];

  it.each(all)('N = %i: all lost at once, each gets one extra round, then all are cut', (times) => {
    const rig = new SwitchRig(times, 64, talks);
    rig.run(203_000);
    expect(rig.sessions).toBe(64);
    rig.loseAll();
    rig.run(203_000 + times * T);
    expect(rig.sessions).toBe(64);
    rig.run(203_000 + (2 * times + 2) * T);
    expect(rig.sessions).toBe(0);
    for (const at of rig.cutAt.values()) expect(at).toBeGreaterThanOrEqual(203_000 + (2 * times - 2) * T);
    rig.run(rig.now + (2 * times + 3) * T);
    expect(rig.states).toEqual(['armed', 'cut', 'released']);
    expect(rig.effects.at(-1)).toMatchObject({ reason: 'mass-loss', watched: 64, cut: 64 });
  });

  it.each(all)('N = %i: all lost and back within the extra round, nobody is cut', (times) => {
    const rig = new SwitchRig(times, 64, talks);
    rig.run(203_000);
    rig.loseAll();
    rig.run(203_000 + (times + 0.5) * T);
    rig.allBack();
    rig.run(203_000 + 20 * T);
    expect(rig.sessions).toBe(64);
    expect(rig.states).toEqual(['armed', 'released']);
  });

  it.each(all)('N = %i: one client dies alone and is never delayed, whichever it is', (times) => {
    for (let index = 0; index < 64; index += 7) {
      const rig = new SwitchRig(times, 64, talks);
      rig.run(203_000);
      rig.lose([index]);
      rig.run(203_000 + (times + 1) * T + 100);
      expect([...rig.cutAt.keys()]).toEqual([index]);
      expect(rig.effects).toEqual([]);
    }
  });

  it('a third of them leaves together: no mass loss', () => {
    const rig = new SwitchRig(3, 63, talks);
    rig.run(203_000);
    rig.lose(Array.from({ length: 21 }, (_, i) => i * 3 + 1));
    rig.run(203_000 + 4 * T + 100);
    expect(rig.cutAt.size).toBe(21);
    expect(rig.effects).toEqual([]);
  });
});

describe('the guard', () => {
  it('stays out of a switch with fewer sessions than its minimum', () => {
    const rig = new SwitchRig(3, 7, chatty);
    rig.run(103_000);
    rig.loseAll();
    rig.run(103_000 + 4 * T + 100);
    expect(rig.sessions).toBe(0);
    expect(rig.effects).toEqual([]);
  });

  it('is off with a share of 0', () => {
    const rig = new SwitchRig(3, 64, chatty);
    rig.guard.configure({ ...GUARD_DEFAULTS, share: 0 });
    rig.run(103_000);
    rig.stall(30_000);
    rig.loseAll();
    rig.run(133_000 + 4 * T + 100);
    expect(rig.sessions).toBe(0);
    expect(rig.effects).toEqual([]);
  });

  it('gives an extra round to whom it judges after a stall longer than T, even to one alone', () => {
    const rig = new SwitchRig(3, 64, chatty);
    rig.run(103_000);
    rig.lose([5]);
    rig.run(123_000);
    rig.stall(12_000);
    expect(rig.effects).toMatchObject([{ state: 'armed', reason: 'stall', watched: 64 }]);
    rig.run(123_000 + 12_000 + 2 * T);
    expect(rig.cutAt.size).toBe(0);
    rig.run(123_000 + 12_000 + 5 * T);
    expect([...rig.cutAt.keys()]).toEqual([5]);
  });

  it('takes no notice of a stall shorter than T', () => {
    const rig = new SwitchRig(3, 64, chatty);
    rig.run(103_000);
    rig.stall(9_000);
    expect(rig.effects).toEqual([]);
  });

  it('leaves out sessions without a handshake and those that are kept', () => {
    const start = instant(0);
    const machines = [
      new Handshake({ ...HANDSHAKE_DEFAULTS, period: seconds(0) }, start),
      new Handshake({ ...HANDSHAKE_DEFAULTS, keep: true }, start),
      new Handshake({ ...HANDSHAKE_DEFAULTS, times: 4 }, start),
    ];
    expect(survey(machines, instant(1))).toEqual({
      watched: 1,
      missing: 0,
      heard: 1,
      shortestPeriod: 15_000,
      longestPeriod: 15_000,
      longestRound: 60_000,
    });
  });
});
