// What a broken or hostile sender may do: nothing is thrown, and every refusal has a reason from the codec's list.

import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../src/base/bytes.ts';
import { checksumAdd, checksumFinish, pseudoHeaderSum } from '../../src/wire/internet-checksum.ts';
import {
  verifyAccessRequest,
  verifyAccountingOrDynamicRequest,
  verifyResponse,
} from '../../src/wire/radius-verify.ts';
import { mutate } from '../rigs/mutate.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';
import { readVectors } from '../rigs/vector-file.ts';
import { CODECS, type PlainCodec } from '../rigs/wire-codecs.ts';

const MUTATIONS = 100_000;
const SEED = 20_261_122;

/** Valid messages of the vectors. */
function validMessages(codec: PlainCodec): readonly Uint8Array[] {
  return readVectors(codec.name).flatMap((vector) => (vector.kind === 'error' ? [] : [vector.bytes]));
}

/** Nine of ten mutations die at a checksum, so put some of them right again to get behind it. */
const REPAIR: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  ipv4: repairIpv4,
  dhcp: (bytes) => repairIpv4(bytes, true),
  dhcp6: repairUdp6,
  nd: repairIcmpv6,
};

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function repairIpv4(bytes: Uint8Array, dropUdpChecksum = false): Uint8Array {
  const out = Uint8Array.from(bytes);
  if (out.length < 28) return out;
  put16(out, 2, out.length);
  put16(out, 10, 0);
  if (dropUdpChecksum) {
    put16(out, 24, out.length - 20);
    put16(out, 26, 0);
  }
  return out;
}

function repairUdp6(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  if (out.length < 48) return out;
  const length = out.length - 40;
  put16(out, 4, length);
  put16(out, 44, length);
  put16(out, 46, 0);
  const sum = pseudoHeaderSum(out.subarray(8, 40), 17, length);
  put16(out, 46, checksumFinish(checksumAdd(sum, out.subarray(40))));
  return out;
}

function repairIcmpv6(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  if (out.length < 44) return out;
  const length = out.length - 40;
  put16(out, 4, length);
  put16(out, 42, 0);
  out[7] = 255;
  put16(
    out,
    42,
    checksumFinish(checksumAdd(pseudoHeaderSum(out.subarray(8, 40), 58, length), out.subarray(40))),
  );
  return out;
}

/** The first thing that is wrong with how the codec took these octets. */
function complaint(codec: PlainCodec, bytes: Uint8Array): string | undefined {
  try {
    const outcome = codec.exercise(bytes);
    if (outcome.reason !== undefined) {
      return codec.reasons.includes(outcome.reason) ? undefined : `unlisted reason ${outcome.reason}`;
    }
    if (outcome.line === '' || /\p{Cc}/u.test(outcome.line ?? '')) return `description ${outcome.line}`;
    const again = codec.exercise(outcome.again ?? new Uint8Array(0));
    return again.reason === undefined ? undefined : `its own encoding is refused: ${again.reason}`;
  } catch (error) {
    return `threw ${String(error)}`;
  }
}

describe.each(CODECS)('$name', (codec) => {
  it('bears every truncation of every valid message', () => {
    for (const message of validMessages(codec)) {
      for (let length = 0; length <= message.length; length++) {
        const cut = message.subarray(0, length);
        expect(complaint(codec, cut), toHex(cut)).toBeUndefined();
      }
    }
  });

  it('bears its share of 100,000 mutations', () => {
    const random = new SeededRandom(SEED);
    const messages = validMessages(codec);
    const repair = REPAIR[codec.name];
    const seen = new Map<string, number>();
    for (let i = 0; i < Math.ceil(MUTATIONS / CODECS.length); i++) {
      const mutated = mutate(messages[i % messages.length] ?? new Uint8Array(0), random);
      const bytes = repair !== undefined && i % 2 === 0 ? repair(mutated) : mutated;
      const fault = complaint(codec, bytes);
      if (fault !== undefined) throw new Error(`mutation ${i} of seed ${SEED}, ${toHex(bytes)}: ${fault}`);
      const { reason = 'accepted' } = codec.exercise(bytes);
      seen.set(reason, (seen.get(reason) ?? 0) + 1);
    }
    // Mutations that never get past the first check would prove nothing.
    expect(seen.get('accepted') ?? 0).toBeGreaterThan(500);
    expect(seen.size).toBeGreaterThan(3);
  });

  it('bears octets at random', () => {
    const random = new SeededRandom(SEED + 1);
    for (let i = 0; i < 1000; i++) {
      const bytes = Uint8Array.from({ length: random.below(120) }, () => random.below(256));
      expect(complaint(codec, bytes), toHex(bytes)).toBeUndefined();
    }
  });
});

it('no mutation of a RADIUS packet passes a verifier', () => {
  const random = new SeededRandom(SEED + 2);
  const codec = CODECS.find(({ name }) => name === 'radius');
  if (codec === undefined) throw new Error('no radius codec');
  const messages = validMessages(codec);
  const secret = utf8('a secret that signed none of them');
  for (let i = 0; i < 10_000; i++) {
    const packetBytes = mutate(messages[i % messages.length] ?? new Uint8Array(0), random);
    const received = { packetBytes, secret, requireMessageAuthenticator: true };
    const code = [1, 4, 12, 40, 43][i % 5] ?? 0;
    const request = { code, identifier: packetBytes[1] ?? 0, authenticator: new Uint8Array(16) };
    const outcomes = [
      verifyAccessRequest(received),
      verifyAccountingOrDynamicRequest(received),
      verifyResponse({ ...received, request }),
    ];
    for (const outcome of outcomes) {
      if (outcome.ok) throw new Error(`accepted ${toHex(packetBytes)}`);
      expect(codec.reasons).toContain(outcome.error.reason);
    }
  }
});
