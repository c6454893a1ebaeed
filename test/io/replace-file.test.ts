// What must outlive a power cut: the file is on the disk before it has its name, and the name before the call returns.

import {
  fstatSync,
  lstatSync,
  mkdtempSync,
  type PathLike,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { replaceFile } from '../../src/io/files.ts';

const steps = vi.hoisted((): string[] => []);
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    fsyncSync: (file: number) => {
      steps.push(fstatSync(file).isDirectory() ? 'sync the folder' : 'sync the file');
      fs.fsyncSync(file);
    },
    renameSync: (from: PathLike, to: PathLike) => {
      steps.push('rename');
      fs.renameSync(from, to);
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-replace-'));
  steps.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

it('what lies in its way while it is written, a link of another user, is not written through', () => {
  const [path, victim] = [join(folder, 'lock.conf'), join(folder, 'victim')];
  writeFileSync(victim, 'precious', { mode: 0o600 });
  symlinkSync(victim, `${path}.part`);
  expect(replaceFile(path, 'ours', 0o644).ok).toBe(true);
  expect([readFileSync(victim, 'utf8'), statSync(victim).mode & 0o777]).toEqual(['precious', 0o600]);
  expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['ours', 0o644]);
  expect(lstatSync(path).isSymbolicLink()).toBe(false);
});

it('the file is synced, renamed, and its folder synced; it is for its owner alone', () => {
  const path = join(folder, 'state', 'small.json');
  expect(replaceFile(path, 'first').ok).toBe(true);
  expect(replaceFile(path, 'second').ok).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe('second');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'state'))).toEqual(['small.json']);
  const once = ['sync the file', 'rename', 'sync the folder'];
  expect(steps).toEqual([...once, ...once]);
});

it('what cannot be written leaves what is there', () => {
  const path = join(folder, 'small.json');
  expect(replaceFile(path, 'first').ok).toBe(true);
  rmSync(path);
  writeFileSync(path, 'kept');
  const result = replaceFile(join(path, 'below'), 'lost');
  expect(result.ok ? '' : result.error).toMatch(/EEXIST|ENOTDIR/);
  expect(readFileSync(path, 'utf8')).toBe('kept');
});
