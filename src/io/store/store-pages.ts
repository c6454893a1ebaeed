// Which pages of the store's file are in use, found without LMDB: it ends the process at a page that is not there.
//
// A file may be shorter than its meta page says and yet be whole: a page that a transaction took from the end and gave back
// is counted and never written. (Measured: after 4 of 100 commits of mixed size.) So the trees are walked from their roots.
//
//   page   0 number, 18 flags, 20 octets of pointers (u16), or of a large value: how many pages (u32); 24 pointers to
//          nodes, counted from here
//   node   0 octets of data, or a branch's page (u32; its bits 32 to 47 in the flags), 4 flags, 6 octets of key, 8 key, data

import { readSync } from 'node:fs';
import { err, ok, type Result } from '../../base/result.ts';

const PAGE = { flags: 18, pointerOctets: 20, pages: 20, head: 24 } as const;
const BRANCH = 0x01;
const LEAF = 0x02;
const LARGE = 0x04;
const NODE = { low: 0, high: 4, flags: 4, keySize: 6, key: 8 } as const;
const DATA_ELSEWHERE = 0x01;
const DATA_IS_TREE = 0x02;
/** Within the description of a tree. */
export const TREE_ROOT = 40;
const NO_ROOT = 0xffff_ffff_ffff_ffffn;

export interface PagedFile {
  readonly descriptor: number;
  readonly pageSize: number;
  /** Whole ones that the file has. */
  readonly pages: number;
}

/** Whether every page that these trees use is in the file. An error says what is in the way. Reads each page once. */
export function treesAreWhole(file: PagedFile, roots: readonly bigint[]): Result<void, string> {
  const page = Buffer.alloc(file.pageSize);
  const seen = new Set<number>();
  const left = roots.filter((root) => root !== NO_ROOT).map(Number);
  for (let number = left.pop(); number !== undefined; number = left.pop()) {
    if (seen.has(number)) return err(`its page ${number} is used twice`);
    seen.add(number);
    const octets =
      number < file.pages ? readSync(file.descriptor, page, 0, page.length, number * page.length) : 0;
    if (octets < page.length) return err(`page ${number} of ${file.pages} is in use`);
    const flags = page.readUInt16LE(PAGE.flags);
    if ((flags & LARGE) !== 0) {
      const end = number + page.readUInt32LE(PAGE.pages);
      if (end > file.pages) return err(`page ${end - 1} of ${file.pages} is in use`);
    } else if ((flags & (BRANCH | LEAF)) === 0) return err(`page ${number} is of no known kind`);
    else if (!collect(page, (flags & BRANCH) !== 0, left)) return err(`page ${number} makes no sense`);
  }
  return ok(undefined);
}

/** Adds the pages that this one leads to; false if its octets make no sense. */
function collect(page: Buffer, isBranch: boolean, found: number[]): boolean {
  const end = PAGE.head + page.readUInt16LE(PAGE.pointerOctets);
  for (let at = PAGE.head; at < end; at += 2) {
    const node = at + 2 <= page.length ? PAGE.head + page.readUInt16LE(at) : page.length;
    if (node + NODE.key > page.length) return false;
    const high = page.readUInt16LE(node + NODE.high);
    if (isBranch) {
      found.push(page.readUInt32LE(node + NODE.low) + high * 2 ** 32);
      continue;
    }
    if ((high & (DATA_ELSEWHERE | DATA_IS_TREE)) === 0) continue;
    const data = node + NODE.key + page.readUInt16LE(node + NODE.keySize);
    const leads = (high & DATA_ELSEWHERE) === 0 ? data + TREE_ROOT : data;
    if (leads + 8 > page.length) return false;
    const root = page.readBigUInt64LE(leads);
    if (root !== NO_ROOT) found.push(Number(root));
  }
  return true;
}
