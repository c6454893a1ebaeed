// Which sessions a Disconnect- or CoA-Request means (RFC 5176 §3): every session identification attribute in it must fit.

import { bytesEqual } from '../base/bytes.ts';
import { type Ip, isIpv4 } from '../base/ip.ts';
import { type Mac, parseMac } from '../base/mac.ts';
import { present } from '../base/present.ts';
import type { Instant } from '../base/time.ts';
import { isAddressOf, type L2Session, type L3Session } from '../model/session.ts';
import type { RadiusPacket } from '../wire/radius.ts';
import {
  attributeIp,
  attributeOctets,
  attributeText,
  attributeU32,
  NAS_PORT_TYPE_ETHERNET,
  NAS_PORT_TYPE_VIRTUAL,
} from '../wire/radius-attributes.ts';
import type { AttributeName } from '../wire/radius-dictionary.ts';
import type { Refusal } from './error-cause.ts';

type Who = 'id' | 'multiId' | 'authorization' | 'addresses';

/** What can be meant of a session, or of what is to be one. */
export type Subject =
  | Pick<L3Session, 'layer' | Who>
  | (Pick<L2Session, 'layer' | 'mac' | 'calledStation' | 'nasPort' | Who> & {
      readonly grant: Pick<L2Session['grant'], 'port'>;
    });

export interface SessionKeys {
  readonly userName?: string;
  readonly callingStation?: Mac;
  readonly calledStation?: Mac;
  readonly sessionId?: string;
  readonly multiId?: string;
  readonly nasPort?: number;
  readonly nasPortId?: string;
  readonly nasPortType?: number;
  readonly framedIp?: Ip;
  readonly framedIpv6?: Ip;
  readonly cui?: Uint8Array;
  /** Cisco's `audit-session-id`, which for us is Acct-Session-Id by another name. */
  readonly auditSessionId?: string;
}

/** NAS-Port-Type narrows, and names nobody by itself. */
export const SESSION_KEYS = [
  'User-Name',
  'Calling-Station-Id',
  'Called-Station-Id',
  'Acct-Session-Id',
  'Acct-Multi-Session-Id',
  'NAS-Port',
  'NAS-Port-Id',
  'NAS-Port-Type',
  'Framed-IP-Address',
  'Framed-IPv6-Address',
  'Chargeable-User-Identity',
] as const satisfies readonly AttributeName[];

/** Of a packet that has each of them once at most. */
export function readKeys(packet: RadiusPacket, refuse: (refusal: Refusal) => undefined): SessionKeys {
  const text = (name: AttributeName): string | undefined => attributeText(packet, name);
  const misformed = (name: AttributeName, length: string): undefined =>
    refuse({ cause: 'Invalid-Request', detail: `${name} is not ${length} octets long` });
  const number = (name: AttributeName): number | undefined => {
    const octets = attributeOctets(packet, name);
    return octets === undefined ? undefined : (attributeU32(packet, name) ?? misformed(name, 'four'));
  };
  const address = (name: AttributeName, length: 'four' | 'sixteen'): Ip | undefined => {
    if (attributeOctets(packet, name) === undefined) return undefined;
    const ip = attributeIp(packet, name);
    return ip !== undefined && isIpv4(ip) === (length === 'four') ? ip : misformed(name, length);
  };
  const station = (name: AttributeName): Mac | undefined => {
    const said = text(name);
    if (said === undefined) return undefined;
    const detail = `${name} ${JSON.stringify(said)} is no MAC address`;
    return parseMac(said) ?? refuse({ cause: 'Invalid-Attribute-Value', detail });
  };
  return present({
    userName: text('User-Name'),
    callingStation: station('Calling-Station-Id'),
    calledStation: station('Called-Station-Id'),
    sessionId: text('Acct-Session-Id'),
    multiId: text('Acct-Multi-Session-Id'),
    nasPort: number('NAS-Port'),
    nasPortId: text('NAS-Port-Id'),
    nasPortType: number('NAS-Port-Type'),
    framedIp: address('Framed-IP-Address', 'four'),
    framedIpv6: address('Framed-IPv6-Address', 'sixteen'),
    cui: attributeOctets(packet, 'Chargeable-User-Identity'),
  });
}

/** Whether these keys name anybody: NAS-Port-Type alone would name everybody. */
export function nameSomebody({ nasPortType: _, ...keys }: SessionKeys): boolean {
  return Object.keys(keys).length > 0;
}

/** All keys fit. */
export function isMeant(session: Subject, keys: SessionKeys, now: Instant): boolean {
  const { authorization, addresses, id, multiId } = session;
  const { framedIp, framedIpv6 } = keys;
  const { cui } = authorization;
  return (
    fits(keys.sessionId, id) &&
    fits(keys.multiId, multiId) &&
    fits(keys.userName, authorization.userName) &&
    isAtPlace(session, keys) &&
    (framedIp === undefined || framedIp === addresses.ipv4 || framedIp === authorization.framedIp) &&
    (framedIpv6 === undefined || isAddressOf(addresses, framedIpv6, now)) &&
    (keys.cui === undefined || (cui !== undefined && bytesEqual(keys.cui, cui))) &&
    (keys.auditSessionId === undefined || keys.auditSessionId === id || keys.auditSessionId === multiId)
  );
}

function isAtPlace(session: Subject, keys: SessionKeys): boolean {
  const { callingStation, calledStation, nasPort, nasPortId, nasPortType } = keys;
  if (session.layer === 3) {
    const noPort = [callingStation, calledStation, nasPort, nasPortId].every((key) => key === undefined);
    return noPort && fits(nasPortType, NAS_PORT_TYPE_VIRTUAL);
  }
  return (
    fits(callingStation, session.mac) &&
    fits(calledStation, session.calledStation) &&
    fits(nasPort, session.nasPort) &&
    fits(nasPortId, session.grant.port) &&
    fits(nasPortType, NAS_PORT_TYPE_ETHERNET)
  );
}

function fits<T>(wanted: T | undefined, has: T | undefined): boolean {
  return wanted === undefined || wanted === has;
}
