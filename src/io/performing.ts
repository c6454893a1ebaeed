// How effects are performed: by a performer for each type, in the file of its kind.
//
//   perform-dataplane.ts   ports, table, VLANs, frames, captures, the packet filter
//   perform-store.ts       what is to outlive us
//   perform-network.ts     servers, broker, commands, the login page
//   shell.ts               the log, the end, and the table of all
//
// A performer is given all neighbours of its type at once: what one native call can do together it does together.

import type { Effect, Input, Ref } from '../agent/ports.ts';
import { err, type Result } from '../base/result.ts';

export type EffectOf<T extends Effect['type']> = Extract<Effect, { readonly type: T }>;

export type Performers<T extends Effect['type'] = Effect['type']> = {
  readonly [K in T]: (run: readonly EffectOf<K>[]) => void;
};

/** Of effects that have nothing in common but their type. */
export function each<E>(perform: (effect: E) => void): (run: readonly E[]) => void {
  return (run) => {
    for (const effect of run) perform(effect);
  };
}

/** Of effects each of which says all that there is: the last one counts, and the disk is written once. */
export function last<E>(perform: (effect: E) => void): (run: readonly E[]) => void {
  return (run) => each(perform)(run.slice(-1));
}

/** The way back to the agent. */
export class Answers {
  constructor(readonly post: (input: Input) => void) {}

  one(ref: Ref, result: Result<void, string>): void {
    this.post(result.ok ? { type: 'done', ref } : { type: 'done', ref, error: result.error });
  }

  /** In the order of what was asked. */
  all(asked: readonly { readonly ref: Ref }[], results: readonly Result<void, string>[]): void {
    asked.forEach(({ ref }, i) => {
      this.one(ref, results[i] ?? err('the data plane gave no result'));
    });
  }
}
