// The store on disk: what accounting must not lose, sessions, events that wait for the broker, and the certified devices, in one
// LMDB file of `state_dir`.
//
// Writes gather for a few milliseconds, or for as long as the commit before them takes, and become one transaction; `done`
// is called when it is durable. Durable means: LMDB has written the pages, fdatasync has returned, and the meta page that
// makes them count was written through (O_DSYNC). What is killed or loses power at any moment finds the last whole
// transaction. `overlappingSync`, the package's default, would call a commit done before it is on the disk: it is off.
//
// What cannot be written (no room, a medium that fails) is told at once, and kept here to be written when it can be, so
// that the disk says the truth again then. Kept are at most as many changes as the journal has records, the queue of events
// events, and the list of certified devices entries: it has a table of its own in the same file.

import { mkdirSync, statfsSync } from 'node:fs';
import type { Database } from 'lmdb';
import { readSpool, type SpoolChange, type SpoolContent } from '../../accounting/spool.ts';
import type { SpoolStatus } from '../../agent/ports.ts';
import { err, messageOf, ok, type Result } from '../../base/result.ts';
import type { CertifiedChange } from '../../policy/certified-codec.ts';
import { readLogins, type StoredLogin } from '../../radius/sso-login-codec.ts';
import { readEvents, type StoredEvents } from '../../report/event-codec.ts';
import { type KeptContent, readKept } from '../../session/kept-codec.ts';
import { StoreFile } from './store-file.ts';
import { type Damage, type Entry, LAYOUT, LAYOUT_KEY, readDatabase } from './store-reading.ts';

/** Company for a write that somebody waits for, and for one that nobody does. */
const GATHER_MS = 5;
const GATHER_IDLY_MS = 250;
const RETRY_MS = 10_000;
const REASON_WITHIN_MS = 1000;
const LITTLE_ROOM = 128 * 1024;
/** LMDB takes 1978 octets, the package's marks among them. */
const KEY_OCTETS_MAX = 1900;
const KEY_SHOWN = 64;

type Done = (error?: string) => void;
type Table = Database<Uint8Array, string>;

interface Pending {
  readonly table: Table;
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly isNew: boolean;
}

export interface OpenedStore {
  readonly store: Store;
  readonly content: SpoolContent;
  readonly kept: KeptContent;
  readonly logins: readonly StoredLogin[];
  readonly events: StoredEvents;
  /** Of the certified devices; policy/certified-codec.ts reads them. */
  readonly certified: readonly Entry[];
  readonly status: SpoolStatus;
}

/**
 * What is damaged, or of a newer version, is set aside, and a new one begun: `status` has a warning then. Accounting that can
 * still be read goes on in the new one.
 */
export function openStore(
  folder: string,
  onStatus: (status: SpoolStatus) => void,
): Result<OpenedStore, string> {
  const warnings: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    const file = new StoreFile(folder);
    const { accounting: why, others } = file.faults();
    let damage: Damage | undefined = why === undefined ? undefined : { why, rescued: [] };
    for (;;) {
      if (damage !== undefined) {
        const { why, rescued } = damage;
        const saved = rescued.length > 0 ? ', and what it has of accounting is taken over' : '';
        warnings.push(`the accounting store is set aside as ${file.setAside(new Date())}: ${why}${saved}`);
      }
      const read = readDatabase(file, damage === undefined ? others : undefined);
      if (!read.ok && damage === undefined) {
        damage = read.error;
        continue;
      }
      if (!read.ok) return err(read.error.why);
      const { database, certified } = read.value;
      if (certified.missing !== undefined)
        warnings.push(`certified devices are kept in memory alone: ${certified.missing}`);
      const accounting = damage?.rescued ?? read.value.accounting;
      const store = new Store(database, file, onStatus, certified.table);
      // With the first transaction.
      store.write([{ key: LAYOUT_KEY, value: Buffer.from(LAYOUT, 'latin1') }]);
      if (damage !== undefined) store.write(accounting.map(([key, value]) => ({ key, value })));
      const status = { state: 'durable', octets: file.octets, warnings } as const;
      return ok({
        store,
        content: readSpool(accounting),
        kept: readKept(accounting),
        logins: readLogins(accounting),
        events: readEvents(accounting),
        certified: certified.entries,
        status,
      });
    }
  } catch (cause) {
    return err(`${folder}: ${messageOf(cause)}`);
  }
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
  /** Entries with keys that LMDB does not take. */
  private refused = 0;

  constructor(
    private readonly database: Table,
    private readonly file: StoreFile,
    private readonly onStatus: (status: SpoolStatus) => void,
    /** Of the certified devices, where it can be had. */
    private readonly certified?: Table,
  ) {
    this.octets = file.octets;
  }

  /** All of one call are in one transaction. With `done` soon, without when there is company. */
  write(changes: readonly SpoolChange[], done?: Done): void {
    for (const { key, value, isNew = false } of changes) {
      this.merge({ table: this.database, key, value, isNew });
    }
    this.expect(done);
  }

  /** The same for the list of certified devices: soon, since one that was cleared is not to be back after a crash. */
  writeCertified(changes: readonly CertifiedChange[]): void {
    const { certified: table } = this;
    if (table === undefined) return;
    for (const change of changes) this.merge({ ...change, table, isNew: false });
    this.arm(this.failing === undefined ? GATHER_MS : GATHER_IDLY_MS);
  }

  /** `done` when all that was handed in before is durable, or cannot be. */
  flushed(done: () => void): void {
    if (this.pending.size === 0 && this.committing === undefined) done();
    else this.expect(done);
  }

  private expect(done: Done | undefined): void {
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
    if (this.pending.size > 0 || this.waiting.length > 0) await this.commit();
    await this.database.close();
  }

  private merge(change: Pending): void {
    if (!fits(change.key)) {
      this.refuse(change.key);
      return;
    }
    const place = change.table === this.database ? change.key : `certified ${change.key}`;
    const isNew = change.isNew || this.pending.get(place)?.isNew === true;
    // Never written, and never to be.
    if (change.value === null && isNew) this.pending.delete(place);
    else this.pending.set(place, { ...change, isNew });
  }

  /** It would fail, and with it all that is to be written along with it, as often as that is tried. */
  private refuse(key: string): void {
    this.refused++;
    const state = this.failing === undefined ? 'durable' : 'failing';
    const warning = `an entry is not stored, since its key "${key.slice(0, KEY_SHOWN)}..." is too long: ${this.refused} so far`;
    this.onStatus({ state, octets: this.octets, warnings: [warning] });
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
    const error = batch.size === 0 ? undefined : await this.transact(batch);
    try {
      if (error !== undefined) {
        this.failed(error, batch);
        // Whoever has come meanwhile waits for nothing, either.
        waiting.push(...this.waiting.splice(0));
      } else if (batch.size > 0 || this.failing === undefined) this.succeeded();
    } finally {
      for (const done of waiting) done(error);
    }
  }

  /** Why not; never throws. */
  private async transact(batch: ReadonlyMap<string, Pending>): Promise<string | undefined> {
    try {
      await this.database.batch(() => {
        for (const { table, key, value } of batch.values()) {
          if (value === null) void table.remove(key);
          else void table.put(key, value);
        }
      });
      return undefined;
    } catch (cause) {
      return this.reason(await rootOf(cause));
    }
  }

  private reason(cause: unknown): string {
    return `${this.file.path} cannot be written: ${this.hasRoom() ? messageOf(cause) : 'there is no room left'}`;
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
    for (const change of newer.values()) this.merge(change);
    this.retryAt = performance.now() + RETRY_MS;
    const first = this.failing === undefined;
    this.failing = error;
    if (first) {
      const warning = `${error}; accounting records are kept in memory until it can be`;
      this.onStatus({ state: 'failing', octets: this.octets, warnings: [warning] });
    }
  }
}

function fits(key: string): boolean {
  return Buffer.byteLength(key) <= KEY_OCTETS_MAX;
}

/** The package rejects with a remark, and has the reason as a promise of its own. */
async function rootOf(cause: unknown): Promise<unknown> {
  const { commitError } = cause as { readonly commitError?: Promise<never> };
  if (commitError === undefined) return cause;
  const late = new Promise((resolve) => setTimeout(resolve, REASON_WITHIN_MS, cause));
  return Promise.race([commitError.catch((reason: unknown) => reason), late]);
}
