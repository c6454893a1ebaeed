// Which addresses a client has, learnt from what it says itself: where probes go, and what accounting tells.
//
// The caller has made sure that the frame came in from the client's own MAC on its own port. What this adds against
// poisoning: the addresses inside the frame must be the sender's own; an address that is ours or a probe sender's (a
// gateway) is never a client's; 0.0.0.0, multicast and loopback are nobody's. An address that says little (169.254/16,
// RFC 3927; fe80::/10) is kept only while nothing better is known.
//
// Of IPv4 the newest address is known. Of IPv6 a host uses several beside each other, a temporary one among them (RFC 8981 §3.4):
// up to KNOWN_IPV6_MAX are known, each for KNOWN_IPV6_FOR after it was heard, and the one that is told upstream stays the same
// for as long as it is known. So a host that changes between its addresses changes nothing that is told, and one that invents
// them changes it once in that time.

import { type Ip, type Ipv6, isHostAddress, isIpv4, isLinkLocal } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { Instant } from '../base/time.ts';
import { type HeardAddress, isFresh, KNOWN_IPV6_MAX, type SessionAddresses } from '../model/session.ts';
import { ARP_REPLY, type ArpPacket, isArpAnnouncement, isArpProbe } from '../wire/arp.ts';
import { claimedIp, type DhcpMessage } from '../wire/dhcp.ts';
import { isDuplicateAddressDetection, ND_NEIGHBOR_ADVERTISEMENT, type NdMessage } from '../wire/nd.ts';

/** What a frame of a client says of it. */
export type Sign =
  | { readonly kind: 'eapol' }
  | { readonly kind: 'arp'; readonly packet: ArpPacket }
  | { readonly kind: 'nd'; readonly message: NdMessage }
  | { readonly kind: 'dhcp'; readonly message: DhcpMessage };

/** How sure the address is: a claim fills a gap, proof replaces what is known. */
export interface Learnt {
  readonly ip: Ip;
  readonly proof: boolean;
}

/**
 * Takes the address into `addresses`. `told`: what is told of the client is another one now; `known`: it has one more, which is
 * said at most KNOWN_IPV6_MAX - 1 times in KNOWN_IPV6_FOR; undefined: nothing that anybody has to hear of.
 */
export function learnAddress(
  addresses: SessionAddresses,
  learnt: Learnt | undefined,
  isReserved: (ip: Ip) => boolean,
  now: Instant,
): 'told' | 'known' | undefined {
  if (learnt === undefined || isReserved(learnt.ip) || !isHostAddress(learnt.ip)) return undefined;
  const { ip, proof } = learnt;
  const known = isIpv4(ip) ? addresses.ipv4 : addresses.ipv6;
  if (known !== undefined && known !== ip && (!proof || (isWeak(ip) && !isWeak(known)))) return undefined;
  if (!isIpv4(ip)) return hearIpv6(addresses, ip, now);
  addresses.ipv4 = ip;
  return known === ip ? undefined : 'told';
}

function hearIpv6(addresses: SessionAddresses, ip: Ip, now: Instant): 'told' | 'known' | undefined {
  const { ipv6: told } = addresses;
  const here: HeardAddress = { ip, at: now };
  if (told === undefined || isWeak(told) !== isWeak(ip)) {
    addresses.ipv6 = ip;
    addresses.heardIpv6 = [here];
    return 'told';
  }
  const before = addresses.heardIpv6 ?? [{ ip: told, at: now }];
  const others = before.filter((other) => other.ip !== ip && isFresh(other, now));
  const stands = ip === told || others.some((other) => other.ip === told);
  if (!stands) addresses.ipv6 = ip;
  const isFull = others.length >= KNOWN_IPV6_MAX;
  // Whoever invents addresses does not crowd out the one that is told.
  if (isFull) others.splice(others.at(-1)?.ip === addresses.ipv6 ? -2 : -1, 1);
  addresses.heardIpv6 = [here, ...others];
  if (!stands) return 'told';
  return isFull || before.some((other) => other.ip === ip) ? undefined : 'known';
}

/** The client may be in another network now: the next IPv6 address of it that is heard is told, and no other one is known. */
export function doubtAddresses(addresses: SessionAddresses): void {
  if (addresses.ipv6 !== undefined) addresses.heardIpv6 = [];
}

/** The sender's own address, if the frame tells one. */
export function addressIn(sign: Sign, source: Mac): Learnt | undefined {
  switch (sign.kind) {
    case 'eapol':
      return undefined;
    case 'arp': {
      const { packet } = sign;
      // RFC 5227 §2.1.1: a probe asks for an address, and does not have it yet.
      if (packet.senderMac !== source || isArpProbe(packet)) return undefined;
      return { ip: packet.senderIp, proof: true };
    }
    case 'nd':
      return addressInNd(sign.message, source);
    case 'dhcp': {
      const ip = sign.message.chaddr === source ? claimedIp(sign.message) : undefined;
      return ip === undefined ? undefined : { ip, proof: false };
    }
  }
}

function addressInNd(message: NdMessage, source: Mac): Learnt | undefined {
  if (isDuplicateAddressDetection(message)) return undefined;
  // A proxy speaks for somebody else (RFC 4861 §7.2.8).
  if (message.linkLayer !== undefined && message.linkLayer !== source) return undefined;
  const ip = message.type === ND_NEIGHBOR_ADVERTISEMENT ? message.target : message.source;
  return { ip, proof: true };
}

/** RFC 5227 §2.3, RFC 4862 §5.4: the client is settling its address; a probe now would look like a conflict. */
export function isAnnouncement(sign: Sign): boolean {
  switch (sign.kind) {
    case 'arp':
      return isArpProbe(sign.packet) || isArpAnnouncement(sign.packet);
    case 'nd':
      return isDuplicateAddressDetection(sign.message);
    case 'eapol':
    case 'dhcp':
      return false;
  }
}

/** A reply, an advertisement, a Response: what a probe is answered with. */
export function isAnswer(sign: Sign): boolean {
  if (sign.kind === 'eapol') return true;
  if (sign.kind === 'arp') return sign.packet.operation === ARP_REPLY;
  return sign.kind === 'nd' && sign.message.type === ND_NEIGHBOR_ADVERTISEMENT;
}

function isWeak(ip: Ip): boolean {
  return isIpv4(ip) ? ip.startsWith('169.254.') : isLinkLocal(ip as Ipv6);
}
