import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { Ipv4, Ipv6 } from '../../src/base/ip.ts';
import { authorizationFrom, challengeFrom, rejectionFrom } from '../../src/radius/accept.ts';
import { ip, type OutgoingAttribute, octets, text, tunnel, u32 } from '../../src/wire/radius-attributes.ts';
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
    ['VLAN 0', 'Tunnel-Private-Group-Id', vlan(0, '0')],
    ['VLAN 4095', 'Tunnel-Private-Group-Id', vlan(1, '4095')],
    ['a VLAN without a name', 'Tunnel-Private-Group-Id', vlan(1, '')],
    ['a group without its type', 'Tunnel-Private-Group-Id', vlan(1, '7').slice(1)],
    [
      'a group of another tag',
      'Tunnel-Private-Group-Id',
      [...vlan(1, '7').slice(0, 2), ...vlan(2, '7').slice(2)],
    ],
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
