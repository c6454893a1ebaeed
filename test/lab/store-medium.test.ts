// The store on media that take nothing: a tiny tmpfs, a read-only one.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { erasing, type SpoolContent, storing } from '../../src/accounting/spool.ts';
import type { SpoolStatus } from '../../src/agent/ports.ts';
import type { WallTime } from '../../src/base/time.ts';
import { openStore, type Store } from '../../src/io/store.ts';
import type { AcctRecord } from '../../src/model/acct.ts';
import { subject } from '../rigs/accounting-path.ts';

const AT = Date.UTC(2026, 0, 1) as WallTime;

function start(id: string): Extract<AcctRecord, { kind: 'start' }> {
  return { kind: 'start', eventTime: AT, subject: subject(id) };
}

let folder: string;
let statuses: SpoolStatus[];
const open: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rollcall-store-'));
  statuses = [];
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As at the agent's start. */
function begin(where = folder): {
  readonly store: Store;
  readonly content: SpoolContent;
  readonly status: SpoolStatus;
} {
  const opened = openStore(where, (status) => statuses.push(status));
  if (!opened.ok) throw new Error(opened.error);
  open.push(opened.value.store);
  return opened.value;
}

async function end(store: Store): Promise<void> {
  open.splice(open.indexOf(store), 1);
  await store.close();
}

function stored(store: Store, ref: number, record: AcctRecord): Promise<string | undefined> {
  return new Promise((resolve) => store.write(storing({ ref, record }), resolve));
}

function refs({ records }: SpoolContent): readonly number[] {
  return records.map(({ ref }) => ref);
}

describe('where nothing can be written', () => {
  it('no room: said once, kept, and written when there is room again', async () => {
    mkdirSync(path.join(folder, 'small'));
    const small = path.join(folder, 'small');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', small]);
    try {
      const { store } = begin(small);
      let ref = 0;
      let failure: string | undefined;
      while (failure === undefined && ref < 5000) failure = await stored(store, ++ref, start(`s${ref}`));
      expect(failure).toContain('there is no room left');
      const inMemory = ref;
      for (let i = 0; i < 20; i++) expect(await stored(store, ++ref, start(`s${ref}`))).toBe(failure);
      store.write([erasing(inMemory + 1)]);
      expect(statuses.filter(({ state }) => state === 'failing')).toHaveLength(1);
      expect(statuses.at(-1)?.warnings[0]).toContain('kept in memory until it can be');
      execFileSync('mount', ['-o', 'remount,size=4m', small]);
      // At its end it tries once more, without waiting for its turn.
      await end(store);
      expect(statuses.at(-1)).toMatchObject({ state: 'durable', warnings: [] });
      const { store: next, content } = begin(small);
      const all = Array.from({ length: ref }, (_, i) => i + 1).filter((each) => each !== inMemory + 1);
      expect(refs(content)).toEqual(all);
      await end(next);
    } finally {
      for (const store of open.splice(0)) await store.close();
      execFileSync('umount', [small]);
    }
  }, 30_000);

  it('a read-only medium: the folder and the reason are named', () => {
    const medium = path.join(folder, 'medium');
    mkdirSync(medium);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', medium]);
    try {
      expect(openStore(medium, () => undefined)).toEqual({
        ok: false,
        error: expect.stringMatching(new RegExp(`^${medium}: .*[Rr]ead-only file system`)),
      });
    } finally {
      execFileSync('umount', [medium]);
    }
  });
});
