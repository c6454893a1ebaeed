import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { MAC_SPELLINGS, type Mac, parseMac, spellMac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { type MabProof, mabProof, mabRequestAttributes } from '../../src/radius/mab-request.ts';
import { encodeAccessRequest, type RadiusPacket } from '../../src/wire/radius.ts';
import { attributeOctets, attributeText, attributeU32 } from '../../src/wire/radius-attributes.ts';
import { revealUserPassword } from '../../src/wire/radius-password.ts';
import { verifyAccessRequest } from '../../src/wire/radius-verify.ts';

const SECRET = utf8('testing123');
const MAC = '02:99:0a:0b:0c:0d' as Mac;
const authenticator = Uint8Array.from({ length: 16 }, (_, i) => 0x30 + i);
const entropy = {
  bytes: (count: number) => Uint8Array.from({ length: count }, (_, i) => 0xa0 + i),
  fraction: () => 0,
};

function sent(proof: MabProof): RadiusPacket {
  const attributes = mabRequestAttributes({
    subject: {
      mac: MAC,
      port: 'p1' as PortName,
      nasPort: 7,
      calledStation: '02:99:01:00:00:01' as Mac,
      sessionId: 'id',
    },
    userName: spellMac(MAC, 'aabbccddeeff'),
    proof,
  });
  const encoded = encodeAccessRequest({ identifier: 1, attributes, secret: SECRET, authenticator });
  if (!encoded.ok) throw new Error(encoded.error.detail);
  const verified = verifyAccessRequest({
    packetBytes: encoded.value,
    secret: SECRET,
    requireMessageAuthenticator: true,
  });
  if (!verified.ok) throw new Error(verified.error.detail);
  return verified.value;
}

describe('an Access-Request about a MAC', () => {
  it('is a Call-Check, signed first of all, and says where the MAC is', () => {
    const packet = sent({ by: 'pap', password: utf8('x') });
    expect(packet.attributes[0]?.type).toBe(80);
    expect(attributeU32(packet, 'Service-Type')).toBe(10);
    expect(attributeU32(packet, 'NAS-Port-Type')).toBe(15);
    expect(attributeText(packet, 'User-Name')).toBe('02990a0b0c0d');
    expect(attributeText(packet, 'Calling-Station-Id')).toBe('02-99-0A-0B-0C-0D');
  });

  it('PAP: hides the password with the secret of the server that is asked', () => {
    const hidden = attributeOctets(sent({ by: 'pap', password: utf8('02990a0b0c0d') }), 'User-Password');
    expect(hidden).toHaveLength(16);
    expect(revealUserPassword(hidden ?? new Uint8Array(0), { secret: SECRET, authenticator })).toEqual(
      utf8('02990a0b0c0d'),
    );
  });

  it('CHAP: a random challenge, and the response to it', () => {
    const proof = mabProof({ authentication: 'chap', password: utf8('pw'), eap: undefined }, entropy);
    const packet = sent(proof);
    const challenge = attributeOctets(packet, 'CHAP-Challenge') ?? new Uint8Array(0);
    expect(challenge).toEqual(entropy.bytes(16));
    const response = createHash('md5').update(Uint8Array.of(0xa0)).update('pw').update(challenge).digest();
    expect(attributeOctets(packet, 'CHAP-Password')).toEqual(Uint8Array.from([0xa0, ...response]));
  });

  it('refuses a password that no attribute holds, instead of cutting it', () => {
    const attributes = mabRequestAttributes({
      subject: {
        mac: MAC,
        port: 'p1' as PortName,
        nasPort: 7,
        calledStation: MAC,
        sessionId: 'id',
      },
      userName: 'x',
      proof: { by: 'pap', password: utf8('x'.repeat(129)) },
    });
    const encoded = encodeAccessRequest({ identifier: 1, attributes, secret: SECRET, authenticator });
    expect(encoded).toMatchObject({ ok: false, error: { reason: 'attribute-length' } });
  });
});

describe('the spelling of a MAC', () => {
  it.each(MAC_SPELLINGS)('%s is how it is written, and is read as the same MAC', (spelling) => {
    expect(spellMac('aa:bb:cc:dd:ee:ff' as Mac, spelling)).toBe(spelling);
    expect(parseMac(spellMac(MAC, spelling))).toBe(MAC);
  });
});
