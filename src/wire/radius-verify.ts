// Whether a received RADIUS packet is what it claims to be: the only way from octets to a packet that may be acted on.
//
// Order: lengths, then identifier and code, then the authenticator, then Message-Authenticator; attributes are handed
// out only after all of that. Comparisons are constant time. A refusal says nothing about the request that it may
// have been meant for: one forged reply must not end a pending request, so the caller drops the packet alone.

import { digestsEqual, hmacMd5, md5 } from '../base/hash.ts';
import { type Decoded, malformed } from '../base/result.ts';
import {
  decodeRadius,
  RADIUS_CODES,
  type RadiusPacket,
  type RadiusReason,
  radiusCodeName,
} from './radius.ts';

const AUTHENTICATOR_AT = 4;
const ATTRIBUTES_AT = 20;
const EAP_MESSAGE = 79;
const MESSAGE_AUTHENTICATOR = 80;
const ZEROES = new Uint8Array(16);

function refuse(reason: RadiusReason, detail: string) {
  return malformed(reason, detail);
}

/** What is remembered of a request that we sent. */
export interface SentRequest {
  readonly code: number;
  readonly identifier: number;
  /** The 16 octets of its Authenticator field as sent: of an Accounting-Request the computed ones. */
  readonly authenticator: Uint8Array;
}

export interface ReceivedResponse {
  readonly packetBytes: Uint8Array;
  readonly request: SentRequest;
  readonly secret: Uint8Array;
  /**
   * True refuses a response without one. For all Access-* replies (CVE-2024-3596), never for Accounting-Response. One with
   * EAP-Message is refused without it in any case (RFC 3579 §3.2).
   */
  readonly requireMessageAuthenticator: boolean;
}

/** RFC 2865 §3, RFC 2866 §3, RFC 5176 §2.3, RFC 5997 §4: what may answer what. */
const ANSWERS: ReadonlyMap<number, readonly number[]> = new Map([
  [
    RADIUS_CODES['Access-Request'],
    [RADIUS_CODES['Access-Accept'], RADIUS_CODES['Access-Reject'], RADIUS_CODES['Access-Challenge']],
  ],
  [RADIUS_CODES['Accounting-Request'], [RADIUS_CODES['Accounting-Response']]],
  [RADIUS_CODES['Status-Server'], [RADIUS_CODES['Access-Accept'], RADIUS_CODES['Accounting-Response']]],
  [RADIUS_CODES['Disconnect-Request'], [RADIUS_CODES['Disconnect-ACK'], RADIUS_CODES['Disconnect-NAK']]],
  [RADIUS_CODES['CoA-Request'], [RADIUS_CODES['CoA-ACK'], RADIUS_CODES['CoA-NAK']]],
]);

/** MD5(packet with `authenticator` in its header + secret): RFC 2865 §3, RFC 2866 §3. */
function packetDigest(bytes: Uint8Array, authenticator: Uint8Array, secret: Uint8Array): Uint8Array {
  return md5(bytes.subarray(0, AUTHENTICATOR_AT), authenticator, bytes.subarray(ATTRIBUTES_AT), secret);
}

/**
 * RFC 3579 §3.2: HMAC-MD5 over the packet with `authenticator` in its header and zeroes in the attribute. Exactly
 * one attribute of exactly 18 octets counts as one; two are refused, since which one would be meant is anybody's guess.
 */
function messageAuthenticatorFault(
  bytes: Uint8Array,
  packet: RadiusPacket,
  check: { readonly authenticator: Uint8Array; readonly secret: Uint8Array; readonly required: boolean },
): RadiusReason | undefined {
  const found = packet.attributes.filter((attribute) => attribute.type === MESSAGE_AUTHENTICATOR);
  const value = found[0]?.value;
  if (value === undefined) return check.required ? 'message-authenticator-missing' : undefined;
  if (found.length > 1 || value.length !== ZEROES.length) return 'message-authenticator';
  // `value` is a view of `bytes`, so the difference of their offsets is its place.
  const at = value.byteOffset - bytes.byteOffset;
  const expected = hmacMd5(
    check.secret,
    bytes.subarray(0, AUTHENTICATOR_AT),
    check.authenticator,
    bytes.subarray(ATTRIBUTES_AT, at),
    ZEROES,
    bytes.subarray(at + ZEROES.length),
  );
  return digestsEqual(value, expected) ? undefined : 'message-authenticator';
}

/** The octets that Length covers: everything that the digests run over. */
function covered(bytes: Uint8Array, packet: RadiusPacket): Uint8Array {
  let length = ATTRIBUTES_AT;
  for (const attribute of packet.attributes) length += 2 + attribute.value.length;
  return bytes.subarray(0, length);
}

/** A reply to a request of ours. */
export function verifyResponse(received: ReceivedResponse): Decoded<RadiusPacket> {
  const { request, secret } = received;
  const decoded = decodeRadius(received.packetBytes);
  if (!decoded.ok) return decoded;
  const packet = decoded.value;
  const bytes = covered(received.packetBytes, packet);
  if (packet.identifier !== request.identifier) {
    return refuse('identifier', `identifier ${packet.identifier}, expected ${request.identifier}`);
  }
  if (!(ANSWERS.get(request.code) ?? []).includes(packet.code)) {
    return refuse('code', `${radiusCodeName(packet.code)} in answer to ${radiusCodeName(request.code)}`);
  }
  if (!digestsEqual(packet.authenticator, packetDigest(bytes, request.authenticator, secret))) {
    return refuse('response-authenticator', 'Response Authenticator is wrong: another secret, or a forgery');
  }
  const required = received.requireMessageAuthenticator || has(packet, EAP_MESSAGE);
  const check = { authenticator: request.authenticator, secret, required };
  const fault = messageAuthenticatorFault(bytes, packet, check);
  return fault === undefined ? decoded : refuse(fault, `of ${radiusCodeName(packet.code)}`);
}

function has(packet: RadiusPacket, wanted: number): boolean {
  return packet.attributes.some(({ type }) => type === wanted);
}

export interface ReceivedRequest {
  readonly packetBytes: Uint8Array;
  /** Chosen by the sender's address (RFC 5176 §6.1). */
  readonly secret: Uint8Array;
  readonly requireMessageAuthenticator: boolean;
}

/**
 * An Accounting-, Disconnect- or CoA-Request that came in. Its authenticator is a digest over zeroes (RFC 2866 §3,
 * RFC 5176 §2.3), and so is what its Message-Authenticator is computed over (RFC 5176 §3.4).
 */
export function verifyAccountingOrDynamicRequest(received: ReceivedRequest): Decoded<RadiusPacket> {
  const { secret, requireMessageAuthenticator: required } = received;
  const decoded = decodeRadius(received.packetBytes);
  if (!decoded.ok) return decoded;
  const packet = decoded.value;
  const bytes = covered(received.packetBytes, packet);
  const digested: readonly number[] = [
    RADIUS_CODES['Accounting-Request'],
    RADIUS_CODES['Disconnect-Request'],
    RADIUS_CODES['CoA-Request'],
  ];
  if (!digested.includes(packet.code))
    return refuse('code', `${radiusCodeName(packet.code)} is not served here`);
  if (!digestsEqual(packet.authenticator, packetDigest(bytes, ZEROES, secret))) {
    return refuse('request-authenticator', 'Request Authenticator is wrong: another secret, or a forgery');
  }
  const fault = messageAuthenticatorFault(bytes, packet, { authenticator: ZEROES, secret, required });
  return fault === undefined ? decoded : refuse(fault, `of ${radiusCodeName(packet.code)}`);
}

/** An Access-Request or Status-Server, whose authenticator is random: only Message-Authenticator proves it. For test servers. */
export function verifyAccessRequest(received: ReceivedRequest): Decoded<RadiusPacket> {
  const { secret, requireMessageAuthenticator: required } = received;
  const decoded = decodeRadius(received.packetBytes);
  if (!decoded.ok) return decoded;
  const packet = decoded.value;
  if (packet.code !== RADIUS_CODES['Access-Request'] && packet.code !== RADIUS_CODES['Status-Server']) {
    return refuse('code', `${radiusCodeName(packet.code)} is not served here`);
  }
  const bytes = covered(received.packetBytes, packet);
  const check = { authenticator: packet.authenticator, secret, required };
  const fault = messageAuthenticatorFault(bytes, packet, check);
  return fault === undefined ? decoded : refuse(fault, `of ${radiusCodeName(packet.code)}`);
}
