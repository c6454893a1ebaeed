// The store on media that take nothing: a tiny tmpfs, a read-only one.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { erasing } from '../../src/accounting/spool.ts';
import { openStore } from '../../src/io/store/store.ts';
import { refs, Stores, start, stored } from '../rigs/stores.ts';

const stores = new Stores();

describe('where nothing can be written', () => {
  it('no room: said once, kept, and written when there is room again', async () => {
    mkdirSync(path.join(stores.folder, 'small'));
    const small = path.join(stores.folder, 'small');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', small]);
    try {
      const { store } = stores.begin(small);
      let ref = 0;
      let failure: string | undefined;
      while (failure === undefined && ref < 5000) failure = await stored(store, ++ref, start(`s${ref}`));
      expect(failure).toContain('there is no room left');
      const inMemory = ref;
      for (let i = 0; i < 20; i++) expect(await stored(store, ++ref, start(`s${ref}`))).toBe(failure);
      store.write([erasing(inMemory + 1)]);
      expect(stores.statuses.filter(({ state }) => state === 'failing')).toHaveLength(1);
      expect(stores.statuses.at(-1)?.warnings[0]).toContain('kept in memory until it can be');
      execFileSync('mount', ['-o', 'remount,size=4m', small]);
      // At its end it tries once more, without waiting for its turn.
      await stores.end(store);
      expect(stores.statuses.at(-1)).toMatchObject({ state: 'durable', warnings: [] });
      const { store: next, content } = stores.begin(small);
      const all = Array.from({ length: ref }, (_, i) => i + 1).filter((each) => each !== inMemory + 1);
      expect(refs(content)).toEqual(all);
      await stores.end(next);
    } finally {
      await stores.closeAll();
      execFileSync('umount', [small]);
    }
  }, 30_000);

  it('a read-only medium: the folder and the reason are named', () => {
    const medium = path.join(stores.folder, 'medium');
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
