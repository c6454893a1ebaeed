import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-bundle-'));
const moved = path.join(folder, 'somewhere else');

beforeAll(() => {
  const made = path.join(folder, 'dist');
  const bundle = path.join(ROOT, 'board/bundle.mjs');
  execFileSync('node', [bundle, '--entry', path.join(ROOT, 'test/rigs/bundle-stand-in.ts'), '--out', made]);
  renameSync(made, moved);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(program: string, args: readonly string[]): unknown {
  return JSON.parse(execFileSync(program, args, { cwd: '/', encoding: 'utf8' }));
}

const FOUND = {
  abiVersion: expect.any(Number),
  sessionTimeout: '27',
  pcap: expect.stringContaining('libpcap'),
  lmdb: 'stored',
};

describe('dist/, moved to another folder and started from another', () => {
  test('finds its native library, its native packages and its dictionaries', () => {
    expect(start('node', [path.join(moved, 'rollcall.js'), 'status'])).toMatchObject({
      ...FOUND,
      words: ['status'],
    });
  });

  test('is started by its launcher with the flags that keep it small, and with the words as they were', () => {
    expect(start(path.join(moved, 'rollcall'), ['explain', 'a b'])).toMatchObject({
      ...FOUND,
      flags: ['--max-semi-space-size=1', '--heap-growing-percent=20', '--compact-on-every-full-gc'],
      words: ['explain', 'a b'],
    });
  });
});
