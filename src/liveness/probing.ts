// Which probe a silent client gets, and from whom it seems to come.
//
// The sender's IP and MAC belong together: every host learns the pair from a request (RFC 826), so the gateway's IP
// with our MAC would cut the client off (measured). A probe is never shaped like duplicate-address detection (RFC 5227
// §2.1, RFC 4862 §5.4): no sender 0.0.0.0 unless told to, none right after link-up, none right after the client has
// announced or tested an address of its own.
//
// A client may lose one family and keep the other. So one that has both is asked by IPv4 first, since every stack answers
// ARP, whatever its firewall; and while it does not answer, by each in turn. Limit: N = 2 has a single probe before the
// verdict, and it is an ARP request.

import type { Ipv4, Ipv6 } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { elapsed, type Instant } from '../base/time.ts';
import type { VlanId } from '../model/dataplane.ts';
import type { SessionAddresses } from '../model/session.ts';
import { buildArpRequest } from '../wire/arp.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, encodeEthernet } from '../wire/ethernet.ts';
import { buildNeighborSolicitation } from '../wire/nd.ts';
import type { HandshakeSettings, ProbeSettings, ProbeSource } from './settings.ts';

/** Everything that a decision rests on. */
export interface ProbeFacts {
  readonly addresses: SessionAddresses;
  /** Of this VLAN; undefined = we have no address there. */
  readonly source: ProbeSource | undefined;
  /** Ours, for a sender 0.0.0.0. */
  readonly ownMac: Mac;
  readonly linkUpAt: Instant;
  /** NEGATIVE_INFINITY = never. */
  readonly announcedAt: Instant;
  readonly probe: HandshakeSettings['probe'];
  /** How it was asked last, if nothing has been heard of it since. */
  readonly unanswered: ProbeKind | undefined;
}

export type ProbeKind = 'arp' | 'nd' | 'eap';

export type WithheldReason = 'link-up' | 'announcement' | 'rate';

export type Probe =
  | { readonly type: 'arp'; readonly senderMac: Mac; readonly senderIp: Ipv4; readonly targetIp: Ipv4 }
  | { readonly type: 'nd'; readonly senderMac: Mac; readonly senderIp: Ipv6; readonly targetIp: Ipv6 }
  | { readonly type: 'eap' }
  /** Not now: the period does not count. */
  | { readonly type: 'withheld'; readonly reason: WithheldReason }
  /** There is nobody to ask by address: silence is judged by what the table and the capture see. */
  | { readonly type: 'none'; readonly reason: 'no-address' | 'no-source' };

type ProbeOf<T extends Probe['type']> = Extract<Probe, { readonly type: T }>;

const UNSPECIFIED = '0.0.0.0' as Ipv4;

export function chooseProbe(facts: ProbeFacts, settings: ProbeSettings, now: Instant): Probe {
  if (facts.probe === 'eap') return { type: 'eap' };
  const { ipv4, ipv6 } = facts.addresses;
  if (ipv4 === undefined && ipv6 === undefined) return { type: 'none', reason: 'no-address' };
  if (elapsed(facts.linkUpAt, now) < settings.holdAfterLinkUp) return { type: 'withheld', reason: 'link-up' };
  if (elapsed(facts.announcedAt, now) < settings.holdAfterAnnouncement) {
    return { type: 'withheld', reason: 'announcement' };
  }
  const arp = arpProbe(facts, settings);
  const nd = ndProbe(facts);
  const probe = facts.unanswered === 'arp' ? (nd ?? arp) : (arp ?? nd);
  return probe ?? { type: 'none', reason: 'no-source' };
}

function arpProbe({ addresses, source, ownMac }: ProbeFacts, settings: ProbeSettings): Probe | undefined {
  const targetIp = addresses.ipv4 as Ipv4 | undefined;
  if (targetIp === undefined) return undefined;
  if (source?.ipv4 !== undefined) {
    return { type: 'arp', senderMac: source.mac, senderIp: source.ipv4, targetIp };
  }
  if (!settings.allowUnspecifiedSource) return undefined;
  return { type: 'arp', senderMac: ownMac, senderIp: UNSPECIFIED, targetIp };
}

/** It is asked where it was heard last; if it has not answered there, where it was heard before that. */
function ndProbe({ addresses, source, unanswered }: ProbeFacts): Probe | undefined {
  const [last, before] = addresses.heardIpv6 ?? [];
  const heard = unanswered === 'nd' ? (before ?? last) : last;
  const targetIp = (heard?.ip ?? addresses.ipv6) as Ipv6 | undefined;
  if (targetIp === undefined || source?.ipv6 === undefined) return undefined;
  return { type: 'nd', senderMac: source.mac, senderIp: source.ipv6, targetIp };
}

export interface ProbeTarget {
  readonly mac: Mac;
  /** Of a client that sends and takes tagged frames only. */
  readonly tag?: VlanId | undefined;
}

/** The frame, unicast to the client. The Ethernet source is always ours: a foreign one would move in the table. */
export function probeFrame(
  probe: ProbeOf<'arp' | 'nd'>,
  { mac: client, tag }: ProbeTarget,
  ethernetSource: Mac,
): Uint8Array {
  const isArp = probe.type === 'arp';
  return encodeEthernet({
    destination: client,
    source: ethernetSource,
    ...(tag === undefined ? {} : { vlan: tag }),
    etherType: isArp ? ETHERTYPE_ARP : ETHERTYPE_IPV6,
    payload: isArp ? arpPayload(probe, client) : ndPayload(probe),
  });
}

function arpPayload({ senderMac, senderIp, targetIp }: ProbeOf<'arp'>, client: Mac): Uint8Array {
  return buildArpRequest({ senderMac, senderIp, targetMac: client, targetIp });
}

function ndPayload({ senderMac, senderIp, targetIp }: ProbeOf<'nd'>): Uint8Array {
  return buildNeighborSolicitation({ sourceIp: senderIp, sourceMac: senderMac, targetIp });
}

/** A token bucket over the whole switch: what is above the rate waits for the next period. */
export class ProbeRate {
  private tokens: number;
  private filledAt: Instant;

  constructor(
    private perSecond: number,
    now: Instant,
  ) {
    this.tokens = perSecond;
    this.filledAt = now;
  }

  configure(perSecond: number): void {
    this.perSecond = perSecond;
  }

  take(now: Instant): boolean {
    const grown = this.tokens + (elapsed(this.filledAt, now) * this.perSecond) / 1000;
    this.tokens = Math.min(this.perSecond, grown);
    this.filledAt = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
