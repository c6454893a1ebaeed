// A Linux bridge in memory, with the kernel's rules as they were measured (design 1.1): locked ports, sticky static entries,
// last-seen times that traffic refreshes and link-local frames do not, captures that hear what the lock drops.
//
// One entry per MAC (no VLANs). The agent reaches it through `setPort`, `grant`, `revoke` and `dump`; clients through
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
} from '../../../src/model/dataplane.ts';
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  ETHERTYPE_PAE,
  type EthernetFrame,
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
  readonly name: PortName;
  index: number;
  readonly address: Mac;
  adminUp: boolean;
  /** Something that is switched on is plugged in. */
  cable: boolean;
  locked: boolean;
  mab: boolean;
  /** Frames are captured: opened since the port last went administratively down. */
  captured: boolean;
  present: boolean;
  counters: { inputOctets: number; outputOctets: number; inputPackets: number; outputPackets: number };
}

export interface SimEntry {
  readonly mac: Mac;
  port: SimPort;
  flags: number;
  updatedAt: Instant;
  usedAt: Instant;
  /** Its next frame is told of. */
  watched?: boolean;
}

const GRANT = ENTRY_STATIC | ENTRY_STICKY;
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
  readonly table = new Map<Mac, SimEntry>();
  /** The last frame of each MAC that was a sign of life: it refreshed an entry, or a capture heard it. */
  readonly lastSign = new Map<string, Instant>();
  /** MACs whose entries somebody else has written or deleted, until the agent deals with them. */
  readonly tampered = new Set<Mac>();
  /** Traffic refreshes last-seen times. */
  tells = true;
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
      locked: false,
      mab: false,
      captured: false,
      present: true,
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
    const { name, index, address, adminUp, cable, locked, mab } = port;
    return { name, index, address, adminUp, linkUp: adminUp && cable, locked, learning: true, mab };
  }

  // What happens to ports.

  setCable(name: string, cable: boolean): void {
    const port = this.port(name);
    if (port.cable === cable) return;
    port.cable = cable;
    this.changed(port);
  }

  setAdmin(name: string, up: boolean): void {
    const port = this.port(name);
    if (port.adminUp === up) return;
    port.adminUp = up;
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
    for (const [mac, entry] of this.table) if (entry.port === port) this.table.delete(mac);
    this.outside.news({ type: 'port-gone', name: port.name });
  }

  /** The same interface in the bridge again: unlocked, as the kernel has it. */
  restore(name: string): void {
    const port = this.port(name);
    if (port.present) return;
    port.present = true;
    this.outside.news({ type: 'port-added', port: this.facts(port) });
  }

  // What the agent does.

  setPort(name: PortName, setting: PortSetting): Result<void, string> {
    const port = this.ports.get(name);
    if (port === undefined || !port.present) return err(`set port ${name}: no such device`);
    port.locked = setting.locked;
    port.mab = setting.mab;
    if (setting.locked) {
      for (const [mac, entry] of this.table)
        if (entry.port === port && (entry.flags & ENTRY_DYNAMIC) !== 0) this.table.delete(mac);
    }
    return ok(undefined);
  }

  grant({ mac, port: name }: GrantKey): Result<void, string> {
    const port = this.ports.get(name);
    if (port === undefined || !port.present) return err(`grant ${mac} on ${name}: no such device`);
    const { now } = this.world;
    this.table.set(mac, { mac, port, flags: GRANT, updatedAt: now, usedAt: now });
    this.tampered.delete(mac);
    return ok(undefined);
  }

  revoke({ mac, port }: GrantKey): Result<void, string> {
    if (this.table.get(mac)?.port.name === port) this.table.delete(mac);
    this.tampered.delete(mac);
    return ok(undefined);
  }

  watch({ mac, port }: GrantKey): void {
    const entry = this.table.get(mac);
    if (entry?.port.name === port) entry.watched = true;
  }

  dump(): Uint8Array {
    const { now } = this.world;
    const since = (at: Instant): number => Math.floor((now - at) / KERNEL_TICK_MS) * KERNEL_TICK_MS;
    return encodeEntries(
      [...this.table.values()].map(({ mac, port, flags, updatedAt, usedAt }) => ({
        mac,
        vlan: 0,
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
    this.grant({ mac, port: name as PortName, vlan: 0 });
    this.tampered.add(mac);
  }

  /** The entry that a frame in flight leaves behind. */
  learnOpen(mac: Mac, name: string): void {
    const { now } = this.world;
    this.table.set(mac, { mac, port: this.port(name), flags: ENTRY_DYNAMIC, updatedAt: now, usedAt: now });
  }

  deleteByHand(mac: Mac): void {
    const entry = this.table.get(mac);
    if (entry === undefined) return;
    this.table.delete(mac);
    this.tampered.add(mac);
    this.outside.news({ type: 'entry-gone', key: { mac, port: entry.port.name, vlan: 0 } });
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
      if (decoded.ok) this.lastSign.set(`${decoded.value.source} ${name}`, this.world.now);
      this.outside.captured(name, bytes);
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
    if (!this.admits(port, frame.source)) return;
    const to = this.table.get(frame.destination);
    if (to !== undefined) to.usedAt = this.world.now;
    if (to !== undefined && to.port !== port) this.transmit(to.port.name, bytes);
    else if (to === undefined)
      for (const other of this.ports.values()) if (other !== port) this.transmit(other.name, bytes);
  }

  /** Learns, as the kernel does, from what it lets through. */
  private admits(port: SimPort, source: Mac): boolean {
    const { now } = this.world;
    const entry = this.table.get(source);
    if (port.locked && entry?.port !== port) return false;
    if (entry === undefined) {
      this.table.set(source, { mac: source, port, flags: ENTRY_DYNAMIC, updatedAt: now, usedAt: now });
      return true;
    }
    if (entry.port !== port && (entry.flags & ENTRY_STICKY) === 0) entry.port = port;
    if (this.tells) entry.updatedAt = now;
    this.lastSign.set(`${source} ${entry.port.name}`, now);
    if (entry.watched) {
      entry.watched = false;
      this.outside.news({ type: 'entry-active', key: { mac: source, port: entry.port.name, vlan: 0 } });
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

/** The capture's filter: EAPOL, ARP and ICMPv6. */
function isCaptured(bytes: Uint8Array): boolean {
  const etherType = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
  if (etherType === ETHERTYPE_IPV6) return bytes[20] === 58;
  return etherType === ETHERTYPE_PAE || etherType === ETHERTYPE_ARP;
}
