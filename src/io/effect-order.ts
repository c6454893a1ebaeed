// In which order the effects of one turn are performed. The agent's own order holds but for this: doors are shut first, before
// anybody is told of it; and what is told waits for nothing that is done, so it goes before the rest. The answer to a Disconnect-
// or CoA-Request comes last: it waits for what the turn gives to the store.
//
// A lock and the removals that it makes provable keep their order: an entry taken from a port that still stands open is
// learnt again by the next frame.

import type { Effect } from '../agent/ports.ts';

/** `adopted`, since what is adopted may be taken away in the same turn. */
const DOORS: ReadonlySet<Effect['type']> = new Set(['set-port', 'revoke', 'adopted']);

/** It must not part the neighbours that one native call takes together. */
const TOLD: ReadonlySet<Effect['type']> = new Set([
  'log',
  'log-level',
  'publish',
  'event',
  'follow',
  'unfollow',
]);

export function inOrder(effects: readonly Effect[]): readonly Effect[] {
  if (effects.length < 2) return effects;
  const doors: Effect[] = [];
  const told: Effect[] = [];
  const acts: Effect[] = [];
  const replies: Effect[] = [];
  for (const effect of effects) {
    if (DOORS.has(effect.type)) doors.push(effect);
    else if (TOLD.has(effect.type)) told.push(effect);
    else if (effect.type === 'send-dynamic-reply') replies.push(effect);
    else acts.push(effect);
  }
  return [...doors, ...told, ...acts, ...replies];
}

/** The end of the run of effects of one type that begins at `from`: what one native call may take together. */
export function endOfRun(effects: readonly Effect[], from: number): number {
  let end = from + 1;
  while (end < effects.length && effects[end]?.type === effects[from]?.type) end++;
  return end;
}
