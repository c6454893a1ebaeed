// UDP sockets for the RADIUS client, one source port each: the first of each server at the start, others when the engine first uses
// their key.
//
// A send that fails is not reported to the engine: to RADIUS a lost packet and a refused one are the same, and the
// retransmission that follows is the remedy. It is logged once per socket until it succeeds again.

import { createSocket, type Socket } from 'node:dgram';

export interface DatagramFrom<Key> {
  readonly socket: Key;
  readonly address: string;
  readonly port: number;
  readonly bytes: Uint8Array;
}

interface Entry {
  readonly socket: Socket;
  failing: boolean;
}

export class UdpSockets<Key> {
  private readonly sockets = new Map<string, Entry>();

  constructor(
    private readonly nameOf: (key: Key) => string,
    private readonly onDatagram: (datagram: DatagramFrom<Key>) => void,
    private readonly onError: (message: string) => void,
  ) {}

  send(key: Key, address: string, port: number, bytes: Uint8Array): void {
    const entry = this.sockets.get(this.nameOf(key)) ?? this.open(key, address);
    entry.socket.send(bytes, port, address, (error) => {
      if (error !== null && !entry.failing) this.onError(`send to ${address}:${port}: ${error.message}`);
      entry.failing = error !== null;
    });
  }

  /** Opens it, so that the first packet needs no file descriptor that may not be there by then. */
  prepare(key: Key, address: string): void {
    if (this.sockets.has(this.nameOf(key))) return;
    this.open(key, address).socket.bind({ port: 0, exclusive: true });
  }

  /** Nobody sends from it any more. */
  forget(key: Key): void {
    const name = this.nameOf(key);
    this.sockets.get(name)?.socket.close();
    this.sockets.delete(name);
  }

  close(): void {
    for (const { socket } of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  private open(key: Key, address: string): Entry {
    const name = this.nameOf(key);
    const socket = createSocket({
      type: address.includes(':') ? 'udp6' : 'udp4',
      // Servers are addresses, never names: nothing has to be looked up, for every datagram anew.
      lookup: (host, _options, found) => found(null, host, address.includes(':') ? 6 : 4),
    });
    const entry: Entry = { socket, failing: false };
    this.sockets.set(name, entry);
    socket.on('message', (bytes, from) => {
      this.onDatagram({ socket: key, address: from.address, port: from.port, bytes });
    });
    socket.on('error', (error) => {
      this.onError(`socket ${name}: ${error.message}`);
      this.sockets.delete(name);
      socket.close();
    });
    return entry;
  }
}
