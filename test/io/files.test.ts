// A secret's file: a command can name any path, and the agent waits for what is read.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readSecret, readText } from '../../src/io/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

test('a plain file is read as it is', () => {
  writeFileSync(at('secret'), 'open sesame\n');
  expect(readSecret(at('secret'))).toEqual({ ok: true, value: 'open sesame\n' });
});

test('a pipe, a device, a folder and a large file are refused; one that is missing is said to be', () => {
  execFileSync('mkfifo', [at('pipe')]);
  writeFileSync(at('large'), 'x'.repeat(5_000));
  for (const path of [at('pipe'), '/dev/zero', folder])
    expect(readSecret(path)).toEqual({ ok: false, error: 'it is no plain file' });
  expect(readSecret(at('large'))).toEqual({ ok: false, error: 'it has more than 4096 octets' });
  expect(readSecret(at('missing'))).toEqual({ ok: false, error: 'ENOENT: no such file or directory' });
});

test('a file whose size says nothing is read no further than the limit', () => {
  // Of size 0 all of them, as /proc/kmsg is.
  expect(readSecret('/proc/sys/kernel/ostype')).toEqual({ ok: true, value: 'Linux\n' });
  expect(readSecret('/proc/self/smaps')).toEqual({ ok: false, error: 'it has more than 4096 octets' });
});

test('a file that is not UTF-8 is refused, with the line: its octets would become others', () => {
  // Latin-1.
  writeFileSync(at('latin'), Buffer.from('gehéim\n', 'latin1'));
  writeFileSync(at('third'), Buffer.from('a: ä\nb: 1\nc: ä', 'latin1'));
  writeFileSync(at('right'), 'a: ä\r\nb: 1\n');
  const odd = (line: number) => ({
    ok: false,
    error: `it is not UTF-8 text: line ${line} has other octets`,
  });
  expect(readSecret(at('latin'))).toEqual(odd(1));
  expect(readText(at('third'))).toEqual(odd(1));
  writeFileSync(at('third'), Buffer.from('a: x\nb: 1\nc: ä', 'latin1'));
  expect(readText(at('third'))).toEqual(odd(3));
  expect(readText(at('right'))).toEqual({ ok: true, value: 'a: ä\r\nb: 1\n' });
});
