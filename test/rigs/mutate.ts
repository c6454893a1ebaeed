// One mutation of a message: what a broken or hostile sender does to octets.

import { concatBytes } from '../../src/base/bytes.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Values that length fields and counters go wrong at. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 0x14, 0x7f, 0x80, 0xfd, 0xfe, 0xff];

type Mutator = (bytes: Uint8Array, random: SeededRandom) => Uint8Array;

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  if (out.length > 0) out[at] = value;
  return out;
}

const MUTATORS: readonly Mutator[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    return set(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
  },
  function edgeOctet(bytes, random) {
    return set(bytes, random.below(bytes.length), EDGES[random.below(EDGES.length)] ?? 0);
  },
  function edgeInHeader(bytes, random) {
    return set(bytes, random.below(Math.min(8, bytes.length)), EDGES[random.below(EDGES.length)] ?? 0);
  },
  function anyOctet(bytes, random) {
    return set(bytes, random.below(bytes.length), random.below(256));
  },
  function cutEnd(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1));
  },
  function cutStart(bytes, random) {
    return bytes.subarray(random.below(bytes.length + 1));
  },
  function append(bytes, random) {
    return concatBytes([bytes, Uint8Array.from({ length: 1 + random.below(40) }, () => random.below(256))]);
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    return concatBytes([bytes.subarray(0, at), Uint8Array.of(random.below(256)), bytes.subarray(at)]);
  },
  function remove(bytes, random) {
    const at = random.below(bytes.length + 1);
    return concatBytes([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
  },
  function repeatPiece(bytes, random) {
    const from = random.below(bytes.length + 1);
    const to = from + random.below(bytes.length - from + 1);
    return concatBytes([bytes.subarray(0, to), bytes.subarray(from)]);
  },
];

/** `bytes` mutated one to four times over. */
export function mutate(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  let out = bytes;
  for (let rounds = 1 + random.below(4); rounds > 0; rounds--) {
    out = (MUTATORS[random.below(MUTATORS.length)] ?? MUTATORS[0]!)(out, random);
  }
  return out;
}
