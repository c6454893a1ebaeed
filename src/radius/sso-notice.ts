// What a VPN concentrator's Accounting-Request says of its users (RFC 2866, RFC 2869 §5.3, RFC 6911 §3.1). Of a verified
// packet; what lacks something that cannot be done without is refused, with the reason under which it is counted.

import { fromUtf8 } from '../base/bytes.ts';
import { type Ip, isHostAddress, isIpv4, isLinkLocal } from '../base/ip.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { RadiusPacket } from '../wire/radius.ts';
import {
  attributeIp,
  attributesAll,
  attributeText,
  attributeU32,
  hasAttribute,
} from '../wire/radius-attributes.ts';
import type { AttributeName } from '../wire/radius-dictionary.ts';

/** A user who is logged in at the concentrator, as a Start or an Interim tells of it. */
export interface SsoLogin {
  /** The concentrator's own Acct-Session-Id: of one of its users at a time. */
  readonly sessionId: string;
  readonly userName: string;
  /** Of each family one at most; none where the concentrator has not given any yet. */
  readonly addresses: readonly Ip[];
  readonly filterId?: string;
  readonly classes: readonly Uint8Array[];
  /** How long the user has been logged in, at the moment of the event; undefined where it does not say. */
  readonly sessionTime?: Millis;
}

/** What a concentrator calls itself: several of them may send from one address, as behind a proxy. */
export interface Nas {
  /** NAS-Identifier. */
  readonly identifier?: string;
  /** NAS-IP-Address, or NAS-IPv6-Address. */
  readonly address?: Ip;
}

export type SsoNotice = {
  readonly nas: Nas;
  /** How long ago it happened (Acct-Delay-Time): in whole seconds. */
  readonly delay: Millis;
} & (
  | { readonly kind: 'start' | 'interim'; readonly login: SsoLogin }
  | { readonly kind: 'stop'; readonly sessionId: string; readonly terminateCause?: number }
  /** The concentrator has started, or is about to stop: none of its users is logged in. */
  | { readonly kind: 'on' | 'off'; readonly terminateCause?: number }
  /** Of a status that says nothing of users (RFC 2867, RFC 2866 §5.1: 15 Failed, vendors'). */
  | { readonly kind: 'other'; readonly status: number }
);

/** RFC 2866 §5.1. */
const STATUS = { 1: 'start', 2: 'stop', 3: 'interim', 7: 'on', 8: 'off' } as const;

/** RFC 2865 §5.8: to be chosen, or chosen by the user. Neither is one, and no host is 0.0.0.0. */
const NO_ADDRESS: readonly string[] = ['0.0.0.0', '255.255.255.254', '255.255.255.255', '::'];

export function readNotice(packet: RadiusPacket): Decoded<SsoNotice> {
  if (!hasAttribute(packet, 'Acct-Status-Type')) return missing('Acct-Status-Type');
  const status = attributeU32(packet, 'Acct-Status-Type');
  if (status === undefined) return malformed('acct-status-type', 'Acct-Status-Type is not four octets long');
  const kind = STATUS[status as keyof typeof STATUS];
  const told = { nas: nasOf(packet), delay: seconds(attributeU32(packet, 'Acct-Delay-Time') ?? 0) };
  if (kind === undefined) return ok({ ...told, kind: 'other', status });
  // 0 is no cause (RFC 2866 §5.10), and some send it for "none".
  const terminateCause = attributeU32(packet, 'Acct-Terminate-Cause') || undefined;
  const cause = terminateCause === undefined ? {} : { terminateCause };
  if (kind === 'on' || kind === 'off') return ok({ ...told, kind, ...cause });
  const sessionId = attributeText(packet, 'Acct-Session-Id');
  if (sessionId === undefined || sessionId === '') return missing('Acct-Session-Id');
  if (kind === 'stop') return ok({ ...told, kind, sessionId, ...cause });
  const userName = attributeText(packet, 'User-Name');
  if (userName === undefined || userName === '') return missing('User-Name');
  const addresses = addressesOf(packet);
  if (!addresses.ok) return addresses;
  const filterId = attributeText(packet, 'Filter-Id');
  const sessionTime = attributeU32(packet, 'Acct-Session-Time');
  return ok({
    ...told,
    kind,
    login: {
      sessionId,
      userName,
      addresses: addresses.value,
      ...(filterId === undefined || filterId === '' ? {} : { filterId }),
      classes: attributesAll(packet, 'Class'),
      ...(sessionTime === undefined ? {} : { sessionTime: seconds(sessionTime) }),
    },
  });
}

/** `OU=sales;`, as some concentrators have it, or the plain text: a name that Class may give a role. */
export function classText(value: Uint8Array): string {
  const text = fromUtf8(value);
  return /^OU=([^;]+);?$/i.exec(text)?.[1] ?? text;
}

function addressesOf(packet: RadiusPacket): Decoded<readonly Ip[]> {
  const found: Ip[] = [];
  for (const [name, octets] of [
    ['Framed-IP-Address', 4],
    ['Framed-IPv6-Address', 16],
  ] as const) {
    if (!hasAttribute(packet, name)) continue;
    const ip = attributeIp(packet, name);
    if (ip === undefined || isIpv4(ip) !== (octets === 4))
      return malformed(name.toLowerCase(), `${name} is not ${octets} octets long`);
    if (NO_ADDRESS.includes(ip)) continue;
    if (!isRoutable(ip)) return malformed(name.toLowerCase(), `${name} ${ip} is no address of a host`);
    found.push(ip);
  }
  return ok(found);
}

function nasOf(packet: RadiusPacket): Nas {
  const identifier = attributeText(packet, 'NAS-Identifier');
  const address = attributeIp(packet, 'NAS-IP-Address') ?? attributeIp(packet, 'NAS-IPv6-Address');
  return {
    ...(identifier === undefined || identifier === '' ? {} : { identifier }),
    ...(address === undefined ? {} : { address }),
  };
}

/** What is on its link alone is not forwarded. */
function isRoutable(ip: Ip): boolean {
  return isHostAddress(ip) && (isIpv4(ip) || !isLinkLocal(ip));
}

function missing(name: AttributeName): Decoded<never> {
  return malformed(`${name.toLowerCase()}-missing`, `it has no ${name}`);
}
