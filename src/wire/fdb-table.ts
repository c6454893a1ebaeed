// The packed table records of the native ABI (`struct pa_entry` in native/include/portauth.h): 24 octets each,
// little-endian. Read by plain arithmetic without an allocation per record, since every sweep reads all of them.

import { type Mac, macFromBytes } from '../base/mac.ts';

export const TABLE_RECORD_OCTETS = 24;

const MAC = 0;
const VLAN = 6;
const IFINDEX = 8;
const FLAGS = 12;
const IDLE_MS = 16;
const USED_MS = 20;

/** Does not age. A grant is static and sticky. */
export const ENTRY_STATIC = 1 << 0;
/** Does not move to another port. */
export const ENTRY_STICKY = 1 << 1;
/** A MAB candidate: known to the kernel, but may not send. */
export const ENTRY_LOCKED = 1 << 2;
/** Learnt. Without ENTRY_LOCKED on a locked port: an open entry, which must not be. */
export const ENTRY_DYNAMIC = 1 << 3;
/** Learnt by hardware or by another controller. */
export const ENTRY_EXTERN_LEARN = 1 << 4;
/** The bridge's or a port's own address. */
export const ENTRY_LOCAL = 1 << 5;

/** True of what this agent, or one before it, wrote as a grant. */
export function isGrant(flags: number): boolean {
  return (flags & (ENTRY_STATIC | ENTRY_STICKY | ENTRY_LOCAL)) === (ENTRY_STATIC | ENTRY_STICKY);
}

/** True of an entry that lets its MAC through without a grant: learnt, and not locked. */
export function isOpenEntry(flags: number): boolean {
  return (flags & (ENTRY_DYNAMIC | ENTRY_LOCKED)) === ENTRY_DYNAMIC;
}

/** True of a MAC that the kernel has seen on a locked port, and that may not send: a MAB candidate. */
export function isCandidate(flags: number): boolean {
  return (flags & (ENTRY_LOCKED | ENTRY_LOCAL | ENTRY_STATIC)) === ENTRY_LOCKED;
}

/**
 * `mac48` as base/mac.ts macToNumber; `idleMs` since the last frame from this MAC (steps of 10 ms). An incomplete
 * record at the end is not visited.
 */
export function forEachEntry(
  records: Uint8Array,
  visit: (mac48: number, vlan: number, ifindex: number, flags: number, idleMs: number) => void,
): void {
  const end = records.length - TABLE_RECORD_OCTETS;
  for (let at = 0; at <= end; at += TABLE_RECORD_OCTETS) {
    const high = ((records[at + MAC] ?? 0) << 8) | (records[at + MAC + 1] ?? 0);
    const low =
      (((records[at + MAC + 2] ?? 0) << 24) |
        ((records[at + MAC + 3] ?? 0) << 16) |
        ((records[at + MAC + 4] ?? 0) << 8) |
        (records[at + MAC + 5] ?? 0)) >>>
      0;
    visit(
      high * 0x1_0000_0000 + low,
      (records[at + VLAN] ?? 0) | ((records[at + VLAN + 1] ?? 0) << 8),
      u32(records, at + IFINDEX),
      u32(records, at + FLAGS),
      u32(records, at + IDLE_MS),
    );
  }
}

function u32(records: Uint8Array, at: number): number {
  return (
    ((records[at] ?? 0) |
      ((records[at + 1] ?? 0) << 8) |
      ((records[at + 2] ?? 0) << 16) |
      ((records[at + 3] ?? 0) << 24)) >>>
    0
  );
}

/** One record as an object: for tests and for people; a sweep uses forEachEntry. */
export interface TableEntry {
  readonly mac: Mac;
  readonly vlan: number;
  readonly ifindex: number;
  readonly flags: number;
  readonly idleMs: number;
  /** Since the last frame from or to this MAC: no evidence of presence. */
  readonly usedMs: number;
}

export function encodeEntries(entries: readonly TableEntry[]): Uint8Array {
  const records = new Uint8Array(entries.length * TABLE_RECORD_OCTETS);
  const view = new DataView(records.buffer);
  entries.forEach((entry, index) => {
    const at = index * TABLE_RECORD_OCTETS;
    for (let i = 0; i < 6; i++)
      records[at + MAC + i] = Number.parseInt(entry.mac.slice(3 * i, 3 * i + 2), 16);
    view.setUint16(at + VLAN, entry.vlan, true);
    view.setUint32(at + IFINDEX, entry.ifindex, true);
    view.setUint32(at + FLAGS, entry.flags, true);
    view.setUint32(at + IDLE_MS, entry.idleMs, true);
    view.setUint32(at + USED_MS, entry.usedMs, true);
  });
  return records;
}

export function decodeEntries(records: Uint8Array): readonly TableEntry[] {
  const entries: TableEntry[] = [];
  for (let at = 0; at + TABLE_RECORD_OCTETS <= records.length; at += TABLE_RECORD_OCTETS) {
    entries.push({
      mac: macFromBytes(records, at + MAC),
      vlan: (records[at + VLAN] ?? 0) | ((records[at + VLAN + 1] ?? 0) << 8),
      ifindex: u32(records, at + IFINDEX),
      flags: u32(records, at + FLAGS),
      idleMs: u32(records, at + IDLE_MS),
      usedMs: u32(records, at + USED_MS),
    });
  }
  return entries;
}
