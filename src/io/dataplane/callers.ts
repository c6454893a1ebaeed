// Who has called: the client behind a TCP connection, by its MAC on the bridge. What counts is the Ethernet source of the frame
// that has opened the connection, which a locked port does not let anybody borrow. ARP and ND are no proof of it: the kernel
// takes what they say in their payload, which anybody may write. They say where the answers go, so both have to agree.

import type { Ip } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import type { Result } from '../../base/result.ts';
import { readInterfaces, vlanOf } from './own-addresses.ts';
import type { PortAuth } from './portauth.ts';

export interface Callers {
  /** To be called of each listening socket before `callerOf` is asked. */
  keep(listener: number): Result<void, string>;
  /** To be asked once of each connection; undefined where it did not come in an Ethernet frame. */
  callerOf(connection: number): Mac | undefined;
  /** By the host's own entries on the bridge and on its VLANs; more than one where more than one say that it is theirs. */
  neighboursOf(ip: Ip): ReadonlySet<Mac>;
}

export function callersOf({ host }: PortAuth, bridge: string): Callers {
  return {
    keep: (listener) => host.keepCallers(listener),
    callerOf: (connection) => host.caller(connection),
    neighboursOf: (ip) => {
      const found = new Set<Mac>();
      for (const name of Object.keys(readInterfaces() ?? {})) {
        const mac = vlanOf(bridge, name) === undefined ? undefined : host.neighbour(name, ip);
        if (mac !== undefined) found.add(mac);
      }
      return found;
    },
  };
}
