// Reads the text vectors of test/vectors/<protocol>.txt.
//
//   # comment
//   decode HEX -> JSON      these octets decode to this packet
//   encode JSON -> HEX      this packet encodes to these octets
//   both JSON <> HEX        both of the above
//   error HEX -> reason     these octets are refused for this reason
//   count N                 the last line: the number of vectors, so that a truncated file is noticed
//
// A line that ends in a backslash goes on in the next one. Blanks within HEX are free; an empty HEX is "-".

import { readdirSync, readFileSync } from 'node:fs';
import { fromHex } from '../../src/base/bytes.ts';

export interface Vector {
  readonly at: string;
  readonly kind: 'decode' | 'encode' | 'both' | 'error';
  readonly bytes: Uint8Array;
  readonly plain?: unknown;
  readonly reason?: string;
}

/** From the repository's root, where tests and programs run. */
const DIRECTORY = 'test/vectors';

function octets(text: string, at: string): Uint8Array {
  const bytes = text.trim() === '-' ? new Uint8Array(0) : fromHex(text);
  if (bytes === undefined) throw new Error(`${at}: not hexadecimal: ${text}`);
  return bytes;
}

function parse(line: string, at: string): Vector {
  const match = /^(decode|encode|both|error) (.*?) (?:->|<>) (.*)$/.exec(line);
  if (match === null) throw new Error(`${at}: not a vector: ${line}`);
  const [, kind, left = '', right = ''] = match;
  switch (kind) {
    case 'decode':
      return { at, kind, bytes: octets(left, at), plain: JSON.parse(right) };
    case 'encode':
    case 'both':
      return { at, kind, bytes: octets(right, at), plain: JSON.parse(left) };
    default:
      return { at, kind: 'error', bytes: octets(left, at), reason: right.trim() };
  }
}

export function readVectors(protocol: string): readonly Vector[] {
  const text = readFileSync(`${DIRECTORY}/${protocol}.txt`, 'utf8').replaceAll(/\\\n\s*/g, ' ');
  const vectors: Vector[] = [];
  let count: number | undefined;
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    if (count !== undefined) throw new Error(`${protocol}.txt: something follows the count`);
    if (line.startsWith('count ')) count = Number(line.slice(6));
    else vectors.push(parse(line, `${protocol}.txt, logical line ${index + 1}`));
  });
  if (count !== vectors.length)
    throw new Error(`${protocol}.txt: count ${count}, but ${vectors.length} vectors`);
  return vectors;
}

/** Protocols that have a vector file. */
export function vectorFiles(): readonly string[] {
  return readdirSync(DIRECTORY)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => name.slice(0, -4));
}
