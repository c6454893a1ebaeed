// Packets of other implementations: captured on loopback between radclient 3.2.1 and FreeRADIUS 3.2.1 with the secret
// "testing123", and nothing of them made by this code.

import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, fromUtf8, toHex, utf8 } from '../../src/base/bytes.ts';
import { md5 } from '../../src/base/hash.ts';
import type { Decoded } from '../../src/base/result.ts';
import { decodeEap, describeEap } from '../../src/wire/eap.ts';
import {
  encodeAccessRequest,
  encodeAccountingRequest,
  encodeDynamicAuthorizationRequest,
  encodeReply,
  RADIUS_CODES,
  type RadiusPacket,
} from '../../src/wire/radius.ts';
import {
  attributeOctets,
  attributeText,
  attributeU32,
  eapMessage,
  octets,
  text,
  tunnelVlan,
  vendorAttributes,
} from '../../src/wire/radius-attributes.ts';
import { revealUserPassword } from '../../src/wire/radius-password.ts';
import {
  verifyAccessRequest,
  verifyAccountingOrDynamicRequest,
  verifyResponse,
} from '../../src/wire/radius-verify.ts';

const SECRET = utf8('testing123');

function hex(digits: string): Uint8Array {
  const bytes = fromHex(digits);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${digits}`);
  return bytes;
}

const PAP_REQUEST =
  '016300438f2c6530e8ca5da85ce5431053c868fb0105626f620212d1323680396c5f5673bce875040e2a1d0406c000020150127432917d75395acf54e869cff9b523a6';
const PAP_ACCEPT =
  '02630056e70a5ce42b189bd5c3498270d4f00c7c120977656c636f6d651b0600000e101d060000000140060000000d41060000000651043230190701020304050b0773746166661a0f00000009010975726c3d6f6e65';
const EAP_START =
  '0184003b1fc20d32e7a104de89c6ca58cacf48de0105626f624f0a0201000801626f620406c00002015012ee1b687d7252bc2be09008d8f84d4846';
const EAP_CHALLENGE =
  '0b84005040dba17f00ac4c6dc3094e291da27d624f18010200160410b75dc77578b3138ecb8636298ac4c3415012f86c163ec0f7e19c268238fc7e2c15ad1812c9a2c093c9a0c4347048c3794118d6a3';
const ACCOUNTING_REQUEST =
  '045b0029b2b77c7816c67e196d394ce0db552bb80105626f622c0473312806000000010406c0000201';
const ACCOUNTING_RESPONSE = '055b00147993ecd5778ef8103bd9c09feef1a8ea';
const STATUS_REQUEST = '0cec00263b989b32defd95890b4e4a9e0d8bf9eb50121eba5cb10b84cab3d35c137d51e13c21';
const STATUS_ANSWER = '02ec001495b5ce7bc1d4f2b61c0058b733548c49';
const DISCONNECT_REQUEST =
  '28090039c4c8a84d22c627f74eb99bc8f701527d0105626f622c04733137066553f100210401025012342973b809171b49a0285f64a10c14d3';
const COA_REQUEST = '2b660021e3ef7737c482a682c71281d253eacfe50105626f622c04733118040909';

function sent(digits: string) {
  const bytes = hex(digits);
  return { code: bytes[0] ?? 0, identifier: bytes[1] ?? 0, authenticator: bytes.subarray(4, 20) };
}

function answer(request: string, response: Uint8Array, requireMessageAuthenticator = false, secret = SECRET) {
  return verifyResponse({
    packetBytes: response,
    request: sent(request),
    secret,
    requireMessageAuthenticator,
  });
}

function dynamic(packetBytes: Uint8Array, requireMessageAuthenticator = false, secret = SECRET) {
  return verifyAccountingOrDynamicRequest({ packetBytes, secret, requireMessageAuthenticator });
}

function reason(decoded: Decoded<unknown>): string {
  return decoded.ok ? 'accepted' : decoded.error.reason;
}

function value<T>(decoded: Decoded<T>): T {
  if (!decoded.ok) throw new Error(`refused: ${decoded.error.reason}, ${decoded.error.detail}`);
  return decoded.value;
}

/** The packet with the octet at `at` changed. */
function flipped(digits: string, at: number): Uint8Array {
  const bytes = hex(digits);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

describe('replies of FreeRADIUS', () => {
  it('an Access-Challenge with Message-Authenticator is taken, and its EAP read', () => {
    const packet = value(answer(EAP_START, hex(EAP_CHALLENGE), true));
    const eap = value(decodeEap(eapMessage(packet) ?? new Uint8Array(0)));
    expect(describeEap(eap)).toBe('EAP Request/MD5-Challenge id 2, 17 octets');
    expect(attributeOctets(packet, 'State')).toHaveLength(16);
  });

  it('an Access-Accept to PAP has none: taken only where that is allowed (CVE-2024-3596)', () => {
    expect(reason(answer(PAP_REQUEST, hex(PAP_ACCEPT), true))).toBe('message-authenticator-missing');
    const packet = value(answer(PAP_REQUEST, hex(PAP_ACCEPT)));
    expect(attributeText(packet, 'Reply-Message')).toBe('welcome');
    expect(attributeU32(packet, 'Session-Timeout')).toBe(3600);
    expect(attributeU32(packet, 'Termination-Action')).toBe(1);
    expect(attributeText(packet, 'Filter-Id')).toBe('staff');
    expect(tunnelVlan(packet)).toBe('20');
    expect(vendorAttributes(packet, 9).map(({ type, value: v }) => [type, fromUtf8(v)])).toEqual([
      [1, 'url=one'],
    ]);
  });

  it('one with EAP-Message and without Message-Authenticator is refused even where that is allowed (RFC 3579 §3.2)', () => {
    const { identifier, authenticator } = sent(EAP_START);
    const eapSuccess = Uint8Array.of(79, 6, 3, 2, 0, 4);
    const head = Uint8Array.of(2, identifier, 0, 26);
    const bytes = concatBytes([head, md5(head, authenticator, eapSuccess, SECRET), eapSuccess]);
    expect(reason(answer(EAP_START, bytes))).toBe('message-authenticator-missing');
  });

  it('an Accounting-Response and the answer to Status-Server are taken', () => {
    expect(reason(answer(ACCOUNTING_REQUEST, hex(ACCOUNTING_RESPONSE)))).toBe('accepted');
    expect(reason(answer(STATUS_REQUEST, hex(STATUS_ANSWER)))).toBe('accepted');
  });

  it('with padding behind Length are taken', () => {
    expect(reason(answer(EAP_START, hex(`${EAP_CHALLENGE}000000`), true))).toBe('accepted');
  });

  it('with any one octet changed are refused', () => {
    const bytes = hex(EAP_CHALLENGE);
    for (let at = 0; at < bytes.length; at++) {
      expect(reason(answer(EAP_START, flipped(EAP_CHALLENGE, at), true))).not.toBe('accepted');
    }
  });

  it('are refused with the reason that fits', () => {
    expect(reason(answer(EAP_START, flipped(EAP_CHALLENGE, 1)))).toBe('identifier');
    expect(reason(answer(ACCOUNTING_REQUEST, hex(`025b0014${'00'.repeat(16)}`)))).toBe('code');
    expect(reason(answer(EAP_START, flipped(EAP_CHALLENGE, 4)))).toBe('response-authenticator');
    expect(reason(answer(EAP_START, hex(EAP_CHALLENGE), true, utf8('other')))).toBe('response-authenticator');
    expect(reason(answer(PAP_REQUEST, hex(EAP_CHALLENGE)))).toBe('identifier');
    expect(reason(answer(EAP_START, hex('0b84')))).toBe('short');
    expect(reason(answer(EAP_START, hex(EAP_CHALLENGE).subarray(0, 79)))).toBe('length');
    expect(reason(answer(EAP_START, flipped(EAP_CHALLENGE, 21)))).toBe('attribute-length');
  });
});

/** A reply whose Response Authenticator is right whatever its attributes are: what a chosen-prefix forger makes. */
function forged(attributes: string): Uint8Array {
  const length = 20 + attributes.length / 2;
  const header = hex(`0284${length.toString(16).padStart(4, '0')}`);
  const digest = md5(header, sent(EAP_START).authenticator, hex(attributes), SECRET);
  return hex(toHex(header) + toHex(digest) + attributes);
}

describe('a reply with a right Response Authenticator', () => {
  it.each([
    ['no Message-Authenticator', '0105626f62', 'message-authenticator-missing'],
    ['a wrong one', `5012${'00'.repeat(16)}`, 'message-authenticator'],
    ['a short one', `5011${'00'.repeat(15)}`, 'message-authenticator'],
    ['an empty one', '5002', 'message-authenticator'],
    ['two', `5012${'00'.repeat(16)}5012${'00'.repeat(16)}`, 'message-authenticator'],
  ])('and %s is refused', (_what, attributes, expected) => {
    expect(reason(answer(EAP_START, forged(attributes), true))).toBe(expected);
  });

  it('and a wrong Message-Authenticator is refused even where none is demanded', () => {
    expect(reason(answer(EAP_START, forged(`5012${'00'.repeat(16)}`)))).toBe('message-authenticator');
  });
});

describe('requests of radclient', () => {
  it('a Disconnect-Request with Message-Authenticator is taken (RFC 5176 §3.4)', () => {
    const packet = value(dynamic(hex(DISCONNECT_REQUEST), true));
    expect(attributeText(packet, 'Acct-Session-Id')).toBe('s1');
    expect(attributeU32(packet, 'Event-Timestamp')).toBe(1_700_000_000);
  });

  it('a CoA-Request without one is taken only where that is allowed', () => {
    expect(reason(dynamic(hex(COA_REQUEST)))).toBe('accepted');
    expect(reason(dynamic(hex(COA_REQUEST), true))).toBe('message-authenticator-missing');
  });

  it('an Accounting-Request is taken', () => {
    expect(reason(dynamic(hex(ACCOUNTING_REQUEST)))).toBe('accepted');
  });

  it('with any one octet changed are refused', () => {
    for (let at = 0; at < hex(DISCONNECT_REQUEST).length; at++) {
      expect(reason(dynamic(flipped(DISCONNECT_REQUEST, at)))).not.toBe('accepted');
    }
    expect(reason(dynamic(flipped(DISCONNECT_REQUEST, 4)))).toBe('request-authenticator');
    expect(reason(dynamic(hex(DISCONNECT_REQUEST), true, utf8('')))).toBe('request-authenticator');
    expect(reason(dynamic(hex(PAP_REQUEST)))).toBe('code');
  });

  it('an Access-Request and a Status-Server are proved by Message-Authenticator alone', () => {
    const check = (packetBytes: Uint8Array) =>
      verifyAccessRequest({ packetBytes, secret: SECRET, requireMessageAuthenticator: true });
    const packet = value(check(hex(PAP_REQUEST)));
    const hidden = attributeOctets(packet, 'User-Password') ?? new Uint8Array(0);
    const key = { secret: SECRET, authenticator: packet.authenticator };
    expect(fromUtf8(revealUserPassword(hidden, key) ?? new Uint8Array(0))).toBe('hello');
    expect(reason(check(hex(EAP_START)))).toBe('accepted');
    expect(reason(check(hex(STATUS_REQUEST)))).toBe('accepted');
    expect(reason(check(flipped(PAP_REQUEST, 30)))).toBe('message-authenticator');
    expect(reason(check(hex(COA_REQUEST)))).toBe('code');
  });
});

describe('what we send, we take', () => {
  const authenticator = hex('101112131415161718191a1b1c1d1e1f');

  it('an Access-Request, and each answer to it', () => {
    const bytes = value(
      encodeAccessRequest({
        identifier: 1,
        authenticator,
        attributes: [text('User-Name', 'bob')],
        secret: SECRET,
      }),
    );
    const request = value(
      verifyAccessRequest({ packetBytes: bytes, secret: SECRET, requireMessageAuthenticator: true }),
    );
    for (const code of ['Access-Accept', 'Access-Reject', 'Access-Challenge'] as const) {
      const reply = value(
        encodeReply({ request, code, attributes: [octets('State', hex('01'))], secret: SECRET }),
      );
      expect(toHex(reply.subarray(20, 22))).toBe('5012');
      expect(reason(answer(toHex(bytes), reply, true))).toBe('accepted');
    }
  });

  it('an Accounting-Request and its response', () => {
    const bytes = value(encodeAccountingRequest({ identifier: 2, attributes: [], secret: SECRET }));
    const request = value(dynamic(bytes));
    const reply = value(
      encodeReply({ request, code: 'Accounting-Response', attributes: [], secret: SECRET }),
    );
    expect(reason(answer(toHex(bytes), reply))).toBe('accepted');
  });

  it.each([
    ['Disconnect-Request', 'Disconnect-ACK', 'CoA-ACK'],
    ['CoA-Request', 'CoA-NAK', 'Disconnect-NAK'],
  ] as const)('a %s and its %s, but no %s', (code, reply, other) => {
    const attributes = [text('User-Name', 'bob'), octets('Proxy-State', hex('77'))];
    const bytes = value(
      encodeDynamicAuthorizationRequest({ code, identifier: 3, attributes, secret: SECRET }),
    );
    const request: RadiusPacket = value(dynamic(bytes, true));
    expect(request.code).toBe(RADIUS_CODES[code]);
    const right = value(encodeReply({ request, code: reply, attributes: [], secret: SECRET }));
    expect(reason(answer(toHex(bytes), right, true))).toBe('accepted');
    expect(toHex(value(answer(toHex(bytes), right)).attributes[1]?.value ?? hex(''))).toBe('77');
    const wrong = value(encodeReply({ request, code: other, attributes: [], secret: SECRET }));
    expect(reason(answer(toHex(bytes), wrong, true))).toBe('code');
  });
});
