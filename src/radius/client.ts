// The RADIUS client: one engine for all servers, authentication and accounting. Pure: it is told the time and what
// came in, and returns what is to be sent and who got an answer.
//
// Promises: every request ends in exactly one `answer` or `no-answer`, unless it is cancelled, or is an accounting request
// and no server is configured: then it waits for one. An answer has been verified; an identifier is never used again
// while its answer may come; authentication and accounting share no identifiers, no windows, no health and no timers.
// Read exchanges.ts next, then links.ts (which server is there).

import type { Entropy } from '../base/entropy.ts';
import type { Ip } from '../base/ip.ts';
import { earliest, type Instant } from '../base/time.ts';
import type { CancelReason } from '../model/authorization.ts';
import type { NasIdentity } from '../model/nas.ts';
import { ip, type OutgoingAttribute, text } from '../wire/radius-attributes.ts';
import { AccessExchanges } from './access-exchanges.ts';
import { AccountingExchanges } from './accounting-exchanges.ts';
import type {
  ConnectionEvent,
  Datagram,
  RadiusEffect,
  RadiusRequest,
  RequestRef,
  ServerIndex,
} from './effects.ts';
import type { Exchanges } from './exchanges.ts';
import type { SameServer } from './links.ts';
import type { ServerStatistics } from './server-link.ts';
import type { RadiusSettings, RequestKind } from './settings.ts';

export interface RadiusClientSettings {
  readonly settings: RadiusSettings;
  readonly nas: NasIdentity;
  readonly entropy: Entropy;
}

/** RFC 2865 §5.4, §5.32, RFC 3162 §2.1: who asks. */
function nasAttributes(nas: NasIdentity): OutgoingAttribute[] {
  return [
    text('NAS-Identifier', nas.identifier),
    ...(nas.ipv4 === undefined ? [] : [ip('NAS-IP-Address', nas.ipv4)]),
    ...(nas.ipv6 === undefined ? [] : [ip('NAS-IPv6-Address', nas.ipv6)]),
  ];
}

export class RadiusClient {
  private readonly kinds: Readonly<Record<RequestKind, Exchanges>>;

  constructor({ settings, nas, entropy }: RadiusClientSettings) {
    const shared = { radius: settings, nas: nasAttributes(nas), entropy };
    this.kinds = { access: new AccessExchanges(shared), accounting: new AccountingExchanges(shared) };
  }

  /**
   * Another configuration is in force; `same` says which servers it has in common with the one before. Nothing that is
   * under way with those is touched; what waits for another is asked elsewhere, and a conversation with it gets `no-answer`.
   */
  configure(settings: RadiusSettings, same: SameServer, now: Instant): RadiusEffect[] {
    const out: RadiusEffect[] = [];
    for (const kind of Object.values(this.kinds)) kind.configure(settings, same, now, out);
    return out;
  }

  /** A `ref` that is in use already names the new request from now on; the old one is cancelled. */
  request(request: RadiusRequest, now: Instant): RadiusEffect[] {
    const out: RadiusEffect[] = [];
    this.kinds[request.kind].request(request, now, out);
    return out;
  }

  /**
   * Forgets the request, whichever kind it is; its answer, if one comes, is counted as late. `unanswered` may make a server
   * dead, as if the request had ended by itself.
   */
  cancel(ref: RequestRef, reason: CancelReason, now: Instant): RadiusEffect[] {
    const out: RadiusEffect[] = [];
    for (const kind of Object.values(this.kinds)) kind.cancel(ref, reason, now, out);
    return out;
  }

  /** Whatever came in on one of our sockets; never throws, whatever it is. */
  handleDatagram(datagram: Datagram, now: Instant): RadiusEffect[] {
    const out: RadiusEffect[] = [];
    this.kinds[datagram.socket.kind].handleDatagram(datagram, now, out);
    return out;
  }

  /** A connection of ours stands, or is no more. */
  handleConnection(event: ConnectionEvent, now: Instant): RadiusEffect[] {
    const out: RadiusEffect[] = [];
    this.kinds[event.socket.kind].handleConnection(event, now, out);
    return out;
  }

  /** To be called when `pollAt()` has come; `pollAt()` may be due again at once, since a tick's work is bounded. */
  tick(now: Instant): RadiusEffect[] {
    const out: RadiusEffect[] = [];
    this.kinds.access.tick(now, out);
    this.kinds.accounting.tick(now, out);
    return out;
  }

  pollAt(): Instant {
    return earliest(this.kinds.access.pollAt(), this.kinds.accounting.pollAt());
  }

  /** At least one server for this kind of request is not dead, as far as anybody can tell; false where none is configured. */
  answering(kind: RequestKind): boolean {
    return this.kinds[kind].answering;
  }

  /** It is not certain that all servers for this kind of request are dead (health.ts); false where none is configured. */
  reachable(kind: RequestKind): boolean {
    return this.kinds[kind].reachable;
  }

  /** When a server that is dead should be tried by a request, to see whether it is back; NEVER where none is dead. */
  trialAt(kind: RequestKind): Instant {
    return this.kinds[kind].trialAt;
  }

  /** Every server once for each kind that it is asked for, in the order of the configuration. */
  servers(): ServerStatistics[] {
    return [...this.kinds.access.statistics(), ...this.kinds.accounting.statistics()];
  }

  /** The server at this address for this kind of request, the first if there are several. */
  serverAt(kind: RequestKind, address: Ip): ServerIndex | undefined {
    return this.kinds[kind].serverAt(address);
  }

  /** `address:port`, for people and for `Authorization.server`. */
  serverName(kind: RequestKind, server: ServerIndex): string {
    return this.kinds[kind].nameOf(server);
  }
}
