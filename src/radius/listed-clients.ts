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

  /**
   * Whose source this is, as a socket has it: a link-local address comes with its zone. Nobody's without a port, which may come
   * (RFC 768) and cannot be answered.
   */
  of({ address, port }: ClientDatagram): ListedClient | undefined {
    const ip = parseIp(withoutZone(address));
    return ip === undefined || port === 0 ? undefined : this.byAddress.get(ip);
  }
}
