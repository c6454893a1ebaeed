// Whoever asks `rollcall check` over SSH by a port that is to be locked is about to lock himself out: the way that the session takes
// is in the host's own tables. One that comes through a router, or by another interface, is not judged.

import { type Ip, parseIp } from '../../base/ip.ts';
import { macToNumber } from '../../base/mac.ts';
import type { Config } from '../../config/config.ts';
import { portSettings } from '../../config/ports.ts';
import type { PortName } from '../../model/dataplane.ts';
import { forEachEntry } from '../../wire/fdb-table.ts';
import type { PortAuth } from '../dataplane/portauth.ts';
import { readClocks } from '../shell.ts';
import type { HostFinding } from './host-check.ts';

export interface Visit {
  /** SSH_CONNECTION of sshd(8) and dropbear(8): `client port server port`. */
  readonly ssh: string | undefined;
  /** Names of this host's interfaces. */
  readonly interfaces: readonly string[];
}

export function lockoutFindings(config: Config, portauth: PortAuth, visit: Visit): readonly HostFinding[] {
  const from = parseIp(visit.ssh?.split(' ')[0] ?? '');
  const port = from === undefined ? undefined : portOf(from, config, portauth, visit);
  if (from === undefined || port === undefined) return [];
  const { control } = portSettings(config, port);
  if (control === 'off' || control === 'force-authorized') return [];
  const message = `you are here from ${from} by ${port}, which is to be locked: name it under switch.uplinks, or you lock yourself out`;
  return [{ severity: 'warning', message }];
}

function portOf(from: Ip, config: Config, portauth: PortAuth, visit: Visit): PortName | undefined {
  const { bridge } = config.switch;
  const own = visit.interfaces.filter((name) => name === bridge || name.startsWith(`${bridge}.`));
  const mac = own.map((name) => portauth.host.neighbour(name, from)).find((found) => found !== undefined);
  const dump = portauth.dump(() => readClocks().mono);
  if (mac === undefined || !dump.ok) return undefined;
  const wanted = macToNumber(mac);
  const names = new Map(portauth.ports().map(({ index, name }) => [index, name]));
  let port: PortName | undefined;
  forEachEntry(dump.value.records, (mac48, _, ifindex) => {
    if (mac48 === wanted) port = names.get(ifindex) ?? port;
  });
  return port;
}
