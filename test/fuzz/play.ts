// One play of the state-machine fuzzer: acts one after the other, the invariants after each input, and at the end a drain
// after which nothing may be left. Deterministic: the same acts lead to the same end.

import fc from 'fast-check';
import { ACT_NAMES, type Act, perform } from './acts.ts';
import { Town } from './town.ts';

export interface Play {
  /** The bridge filters VLANs. */
  readonly filtering: boolean;
  /** The agent is killed now and then; else its store fails now and then. */
  readonly kills: boolean;
  readonly acts: readonly Act[];
}

/** Acts between two looks at everything that the agent holds on to. */
const CENSUS_EVERY = 25;
const TOLD = 25;

const act: fc.Arbitrary<Act> = fc.record({
  act: fc.constantFrom(...ACT_NAMES),
  who: fc.nat(63),
  where: fc.nat(63),
  what: fc.nat(255),
  waitMs: fc.oneof(
    { weight: 6, arbitrary: fc.nat(200) },
    { weight: 3, arbitrary: fc.nat(5_000) },
    { weight: 1, arbitrary: fc.nat(40_000) },
  ),
});

export const plays = (acts: number): fc.Arbitrary<Play> =>
  fc.record({
    filtering: fc.boolean(),
    kills: fc.boolean(),
    acts: fc.array(act, { minLength: 1, maxLength: acts, size: 'max' }),
  });

/** Plays it to its end. `seen`: how often each thing has come about. Throws at the first breach, with the story that led to it. */
export function play({ filtering, kills, acts }: Play, seen: Map<string, number> = new Map()): void {
  const town = new Town(filtering, kills);
  try {
    for (const [i, each] of acts.entries()) {
      perform(town, each);
      if (i % CENSUS_EVERY === 0) town.invariants.checkMemory();
    }
    town.close();
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error([what, ...town.story.slice(-TOLD)].join('\n'));
  }
  const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
  for (const event of town.net.events) {
    if (event.type === 'session-start') count(`by ${event.session.method}`);
    if (event.type === 'session-end') count(event.cause);
  }
}
