// What the switch's data plane is made of, as the core sees it: ports, table entries, and the news of both.

import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { Instant } from '../base/time.ts';

/** A bridge port's interface name, as the kernel has it (1 to 15 octets). */
export type PortName = string & { readonly __brand: 'PortName' };

/** 1..4094; 0 = the bridge does not filter VLANs. */
export type VlanId = number;

/** A port's, or the bridge's own, membership in a VLAN. */
export interface VlanMember {
  readonly vlan: VlanId;
  /** Untagged frames that come in belong to it; one at most a port. */
  readonly pvid: boolean;
  /** Its frames go out untagged. */
  readonly untagged: boolean;
}

/** Who belongs where on the bridge, at one moment. Ports without any VLAN are not in `ports`. */
export interface VlanMap {
  readonly filtering: boolean;
  readonly bridge: readonly VlanMember[];
  readonly ports: ReadonlyMap<PortName, readonly VlanMember[]>;
}

/** The same, as it was read: ports by ifindex, since a name may be another port's than the reader thinks. */
export interface VlanReading extends Omit<VlanMap, 'ports'> {
  readonly ports: ReadonlyMap<number, readonly VlanMember[]>;
}

/** One membership as it is to be; `port` undefined = of the bridge itself, `member` undefined = none. */
export interface VlanChange {
  readonly port: PortName | undefined;
  readonly vlan: VlanId;
  readonly member: { readonly pvid: boolean; readonly untagged: boolean } | undefined;
}

/** Where a client's frames go: untagged ones into one VLAN (undefined = nowhere), tagged ones into these. */
export interface SessionVlans {
  readonly untagged: VlanId | undefined;
  readonly tagged: readonly VlanId[];
}

/** One entry of the authorization table: this MAC may send into this port (and VLAN). */
export interface GrantKey {
  readonly mac: Mac;
  readonly port: PortName;
  readonly vlan: VlanId;
}

/** One address that may pass the routed path (an L3 session). */
export interface AddressKey {
  readonly ip: Ip;
}

/** What lets a session pass: an entry of the table, or an address on the routed path. */
export type Grant = GrantKey | AddressKey;

export function isAddress(key: Grant): key is AddressKey {
  return 'ip' in key;
}

/** A port as the kernel has it now. */
export interface PortFacts {
  readonly name: PortName;
  /** ifindex: changes when the interface is made anew. */
  readonly index: number;
  readonly address: Mac;
  readonly adminUp: boolean;
  /** Carrier (IFF_LOWER_UP). */
  readonly linkUp: boolean;
  /** How often the carrier came or went since the interface was made; 0 where the backend does not count. */
  readonly linkChanges: number;
  readonly locked: boolean;
  readonly learning: boolean;
  readonly mab: boolean;
  /** Nothing that is flooded leaves by it: no broadcast, no multicast, no unicast to an address that nobody has learnt. */
  readonly unflooded: boolean;
}

/** What the agent wants of a port's flags. A port with `locked` also gets learning, and stays closed if we die. */
export interface PortSetting {
  readonly locked: boolean;
  readonly mab: boolean;
  readonly unflooded: boolean;
}

/** What this backend on this kernel can do; what it cannot is said in `info`. */
export interface Capabilities {
  readonly backend: string;
  /** There is such a bridge now; else what hangs on it is false. */
  readonly bridge: boolean;
  readonly locked: boolean;
  readonly mab: boolean;
  readonly vlanFiltering: boolean;
  /** Untagged frames are put into the VLAN of their MAC's grant: several untagged VLANs on one port. */
  readonly macVlan: boolean;
  readonly activityNotify: boolean;
  readonly noLinklocalLearn: boolean;
  /** Last-seen times of entries are refreshed by traffic (`ageing_time` is not 0, learning works). */
  readonly lastSeen: boolean;
}

/** News from the data plane. `overrun`: notices were lost, so everything must be looked at again. */
export type DataplaneEvent =
  | { readonly type: 'port-added'; readonly port: PortFacts }
  | { readonly type: 'port-changed'; readonly port: PortFacts }
  | { readonly type: 'port-gone'; readonly name: PortName }
  | { readonly type: 'mab-candidate'; readonly key: GrantKey }
  | { readonly type: 'open-entry'; readonly key: GrantKey }
  | { readonly type: 'entry-active'; readonly key: GrantKey }
  | { readonly type: 'entry-gone'; readonly key: GrantKey }
  | { readonly type: 'overrun' }
  /** `renamed`: it is there by this name; its grants are gone, and its ports stay locked. */
  | { readonly type: 'bridge-gone'; readonly renamed?: string }
  | { readonly type: 'bridge-back' }
  /** Of a port, by whomever: by us, too. */
  | { readonly type: 'vlans-changed'; readonly port: PortName };

/** One dump of the table: packed records (layout in wire/fdb-table.ts), taken at `at`. */
export interface TableDump {
  /** When it began: everything that the table saw before is in it. */
  readonly at: Instant;
  /** How long the dump took; the next one keeps a distance from this. */
  readonly tookMs: number;
  readonly records: Uint8Array;
}

/** What opens a locked port by hand: an older iproute2 does not know `mab`, so that it is said only where it has to be. */
export function unlockCommand({
  name,
  mab,
  unflooded,
}: Pick<PortFacts, 'name' | 'mab' | 'unflooded'>): string {
  const flood = unflooded ? ' flood on mcast_flood on bcast_flood on' : '';
  return `bridge link set dev ${name} ${mab ? 'mab off ' : ''}locked off${flood}`;
}
