// Stores whose file is spoiled where LMDB believes it: none reaches LMDB, whose heap and process would bear it.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { open } from 'lmdb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { readCertified, writing } from '../../src/policy/certified-codec.ts';
import { AT, refs, Stores, start, stored } from '../rigs/stores.ts';

const PAGE = 4096;
const FREE_ROOT_AT = 88;
const MAIN_ROOT_AT = 136;
const TRANSACTION_AT = 152;

const program = path.resolve('node_modules/.cache/rollcall/spoiled-stores.mjs');
beforeAll(async () => {
  await build({
    entryPoints: ['test/rigs/spoiled-stores.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
});

const stores = new Stores();
const file = () => path.join(stores.folder, 'accounting.mdb');

/** With all that a file can have: branches, values with pages of their own, a table of its own, free pages. */
async function filled(): Promise<void> {
  const database = open<Uint8Array, string>({
    path: file(),
    noSubdir: true,
    encoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
  });
  const certified = database.openDB<Uint8Array, string>({ name: 'certified', encoding: 'binary' });
  const key = (n: number) => `r${n.toString(16).padStart(12, '0')}`;
  await database.batch(() => {
    void database.put('v', Buffer.from('1'));
    for (let n = 0; n < 400; n++) void database.put(key(n), Buffer.alloc(n % 29 === 0 ? 6000 : 300, 7));
    for (let n = 0; n < 100; n++) void certified.put(`m${n}`, Buffer.alloc(60, 1));
  });
  for (let round = 0; round < 4; round++)
    await database.batch(() => {
      for (let n = round; n < 400; n += 11) void database.remove(key(n));
    });
  await database.close();
}

describe('a file that is spoiled', () => {
  it('in its structure, in 50 ways: ends no process, and what is written then is whole', async () => {
    await filled();
    const child = execFile(process.execPath, [
      program,
      file(),
      path.join(stores.folder, 'spoiled'),
      '1',
      '50',
    ]);
    let [said, complaints] = ['', ''];
    child.stdout?.on('data', (data: string) => {
      said += data;
    });
    child.stderr?.on('data', (data: string) => {
      complaints += data;
    });
    const end = (await once(child, 'close')) as [number | null, string | null];
    const lines = said.split('\n').slice(0, -1);
    expect({ complaints, end, last: lines.at(-1)?.split(' ')[0] }).toEqual({
      complaints: '',
      end: [0, null],
      last: '50',
    });
    expect(lines.filter((line) => !line.endsWith(' {}'))).toEqual([]);
    // Neither everything is set aside, nor nothing: values and pages that are not in use may be anything.
    const whole = lines.filter((line) => line.includes(' whole ')).length;
    expect(whole).toBeGreaterThan(5);
    expect(whole).toBeLessThan(25);
  });

  describe('beside accounting: it is set aside, and what it has of accounting is taken over', () => {
    const device = {
      mac: '02:00:00:00:00:01' as Mac,
      userName: 'u',
      port: 'p1' as PortName,
      vlan: 0,
      role: 'default',
      method: 'dot1x',
      first: AT,
      last: AT,
    } as const;
    beforeEach(async () => {
      const { store } = stores.begin();
      expect(await stored(store, 1, start('a'))).toBeUndefined();
      store.writeCertified([writing(device)]);
      // Another transaction, so that there are free pages.
      expect(await stored(store, 2, start('b'))).toBeUndefined();
      await stores.end(store);
    });

    it.each([
      [
        'the list of certified devices',
        certifiedRoot,
        /its list of certified devices: page \d+ makes no sense/,
      ],
      ['the list of free pages', () => root(FREE_ROOT_AT), /its list of free pages: page \d+ makes no sense/],
    ])('%s', async (_, page, why) => {
      const octets = readFileSync(file());
      octets.fill(0x5a, page() * PAGE, (page() + 1) * PAGE);
      writeFileSync(file(), octets);
      const { store, content, certified, status } = stores.begin();
      expect(status.warnings).toEqual([expect.stringMatching(why)]);
      expect(status.warnings[0]).toMatch(/, and what it has of accounting is taken over$/);
      expect([refs(content), content.sessions.length, certified]).toEqual([[1, 2], 2, []]);
      await stores.end(store);
      const again = stores.begin();
      expect([refs(again.content), again.status.warnings]).toEqual([[1, 2], []]);
    });

    it('nothing: it is read', () => {
      const { content, certified, status } = stores.begin();
      expect([refs(content), readCertified(certified).devices, status.warnings]).toEqual([
        [1, 2],
        [device],
        [],
      ]);
    });
  });
});

/** By the newer meta page. */
function root(at: number): number {
  const octets = readFileSync(file());
  const newer = [0, PAGE].reduce((a, b) =>
    octets.readBigUInt64LE(b + TRANSACTION_AT) > octets.readBigUInt64LE(a + TRANSACTION_AT) ? b : a,
  );
  return Number(octets.readBigUInt64LE(newer + at));
}

/** The description of its tree stands behind its name, which ends with a 0. */
function certifiedRoot(): number {
  const octets = readFileSync(file());
  const page = root(MAIN_ROOT_AT) * PAGE;
  const name = octets.indexOf('certified\0', page);
  if (name < page || name > page + PAGE) throw new Error('the main table is one page');
  return Number(octets.readBigUInt64LE(name + 'certified\0'.length + 40));
}
