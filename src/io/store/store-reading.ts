// What stands in the store's file at the start of the agent: accounting in LMDB's main table, the certified devices in one
// of their own. Each is counted against what LMDB says that it has: a page that was lost is found out so.

import { chmodSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Database, RootDatabase } from 'lmdb';
import { err, messageOf, ok, type Result } from '../../base/result.ts';
import type { StoreFile } from './store-file.ts';

/** Of what is in the file, not of LMDB's own. */
export const LAYOUT = '1';
export const LAYOUT_KEY = 'v';
/** LMDB keeps where a table begins under the table's name in the main one. */
const CERTIFIED = 'certified';

export type Entry = readonly [key: string, value: Uint8Array];
type Lmdb = RootDatabase<Uint8Array, string>;

export interface ReadStore {
  readonly database: Lmdb;
  readonly accounting: readonly Entry[];
  readonly certified: CertifiedTable;
}

/** `missing`: why there is no table. */
interface CertifiedTable {
  readonly table?: Database<Uint8Array, string>;
  readonly entries: readonly Entry[];
  readonly missing?: string;
}

/** Why what is in the file cannot be believed, and what of accounting can be all the same. */
export interface Damage {
  readonly why: string;
  readonly rescued: readonly Entry[];
}

/**
 * An error is about what is in the file; that it cannot be opened at all is thrown. `others`: why only accounting is to be
 * read, to be taken over.
 */
export function readDatabase(file: StoreFile, others?: string): Result<ReadStore, Damage> {
  file.tryToOpen();
  file.attempt();
  try {
    const database = openDatabase(file);
    try {
      chmodSync(file.path, 0o600);
      const read = readTables(database, file, others);
      if (read.ok) file.readWhole();
      else void database.close();
      return read;
    } catch (cause) {
      void database.close();
      throw cause;
    }
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

function readTables(database: Lmdb, file: StoreFile, others?: string): Result<ReadStore, Damage> {
  const accounting = accountingIn(database);
  if (!accounting.ok) return err({ why: accounting.error, rescued: [] });
  file.accountingRead();
  const certified = others === undefined ? certifiedIn(database) : err(others);
  if (!certified.ok) return err({ why: certified.error, rescued: accounting.value });
  return ok({ database, accounting: accounting.value, certified: certified.value });
}

function accountingIn(database: Lmdb): Result<readonly Entry[], string> {
  const all = entriesOf(database);
  if (!all.ok) return all;
  const own = all.value.filter(([key]) => key !== CERTIFIED);
  const layout = own.find(([key]) => key === LAYOUT_KEY)?.[1];
  const found = layout === undefined ? 'unknown' : Buffer.from(layout).toString('latin1');
  if (own.length > 0 && found !== LAYOUT)
    return err(`it is of layout ${found}, and this program writes ${LAYOUT}`);
  return ok(own.filter(([key]) => key !== LAYOUT_KEY));
}

/** Made where there is none. */
function certifiedIn(database: Lmdb): Result<CertifiedTable, string> {
  let table: Database<Uint8Array, string>;
  try {
    table = database.openDB<Uint8Array, string>({ name: CERTIFIED, encoding: 'binary' });
  } catch (cause) {
    return ok({ entries: [], missing: messageOf(cause) });
  }
  const entries = entriesOf(table);
  return entries.ok
    ? ok({ table, entries: entries.value })
    : err(`its list of certified devices: ${entries.error}`);
}

function entriesOf(table: Database<Uint8Array, string>): Result<readonly Entry[], string> {
  try {
    const entries: Entry[] = [];
    // The package hands out memory that it uses again.
    for (const { key, value } of table.getRange({})) entries.push([key, new Uint8Array(value)]);
    const { entryCount } = table.getStats() as { readonly entryCount: number };
    if (entries.length !== entryCount) return err(`it has ${entries.length} of its ${entryCount} entries`);
    return ok(entries);
  } catch (cause) {
    return err(`it cannot be read: ${messageOf(cause)}`);
  }
}
