// What the lab has made is unmade when the test process ends, by itself or by a signal that can be caught. For SIGKILL
// there is the sweep of the next run (global-setup.ts).

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Not process.exit, which vitest forbids: the undoings, then the signal again, with its default action this time. */
function leave(signal: NodeJS.Signals): void {
  process.emit('exit', 130);
  process.kill(process.pid, signal);
}

/** Registers a synchronous undoing; returns the call that takes it back. */
export function atExit(undo: () => void): () => void {
  process.setMaxListeners(0);
  process.once('exit', undo);
  // A signal's default action ends a process without its 'exit' event.
  for (const signal of SIGNALS) {
    if (!process.listeners(signal).includes(leave)) process.once(signal, leave);
  }
  return () => {
    process.removeListener('exit', undo);
  };
}
