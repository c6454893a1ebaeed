// Which probe a silent client gets, and from whom it seems to come.
//
// The sender's IP and MAC belong together: every host learns the pair from a request (RFC 826), so the gateway's IP
// with our MAC would cut the client off (measured). A probe is never shaped like duplicate-address detection (RFC 5227
// §2.1, RFC 4862 §5.4): no sender 0.0.0.0 unless told to, none right after link-up, none right after the client has
// announced or tested an address of its own.
//
// A client may lose one family and keep the other. So one that has both is asked by IPv4 first, since every stack answers
// ARP, whatever its firewall; and while it does not answer, by each in turn. Of IPv6 it may have given up the address that
// it was heard with last, and a probe of any may be lost: so the first one asks where it was heard last, and while it does not
// answer, each by IPv6 asks at all addresses that are known of it (KNOWN_IPV6_MAX), a frame each. It is one probe all the same:
// N, the rate, and what is told count it once. Limit: N = 2 has a single probe before the verdict: an ARP request, or where
// it was heard last.

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
  /** LONG_AGO = never. */
  readonly announcedAt: Instant;
  readonly probe: HandshakeSettings['probe'];
  /** How it was asked last, if nothing has been heard of it since. */
  readonly unanswered: ProbeKind | undefined;
}

export type ProbeKind = 'arp' | 'nd' | 'eap';

export type WithheldReason = 'link-up' | 'announcement' | 'rate';

export type Probe =
  | { readonly type: 'arp'; readonly senderMac: Mac; readonly senderIp: Ipv4; readonly targetIp: Ipv4 }
  | {
      readonly type: 'nd';
      readonly senderMac: Mac;
      readonly senderIp: Ipv6;
      readonly targetIp: Ipv6;
      /** Asked beside it, in frames of their own. */
      readonly otherIps: readonly Ipv6[];
    }
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

/** It is asked where it was heard last; while it has not answered, wherever else it was heard, too. */
function ndProbe({ addresses, source, unanswered }: ProbeFacts): Probe | undefined {
  const heard = addresses.heardIpv6?.map(({ ip }) => ip as Ipv6) ?? [];
  const [targetIp = addresses.ipv6 as Ipv6 | undefined, ...others] = heard;
  if (targetIp === undefined || source?.ipv6 === undefined) return undefined;
  const otherIps = unanswered === undefined ? [] : others;
  return { type: 'nd', senderMac: source.mac, senderIp: source.ipv6, targetIp, otherIps };
}

export interface ProbeTarget {
  readonly mac: Mac;
  /** Of a client that sends and takes tagged frames only. */
  readonly tag?: VlanId | undefined;
}

/**
 * A frame for each address that it asks for, unicast to the client. The Ethernet source is always ours: a foreign one would
 * move in the table.
 */
export function probeFrames(
  probe: ProbeOf<'arp' | 'nd'>,
  { mac: client, tag }: ProbeTarget,
  ethernetSource: Mac,
): readonly Uint8Array[] {
  const isArp = probe.type === 'arp';
  const payloads = isArp ? [arpPayload(probe, client)] : ndPayloads(probe);
  return payloads.map((payload) =>
    encodeEthernet({
      destination: client,
      source: ethernetSource,
      ...(tag === undefined ? {} : { vlan: tag }),
      etherType: isArp ? ETHERTYPE_ARP : ETHERTYPE_IPV6,
      payload,
    }),
  );
}

function arpPayload({ senderMac, senderIp, targetIp }: ProbeOf<'arp'>, client: Mac): Uint8Array {
  return buildArpRequest({ senderMac, senderIp, targetMac: client, targetIp });
}

function ndPayloads({ senderMac, senderIp, targetIp, otherIps }: ProbeOf<'nd'>): readonly Uint8Array[] {
  return [targetIp, ...otherIps].map((ip) =>
    buildNeighborSolicitation({ sourceIp: senderIp, sourceMac: senderMac, targetIp: ip }),
  );
}
