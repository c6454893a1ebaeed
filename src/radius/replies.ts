// Which request a packet answers that came in, if any. Nothing of it is believed before the secret has spoken, and the
// secret is asked only about a packet from the right source with an identifier that is waited for.

import { type Decoded, malformed, ok } from '../base/result.ts';
import { decodeRadius, RADIUS_CODES, type RadiusPacket, type RadiusReason } from '../wire/radius.ts';
import { attributesAll } from '../wire/radius-attributes.ts';
import { verifyResponse } from '../wire/radius-verify.ts';
import type { Datagram } from './effects.ts';
import type { Exchange, Link } from './exchange.ts';
import type { Attempt, LinkCounter } from './server-link.ts';

const AUTHENTICATOR_AT = 4;
const ATTRIBUTES_AT = 20;

/**
 * RFC 6613 §2.6.4: reasons for which a packet ends the connection that it came over, since what follows it cannot be believed.
 * Not among them: a code that answers nothing, what answers no request, and a Message-Authenticator that is missing: the packet
 * is the server's, and an old home server behind a proxy sends such, so whoever picks the realm could end the connection by it.
 */
const BREAKING: ReadonlySet<string> = new Set<RadiusReason>([
  'length',
  'attribute-length',
  'response-authenticator',
  'message-authenticator',
]);

/**
 * Whether this packet, refused for `reason`, ends its connection. A Response Authenticator that is wrong for the request which
 * waits may be right for an earlier one that had its Identifier, and was given up: to come so late is no breach.
 */
export function endsConnection(link: Link, { socket, bytes }: Datagram, reason: string): boolean {
  if (!link.reliable || !BREAKING.has(reason)) return false;
  return reason !== 'response-authenticator' || !link.owesEarlier(socket.n, bytes[1] ?? 0);
}

/** RADIUS-AUTH-CLIENT-MIB counts answers by what they say. */
export const REPLY_COUNTERS: ReadonlyMap<number, LinkCounter> = new Map([
  [RADIUS_CODES['Access-Accept'], 'access_accepts'],
  [RADIUS_CODES['Access-Reject'], 'access_rejects'],
  [RADIUS_CODES['Access-Challenge'], 'access_challenges'],
]);

export interface Reply {
  /** Undefined: it answers the pending Status-Server. */
  readonly attempt: Attempt<Exchange> | undefined;
  readonly packet: RadiusPacket;
}

export function examineReply(link: Link, { socket, from, bytes }: Datagram): Decoded<Reply> {
  if (!link.isFrom(from)) return malformed('source', `from ${from.address} port ${from.port}`);
  if (bytes.length < ATTRIBUTES_AT) return malformed('short', `${bytes.length} octets`);
  const identifier = bytes[1] ?? 0;
  const pending = link.pendingStatus(socket.n, identifier);
  const attempt = pending === undefined ? link.attemptAt(socket.n, identifier) : undefined;
  const authenticator = pending?.authenticator ?? attempt?.bytes.subarray(AUTHENTICATOR_AT, ATTRIBUTES_AT);
  if (authenticator === undefined) {
    const decoded = link.reliable ? decodeRadius(bytes) : undefined;
    return decoded?.ok === false ? decoded : malformed('no-request', `identifier ${identifier}`);
  }
  const request = link.kind === 'access' ? 'Access-Request' : 'Accounting-Request';
  const code = RADIUS_CODES[pending === undefined ? request : 'Status-Server'];
  const verified = verifyResponse({
    packetBytes: bytes,
    request: { code, identifier, authenticator },
    secret: link.server.secret,
    requireMessageAuthenticator: attempt !== undefined && mustProve(link, attempt.exchange, bytes),
  });
  return verified.ok ? ok({ attempt, packet: verified.value }) : verified;
}

/**
 * Whether nothing is believed without Message-Authenticator. The answer to a Status-Server gives nobody anything, and FreeRADIUS 3.2
 * and radsecproxy leave it out of theirs. A server that is excused is so for MAB and passwords: nobody gets in by EAP without one
 * (RFC 3579 §3.2), and what it refuses before it has looked at the EAP may come bare.
 */
function mustProve(link: Link, { request }: Exchange, [code]: Uint8Array): boolean {
  if (link.kind !== 'access') return false;
  if (link.server.requireMessageAuthenticator) return true;
  return code !== RADIUS_CODES['Access-Reject'] && attributesAll(request, 'EAP-Message').length > 0;
}
