// Texts that the configuration is made of. Errors are the system's own words, without the path.

import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { err, ok, type Result } from '../base/result.ts';

/** Longer than any secret. */
const MAX_SECRET_OCTETS = 4096;

export function readText(path: string): Result<string, string> {
  return attempt(() => ok(readFileSync(path, 'utf8')));
}

/**
 * The agent waits for it, so it never blocks: what was opened is looked at, not what has the name now, and a file of
 * procfs, which has no size and may have nothing to read yet, is read like any other, up to the limit.
 */
export function readSecret(path: string): Result<string, string> {
  return attempt(() => {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      return fstatSync(file).isFile() ? readAtMost(file) : err('it is no plain file');
    } finally {
      closeSync(file);
    }
  });
}

function readAtMost(file: number): Result<string, string> {
  const octets = Buffer.alloc(MAX_SECRET_OCTETS + 1);
  let length = 0;
  while (length < octets.length) {
    const read = readSync(file, octets, length, octets.length - length, null);
    if (read === 0) return ok(octets.toString('utf8', 0, length));
    length += read;
  }
  return err(`it has more than ${MAX_SECRET_OCTETS} octets`);
}

/** What the system throws, as its own words. */
export function attempt<T>(work: () => Result<T, string>): Result<T, string> {
  try {
    return work();
  } catch (cause) {
    return err(cause instanceof Error ? cause.message : String(cause));
  }
}
