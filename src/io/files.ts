// Texts that the configuration is made of. Errors are the system's own words, without the path.

import { readFileSync, statSync } from 'node:fs';
import { err, ok, type Result } from '../base/result.ts';

/** Longer than any secret. */
const MAX_SECRET_OCTETS = 4096;

export function readText(path: string): Result<string, string> {
  return attempt(() => ok(readFileSync(path, 'utf8')));
}

/** A command can name any path, and the agent waits for it: pipes, devices and large files are not opened. */
export function readSecret(path: string): Result<string, string> {
  return attempt(() => {
    const facts = statSync(path);
    if (!facts.isFile()) return err('it is no plain file');
    if (facts.size > MAX_SECRET_OCTETS) return err(`it has more than ${MAX_SECRET_OCTETS} octets`);
    return readText(path);
  });
}

function attempt(read: () => Result<string, string>): Result<string, string> {
  try {
    return read();
  } catch (cause) {
    return err(cause instanceof Error ? cause.message : String(cause));
  }
}
