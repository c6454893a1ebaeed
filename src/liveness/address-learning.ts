// Which addresses a client has, learnt from what it says itself: where probes go, and what accounting tells.
//
// The caller has made sure that the frame came in from the client's own MAC on its own port. What this adds against
// poisoning: the addresses inside the frame must be the sender's own; an address that is ours or a probe sender's (a
// gateway) is never a client's; 0.0.0.0, multicast and loopback are nobody's. An address that says little (169.254/16,
// RFC 3927; fe80::/10) is kept only while nothing better is known.

import { type Ip, type Ipv4, type Ipv6, isIpv4, isLinkLocal } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { SessionAddresses } from '../model/session.ts';
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
interface Learnt {
  readonly ip: Ip;
  readonly proof: boolean;
}

/** Takes the address into `addresses`; true if something changed. */
export function learnAddress(
  addresses: SessionAddresses,
  learnt: Learnt | undefined,
  isReserved: (ip: Ip) => boolean,
): boolean {
  if (learnt === undefined || isReserved(learnt.ip) || !isHostAddress(learnt.ip)) return false;
  const { ip, proof } = learnt;
  const family = isIpv4(ip) ? 'ipv4' : 'ipv6';
  const known = addresses[family];
  if (known === ip) return false;
  if (known !== undefined && (!proof || (isWeak(ip) && !isWeak(known)))) return false;
  addresses[family] = ip;
  return true;
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

function isHostAddress(ip: Ip): boolean {
  if (!isIpv4(ip)) return ip !== '::' && ip !== '::1' && !ip.startsWith('ff');
  const first = Number((ip as Ipv4).split('.')[0]);
  return first !== 0 && first !== 127 && first < 224;
}
