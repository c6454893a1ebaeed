// One server for one kind of request: its address, identifiers, health, window and counters.

import { Counters } from '../base/counters.ts';
import { type Ip, parseIp } from '../base/ip.ts';
import type { Instant, Millis } from '../base/time.ts';
import type { RequestKind, ServerIndex, SocketKey } from './effects.ts';
import { ServerHealth } from './health.ts';
import { IDS_PER_SOCKET, IdPool, identifierOf, type Slot, socketOf } from './id-pool.ts';
import type { RadiusServer } from './settings.ts';
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
  | 'late_answers'
  | 'timeouts'
  | 'no_identifier'
  | `dropped_${string}`;

export interface ServerStatistics {
  readonly server: ServerIndex;
  readonly kind: RequestKind;
  readonly address: string;
  readonly port: number;
  readonly up: boolean;
  /** Requests that wait for an answer of this server now. */
  readonly inFlight: number;
  /** How many accounting requests may. */
  readonly window: number;
  readonly sockets: number;
  /** Smoothed round trip; absent before the first answer. */
  readonly roundTripMs?: number;
  readonly counters: Readonly<Record<string, number>>;
}

export interface LinkSettings {
  readonly index: ServerIndex;
  readonly kind: RequestKind;
  readonly server: RadiusServer;
  readonly deadTime: Millis;
  readonly trialTime: Millis;
}

const RTT_WEIGHT = 1 / 8;

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
  readonly window = new SendWindow();
  readonly counters = new Counters<LinkCounter>();
  private readonly address: Ip | string;
  private readonly ids = new IdPool();
  private readonly attempts: (Attempt<Exchange> | undefined)[] = [];
  private roundTrip: number | undefined;

  constructor(settings: LinkSettings) {
    this.index = settings.index;
    this.kind = settings.kind;
    this.server = settings.server;
    this.port = settings.kind === 'access' ? settings.server.authPort : settings.server.acctPort;
    const { address } = settings.server;
    this.address = canonical(address);
    this.name = address.includes(':') ? `[${address}]:${this.port}` : `${address}:${this.port}`;
    this.health = new ServerHealth(settings.deadTime, settings.trialTime);
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
      address: this.server.address,
      port: this.port,
      up: this.health.up,
      inFlight: this.window.inFlight,
      window: this.window.size,
      sockets: this.ids.sockets,
      ...(this.roundTrip === undefined ? {} : { roundTripMs: this.roundTrip }),
      counters: this.counters.snapshot(),
    };
  }
}
