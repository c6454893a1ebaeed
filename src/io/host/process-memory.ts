// Passwords and secrets are in this process's memory, and stay there: no core dump, and no other process looks in.
//
// Not dumpable (PR_SET_DUMPABLE, prctl(2)) means that no core is written, whatever RLIMIT_CORE and core_pattern say, and that only
// root reads /proc/<pid>/mem or attaches a debugger. Node opens its own debugger on SIGUSR1, to whoever is on this machine: a
// listener of ours takes the signal's place.

import koffi from 'koffi';
import { err, ok, type Result } from '../../base/result.ts';
import { attempt } from '../files.ts';

/** linux/prctl.h */
const PR_SET_DUMPABLE = 4;

/** The error is a sentence. */
export function guardMemory(): Result<void, string> {
  process.on('SIGUSR1', () => undefined);
  const done = attempt(() => {
    const prctl = koffi.load(null).func('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong']);
    return ok(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) as number);
  });
  if (done.ok && done.value === 0) return ok(undefined);
  return err(`core dumps of the agent cannot be forbidden: ${done.ok ? 'prctl refuses' : done.error}`);
}
