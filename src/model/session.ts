// One user entry: who is on, where, since when, by whose word. The session table owns these objects; everything
// that changes during a session is marked, all else is fixed at its start.
//
// Of two layers: a MAC on a port of this switch, or an address behind it, of which no MAC and no port are known.

import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { elapsed, type Instant, seconds, type WallTime } from '../base/time.ts';
import type { AuthMethod, Authorization } from './authorization.ts';
import type { AddressKey, GrantKey, SessionVlans } from './dataplane.ts';

/** MQTT key: `aa-bb-cc-dd-ee-ff`, or `ip-<address>` for an L3 session. */
export type SessionKey = string & { readonly __brand: 'SessionKey' };

export type Session = L2Session | L3Session;

/** Acct-Session-Time (RFC 2866 §5.7) as of `at`: whole seconds that are over, never below 0; the same in RADIUS and MQTT. */
export function sessionTimeS({ startedAt }: Session, at: Instant): number {
  return Math.max(0, Math.floor(elapsed(startedAt, at) / 1000));
}

/** One authenticated MAC on a port; its grant may span VLANs. */
export interface L2Session extends AnySession {
  readonly layer: 2;
  readonly mac: Mac;
  /** The entry by which it is known: of its untagged frames, if it may send such. Another one after a change of VLANs. */
  grant: GrantKey;
  vlans: SessionVlans;
  /** What it counts as on a port of the host mode multi-domain. */
  domain: 'data' | 'voice';
  /** NAS-Port: the port's ifindex at the start; kept, since the Stop may come after the port is gone. */
  readonly nasPort: number;
  /** The port's own MAC, likewise. */
  readonly calledStation: Mac;
}

/** One address on the routed path, by the word of a VPN concentrator: its user is known by that address alone. */
export interface L3Session extends AnySession {
  readonly layer: 3;
  readonly grant: AddressKey;
  /** Who has logged the user in. */
  readonly concentrator: Ip;
}

/** What sessions of both layers have. */
interface AnySession {
  readonly key: SessionKey;
  /** Acct-Session-Id: unique over restarts (RFC 2866 §5.5). */
  readonly id: string;
  /** Acct-Multi-Session-Id: kept over reauthentications and moves (RFC 2866 §5.11). */
  readonly multiId: string;
  readonly method: AuthMethod;
  readonly startedAt: Instant;
  readonly startedWall: WallTime;
  /** Replaced by each reauthentication. */
  authorization: Authorization;
  /** Name of the role in force. */
  role: string;
  /** Addresses learnt (liveness/address-learning.ts): what is told of the client, where it is asked, what it is found by. */
  readonly addresses: SessionAddresses;
}

/** RFC 8981 §3.8 has a new temporary address once a day: a stable one, two temporary ones and one to spare. Some 350 octets. */
export const KNOWN_IPV6_MAX = 4;
/** From the last time that it was heard. Shorter than an address can live on that its router gives up (RFC 4862 §5.5.3: 2 h). */
export const KNOWN_IPV6_FOR = seconds(3600);

export interface SessionAddresses {
  ipv4?: Ip;
  /** The one that is told. Global or link-local; a link-local one only while no other is known. */
  ipv6?: Ip;
  /** IPv6 addresses that it uses beside each other, the last heard first, `ipv6` among them; absent = not heard yet. */
  heardIpv6?: readonly HeardAddress[];
}

export interface HeardAddress {
  readonly ip: Ip;
  readonly at: Instant;
}

/**
 * It is the client's: told of it, or heard within KNOWN_IPV6_FOR. The list may have older ones, since they are only left out
 * when the next address is heard; by then such a one may be another host's.
 */
export function isAddressOf({ ipv4, ipv6, heardIpv6 }: SessionAddresses, ip: Ip, now: Instant): boolean {
  if (ipv4 === ip || ipv6 === ip) return true;
  const heard = heardIpv6?.find((each) => each.ip === ip);
  return heard !== undefined && isFresh(heard, now);
}

export function isFresh({ at }: HeardAddress, now: Instant): boolean {
  return elapsed(at, now) < KNOWN_IPV6_FOR;
}

/** Where a sign of life came from, cheapest first. */
export const EVIDENCE_KINDS = ['fdb', 'arp', 'nd', 'dhcp', 'eapol', 'counter', 'activity'] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

/** The last sign of life; before any other that is the login. */
export const SEEN_BY = ['login', ...EVIDENCE_KINDS] as const;
export type SeenBy = (typeof SEEN_BY)[number];

export function isSeenBy(word: string | undefined): word is SeenBy {
  return SEEN_BY.some((each) => each === word);
}

/** What the end of a session rests on: part of the end record in MQTT and the log. */
export interface EndEvidence {
  readonly lastSeen: Instant;
  readonly lastSeenBy: SeenBy;
  readonly probesSent: number;
  readonly probesAnswered: number;
}
