import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { readVectors, vectorFiles } from '../rigs/vector-file.ts';
import { CODECS } from '../rigs/wire-codecs.ts';

it('every codec has a vector file, and every vector file a codec', () => {
  expect([...vectorFiles()].sort()).toEqual(CODECS.map((codec) => codec.name).sort());
});

describe.each(CODECS)('vectors of $name', (codec) => {
  const vectors = readVectors(codec.name);

  it('hold every reason for which this codec refuses octets', () => {
    const seen = new Set(vectors.flatMap((v) => (v.reason === undefined ? [] : [v.reason])));
    // A field whose every value fits its octets can only be wrong in an encode.
    const encodeOnly = ENCODE_ONLY[codec.name] ?? [];
    expect([...seen, ...encodeOnly].sort()).toEqual([...codec.reasons].sort());
  });

  it.each(vectors.map((vector) => [vector.at, vector.kind, vector] as const))(
    '%s (%s)',
    (_at, kind, vector) => {
      if (kind === 'decode' || kind === 'both') {
        expect(codec.decode(vector.bytes)).toEqual({ ok: true, value: vector.plain });
      }
      if (kind === 'encode' || kind === 'both') {
        expect(toHex(codec.encode(vector.plain))).toBe(toHex(vector.bytes));
      }
      if (kind === 'error') {
        const decoded = codec.decode(vector.bytes);
        expect(decoded.ok ? 'accepted' : decoded.error.reason).toBe(vector.reason);
      }
    },
  );
});

const ENCODE_ONLY: Readonly<Record<string, readonly string[]>> = {
  arp: ['operation'],
  ipv4: ['octet'],
  dhcp: ['octet'],
  dhcp6: ['octet'],
  eapol: ['type'],
  eap: ['identifier', 'type'],
  // The verifiers' reasons have their tests in radius-verify.test.ts.
  radius: [
    'attribute-type',
    'code',
    'identifier',
    'authenticator-length',
    'response-authenticator',
    'request-authenticator',
    'message-authenticator',
    'message-authenticator-missing',
  ],
};
