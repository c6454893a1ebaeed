// How the agent's unit stands, by what `systemctl show` says of it.

export const SHOW = 'systemctl show rollcall -p ActiveState -p SubState -p NRestarts -p ExecMainStatus';
/** It has ended, and by what is not known any more: another one runs. */
export const STARTED_AGAIN = -1;
const RUNNING: ReadonlySet<string | undefined> = new Set(['active', 'activating', 'reloading']);

/** Null while it runs, and was not started again more often than that; else the status that it ended with, or the signal. */
export function endOf(shown: string, restarts: number): number | null {
  const is = read(shown);
  const runs = RUNNING.has(is.get('ActiveState')) && is.get('SubState') !== 'auto-restart';
  if (runs) return restartsIn(shown) <= restarts ? null : STARTED_AGAIN;
  return Number(is.get('ExecMainStatus') ?? STARTED_AGAIN);
}

export function restartsIn(shown: string): number {
  return Number(read(shown).get('NRestarts') ?? Number.NaN);
}

function read(shown: string): ReadonlyMap<string, string> {
  const lines = shown.split('\n').map((line) => line.trim().split('='));
  return new Map(lines.map(([name = '', value = '']) => [name, value]));
}
