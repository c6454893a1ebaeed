// `make fuzz`: the decoders with mutations that coverage guides, then the whole agent with plays at random.
//
// Usage: node board/run.mjs test/fuzz/main.ts [seconds for each target, 5] [seconds of plays, 120] [seed] [--keep] [--only=TARGET,TARGET]
// Ends with 1 at the first failure, which is told with its input, or with its seed and the fewest acts. `--keep` writes inputs that
// led somewhere new into test/fuzz/corpus, at most `CORPUS` a target, none longer than `LONGEST`.

import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { toHex } from '../../src/base/bytes.ts';
import { Coverage } from './coverage.ts';
import { corpusOf, corpusPath, TARGETS, type Target } from './decoders.ts';
import { Mutations, runOn } from './mutating.ts';
import { play, plays } from './play.ts';

const BATCH = 200;
const CORPUS = 40;
const LONGEST = 1_000;
const ACTS = 400;
/** Shrinking ends at last. */
const SHRINK_MS = 120_000;

const options = process.argv.slice(2).filter((each) => !each.startsWith('--'));
const [perTarget, ofPlays, seed] = [
  Number(options[0] ?? 5),
  Number(options[1] ?? 120),
  Number(options[2] ?? Date.now() % 2 ** 31),
];
const keeps = process.argv.includes('--keep');
/** Of these targets alone, and no plays. */
const only = process.argv
  .find((each) => each.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');

async function fuzz(target: Target, coverage: Coverage): Promise<void> {
  const mutations = new Mutations(target, seed);
  const words = new Set<string>();
  const found: Uint8Array[] = [];
  for (const bytes of [...target.seeds(), ...corpusOf(target.name)]) words.add(await runOn(target, bytes));
  await coverage.fresh();
  const until = Date.now() + perTarget * 1000;
  let inputs = 0;
  for (; Date.now() < until; inputs += BATCH) {
    const batch = Array.from({ length: BATCH }, () => mutations.next());
    for (const bytes of batch) words.add(await runOn(target, bytes));
    const fresh = await coverage.fresh();
    for (let i = 0; i < batch.length && fresh.size > 0 && Date.now() < until; i++) {
      const bytes = batch[i] as Uint8Array;
      await runOn(target, bytes);
      const own = [...(await coverage.ran())].filter((block) => fresh.delete(block));
      if (own.length === 0) continue;
      mutations.add(bytes);
      found.push(bytes);
    }
  }
  const figures = `${String(inputs).padStart(9)} inputs, ${words.size} outcomes, ${found.length} led somewhere new`;
  console.log(`${target.name.padEnd(16)} ${figures}; ${coverage.blocks} blocks so far`);
  if (keeps) keep(target, found);
}

function keep(target: Target, found: readonly Uint8Array[]): void {
  const short = [...corpusOf(target.name), ...found].filter(({ length }) => length <= LONGEST);
  const lines = new Set(short.map((bytes) => toHex(bytes)));
  mkdirSync('test/fuzz/corpus', { recursive: true });
  if (lines.size > 0) writeFileSync(corpusPath(target.name), `${[...lines].slice(0, CORPUS).join('\n')}\n`);
}

/** Plays until the time is up; a failure is shrunk. */
function playOn(): void {
  const until = Date.now() + ofPlays * 1000;
  const seen = new Map<string, number>();
  let count = 0;
  for (let n = seed; Date.now() < until; n++) {
    const property = fc.property(plays(ACTS), (each) => {
      play(each, seen);
      count++;
    });
    const outcome = fc.check(property, { seed: n, numRuns: 10, interruptAfterTimeLimit: SHRINK_MS });
    if (!outcome.failed) continue;
    const { counterexample, counterexamplePath, errorInstance } = outcome;
    console.error(`seed ${n}, path ${counterexamplePath}: ${JSON.stringify(counterexample)}`);
    throw errorInstance;
  }
  console.log(
    `${count} plays of up to ${ACTS} acts: ${[...seen].map(([what, n]) => `${what} ${n}`).join(', ')}`,
  );
}

console.log(`seed ${seed}`);
const coverage = new Coverage();
await coverage.start();
for (const target of TARGETS)
  if (only === undefined || only.includes(target.name)) await fuzz(target, coverage);
await coverage.stop();
if (only === undefined) playOn();
