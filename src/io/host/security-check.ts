// `rollcall check` on what is to be kept from others: rights of the process, files of TLS, and folders that others write into.
// It speaks of the user who asks, who may be another one than the agent's.

import { existsSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { folderFault, socketFault } from '../control/socket-file.ts';
import { readTlsFiles } from '../tls.ts';
import type { HostFinding } from './host-check.ts';
import { ownRights } from './rights.ts';

export function securityFindings(config: Config): readonly HostFinding[] {
  return [...rightFindings(config), ...folderFindings(config), ...tlsFindings(config)];
}

function rightFindings(config: Config): readonly HostFinding[] {
  const rights = ownRights(config);
  if (rights === undefined) return [];
  const missing = rights.missing.map((message) => ({ severity: 'fault', message }) as const);
  const { needless } = rights;
  if (needless.length === 0) return missing;
  const who = rights.user === 0 ? 'root' : `user ${rights.user}`;
  const message = `as ${who} the agent has ${needless.length} rights that it does not need: give it a user of its own`;
  return [...missing, { severity: 'warning', message }];
}

/** The socket's folder is made if it is not there; the state folder likewise. */
function folderFindings({ controlSocket, readSocket, stateDir }: Config): readonly HostFinding[] {
  const sockets = [controlSocket, ...(readSocket === undefined ? [] : [readSocket])];
  const judged = [
    ...sockets.map((path) => ({ severity: 'fault', fault: socketFault(path), what: path }) as const),
    {
      severity: 'warning',
      fault: existsSync(stateDir) ? folderFault(stateDir) : undefined,
      what: 'state_dir',
    } as const,
  ];
  return judged.flatMap(({ severity, fault, what }) =>
    fault === undefined ? [] : [{ severity, message: `${what}: ${fault}` }],
  );
}

function tlsFindings({ mqtt }: Config): readonly HostFinding[] {
  const read = readTlsFiles(mqtt.tls);
  return read.ok ? [] : [{ severity: 'fault', message: `mqtt.tls: ${read.error}` }];
}
