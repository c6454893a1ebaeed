// One server for one kind of request: its address, identifiers, health, window and counters.

import { Counters } from '../base/counters.ts';
import { type Ip, parseIp } from '../base/ip.ts';
import { type Instant, type Millis, NEVER } from '../base/time.ts';
import type { RadiusEffect, ServerIndex, SocketKey } from './effects.ts';
import { type HealthTimes, ServerHealth } from './health.ts';
import { IDS_PER_SOCKET, IdPool, identifierOf, MAX_SOCKETS, type Slot, socketOf } from './id-pool.ts';
import type { RadiusServer, RequestKind } from './settings.ts';
import { type PendingStatus, StatusWatch } from './status.ts';
import { SendWindow } from './window.ts';

/** One packet that is, or was, on the wire, and may still be answered. */
export interface Attempt<Exchange> {
  readonly exchange: Exchange;
  readonly slot: Slot;
  readonly bytes: Uint8Array;
  readonly sentAt: Instant;
  /** More than one sending makes the round trip time ambiguous (Karn's algorithm). */
  sends: number;
}

/** Named after RADIUS-AUTH-CLIENT-MIB and RADIUS-ACC-CLIENT-MIB (RFC 4668, RFC 4670). */
export type LinkCounter =
  | 'requests'
  | 'retransmissions'
  | 'answers'
  | 'access_accepts'
  | 'access_rejects'
  | 'access_challenges'
  | 'status_requests'
  | 'status_answers'
  | 'connections'
  | `connection_${string}`
  | 'late_answers'
  | 'timeouts'
  | 'no_identifier'
  | `dropped_${string}`;

export interface ServerStatistics {
  readonly server: ServerIndex;
  readonly kind: RequestKind;
  /** `address:port`. */
  readonly name: string;
  readonly transport: 'udp' | 'tls';
  readonly up: boolean;
  /** When it died or came back; undefined = up since the start. */
  readonly since: Instant | undefined;
  /** Requests that wait for an answer of this server now. */
  readonly inFlight: number;
  /** How many accounting requests may. */
  readonly window: number;
  readonly sockets: number;
  /** Smoothed round trip; absent before the first answer. */
  readonly roundTripMs?: number;
  readonly counters: Readonly<Record<string, number>>;
}

export interface LinkTimes extends HealthTimes {
  readonly statusInterval: Millis;
}

export interface LinkSettings extends LinkTimes {
  readonly index: ServerIndex;
  readonly kind: RequestKind;
  readonly server: RadiusServer;
}

/** RFC 2865 §3. */
export const REQUEST_AUTHENTICATOR_LENGTH = 16;
const RTT_WEIGHT = 1 / 8;
/** Connections to one server for one kind of request. */
const MAX_CONNECTIONS = 8;
/** Over UDP, Status-Server has a source port of its own, and so an Identifier space of its own. */
const STATUS_SOCKET = MAX_SOCKETS;

function canonical(address: string): Ip | string {
  // A link-local address comes from the socket with its zone.
  return parseIp(address.split('%')[0] ?? '') ?? address;
}

export class ServerLink<Exchange> {
  readonly index: ServerIndex;
  readonly kind: RequestKind;
  readonly server: RadiusServer;
  readonly port: number;
  /** `address:port`, for people and for `Authorization.server`. */
  readonly name: string;
  readonly health: ServerHealth;
  readonly status: StatusWatch;
  /** Over a connection nothing is lost on the way, and nothing is sent twice (RFC 6613 §2.6.1). */
  readonly reliable: boolean;
  readonly window = new SendWindow();
  readonly counters = new Counters<LinkCounter>();
  private readonly address: Ip | string;
  private readonly ids: IdPool;
  private readonly attempts: (Attempt<Exchange> | undefined)[] = [];
  /** Had a request, on the connection that stands, which was not answered in time. At most as many as there are slots. */
  private readonly owed = new Set<Slot>();
  private roundTrip: number | undefined;

  constructor(settings: LinkSettings) {
    this.index = settings.index;
    this.kind = settings.kind;
    this.server = settings.server;
    const { address, tls, authPort, acctPort, statusServer } = settings.server;
    this.reliable = tls !== undefined;
    this.port = tls?.port ?? (settings.kind === 'access' ? authPort : acctPort);
    // RFC 6613 §2.6.5: Identifier 0 of a connection is for Status-Server alone.
    this.ids = this.reliable ? new IdPool(MAX_CONNECTIONS, 1) : new IdPool();
    this.address = canonical(address);
    this.name = address.includes(':') ? `[${address}]:${this.port}` : `${address}:${this.port}`;
    this.health = new ServerHealth(settings);
    this.status = new StatusWatch({
      mode: statusServer,
      interval: settings.statusInterval,
      watchdog: this.reliable,
    });
  }

  /** The same server under other times. */
  configure(times: LinkTimes): void {
    this.health.configure(times);
    this.status.configure(times.statusInterval);
  }

  /** Up, or dead for long enough that a request should try it, where nothing else finds out. */
  preferred(now: Instant): boolean {
    return this.health.up || (!this.status.speaks && this.health.preferred(now));
  }

  get certainlyDead(): boolean {
    return this.health.certainlyDead(this.status.decides);
  }

  /** When a request should try it; NEVER while it is up, or Status-Server will tell. */
  get trialAt(): Instant {
    return this.status.speaks ? NEVER : this.health.trialAt;
  }

  /** Source ports or connections so far. */
  get sockets(): number {
    return Math.max(this.ids.sockets, 1);
  }

  send(socket: SocketKey, bytes: Uint8Array): RadiusEffect {
    const { address, tls } = this.server;
    const over = tls === undefined ? {} : { tls };
    return { type: 'send', ...over, socket, address, port: this.port, bytes };
  }

  /** Every source port or connection that may stand. */
  get openSockets(): readonly SocketKey[] {
    const { index: server, kind } = this;
    const numbered = Array.from({ length: this.sockets }, (_, n) => ({ server, kind, n }));
    return this.reliable ? numbered : [...numbered, this.statusSocket];
  }

  get statusSocket(): SocketKey {
    return { server: this.index, kind: this.kind, n: this.reliable ? 0 : STATUS_SOCKET };
  }

  /** The Status-Server that a packet on this socket may answer. */
  pendingStatus(n: number, identifier: number): PendingStatus | undefined {
    const { pending } = this.status;
    return n === this.statusSocket.n && pending?.identifier === identifier ? pending : undefined;
  }

  /** A connection is no more: its identifiers are free. What was waited for on it. */
  disconnected(n: number): readonly Attempt<Exchange>[] {
    const lost = this.attempts.slice(n * IDS_PER_SOCKET, (n + 1) * IDS_PER_SOCKET);
    const open = lost.filter((attempt) => attempt !== undefined);
    for (const attempt of open) this.close(attempt);
    for (const slot of this.owed) if (socketOf(slot) === n) this.owed.delete(slot);
    if (n === this.statusSocket.n) this.status.disconnected();
    return open;
  }

  acquire(): Slot | undefined {
    return this.ids.acquire();
  }

  /** Gives back a slot for which no attempt was made. */
  abandon(slot: Slot): void {
    this.ids.release(slot);
  }

  open(attempt: Attempt<Exchange>): void {
    this.attempts[attempt.slot] = attempt;
  }

  /** The attempt was answered, or has timed out: its identifier may be used again, last of all. */
  close(attempt: Attempt<Exchange>): void {
    if (this.attempts[attempt.slot] !== attempt) return;
    this.attempts[attempt.slot] = undefined;
    this.ids.release(attempt.slot);
  }

  /** No answer to it is expected any more. */
  expire(attempt: Attempt<Exchange>): void {
    if (this.reliable && this.isOpen(attempt)) this.owed.add(attempt.slot);
    this.close(attempt);
  }

  /** What comes over this connection with this identifier may be meant for an earlier request than the one that waits. */
  owesEarlier(n: number, identifier: number): boolean {
    if (this.pendingStatus(n, identifier) !== undefined) return this.status.owesEarlier;
    return this.owed.has(n * IDS_PER_SOCKET + identifier);
  }

  isOpen(attempt: Attempt<Exchange>): boolean {
    return this.attempts[attempt.slot] === attempt;
  }

  attemptAt(n: number, identifier: number): Attempt<Exchange> | undefined {
    return this.attempts[n * IDS_PER_SOCKET + identifier];
  }

  socket(slot: Slot): SocketKey {
    return { server: this.index, kind: this.kind, n: socketOf(slot) };
  }

  identifier(slot: Slot): number {
    return identifierOf(slot);
  }

  isAt(address: Ip): boolean {
    return this.address === address;
  }

  isFrom(from: { readonly address: string; readonly port: number }): boolean {
    return from.port === this.port && canonical(from.address) === this.address;
  }

  measure(attempt: Attempt<Exchange>, now: Instant): void {
    if (attempt.sends !== 1) return;
    const sample = now - attempt.sentAt;
    this.roundTrip =
      this.roundTrip === undefined ? sample : this.roundTrip + (sample - this.roundTrip) * RTT_WEIGHT;
  }

  statistics(): ServerStatistics {
    return {
      server: this.index,
      kind: this.kind,
      name: this.name,
      transport: this.reliable ? 'tls' : 'udp',
      up: this.health.up,
      since: this.health.since,
      inFlight: this.window.inFlight,
      window: this.window.size,
      sockets: this.ids.sockets,
      ...(this.roundTrip === undefined ? {} : { roundTripMs: this.roundTrip }),
      counters: this.counters.snapshot(),
    };
  }
}
