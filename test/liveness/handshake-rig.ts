// A session on a switch, as the agent would run it: ticks the machine at its `pollAt`, takes a table dump when one is
// needed, sends the probes, and writes down what came out. Time is whole milliseconds.

import { type Instant, instant, seconds } from '../../src/base/time.ts';
import { Handshake, type HandshakeEffect } from '../../src/liveness/handshake.ts';
import { HANDSHAKE_DEFAULTS, type HandshakeSettings } from '../../src/liveness/settings.ts';
import type { EvidenceKind } from '../../src/model/session.ts';

export interface Logged {
  readonly at: number;
  readonly effect: HandshakeEffect;
}

export class HandshakeRig {
  readonly machine: Handshake;
  readonly log: Logged[] = [];
  now: number;
  /** Frames of the client that only the table knows as yet. */
  private untold: number[] = [];
  private sweptAt = -1;
  /** When the dump comes that was asked for. */
  private sweepAt = Infinity;
  /** How long after it was asked for. */
  sweepDelay = 20;
  /** Whether the next probes are withheld. */
  withhold = false;
  /** The client answers probes, so many milliseconds later. */
  answersAfter: number | undefined;
  private answers: number[] = [];

  constructor(settings: Partial<HandshakeSettings> = {}, start = 0) {
    this.now = start;
    this.machine = new Handshake({ ...HANDSHAKE_DEFAULTS, period: seconds(10), ...settings }, instant(start));
  }

  /** A frame that reaches the CPU now. */
  frame(kind: EvidenceKind = 'arp'): void {
    this.machine.evidence(instant(this.now), kind);
  }

  /** A frame that only the table sees, now. */
  forwarded(): void {
    this.untold.push(this.now);
  }

  run(until: number): this {
    for (;;) {
      const answer = this.answers[0] ?? Infinity;
      const next = Math.min(this.machine.pollAt(), this.sweepAt, answer);
      if (next > until) break;
      this.now = Math.max(next, this.now);
      if (next === answer) {
        this.answers.shift();
        this.frame('arp');
      } else if (next === this.sweepAt) this.sweep();
      else this.tick();
    }
    this.now = until;
    return this;
  }

  /** A table dump, now. */
  sweep(): void {
    for (const at of this.untold) this.machine.evidence(instant(at), 'fdb');
    this.untold = [];
    this.sweptAt = this.now;
    this.sweepAt = Infinity;
    this.tick();
  }

  tick(sweptAt = this.sweptAt): void {
    const effects = this.machine.handle({ type: 'tick', sweptAt: instant(sweptAt) }, this.clock);
    for (const effect of effects) this.perform(effect);
  }

  adopt(settings: Partial<HandshakeSettings>): void {
    this.machine.handle(
      { type: 'settings', settings: { ...this.machine.settings, ...settings } },
      this.clock,
    );
    this.sweepAt = Infinity;
  }

  times(type: HandshakeEffect['type']): number[] {
    return this.log.filter((entry) => entry.effect.type === type).map((entry) => entry.at);
  }

  /** When each probe went out, as `number@seconds`. */
  get probes(): string[] {
    return this.log.flatMap(({ at, effect }) =>
      effect.type === 'probe' ? [`${effect.number}@${at / 1000}`] : [],
    );
  }

  get endedAt(): number | undefined {
    return this.times('silent')[0];
  }

  private get clock(): Instant {
    return instant(this.now);
  }

  private perform(effect: HandshakeEffect): void {
    this.log.push({ at: this.now, effect });
    if (effect.type === 'sweep-needed') this.sweepAt = this.now + this.sweepDelay;
    if (effect.type !== 'probe') return;
    const type = this.withhold ? 'probe-withheld' : 'probe-sent';
    this.machine.handle({ type, number: effect.number }, this.clock);
    if (!this.withhold && this.answersAfter !== undefined) this.answers.push(this.now + this.answersAfter);
  }
}
