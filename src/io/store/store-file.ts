// The store's file before it is opened. LMDB maps its file into memory and believes what is in it: one that is cut short or
// is something else ends the process by a signal (measured: SIGSEGV, SIGBUS), at each start again. So its two meta pages
// are looked at first, and starts that did not come to the end of the reading are counted: the third is the last. Those that
// came to the end of accounting are known by a second mark: they did not like the list of certified devices. The package
// also ends the process where it cannot open a file or its lock (measured: SIGSEGV), so that is tried first.

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
import { TREE_ROOT, treesAreWhole } from './store-pages.ts';

const FILE = 'accounting.mdb';
const LOCK = `${FILE}-lock`;
const ATTEMPTS = `${FILE}-attempts`;
const MOST_ATTEMPTS = 3;
const BEGUN = '.';
const ACCOUNTING_READ = 'a';

/** LMDB's layout as the package `lmdb` 3.5 writes it, in the byte order of the machine. */
const META_PAGES = 2;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const AT = {
  magic: 24,
  version: 28,
  pageSize: 48,
  free: 48,
  main: 96,
  lastPage: 144,
  transaction: 152,
} as const;
const META_OCTETS = 168;
const SMALLEST_PAGE = 512;
const LARGEST_PAGE = 65_536;

interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
  /** Of its trees. */
  readonly roots: readonly bigint[];
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

  /** Why it is better not opened. */
  damage(): string | undefined {
    const { begun, whole } = this.attempts();
    if (begun - whole >= MOST_ATTEMPTS) return `reading it ended the agent ${MOST_ATTEMPTS} times`;
    const { octets } = this;
    if (octets === 0) return undefined;
    const metas = readMetas(this.path);
    if (!metas.ok) return metas.error;
    const newest = metas.value.reduce((a, b) => (b.transaction > a.transaction ? b : a));
    const wanted = (newest.lastPage + 1) * newest.pageSize;
    if (octets >= wanted) return undefined;
    const used = this.usedPages(newest, octets);
    return used.ok ? undefined : `it is cut short: ${octets} of ${wanted} octets, and ${used.error}`;
  }

  private usedPages({ pageSize, roots }: Meta, octets: number): Result<void, string> {
    const descriptor = openSync(this.path, 'r');
    try {
      return treesAreWhole({ descriptor, pageSize, pages: Math.floor(octets / pageSize) }, roots);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Why its list of certified devices is better not read; what is before it can be. */
  damageOfCertified(): string | undefined {
    const ended = this.attempts().whole >= MOST_ATTEMPTS;
    return ended ? `reading it ended the agent ${MOST_ATTEMPTS} times` : undefined;
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

function readMetas(path: string): Result<readonly Meta[], string> {
  const file = openSync(path, 'r');
  try {
    const metas: Meta[] = [];
    for (let page = 0; page < META_PAGES; page++) {
      const octets = Buffer.alloc(META_OCTETS);
      const read = readSync(file, octets, 0, META_OCTETS, page * (metas[0]?.pageSize ?? 0));
      if (read < META_OCTETS) return err('it is cut short in its first pages');
      if (read32(octets, AT.magic) !== MAGIC) return err('it is no LMDB file');
      const version = read32(octets, AT.version);
      if (version !== DATA_VERSION) return err(`it has LMDB's layout ${version}, not ${DATA_VERSION}`);
      const pageSize = read32(octets, AT.pageSize);
      if (pageSize < SMALLEST_PAGE || pageSize > LARGEST_PAGE) return err(`pages of ${pageSize} octets`);
      metas.push({
        pageSize,
        lastPage: read64(octets, AT.lastPage),
        transaction: read64(octets, AT.transaction),
        roots: [AT.free, AT.main].map((tree) => octets.readBigUInt64LE(tree + TREE_ROOT)),
      });
    }
    return ok(metas);
  } finally {
    closeSync(file);
  }
}

/** Of this machine, which is little-endian wherever the package has a build. */
function read32(octets: Buffer, at: number): number {
  return octets.readUInt32LE(at);
}

function read64(octets: Buffer, at: number): number {
  return Number(octets.readBigUInt64LE(at));
}
