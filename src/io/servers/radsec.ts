// RADIUS over TLS (RFC 6614) for the RADIUS client: connections, made when the engine first sends over a key.
//
// The files are read at each connection, so that renewed certificates are taken up without a restart. What is sent while a
// connection is being made waits for it; what is sent while one may not be made yet (the last one failed) is lost, as a
// datagram would be, and the engine's timers are the remedy. Each connection that ends, or cannot be made, is told once,
// with a word for the counters and a sentence for people. Reconnecting backs off from 1 s to 30 s, with jitter.

import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls';
import { ok, type Result } from '../../base/result.ts';
import type { RadiusServer, RadSecSettings } from '../../radius/settings.ts';
import { RadiusFramer } from '../../wire/radius-stream.ts';
import { explainTls, readTlsFiles } from '../tls.ts';
import type { DatagramFrom } from './udp.ts';

/** For TCP and TLS together. */
const CONNECT_WITHIN_MS = 5_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** A connection that stood so long was a good one: the next may be made at once. */
const GOOD_AFTER_MS = 10_000;
/** Octets that wait for a peer who does not read; beyond that packets are lost. */
const MOST_WAITING = 1024 * 1024;
const KEEP_ALIVE_AFTER_MS = 30_000;

export interface ConnectionEnd {
  /** The server has said something over it. */
  readonly wasOpen: boolean;
  /** For counters: refused, timeout, certificate, files, framing, closed, error. */
  readonly reason: string;
  readonly detail: string;
}

export interface RadSecHandlers<Key> {
  readonly onPacket: (packet: DatagramFrom<Key>) => void;
  readonly onOpen: (key: Key) => void;
  readonly onEnd: (key: Key, end: ConnectionEnd) => void;
}

/** One connection, and where it leads. */
export interface Peer<Key> {
  readonly key: Key;
  readonly address: string;
  readonly port: number;
  readonly settings: RadSecSettings;
}

interface Connection<Key> extends Peer<Key> {
  socket: TLSSocket | undefined;
  openedAt: number | undefined;
  /** Octets have come in over it. */
  heard: boolean;
  /** Sent before it stood. */
  waiting: Uint8Array[];
  /** No other one before this time of the monotonic clock, in milliseconds, as `openedAt`. */
  notBefore: number;
  waitMs: number;
  retry: NodeJS.Timeout | undefined;
}

export class RadSecConnections<Key> {
  private readonly connections = new Map<string, Connection<Key>>();
  private closed = false;

  constructor(
    private readonly nameOf: (key: Key) => string,
    private readonly handlers: RadSecHandlers<Key>,
  ) {}

  send({ key, address, port, settings }: Peer<Key>, bytes: Uint8Array): void {
    const connection = this.connectionOf({ key, address, port, settings });
    const { socket } = connection;
    if (socket === undefined) {
      if (performance.now() < connection.notBefore) this.retryLater(connection);
      else {
        connection.waiting.push(bytes);
        this.connect(connection);
      }
    } else if (connection.openedAt === undefined) connection.waiting.push(bytes);
    else if (socket.writableLength <= MOST_WAITING) socket.write(bytes);
  }

  /** Gives it up, and what it waits for, without a word to the handlers; the next `send` makes another, as soon as it may. */
  disconnect(key: Key): void {
    const connection = this.connections.get(this.nameOf(key));
    if (connection === undefined) return;
    clearTimeout(connection.retry);
    connection.retry = undefined;
    if (connection.socket !== undefined) this.backOff(connection);
    this.drop(connection);
  }

  close(): void {
    this.closed = true;
    for (const connection of this.connections.values()) {
      clearTimeout(connection.retry);
      this.drop(connection);
    }
    this.connections.clear();
  }

  private connectionOf(peer: Peer<Key>): Connection<Key> {
    const name = this.nameOf(peer.key);
    const known = this.connections.get(name);
    if (known !== undefined) return known;
    this.forgetUnwanted();
    const fresh: Connection<Key> = {
      ...peer,
      socket: undefined,
      openedAt: undefined,
      heard: false,
      waiting: [],
      notBefore: 0,
      waitMs: FIRST_WAIT_MS,
      retry: undefined,
    };
    this.connections.set(name, fresh);
    return fresh;
  }

  /** Those that nobody has wanted for longer than any back-off: their servers may be configured no more. */
  private forgetUnwanted(): void {
    const before = performance.now() - LONGEST_WAIT_MS;
    for (const [name, { socket, retry, notBefore }] of this.connections)
      if (socket === undefined && retry === undefined && notBefore < before) this.connections.delete(name);
  }

  /** Somebody wants it: it is made as soon as it may be, and the engine is told then. */
  private retryLater(connection: Connection<Key>): void {
    connection.retry ??= setTimeout(() => {
      connection.retry = undefined;
      if (connection.socket === undefined && !this.closed) this.connect(connection);
    }, connection.notBefore - performance.now());
  }

  private connect(connection: Connection<Key>): void {
    const { key, address, port, settings } = connection;
    const files = tlsOptions(settings, address);
    if (!files.ok) {
      this.ended(connection, 'files', files.error);
      return;
    }
    const socket = connect({ ...files.value, host: address, port });
    connection.socket = socket;
    const framer = new RadiusFramer();
    const giveUp = setTimeout(() => {
      this.ended(connection, 'timeout', `no connection within ${CONNECT_WITHIN_MS / 1000} s`, socket);
    }, CONNECT_WITHIN_MS);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    socket.on('secureConnect', () => {
      clearTimeout(giveUp);
      const fault = pinFault(socket, settings);
      if (fault !== undefined) this.ended(connection, 'certificate', fault, socket);
      else this.opened(connection, socket);
    });
    socket.on('data', (chunk) => {
      connection.heard = true;
      const packets = framer.push(chunk);
      if (!packets.ok) {
        this.ended(connection, 'framing', packets.error.detail, socket);
        return;
      }
      for (const bytes of packets.value) {
        // A packet may have been the end of it.
        if (connection.socket !== socket) return;
        this.handlers.onPacket({ socket: key, address, port, bytes });
      }
    });
    socket.on('error', (error) => {
      const { reason, detail } = explainTls(error, {
        what: 'server',
        name: settings.serverName ?? address,
        certFile: settings.certFile,
      });
      this.ended(connection, reason, detail, socket);
    });
    socket.on('close', () => {
      clearTimeout(giveUp);
      // With TLS 1.3 a server that does not believe us says so, if at all, after our side of the handshake is over.
      const why = connection.heard
        ? ''
        : ` before it said anything: does it believe our certificate (${settings.certFile})?`;
      this.ended(connection, 'closed', `the server closed the connection${why}`, socket);
    });
  }

  private opened(connection: Connection<Key>, socket: TLSSocket): void {
    if (connection.socket !== socket) return;
    connection.openedAt = performance.now();
    for (const bytes of connection.waiting.splice(0)) socket.write(bytes);
    this.handlers.onOpen(connection.key);
  }

  /** `socket`: of which this is told; one that was given up already is nobody's. */
  private ended(connection: Connection<Key>, reason: string, detail: string, socket?: TLSSocket): void {
    if (connection.socket !== socket || this.closed) return;
    const { heard: wasOpen } = connection;
    this.backOff(connection);
    this.drop(connection);
    this.handlers.onEnd(connection.key, { wasOpen, reason, detail });
  }

  /** It ends now: when the next one may be made. */
  private backOff(connection: Connection<Key>): void {
    const { openedAt, waitMs } = connection;
    const good = openedAt !== undefined && performance.now() - openedAt >= GOOD_AFTER_MS;
    const wait = good ? 0 : waitMs * (0.75 + Math.random() / 2);
    connection.waitMs = good ? FIRST_WAIT_MS : Math.min(2 * waitMs, LONGEST_WAIT_MS);
    connection.notBefore = performance.now() + wait;
  }

  private drop(connection: Connection<Key>): void {
    const { socket } = connection;
    connection.socket = undefined;
    connection.openedAt = undefined;
    connection.heard = false;
    connection.waiting = [];
    socket?.destroy();
  }
}

/** What is wrong with the files, in words; the rest of the options depends on the server. */
export function tlsOptions(settings: RadSecSettings, address: string): Result<ConnectionOptions, string> {
  const files = readTlsFiles(settings);
  if (!files.ok) return files;
  const { serverName, fingerprint } = settings;
  return ok({
    ...files.value,
    minVersion: 'TLSv1.2',
    // Without an authority the fingerprint alone decides, in `pinFault`, before anything is sent.
    rejectUnauthorized: files.value.ca !== undefined,
    ...(serverName === undefined ? {} : { servername: serverName }),
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      fingerprint === undefined ? checkServerIdentity(serverName ?? address, certificate) : undefined,
  });
}

/** Of all servers that are asked over TLS: what would keep us from connecting to any of them. */
export function radSecFaults(servers: readonly RadiusServer[]): readonly string[] {
  return servers.flatMap(({ address, tls }, i) => {
    const options = tls === undefined ? ok({}) : tlsOptions(tls, address);
    return options.ok ? [] : [`radius.servers[${i}].tls: ${options.error}`];
  });
}

function pinFault(socket: TLSSocket, { fingerprint }: RadSecSettings): string | undefined {
  if (fingerprint === undefined) return undefined;
  const shown = (socket.getPeerCertificate().fingerprint256 ?? '').replaceAll(':', '').toLowerCase();
  return shown === fingerprint ? undefined : `the server's certificate has another fingerprint: ${shown}`;
}
