// Accounting stores of one test: opened in a folder of its own, and closed and removed with it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type SpoolContent, storing } from '../../src/accounting/spool.ts';
import type { SpoolStatus } from '../../src/agent/ports.ts';
import type { WallTime } from '../../src/base/time.ts';
import { openStore, type Store } from '../../src/io/store/store.ts';
import type { AcctRecord } from '../../src/model/acct.ts';
import { subject } from './accounting-path.ts';

export const AT = Date.UTC(2026, 0, 1) as WallTime;

type Opened = Extract<ReturnType<typeof openStore>, { readonly ok: true }>['value'];

export class Stores {
  folder = '';
  /** As the store has told them. */
  statuses: SpoolStatus[] = [];
  private readonly open: Store[] = [];

  /** Called once by a test file, at its top: each of its tests has a new folder. */
  constructor() {
    beforeEach(() => {
      this.folder = mkdtempSync(path.join(tmpdir(), 'rollcall-store-'));
      this.statuses = [];
    });
    afterEach(async () => {
      await this.closeAll();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** As at the agent's start. */
  begin(where = this.folder): Opened {
    const opened = openStore(where, (status) => this.statuses.push(status));
    if (!opened.ok) throw new Error(opened.error);
    this.open.push(opened.value.store);
    return opened.value;
  }

  async end(store: Store): Promise<void> {
    this.open.splice(this.open.indexOf(store), 1);
    await store.close();
  }

  async closeAll(): Promise<void> {
    for (const store of this.open.splice(0)) await store.close();
  }
}

export function start(id: string): Extract<AcctRecord, { kind: 'start' }> {
  return { kind: 'start', eventTime: AT, subject: subject(id) };
}

export function stop(id: string): AcctRecord {
  return { kind: 'stop', eventTime: AT, subject: subject(id), sessionTimeS: 1, cause: 'port-down' };
}

/** Why it is not durable, when that is known. */
export function stored(store: Store, ref: number, record: AcctRecord): Promise<string | undefined> {
  return new Promise((resolve) => store.write(storing({ ref, record }), resolve));
}

export function refs({ records }: SpoolContent): readonly number[] {
  return records.map(({ ref }) => ref);
}
