import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../src/base/bytes.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { accessRequestAttributes, type EapRequest } from '../../src/radius/access-request.ts';
import { decodeRadius, encodeAccessRequest } from '../../src/wire/radius.ts';
import { attributesAll, attributeText, attributeU32, eapMessage } from '../../src/wire/radius-attributes.ts';

const subject = {
  mac: '02:00:00:00:0a:bc' as Mac,
  port: 'p7' as PortName,
  nasPort: 12,
  calledStation: '02:ff:00:00:00:07' as Mac,
  sessionId: '5e55-1',
};

function sent(changes: Partial<EapRequest> = {}) {
  const eap = Uint8Array.of(2, 1, 0, 8, 1, 98, 111, 98);
  const attributes = accessRequestAttributes({ subject, identity: utf8('bob'), eap, ...changes });
  const encoded = encodeAccessRequest({
    identifier: 1,
    authenticator: new Uint8Array(16),
    attributes,
    secret: utf8('s'),
  });
  if (!encoded.ok) throw new Error(encoded.error.detail);
  const decoded = decodeRadius(encoded.value);
  if (!decoded.ok) throw new Error(decoded.error.detail);
  return decoded.value;
}

describe('RFC 3580 §3: an 802.1X Access-Request', () => {
  it('says who, where and how', () => {
    const packet = sent();
    expect(attributeText(packet, 'User-Name')).toBe('bob');
    expect(attributeText(packet, 'Calling-Station-Id')).toBe('02-00-00-00-0A-BC');
    expect(attributeText(packet, 'Called-Station-Id')).toBe('02-FF-00-00-00-07');
    expect(attributeU32(packet, 'NAS-Port')).toBe(12);
    expect(attributeText(packet, 'NAS-Port-Id')).toBe('p7');
    expect(attributeU32(packet, 'NAS-Port-Type')).toBe(15);
    expect(attributeU32(packet, 'Service-Type')).toBe(2);
    expect(attributeU32(packet, 'Framed-MTU')).toBe(1400);
    expect(attributeText(packet, 'Acct-Session-Id')).toBe('5e55-1');
    expect(attributesAll(packet, 'State')).toEqual([]);
    expect(attributesAll(packet, 'Acct-Multi-Session-Id')).toEqual([]);
    expect(toHex(eapMessage(packet)!)).toBe('0201000801626f62');
  });

  it('gives State back untouched, and a long EAP packet whole', () => {
    const eap = Uint8Array.from({ length: 1400 }, (_, i) => i & 0xff);
    const state = Uint8Array.from({ length: 253 }, (_, i) => 255 - i);
    const packet = sent({ eap, state, subject: { ...subject, multiSessionId: '5e55-m1' } });
    expect(eapMessage(packet)).toEqual(eap);
    expect(attributesAll(packet, 'EAP-Message')).toHaveLength(6);
    expect(attributesAll(packet, 'State')).toEqual([state]);
    expect(attributeText(packet, 'Acct-Multi-Session-Id')).toBe('5e55-m1');
  });

  it('copies an identity octet for octet, even one that is no text', () => {
    const identity = Uint8Array.of(0xff, 0, 0x0a, 0xc3);
    expect(attributesAll(sent({ identity }), 'User-Name')).toEqual([identity]);
  });

  it('RFC 3579 §2.1: an empty identity becomes the Calling-Station-Id', () => {
    expect(attributeText(sent({ identity: new Uint8Array(0) }), 'User-Name')).toBe('02-00-00-00-0A-BC');
  });

  it('an identity longer than an attribute does not stop the request', () => {
    const packet = sent({ identity: utf8('x'.repeat(1000)) });
    expect(attributesAll(packet, 'User-Name')[0]).toHaveLength(253);
  });
});
