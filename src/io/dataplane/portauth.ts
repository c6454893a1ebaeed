// The data plane, through libportauth.so (native/include/portauth.h). One native call per batch; records are packed
// octets, read and written in place. Every failure is a sentence: what was tried, on which port, and the errno.
//
// Calls are synchronous and block the loop: a revocation for at least 2 ms (its relock proof), which a batch pays
// once. Limits: one PortAuth per bridge, of the thread that opened it.
//
// Each kind of record has a file: portauth-ports.ts, -table.ts, -vlans.ts, -l3.ts, -host.ts; -abi.ts has their layout.

import { Socket } from 'node:net';

import { err, messageOf, ok, type Result } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import type {
  Capabilities,
  DataplaneEvent,
  GrantKey,
  PortFacts,
  PortName,
  PortSetting,
  TableDump,
  VlanChange,
  VlanReading,
} from '../../model/dataplane.ts';
import * as abi from './portauth-abi.ts';
import { HostLookups } from './portauth-host.ts';
import { RoutedPath, type RoutedPathSettings } from './portauth-l3.ts';
import { NO_PORT, type PortCounters, PortRecords } from './portauth-ports.ts';
import { TableRecords } from './portauth-table.ts';
import { VlanRecords } from './portauth-vlans.ts';

/** Events taken per native call; more are taken by calling again. */
const EVENTS_PER_CALL = 256;

export interface OutboundFrame {
  readonly port: PortName;
  /** From the Ethernet destination on, without FCS: 14 to 9216 octets. */
  readonly bytes: Uint8Array;
}

export class PortAuth {
  /** What the host itself knows of its neighbours and callers. */
  readonly host: HostLookups;
  private readonly portRecords: PortRecords;
  private readonly table: TableRecords;
  private readonly vlanRecords: VlanRecords;
  private readonly frameBuffer = new abi.RecordBuffer(abi.FRAME_OCTETS, 256);
  private readonly eventBuffer = new abi.RecordBuffer(abi.EVENT_OCTETS, EVENTS_PER_CALL);
  private octets = new Uint8Array(64 * 1024);
  private wake: Socket | undefined;
  private closed = false;

  private constructor(
    private readonly native: abi.Library,
    private readonly handle: abi.Handle,
  ) {
    this.host = new HostLookups(native, handle);
    this.portRecords = new PortRecords(native, handle);
    this.table = new TableRecords(native, handle, this.portRecords);
    this.vlanRecords = new VlanRecords(native, handle);
  }

  /** `library`: path of libportauth.so or of a vendor's; `spec`: `switchdev:br0` or `sim:br0`. */
  static open(what: { readonly library: string; readonly spec: string }): Result<PortAuth, string> {
    let native: abi.Library;
    try {
      native = abi.loadLibrary(what.library);
    } catch (cause) {
      return err(`load ${what.library}: ${messageOf(cause)}`);
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
    return this.portRecords.read();
  }

  /** For those to whom a port that cannot be read is as good as none. */
  ports(): readonly PortFacts[] {
    const read = this.readPorts();
    return read.ok ? read.value : [];
  }

  /** Of every port at once: one native call. */
  counters(): ReadonlyMap<PortName, PortCounters> {
    return this.portRecords.counters();
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
    return this.portRecords.set(wanted);
  }

  /** Every membership in every VLAN, of the ports and of the bridge itself. */
  vlans(): Result<VlanReading, string> {
    const capabilities = this.capabilities();
    if (!capabilities.ok) return capabilities;
    const map = this.vlanRecords.read();
    return map === undefined
      ? err(this.lastError())
      : ok({ filtering: capabilities.value.vlanFiltering, ...map });
  }

  /** Makes memberships be as wanted, in order, acknowledged and read back; the first failure, if there is one. */
  setVlans(changes: readonly VlanChange[]): Result<void, string> {
    if (changes.length === 0) return ok(undefined);
    const gone = changes.find(({ port }) => port !== undefined && this.portRecords.indexOf(port) === NO_PORT);
    if (gone !== undefined)
      return err(`set VLAN ${gone.vlan} of ${gone.port}: ${this.native.errnoText(abi.ENODEV)}`);
    return this.vlanRecords.write(changes, (port) => this.portRecords.indexOf(port)) < 0
      ? err(this.lastError())
      : ok(undefined);
  }

  /** Administratively up or down; a result each, in order. */
  setLinks(
    wanted: readonly { readonly name: PortName; readonly up: boolean }[],
  ): readonly Result<void, string>[] {
    return this.portRecords.setLinks(wanted);
  }

  /** Shuts the routed path of these interfaces; nobody is granted then. */
  openRoutedPath(settings: RoutedPathSettings, onLost: () => void): Result<RoutedPath, string> {
    return RoutedPath.open(this.native, this.handle, settings, onLost);
  }

  /** Writes grants; a result each, in order. */
  grant(keys: readonly GrantKey[]): readonly Result<void, string>[] {
    return this.table.write('grant', keys);
  }

  /** Takes grants away, proven (native/include/portauth.h, pa_revoke); a result each, in order. */
  revoke(keys: readonly GrantKey[]): readonly Result<void, string>[] {
    return this.table.write('revoke', keys);
  }

  /** Arms one `entry-active` event for each of these grants. */
  watch(keys: readonly GrantKey[]): readonly Result<void, string>[] {
    return this.table.write('watch', keys);
  }

  /** `records` is a view of a buffer that the next dump overwrites. `at` is the moment before the dump. */
  dump(clock: () => Instant): Result<TableDump, string> {
    return this.table.dump(clock);
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
      view.setUint32(at, this.portRecords.indexOf(frame.port), true);
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

  /**
   * A function of this library that the ABI does not have, such as those that move a simulated switch (test/rigs/simulator.ts):
   * `parameters` after the handle, in C. Throws if the library has none of this name.
   */
  declare(name: string, parameters: string): (...args: readonly unknown[]) => number {
    const native = this.native.declare(`int ${name}(void *handle${parameters})`);
    return (...args) => Number(native(this.handle, ...args));
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
        const event = abi.readEvent(this.eventBuffer, i, (ifindex) => this.portRecords.nameOf(ifindex));
        if (event === undefined) continue;
        this.portRecords.follow(event);
        events.push(event);
      }
      if (events.length > 0) listener(events);
    }
  }
}
