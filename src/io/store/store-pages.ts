// What LMDB would believe of the store's file, looked at without it, since it believes without looking: the package copies a
// key into 4 KiB of the heap, as long as the page says it is (measured: 23,130 octets of a page of rubbish). A process that
// lives on after that has a broken heap. So no page is read by LMDB that has not been walked here from the roots of the trees,
// and nothing is written by it before its list of free pages has been, too.
//
// A file may be shorter than its meta page says and yet be whole: a page that a transaction took from the end and gave back
// is counted and never written. (Measured: after 4 of 100 commits of mixed size.)
//
//   page   0 number (u64), 8 transaction (u64), 18 flags (u16), 20 octets of pointers, 22 where nodes begin (u16); of a large
//          value: 20 how many pages (u32); 24 pointers to nodes (u16), counted from here
//   node   0 octets of data, or a branch's page (u32; its bits 32 to 47 in the flags), 4 flags, 6 octets of key, 8 key, data
//   tree   4 flags, 6 depth (u16), 32 entries (u64), 40 root (u64); 48 octets
//   large  0 first page (u64), 16 how many pages (u64); 24 octets, the data of a node whose value has pages of its own
//   free   key: a transaction (u64); data: how many words follow, page numbers, and before the end of a run of them its
//          length, negated; 0 is nothing (all i64)

import { readSync } from 'node:fs';

const PAGE = { number: 0, transaction: 8, flags: 18, low: 20, high: 22, pages: 20, head: 24 } as const;
const BRANCH = 0x01;
const LEAF = 0x02;
const LARGE = 0x04;
const NODE = { size: 0, flags: 4, keySize: 6, key: 8 } as const;
const DATA_ELSEWHERE = 0x01;
const DATA_IS_TREE = 0x02;
const DATA_FLAGS = 0xffff & ~DATA_ELSEWHERE;
const TREE = { flags: 4, depth: 6, entries: 32, root: 40, octets: 48 } as const;
const ELSEWHERE = { page: 0, pages: 16, octets: 24 } as const;
const NO_ROOT = 0xffff_ffff_ffff_ffffn;
const META_PAGES = 2;
const KEY_OCTETS_MAX = 1978;
const DEPTH_MAX = 32;
const WORD = 8;

export interface PagedFile {
  readonly descriptor: number;
  readonly pageSize: number;
  /** Whole ones that the file has. */
  readonly pages: number;
  /** By the meta page in force. */
  readonly lastPage: number;
  readonly transaction: number;
  /** 48 octets each. */
  readonly free: Buffer;
  readonly main: Buffer;
}

/** Why a part of the file must not be read by LMDB; nothing where it can be. */
export interface Faults {
  readonly accounting?: string;
  /** What is beside it: the list of certified devices, and that of free pages. Nothing is to be written then. */
  readonly others?: string;
}

/** Reads each page in use once. */
export function faultsOf(file: PagedFile): Faults {
  const walk = new Walk(file);
  const certified: Buffer[] = [];
  const accounting = whyNot(() => walk.tables(file.main, certified));
  if (accounting !== undefined) return { accounting };
  const inCertified = whyNot(() => {
    for (const tree of certified) walk.tables(tree);
  });
  if (inCertified !== undefined) return { others: `its list of certified devices: ${inCertified}` };
  const inFree = whyNot(() => walk.freePages(file.free));
  return inFree === undefined ? {} : { others: `its list of free pages: ${inFree}` };
}

class Fault extends Error {}

function whyNot(look: () => void): string | undefined {
  try {
    look();
    return undefined;
  } catch (cause) {
    if (cause instanceof Fault) return cause.message;
    throw cause;
  }
}

/** Of a branch, `octets` and `flags` are the number of a page. */
interface Node {
  readonly flags: number;
  readonly key: Buffer;
  readonly data: Buffer;
  /** Of the value, which may be elsewhere. */
  readonly octets: number;
}

interface Kind {
  readonly keyIsFit: (octets: number) => boolean;
  readonly compare: (a: Buffer, b: Buffer) => number;
  /** LMDB asserts as many in a branch. */
  readonly leastChildren: number;
  readonly leaf: (leaf: Node, page: number) => void;
}

class Walk {
  private readonly used: Uint8Array;
  /** One for each level of a tree. */
  private readonly buffers: Buffer[] = [];
  /** Pages that can be in use. */
  private readonly pages: number;

  constructor(private readonly file: PagedFile) {
    this.pages = Math.min(file.pages, file.lastPage + 1);
    this.used = new Uint8Array(this.pages);
    this.used.fill(1, 0, META_PAGES);
  }

  /** A tree of entries. `trees` takes those that are within it, where there may be any. */
  tables(tree: Buffer, trees?: Buffer[]): void {
    if (tree.readUInt16LE(TREE.flags) !== 0) throw new Fault('a table is of no known kind');
    const entries = this.tree(tree, {
      keyIsFit: (octets) => octets > 0 && octets <= KEY_OCTETS_MAX,
      compare: Buffer.compare,
      leastChildren: 2,
      leaf: ({ flags, data, octets }, page) => {
        const isTree = (flags & DATA_IS_TREE) !== 0;
        if (isTree && (trees === undefined || octets !== TREE.octets)) throw senseless(page, 'a table in it');
        if (isTree) trees?.push(Buffer.from(data));
      },
    });
    const counted = tree.readBigUInt64LE(TREE.entries);
    if (counted !== BigInt(entries)) throw new Fault(`it has ${entries} of its ${counted} entries`);
  }

  /** To be called when all other trees have been walked. */
  freePages(tree: Buffer): void {
    const lists: Buffer[] = [];
    this.tree(tree, {
      keyIsFit: (octets) => octets === WORD,
      compare: (a, b) => Number(a.readBigUInt64LE() - b.readBigUInt64LE()),
      leastChildren: 1,
      leaf: (leaf, page) => {
        const transaction = Number(leaf.key.readBigUInt64LE());
        if ((leaf.flags & DATA_IS_TREE) !== 0 || transaction === 0 || transaction > this.file.transaction)
          throw senseless(page, 'a list of free pages');
        lists.push(this.valueOf(leaf));
      },
    });
    const free = new Uint8Array(this.file.lastPage + 1);
    for (const list of lists) this.freeOf(list, free);
  }

  private freeOf(list: Buffer, free: Uint8Array): void {
    const words = Math.floor(list.length / WORD);
    const wordAt = (at: number): number => (at < words ? Number(list.readBigInt64LE(at * WORD)) : 0);
    const count = wordAt(0);
    if (count < 0 || count >= words) throw new Fault('a list of free pages is longer than it has room for');
    for (let at = 1; at <= count; at++) {
      const word = wordAt(at);
      if (word === 0) continue;
      const length = word < 0 ? -word : 1;
      const first = word < 0 ? wordAt(++at) : word;
      if (first < META_PAGES || first + length > free.length) throw new Fault(`page ${first} cannot be free`);
      for (let page = first; page < first + length; page++) {
        if (free[page] === 1 || this.used[page] === 1) throw new Fault(`page ${page} is not free, or twice`);
        free[page] = 1;
      }
    }
  }

  /** Returns how many entries there are, in leaves that are all as deep as it says, in order. */
  private tree(tree: Buffer, kind: Kind): number {
    const root = tree.readBigUInt64LE(TREE.root);
    const depth = tree.readUInt16LE(TREE.depth);
    if (root === NO_ROOT) return 0;
    if (depth === 0 || depth > DEPTH_MAX) throw new Fault(`a tree of depth ${depth}`);
    return this.subtree(Number(root), depth, kind, new KeyOrder(kind.compare));
  }

  private subtree(number: number, depth: number, kind: Kind, order: KeyOrder): number {
    const isBranch = depth > 1;
    const page = this.page(number, depth, isBranch ? BRANCH : LEAF);
    const nodes = page.readUInt16LE(PAGE.low) / 2;
    if (nodes < (isBranch ? kind.leastChildren : 1)) throw senseless(number, 'too few entries');
    // What LMDB moves when it takes an entry out is as much as they have together.
    let room = page.length - PAGE.head - page.readUInt16LE(PAGE.high);
    let entries = 0;
    for (let n = 0; n < nodes; n++) {
      const node = nodeOf(page, n, number, isBranch);
      room -= even(NODE.key + node.key.length + node.data.length);
      if (room < 0) throw senseless(number, 'its entries overlap');
      // The first of a branch has no bound below.
      const isBoundless = isBranch && n === 0;
      const isFit = isBoundless ? node.key.length <= KEY_OCTETS_MAX : kind.keyIsFit(node.key.length);
      if (!isFit) throw senseless(number, 'the length of a key');
      if (!isBoundless && !order.takes(node.key, isBranch)) throw senseless(number, 'the order of its keys');
      if (isBranch) entries += this.subtree(node.octets + node.flags * 2 ** 32, depth - 1, kind, order);
      else {
        if ((node.flags & DATA_ELSEWHERE) !== 0) this.claimLarge(node, number);
        kind.leaf(node, number);
        entries++;
      }
    }
    return entries;
  }

  private page(number: number, level: number, kind: number): Buffer {
    this.claim(number, 1);
    this.buffers[level] ??= Buffer.alloc(this.file.pageSize);
    const page = this.buffers[level];
    this.read(page, number * page.length);
    this.judge(page, number, kind);
    const low = page.readUInt16LE(PAGE.low);
    const high = page.readUInt16LE(PAGE.high);
    if (low % 2 !== 0 || low > high || high > page.length - PAGE.head) throw senseless(number, 'its room');
    return page;
  }

  private judge(page: Buffer, number: number, kind: number): void {
    if (page.readUInt16LE(PAGE.flags) !== kind) throw senseless(number, 'its kind');
    if (page.readBigUInt64LE(PAGE.number) !== BigInt(number)) throw senseless(number, 'its number');
    if (page.readBigUInt64LE(PAGE.transaction) > BigInt(this.file.transaction))
      throw senseless(number, 'its transaction');
  }

  private claimLarge({ data, octets }: Node, page: number): void {
    const first = Number(data.readBigUInt64LE(ELSEWHERE.page));
    const pages = Number(data.readBigUInt64LE(ELSEWHERE.pages));
    if (pages < 1 || octets > pages * this.file.pageSize - PAGE.head) throw senseless(page, 'a large value');
    this.claim(first, pages);
    const head = Buffer.alloc(PAGE.head);
    this.read(head, first * this.file.pageSize);
    this.judge(head, first, LARGE);
    if (head.readUInt32LE(PAGE.pages) !== pages) throw senseless(first, 'how many they are');
  }

  private valueOf({ flags, data, octets }: Node): Buffer {
    if ((flags & DATA_ELSEWHERE) === 0) return Buffer.from(data);
    const value = Buffer.alloc(octets);
    this.read(value, Number(data.readBigUInt64LE(ELSEWHERE.page)) * this.file.pageSize + PAGE.head);
    return value;
  }

  private claim(first: number, pages: number): void {
    if (first + pages > this.pages) throw new Fault(`page ${first + pages - 1} of ${this.pages} is in use`);
    for (let page = first; page < first + pages; page++) {
      if (this.used[page] === 1) throw new Fault(`page ${page} is used twice`);
      this.used[page] = 1;
    }
  }

  private read(octets: Buffer, at: number): void {
    if (readSync(this.file.descriptor, octets, 0, octets.length, at) < octets.length)
      throw new Fault(`there are fewer than ${at + octets.length} octets`);
  }
}

/** A branch has before each child, but the first, the least key that can be in it. */
class KeyOrder {
  private last: Buffer | undefined;
  private lastIsBound = false;

  constructor(private readonly compare: Kind['compare']) {}

  takes(key: Buffer, isBound: boolean): boolean {
    const order = this.last === undefined ? 1 : this.compare(key, this.last);
    const mayBeEqual = this.lastIsBound && !isBound;
    this.last = Buffer.from(key);
    this.lastIsBound = isBound;
    return order > 0 || (order === 0 && mayBeEqual);
  }
}

/** Within its page, whatever it says. */
function nodeOf(page: Buffer, n: number, number: number, isBranch: boolean): Node {
  const pointer = page.readUInt16LE(PAGE.head + 2 * n);
  const at = PAGE.head + pointer;
  if (pointer < page.readUInt16LE(PAGE.high) || at + NODE.key > page.length)
    throw senseless(number, 'a pointer');
  const octets = page.readUInt32LE(at + NODE.size);
  const flags = page.readUInt16LE(at + NODE.flags);
  const key = at + NODE.key;
  const data = key + page.readUInt16LE(at + NODE.keySize);
  const isElsewhere = (flags & DATA_ELSEWHERE) !== 0;
  const dataHere = isElsewhere ? ELSEWHERE.octets : octets;
  const end = data + (isBranch ? 0 : dataHere);
  if (end > page.length) throw senseless(number, 'the end of an entry');
  if (!isBranch && (flags & DATA_FLAGS & ~DATA_IS_TREE) !== 0)
    throw senseless(number, 'the flags of an entry');
  return { flags, octets, key: page.subarray(key, data), data: page.subarray(data, end) };
}

function even(octets: number): number {
  return octets + (octets % 2);
}

function senseless(page: number, what: string): Fault {
  return new Fault(`page ${page} makes no sense: ${what}`);
}
