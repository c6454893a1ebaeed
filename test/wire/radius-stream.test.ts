// RFC 6613 §2.1: RADIUS packets in a stream, however the octets arrive.

import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/base/bytes.ts';
import { RadiusFramer } from '../../src/wire/radius-stream.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';

/** A packet of this length, every octet behind the header its own number. */
function packet(length: number, identifier = 0): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, i) => i & 0xff);
  bytes.set([2, identifier, length >> 8, length & 0xff]);
  return bytes;
}

function taken(framer: RadiusFramer, chunk: Uint8Array): readonly Uint8Array[] {
  const pushed = framer.push(chunk);
  if (!pushed.ok) throw new Error(pushed.error.detail);
  return pushed.value;
}

describe('packets in a stream', () => {
  it('several in one chunk, and one in many', () => {
    const sent = [packet(20, 1), packet(4096, 2), packet(21, 3)];
    const stream = concatBytes(sent);
    expect(taken(new RadiusFramer(), stream)).toEqual(sent);
    const framer = new RadiusFramer();
    expect([...stream].flatMap((octet) => taken(framer, Uint8Array.of(octet)))).toEqual(sent);
  });

  it('1,000 packets, cut anywhere: the same packets in the same order', () => {
    const random = new SeededRandom(11);
    const sent = Array.from({ length: 1000 }, (_, i) => packet(20 + random.below(300), i & 0xff));
    const stream = concatBytes(sent);
    const framer = new RadiusFramer();
    const got: Uint8Array[] = [];
    for (let at = 0; at < stream.length; ) {
      const end = at + 1 + random.below(700);
      got.push(...taken(framer, stream.subarray(at, end)));
      at = end;
    }
    expect(got).toEqual(sent);
  });

  it('what is taken does not change with the chunk that it came in', () => {
    const framer = new RadiusFramer();
    const chunk = concatBytes([packet(30, 7), packet(20, 8).subarray(0, 10)]);
    const [first] = taken(framer, chunk);
    chunk.fill(0xee);
    expect(first).toEqual(packet(30, 7));
    expect(taken(framer, packet(20, 8).subarray(10))).toEqual([packet(20, 8)]);
  });
});

describe('a length that no packet has', () => {
  it.each([0, 19, 4097, 65535])('%i: refused, as soon as it is seen, and everything after it', (length) => {
    const framer = new RadiusFramer();
    const lie = packet(20);
    lie.set([length >> 8, length & 0xff], 2);
    expect(framer.push(concatBytes([packet(20), lie.subarray(0, 4)]))).toMatchObject({
      ok: false,
      error: { reason: 'length' },
    });
    expect(framer.push(packet(20)).ok).toBe(false);
  });
});
