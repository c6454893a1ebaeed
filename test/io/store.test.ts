// The real store, in a folder of its own: what is in it after whatever happened to it.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { erasing, keeping } from '../../src/accounting/spool.ts';
import type { SpoolStatus } from '../../src/agent/ports.ts';
import type { Mac } from '../../src/base/mac.ts';
import { openStore, Store } from '../../src/io/store/store.ts';
import { StoreFile } from '../../src/io/store/store-file.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import {
  type CertifiedDevice,
  erasing as erasingDevice,
  readCertified,
  writing as writingDevice,
} from '../../src/policy/certified-codec.ts';
import { erasingEvent, NO_EVENTS } from '../../src/report/event-codec.ts';
import { EventLog } from '../../src/report/events.ts';
import { EVENTS, NOW } from '../report/samples.ts';
import { AT, refs, Stores, start, stop, stored } from '../rigs/stores.ts';

/** Starts and, five behind, Stops, as fast as they become durable; a line for each that is. */
const WRITER = `
import { openStore } from '${path.resolve('src/io/store/store.ts')}';
import { storing } from '${path.resolve('src/accounting/spool.ts')}';
import { subject } from '${path.resolve('test/rigs/accounting-path.ts')}';
const opened = openStore(process.argv[2], () => {});
const { store } = opened.value;
const write = (ref, record) => store.write(storing({ ref, record }), () => process.stdout.write(ref + '\\n'));
let ref = 0;
for (let i = 0; ; i++) {
  write(++ref, { kind: 'start', eventTime: 0, subject: subject('s' + i) });
  if (i >= 5) write(++ref, { kind: 'stop', eventTime: 0, subject: subject('s' + (i - 5)), sessionTimeS: 1, cause: 'drain' });
  if (i % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
}
`;

/** Opens the store as a start of the agent does, and says what there was to be warned about. */
const READER = `
import { openStore } from '${path.resolve('src/io/store/store.ts')}';
const opened = openStore(process.argv[2], () => {});
process.stdout.write(opened.ok ? opened.value.status.warnings.join() : opened.error);
if (process.argv[3] === 'sessions') process.stdout.write(opened.value.content.sessions.length + ' sessions');
if (process.argv[3] === 'certified') process.stdout.write(opened.value.certified.join());
await opened.value?.store.close();
`;

/** The refs that were durable by its own word, before it was killed. */
async function killedWriter(where: string, afterMs: number): Promise<readonly number[]> {
  const child = spawn(process.execPath, [writer, where], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
    said += data.toString();
  });
  await once(child, 'close');
  return said.split('\n').slice(0, -1).map(Number);
}

const writer = path.resolve('node_modules/.cache/rollcall/store-writer.mjs');
const reader = path.resolve('node_modules/.cache/rollcall/store-reader.mjs');
beforeAll(async () => {
  for (const [outfile, contents] of [
    [writer, WRITER],
    [reader, READER],
  ] as const) {
    await build({
      stdin: { contents, resolveDir: process.cwd(), loader: 'ts' },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    });
  }
});

const stores = new Stores();
const FILE = 'accounting.mdb';
const file = (): string => path.join(stores.folder, FILE);
const asides = (): readonly string[] =>
  readdirSync(stores.folder).filter((name) => name.includes('set-aside'));

describe('a store', () => {
  it('is begun where there is none, for nobody else to read, and keeps what it was given', async () => {
    const first = stores.begin(path.join(stores.folder, 'deep/state'));
    expect(first).toMatchObject({ content: { records: [], sessions: [] }, status: { state: 'durable' } });
    expect(await stored(first.store, 1, start('a'))).toBeUndefined();
    expect(await stored(first.store, 2, start('b'))).toBeUndefined();
    first.store.write([erasing(1)]);
    expect(await stored(first.store, 3, stop('a'))).toBeUndefined();
    first.store.write([keeping({ ...start('b'), kind: 'interim', sessionTimeS: 9 })]);
    await stores.end(first.store);
    const modes = execFileSync('stat', ['-c', '%a', path.join(stores.folder, 'deep/state', FILE)]).toString();
    expect(modes.trim()).toBe('600');
    const { content, status } = stores.begin(path.join(stores.folder, 'deep/state'));
    expect(refs(content)).toEqual([2, 3]);
    expect(content.sessions).toMatchObject([
      { kind: 'interim', sessionTimeS: 9, subject: { sessionId: 'b' } },
    ]);
    expect(status.warnings).toEqual([]);
  });

  it('keeps events that wait for the broker, beside accounting and in their order', async () => {
    const { store } = stores.begin();
    const log = new EventLog({ bootId: 'b1' });
    log.open(NO_EVENTS, NOW.mono);
    for (const event of EVENTS) log.record(event, NOW);
    expect(await stored(store, 1, start('a'))).toBeUndefined();
    store.write(log.toStore(NOW.mono, true));
    store.write([erasingEvent(2)]);
    await stores.end(store);
    const { content, events } = stores.begin();
    expect(content).toMatchObject({ records: [{ ref: 1 }], damaged: 0 });
    const [first, , ...others] = EVENTS.map(({ type }) => type);
    expect(events.events.map(({ event }) => event.type)).toEqual([first, ...others]);
    expect(events).toMatchObject({ damaged: [], lastRef: EVENTS.length });
  });

  it('refuses an entry with a key that is too long for LMDB, and stores what else there is', async () => {
    const { store } = stores.begin();
    store.write([{ key: `l${'x'.repeat(2000)}`, value: Uint8Array.of(1) }]);
    store.write([{ key: `l${'x'.repeat(2000)}`, value: null }]);
    store.write([{ key: `l${'y'.repeat(1899)}`, value: Uint8Array.of(1) }]);
    expect(await stored(store, 1, start('a'))).toBeUndefined();
    expect(stores.statuses.flatMap(({ warnings }) => warnings)).toEqual([
      expect.stringMatching(/key "lx+\.\.\." is too long: 1 so far/),
      expect.stringMatching(/is too long: 2 so far/),
    ]);
    await stores.end(store);
    const { content, logins } = stores.begin();
    expect(refs(content)).toEqual([1]);
    expect(logins).toMatchObject([{ login: undefined }]);
  });

  it('takes what one turn wants as one transaction, and thousands of them', async () => {
    const { store } = stores.begin();
    const all = Array.from({ length: 20_000 }, (_, i) => stored(store, i + 1, start(`s${i}`)));
    expect(new Set(await Promise.all(all))).toEqual(new Set([undefined]));
    for (let ref = 1; ref <= 19_990; ref++) store.write([erasing(ref)]);
    await stores.end(store);
    const { content } = stores.begin();
    expect(refs(content)).toEqual([
      19_991, 19_992, 19_993, 19_994, 19_995, 19_996, 19_997, 19_998, 19_999, 20_000,
    ]);
    expect(content.sessions).toHaveLength(20_000);
  });

  it('says when all that it was given before is durable, soon, and at once where there is nothing', async () => {
    const { store } = stores.begin();
    const flushed = () => new Promise<void>((resolve) => store.flushed(resolve));
    await flushed();
    await new Promise(setImmediate);
    let isFlushed = false;
    store.flushed(() => {
      isFlushed = true;
    });
    expect(isFlushed).toBe(true);
    store.write([keeping({ ...start('b'), kind: 'interim', sessionTimeS: 9 })]);
    const before = performance.now();
    await flushed();
    expect(performance.now() - before).toBeLessThan(200);
    const said = execFileSync(process.execPath, [reader, stores.folder, 'sessions'], { encoding: 'utf8' });
    expect(said).toContain('1 sessions');
  });

  it('closed while it writes, it answers whoever has come meanwhile', async () => {
    const { store } = stores.begin();
    const all = Array.from({ length: 20_000 }, (_, i) => stored(store, i + 1, start(`s${i}`)));
    // Its transaction is under way, and nothing else is to be written.
    await new Promise((resolve) => setTimeout(resolve, 30));
    const flushed = new Promise<void>((resolve) => store.flushed(resolve));
    await stores.end(store);
    await flushed;
    expect(new Set(await Promise.all(all))).toEqual(new Set([undefined]));
  });

  it('has everything that was said to be durable, and whole transactions only, after 12 kills', async () => {
    for (let round = 1; round <= 12; round++) {
      const said = await killedWriter(stores.folder, 5 + round * 9);
      const { store, content } = stores.begin();
      const there = new Set(refs(content));
      for (const ref of said) expect(there, `round ${round}`).toContain(ref);
      // Each Start came with its session, each Stop without.
      const sessions = new Set(content.sessions.map(({ subject: { sessionId } }) => sessionId));
      for (const { record } of content.records) {
        const id = 'subject' in record ? record.subject.sessionId : '';
        const ended = content.records.some(
          (other) => other.record.kind === 'stop' && other.record.subject.sessionId === id,
        );
        expect(sessions.has(id)).toBe(!ended);
      }
      await stores.end(store);
      rmSync(stores.folder, { recursive: true });
      mkdirSync(stores.folder);
    }
  }, 60_000);
});

describe('a file that cannot be believed is set aside, and a new one begun', () => {
  async function filled(): Promise<void> {
    const { store } = stores.begin();
    await Promise.all(Array.from({ length: 500 }, (_, i) => stored(store, i + 1, stop(`s${i}`))));
    await stores.end(store);
  }

  it.each([
    [
      'cut short',
      () => truncateSync(file(), 40_960),
      /cut short: 40960 of \d+ octets, and page \d+ of 10 is in use/,
    ],
    ['cut to its first page', () => truncateSync(file(), 4096), /cut short in its first pages/],
    ['a text', () => writeFileSync(file(), 'no database\n'.repeat(1000)), /no LMDB file/],
    ['with a rubbish start', () => overwrite(0), /no LMDB file/],
  ])('%s', async (_, spoil, why) => {
    await filled();
    spoil();
    const { store, content, status } = stores.begin();
    expect(content.records).toEqual([]);
    expect(status.state).toBe('durable');
    expect(status.warnings).toEqual([expect.stringMatching(why)]);
    expect(status.warnings[0]).toMatch(/^the accounting store is set aside as accounting\.mdb\.set-aside-2/);
    expect(asides()).toHaveLength(1);
    expect(await stored(store, 1, start('a'))).toBeUndefined();
    await stores.end(store);
    expect(refs(stores.begin().content)).toEqual([1]);
  });

  it('with pages of rubbish, which LMDB would believe: at the first start, before they are in its hands', async () => {
    await filled();
    overwrite(20);
    // A process of its own: LMDB would copy a key of 23,130 octets into 4 KiB of its heap.
    const { stdout, stderr, status } = spawnSync(process.execPath, [reader, stores.folder], {
      encoding: 'utf8',
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toMatch(/set aside as .*: page 20 makes no sense: its kind$/);
    expect(asides()).toHaveLength(1);
    expect(stores.begin().status.warnings).toEqual([]);
  });

  it('of a newer version of the program', async () => {
    await filled();
    const { store } = stores.begin();
    store.write([{ key: 'v', value: Buffer.from('2') }]);
    await stores.end(store);
    const { content, status } = stores.begin();
    expect(content.records).toEqual([]);
    expect(status.warnings).toEqual([
      expect.stringContaining('it is of layout 2, and this program writes 1'),
    ]);
    expect(asides()).toHaveLength(1);
  });

  it('that has ended the agent three times; not one that was only killed twice', async () => {
    await filled();
    const attempts = path.join(stores.folder, `${FILE}-attempts`);
    writeFileSync(attempts, '..');
    const again = stores.begin();
    expect(again.content.records).toHaveLength(500);
    await stores.end(again.store);
    writeFileSync(attempts, '...');
    const { content, status } = stores.begin();
    expect(content.records).toEqual([]);
    expect(status.warnings).toEqual([expect.stringContaining('reading it ended the agent 3 times')]);
  });

  it('not one that could not be opened at all, as often as that was tried', async () => {
    await filled();
    const attempts = path.join(stores.folder, `${FILE}-attempts`);
    const lock = path.join(stores.folder, `${FILE}-lock`);
    rmSync(lock, { force: true });
    mkdirSync(lock);
    for (let start = 1; start <= 4; start++) {
      expect(openStore(stores.folder, () => undefined)).toEqual({
        ok: false,
        error: expect.stringMatching(/EISDIR.*accounting\.mdb-lock/),
      });
    }
    rmSync(lock, { recursive: true });
    for (const before of ['', '..']) {
      writeFileSync(attempts, before);
      const opening = new StoreFile(stores.folder);
      opening.attempt();
      opening.takeBack();
      expect(existsSync(attempts) ? readFileSync(attempts, 'latin1') : '').toBe(before);
    }
    const { content, status } = stores.begin();
    expect(content.records).toHaveLength(500);
    expect(status.warnings).toEqual([]);
  });

  /** 10 pages from there. */
  function overwrite(page: number): void {
    const octets = readFileSync(file());
    octets.fill(0x5a, page * 4096, (page + 10) * 4096);
    writeFileSync(file(), octets);
  }
});

function device(n: number): CertifiedDevice {
  const mac = `02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`;
  return {
    mac: mac as Mac,
    userName: `u${n}`,
    port: 'p1' as PortName,
    vlan: 0,
    role: 'default',
    method: 'dot1x',
    first: AT,
    last: AT,
  };
}

describe('the list of certified devices', () => {
  it('has a table of its own: neither sees the entries of the other, whatever their keys are', async () => {
    const { store } = stores.begin();
    store.writeCertified([writingDevice(device(1)), writingDevice(device(2)), erasingDevice(device(2).mac)]);
    store.writeCertified([{ key: 'r000000000001', value: Uint8Array.of(1) }]);
    expect(await stored(store, 1, start('a'))).toBeUndefined();
    store.write([erasing(1)]);
    await stores.end(store);
    const { content, certified } = stores.begin();
    expect(content).toMatchObject({ records: [], sessions: [{ subject: { sessionId: 'a' } }], damaged: 0 });
    expect(readCertified(certified)).toMatchObject({ devices: [device(1)], damaged: 1 });
  });

  it('is durable within a moment, whoever kills the agent then', async () => {
    const { store } = stores.begin();
    store.writeCertified([writingDevice(device(1))]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Another process reads what is on disk; this one has not closed it.
    const said = execFileSync(process.execPath, [reader, stores.folder, 'certified'], { encoding: 'utf8' });
    expect(said).toContain(device(1).mac);
  });

  it('takes ten thousand, and gives them back', async () => {
    const { store } = stores.begin();
    store.writeCertified(Array.from({ length: 10_000 }, (_, n) => writingDevice(device(n))));
    await stores.end(store);
    expect(readCertified(stores.begin().certified).devices).toHaveLength(10_000);
  });

  it('that has ended the agent three times costs nothing of accounting, which goes on in a new file', async () => {
    const { store } = stores.begin();
    await stored(store, 1, start('a'));
    store.writeCertified([writingDevice(device(1))]);
    await stores.end(store);
    const attempts = path.join(stores.folder, `${FILE}-attempts`);
    writeFileSync(attempts, '.a..a');
    const again = stores.begin();
    expect(again.status.warnings).toEqual([]);
    expect(readCertified(again.certified).devices).toEqual([device(1)]);
    await stores.end(again.store);
    writeFileSync(attempts, '.a.a.a');
    const next = stores.begin();
    expect(next.status.warnings).toEqual([
      expect.stringMatching(
        /set aside as .*: its list of certified devices: reading it ended the agent 3 times, and what it has of accounting is taken over$/,
      ),
    ]);
    expect([refs(next.content), next.content.sessions.length, next.certified]).toEqual([[1], 1, []]);
    next.store.writeCertified([writingDevice(device(2))]);
    await stores.end(next.store);
    const last = stores.begin();
    expect([refs(last.content), last.content.sessions.length]).toEqual([[1], 1]);
    expect(readCertified(last.certified).devices).toEqual([device(2)]);
    expect(asides()).toHaveLength(1);
  });
});

describe('where nothing can be written', () => {
  /** A store whose folder has become a file: nobody can say how large it is, or what room there is. */
  function withoutPlace(
    batch: () => Promise<unknown>,
    onStatus = (status: SpoolStatus) => void stores.statuses.push(status),
  ) {
    const place = path.join(stores.folder, 'place');
    mkdirSync(place);
    const database = { batch } as unknown as ConstructorParameters<typeof Store>[0];
    const store = new Store(database, new StoreFile(place), onStatus);
    rmSync(place, { recursive: true });
    writeFileSync(place, '');
    return store;
  }

  it('and nobody can say why: whoever waits is told what the system said', async () => {
    const store = withoutPlace(() => Promise.reject(new Error('EIO: it has gone')));
    expect(await stored(store, 1, stop('a'))).toMatch(/accounting\.mdb cannot be written: EIO: it has gone/);
    expect(stores.statuses).toMatchObject([{ state: 'failing' }]);
  });

  it('whoever comes while that is found out waits no longer; it is not well again before something is written', async () => {
    let fail = () => {};
    const store = withoutPlace(
      () =>
        new Promise((_, reject) => {
          fail = () => reject(new Error('EIO: it has gone'));
        }),
    );
    const first = stored(store, 1, start('a'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const flushed = new Promise<void>((resolve) => store.flushed(resolve));
    fail();
    await flushed;
    expect(await first).toMatch(/EIO/);
    expect(stores.statuses).toMatchObject([{ state: 'failing' }]);
  });

  it('and it is written all the same: whoever waits is told', async () => {
    expect(
      await stored(
        withoutPlace(() => Promise.resolve()),
        1,
        stop('a'),
      ),
    ).toBeUndefined();
  });

  it('and whoever is told throws: the others are told too, and the process goes on', async () => {
    const unhandled: unknown[] = [];
    const listener = (cause: unknown): void => void unhandled.push(cause);
    process.on('unhandledRejection', listener);
    const store = withoutPlace(
      () => Promise.reject(new Error('EIO')),
      () => {
        throw new Error('a defect');
      },
    );
    expect(await stored(store, 1, stop('a'))).toMatch(/EIO/);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });

  it('a folder that is a file', () => {
    const place = path.join(stores.folder, 'place');
    writeFileSync(place, '');
    expect(openStore(place, () => undefined)).toEqual({
      ok: false,
      error: expect.stringContaining('EEXIST'),
    });
  });
});
