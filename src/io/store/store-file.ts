// The store's file before it is opened. LMDB maps its file into memory and believes what is in it: one that is cut short or
// is something else ends the process by a signal (measured: SIGSEGV, SIGBUS), at each start again, or breaks its heap. So
// all that LMDB would believe is looked at first (store-pages.ts). Should a file end the agent all the same, starts that did not
// come to the end of the reading are counted: the third is the last. Those that came to the end of accounting are known by a
// second mark: they did not like the list of certified devices. The package also ends the process where it cannot open a file
// or its lock (measured: SIGSEGV), so that is tried first.

import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { syncFolder } from '../files.ts';
import { type Faults, faultsOf } from './store-pages.ts';

const FILE = 'accounting.mdb';
const LOCK = `${FILE}-lock`;
const ATTEMPTS = `${FILE}-attempts`;
const MOST_ATTEMPTS = 3;
const BEGUN = '.';
const ACCOUNTING_READ = 'a';

/** LMDB's layout as the package `lmdb` 3.5 writes it, in the byte order of the machine. */
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const AT = {
  kind: 18,
  magic: 24,
  version: 28,
  pageSize: 48,
  flags: 52,
  free: 48,
  main: 96,
  lastPage: 144,
  transaction: 152,
} as const;
const META_OCTETS = 168;
const TREE_OCTETS = 48;
const SMALLEST_PAGE = 512;
const LARGEST_PAGE = 65_536;
/** 64 GiB, of the pages that are usual. */
const LAST_PAGE_MAX = 2 ** 24;
/** More than there can be; up to here a number is exact. */
const TRANSACTION_MAX = 2 ** 48;
const META_KIND = 0x08;
/** Those of the list of free pages, whose keys are integers, and that the file is encrypted. */
const FLAGS = 0x20ff;
const FLAGS_SET = 0x08;

interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
  /** As they are described. */
  readonly free: Buffer;
  readonly main: Buffer;
}

export class StoreFile {
  readonly path: string;
  private readonly attemptsPath: string;
  private attemptsBefore = 0;

  constructor(private readonly folder: string) {
    this.path = join(folder, FILE);
    this.attemptsPath = join(folder, ATTEMPTS);
  }

  /** 0 = there is none. */
  get octets(): number {
    return sizeOf(this.path);
  }

  /** Why LMDB is better not given it. */
  faults(): Faults {
    const { begun, whole } = this.attempts();
    const ended = `reading it ended the agent ${MOST_ATTEMPTS} times`;
    if (begun - whole >= MOST_ATTEMPTS) return { accounting: ended };
    const faults = this.octets === 0 ? {} : this.faultsWithin();
    return whole >= MOST_ATTEMPTS ? { others: `its list of certified devices: ${ended}`, ...faults } : faults;
  }

  private faultsWithin(): Faults {
    const metas = readMetas(this.path);
    if (!metas.ok) return { accounting: metas.error };
    const [first, second] = metas.value;
    // LMDB begins with the newer one, and goes on with the one that has the place of its transaction.
    const newest = second.transaction > first.transaction ? second : first;
    if (newest !== metas.value[newest.transaction % 2])
      return { accounting: 'its first pages are in disorder' };
    if (first.pageSize !== second.pageSize) return { accounting: 'its first pages are not of one size' };
    const descriptor = openSync(this.path, 'r');
    try {
      const { octets } = this;
      const wanted = (newest.lastPage + 1) * newest.pageSize;
      const faults = faultsOf({ ...newest, descriptor, pages: Math.floor(octets / newest.pageSize) });
      const { accounting, others } = faults;
      if (octets >= wanted) return faults;
      const cut = `it is cut short: ${octets} of ${wanted} octets, and `;
      if (accounting !== undefined) return { accounting: cut + accounting };
      return others === undefined ? {} : { others: cut + others };
    } finally {
      closeSync(descriptor);
    }
  }

  /** Starts that did not come back, and those of them that had read accounting. */
  private attempts(): { readonly begun: number; readonly whole: number } {
    const marks = existsSync(this.attemptsPath) ? readFileSync(this.attemptsPath, 'latin1') : '';
    const count = (mark: string): number => marks.split(mark).length - 1;
    return { begun: count(BEGUN), whole: count(ACCOUNTING_READ) };
  }

  /** Throws the system's words where it, or its lock, cannot be opened for reading and writing: another user's, perhaps. */
  tryToOpen(): void {
    for (const path of [this.path, join(this.folder, LOCK)]) closeSync(openSync(path, 'a+', 0o600));
  }

  /** To be called before it is opened, and then `readWhole`, `takeBack` or `setAside`: who calls none did not come back. */
  attempt(): void {
    this.attemptsBefore = sizeOf(this.attemptsPath);
    this.mark(BEGUN);
  }

  /** Accounting has been read. */
  accountingRead(): void {
    this.mark(ACCOUNTING_READ);
  }

  private mark(mark: string): void {
    try {
      appendFileSync(this.attemptsPath, mark);
    } catch {
      // No room for a mark: what is in the store can be read all the same.
    }
  }

  /** It could not be opened, and that ended nobody: it says nothing about what is in it. */
  takeBack(): void {
    try {
      if (this.attemptsBefore === 0) rmSync(this.attemptsPath, { force: true });
      else truncateSync(this.attemptsPath, this.attemptsBefore);
    } catch {
      // Whoever could not take it back could not leave it either, as a rule.
    }
  }

  readWhole(): void {
    rmSync(this.attemptsPath, { force: true });
    // Its name is as durable as what is in it.
    syncFolder(this.folder);
  }

  /** Out of the way, for whoever wants to look into it. Returns its new name. */
  setAside(at: Date): string {
    const name = `${FILE}.set-aside-${at.toISOString().replaceAll(/[:.]/g, '-')}`;
    if (this.octets > 0) renameSync(this.path, join(this.folder, name));
    rmSync(join(this.folder, LOCK), { force: true });
    rmSync(this.attemptsPath, { force: true });
    return name;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readMetas(path: string): Result<readonly [Meta, Meta], string> {
  const file = openSync(path, 'r');
  try {
    const first = readMeta(file, 0);
    if (!first.ok) return first;
    const second = readMeta(file, first.value.pageSize);
    if (!second.ok) return second;
    return ok([first.value, second.value]);
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, at: number): Result<Meta, string> {
  const octets = Buffer.alloc(META_OCTETS);
  if (readSync(file, octets, 0, META_OCTETS, at) < META_OCTETS)
    return err('it is cut short in its first pages');
  if (read32(octets, AT.magic) !== MAGIC || octets.readUInt16LE(AT.kind) !== META_KIND)
    return err('it is no LMDB file');
  const version = read32(octets, AT.version);
  if (version !== DATA_VERSION) return err(`it has LMDB's layout ${version}, not ${DATA_VERSION}`);
  const pageSize = read32(octets, AT.pageSize);
  if (pageSize < SMALLEST_PAGE || pageSize > LARGEST_PAGE) return err(`pages of ${pageSize} octets`);
  if ((octets.readUInt16LE(AT.flags) & FLAGS) !== FLAGS_SET) return err('it was made in another way');
  const lastPage = read64(octets, AT.lastPage);
  if (lastPage > LAST_PAGE_MAX) return err(`it has ${lastPage} pages`);
  const transaction = read64(octets, AT.transaction);
  if (transaction > TRANSACTION_MAX) return err(`it has had ${transaction} transactions`);
  const tree = (start: number): Buffer => octets.subarray(start, start + TREE_OCTETS);
  return ok({ pageSize, lastPage, transaction, free: tree(AT.free), main: tree(AT.main) });
}

/** Of this machine, which is little-endian wherever the package has a build. */
function read32(octets: Buffer, at: number): number {
  return octets.readUInt32LE(at);
}

function read64(octets: Buffer, at: number): number {
  return Number(octets.readBigUInt64LE(at));
}
