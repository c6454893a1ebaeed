// Mutations of a target's seeds, and what it says of each. The same seed makes the same mutations.

import { toHex } from '../../src/base/bytes.ts';
import { mutate } from '../rigs/mutate.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';
import { corpusOf, type Target } from './decoders.ts';
import { REPAIRS } from './seeds.ts';

/** Inputs of a target without end. `add`: one that led somewhere new is mutated, too. */
export class Mutations {
  private readonly random: SeededRandom;
  private readonly pool: Uint8Array[];

  constructor(
    private readonly target: Target,
    seed: number,
  ) {
    this.random = new SeededRandom(seed);
    this.pool = [...target.seeds(), ...corpusOf(target.name)];
  }

  add(bytes: Uint8Array): void {
    this.pool.push(bytes);
  }

  next(): Uint8Array {
    const { random, pool } = this;
    const mutated = mutate(pool[random.below(pool.length)] ?? new Uint8Array(0), random);
    const repair = REPAIRS[this.target.name];
    return repair !== undefined && random.below(2) === 0 ? repair(mutated) : mutated;
  }
}

/** What the target says, or an error that has the input in it. */
export async function runOn(target: Target, bytes: Uint8Array): Promise<string> {
  try {
    return await target.run(bytes);
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`${target.name}, input ${toHex(bytes)}: ${what}`);
  }
}
