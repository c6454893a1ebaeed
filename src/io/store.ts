// The store on disk: what accounting must not lose, in one LMDB file of `state_dir`.
//
// Writes gather for a few milliseconds, or for as long as the commit before them takes, and become one transaction; `done`
// is called when it is durable. Durable means: LMDB has written the pages, fdatasync has returned, and the meta page that
// makes them count was written through (O_DSYNC). What is killed or loses power at any moment finds the last whole
// transaction. `overlappingSync`, the package's default, would call a commit done before it is on the disk: it is off.
//
// What cannot be written (no room, a medium that fails) is told at once, and kept here to be written when it can be, so
// that the disk says the truth again then. Kept are at most as many changes as the journal has records.

import { chmodSync, mkdirSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Database, RootDatabase } from 'lmdb';
import { EMPTY_SPOOL, readSpool, type SpoolChange, type SpoolContent } from '../accounting/spool.ts';
import type { SpoolStatus } from '../agent/ports.ts';
import { err, ok, type Result } from '../base/result.ts';
import { StoreFile } from './store-file.ts';

/** Of what is in the file, not of LMDB's own. */
const LAYOUT = '1';
const LAYOUT_KEY = 'v';
/** Company for a write that somebody waits for, and for one that nobody does. */
const GATHER_MS = 5;
const GATHER_IDLY_MS = 250;
const RETRY_MS = 10_000;
const REASON_WITHIN_MS = 1000;
const LITTLE_ROOM = 128 * 1024;

type Done = (error?: string) => void;
type Lmdb = RootDatabase<Uint8Array, string>;

interface Pending {
  readonly value: Uint8Array | null;
  readonly isNew: boolean;
}

export interface OpenedStore {
  readonly store: Store;
  readonly content: SpoolContent;
  readonly status: SpoolStatus;
}

/** What is damaged, or of a newer version, is set aside, and a new one begun: `status` has a warning then. */
export function openStore(
  folder: string,
  onStatus: (status: SpoolStatus) => void,
): Result<OpenedStore, string> {
  const warnings: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    const file = new StoreFile(folder);
    let damage = file.damage();
    for (;;) {
      if (damage !== undefined) {
        warnings.push(`the accounting store is set aside as ${file.setAside(new Date())}: ${damage}`);
      }
      const read = readDatabase(file);
      if (!read.ok && damage === undefined) {
        damage = read.error;
        continue;
      }
      if (!read.ok) return err(read.error);
      const { database, content } = read.value;
      const store = new Store(database, file, onStatus);
      // With the first transaction.
      store.write([{ key: LAYOUT_KEY, value: Buffer.from(LAYOUT, 'latin1') }]);
      return ok({ store, content, status: { state: 'durable', octets: file.octets, warnings } });
    }
  } catch (cause) {
    return err(`${folder}: ${words(cause)}`);
  }
}

/** An error is about what is in the file; that it cannot be opened at all is thrown. */
function readDatabase(
  file: StoreFile,
): Result<{ readonly database: Lmdb; readonly content: SpoolContent }, string> {
  file.tryToOpen();
  file.attempt();
  try {
    return readOpened(openDatabase(file), file);
  } catch (cause) {
    file.takeBack();
    throw cause;
  }
}

function openDatabase(file: StoreFile): Lmdb {
  const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');
  return open({
    path: file.path,
    noSubdir: true,
    encoding: 'binary',
    overlappingSync: false,
    // Only what is in one `batch` must be in one transaction.
    eventTurnBatching: false,
    maxReaders: 8,
  });
}

function readOpened(
  database: Lmdb,
  file: StoreFile,
): Result<{ readonly database: Lmdb; readonly content: SpoolContent }, string> {
  try {
    chmodSync(file.path, 0o600);
    const content = contentOf(database);
    if (content.ok) {
      file.readWhole();
      return ok({ database, content: content.value });
    }
    void database.close();
    return content;
  } catch (cause) {
    void database.close();
    throw cause;
  }
}

function contentOf(database: Lmdb): Result<SpoolContent, string> {
  try {
    return readContent(database);
  } catch (cause) {
    return err(`it cannot be read: ${words(cause)}`);
  }
}

function readContent(database: Lmdb): Result<SpoolContent, string> {
  const entries: [string, Uint8Array][] = [];
  let layout: string | undefined;
  for (const { key, value } of database.getRange({})) {
    if (key === LAYOUT_KEY) layout = Buffer.from(value).toString('latin1');
    // The package hands out memory that it uses again.
    else entries.push([key, new Uint8Array(value)]);
  }
  const { entryCount } = database.getStats() as { readonly entryCount: number };
  const found = entries.length + (layout === undefined ? 0 : 1);
  if (found !== entryCount) return err(`it has ${found} of its ${entryCount} entries`);
  if (found === 0) return ok(EMPTY_SPOOL);
  if (layout !== LAYOUT)
    return err(`it is of layout ${layout ?? 'unknown'}, and this program writes ${LAYOUT}`);
  return ok(readSpool(entries));
}

export class Store {
  private pending = new Map<string, Pending>();
  private waiting: Done[] = [];
  private committing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  /** Why, and when it is tried again. */
  private failing: string | undefined;
  private retryAt = 0;
  private octets: number;
  private closed = false;

  constructor(
    private readonly database: Database<Uint8Array, string>,
    private readonly file: StoreFile,
    private readonly onStatus: (status: SpoolStatus) => void,
  ) {
    this.octets = file.octets;
  }

  /** All of one call are in one transaction. With `done` soon, without when there is company. */
  write(changes: readonly SpoolChange[], done?: Done): void {
    for (const change of changes) {
      const { key, value, isNew = false } = change;
      this.merge(key, { value, isNew });
    }
    if (done !== undefined && this.failing !== undefined) {
      const { failing } = this;
      setImmediate(() => done(failing));
    } else if (done !== undefined) this.waiting.push(done);
    this.arm(done === undefined || this.failing !== undefined ? GATHER_IDLY_MS : GATHER_MS);
  }

  /** Everything that is still to be written is, or cannot be, when this returns. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.committing;
    if (this.pending.size > 0) await this.commit();
    await this.database.close();
  }

  private merge(key: string, { value, isNew }: Pending): void {
    const before = this.pending.get(key);
    const stillNew = isNew || before?.isNew === true;
    // Never written, and never to be.
    if (value === null && stillNew) this.pending.delete(key);
    else this.pending.set(key, { value, isNew: stillNew });
  }

  private arm(inMs: number): void {
    if (this.committing !== undefined || this.closed) return;
    const wait = this.failing === undefined ? inMs : Math.max(inMs, this.retryAt - performance.now());
    const at = performance.now() + wait;
    if (at >= this.timerAt) return;
    this.timerAt = at;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timerAt = Number.POSITIVE_INFINITY;
      this.committing = this.commit()
        .catch((cause: unknown) => this.failed(this.reason(cause), new Map()))
        .finally(() => {
          this.committing = undefined;
          if (this.pending.size > 0 || this.waiting.length > 0)
            this.arm(this.waiting.length > 0 ? GATHER_MS : GATHER_IDLY_MS);
        });
    }, wait);
  }

  private async commit(): Promise<void> {
    const batch = this.pending;
    const waiting = this.waiting;
    this.pending = new Map();
    this.waiting = [];
    const error = await this.transact(batch);
    try {
      if (error === undefined) this.succeeded();
      else this.failed(error, batch);
    } finally {
      for (const done of waiting) done(error);
    }
  }

  /** Why not; never throws. */
  private async transact(batch: ReadonlyMap<string, Pending>): Promise<string | undefined> {
    try {
      await this.database.batch(() => {
        for (const [key, { value }] of batch) {
          if (value === null) void this.database.remove(key);
          else void this.database.put(key, value);
        }
      });
      return undefined;
    } catch (cause) {
      return this.reason(await rootOf(cause));
    }
  }

  private reason(cause: unknown): string {
    return `${this.file.path} cannot be written: ${this.hasRoom() ? words(cause) : 'there is no room left'}`;
  }

  /** Where nobody can say, the cause says more. */
  private hasRoom(): boolean {
    try {
      const { bavail, bsize } = statfsSync(this.file.path);
      return bavail * bsize >= LITTLE_ROOM;
    } catch {
      return true;
    }
  }

  /** As it was last seen, where its folder has gone from under it. */
  private size(): number {
    try {
      return this.file.octets;
    } catch {
      return this.octets;
    }
  }

  private succeeded(): void {
    const octets = this.size();
    if (this.failing === undefined && octets === this.octets) return;
    this.failing = undefined;
    this.octets = octets;
    this.onStatus({ state: 'durable', octets, warnings: [] });
  }

  /** What could not be written is wanted still, but for what has changed meanwhile. */
  private failed(error: string, batch: ReadonlyMap<string, Pending>): void {
    const newer = this.pending;
    this.pending = new Map(batch);
    for (const [key, change] of newer) this.merge(key, change);
    this.retryAt = performance.now() + RETRY_MS;
    const first = this.failing === undefined;
    this.failing = error;
    if (first) {
      const warning = `${error}; accounting records are kept in memory until it can be`;
      this.onStatus({ state: 'failing', octets: this.octets, warnings: [warning] });
    }
  }
}

/** The package rejects with a remark, and has the reason as a promise of its own. */
async function rootOf(cause: unknown): Promise<unknown> {
  const { commitError } = cause as { readonly commitError?: Promise<never> };
  if (commitError === undefined) return cause;
  const late = new Promise((resolve) => setTimeout(resolve, REASON_WITHIN_MS, cause));
  return Promise.race([commitError.catch((reason: unknown) => reason), late]);
}

function words(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
