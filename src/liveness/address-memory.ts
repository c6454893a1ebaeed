// Where a client can be asked that is back without a word of its address: a supplicant that was let in anew, behind a link that
// never went down for it, announces nothing. What its last session on the port knew is presumed, for probes alone: the answer is
// proof and is learnt (address-learning.ts); no answer, from an address that it may have no more, speaks against no other sign of it.

import type { Mac } from '../base/mac.ts';
import { present } from '../base/present.ts';
import type { PortName } from '../model/dataplane.ts';
import type { SessionAddresses } from '../model/session.ts';

/** More than a switch of this kind has users; some 200 octets each, 500 of who has several IPv6 addresses. */
export const REMEMBERED_MAX = 4_096;

interface Remembered {
  readonly port: PortName;
  readonly addresses: SessionAddresses;
}

/** At most REMEMBERED_MAX clients; whose session ended longest ago is forgotten first. */
export class AddressMemory {
  private readonly clients = new Map<Mac, Remembered>();

  /** A session has ended that knew these. */
  keep(mac: Mac, port: PortName, { ipv4, ipv6, heardIpv6 }: SessionAddresses): void {
    if (ipv4 === undefined && ipv6 === undefined) return;
    this.clients.delete(mac);
    const [oldest] = this.clients.keys();
    if (this.clients.size >= REMEMBERED_MAX && oldest !== undefined) this.clients.delete(oldest);
    this.clients.set(mac, { port, addresses: present({ ipv4, ipv6, heardIpv6 }) });
  }

  /** None if its last session was on another port: it may be in another network there. */
  of(mac: Mac, port: PortName): SessionAddresses {
    const found = this.clients.get(mac);
    return found?.port === port ? found.addresses : {};
  }
}
