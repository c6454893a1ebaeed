// What the store has from earlier runs, told to the agent; without a store it is told that there is none.

import { EMPTY_SPOOL } from '../../accounting/spool.ts';
import { err } from '../../base/result.ts';
import type { Config } from '../../config/config.ts';
import { EMPTY_CERTIFIED, readCertified } from '../../policy/certified-codec.ts';
import { NO_EVENTS } from '../../report/event-codec.ts';
import { NOTHING_KEPT } from '../../session/kept-codec.ts';
import type { Shell } from '../shell.ts';
import type { Store } from './store.ts';

/**
 * Before a frame is captured and the broker hears of us: who was in goes on, as if nothing had happened. Loads the store's
 * package, which may fail, too: undefined then, as for a store that cannot be opened.
 */
export async function openAndTell(
  { stateDir, certifiedDevices }: Config,
  shell: Pick<Shell, 'post' | 'useSpool'>,
): Promise<Store | undefined> {
  const opened = await import('./store.ts').then(
    ({ openStore }) => openStore(stateDir, (status) => shell.post({ type: 'spool-status', status })),
    (cause: unknown) => err(String(cause)),
  );
  if (!opened.ok) {
    const warning = `there is no accounting store, records are kept in memory alone: ${opened.error}`;
    const status = { state: 'none', octets: 0, warnings: [warning] } as const;
    const nothing = { content: EMPTY_SPOOL, kept: NOTHING_KEPT, logins: [], events: NO_EVENTS };
    shell.post({ type: 'spool', ...nothing, status });
    shell.post({ type: 'certified', content: EMPTY_CERTIFIED });
    return undefined;
  }
  const { store, certified, ...left } = opened.value;
  shell.useSpool(store);
  shell.post({ type: 'spool', ...left });
  if (certifiedDevices.enabled) shell.post({ type: 'certified', content: readCertified(certified) });
  return store;
}
