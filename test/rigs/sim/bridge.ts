// A Linux bridge in memory, with the kernel's rules as they were measured (test/lab/dataplane.test.ts): locked ports, sticky static entries,
// last-seen times that traffic refreshes and link-local frames do not, captures that hear what the lock drops.
//
// With VLAN filtering off, as at first, there is one entry a MAC; with it, one a MAC and VLAN. The agent reaches it through `setPort`, `setVlans`, `grant`, `revoke` and `dump`; clients through
// `receive`. What the kernel would do unasked (an entry of a removed port goes with it) happens here unasked, too.

import { type Mac, PAE_GROUP_ADDRESS } from '../../../src/base/mac.ts';
import { err, ok, type Result } from '../../../src/base/result.ts';
import type { Instant } from '../../../src/base/time.ts';
import type {
  DataplaneEvent,
  GrantKey,
  PortFacts,
  PortName,
  PortSetting,
  VlanChange,
  VlanId,
  VlanReading,
} from '../../../src/model/dataplane.ts';
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  ETHERTYPE_PAE,
  type EthernetFrame,
  encodeEthernet,
} from '../../../src/wire/ethernet.ts';
import {
  ENTRY_DYNAMIC,
  ENTRY_STATIC,
  ENTRY_STICKY,
  encodeEntries,
  isOpenEntry,
} from '../../../src/wire/fdb-table.ts';
import type { World } from './world.ts';

export interface SimPort {
  name: PortName;
  index: number;
  readonly address: Mac;
  adminUp: boolean;
  /** Something that is switched on is plugged in. */
  cable: boolean;
  /** How often its link came or went. */
  linkChanges: number;
  locked: boolean;
  mab: boolean;
  unflooded: boolean;
  /** Frames are captured: opened since the port last went administratively down. */
  captured: boolean;
  /** Whom the capture hears; undefined: anybody. */
  heard?: ReadonlySet<Mac> | undefined;
  present: boolean;
  /** Memberships; looked at only while the bridge filters. */
  readonly vlans: Map<VlanId, VlanMembership>;
  counters: { inputOctets: number; outputOctets: number; inputPackets: number; outputPackets: number };
}

export type VlanMembership = NonNullable<VlanChange['member']>;

export interface SimEntry {
  readonly mac: Mac;
  readonly vlan: VlanId;
  port: SimPort;
  flags: number;
  updatedAt: Instant;
  usedAt: Instant;
  /** Its next frame is told of. */
  watched?: boolean;
  /** Of somebody else: on a port that is not locked it pins its MAC there. */
  readonly foreign?: boolean;
}

const GRANT = ENTRY_STATIC | ENTRY_STICKY;
const PINNED =
  "it is pinned to another port by a static entry of somebody's: Address already in use (EADDRINUSE)";
const KERNEL_TICK_MS = 10;

/** Where things go that the bridge itself has no say in. */
export interface BridgeWorld {
  /** To the agent. */
  readonly captured: (port: PortName, bytes: Uint8Array) => void;
  readonly news: (event: DataplaneEvent) => void;
  /** To whoever is on the port's wire. */
  readonly deliver: (port: PortName, bytes: Uint8Array) => void;
}

export class SimBridge {
  readonly ports = new Map<PortName, SimPort>();
  /** By MAC; by MAC and VLAN while the bridge filters (`keyOf`). */
  readonly table = new Map<string, SimEntry>();
  filtering = false;
  /** Of the bridge itself. */
  readonly vlans = new Map<VlanId, VlanMembership>([[1, { pvid: true, untagged: true }]]);
  /** The last frame of each MAC that was a sign of life: it refreshed an entry, or a capture heard it. */
  readonly lastSign = new Map<string, Instant>();
  /** MACs whose entries somebody else has written or deleted, until the agent deals with them. */
  readonly tampered = new Set<Mac>();
  /** Of them, by key, those that were deleted and of which the agent may not have been told yet: one of several at a time. */
  private readonly deleted = new Map<string, Mac>();
  /** Traffic refreshes last-seen times. */
  tells = true;
  there = true;
  private nextIndex = 10;

  constructor(
    private readonly world: World,
    private readonly outside: BridgeWorld,
  ) {}

  addPort(name: string): SimPort {
    const index = this.nextIndex++;
    const port: SimPort = {
      name: name as PortName,
      index,
      address: `02:99:01:00:00:${index.toString(16).padStart(2, '0')}` as Mac,
      adminUp: true,
      cable: true,
      linkChanges: 1,
      locked: false,
      mab: false,
      unflooded: false,
      captured: false,
      present: true,
      vlans: new Map([[1, { pvid: true, untagged: true }]]),
      counters: { inputOctets: 0, outputOctets: 0, inputPackets: 0, outputPackets: 0 },
    };
    this.ports.set(port.name, port);
    return port;
  }

  port(name: string): SimPort {
    const port = this.ports.get(name as PortName);
    if (port === undefined) throw new Error(`the simulated bridge has no port ${name}`);
    return port;
  }

  facts(port: SimPort): PortFacts {
    const { name, index, address, adminUp, cable, linkChanges, locked, mab, unflooded } = port;
    const linkUp = adminUp && cable;
    return { name, index, address, adminUp, linkUp, linkChanges, locked, learning: true, mab, unflooded };
  }

  // What happens to ports.

  setCable(name: string, cable: boolean): void {
    const port = this.port(name);
    if (port.cable === cable) return;
    port.cable = cable;
    if (port.adminUp) port.linkChanges++;
    this.changed(port);
  }

  setAdmin(name: string, up: boolean): void {
    const port = this.port(name);
    if (port.adminUp === up) return;
    port.adminUp = up;
    if (port.cable) port.linkChanges++;
    if (!up) port.captured = false;
    this.changed(port);
  }

  unlock(name: string): void {
    const port = this.port(name);
    port.locked = false;
    this.changed(port);
  }

  remove(name: string): void {
    const port = this.port(name);
    if (!port.present) return;
    port.present = false;
    port.captured = false;
    port.locked = false;
    this.loseEntries(port);
    port.vlans.clear();
    port.vlans.set(1, { pvid: true, untagged: true });
    this.outside.news({ type: 'port-gone', name: port.name });
  }

  /** The same interface in the bridge again: unlocked, as the kernel has it. */
  restore(name: string): void {
    const port = this.port(name);
    if (port.present) return;
    port.present = true;
    this.outside.news({ type: 'port-added', port: this.facts(port) });
  }

  /** While nobody hears of it: entries stay, and so does the lock. */
  rename(name: string, to: string): void {
    const port = this.port(name);
    this.ports.delete(port.name);
    port.name = to as PortName;
    this.ports.set(port.name, port);
  }

  /** While the agent looks: the library takes its grants away, and tells. VLANs stay, as the kernel has it. */
  renameTold(name: string, to: string): void {
    const port = this.port(name);
    this.loseEntries(port);
    port.captured = false;
    this.outside.news({ type: 'port-gone', name: port.name });
    this.rename(name, to);
    this.outside.news({ type: 'port-added', port: this.facts(port) });
  }

  private loseEntries(port: SimPort): void {
    for (const [key, entry] of this.table) {
      if (entry.port !== port) continue;
      this.table.delete(key);
      this.tampered.add(entry.mac);
    }
  }

  /** The bridge itself is deleted. */
  vanish(): void {
    this.there = false;
    this.outside.news({ type: 'bridge-gone' });
    for (const { name } of this.ports.values()) this.remove(name);
    this.vlans.clear();
    this.vlans.set(1, { pvid: true, untagged: true });
  }

  reappear(): void {
    this.there = true;
    this.outside.news({ type: 'bridge-back' });
    for (const { name } of this.ports.values()) this.restore(name);
  }

  // What the agent does.

  setPort(name: PortName, setting: PortSetting): Result<void, string> {
    const port = this.ports.get(name);
    if (port === undefined || !port.present) return err(`set port ${name}: no such device`);
    port.locked = setting.locked;
    port.mab = setting.mab;
    port.unflooded = setting.unflooded;
    if (setting.locked) {
      for (const [mac, entry] of this.table)
        if (entry.port === port && (entry.flags & ENTRY_DYNAMIC) !== 0) this.table.delete(mac);
    }
    return ok(undefined);
  }

  /** As the kernel tells of it: what is in no VLAN is not in it. */
  vlanMap(): VlanReading {
    const list = (vlans: ReadonlyMap<VlanId, VlanMembership>) =>
      [...vlans].map(([vlan, member]) => ({ vlan, ...member })).sort((a, b) => a.vlan - b.vlan);
    const present = [...this.ports.values()].filter((port) => port.present && port.vlans.size > 0);
    return {
      filtering: this.filtering,
      bridge: list(this.vlans),
      ports: new Map(present.map(({ index, vlans }) => [index, list(vlans)])),
    };
  }

  /** By the agent, or by somebody else: either is told of, port by port. */
  setVlans(changes: readonly VlanChange[]): Result<void, string> {
    for (const { port: name, vlan, member } of changes) {
      const port = name === undefined ? undefined : this.ports.get(name);
      if (name !== undefined && port?.present !== true)
        return err(`set VLAN ${vlan} of ${name}: no such device`);
      const vlans = port?.vlans ?? this.vlans;
      const before = vlans.get(vlan);
      if (before?.pvid === member?.pvid && before?.untagged === member?.untagged) continue;
      if (port !== undefined) this.outside.news({ type: 'vlans-changed', port: port.name });
      if (member?.pvid === true)
        for (const [other, its] of vlans) if (its.pvid) vlans.set(other, { ...its, pvid: false });
      if (member === undefined) vlans.delete(vlan);
      else vlans.set(vlan, member);
    }
    return ok(undefined);
  }

  grant({ mac, port: name, vlan }: GrantKey): Result<void, string> {
    const port = this.ports.get(name);
    if (port === undefined || !port.present) return err(`grant ${mac} on ${name}: no such device`);
    if (this.filtering ? !port.vlans.has(vlan) : vlan !== 0)
      return err(`grant ${mac} VLAN ${vlan} on ${name}: the port is not in it`);
    const there = this.table.get(keyOf(mac, vlan));
    if (there?.foreign === true && there.port !== port && there.port.present && !there.port.locked)
      return err(`grant ${mac} on port ${name}: ${PINNED}`);
    const { now } = this.world;
    this.table.set(keyOf(mac, vlan), { mac, vlan, port, flags: GRANT, updatedAt: now, usedAt: now });
    this.dealtWith(mac, vlan);
    return ok(undefined);
  }

  revoke({ mac, port, vlan }: GrantKey): Result<void, string> {
    // The kernel refuses to look into a VLAN that the port is not in.
    if (this.filtering && this.ports.get(port)?.present && !this.ports.get(port)?.vlans.has(vlan))
      return err(`revoke ${mac} VLAN ${vlan} on ${port}: the port is not in it`);
    if (this.table.get(keyOf(mac, vlan))?.port.name === port) this.table.delete(keyOf(mac, vlan));
    this.dealtWith(mac, vlan);
    return ok(undefined);
  }

  private dealtWith(mac: Mac, vlan: VlanId): void {
    this.deleted.delete(keyOf(mac, vlan));
    if (![...this.deleted.values()].includes(mac)) this.tampered.delete(mac);
  }

  watch({ mac, port, vlan }: GrantKey): void {
    const entry = this.table.get(keyOf(mac, vlan));
    if (entry?.port.name === port) entry.watched = true;
  }

  dump(): Uint8Array {
    const { now } = this.world;
    const since = (at: Instant): number => Math.floor((now - at) / KERNEL_TICK_MS) * KERNEL_TICK_MS;
    return encodeEntries(
      [...this.table.values()].map(({ mac, vlan, port, flags, updatedAt, usedAt }) => ({
        mac,
        vlan,
        ifindex: port.index,
        flags,
        idleMs: since(updatedAt),
        usedMs: since(usedAt),
      })),
    );
  }

  // What strangers do to the table.

  /** `bridge fdb replace ... static sticky` by somebody else. */
  writeForeign(mac: Mac, name: string): void {
    const { now } = this.world;
    const port = this.port(name);
    const vlan = this.nativeOf(port);
    const ages = { updatedAt: now, usedAt: now };
    this.table.set(keyOf(mac, vlan), { mac, vlan, port, flags: GRANT, ...ages, foreign: true });
    this.dealtWith(mac, vlan);
    this.tampered.add(mac);
  }

  /** The entry that a frame in flight leaves behind; the kernel may tell of it. */
  learnOpen(mac: Mac, name: string, told?: 'told'): void {
    const { now } = this.world;
    const port = this.port(name);
    const vlan = this.nativeOf(port);
    this.table.set(keyOf(mac, vlan), { mac, vlan, port, flags: ENTRY_DYNAMIC, updatedAt: now, usedAt: now });
    if (told) this.outside.news({ type: 'open-entry', key: { mac, port: port.name, vlan } });
  }

  deleteByHand(mac: Mac): void {
    for (const [key, { port, vlan }] of this.entriesOf(mac)) {
      this.table.delete(key);
      this.tampered.add(mac);
      this.deleted.set(key, mac);
      this.outside.news({ type: 'entry-gone', key: { mac, port: port.name, vlan } });
    }
  }

  // Frames.

  /** From the wire of this port. */
  receive(name: PortName, bytes: Uint8Array): void {
    const port = this.ports.get(name);
    const decoded = decodeEthernet(bytes);
    if (port === undefined || !port.adminUp || !port.cable || !port.present) return;
    port.counters.inputPackets++;
    port.counters.inputOctets += bytes.length;
    if (port.captured && isCaptured(bytes)) {
      const heard = !decoded.ok || port.heard === undefined || port.heard.has(decoded.value.source);
      if (decoded.ok && heard) this.lastSign.set(`${decoded.value.source} ${name}`, this.world.now);
      if (heard) this.outside.captured(name, bytes);
    }
    if (decoded.ok) this.forward(port, decoded.value, bytes);
  }

  /** Out of this port, from the agent or from the bridge. */
  transmit(name: PortName, bytes: Uint8Array): void {
    const port = this.ports.get(name);
    if (port === undefined || !port.adminUp || !port.cable) return;
    port.counters.outputPackets++;
    port.counters.outputOctets += bytes.length;
    this.outside.deliver(name, bytes);
  }

  private forward(port: SimPort, frame: EthernetFrame, bytes: Uint8Array): void {
    // Link-local: never forwarded, and with no_linklocal_learn never learnt.
    if (frame.destination === PAE_GROUP_ADDRESS || frame.etherType === ETHERTYPE_PAE) return;
    const vlan = this.classify(port, frame.vlan);
    if (vlan === undefined || !this.admits(port, frame.source, vlan)) return;
    const to = this.table.get(keyOf(frame.destination, vlan));
    if (to !== undefined) to.usedAt = this.world.now;
    const others = to === undefined ? [...this.ports.values()] : [to.port];
    for (const other of others) if (other !== port) this.send(other, vlan, frame, bytes);
  }

  private classify(port: SimPort, tag: VlanId | undefined): VlanId | undefined {
    if (!this.filtering) return 0;
    if (tag !== undefined && tag !== 0) return port.vlans.has(tag) ? tag : undefined;
    return [...port.vlans].find(([, { pvid }]) => pvid)?.[0];
  }

  private send(port: SimPort, vlan: VlanId, frame: EthernetFrame, bytes: Uint8Array): void {
    if (!this.filtering) {
      this.transmit(port.name, bytes);
      return;
    }
    const member = port.vlans.get(vlan);
    if (member === undefined) return;
    const { vlan: _, ...untagged } = frame;
    this.transmit(port.name, encodeEthernet(member.untagged ? untagged : { ...untagged, vlan }));
  }

  private nativeOf(port: SimPort): VlanId {
    return this.classify(port, undefined) ?? 0;
  }

  entriesOf(mac: Mac): readonly [string, SimEntry][] {
    return [...this.table].filter(([, entry]) => entry.mac === mac);
  }

  /** Learns, as the kernel does, from what it lets through. */
  private admits(port: SimPort, source: Mac, vlan: VlanId): boolean {
    const { now } = this.world;
    const entry = this.table.get(keyOf(source, vlan));
    if (port.locked && entry?.port !== port) return false;
    if (entry === undefined) {
      const learnt = { mac: source, vlan, port, flags: ENTRY_DYNAMIC, updatedAt: now, usedAt: now };
      this.table.set(keyOf(source, vlan), learnt);
      return true;
    }
    if (entry.port !== port && (entry.flags & ENTRY_STICKY) === 0) entry.port = port;
    if (this.tells) entry.updatedAt = now;
    this.lastSign.set(`${source} ${entry.port.name}`, now);
    if (entry.watched) {
      entry.watched = false;
      this.outside.news({ type: 'entry-active', key: { mac: source, port: entry.port.name, vlan } });
    }
    return true;
  }

  openEntriesOnLockedPorts(): readonly SimEntry[] {
    return [...this.table.values()].filter(({ flags, port }) => port.locked && isOpenEntry(flags));
  }

  private changed(port: SimPort): void {
    if (port.present) this.outside.news({ type: 'port-changed', port: this.facts(port) });
  }
}

export function keyOf(mac: Mac, vlan: VlanId): string {
  return vlan === 0 ? mac : `${mac} ${vlan}`;
}

/** The capture's filter: EAPOL, ARP and ICMPv6. */
function isCaptured(bytes: Uint8Array): boolean {
  const tagged = bytes[12] === 0x81 && bytes[13] === 0;
  const at = tagged ? 16 : 12;
  const etherType = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (etherType === ETHERTYPE_IPV6) return bytes[at + 8] === 58;
  return etherType === ETHERTYPE_PAE || etherType === ETHERTYPE_ARP;
}
