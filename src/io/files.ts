// Small files: texts that the configuration is made of, and what must outlive us. Errors are the system's own words; of what is
// read they are without the path, which whoever asks for it says.

import { isUtf8 } from 'node:buffer';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { err, messageOf, ok, type Result } from '../base/result.ts';

/** Longer than any secret. */
const MAX_SECRET_OCTETS = 4096;

/** Of a file, or of a descriptor that is open, such as 0; UTF-8. */
export function readText(path: string | number): Result<string, string> {
  return unnamed(attempt(() => textOf(readFileSync(path))));
}

/** What stands beside the blocks of a PEM file may be in any encoding. */
export function readPem(path: string): Result<string, string> {
  return unnamed(attempt(() => ok(readFileSync(path, 'utf8'))));
}

/** Octets that are none would become others: `geh\xe9im` (Latin-1) is another secret than `geh\ufffdim`. */
function textOf(octets: Buffer): Result<string, string> {
  return isUtf8(octets)
    ? ok(octets.toString('utf8'))
    : err(`it is not UTF-8 text: line ${firstOdd(octets)} has other octets`);
}

/** The first line that is not UTF-8, from 1. No sequence of UTF-8 has a line feed in it. */
function firstOdd(octets: Buffer): number {
  let line = 1;
  for (let from = 0, to = octets.indexOf('\n'); to >= 0; to = octets.indexOf('\n', from)) {
    if (!isUtf8(octets.subarray(from, to))) break;
    from = to + 1;
    line++;
  }
  return line;
}

/** `ENOENT: no such file or directory, open 'PATH'` without what comes after the comma. */
function unnamed(read: Result<string, string>): Result<string, string> {
  return read.ok ? read : err(read.error.replace(/, open '.*'$/s, ''));
}

/**
 * The agent waits for it, so it never blocks: what was opened is looked at, not what has the name now, and a file of
 * procfs, which has no size and may have nothing to read yet, is read like any other, up to the limit.
 */
export function readSecret(path: string): Result<string, string> {
  return unnamed(
    attempt(() => {
      const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      try {
        return fstatSync(file).isFile() ? readAtMost(file) : err('it is no plain file');
      } finally {
        closeSync(file);
      }
    }),
  );
}

function readAtMost(file: number): Result<string, string> {
  const octets = Buffer.alloc(MAX_SECRET_OCTETS + 1);
  let length = 0;
  while (length < octets.length) {
    const read = readSync(file, octets, length, octets.length - length, null);
    if (read === 0) return textOf(octets.subarray(0, length));
    length += read;
  }
  return err(`it has more than ${MAX_SECRET_OCTETS} octets`);
}

/**
 * The whole file or what it was before, whatever ends us; on disk when it returns, its name too. For its owner alone, unless
 * `mode` says more. The folder is made if need be.
 */
export function replaceFile(path: string, text: string, mode = 0o600): Result<void, string> {
  return attempt(() => {
    const folder = dirname(path);
    const part = `${path}.part`;
    mkdirSync(folder, { recursive: true });
    // Root writes into the agent's folder, too: what lies there by that name, a link perhaps, is not written through.
    rmSync(part, { force: true });
    syncedAfter(openSync(part, 'wx', mode), (file) => {
      fchmodSync(file, mode);
      writeFileSync(file, text);
    });
    renameSync(part, path);
    syncFolder(folder);
    return ok(undefined);
  });
}

/** The same, of a text that may be there already: flash is spared. */
export function keepText(path: string, text: string): Result<void, string> {
  const before = readText(path);
  return before.ok && before.value === text ? ok(undefined) : replaceFile(path, text);
}

/** What has come into it, or has gone, is on disk when it returns. Throws. */
export function syncFolder(path: string): void {
  syncedAfter(openSync(path, 'r'));
}

function syncedAfter(file: number, work?: (file: number) => void): void {
  try {
    work?.(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What the system throws, as its own words. */
export function attempt<T>(work: () => Result<T, string>): Result<T, string> {
  try {
    return work();
  } catch (cause) {
    return err(messageOf(cause));
  }
}
