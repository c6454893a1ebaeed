// Which client of the bridge an IP address belongs to, by the host's own neighbour entries (ARP, ND) on the bridge and on its
// VLANs: it is the entry that our answers go by, so whoever borrows an address gets what is meant for its own MAC.

import { networkInterfaces } from 'node:os';
import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { vlanOf } from './own-addresses.ts';
import type { PortAuth } from './portauth.ts';

/** Undefined where no interface has it, and where two have it with different MACs: then it is nobody's. */
export function neighbourOf(portauth: PortAuth, bridge: string, ip: Ip): Mac | undefined {
  const found = new Set<Mac>();
  for (const name of Object.keys(networkInterfaces())) {
    if (vlanOf(bridge, name) === undefined) continue;
    const mac = portauth.neighbour(name, ip);
    if (mac !== undefined) found.add(mac);
  }
  const [mac] = found;
  return found.size === 1 ? mac : undefined;
}
