// The switch's own addresses on the bridge: what a probe may bear as its sender. The bridge itself is VLAN 0 (or the
// untagged one), an interface `<bridge>.<id>` on top of it is that VLAN.

import { networkInterfaces } from 'node:os';
import { type InterfaceAddress, type Ip, isIpv4, isLinkLocal, parseIp, withoutZone } from '../../base/ip.ts';
import { parseMac } from '../../base/mac.ts';
import type { IngressInterface } from '../../liveness/routed-probe.ts';
import type { ProbeSource } from '../../liveness/settings.ts';
import type { VlanId } from '../../model/dataplane.ts';
import { HIGHEST_VLAN_ID } from '../../wire/ethernet.ts';
import { masterOf } from './interfaces.ts';

export interface OwnAddresses {
  readonly sources: ReadonlyMap<VlanId, ProbeSource>;
  /** Of all interfaces. */
  readonly addresses: ReadonlySet<Ip>;
  /** By the name of an ingress interface of the routed path that is up. */
  readonly ingress: ReadonlyMap<string, IngressInterface>;
  /** Ingress interfaces that the kernel forwards from by another name: what they are in. */
  readonly enslaved: ReadonlyMap<string, string>;
}

/** Undefined where the system cannot say, as one that is out of file descriptors. */
export function ownAddresses(bridge: string, ingressNames: readonly string[] = []): OwnAddresses | undefined {
  const interfaces = readInterfaces();
  if (interfaces === undefined) return undefined;
  const sources = new Map<VlanId, ProbeSource>();
  const ingress = new Map<string, IngressInterface>();
  const all = new Set<Ip>();
  for (const [name, addresses] of Object.entries(interfaces)) {
    const vlan = vlanOf(bridge, name);
    for (const { address, mac, cidr } of addresses ?? []) {
      const own = parseMac(mac);
      const ip = parseIp(withoutZone(address));
      if (ip !== undefined) all.add(ip);
      if (own === undefined || ip === undefined) continue;
      if (vlan !== undefined) sources.set(vlan, withAddress(sources.get(vlan) ?? { mac: own }, ip));
      if (!ingressNames.includes(name)) continue;
      const network = { ip, prefixLength: Number(cidr?.split('/')[1]) };
      ingress.set(name, { mac: own, addresses: [...(ingress.get(name)?.addresses ?? []), network] });
    }
  }
  return { sources, addresses: all, ingress, enslaved: enslavedOf(ingressNames) };
}

/** By name; undefined where the system cannot say. */
export function readInterfaces(): ReturnType<typeof networkInterfaces> | undefined {
  try {
    return networkInterfaces();
  } catch {
    return undefined;
  }
}

function enslavedOf(names: readonly string[]): ReadonlyMap<string, string> {
  const masters = names.map((name) => [name, masterOf(name)] as const);
  return new Map(masters.filter((each): each is readonly [string, string] => each[1] !== undefined));
}

/** Why these cannot be ingress interfaces, a sentence each. */
export function ingressFaults(names: readonly string[]): readonly string[] {
  return [...enslavedOf(names)].map(
    ([name, master]) =>
      `l3.ingress: ${name} is in ${master}, and what it forwards comes in by ${master}: users behind it would pass without a session. Name an interface that is in no bridge, bond or VRF`,
  );
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
  return Number.isInteger(id) && id >= 1 && id <= HIGHEST_VLAN_ID ? id : undefined;
}

export function sameAddresses(a: OwnAddresses, b: OwnAddresses): boolean {
  if (a.addresses.size !== b.addresses.size) return false;
  for (const address of a.addresses) if (!b.addresses.has(address)) return false;
  return sameSources(a.sources, b.sources) && ingressText(a) === ingressText(b);
}

function ingressText({ ingress, enslaved }: OwnAddresses): string {
  const addressText = ({ ip, prefixLength }: InterfaceAddress): string => `${ip}/${prefixLength}`;
  const interfaces = [...ingress].map(([name, { mac, addresses }]) =>
    [name, mac, ...addresses.map(addressText)].join(' '),
  );
  return [...interfaces, ...[...enslaved].map((pair) => pair.join(' in '))].join('\n');
}

function sameSources<K>(a: ReadonlyMap<K, ProbeSource>, b: ReadonlyMap<K, ProbeSource>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, { mac, ipv4, ipv6 }] of a) {
    const other = b.get(key);
    if (other?.mac !== mac || other.ipv4 !== ipv4 || other.ipv6 !== ipv6) return false;
  }
  return true;
}
