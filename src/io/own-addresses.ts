// The switch's own addresses on the bridge: what a probe may bear as its sender. The bridge itself is VLAN 0 (or the
// untagged one), an interface `<bridge>.<id>` on top of it is that VLAN.

import { networkInterfaces } from 'node:os';
import { type Ip, isIpv4, isLinkLocal, parseIp } from '../base/ip.ts';
import { parseMac } from '../base/mac.ts';
import type { ProbeSource } from '../liveness/settings.ts';
import type { VlanId } from '../model/dataplane.ts';

export interface OwnAddresses {
  readonly sources: ReadonlyMap<VlanId, ProbeSource>;
  /** Of all interfaces. */
  readonly addresses: ReadonlySet<Ip>;
  /** By the name of an ingress interface of the routed path. */
  readonly ingress: ReadonlyMap<string, ProbeSource>;
}

export function ownAddresses(bridge: string, ingressNames: readonly string[] = []): OwnAddresses {
  const sources = new Map<VlanId, ProbeSource>();
  const ingress = new Map<string, ProbeSource>();
  const all = new Set<Ip>();
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const vlan = vlanOf(bridge, name);
    for (const { address, mac } of addresses ?? []) {
      const own = parseMac(mac);
      const ip = parseIp(address.replace(/%.*$/, ''));
      if (ip !== undefined) all.add(ip);
      if (own === undefined || ip === undefined) continue;
      if (vlan !== undefined) sources.set(vlan, withAddress(sources.get(vlan) ?? { mac: own }, ip));
      if (ingressNames.includes(name)) ingress.set(name, withAddress(ingress.get(name) ?? { mac: own }, ip));
    }
  }
  return { sources, addresses: all, ingress };
}

function withAddress(known: ProbeSource, ip: Ip): ProbeSource {
  if (isIpv4(ip)) return known.ipv4 === undefined ? { ...known, ipv4: ip } : known;
  // A link-local source reaches every IPv6 client of the link, whatever its prefix.
  return known.ipv6 === undefined || isLinkLocal(ip) ? { ...known, ipv6: ip } : known;
}

/** Undefined for an interface that is neither the bridge nor a VLAN of it. */
export function vlanOf(bridge: string, name: string): VlanId | undefined {
  if (name === bridge) return 0;
  const id = name.startsWith(`${bridge}.`) ? Number(name.slice(bridge.length + 1)) : Number.NaN;
  return Number.isInteger(id) && id >= 1 && id <= 4094 ? id : undefined;
}

export function sameAddresses(a: OwnAddresses, b: OwnAddresses): boolean {
  if (a.addresses.size !== b.addresses.size) return false;
  for (const address of a.addresses) if (!b.addresses.has(address)) return false;
  return sameSources(a.sources, b.sources) && sameSources(a.ingress, b.ingress);
}

function sameSources<K>(a: ReadonlyMap<K, ProbeSource>, b: ReadonlyMap<K, ProbeSource>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, { mac, ipv4, ipv6 }] of a) {
    const other = b.get(key);
    if (other?.mac !== mac || other.ipv4 !== ipv4 || other.ipv6 !== ipv6) return false;
  }
  return true;
}
