// Whose address a probe bears in each VLAN: this switch's own there, and over it what `handshake.sources` says. In a VLAN
// with neither nobody can be asked by ARP or ND.

import type { ProbeSource } from '../liveness/settings.ts';
import type { VlanId } from '../model/dataplane.ts';
import type { Config, PortFallbacks } from './config.ts';

export type ProbeSenders = ReadonlyMap<VlanId, ProbeSource>;

/** A source in the configuration wins over our own addresses, key by key. VLAN 0 is the bridge itself. */
export function probeSenders(
  { probeSources }: Pick<Config, 'probeSources'>,
  own: ProbeSenders,
): ProbeSenders {
  const merged = new Map(own);
  for (const [vlan, { mac, ipv4, ipv6 }] of probeSources) {
    const base = own.get(vlan);
    const sender = mac ?? base?.mac;
    if (sender === undefined) continue;
    // A foreign MAC goes with foreign addresses only: the pair belongs together.
    const addresses = mac === undefined ? base : undefined;
    merged.set(vlan, {
      ...addresses,
      mac: sender,
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    });
  }
  return merged;
}

/** `native`: the bridge's own VLAN of untagged frames, where the addresses of the bridge itself are. */
export function senderIn(
  senders: ProbeSenders,
  vlan: VlanId,
  native: VlanId | undefined,
): ProbeSource | undefined {
  return senders.get(vlan) ?? (vlan === native ? senders.get(0) : undefined);
}

/** A VLAN that the configuration may put clients into. */
export interface NamedVlan {
  readonly vlan: VlanId;
  /** Its keys, as a fault's path is written. */
  readonly paths: readonly string[];
}

/** In the order of the file; what a server says by number is not among them. */
export function namedVlans({ vlans, ports }: Pick<Config, 'vlans' | 'ports'>): readonly NamedVlan[] {
  const paths = new Map<VlanId, string[]>();
  const note = (vlan: VlanId, path: string): void => {
    paths.set(vlan, [...(paths.get(vlan) ?? []), path]);
  };
  for (const [name, vlan] of vlans) note(vlan, `vlans.${name}`);
  for (const { pattern, fallbacks } of ports)
    for (const [key, word] of Object.entries(fallbacks))
      note(vlans.get(word) ?? Number(word), `ports.${pattern}.${FALLBACK_KEYS[key as keyof PortFallbacks]}`);
  return [...paths].map(([vlan, its]) => ({ vlan, paths: its }));
}

const FALLBACK_KEYS: Readonly<Record<keyof PortFallbacks, string>> = {
  guestVlan: 'guest_vlan',
  authFailVlan: 'auth_fail_vlan',
  criticalVlan: 'critical_vlan',
  voiceVlan: 'voice_vlan',
};
