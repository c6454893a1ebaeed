// Asks the first hop behind an ingress interface whether one of its clients is there: it answers ARP and neighbour discovery
// for those that are, and nobody knows its MAC beforehand. So the question goes to all, as a host's own would.

import { type InterfaceAddress, type Ip, type Ipv4, type Ipv6, isIpv4, isOnSubnet } from '../base/ip.ts';
import { BROADCAST_ADDRESS, type Mac } from '../base/mac.ts';
import { buildArpRequest } from '../wire/arp.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, encodeEthernet } from '../wire/ethernet.ts';
import { buildNeighborSolicitation, multicastMac, solicitedNodeAddress } from '../wire/nd.ts';

/** Who is asked for, by whom: an address of ours on that interface, and the interface's own MAC. */
export type RoutedTarget =
  | { readonly kind: 'arp'; readonly target: Ipv4; readonly sourceIp: Ipv4; readonly sourceMac: Mac }
  | { readonly kind: 'nd'; readonly target: Ipv6; readonly sourceIp: Ipv6; readonly sourceMac: Mac };

/** Ours: its own MAC, and our addresses on it. */
export interface IngressInterface {
  readonly mac: Mac;
  readonly addresses: readonly InterfaceAddress[];
}

/** The interface that has the subnet of this address, the smallest if several have, and who asks for it there. */
export function interfaceOf(
  ip: Ip,
  interfaces: ReadonlyMap<string, IngressInterface>,
): { readonly name: string; readonly target: RoutedTarget } | undefined {
  const all = [...interfaces].flatMap(([name, { mac, addresses }]) =>
    addresses.map((address) => ({ name, mac, ...address })),
  );
  const [best] = all
    .filter((address) => isOnSubnet(ip, address))
    .sort((a, b) => b.prefixLength - a.prefixLength);
  return best && { name: best.name, target: targetOf(ip, best) };
}

function targetOf(ip: Ip, from: { readonly ip: Ip; readonly mac: Mac }): RoutedTarget {
  const sourceMac = from.mac;
  return isIpv4(ip)
    ? { kind: 'arp', target: ip, sourceIp: from.ip as Ipv4, sourceMac }
    : { kind: 'nd', target: ip as Ipv6, sourceIp: from.ip as Ipv6, sourceMac };
}

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
