// The attributes of an Access-Request for a client on a port, as RFC 3580 §3 has them. What the client of this
// folder adds by itself at sending is not here: NAS-Identifier, NAS-IP(v6)-Address, Message-Authenticator.

import { utf8 } from '../base/bytes.ts';
import { type Mac, macToStationId } from '../base/mac.ts';
import type { PortName } from '../model/dataplane.ts';
import {
  NAS_PORT_TYPE_ETHERNET,
  type OutgoingAttribute,
  octets,
  text,
  u32,
} from '../wire/radius-attributes.ts';
import { LONGEST_VALUE, SERVICE_TYPES } from '../wire/radius-dictionary.ts';

/**
 * RFC 3579 §2.4: the longest EAP packet that the server should send. RFC 3580 §3.10 would have 1500 for Ethernet;
 * less keeps a RADIUS packet with such a fragment, and the attributes around it, in one unfragmented datagram.
 */
export const FRAMED_MTU = 1400;

/** Whoever wants in, and where they stand. */
export interface AccessSubject {
  readonly mac: Mac;
  readonly port: PortName;
  /** NAS-Port: the port's ifindex (RFC 2865 §5.5). */
  readonly nasPort: number;
  /** The port's own MAC. */
  readonly calledStation: Mac;
  /** Acct-Session-Id of the session that is to be (RFC 3580 §2.2 wants it in the Access-Request, too). */
  readonly sessionId: string;
  readonly multiSessionId?: string;
  /** Chargeable-User-Identity: what the server gave before, or one NUL to ask for it (RFC 4372 §2.1). */
  readonly cui?: Uint8Array;
}

export interface EapRequest {
  readonly subject: AccessSubject;
  /** Type-Data of the EAP-Response/Identity, as it came; hostile. */
  readonly identity: Uint8Array;
  /** The whole EAP packet; of any length, the codec splits it. */
  readonly eap: Uint8Array;
  /** State of the last Access-Challenge of this conversation, untouched (RFC 2865 §5.24). */
  readonly state?: Uint8Array;
}

/** What every way of asking has in common; MAB and web logins put their own User-Name and Service-Type before it. */
export function portAttributes(subject: AccessSubject): OutgoingAttribute[] {
  return [
    u32('NAS-Port', subject.nasPort),
    text('NAS-Port-Id', subject.port),
    u32('NAS-Port-Type', NAS_PORT_TYPE_ETHERNET),
    text('Calling-Station-Id', macToStationId(subject.mac)),
    text('Called-Station-Id', macToStationId(subject.calledStation)),
    text('Acct-Session-Id', subject.sessionId),
    ...(subject.multiSessionId === undefined ? [] : [text('Acct-Multi-Session-Id', subject.multiSessionId)]),
    ...(subject.cui === undefined ? [] : [octets('Chargeable-User-Identity', subject.cui)]),
  ];
}

/**
 * RFC 3579 §2.1: User-Name is a copy of the identity; of an empty one, the Calling-Station-Id. An identity longer
 * than an attribute is cut, which makes the server refuse it, as it compares the two.
 */
function userName({ identity, subject }: EapRequest): Uint8Array {
  if (identity.length === 0) return utf8(macToStationId(subject.mac));
  return identity.subarray(0, LONGEST_VALUE);
}

/** An 802.1X Access-Request; Service-Type: RFC 3580 §3.4. */
export function accessRequestAttributes(request: EapRequest): OutgoingAttribute[] {
  return [
    octets('User-Name', userName(request)),
    u32('Service-Type', SERVICE_TYPES.Framed),
    u32('Framed-MTU', FRAMED_MTU),
    ...portAttributes(request.subject),
    octets('EAP-Message', request.eap),
    ...(request.state === undefined ? [] : [octets('State', request.state)]),
  ];
}

/** RFC 5176 §3.2: what follows a CoA-Request with Authorize-Only; `state` is that request's, untouched. */
export function authorizeOnlyAttributes(
  subject: AccessSubject,
  userName: string,
  state: Uint8Array,
): OutgoingAttribute[] {
  return [
    text('User-Name', userName),
    u32('Service-Type', SERVICE_TYPES['Authorize-Only']),
    ...portAttributes(subject),
    octets('State', state),
  ];
}
