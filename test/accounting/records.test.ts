import { describe, expect, it } from 'vitest';
import { acctAttributes } from '../../src/accounting/records.ts';
import { SessionIds } from '../../src/accounting/session-id.ts';
import { toHex, utf8 } from '../../src/base/bytes.ts';
import type { Ip } from '../../src/base/ip.ts';
import type { WallTime } from '../../src/base/time.ts';
import type { AcctRecord } from '../../src/model/acct.ts';
import { AcctTerminateCause, END_CAUSES, type EndCause } from '../../src/model/cause.ts';
import { decodeRadius, encodeAccountingRequest } from '../../src/wire/radius.ts';
import {
  attributeDate,
  attributeIp,
  attributesAll,
  attributeText,
  attributeU32,
} from '../../src/wire/radius-attributes.ts';
import { attributeNameOf } from '../../src/wire/radius-dictionary.ts';
import { subject } from '../rigs/accounting-path.ts';

const eventTime = (Date.UTC(2026, 0, 2, 3, 4, 5) + 678) as WallTime;

/** As a server reads it, after the codec. */
function sent(record: AcctRecord) {
  const encoded = encodeAccountingRequest({
    identifier: 1,
    attributes: acctAttributes(record),
    secret: utf8('s'),
  });
  if (!encoded.ok) throw new Error(encoded.error.detail);
  const decoded = decodeRadius(encoded.value);
  if (!decoded.ok) throw new Error(decoded.error.detail);
  return decoded.value;
}

function stop(changes: Partial<Extract<AcctRecord, { kind: 'stop' }>> = {}) {
  return sent({
    kind: 'stop',
    eventTime,
    subject: subject('s1'),
    sessionTimeS: 90.7,
    cause: 'port-down',
    ...changes,
  });
}

describe('an accounting record as RADIUS attributes', () => {
  it('of an address behind the switch names the address, and makes up no MAC and no port', () => {
    const { station: _, ...user } = subject('s1');
    const packet = sent({
      kind: 'start',
      eventTime,
      subject: { ...user, ipv6: '2001:db8::9' as Ip },
    });
    expect(packet.attributes.map(({ type }) => attributeNameOf(type)).sort()).toEqual([
      'Acct-Authentic',
      'Acct-Multi-Session-Id',
      'Acct-Session-Id',
      'Acct-Status-Type',
      'Event-Timestamp',
      'Framed-IPv6-Address',
      'NAS-Port-Type',
      'User-Name',
    ]);
    // RFC 2866 §5.6 Remote, RFC 2865 §5.41 Virtual.
    expect(attributeU32(packet, 'Acct-Authentic')).toBe(3);
    expect(attributeU32(packet, 'NAS-Port-Type')).toBe(5);
  });

  it('is there with more Class than fits, with the first of it', () => {
    const classes = Array.from({ length: 15 }, (_, i) => new Uint8Array(253).fill(i));
    const long = { ...subject('s1'), userName: 'u'.repeat(253), cui: new Uint8Array(253), classes };
    const packet = sent({ kind: 'start', eventTime, subject: long });
    expect(attributesAll(packet, 'Class')).toEqual(classes.slice(0, 11));
  });

  it('a Start names the session, the user and the port', () => {
    const classes = [Uint8Array.of(2, 0), Uint8Array.of(1)];
    const packet = sent({
      kind: 'start',
      eventTime,
      subject: {
        ...subject('s1'),
        classes,
        cui: utf8('cui'),
        ipv4: '10.0.0.9' as Ip,
        ipv6: '2001:db8::9' as Ip,
      },
    });
    expect(packet.attributes.map(({ type }) => attributeNameOf(type)).sort()).toEqual(
      [
        'Acct-Authentic',
        'Acct-Multi-Session-Id',
        'Acct-Session-Id',
        'Acct-Status-Type',
        'Called-Station-Id',
        'Calling-Station-Id',
        'Chargeable-User-Identity',
        'Class',
        'Class',
        'Event-Timestamp',
        'Framed-IP-Address',
        'Framed-IPv6-Address',
        'NAS-Port',
        'NAS-Port-Id',
        'NAS-Port-Type',
        'User-Name',
      ].sort(),
    );
    expect(attributeU32(packet, 'Acct-Status-Type')).toBe(1);
    expect(attributeText(packet, 'Acct-Session-Id')).toBe('s1');
    expect(attributeText(packet, 'User-Name')).toBe('user of s1');
    expect(attributesAll(packet, 'Class')).toEqual(classes);
    expect(attributeU32(packet, 'NAS-Port-Type')).toBe(15);
    expect(attributeText(packet, 'Calling-Station-Id')).toBe('02-00-00-00-00-01');
    expect(attributeU32(packet, 'Acct-Authentic')).toBe(1);
    expect(attributeIp(packet, 'Framed-IP-Address')).toBe('10.0.0.9');
    expect(attributeIp(packet, 'Framed-IPv6-Address')).toBe('2001:db8::9');
    // The time of the event in whole seconds, not of the sending.
    expect(attributeDate(packet, 'Event-Timestamp')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
  });

  it('octets beyond 2^32 become gigawords (RFC 2869 §5.1)', () => {
    const counters = {
      inputOctets: 3 * 2 ** 32 + 17,
      outputOctets: 2 ** 32 - 1,
      inputPackets: 2 ** 32 + 5,
      outputPackets: 7,
    };
    const packet = sent({ kind: 'interim', eventTime, subject: subject('s1'), sessionTimeS: 60, counters });
    expect(attributeU32(packet, 'Acct-Status-Type')).toBe(3);
    expect(attributeU32(packet, 'Acct-Input-Octets')).toBe(17);
    expect(attributeU32(packet, 'Acct-Input-Gigawords')).toBe(3);
    expect(attributeU32(packet, 'Acct-Output-Octets')).toBe(2 ** 32 - 1);
    expect(attributeU32(packet, 'Acct-Output-Gigawords')).toBe(0);
    expect(attributeU32(packet, 'Acct-Input-Packets')).toBe(5);
    expect(attributeU32(packet, 'Acct-Output-Packets')).toBe(7);
    expect(attributesAll(packet, 'Acct-Terminate-Cause')).toEqual([]);
  });

  it('a port that cannot count says nothing about octets', () => {
    expect(attributesAll(stop(), 'Acct-Input-Octets')).toEqual([]);
    expect(attributeU32(stop(), 'Acct-Session-Time')).toBe(90);
  });

  it.each(Object.keys(END_CAUSES) as EndCause[])('a Stop for %s has its terminate cause', (cause) => {
    expect(attributeU32(stop({ cause }), 'Acct-Terminate-Cause')).toBe(AcctTerminateCause[END_CAUSES[cause]]);
  });

  it("a concentrator's Stop keeps the concentrator's cause", () => {
    expect(attributeU32(stop({ cause: 'sso-stop', foreignCause: 17 }), 'Acct-Terminate-Cause')).toBe(17);
  });

  it('link-local addresses and over-long names do no harm', () => {
    const packet = stop({
      subject: { ...subject('s1'), userName: 'ü'.repeat(300), ipv6: 'fe80::1' as Ip },
    });
    expect(attributesAll(packet, 'Framed-IPv6-Address')).toEqual([]);
    expect(attributesAll(packet, 'User-Name')[0]).toHaveLength(253);
  });

  it('Accounting-On and -Off have a session id of their own and belong to no port', () => {
    for (const [kind, type] of [
      ['on', 7],
      ['off', 8],
    ] as const) {
      const packet = sent({ kind, eventTime });
      expect(packet.attributes.map(({ type: t }) => attributeNameOf(t))).toEqual([
        'Acct-Status-Type',
        'Event-Timestamp',
        'Acct-Session-Id',
      ]);
      expect(attributeU32(packet, 'Acct-Status-Type')).toBe(type);
    }
  });

  it('leaves the moment of sending and the sender to the client', () => {
    const names = stop().attributes.map(({ type }) => attributeNameOf(type));
    expect(names.filter((name) => /Delay|NAS-I/.test(name))).toEqual([]);
    expect(toHex(attributesAll(stop(), 'NAS-Port')[0]!)).toBe('00000003');
  });
});

describe('session ids', () => {
  it('are all different, over boots too, and printable', () => {
    const boots = [new SessionIds('5f0c29aa'), new SessionIds('5f0c29ab')];
    const made = boots.flatMap((ids) => Array.from({ length: 5000 }, () => ids.next()));
    expect(new Set(made).size).toBe(10_000);
    expect(made.every((id) => /^[0-9a-f]+-[0-9a-f]+$/.test(id))).toBe(true);
    expect(made.slice(0, 2)).toEqual(['5f0c29aa-000001', '5f0c29aa-000002']);
  });
});
