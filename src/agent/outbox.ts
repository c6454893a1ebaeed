// What one turn of the agent wants done, in order, and what each awaited answer is about.

import type { Effect, LogFields, LogLevel, Pending, Ref } from './ports.ts';

type EffectWithRef = Extract<Effect, { readonly ref: Ref }>;
type WithoutRef<E> = E extends unknown ? Omit<E, 'ref'> : never;

export class Outbox {
  private effects: Effect[] = [];
  private readonly pending = new Map<Ref, Pending>();
  private nextRef: Ref = 1;

  push(effect: Effect): void {
    this.effects.push(effect);
  }

  /** An effect whose `done` will be about `pending`. */
  ask(
    pending: Pending,
    effect: WithoutRef<Exclude<EffectWithRef, { readonly type: 'answer' | 'web-answer' }>>,
  ): void {
    const ref = this.nextRef++;
    this.pending.set(ref, pending);
    this.effects.push({ ...effect, ref } as Effect);
  }

  /** What the answer `ref` is about; undefined for an answer to nothing, or a second one. */
  settle(ref: Ref): Pending | undefined {
    const pending = this.pending.get(ref);
    this.pending.delete(ref);
    return pending;
  }

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.effects.push({ type: 'log', level, message, fields });
  }

  /** Everything since the last call; the shell performs it in this order. */
  take(): readonly Effect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }
}
