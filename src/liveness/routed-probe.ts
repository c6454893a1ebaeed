// Asks the first hop behind an ingress interface whether one of its clients is there: it answers ARP and neighbour discovery
// for those that are, and nobody knows its MAC beforehand. So the question goes to all, as a host's own would.

import type { Ipv4, Ipv6 } from '../base/ip.ts';
import { BROADCAST_ADDRESS, type Mac } from '../base/mac.ts';
import { buildArpRequest } from '../wire/arp.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, encodeEthernet } from '../wire/ethernet.ts';
import { buildNeighborSolicitation, multicastMac, solicitedNodeAddress } from '../wire/nd.ts';

/** Who is asked for, by whom: an address of ours on that interface, and the interface's own MAC. */
export type RoutedTarget =
  | { readonly kind: 'arp'; readonly target: Ipv4; readonly sourceIp: Ipv4; readonly sourceMac: Mac }
  | { readonly kind: 'nd'; readonly target: Ipv6; readonly sourceIp: Ipv6; readonly sourceMac: Mac };

export function routedProbeFrame(probe: RoutedTarget): Uint8Array {
  const { sourceMac } = probe;
  if (probe.kind === 'arp')
    return encodeEthernet({
      destination: BROADCAST_ADDRESS,
      source: sourceMac,
      etherType: ETHERTYPE_ARP,
      payload: buildArpRequest({
        senderMac: sourceMac,
        senderIp: probe.sourceIp,
        targetIp: probe.target,
      }),
    });
  const destinationIp = solicitedNodeAddress(probe.target);
  return encodeEthernet({
    destination: multicastMac(destinationIp),
    source: sourceMac,
    etherType: ETHERTYPE_IPV6,
    payload: buildNeighborSolicitation({
      sourceIp: probe.sourceIp,
      sourceMac,
      targetIp: probe.target,
      destinationIp,
    }),
  });
}
