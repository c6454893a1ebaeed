// Files of LMDB that are shorter than their meta page says: those that are whole all the same, and those that are cut.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreFile } from '../../src/io/store/store-file.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';

const PAGE = 4096;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;

let folder: string;
const file = () => path.join(folder, 'accounting.mdb');
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rollcall-pages-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function opened() {
  return open<Uint8Array, string>({
    path: file(),
    noSubdir: true,
    encoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
  });
}

/** By the newer of the two meta pages. */
function octetsBySelf(): number {
  const octets = readFileSync(file());
  const [first, second] = [0, PAGE].map((meta) => ({
    transaction: octets.readBigUInt64LE(meta + TRANSACTION_AT),
    pages: Number(octets.readBigUInt64LE(meta + LAST_PAGE_AT)) + 1,
  }));
  if (first === undefined || second === undefined) throw new Error('two pages');
  return (first.transaction > second.transaction ? first : second).pages * PAGE;
}

describe('a file that is shorter than it says', () => {
  it('because LMDB did not write what it gave back at once: is whole, after every commit of 60 stores', async () => {
    let shorter = 0;
    for (let store = 0; store < 60; store++) {
      const random = new SeededRandom(store);
      const database = opened();
      const kept: string[] = [];
      let next = 1;
      for (let commit = 1; commit <= 15; commit++) {
        await database.batch(() => {
          const growth = random.below(100);
          for (let changes = 1 + random.below(60); changes > 0; changes--) {
            if (random.below(100) < growth || kept.length === 0) {
              const key = `${random.below(2) === 1 ? 'r' : 's'}${(next++).toString(16).padStart(12, '0')}`;
              kept.push(key);
              void database.put(key, Buffer.alloc(200 + random.below(400)));
            } else {
              const [key = ''] = kept.splice(random.below(3) > 0 ? 0 : random.below(kept.length), 1);
              void database.remove(key);
            }
          }
        });
        if (statSync(file()).size < octetsBySelf()) shorter++;
        expect(new StoreFile(folder).faults(), `store ${store}, commit ${commit}`).toEqual({});
      }
      await database.close();
      rmSync(file());
    }
    expect(shorter).toBeGreaterThan(0);
  }, 60_000);

  it('because it was cut: is damaged from the last page in use on, and whole up to there', async () => {
    const database = opened();
    const other = database.openDB<Uint8Array, string>({ name: 'certified', encoding: 'binary' });
    await database.batch(() => {
      for (let n = 0; n < 300; n++) {
        // Some larger than a page, which have pages of their own.
        void database.put(`r${n}`, Buffer.alloc(n % 9 === 0 ? 6000 : 300));
        void other.put(`c${n}`, Buffer.alloc(60));
      }
    });
    await database.batch(() => {
      for (let n = 200; n < 300; n++) void database.remove(`r${n}`);
    });
    await database.close();
    copyFileSync(file(), `${file()}.whole`);
    const verdicts: boolean[] = [];
    for (let pages = 2; pages * PAGE <= statSync(`${file()}.whole`).size; pages++) {
      copyFileSync(`${file()}.whole`, file());
      truncateSync(file(), pages * PAGE);
      const { accounting: damage } = new StoreFile(folder).faults();
      if (damage !== undefined)
        expect(damage).toMatch(/^it is cut short: \d+ of \d+ octets, and page \d+ of \d+ is in use$/);
      verdicts.push(damage === undefined);
    }
    const first = verdicts.indexOf(true);
    expect(verdicts.slice(first)).not.toContain(false);
    expect(first).toBeGreaterThan(50);
    // The shortest that passes is read to its end.
    truncateSync(file(), (first + 2) * PAGE);
    const again = opened();
    expect(again.getKeysCount({})).toBe(201);
    expect(again.openDB({ name: 'certified', encoding: 'binary' }).getKeysCount({})).toBe(300);
    await again.close();
  });
});
