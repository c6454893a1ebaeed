// An accounting record as RADIUS attributes (RFC 2866 §5, RFC 2869 §5). What depends on the moment or on the sender
// is added at each sending by the RADIUS client: Acct-Delay-Time, NAS-Identifier, NAS-IP(v6)-Address.

import { utf8 } from '../base/bytes.ts';
import { type Ip, type Ipv6, isIpv4, isLinkLocal } from '../base/ip.ts';
import { macToStationId } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import type { WallTime } from '../base/time.ts';
import type { AcctRecord, AcctStation, AcctSubject, TrafficCounters } from '../model/acct.ts';
import { AcctTerminateCause, END_CAUSES } from '../model/cause.ts';
import {
  date,
  ip,
  NAS_PORT_TYPE_ETHERNET,
  NAS_PORT_TYPE_VIRTUAL,
  type OutgoingAttribute,
  octets,
  text,
  u32,
} from '../wire/radius-attributes.ts';
import { LONGEST_VALUE } from '../wire/radius-dictionary.ts';

/** RFC 2866 §5.1. */
const ACCT_STATUS_TYPE: Readonly<Record<AcctRecord['kind'], number>> = {
  start: 1,
  stop: 2,
  interim: 3,
  on: 7,
  off: 8,
};

/** RFC 2866 §5.6: by RADIUS; by somebody else, whom we believe. */
const ACCT_AUTHENTIC_RADIUS = 1;
const ACCT_AUTHENTIC_REMOTE = 3;
const GIGAWORD = 2 ** 32;

/** Without Acct-Delay-Time and NAS-*. Always encodable: a name too long for an attribute is cut. */
export function acctAttributes(record: AcctRecord): OutgoingAttribute[] {
  const head = [
    u32('Acct-Status-Type', ACCT_STATUS_TYPE[record.kind]),
    // RFC 2869 §5.3: the time of the event, whenever this is sent.
    date('Event-Timestamp', record.eventTime),
  ];
  switch (record.kind) {
    case 'on':
    case 'off':
      // RFC 2866 §5.10 keeps Acct-Terminate-Cause to Stops, so a drain's cause is not said here.
      return [...head, text('Acct-Session-Id', systemSessionId(record.eventTime))];
    case 'start':
      return [...head, ...subjectAttributes(record.subject)];
    case 'interim':
      return [...head, ...subjectAttributes(record.subject), ...usage(record)];
    case 'stop':
      return [
        ...head,
        ...subjectAttributes(record.subject),
        ...usage(record),
        u32('Acct-Terminate-Cause', record.foreignCause ?? AcctTerminateCause[END_CAUSES[record.cause]]),
      ];
    default:
      return assertNever(record);
  }
}

/** Acct-Session-Id is mandatory in Accounting-On and -Off, too (RFC 2866 §5.13), which belong to no session. */
function systemSessionId(eventTime: WallTime): string {
  return `system-${Math.floor(eventTime).toString(16)}`;
}

function subjectAttributes(subject: AcctSubject): OutgoingAttribute[] {
  return [
    text('Acct-Session-Id', subject.sessionId),
    text('Acct-Multi-Session-Id', subject.multiSessionId),
    octets('User-Name', utf8(subject.userName).subarray(0, LONGEST_VALUE)),
    // RFC 2865 §5.25: unmodified, and in their order.
    ...fitting(subject.classes).map((value) => octets('Class', value)),
    ...(subject.cui === undefined ? [] : [octets('Chargeable-User-Identity', subject.cui)]),
    ...(subject.station === undefined ? remoteAttributes() : stationAttributes(subject.station)),
    ...framedAddresses(subject),
  ];
}

/** Of a packet's 4,096 octets; all the others together take less than 1,280. */
const CLASS_ROOM = 2816;

/** Those that fit, from the first on: a record without the last of them is better than none. */
function fitting(classes: readonly Uint8Array[]): readonly Uint8Array[] {
  let octets = 0;
  return classes.filter(({ length }) => {
    octets += 2 + length;
    return octets <= CLASS_ROOM;
  });
}

function stationAttributes({ mac, port, nasPort, calledStation }: AcctStation): OutgoingAttribute[] {
  return [
    u32('Acct-Authentic', ACCT_AUTHENTIC_RADIUS),
    u32('NAS-Port', nasPort),
    text('NAS-Port-Id', port),
    u32('NAS-Port-Type', NAS_PORT_TYPE_ETHERNET),
    text('Calling-Station-Id', macToStationId(mac)),
    text('Called-Station-Id', macToStationId(calledStation)),
  ];
}

/** The user of a concentrator, which has logged it in: on no port of ours. */
function remoteAttributes(): OutgoingAttribute[] {
  return [u32('Acct-Authentic', ACCT_AUTHENTIC_REMOTE), u32('NAS-Port-Type', NAS_PORT_TYPE_VIRTUAL)];
}

function framedAddresses({ ipv4, ipv6 }: AcctSubject): OutgoingAttribute[] {
  return [
    ...(ipv4 !== undefined && isIpv4(ipv4) ? [ip('Framed-IP-Address', ipv4)] : []),
    // RFC 6911 §3.1. A link-local address says no more than the MAC.
    ...(ipv6 !== undefined && isGlobalIpv6(ipv6) ? [ip('Framed-IPv6-Address', ipv6)] : []),
  ];
}

function isGlobalIpv6(address: Ip): boolean {
  return !isIpv4(address) && !isLinkLocal(address as Ipv6);
}

function usage(record: {
  readonly sessionTimeS: number;
  readonly counters?: TrafficCounters;
}): OutgoingAttribute[] {
  const time = u32('Acct-Session-Time', Math.max(0, Math.floor(record.sessionTimeS)));
  const { counters } = record;
  if (counters === undefined) return [time];
  return [
    time,
    u32('Acct-Input-Octets', counters.inputOctets % GIGAWORD),
    u32('Acct-Output-Octets', counters.outputOctets % GIGAWORD),
    u32('Acct-Input-Packets', counters.inputPackets % GIGAWORD),
    u32('Acct-Output-Packets', counters.outputPackets % GIGAWORD),
    // RFC 2869 §5.1, §5.2: how often the octets have wrapped.
    u32('Acct-Input-Gigawords', Math.floor(counters.inputOctets / GIGAWORD)),
    u32('Acct-Output-Gigawords', Math.floor(counters.outputOctets / GIGAWORD)),
  ];
}
