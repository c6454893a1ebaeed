// The hands that move a simulated switch (`pa_sim_*` of native/include/portauth.h). Each throws if the library refuses, since
// a test that asks for the impossible is wrong.

import type { Ip } from '../../src/base/ip.ts';
import { type Mac, macToBytes } from '../../src/base/mac.ts';
import type { PortAuth } from '../../src/io/dataplane/portauth.ts';
import {
  ADDRESS_OCTETS,
  PORT_ADMIN_UP,
  PORT_LINK_UP,
  RecordBuffer,
  writeAddress,
} from '../../src/io/dataplane/portauth-abi.ts';
import { NO_PORT } from '../../src/io/dataplane/portauth-ports.ts';
import type { GrantKey, PortName } from '../../src/model/dataplane.ts';

/** Large enough for every frame that the library sends. */
const FRAME_MAX = 9216;
const LINK_LOCAL = 1 << 0;

export interface SimFrame {
  readonly port: PortName;
  readonly mac: Mac;
  readonly vlan?: number;
  /** Length for the port's counters. */
  readonly octets?: number;
  /** To 01:80:c2:00:00:0x, like EAPOL. */
  readonly linkLocal?: boolean;
}

export class Simulator {
  private readonly declared = new Map<string, (...args: readonly unknown[]) => number>();
  private readonly octets = new Uint8Array(FRAME_MAX);
  private readonly index = new Uint32Array(1);

  /** Of a `sim:` bridge. */
  constructor(private readonly portauth: PortAuth) {}

  private call(name: string, parameters: string): (...args: readonly unknown[]) => number {
    const native = this.declared.get(name) ?? this.portauth.declare(name, parameters);
    this.declared.set(name, native);
    return (...args) => {
      const result = native(...args);
      if (result < 0) throw new Error(`${name}: ${this.portauth.lastError() || `errno ${-result}`}`);
      return result;
    };
  }

  private indexOf(name: PortName): number {
    return this.portauth.ports().find((port) => port.name === name)?.index ?? NO_PORT;
  }

  /** Unlocked; up and with link unless told otherwise. */
  addPort(name: PortName, link: { readonly up: boolean } = { up: true }): void {
    const index = this.call('pa_sim_port_add', ', const char *name')(name);
    if (link.up) this.setFlags(index, PORT_ADMIN_UP | PORT_LINK_UP);
  }

  removePort(name: PortName): void {
    this.call('pa_sim_port_remove', ', uint32_t ifindex')(this.indexOf(name));
  }

  setLink(name: PortName, link: { readonly adminUp: boolean; readonly linkUp: boolean }): void {
    const flags = (link.adminUp ? PORT_ADMIN_UP : 0) | (link.linkUp ? PORT_LINK_UP : 0);
    this.setFlags(this.indexOf(name), flags);
  }

  private setFlags(index: number, flags: number): void {
    this.call('pa_sim_link', ', uint32_t ifindex, uint32_t flags')(index, flags);
  }

  /** A frame comes in; true if the switch lets it pass. */
  receive(frame: SimFrame): boolean {
    const flags = frame.linkLocal ? LINK_LOCAL : 0;
    const receive = this.call(
      'pa_sim_frame',
      ', uint32_t ifindex, void *mac, uint16_t vlan, uint32_t octets, uint32_t flags',
    );
    return (
      receive(this.indexOf(frame.port), macToBytes(frame.mac), frame.vlan ?? 0, frame.octets ?? 64, flags) ===
      1
    );
  }

  /** The oldest frame that was injected and not yet asked for. */
  sent(): { readonly port: PortName; readonly bytes: Uint8Array } | undefined {
    const length = this.call('pa_sim_sent', ', void *out, uint32_t capacity, void *ifindex')(
      this.octets,
      FRAME_MAX,
      this.index,
    );
    if (length === 0) return undefined;
    const port = this.portauth.ports().find(({ index }) => index === this.index[0]);
    return { port: port?.name ?? ('' as PortName), bytes: this.octets.slice(0, length) };
  }

  /** From now on the simulator's clock stands at this time; idle times follow from it. */
  setClock(nowMs: number): void {
    this.call('pa_sim_clock', ', uint64_t now_ms')(nowMs);
  }

  setAgeing(ageingMs: number): void {
    this.call('pa_sim_ageing', ', uint32_t ageing_ms')(ageingMs);
  }

  setVlanFiltering(on: boolean): void {
    this.call('pa_sim_vlan_filtering', ', uint32_t on')(on ? 1 : 0);
  }

  /** After `skip` operations on ports and entries, the next `count` fail with this errno (positive). */
  failNext(plan: { readonly skip?: number; readonly count: number; readonly errno: number }): void {
    this.call('pa_sim_fail', ', uint32_t skip, uint32_t count, int error')(
      plan.skip ?? 0,
      plan.count,
      plan.errno,
    );
  }

  /** The next `count` deletes are followed by a frame in flight. */
  relearnNext(count: number): void {
    this.call('pa_sim_relearn', ', uint32_t count')(count);
  }

  /** Somebody else deletes an entry. */
  deleteByOthers(key: GrantKey): void {
    this.call('pa_sim_delete', ', void *mac, uint16_t vlan, uint32_t ifindex')(
      macToBytes(key.mac),
      key.vlan,
      this.indexOf(key.port),
    );
  }

  /** A packet of this address comes in on the routed path; true if it passes. */
  receivePacket(from: Ip): boolean {
    const buffer = new RecordBuffer(ADDRESS_OCTETS, 1);
    writeAddress(buffer, 0, from);
    return this.call('pa_sim_packet', ', void *from')(buffer.bytes) === 1;
  }

  /** Somebody flushes nftables: the routed path is open. */
  flushRoutedPath(): void {
    this.call('pa_sim_l3_flush', '')();
  }

  /** The bridge goes, with its ports, or comes back empty. */
  setBridge(present: boolean): void {
    this.call('pa_sim_bridge', ', uint32_t present')(present ? 1 : 0);
  }

  overrun(): void {
    this.call('pa_sim_overrun', '')();
  }
}
