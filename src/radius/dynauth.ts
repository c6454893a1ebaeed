// The dynamic authorization server (RFC 5176): datagrams in, requests that may be acted on and replies out. Pure.
//
// In this order, and nothing of a packet is believed before its turn: a listed client by its source address (§6.1), lengths,
// Request Authenticator, Message-Authenticator (dropped, and counted by reason); Event-Timestamp (§6.3: dropped); a
// duplicate (§2.3: its first answer again); what it asks (§3.5: refused with an Error-Cause). What is left is asked of the
// agent, once, and answered once: `answer`.
//
// A packet with an Event-Timestamp of before our own start is dropped, since what was answered then is not remembered.
// Costs of a forged packet: a lookup, or one MD5 of its length; nothing is kept of it.

import type { Ip } from '../base/ip.ts';
import type { Malformed } from '../base/result.ts';
import { elapsed, type Instant, type Millis, type Now, seconds } from '../base/time.ts';
import {
  encodeDynamicAuthorizationReply,
  RADIUS_CODES,
  type RadiusPacket,
  radiusCodeName,
} from '../wire/radius.ts';
import {
  attributeDate,
  attributesAll,
  type OutgoingAttribute,
  octets,
  u32,
} from '../wire/radius-attributes.ts';
import { SERVICE_TYPES } from '../wire/radius-dictionary.ts';
import { verifyAccountingOrDynamicRequest } from '../wire/radius-verify.ts';
import { type Asking, Duplicates, duplicateKey } from './dynauth-duplicates.ts';
import { type DynamicRequest, type NasNames, readRequest } from './dynauth-request.ts';
import { ERROR_CAUSES, type Refusal } from './error-cause.ts';
import { type ClientDatagram, type ListedClient, ListedClients } from './listed-clients.ts';
import type { RoleAttribute } from './role-attribute.ts';

export interface DynAuthSettings {
  readonly clients: readonly ListedClient[];
  /** How far Event-Timestamp may be from our clock, either way; 0 = it is not looked at. */
  readonly eventTimestampWindow: Millis;
  readonly requireEventTimestamp: boolean;
  /** Vendors' attributes that name a role. */
  readonly roleAttributes: readonly RoleAttribute[];
}

/** RFC 5176 §6.3: the default, and how long duplicates are known where timestamps are not looked at. */
export const EVENT_TIMESTAMP_WINDOW = seconds(300);

export type DynAuthRef = number;

/** `done`: honoured; `residue-removed`: of a session that had ended before, what was left of it. */
export type DynAuthAnswer = 'done' | 'residue-removed' | Refusal;

export type DynAuthEffect =
  | {
      readonly type: 'request';
      readonly ref: DynAuthRef;
      readonly client: Ip;
      readonly request: DynamicRequest;
    }
  /** `ack`: it says that something has been done, and is to be sent when that is durable. */
  | {
      readonly type: 'send';
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
      readonly ack: boolean;
    }
  /** Refused here, and answered so. */
  | {
      readonly type: 'refused';
      readonly client: Ip;
      readonly kind: DynamicRequest['kind'];
      readonly refusal: Refusal;
    }
  /** Not answered. `client` is undefined where nothing proves who sent it. */
  | { readonly type: 'dropped'; readonly reason: string; readonly detail: string; readonly client?: Ip };

interface Pending extends Asking {
  readonly packet: RadiusPacket;
  readonly client: ListedClient;
  readonly address: string;
}

export class DynamicAuthorizationServer {
  private readonly duplicates: Duplicates;
  private readonly pending = new Map<DynAuthRef, Pending>();
  private clients: ListedClients;
  private nextRef: DynAuthRef = 1;

  constructor(
    private settings: DynAuthSettings,
    /** Since when it is known what was answered. */
    private readonly started: Instant,
    capacity?: number,
  ) {
    this.duplicates = new Duplicates(capacity);
    this.duplicates.configure(this.window, settings.clients.length);
    this.clients = new ListedClients(settings.clients);
  }

  configure(settings: DynAuthSettings): void {
    this.settings = settings;
    this.duplicates.configure(this.window, settings.clients.length);
    this.clients = new ListedClients(settings.clients);
  }

  /** Whatever came in; never throws, whatever it is. */
  receive(datagram: ClientDatagram, nas: NasNames, now: Now): DynAuthEffect[] {
    const { address, port, bytes } = datagram;
    const client = this.clients.of(datagram);
    if (client === undefined)
      return [{ type: 'dropped', reason: 'client', detail: `${address}, port ${port}, is not listed` }];
    const verified = verifyAccountingOrDynamicRequest({
      packetBytes: bytes,
      secret: client.secret,
      requireMessageAuthenticator: client.requireMessageAuthenticator,
    });
    if (!verified.ok) return [dropped(verified.error, `from ${address}`)];
    const packet = verified.value;
    if (packet.code === RADIUS_CODES['Accounting-Request'])
      return [
        { type: 'dropped', reason: 'code', detail: `${radiusCodeName(packet.code)} is not served here` },
      ];
    const stale = this.staleness(packet, now);
    if (stale !== undefined) return [{ type: 'dropped', client: client.address, ...stale }];
    const key = duplicateKey(packet.authenticator);
    const isStamped = attributeDate(packet, 'Event-Timestamp') !== undefined;
    const pending: Pending = { key, packet, client, address, port, isStamped };
    const known = this.duplicates.look(pending, now.mono);
    if (known === 'new') return this.begin(pending, nas, now.mono);
    const again: DynAuthEffect = {
      type: 'dropped',
      reason: 'duplicate',
      detail: `${radiusCodeName(packet.code)} ${packet.identifier} of ${address} came again`,
      client: client.address,
    };
    return known === 'pending'
      ? [again]
      : [again, { type: 'send', address, port, bytes: known, ack: isAck(known) }];
  }

  /** Of a `request`, once. */
  answer(ref: DynAuthRef, answer: DynAuthAnswer): DynAuthEffect[] {
    const pending = this.pending.get(ref);
    this.pending.delete(ref);
    return pending === undefined ? [] : this.reply(pending, answer);
  }

  private begin(pending: Pending, nas: NasNames, now: Instant): DynAuthEffect[] {
    const { client, packet } = pending;
    const kind = packet.code === RADIUS_CODES['Disconnect-Request'] ? 'disconnect' : 'coa';
    const refused = (refusal: Refusal): DynAuthEffect[] => [
      { type: 'refused', client: client.address, kind, refusal },
      ...this.reply(pending, refusal),
    ];
    if (this.duplicates.isFull(client.address, now))
      return refused({ cause: 'Resources-Unavailable', detail: 'too many requests to be remembered' });
    this.duplicates.begin(client.address, pending, now);
    const read = readRequest(packet, nas, this.settings.roleAttributes);
    if (!read.ok) return refused(read.error);
    const ref = this.nextRef++;
    this.pending.set(ref, pending);
    return [{ type: 'request', ref, client: client.address, request: read.value }];
  }

  private get window(): Millis {
    const { eventTimestampWindow } = this.settings;
    return eventTimestampWindow > 0 ? eventTimestampWindow : EVENT_TIMESTAMP_WINDOW;
  }

  /** RFC 5176 §6.3. One that is misformed is left to `readRequest`. */
  private staleness(packet: RadiusPacket, { wall, mono }: Now): Malformed | undefined {
    const { eventTimestampWindow: window, requireEventTimestamp } = this.settings;
    const stamped = attributeDate(packet, 'Event-Timestamp');
    if (stamped === undefined)
      return requireEventTimestamp
        ? { reason: 'event-timestamp-missing', detail: 'it has no Event-Timestamp' }
        : undefined;
    if (window === 0) return undefined;
    const off = Math.round((stamped - wall) / 1000);
    if (Math.abs(stamped - wall) > window)
      return { reason: 'event-timestamp', detail: `Event-Timestamp is ${off} s off our clock` };
    // By the clock as it is now: that of a switch without a battery is set some time after the start.
    const startedAt = wall - elapsed(this.started, mono);
    if (stamped < Math.floor(startedAt / 1000) * 1000)
      return { reason: 'before-start', detail: `Event-Timestamp, ${-off} s ago, is before our start` };
    return undefined;
  }

  private reply(pending: Pending, answer: DynAuthAnswer): DynAuthEffect[] {
    const { key, packet, client, address, port } = pending;
    const disconnect = packet.code === RADIUS_CODES['Disconnect-Request'];
    const ack = typeof answer === 'string';
    const code = disconnect ? (ack ? 'Disconnect-ACK' : 'Disconnect-NAK') : ack ? 'CoA-ACK' : 'CoA-NAK';
    const encoded = encodeDynamicAuthorizationReply({
      request: packet,
      code,
      attributes: [...answerAttributes(answer), ...(disconnect ? [] : states(packet))],
      secret: client.secret,
    });
    if (!encoded.ok) return [dropped(encoded.error, `the answer to ${address}`)];
    this.duplicates.answered(key, encoded.value);
    return [{ type: 'send', address, port, bytes: encoded.value, ack }];
  }
}

function isAck([code]: Uint8Array): boolean {
  return code === RADIUS_CODES['CoA-ACK'] || code === RADIUS_CODES['Disconnect-ACK'];
}

function answerAttributes(answer: DynAuthAnswer): OutgoingAttribute[] {
  if (answer === 'done') return [];
  const cause = answer === 'residue-removed' ? 'Residual-Context-Removed' : answer.cause;
  const error = u32('Error-Cause', ERROR_CAUSES[cause]);
  // RFC 5176 §3.2.
  return cause === 'Request-Initiated'
    ? [u32('Service-Type', SERVICE_TYPES['Authorize-Only']), error]
    : [error];
}

/** RFC 5176 §3.3: unmodified. */
function states(packet: RadiusPacket): OutgoingAttribute[] {
  return attributesAll(packet, 'State')
    .slice(0, 1)
    .map((value) => octets('State', value));
}

function dropped({ reason, detail }: Malformed, about: string): DynAuthEffect {
  return { type: 'dropped', reason, detail: `${about}: ${detail}` };
}
