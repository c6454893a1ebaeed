// The C ABI of native/include/portauth.h as Node sees it: function prototypes for koffi and the offsets of the
// packed records (little-endian). Pointers to records are typed arrays, passed without a copy.

import { constants } from 'node:os';
import koffi from 'koffi';

import { type Ip, ipToBytes, ipv4FromBytes, ipv6FromBytes, isIpv4 } from '../../base/ip.ts';
import { type Mac, macFromBytes } from '../../base/mac.ts';
import type {
  DataplaneEvent,
  GrantKey,
  PortFacts,
  PortName,
  VlanChange,
  VlanMember,
} from '../../model/dataplane.ts';

/** The ABI that this file speaks; a library of any other is refused. */
export const ABI_VERSION = 4;

/** Results that say something to the caller: negative, and with the numbers of this machine, since MIPS has some of its own. */
export const ENOENT = -constants.errno.ENOENT;
export const ENODEV = -constants.errno.ENODEV;
export const ENOBUFS = -constants.errno.ENOBUFS;

export const CAPABILITIES_OCTETS = 24;
export const PORT_OCTETS = 72;
export const PORT_SETTING_OCTETS = 12;
export const KEY_OCTETS = 16;
export const FRAME_OCTETS = 16;
export const EVENT_OCTETS = 40;
export const VLAN_OCTETS = 12;
export const ADDRESS_OCTETS = 24;

/** Offsets of the `result` of a record that has one. */
export const PORT_SETTING_RESULT = 8;
export const KEY_RESULT = 12;
export const KEY_IFINDEX = 8;
export const VLAN_RESULT = 8;
export const ADDRESS_RESULT = 20;

/** PA_L3_*. */
export const L3_SETS = { granted: 0, awaited: 1, heard: 2 } as const;
export type L3Set = keyof typeof L3_SETS;

export const CAP_LOCKED = 1 << 0;
export const CAP_MAB = 1 << 1;
export const CAP_VLAN_FILTERING = 1 << 2;
export const CAP_ACTIVITY_NOTIFY = 1 << 3;
export const CAP_NO_LL_LEARN = 1 << 4;
export const CAP_NO_BRIDGE = 1 << 7;
export const CAP_LAST_SEEN = 1 << 5;
export const CAP_MAC_VLAN = 1 << 6;

export const VLAN_PVID = 1 << 0;
export const VLAN_UNTAGGED = 1 << 1;
export const VLAN_ABSENT = 1 << 2;

export const PORT_ADMIN_UP = 1 << 0;
export const PORT_LINK_UP = 1 << 1;
export const PORT_LOCKED = 1 << 2;
export const PORT_LEARNING = 1 << 3;
export const PORT_MAB = 1 << 4;
export const PORT_UNFLOODED = 1 << 5;

/** A `struct pa_handle *`. */
export type Handle = bigint;
type Records = Uint8Array | null;

export interface Library {
  readonly open: (spec: string, handle: BigUint64Array) => number;
  readonly close: (handle: Handle) => void;
  readonly lastError: (handle: Handle | null) => string;
  readonly errnoText: (error: number) => string;
  readonly capabilities: (handle: Handle, out: Uint8Array) => number;
  readonly ports: (handle: Handle, out: Records, capacity: number, needed: Uint32Array) => number;
  readonly portSet: (handle: Handle, settings: Uint8Array, count: number) => number;
  readonly vlans: (handle: Handle, out: Records, capacity: number, needed: Uint32Array) => number;
  readonly vlanSet: (handle: Handle, changes: Uint8Array, count: number) => number;
  readonly linkSet: (handle: Handle, settings: Uint8Array, count: number) => number;
  readonly grant: (handle: Handle, keys: Uint8Array, count: number) => number;
  readonly revoke: (handle: Handle, keys: Uint8Array, count: number) => number;
  readonly watch: (handle: Handle, keys: Uint8Array, count: number) => number;
  readonly tableDump: (handle: Handle, out: Records, capacity: number, needed: Uint32Array) => number;
  readonly inject: (
    handle: Handle,
    frames: Uint8Array,
    count: number,
    octets: Uint8Array,
    size: number,
  ) => number;
  readonly l3Open: (handle: Handle, ingress: string, exempt: Uint8Array, count: number) => number;
  readonly l3Add: (handle: Handle, set: number, addresses: Uint8Array, count: number) => number;
  readonly l3Remove: (handle: Handle, set: number, addresses: Uint8Array, count: number) => number;
  readonly l3List: (
    handle: Handle,
    set: number,
    out: Uint8Array,
    capacity: number,
    needed: Uint32Array,
  ) => number;
  readonly wakeFd: (handle: Handle) => number;
  readonly events: (handle: Handle, out: Uint8Array, capacity: number) => number;
  /** A function of the library by its C declaration; throws if there is none. */
  readonly declare: (definition: string) => (...args: readonly unknown[]) => unknown;
}

/** Throws koffi's error if the file cannot be loaded, and one of ours if its ABI is another. */
export function loadLibrary(path: string): Library {
  const native = koffi.load(path);
  const version: unknown = native.func('uint32_t pa_abi_version()')();
  if (version !== ABI_VERSION)
    throw new Error(`it has ABI version ${String(version)}, this agent needs version ${ABI_VERSION}`);
  return {
    open: native.func('int pa_open(const char *spec, void *handle)'),
    close: native.func('void pa_close(void *handle)'),
    lastError: native.func('const char *pa_last_error(void *handle)'),
    errnoText: native.func('const char *pa_errno_text(int error)'),
    capabilities: native.func('int pa_capabilities(void *handle, void *out)'),
    ports: native.func('int pa_ports(void *handle, void *out, uint32_t capacity, void *needed)'),
    portSet: native.func('int pa_port_set(void *handle, void *settings, uint32_t count)'),
    vlans: native.func('int pa_vlans(void *handle, void *out, uint32_t capacity, void *needed)'),
    vlanSet: native.func('int pa_vlan_set(void *handle, void *changes, uint32_t count)'),
    linkSet: native.func('int pa_link_set(void *handle, void *settings, uint32_t count)'),
    grant: native.func('int pa_grant(void *handle, void *keys, uint32_t count)'),
    revoke: native.func('int pa_revoke(void *handle, void *keys, uint32_t count)'),
    watch: native.func('int pa_watch(void *handle, void *keys, uint32_t count)'),
    tableDump: native.func('int pa_table_dump(void *handle, void *out, uint32_t capacity, void *needed)'),
    inject: native.func(
      'int pa_inject(void *handle, void *frames, uint32_t count, void *octets, uint32_t size)',
    ),
    l3Open: native.func('int pa_l3_open(void *handle, const char *ingress, void *exempt, uint32_t count)'),
    l3Add: native.func('int pa_l3_add(void *handle, uint32_t set, void *addresses, uint32_t count)'),
    l3Remove: native.func('int pa_l3_remove(void *handle, uint32_t set, void *addresses, uint32_t count)'),
    l3List: native.func(
      'int pa_l3_list(void *handle, uint32_t set, void *out, uint32_t capacity, void *needed)',
    ),
    wakeFd: native.func('int pa_wake_fd(void *handle)'),
    events: native.func('int pa_events(void *handle, void *out, uint32_t capacity)'),
    declare: (definition) => native.func(definition),
  };
}

/** A record buffer and its view; `grow` keeps nothing of what was in it. */
export class RecordBuffer {
  bytes: Uint8Array;
  view: DataView;

  constructor(
    private readonly recordOctets: number,
    private records: number,
  ) {
    this.bytes = new Uint8Array(recordOctets * records);
    this.view = new DataView(this.bytes.buffer);
  }

  get capacity(): number {
    return this.records;
  }

  grow(records: number): void {
    if (records <= this.records) return;
    this.records = records;
    this.bytes = new Uint8Array(this.recordOctets * records);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** A NUL-terminated name of at most 16 octets. */
export function readName(bytes: Uint8Array, at: number): string {
  let name = '';
  for (let i = at; i < at + 16 && bytes[i]; i++) name += String.fromCharCode(bytes[i] ?? 0);
  return name;
}

/** Writes `struct pa_key`, without its result. */
export function writeKey(buffer: RecordBuffer, index: number, key: GrantKey, ifindex: number): void {
  const at = index * KEY_OCTETS;
  for (let i = 0; i < 6; i++) {
    buffer.bytes[at + i] = (hexDigit(key.mac, 3 * i) << 4) | hexDigit(key.mac, 3 * i + 1);
  }
  buffer.view.setUint16(at + 6, key.vlan, true);
  buffer.view.setUint32(at + KEY_IFINDEX, ifindex, true);
  buffer.view.setInt32(at + KEY_RESULT, 0, true);
}

/** Writes `struct pa_address`, without its result. */
export function writeAddress(buffer: RecordBuffer, index: number, ip: Ip): void {
  const at = index * ADDRESS_OCTETS;
  buffer.bytes.fill(0, at, at + ADDRESS_OCTETS);
  buffer.bytes.set(ipToBytes(ip), at);
  buffer.view.setUint32(at + 16, isIpv4(ip) ? 4 : 6, true);
}

/** `struct pa_address`. */
export function readAddress(buffer: RecordBuffer, index: number): Ip {
  const at = index * ADDRESS_OCTETS;
  return buffer.view.getUint32(at + 16, true) === 4
    ? ipv4FromBytes(buffer.bytes, at)
    : ipv6FromBytes(buffer.bytes, at);
}

/** Writes `struct pa_vlan`, without its result. */
export function writeVlan(
  buffer: RecordBuffer,
  index: number,
  { vlan, member }: VlanChange,
  ifindex: number,
): void {
  const at = index * VLAN_OCTETS;
  const flags =
    member === undefined
      ? VLAN_ABSENT
      : (member.pvid ? VLAN_PVID : 0) | (member.untagged ? VLAN_UNTAGGED : 0);
  buffer.view.setUint32(at, ifindex, true);
  buffer.view.setUint16(at + 4, vlan, true);
  buffer.view.setUint16(at + 6, flags, true);
  buffer.view.setInt32(at + VLAN_RESULT, 0, true);
}

/** `struct pa_vlan`. */
export function readVlan(
  buffer: RecordBuffer,
  index: number,
): { readonly ifindex: number; readonly member: VlanMember } {
  const at = index * VLAN_OCTETS;
  const flags = buffer.view.getUint16(at + 6, true);
  return {
    ifindex: buffer.view.getUint32(at, true),
    member: {
      vlan: buffer.view.getUint16(at + 4, true),
      pvid: (flags & VLAN_PVID) !== 0,
      untagged: (flags & VLAN_UNTAGGED) !== 0,
    },
  };
}

/** Of a lower-case digit, as a Mac has them. Restoring 10,000 grants makes no 60,000 substrings. */
function hexDigit(mac: Mac, at: number): number {
  const code = mac.charCodeAt(at);
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

/** `struct pa_port`. */
export function readPort(buffer: RecordBuffer, index: number): PortFacts {
  const at = index * PORT_OCTETS;
  return portFacts({
    name: readName(buffer.bytes, at + 8),
    index: buffer.view.getUint32(at, true),
    flags: buffer.view.getUint32(at + 4, true),
    address: macFromBytes(buffer.bytes, at + 24),
    linkChanges: buffer.view.getUint32(at + 64, true),
  });
}

function portFacts(port: {
  readonly name: string;
  readonly index: number;
  readonly flags: number;
  readonly address: Mac;
  readonly linkChanges: number;
}): PortFacts {
  return {
    name: port.name as PortName,
    index: port.index,
    address: port.address,
    linkChanges: port.linkChanges,
    adminUp: (port.flags & PORT_ADMIN_UP) !== 0,
    linkUp: (port.flags & PORT_LINK_UP) !== 0,
    locked: (port.flags & PORT_LOCKED) !== 0,
    learning: (port.flags & PORT_LEARNING) !== 0,
    mab: (port.flags & PORT_MAB) !== 0,
    unflooded: (port.flags & PORT_UNFLOODED) !== 0,
  };
}

/**
 * `struct pa_event`. `nameOf` supplies a port's name where the record has none. Undefined for a type that this
 * agent does not know, and for an entry of a port that has no name any more.
 */
export function readEvent(
  buffer: RecordBuffer,
  index: number,
  nameOf: (ifindex: number) => PortName | undefined,
): DataplaneEvent | undefined {
  const at = index * EVENT_OCTETS;
  const ifindex = buffer.view.getUint32(at + 4, true);
  const mac = macFromBytes(buffer.bytes, at + 14);
  const ownName = readName(buffer.bytes, at + 20);
  const name = ownName === '' ? nameOf(ifindex) : (ownName as PortName);
  const facts = (): PortFacts =>
    portFacts({
      name: name ?? '',
      index: ifindex,
      flags: buffer.view.getUint32(at + 8, true),
      address: mac,
      linkChanges: buffer.view.getUint32(at + 36, true),
    });
  const type = EVENT_TYPES[buffer.view.getUint32(at, true)];
  switch (type) {
    case undefined:
      return undefined;
    case 'port-added':
    case 'port-changed':
      return { type, port: facts() };
    case 'port-gone':
      return name === undefined ? undefined : { type, name };
    case 'vlans-changed':
      return name === undefined ? undefined : { type, port: name };
    case 'mab-candidate':
    case 'open-entry':
    case 'entry-active':
    case 'entry-gone':
      if (name === undefined) return undefined;
      return { type, key: { mac, port: name, vlan: buffer.view.getUint16(at + 12, true) } };
    case 'overrun':
    case 'bridge-back':
      return { type };
    case 'bridge-gone':
      return ownName === '' ? { type } : { type, renamed: ownName };
  }
}

/** By the numbers of `enum pa_event_type`. */
const EVENT_TYPES: readonly (DataplaneEvent['type'] | undefined)[] = [
  undefined,
  'port-added',
  'port-changed',
  'port-gone',
  'mab-candidate',
  'open-entry',
  'entry-active',
  'entry-gone',
  'overrun',
  'bridge-gone',
  'bridge-back',
  'vlans-changed',
];
