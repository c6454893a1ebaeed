// A program: opens the store FILE spoiled in many ways, one after the other, as a start of the agent does, writes to what it got
// then, and says a line about each. What spoils the heap or ends the process ends it: that is what its caller looks for.
//
//   spoiled-stores FILE FOLDER FIRST COUNT     seeds from FIRST on; FOLDER is emptied for each

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openStore } from '../../src/io/store/store.ts';
import { StoreFile } from '../../src/io/store/store-file.ts';
import { SeededRandom } from './seeded-random.ts';

const PAGE = 4096;
const HEAD = 24;
const META_OCTETS = 168;
const NODE_OCTETS = 8;

/** Where LMDB reads what it goes by: a meta page, a page's head, its pointers, a node's head or the beginning of its key. */
function placeOf(octets: Buffer, random: SeededRandom): number {
  const page = random.below(5) === 0 ? random.below(2) : random.below(octets.length / PAGE);
  const start = page * PAGE;
  if (page < 2) return start + random.below(META_OCTETS);
  const pointers = Math.min(octets.readUInt16LE(start + 20) >> 1, 2000);
  if (pointers === 0 || random.below(4) === 0) return start + random.below(HEAD);
  const pointer = start + HEAD + 2 * random.below(pointers);
  if (random.below(2) === 0) return pointer;
  const node = HEAD + octets.readUInt16LE(pointer) + random.below(NODE_OCTETS + 1);
  return start + Math.min(node, PAGE - 1);
}

function spoil(octets: Buffer, random: SeededRandom): void {
  const at = placeOf(octets, random);
  const word = Math.min(at, octets.length - 2);
  const anyPage = () => random.below(octets.length / PAGE) * PAGE;
  const ways = [
    () => octets.writeUInt8((octets[at] ?? 0) ^ (1 << random.below(8)), at),
    () => octets.writeUInt16LE(random.below(2 ** 16), word),
    () => octets.writeUInt16LE(random.below(PAGE), word),
    () => octets.fill(random.below(256), at, at + 1 + random.below(300)),
    () => octets.copy(octets, anyPage(), at - (at % PAGE), at - (at % PAGE) + PAGE),
  ];
  ways[random.below(ways.length)]?.();
}

/** Erases most of what there may be, and writes large and small. */
async function write(store: ReturnType<typeof opened>['store'], random: SeededRandom): Promise<void> {
  const changes = Array.from({ length: 60 }, () => {
    const size = random.below(12) === 0 ? 6000 : 200 + random.below(300);
    return {
      key: `r${random.below(700).toString(16).padStart(12, '0')}`,
      value: random.below(3) > 0 ? null : Buffer.alloc(size),
    };
  });
  const error = await new Promise((resolve) => store.write(changes, resolve));
  if (error !== undefined) throw new Error(String(error));
}

function opened(folder: string) {
  const opening = openStore(folder, () => undefined);
  if (!opening.ok) throw new Error(opening.error);
  return opening.value;
}

const [file = '', folder = '', first = 0, count = 0] = process.argv.slice(2);
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const random = new SeededRandom(seed);
  const octets = readFileSync(file);
  for (let times = 1 + random.below(3); times > 0; times--) spoil(octets, random);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'accounting.mdb'), octets);
  const { store, status } = opened(folder);
  for (let times = 0; times < 3; times++) await write(store, random);
  await store.close();
  const after = new StoreFile(folder).faults();
  process.stdout.write(`${seed} ${status.warnings.join() || 'whole'} ${JSON.stringify(after)}\n`);
}
