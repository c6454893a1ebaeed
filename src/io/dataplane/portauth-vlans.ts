// Memberships in VLANs as the library reads and writes them: packed records in one buffer that grows.

import type { PortName, VlanChange, VlanMember, VlanReading } from '../../model/dataplane.ts';
import * as abi from './portauth-abi.ts';

/** The ifindex of the bridge in a record. */
const BRIDGE_ITSELF = 0;

export class VlanRecords {
  private readonly buffer = new abi.RecordBuffer(abi.VLAN_OCTETS, 256);
  private readonly needed = new Uint32Array(1);

  constructor(
    private readonly native: abi.Library,
    private readonly handle: abi.Handle,
  ) {}

  /** Undefined if the library failed. */
  read(): Omit<VlanReading, 'filtering'> | undefined {
    const count = this.fill();
    if (count < 0) return undefined;
    const bridge: VlanMember[] = [];
    const ports = new Map<number, VlanMember[]>();
    for (let i = 0; i < count; i++) {
      const { ifindex, member } = abi.readVlan(this.buffer, i);
      const members = ifindex === BRIDGE_ITSELF ? bridge : ports.get(ifindex);
      if (members === undefined) ports.set(ifindex, [member]);
      else members.push(member);
    }
    return { bridge, ports };
  }

  /** The library's result: negative if one of them failed. */
  write(changes: readonly VlanChange[], indexOf: (port: PortName) => number): number {
    this.buffer.grow(changes.length);
    for (const [i, change] of changes.entries()) {
      const ifindex = change.port === undefined ? BRIDGE_ITSELF : indexOf(change.port);
      abi.writeVlan(this.buffer, i, change, ifindex);
    }
    return this.native.vlanSet(this.handle, this.buffer.bytes, changes.length);
  }

  private fill(): number {
    for (;;) {
      const { bytes, capacity } = this.buffer;
      const count = this.native.vlans(this.handle, bytes, capacity, this.needed);
      if (count !== abi.ENOBUFS) return count;
      this.buffer.grow((this.needed[0] ?? 0) + 64);
    }
  }
}
