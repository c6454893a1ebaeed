import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, fromUtf8, toHex, utf8 } from '../../src/base/bytes.ts';
import { hmacMd5, md5 } from '../../src/base/hash.ts';
import type { Ip } from '../../src/base/ip.ts';
import type { Decoded } from '../../src/base/result.ts';
import type { WallTime } from '../../src/base/time.ts';
import {
  decodeRadius,
  describeRadius,
  encodeAccessRequest,
  encodeAccountingRequest,
  encodeDynamicAuthorizationReply,
  encodeReply,
  encodeStatusServer,
  type RadiusPacket,
} from '../../src/wire/radius.ts';
import {
  attributeDate,
  attributeIp,
  attributeOctets,
  attributesAll,
  attributeText,
  attributeU32,
  date,
  eapMessage,
  hasAttribute,
  ip,
  type OutgoingAttribute,
  octets,
  octetsOf,
  text,
  tunnel,
  tunnelAttribute,
  tunnelAttributes,
  tunnelVlan,
  u32,
  vendor,
  vendorAttributes,
} from '../../src/wire/radius-attributes.ts';
import {
  ATTRIBUTE_NAMES,
  attributeNameOf,
  attributeNumber,
  enumLabel,
  enumNumber,
  loadRadiusDictionary,
  NO_ATTRIBUTE,
} from '../../src/wire/radius-dictionary.ts';
import { chapPassword, hideUserPassword, revealUserPassword } from '../../src/wire/radius-password.ts';

const SECRET = utf8('xyzzy5461');

function hex(digits: string): Uint8Array {
  const bytes = fromHex(digits);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${digits}`);
  return bytes;
}

function value<T>(decoded: Decoded<T>): T {
  if (!decoded.ok) throw new Error(`refused: ${decoded.error.reason}, ${decoded.error.detail}`);
  return decoded.value;
}

function packetOf(digits: string): RadiusPacket {
  return value(decodeRadius(hex(digits)));
}

/** As they would come from the wire. */
function withAttributes(list: readonly OutgoingAttribute[]): RadiusPacket {
  const attributes = list.map((attribute) => ({ type: attribute.type, value: octetsOf(attribute) }));
  return { code: 2, identifier: 0, authenticator: new Uint8Array(16), attributes };
}

describe('RFC 2865 §7.1: nemo logs in by Telnet', () => {
  const request = packetOf(
    '010000380f403f9473978057bd83d5cb98f4227a01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110050600000003',
  );
  const accept = hex('0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103');

  it('reads the request', () => {
    expect(attributeText(request, 'User-Name')).toBe('nemo');
    expect(attributeIp(request, 'NAS-IP-Address')).toBe('192.168.1.16');
    expect(attributeU32(request, 'NAS-Port')).toBe(3);
  });

  it('hides and reveals the password "arctangent"', () => {
    const key = { secret: SECRET, authenticator: request.authenticator };
    const hidden = attributeOctets(request, 'User-Password') ?? new Uint8Array(0);
    expect(toHex(hideUserPassword(utf8('arctangent'), key) ?? new Uint8Array(0))).toBe(toHex(hidden));
    expect(fromUtf8(revealUserPassword(hidden, key) ?? new Uint8Array(0))).toBe('arctangent');
  });

  it('computes the Response Authenticator (without the Message-Authenticator that we add)', () => {
    const digest = md5(accept.subarray(0, 4), request.authenticator, accept.subarray(20), SECRET);
    expect(toHex(digest)).toBe('86fe220e7624ba2a1005f6bf9b55e0b2');
  });
});

describe('RFC 2865 §7.2: flopsy logs in by PPP with CHAP', () => {
  const request = packetOf(
    '010100472aee86f08d0d55969ca5978e0d3367a20108666c6f707379031316e97557c316185895f293ff63440772750406c0a80110050600000014060600000002070600000001',
  );
  // The text says Framed-Routing None (0); the octets say 2, and it is they that the authenticator covers.
  const accept = hex(
    '0201003815efbc7dab26cfa3dc34d9c03c8601a40606000000020706000000010806fffffffe0a06000000020d06000000010c06000005dc',
  );

  it('computes the CHAP response with the Request Authenticator as challenge', () => {
    const response = chapPassword({
      chapId: 0x16,
      password: utf8('arctangent'),
      challenge: request.authenticator,
    });
    expect(toHex(response)).toBe(toHex(attributeOctets(request, 'CHAP-Password') ?? new Uint8Array(0)));
  });

  it('reads names of enumerated values', () => {
    expect(enumLabel('Service-Type', attributeU32(request, 'Service-Type') ?? -1)).toBe('Framed-User');
    expect(enumLabel('Framed-Protocol', attributeU32(request, 'Framed-Protocol') ?? -1)).toBe('PPP');
  });

  it('computes the Response Authenticator', () => {
    const digest = md5(accept.subarray(0, 4), request.authenticator, accept.subarray(20), SECRET);
    expect(toHex(digest)).toBe(toHex(accept.subarray(4, 20)));
  });
});

describe('User-Password (RFC 2865 §5.2)', () => {
  const authenticator = hex('000102030405060708090a0b0c0d0e0f');

  it.each([0, 1, 15, 16, 17, 32, 127, 128])('of %i octets comes back', (length) => {
    const password = new Uint8Array(length).fill(0x41);
    for (const secret of [new Uint8Array(0), utf8('s'), new Uint8Array(200).fill(7)]) {
      const hidden = hideUserPassword(password, { secret, authenticator }) ?? new Uint8Array(0);
      expect(hidden.length).toBe(Math.max(16, Math.ceil(length / 16) * 16));
      expect(revealUserPassword(hidden, { secret, authenticator })).toEqual(password);
    }
  });

  it('of 129 octets is refused, and so is a value that is not in blocks', () => {
    const key = { secret: SECRET, authenticator };
    expect(hideUserPassword(new Uint8Array(129), key)).toBeUndefined();
    for (const length of [0, 15, 17, 144]) {
      expect(revealUserPassword(new Uint8Array(length), key)).toBeUndefined();
    }
  });
});

// The digests below were computed with Python's hashlib and hmac from the octets, not with this code.
describe('a packet that we send', () => {
  const authenticator = hex('101112131415161718191a1b1c1d1e1f');
  const attributes = [text('User-Name', 'bob'), octets('EAP-Message', hex('0201000801626f62'))];

  it('has Message-Authenticator first, over the packet with zeroes in it (RFC 3579 §3.2)', () => {
    const bytes = value(encodeAccessRequest({ identifier: 9, authenticator, attributes, secret: SECRET }));
    expect(toHex(bytes.subarray(0, 22))).toBe(`01090035${toHex(authenticator)}5012`);
    const zeroed = Uint8Array.from(bytes);
    zeroed.fill(0, 22, 38);
    expect(toHex(bytes.subarray(22, 38))).toBe(toHex(hmacMd5(SECRET, zeroed)));
    expect(toHex(bytes.subarray(22, 38))).toBe('8705bba942bda570b3dd02dbcca3dd8e');
  });

  it('has it once, even if the caller gives one', () => {
    const twice = [...attributes, octets('Message-Authenticator', new Uint8Array(16))];
    const bytes = value(
      encodeAccessRequest({ identifier: 9, authenticator, attributes: twice, secret: SECRET }),
    );
    expect(attributesAll(value(decodeRadius(bytes)), 'Message-Authenticator')).toHaveLength(1);
  });

  it('has it in Status-Server too (RFC 5997 §3)', () => {
    const bytes = value(encodeStatusServer({ identifier: 9, authenticator, attributes: [], secret: SECRET }));
    expect(toHex(bytes)).toBe(`0c090026${toHex(authenticator)}5012b65d7fe6f4d7560d546b066907927b07`);
  });

  it('is an Accounting-Request whose authenticator covers it (RFC 2866 §3)', () => {
    const bytes = value(
      encodeAccountingRequest({
        identifier: 3,
        attributes: [u32('Acct-Status-Type', 'Stop'), text('Acct-Session-Id', 's1')],
        secret: SECRET,
      }),
    );
    expect(toHex(bytes)).toBe('0403001ef696e2c4f310a6e04b38a62673bcd9f12806000000022c047331');
  });

  it('is a Disconnect-NAK with Proxy-State behind (RFC 5176 §2.3, §3.4)', () => {
    const request: RadiusPacket = {
      code: 40,
      identifier: 77,
      authenticator,
      attributes: [
        octets('Proxy-State', hex('0a')),
        octets('User-Name', utf8('bob')),
        octets('Proxy-State', hex('0b0c')),
      ],
    };
    const bytes = value(
      encodeDynamicAuthorizationReply({
        request,
        code: 'Disconnect-NAK',
        attributes: [u32('Error-Cause', 'Session-Context-Not-Found')],
        secret: SECRET,
      }),
    );
    expect(toHex(bytes)).toBe(
      '2a4d0033d261bd041d92577db908f672d0cca8d050129f3f21d21fd5c311cc19031016cd1e3b6506000001f721030a21040b0c',
    );
  });

  it('is an Accounting-Response without Message-Authenticator, unless the request had one', () => {
    const request: RadiusPacket = { code: 4, identifier: 1, authenticator, attributes: [] };
    const reply = { code: 'Accounting-Response', attributes: [], secret: SECRET } as const;
    expect(value(encodeReply({ request, ...reply })).length).toBe(20);
    const signed = { ...request, attributes: [octets('Message-Authenticator', new Uint8Array(16))] };
    expect(value(encodeReply({ request: signed, ...reply })).length).toBe(38);
  });

  it('is refused if a text is too long for an attribute, or all of them for a packet', () => {
    const refusal = (list: readonly OutgoingAttribute[]) => {
      const encoded = encodeAccessRequest({ identifier: 0, authenticator, attributes: list, secret: SECRET });
      return encoded.ok ? 'accepted' : encoded.error.reason;
    };
    expect(refusal([text('User-Name', 'x'.repeat(253))])).toBe('accepted');
    expect(refusal([text('User-Name', 'x'.repeat(254))])).toBe('attribute-length');
    expect(refusal([text('User-Name', 'ä'.repeat(127))])).toBe('attribute-length');
    expect(refusal([octets('EAP-Message', new Uint8Array(4026))])).toBe('accepted');
    expect(refusal([octets('EAP-Message', new Uint8Array(4027))])).toBe('length');
    expect(refusal([u32('NAS-Port-Type', 'Carrier-Pigeon')])).toBe('attribute-type');
    expect(refusal([octets(256, hex('00'))])).toBe('attribute-type');
  });

  it('is refused with an identifier or an authenticator that cannot be', () => {
    const encode = (identifier: number, length: number) => {
      const encoded = encodeAccessRequest({
        identifier,
        authenticator: new Uint8Array(length),
        attributes: [],
        secret: SECRET,
      });
      return encoded.ok ? 'accepted' : encoded.error.reason;
    };
    expect(encode(256, 16)).toBe('identifier');
    expect(encode(-1, 16)).toBe('identifier');
    expect(encode(1, 15)).toBe('authenticator-length');
  });
});

describe('EAP-Message (RFC 3579 §3.1)', () => {
  it.each([0, 1, 253, 254, 506, 507, 1500])(
    'of %i octets goes out in pieces and comes back whole',
    (length) => {
      const message = Uint8Array.from({ length }, (_, i) => i % 251);
      const bytes = value(
        encodeAccessRequest({
          identifier: 0,
          authenticator: new Uint8Array(16),
          attributes: [text('User-Name', 'bob'), octets('EAP-Message', message), octets('State', hex('01'))],
          secret: SECRET,
        }),
      );
      const packet = value(decodeRadius(bytes));
      expect(attributesAll(packet, 'EAP-Message')).toHaveLength(Math.max(1, Math.ceil(length / 253)));
      expect(eapMessage(packet)).toEqual(message);
    },
  );

  it('is absent where there is none', () => {
    expect(eapMessage(withAttributes([]))).toBeUndefined();
  });
});

describe('values of attributes', () => {
  it('come back as they went in', () => {
    const wall = 1_700_000_000_000 as WallTime;
    const packet = withAttributes([
      text('NAS-Identifier', 'sw1'),
      u32('NAS-Port-Type', 'Ethernet'),
      u32('Acct-Input-Octets', 0xffffffff),
      u32('Acct-Delay-Time', 0),
      ip('NAS-IP-Address', '192.0.2.1' as Ip),
      ip('NAS-IPv6-Address', '2001:db8::1' as Ip),
      ip('Framed-IPv6-Address', 'fe80::2' as Ip),
      date('Event-Timestamp', wall),
    ]);
    expect(attributeText(packet, 'NAS-Identifier')).toBe('sw1');
    expect(attributeU32(packet, 'NAS-Port-Type')).toBe(15);
    expect(attributeU32(packet, 'Acct-Input-Octets')).toBe(0xffffffff);
    expect(attributeU32(packet, 'Acct-Delay-Time')).toBe(0);
    expect(attributeIp(packet, 'NAS-IP-Address')).toBe('192.0.2.1');
    expect(attributeIp(packet, 'NAS-IPv6-Address')).toBe('2001:db8::1');
    expect(attributeIp(packet, 'Framed-IPv6-Address')).toBe('fe80::2');
    expect(attributeDate(packet, 'Event-Timestamp')).toBe(wall);
    expect(packet.attributes.map((attribute) => attribute.type)).toEqual([32, 61, 42, 41, 4, 95, 168, 55]);
  });

  it('of a wrong length are not there', () => {
    const packet = withAttributes([
      octets('Session-Timeout', hex('000102')),
      octets('Framed-IP-Address', hex('0a')),
    ]);
    expect(attributeU32(packet, 'Session-Timeout')).toBeUndefined();
    expect(attributeIp(packet, 'Framed-IP-Address')).toBeUndefined();
    expect(attributeText(packet, 'Filter-Id')).toBeUndefined();
    expect(hasAttribute(packet, 'Session-Timeout')).toBe(true);
  });

  it('that are texts survive octets that are none', () => {
    expect(attributeText(withAttributes([octets('User-Name', hex('62ff00'))]), 'User-Name')).toBe(
      'b\ufffd\0',
    );
  });

  it('count modulo 2^32', () => {
    expect(toHex(octetsOf(u32('Acct-Input-Octets', 2 ** 32 + 5)))).toBe('00000005');
  });
});

describe('Tunnel attributes (RFC 2868 §3, RFC 3580 §3.31)', () => {
  it('give a VLAN, tagged or not', () => {
    const list = (tag: number) => [
      tunnel('Tunnel-Type', tag, 13),
      tunnel('Tunnel-Medium-Type', tag, 6),
      tunnel('Tunnel-Private-Group-Id', tag, 'staff'),
    ];
    expect(tunnelVlan(withAttributes(list(0)))).toBe('staff');
    expect(tunnelVlan(withAttributes(list(31)))).toBe('staff');
    const untaggedText = octets('Tunnel-Private-Group-Id', utf8('20'));
    expect(tunnelVlan(withAttributes([...list(0).slice(0, 2), untaggedText]))).toBe('20');
  });

  it('of different tags are not mixed', () => {
    const packet = withAttributes([
      tunnel('Tunnel-Type', 1, 3),
      tunnel('Tunnel-Type', 2, 13),
      tunnel('Tunnel-Medium-Type', 1, 6),
      tunnel('Tunnel-Medium-Type', 2, 6),
      tunnel('Tunnel-Private-Group-Id', 1, '10'),
      tunnel('Tunnel-Private-Group-Id', 2, '20'),
    ]);
    expect(tunnelVlan(packet)).toBe('20');
    expect(tunnelAttributes(packet, 'Tunnel-Private-Group-Id').map(({ tag }) => tag)).toEqual([1, 2]);
    expect(fromUtf8(tunnelAttribute(packet, 'Tunnel-Private-Group-Id', 1) ?? new Uint8Array(0))).toBe('10');
  });

  it('without octets, or with too few, give none', () => {
    const packet = withAttributes([
      octets('Tunnel-Type', hex('00')),
      octets('Tunnel-Medium-Type', new Uint8Array(0)),
      tunnel('Tunnel-Private-Group-Id', 0, '20'),
    ]);
    expect(tunnelVlan(packet)).toBeUndefined();
  });
});

describe('vendor attributes (RFC 2865 §5.26)', () => {
  it('are found by vendor, several in one Vendor-Specific too', () => {
    const packet = withAttributes([
      vendor(9, 1, utf8('url=one')),
      vendor(311, 7, hex('01')),
      octets('Vendor-Specific', hex('00000009 0203 ff 0102')),
    ]);
    expect(vendorAttributes(packet, 9)).toEqual([
      { type: 1, value: utf8('url=one') },
      { type: 2, value: hex('ff') },
      { type: 1, value: hex('') },
    ]);
    expect(vendorAttributes(packet, 14988)).toEqual([]);
  });

  it('that are not in the recommended form end where they do not fit', () => {
    const packet = withAttributes([
      octets('Vendor-Specific', hex('00000009 0103aa 0209ff')),
      octets('Vendor-Specific', hex('00000009 0100')),
      octets('Vendor-Specific', hex('000000')),
    ]);
    expect(vendorAttributes(packet, 9)).toEqual([{ type: 1, value: hex('aa') }]);
  });
});

describe('the dictionary', () => {
  it('is there, and knows every name that we use', () => {
    expect(loadRadiusDictionary()).toEqual({ ok: true, value: undefined });
    for (const name of ATTRIBUTE_NAMES) expect(attributeNameOf(attributeNumber(name))).toBe(name);
  });

  it('knows labels both ways, and says so where it does not', () => {
    expect(enumNumber('Acct-Terminate-Cause', 'Supplicant-Restart')).toBe(19);
    expect(enumLabel('Acct-Terminate-Cause', 2)).toBe('Lost-Carrier');
    expect(enumLabel('Tunnel-Type', 13)).toBe('VLAN');
    expect(enumNumber('Tunnel-Medium-Type', 'IEEE-802')).toBe(6);
    expect(enumNumber('NAS-Port-Type', 'Carrier-Pigeon')).toBeUndefined();
    expect(enumNumber('NAS-Port-Type', '')).toBeUndefined();
    expect(enumLabel('NAS-Port-Type', 4_000_000_000)).toBeUndefined();
    expect(enumLabel('NAS-Port-Type', -1)).toBeUndefined();
    expect(enumLabel('User-Name', 5)).toBeUndefined();
    expect(attributeNameOf(250)).toBe('Attribute-250');
    expect(NO_ATTRIBUTE).toBe(-1);
  });
});

it('a packet is described without any value but the quoted user name', () => {
  const packet = withAttributes([
    text('User-Name', 'bob\n\u001b[31m\u009b'),
    octets('User-Password', concatBytes([utf8('secret'), new Uint8Array(10)])),
    octets(250, hex('00')),
  ]);
  expect(describeRadius({ ...packet, code: 1 })).toBe(
    'RADIUS Access-Request id 0 for "bob\\n\\u001b[31m\\u009b": User-Name, User-Password, Attribute-250',
  );
});
