// Two bridges of one host never have one table; nft takes each name.

import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { tableName } from '../../src/io/dataplane/table-name.ts';

const BRIDGES = [
  'br0',
  'br-lan',
  'br.lan',
  'br_lan',
  'br+lan',
  'br@lan',
  'brälan',
  '-',
  '.',
  'x'.repeat(15),
  '+'.repeat(15),
];

it('a bridge is told from one that differs in punctuation only', () => {
  expect(tableName('br0')).toBe('rollcall_br0');
  expect(tableName('br-lan')).toBe('rollcall_br-lan');
  expect(tableName('br+lan')).toBe('rollcall_br/2blan');
  expect(new Set(BRIDGES.map(tableName)).size).toBe(BRIDGES.length);
});

it('nft takes the names, and tells of them as they are', () => {
  const script = BRIDGES.map((bridge) => `table bridge ${tableName(bridge)} {}`).join('\n');
  const listed = execFileSync('unshare', ['-n', 'sh', '-c', 'nft -f - && nft list tables'], {
    input: script,
    encoding: 'utf8',
  });
  const names = BRIDGES.map((bridge) => `table bridge ${tableName(bridge)}`);
  expect(listed.trim().split('\n').sort()).toEqual(names.sort());
});
