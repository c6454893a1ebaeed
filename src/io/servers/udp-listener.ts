// One UDP port on all addresses of the host, a socket for each address family, or on one address alone: where Disconnect- and CoA-Requests come in.
//
// What comes in at one moment is handed on together, so that a thousand requests in a burst pay for some thirty relock
// proofs and not for a thousand. A socket that cannot be opened is tried again every few seconds, and said once.

import { createSocket, type Socket } from 'node:dgram';
import type { ClientDatagram } from '../../radius/listed-clients.ts';

const RETRY_MS = 5000;
/** A burst waits in the kernel while a relock is proven; the system's limit (net.core.rmem_max) may allow less. */
const RECEIVE_BUFFER = 1024 * 1024;

type Family = 'udp4' | 'udp6';

export interface UdpListenerOptions {
  readonly port: number;
  /** Absent: all of them. An answer then leaves from the address of the way to whoever asked, not from the one that was asked. */
  readonly address?: string;
  readonly onDatagrams: (datagrams: readonly ClientDatagram[]) => void;
  readonly onError: (message: string) => void;
}

export class UdpListener {
  private readonly sockets = new Map<Family, Socket>();
  private readonly retries = new Map<Family, NodeJS.Timeout>();
  private readonly failing = new Set<Family>();
  private waiting: ClientDatagram[] = [];
  private closed = false;

  constructor(private readonly options: UdpListenerOptions) {
    const { address } = options;
    if (address === undefined || !address.includes(':')) this.open('udp4');
    if (address === undefined || address.includes(':')) this.open('udp6');
  }

  send(address: string, port: number, bytes: Uint8Array): void {
    const socket = this.sockets.get(address.includes(':') ? 'udp6' : 'udp4');
    socket?.send(bytes, port, address, (error) => {
      if (error !== null) this.options.onError(`answer to ${address}:${port}: ${error.message}`);
    });
  }

  close(): void {
    this.closed = true;
    for (const timer of this.retries.values()) clearTimeout(timer);
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  private open(family: Family): void {
    const { port, address, onError } = this.options;
    const socket = createSocket({
      type: family,
      ipv6Only: family === 'udp6',
      // Who is answered is an address, never a name.
      lookup: (host, _options, found) => found(null, host, family === 'udp6' ? 6 : 4),
    });
    socket.on('listening', () => {
      this.failing.delete(family);
      this.sockets.set(family, socket);
      socket.setRecvBufferSize(RECEIVE_BUFFER);
    });
    socket.on('message', (bytes, { address, port: from }) => this.take({ address, port: from, bytes }));
    socket.on('error', (error) => {
      if (!this.failing.has(family)) onError(`UDP port ${port} (${family}): ${error.message}; trying again`);
      this.failing.add(family);
      this.sockets.delete(family);
      socket.close();
      if (!this.closed)
        this.retries.set(
          family,
          setTimeout(() => this.open(family), RETRY_MS),
        );
    });
    socket.bind(address === undefined ? { port } : { port, address });
  }

  private take(datagram: ClientDatagram): void {
    if (this.waiting.push(datagram) > 1) return;
    setImmediate(() => {
      const { waiting } = this;
      this.waiting = [];
      if (!this.closed) this.options.onDatagrams(waiting);
    });
  }
}
