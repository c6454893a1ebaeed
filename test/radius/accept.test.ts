import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { Ipv4, Ipv6 } from '../../src/base/ip.ts';
import { authorizationFrom, challengeFrom, rejectionFrom } from '../../src/radius/accept.ts';
import {
  ip,
  type OutgoingAttribute,
  octets,
  text,
  tunnel,
  u32,
  vendor,
} from '../../src/wire/radius-attributes.ts';
import { ATTRIBUTE_NAMES } from '../../src/wire/radius-dictionary.ts';

const context = { identity: 'alice', server: '192.0.2.1:1812' };

function accepted(...attributes: OutgoingAttribute[]) {
  return authorizationFrom({ attributes }, context);
}

function vlan(tag: number, id: string): OutgoingAttribute[] {
  return [
    tunnel('Tunnel-Type', tag, 13),
    tunnel('Tunnel-Medium-Type', tag, 6),
    tunnel('Tunnel-Private-Group-Id', tag, id),
  ];
}

describe('an Access-Accept', () => {
  it('with nothing in it grants what the role says, to the identity that the client gave', () => {
    expect(accepted()).toEqual({
      authorization: {
        userName: 'alice',
        classes: [],
        reauthenticateAtTimeout: false,
        server: '192.0.2.1:1812',
      },
      warnings: [],
    });
  });

  it('with everything in it', () => {
    const eap = Uint8Array.of(3, 9, 0, 4);
    const {
      authorization,
      warnings,
      eap: relayed,
    } = accepted(
      octets('EAP-Message', eap),
      text('User-Name', 'Alice Real'),
      octets('Class', Uint8Array.of(1)),
      u32('Session-Timeout', 3600),
      u32('Termination-Action', 1),
      octets('Class', Uint8Array.of(2, 0, 255)),
      u32('Idle-Timeout', 300),
      u32('Acct-Interim-Interval', 600),
      text('Filter-Id', 'staff'),
      ...vlan(0, '42'),
      ip('Framed-IP-Address', '10.1.2.3' as Ipv4),
      text('Reply-Message', 'Hello,'),
      text('Reply-Message', 'Alice'),
      octets('Chargeable-User-Identity', utf8('cui-1')),
    );
    expect(warnings).toEqual([]);
    expect(relayed).toEqual(eap);
    expect(authorization).toEqual({
      userName: 'Alice Real',
      classes: [Uint8Array.of(1), Uint8Array.of(2, 0, 255)],
      sessionTimeout: 3_600_000,
      reauthenticateAtTimeout: true,
      idleTimeout: 300_000,
      interimInterval: 600_000,
      filterId: 'staff',
      vlan: '42',
      framedIp: '10.1.2.3',
      replyMessage: 'Hello,\nAlice',
      cui: utf8('cui-1'),
      server: '192.0.2.1:1812',
    });
  });

  it('RFC 3580 §3.31: takes the VLAN whose tag is complete, by id or by name', () => {
    expect(accepted(tunnel('Tunnel-Type', 1, 3), ...vlan(2, 'voice')).authorization.vlan).toBe('voice');
    expect(accepted(...vlan(31, '4094')).authorization.vlan).toBe('4094');
    expect(accepted(...vlan(1, '10'), ...vlan(2, '20')).authorization.vlan).toBe('10');
  });

  it.each<[string, string, OutgoingAttribute[]]>([
    ['a short Session-Timeout', 'Session-Timeout', [octets('Session-Timeout', Uint8Array.of(1, 2))]],
    ['a long Idle-Timeout', 'Idle-Timeout', [octets('Idle-Timeout', new Uint8Array(5))]],
    ['an unknown Termination-Action', 'Termination-Action', [u32('Termination-Action', 7)]],
    ['an empty User-Name', 'User-Name', [octets('User-Name', new Uint8Array(0))]],
    ['a loopback address', 'Framed-IP-Address', [ip('Framed-IP-Address', '127.0.0.1' as Ipv4)]],
    ['a group address', 'Framed-IP-Address', [ip('Framed-IP-Address', '239.1.1.1' as Ipv4)]],
    ['an IPv6 address', 'Framed-IP-Address', [ip('Framed-IP-Address', '2001:db8::1' as Ipv6)]],
  ])('leaves out %s with one warning, and grants the rest', (_, attribute, attributes) => {
    const { authorization, warnings } = accepted(...attributes, text('Reply-Message', 'in'));
    expect(warnings.map((warning) => warning.attribute)).toEqual([attribute]);
    expect(authorization).toEqual({ ...accepted().authorization, replyMessage: 'in' });
  });

  it.each<[string, OutgoingAttribute[]]>([
    ['without its type', vlan(1, '7').slice(1)],
    ['of another tag than its type', [...vlan(1, '7').slice(0, 2), ...vlan(2, '7').slice(2)]],
    ['of another type', [tunnel('Tunnel-Type', 1, 3), ...vlan(1, '7').slice(1)]],
  ])('takes a group %s for a VLAN that cannot be had, not for none', (_, attributes) => {
    const { authorization, warnings } = accepted(...attributes);
    expect(authorization.vlan).toBe('');
    expect(warnings.map(({ attribute }) => attribute)).toEqual(['Tunnel-Private-Group-Id']);
  });

  it('keeps a VLAN that is none as it was written: who applies it refuses, and nobody is put elsewhere', () => {
    for (const word of ['0', '4095', '']) {
      const { authorization, warnings } = accepted(...vlan(1, word));
      expect(authorization.vlan).toBe(word);
      expect(warnings).toHaveLength(1);
    }
  });

  it('RFC 4675 §2.1, §2.3: VLANs that go out tagged and untagged, by id and by name', () => {
    const { egress } = accepted(
      octets('Egress-VLANID', Uint8Array.of(0x31, 0, 0x00, 0x28)),
      octets('Egress-VLANID', Uint8Array.of(0x32, 0, 0x0f, 0xa0)),
      octets('Egress-VLAN-Name', utf8('1voice')),
      octets('Egress-VLAN-Name', utf8('2staff')),
    ).authorization;
    expect(egress).toEqual({ tagged: ['40', 'voice'], untagged: ['4000', 'staff'] });
    const bad = accepted(
      octets('Egress-VLANID', Uint8Array.of(0x33, 0, 0, 7)),
      octets('Egress-VLANID', utf8('17')),
    );
    expect(bad.authorization.egress).toEqual({ tagged: [''], untagged: [''] });
  });

  it('RFC 4849 §2: rules that are split over attributes anywhere', () => {
    const { filterRules } = accepted(
      octets('NAS-Filter-Rule', utf8('permit in ip from any to 10.0.0.1\0de')),
      octets('NAS-Filter-Rule', utf8('ny in ip from any to any\0')),
    ).authorization;
    expect(filterRules).toEqual(['permit in ip from any to 10.0.0.1', 'deny in ip from any to any']);
  });

  it('knows a voice device by its Cisco-AVPair', () => {
    expect(accepted(vendor(9, 1, utf8('device-traffic-class=voice'))).authorization.voice).toBe(true);
    expect(accepted(vendor(9, 1, utf8('device-traffic-class=switch'))).authorization.voice).toBeUndefined();
    expect(accepted(vendor(10, 1, utf8('device-traffic-class=voice'))).authorization.voice).toBeUndefined();
  });

  it('keeps what it does not know, without keys, and no more than fits', () => {
    const { others } = accepted(
      octets(26, Uint8Array.of(0, 0, 0, 9, 1, 5, 0x61, 0x3d, 0x62, 7, 4, 0, 1)),
      vendor(311, 16, new Uint8Array(50)),
      vendor(311, 17, new Uint8Array(50)),
      octets(26, Uint8Array.of(0, 0, 1, 55, 16, 200, 1)),
      octets(26, Uint8Array.of(0, 0, 0, 9, 1, 200, 1)),
      octets(69, Uint8Array.of(0, 1, 2)),
      u32('Service-Type', 2),
      octets(241, utf8('extended')),
      octets(26, Uint8Array.of(0, 0, 1)),
    ).authorization;
    expect(others).toEqual([
      { name: 'Cisco-AVPair', value: 'a=b' },
      { name: 'Vendor-9-7', value: '0x0001' },
      { name: 'Vendor-9', value: '0x01c801' },
      { name: 'Service-Type', value: '0x00000002' },
      { name: 'Attribute-241', value: 'extended' },
      { name: 'Vendor-Specific', value: '0x000001' },
    ]);
    const many = Array.from({ length: 60 }, () => octets(241, new Uint8Array(200).fill(0x61)));
    const kept = accepted(...many).authorization.others ?? [];
    expect(kept).toHaveLength(32);
    expect(kept[0]?.value).toHaveLength(131);
  });

  it.each([
    [1, undefined],
    [2, undefined],
    [6, 6],
    [7, 7],
    [8, undefined],
    [10, undefined],
    [11, 11],
    [17, undefined],
    [4_000_000_000, 4_000_000_000],
  ])('Service-Type %i is network access, or another service (RFC 2865 §5.6)', (service, other) => {
    expect(accepted(u32('Service-Type', service)).otherService).toBe(other);
    expect(accepted().otherService).toBeUndefined();
  });

  it('takes the first of two roles, and says so', () => {
    const { authorization, warnings } = accepted(text('Filter-Id', 'a'), text('Filter-Id', 'b'));
    expect(authorization.filterId).toBe('a');
    expect(warnings).toHaveLength(1);
  });

  it('zero means none, and an address that is to be chosen is no address: no warning', () => {
    const attributes = [
      u32('Session-Timeout', 0),
      u32('Idle-Timeout', 0),
      u32('Acct-Interim-Interval', 0),
      ip('Framed-IP-Address', '255.255.255.254' as Ipv4),
    ];
    expect(accepted(...attributes)).toEqual(accepted());
  });

  it('never throws, whatever octets stand in whatever attribute', () => {
    const attribute = fc
      .tuple(fc.constantFrom(...ATTRIBUTE_NAMES), fc.uint8Array({ maxLength: 40 }))
      .map(([name, value]) => octets(name, value));
    fc.assert(
      fc.property(fc.array(attribute, { maxLength: 12 }), (attributes) => {
        const { authorization } = accepted(...attributes);
        expect(authorization.userName).not.toBe('');
        rejectionFrom({ attributes });
        challengeFrom({ attributes });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an Access-Reject and an Access-Challenge', () => {
  it('carry EAP, a message, State and how long to wait', () => {
    const first = new Uint8Array(253).fill(1);
    const attributes = [octets('EAP-Message', first), octets('EAP-Message', Uint8Array.of(2))];
    expect(rejectionFrom({ attributes: [...attributes, text('Reply-Message', 'no')] })).toEqual({
      eap: Uint8Array.of(...first, 2),
      replyMessage: 'no',
    });
    const state = Uint8Array.of(0, 1, 2);
    expect(
      challengeFrom({ attributes: [...attributes, octets('State', state), u32('Session-Timeout', 60)] }),
    ).toEqual({ eap: Uint8Array.of(...first, 2), state, suppTimeout: 60_000 });
    expect(challengeFrom({ attributes: [] })).toEqual({});
  });
});
