// The data plane, through libportauth.so (native/include/portauth.h). One native call per batch; records are packed
// octets, read and written in place. Every failure is a sentence: what was tried, on which port, and the errno.
//
// Calls are synchronous and block the loop: a revocation for at least 2 ms (its relock proof), which a batch pays
// once. Limits: one PortAuth per bridge, of the thread that opened it.

import { Socket } from 'node:net';

import { err, ok, type Result } from '../../base/result.ts';
import { elapsed, type Instant } from '../../base/time.ts';
import type {
  Capabilities,
  DataplaneEvent,
  GrantKey,
  PortFacts,
  PortName,
  PortSetting,
  TableDump,
  VlanChange,
  VlanMap,
} from '../../model/dataplane.ts';
import { TABLE_RECORD_OCTETS } from '../../wire/fdb-table.ts';
import * as abi from './portauth-abi.ts';
import { HostLookups } from './portauth-host.ts';
import { RoutedPath, type RoutedPathSettings } from './portauth-l3.ts';
import { Simulator } from './portauth-sim.ts';
import { VlanRecords } from './portauth-vlans.ts';

const ENODEV = -19;
const ENOBUFS = -105;
/** Events taken per native call; more are taken by calling again. */
const EVENTS_PER_CALL = 256;
const DUMP_TRIES = 4;
/** No interface has this ifindex. */
const NO_PORT = 0;

export interface PortCounters {
  /** From the client. */
  readonly rxPackets: number;
  readonly rxOctets: number;
  /** To the client. */
  readonly txPackets: number;
  readonly txOctets: number;
}

export interface OutboundFrame {
  readonly port: PortName;
  /** From the Ethernet destination on, without FCS: 14 to 9216 octets. */
  readonly bytes: Uint8Array;
}

type Verb = 'grant' | 'revoke' | 'watch';

export class PortAuth {
  private readonly portBuffer = new abi.RecordBuffer(abi.PORT_OCTETS, 64);
  private readonly keyBuffer = new abi.RecordBuffer(abi.KEY_OCTETS, 256);
  private readonly settingBuffer = new abi.RecordBuffer(abi.PORT_SETTING_OCTETS, 64);
  /** What the host itself knows of its neighbours and callers. */
  readonly host: HostLookups;
  private readonly vlanRecords: VlanRecords;
  private readonly frameBuffer = new abi.RecordBuffer(abi.FRAME_OCTETS, 256);
  private readonly eventBuffer = new abi.RecordBuffer(abi.EVENT_OCTETS, EVENTS_PER_CALL);
  private readonly tableBuffer = new abi.RecordBuffer(TABLE_RECORD_OCTETS, 1024);
  private readonly needed = new Uint32Array(1);
  private octets = new Uint8Array(64 * 1024);
  private readonly indexByName = new Map<PortName, number>();
  private readonly nameByIndex = new Map<number, PortName>();
  private wake: Socket | undefined;
  private closed = false;

  private constructor(
    private readonly native: abi.Library,
    private readonly handle: abi.Handle,
  ) {
    this.host = new HostLookups(native, handle);
    this.vlanRecords = new VlanRecords(native, handle);
  }

  /** `library`: path of libportauth.so or of a vendor's; `spec`: `switchdev:br0` or `sim:br0`. */
  static open(what: { readonly library: string; readonly spec: string }): Result<PortAuth, string> {
    let native: abi.Library;
    try {
      native = abi.loadLibrary(what.library);
    } catch (cause) {
      return err(`load ${what.library}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    const handle = new BigUint64Array(1);
    if (native.open(what.spec, handle) < 0) return err(native.lastError(null));
    const opened = new PortAuth(native, handle[0] ?? 0n);
    opened.ports();
    return ok(opened);
  }

  capabilities(): Result<Capabilities, string> {
    const buffer = new abi.RecordBuffer(abi.CAPABILITIES_OCTETS, 1);
    if (this.native.capabilities(this.handle, buffer.bytes) < 0) return err(this.lastError());
    const flags = buffer.view.getUint32(0, true);
    return ok({
      backend: abi.readName(buffer.bytes, 8),
      bridge: (flags & abi.CAP_NO_BRIDGE) === 0,
      locked: (flags & abi.CAP_LOCKED) !== 0,
      mab: (flags & abi.CAP_MAB) !== 0,
      vlanFiltering: (flags & abi.CAP_VLAN_FILTERING) !== 0,
      macVlan: (flags & abi.CAP_MAC_VLAN) !== 0,
      activityNotify: (flags & abi.CAP_ACTIVITY_NOTIFY) !== 0,
      noLinklocalLearn: (flags & abi.CAP_NO_LL_LEARN) !== 0,
      lastSeen: (flags & abi.CAP_LAST_SEEN) !== 0,
    });
  }

  /** The bridge's ports, uplinks too; none while the bridge is gone, and an error where nobody can say. */
  readPorts(): Result<readonly PortFacts[], string> {
    const count = this.fillPorts();
    if (!count.ok) return count;
    const ports: PortFacts[] = [];
    for (let i = 0; i < count.value; i++) {
      const port = abi.readPort(this.portBuffer, i);
      this.remember(port.name, port.index);
      ports.push(port);
    }
    return ok(ports);
  }

  /** For those to whom a port that cannot be read is as good as none. */
  ports(): readonly PortFacts[] {
    const read = this.readPorts();
    return read.ok ? read.value : [];
  }

  /** Of every port at once: one native call. */
  counters(): ReadonlyMap<PortName, PortCounters> {
    const read = this.fillPorts();
    const count = read.ok ? read.value : 0;
    const { bytes, view } = this.portBuffer;
    const counters = new Map<PortName, PortCounters>();
    for (let i = 0; i < count; i++) {
      const at = i * abi.PORT_OCTETS;
      counters.set(abi.readName(bytes, at + 8) as PortName, {
        rxPackets: Number(view.getBigUint64(at + 32, true)),
        rxOctets: Number(view.getBigUint64(at + 40, true)),
        txPackets: Number(view.getBigUint64(at + 48, true)),
        txOctets: Number(view.getBigUint64(at + 56, true)),
      });
    }
    return counters;
  }

  /** Undefined for a port that is not there. */
  ifindexOf(name: PortName): number | undefined {
    const index = this.indexOf(name);
    return index === NO_PORT ? undefined : index;
  }

  nameOf(ifindex: number): PortName | undefined {
    return this.ports().find(({ index }) => index === ifindex)?.name;
  }

  portCounters(name: PortName): PortCounters | undefined {
    return this.counters().get(name);
  }

  setPort(name: PortName, setting: PortSetting): Result<void, string> {
    return this.setPorts([{ name, setting }])[0] ?? ok(undefined);
  }

  /** Many ports for the price of one proof; a result each, in order. */
  setPorts(
    wanted: readonly { readonly name: PortName; readonly setting: PortSetting }[],
  ): readonly Result<void, string>[] {
    const buffer = this.settingBuffer;
    buffer.grow(wanted.length);
    wanted.forEach(({ name, setting }, index) => {
      const at = index * abi.PORT_SETTING_OCTETS;
      const flags =
        abi.PORT_LEARNING | (setting.locked ? abi.PORT_LOCKED : 0) | (setting.mab ? abi.PORT_MAB : 0);
      buffer.view.setUint32(at, this.indexOf(name), true);
      buffer.view.setUint32(at + 4, flags, true);
    });
    if (wanted.length > 0) this.native.portSet(this.handle, buffer.bytes, wanted.length);
    return this.results(wanted.length, {
      resultOf: (i) => buffer.view.getInt32(i * abi.PORT_SETTING_OCTETS + abi.PORT_SETTING_RESULT, true),
      isNamed: (i) => buffer.view.getUint32(i * abi.PORT_SETTING_OCTETS, true) !== NO_PORT,
      describe: (i) => `${wanted[i]?.setting.locked ? 'lock' : 'unlock'} port ${wanted[i]?.name}`,
    });
  }

  /** Every membership in every VLAN, of the ports and of the bridge itself. */
  vlans(): Result<VlanMap, string> {
    const capabilities = this.capabilities();
    if (!capabilities.ok) return capabilities;
    const map = this.vlanRecords.read((ifindex) => this.nameByIndex.get(ifindex));
    return map === undefined
      ? err(this.lastError())
      : ok({ filtering: capabilities.value.vlanFiltering, ...map });
  }

  /** Makes memberships be as wanted, in order, acknowledged and read back; the first failure, if there is one. */
  setVlans(changes: readonly VlanChange[]): Result<void, string> {
    if (changes.length === 0) return ok(undefined);
    const gone = changes.find(({ port }) => port !== undefined && this.indexOf(port) === NO_PORT);
    if (gone !== undefined)
      return err(`set VLAN ${gone.vlan} of ${gone.port}: ${this.native.errnoText(ENODEV)}`);
    return this.vlanRecords.write(changes, (port) => this.indexOf(port)) < 0
      ? err(this.lastError())
      : ok(undefined);
  }

  /** Administratively up or down; a result each, in order. */
  setLinks(
    wanted: readonly { readonly name: PortName; readonly up: boolean }[],
  ): readonly Result<void, string>[] {
    const buffer = this.settingBuffer;
    buffer.grow(wanted.length);
    wanted.forEach(({ name, up }, index) => {
      const at = index * abi.PORT_SETTING_OCTETS;
      buffer.view.setUint32(at, this.indexOf(name), true);
      buffer.view.setUint32(at + 4, up ? abi.PORT_ADMIN_UP : 0, true);
    });
    if (wanted.length > 0) this.native.linkSet(this.handle, buffer.bytes, wanted.length);
    return this.results(wanted.length, {
      resultOf: (i) => buffer.view.getInt32(i * abi.PORT_SETTING_OCTETS + abi.PORT_SETTING_RESULT, true),
      isNamed: (i) => buffer.view.getUint32(i * abi.PORT_SETTING_OCTETS, true) !== NO_PORT,
      describe: (i) => `set port ${wanted[i]?.name} ${wanted[i]?.up ? 'up' : 'down'}`,
    });
  }

  /** Shuts the routed path of these interfaces; nobody is granted then. */
  openRoutedPath(settings: RoutedPathSettings, onLost: () => void): Result<RoutedPath, string> {
    return RoutedPath.open(this.native, this.handle, settings, onLost);
  }

  /** Writes grants; a result each, in order. */
  grant(keys: readonly GrantKey[]): readonly Result<void, string>[] {
    return this.forKeys('grant', keys);
  }

  /** Takes grants away, proven (design 1.1); a result each, in order. */
  revoke(keys: readonly GrantKey[]): readonly Result<void, string>[] {
    return this.forKeys('revoke', keys);
  }

  /** Arms one `entry-active` event for each of these grants. */
  watch(keys: readonly GrantKey[]): readonly Result<void, string>[] {
    return this.forKeys('watch', keys);
  }

  /** `records` is a view of a buffer that the next dump overwrites. `at` is the moment before the dump. */
  dump(clock: () => Instant): Result<TableDump, string> {
    for (let tries = 0; tries < DUMP_TRIES; tries++) {
      const at = clock();
      const count = this.native.tableDump(
        this.handle,
        this.tableBuffer.bytes,
        this.tableBuffer.capacity,
        this.needed,
      );
      if (count >= 0) {
        const records = this.tableBuffer.bytes.subarray(0, count * TABLE_RECORD_OCTETS);
        return ok({ at, tookMs: elapsed(at, clock()), records });
      }
      if (count !== ENOBUFS) break;
      const needed = this.needed[0] ?? 0;
      this.tableBuffer.grow(needed + (needed >> 2) + 64);
    }
    return err(this.lastError());
  }

  /** Sends frames in order; returns how many went out. Never blocks: a full queue loses the frame. */
  inject(frames: readonly OutboundFrame[]): number {
    if (frames.length === 0) return 0;
    let size = 0;
    for (const frame of frames) size += frame.bytes.length;
    if (size > this.octets.length) this.octets = new Uint8Array(size * 2);
    this.frameBuffer.grow(frames.length);
    const { bytes, view } = this.frameBuffer;
    let offset = 0;
    frames.forEach((frame, index) => {
      const at = index * abi.FRAME_OCTETS;
      view.setUint32(at, this.indexOf(frame.port), true);
      view.setUint32(at + 4, offset, true);
      view.setUint32(at + 8, frame.bytes.length, true);
      this.octets.set(frame.bytes, offset);
      offset += frame.bytes.length;
    });
    return this.native.inject(this.handle, bytes, frames.length, this.octets, size);
  }

  /** The same out of an interface that is no port of the bridge; true if it went out. */
  injectOn(index: number, bytes: Uint8Array): boolean {
    const { bytes: records, view } = this.frameBuffer;
    view.setUint32(0, index, true);
    view.setUint32(4, 0, true);
    view.setUint32(8, bytes.length, true);
    return this.native.inject(this.handle, records, 1, bytes, bytes.length) === 1;
  }

  /** The sentence of the last failure: of an inject() that sent fewer than it was given, say. */
  lastError(): string {
    return this.native.lastError(this.handle);
  }

  /** From now on `listener` gets all events, in order, in batches. To be called once. */
  onEvents(listener: (events: readonly DataplaneEvent[]) => void): Result<void, string> {
    const fd = this.native.wakeFd(this.handle);
    if (fd < 0) return err(this.lastError());
    this.wake = new Socket({ fd, readable: true, writable: false });
    this.wake.on('data', () => this.drain(listener));
    return ok(undefined);
  }

  /** What moves the switch, if it is a simulated one; else undefined. */
  simulator(): Simulator | undefined {
    const capabilities = this.capabilities();
    if (!capabilities.ok || capabilities.value.backend !== 'sim') return undefined;
    return new Simulator(this.native, this.handle, {
      indexOf: (name) => this.indexOf(name),
      nameOf: (index) => this.nameByIndex.get(index),
      lastError: () => this.lastError(),
    });
  }

  /** Locks and grants stay as they are. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.wake?.destroy();
    this.native.close(this.handle);
  }

  private drain(listener: (events: readonly DataplaneEvent[]) => void): void {
    while (!this.closed) {
      const count = this.native.events(this.handle, this.eventBuffer.bytes, EVENTS_PER_CALL);
      if (count <= 0) return;
      const events: DataplaneEvent[] = [];
      for (let i = 0; i < count; i++) {
        const event = abi.readEvent(this.eventBuffer, i, (ifindex) => this.nameByIndex.get(ifindex));
        if (event === undefined) continue;
        this.follow(event);
        events.push(event);
      }
      if (events.length > 0) listener(events);
    }
  }

  private follow(event: DataplaneEvent): void {
    if (event.type === 'port-added') this.remember(event.port.name, event.port.index);
    if (event.type === 'port-gone') {
      const index = this.indexByName.get(event.name);
      this.indexByName.delete(event.name);
      if (index !== undefined) this.nameByIndex.delete(index);
    }
  }

  private remember(name: PortName, index: number): void {
    const before = this.indexByName.get(name);
    if (before !== undefined && before !== index) this.nameByIndex.delete(before);
    this.indexByName.set(name, index);
    this.nameByIndex.set(index, name);
  }

  /** NO_PORT if there is no such port: the library then refuses, or finds nothing to revoke. */
  private indexOf(name: PortName): number {
    const known = this.indexByName.get(name);
    if (known !== undefined) return known;
    this.ports();
    return this.indexByName.get(name) ?? NO_PORT;
  }

  /** How many are in the buffer. */
  private fillPorts(): Result<number, string> {
    for (;;) {
      const { bytes, capacity } = this.portBuffer;
      const count = this.native.ports(this.handle, bytes, capacity, this.needed);
      // No such bridge, and so no ports.
      if (count >= 0 || count === ENODEV) return ok(Math.max(count, 0));
      if (count !== ENOBUFS) return err(this.lastError());
      this.portBuffer.grow((this.needed[0] ?? 0) + 16);
    }
  }

  private forKeys(verb: Verb, keys: readonly GrantKey[]): readonly Result<void, string>[] {
    const buffer = this.keyBuffer;
    buffer.grow(keys.length);
    keys.forEach((key, index) => {
      abi.writeKey(buffer, index, key, this.indexOf(key.port));
    });
    if (keys.length > 0) this.native[verb](this.handle, buffer.bytes, keys.length);
    return this.results(keys.length, {
      resultOf: (i) => buffer.view.getInt32(i * abi.KEY_OCTETS + abi.KEY_RESULT, true),
      isNamed: (i) => buffer.view.getUint32(i * abi.KEY_OCTETS + abi.KEY_IFINDEX, true) !== NO_PORT,
      describe: (i) => {
        const key = keys[i];
        return `${verb} ${key?.mac}${key?.vlan ? ` VLAN ${key.vlan}` : ''} on port ${key?.port}`;
      },
    });
  }

  /**
   * The library keeps one sentence, so only a single failure has it; of several, each gets its errno's. Nor can it
   * name a port that it never heard of.
   */
  private results(
    count: number,
    of: {
      readonly resultOf: (index: number) => number;
      readonly isNamed: (index: number) => boolean;
      readonly describe: (index: number) => string;
    },
  ): readonly Result<void, string>[] {
    let failures = 0;
    let gone = false;
    for (let i = 0; i < count; i++) {
      if (of.resultOf(i) < 0) failures++;
      if (of.resultOf(i) === ENODEV) gone = true;
    }
    const whole = failures === 1 ? this.lastError() : undefined;
    // The port may have been made anew, and the event of that not been read yet: the next try finds it.
    if (gone) this.ports();
    const done = ok(undefined);
    return Array.from({ length: count }, (_, i) => {
      const result = of.resultOf(i);
      if (result >= 0) return done;
      if (!of.isNamed(i)) return err(`${of.describe(i)}: ${this.native.errnoText(ENODEV)}`);
      return err(whole || `${of.describe(i)}: ${this.native.errnoText(result)}`);
    });
  }
}
