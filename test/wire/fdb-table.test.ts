import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Mac, macFromBytes, macToNumber } from '../../src/base/mac.ts';
import {
  decodeEntries,
  ENTRY_DYNAMIC,
  ENTRY_LOCAL,
  ENTRY_LOCKED,
  ENTRY_STATIC,
  ENTRY_STICKY,
  encodeEntries,
  forEachEntry,
  isGrant,
  isOpenEntry,
  TABLE_RECORD_OCTETS,
  type TableEntry,
} from '../../src/wire/fdb-table.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const entry: fc.Arbitrary<TableEntry> = fc.record({
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes)),
  vlan: fc.integer({ min: 0, max: 0xffff }),
  ifindex: u32,
  flags: u32,
  idleMs: u32,
  usedMs: u32,
});

function visited(records: Uint8Array): readonly (readonly number[])[] {
  const out: number[][] = [];
  forEachEntry(records, (...fields) => out.push(fields));
  return out;
}

describe('table records', () => {
  it('are laid out as the native header says', () => {
    const [record] = [
      encodeEntries([
        {
          mac: '02:a1:b2:c3:d4:e5' as Mac,
          vlan: 0x0102,
          ifindex: 0x03040506,
          flags: 0x0708090a,
          idleMs: 0x0b0c0d0e,
          usedMs: 0x0f101112,
        },
      ]),
    ];
    expect(Array.from(record ?? [])).toEqual([
      ...[0x02, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0x02, 0x01],
      ...[0x06, 0x05, 0x04, 0x03, 0x0a, 0x09, 0x08, 0x07],
      ...[0x0e, 0x0d, 0x0c, 0x0b, 0x12, 0x11, 0x10, 0x0f],
    ]);
  });

  it('come back as they were written, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const records = encodeEntries(entries);
        expect(records.length).toBe(entries.length * TABLE_RECORD_OCTETS);
        expect(decodeEntries(records)).toEqual(entries);
        expect(visited(records)).toEqual(
          entries.map((one) => [macToNumber(one.mac), one.vlan, one.ifindex, one.flags, one.idleMs]),
        );
      }),
    );
  });

  it('that are cut short are not visited', () => {
    const records = encodeEntries([
      { mac: '02:00:00:00:00:01' as Mac, vlan: 0, ifindex: 1, flags: 0, idleMs: 0, usedMs: 0 },
      { mac: '02:00:00:00:00:02' as Mac, vlan: 0, ifindex: 1, flags: 0, idleMs: 0, usedMs: 0 },
    ]);
    for (let cut = 0; cut < TABLE_RECORD_OCTETS; cut++) {
      expect(visited(records.subarray(0, TABLE_RECORD_OCTETS + cut))).toHaveLength(1);
    }
    expect(visited(new Uint8Array(0))).toHaveLength(0);
  });

  it('are read from a view that does not begin its buffer', () => {
    const inner = encodeEntries([
      { mac: 'fe:ff:ff:ff:ff:ff' as Mac, vlan: 1, ifindex: 2, flags: 3, idleMs: 4, usedMs: 5 },
    ]);
    const outer = new Uint8Array(40).fill(0xaa);
    outer.set(inner, 7);
    expect(visited(outer.subarray(7, 7 + TABLE_RECORD_OCTETS))).toEqual([[0xfeffffffffff, 1, 2, 3, 4]]);
  });
});

describe('kinds of entries', () => {
  it('a grant is static and sticky, and not an own address', () => {
    expect(isGrant(ENTRY_STATIC | ENTRY_STICKY)).toBe(true);
    expect(isGrant(ENTRY_STATIC)).toBe(false);
    expect(isGrant(ENTRY_STATIC | ENTRY_STICKY | ENTRY_LOCAL)).toBe(false);
  });

  it('an open entry is learnt and not locked', () => {
    expect(isOpenEntry(ENTRY_DYNAMIC)).toBe(true);
    expect(isOpenEntry(ENTRY_DYNAMIC | ENTRY_LOCKED)).toBe(false);
    expect(isOpenEntry(ENTRY_STATIC | ENTRY_STICKY)).toBe(false);
  });
});
