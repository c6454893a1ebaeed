// Who may ask something of this switch by RADIUS, for dynamic authorization or for single sign-on, and how it comes in.

import { type Ip, parseIp, withoutZone } from '../base/ip.ts';

export interface ListedClient {
  readonly address: Ip;
  readonly secret: Uint8Array;
  readonly requireMessageAuthenticator: boolean;
}

/** What came from somewhere, or goes there. */
export interface ClientDatagram {
  readonly address: string;
  readonly port: number;
  readonly bytes: Uint8Array;
}

export class ListedClients {
  private readonly byAddress: ReadonlyMap<Ip, ListedClient>;

  constructor(clients: readonly ListedClient[]) {
    this.byAddress = new Map(clients.map((client) => [client.address, client]));
  }

  /** Whose source address this is, as a socket has it: a link-local one comes with its zone. */
  at(address: string): ListedClient | undefined {
    const ip = parseIp(withoutZone(address));
    return ip === undefined ? undefined : this.byAddress.get(ip);
  }
}
