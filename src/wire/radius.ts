// RADIUS packets (RFC 2865, 2866, 3579, 5176): layout, authenticators, and nothing of what attributes mean
// (radius-attributes.ts) or are called (radius-dictionary.ts).
//
// Promise: a received packet's lengths are walked before anything else, its authenticators are checked in constant
// time before any attribute is handed out, and a packet that we send has Message-Authenticator as its first
// attribute where it has one (CVE-2024-3596). Secrets are arguments, never fields.
// Limits: 20..4096 octets; octets behind Length are padding (RFC 2865 §3) and are dropped.

import { ByteReader, ByteWriter, isAscii } from '../base/bytes.ts';
import { hmacMd5, md5 } from '../base/hash.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { quoted } from './quote.ts';
import {
  attributesAll,
  attributeText,
  type OutgoingAttribute,
  octets,
  octetsOf,
  type RadiusAttribute,
} from './radius-attributes.ts';
import { attributeNameOf, LONGEST_VALUE } from './radius-dictionary.ts';
import { hideUserPassword } from './radius-password.ts';

/** RFC 2865 §3, RFC 2866 §3, RFC 5176 §2.3, RFC 5997 §3. Others are kept as numbers. */
export const RADIUS_CODES = {
  'Access-Request': 1,
  'Access-Accept': 2,
  'Access-Reject': 3,
  'Accounting-Request': 4,
  'Accounting-Response': 5,
  'Access-Challenge': 11,
  'Status-Server': 12,
  'Disconnect-Request': 40,
  'Disconnect-ACK': 41,
  'Disconnect-NAK': 42,
  'CoA-Request': 43,
  'CoA-ACK': 44,
  'CoA-NAK': 45,
} as const;
export type RadiusCodeName = keyof typeof RADIUS_CODES;

export interface RadiusPacket {
  readonly code: number;
  /** 0..255. */
  readonly identifier: number;
  /** 16 octets, as on the wire. */
  readonly authenticator: Uint8Array;
  readonly attributes: readonly RadiusAttribute[];
}

/** One that is to be sent. */
export interface OutgoingPacket extends Omit<RadiusPacket, 'attributes'> {
  readonly attributes: readonly OutgoingAttribute[];
}

export const RADIUS_REASONS = [
  'short',
  'length',
  'attribute-length',
  'attribute-type',
  'code',
  'identifier',
  'authenticator-length',
  'response-authenticator',
  'request-authenticator',
  'message-authenticator',
  'message-authenticator-missing',
] as const;
export type RadiusReason = (typeof RADIUS_REASONS)[number];

function refuse(reason: RadiusReason, detail: string) {
  return malformed(reason, detail);
}

const HEADER_LENGTH = 20;
const HIGHEST_LENGTH = 4096;
const AUTHENTICATOR_AT = 4;
const AUTHENTICATOR_LENGTH = 16;
const EAP_MESSAGE = 79;
const MESSAGE_AUTHENTICATOR = 80;
const PROXY_STATE = 33;
const USER_PASSWORD = 2;
/** Where the value of Message-Authenticator is in every packet that we send: header, type, length. */
const OUR_MESSAGE_AUTHENTICATOR_AT = HEADER_LENGTH + 2;
const ZEROES = new Uint8Array(AUTHENTICATOR_LENGTH);

// Layout

/** Header and attributes; no authenticator is looked at, so nothing of this may be acted on by itself. */
export function decodeRadius(bytes: Uint8Array): Decoded<RadiusPacket> {
  const header = new ByteReader(bytes);
  const code = header.u8();
  const identifier = header.u8();
  const length = header.u16();
  const authenticator = header.bytes(AUTHENTICATOR_LENGTH);
  if (header.failed) return refuse('short', `${bytes.length} octets hold no RADIUS header`);
  if (length < HEADER_LENGTH || length > HIGHEST_LENGTH || length > bytes.length) {
    return refuse('length', `length ${length} in ${bytes.length} octets`);
  }
  const attributes: RadiusAttribute[] = [];
  const reader = new ByteReader(bytes.subarray(0, length), HEADER_LENGTH);
  while (reader.remaining > 0) {
    const at = reader.offset;
    const type = reader.u8();
    const attributeLength = reader.u8();
    const value = reader.bytes(attributeLength - 2);
    if (reader.failed)
      return refuse('attribute-length', `attribute ${type} at ${at} has length ${attributeLength}`);
    attributes.push({ type, value });
  }
  return ok({ code, identifier, authenticator, attributes });
}

function validateHeader(packet: OutgoingPacket): RadiusReason | undefined {
  const octet = (value: number) => Number.isInteger(value) && value >= 0 && value <= 0xff;
  if (!octet(packet.code)) return 'code';
  if (!octet(packet.identifier)) return 'identifier';
  return packet.authenticator.length === AUTHENTICATOR_LENGTH ? undefined : 'authenticator-length';
}

/**
 * The packet as it is, authenticator included: no signing. EAP-Message is split into attributes of 253 octets
 * (RFC 3579 §3.1), other empty attributes are left out (RFC 2865 §5). Refuses what does not fit, since texts in it
 * may come from the wire: an attribute over 253 octets, a packet over 4096, a name that the dictionary lacks.
 */
export function encodeRadius(packet: OutgoingPacket): Decoded<Uint8Array> {
  const fault = validateHeader(packet);
  if (fault !== undefined) return refuse(fault, `code ${packet.code}, identifier ${packet.identifier}`);
  const writer = new ByteWriter(512).u8(packet.code).u8(packet.identifier).u16(0).bytes(packet.authenticator);
  for (const attribute of packet.attributes) {
    const { type } = attribute;
    if (!(Number.isInteger(type) && type >= 0 && type <= 0xff))
      return refuse('attribute-type', `type ${type}`);
    const length = writeValue(writer, attribute);
    if (length > LONGEST_VALUE)
      return refuse('attribute-length', `${attributeNameOf(type)} of ${length} octets`);
  }
  if (writer.length > HIGHEST_LENGTH) return refuse('length', `packet of ${writer.length} octets`);
  return ok(writer.patchU16(2, writer.length).finish());
}

/** Returns the length of the value; writes nothing of one that is empty or too long. */
function writeValue(writer: ByteWriter, attribute: OutgoingAttribute): number {
  const { type } = attribute;
  if ('number' in attribute) {
    writer.u8(type).u8(6).u32(attribute.number);
    return 4;
  }
  if ('text' in attribute && isAscii(attribute.text)) {
    const { length } = attribute.text;
    if (length > 0 && length <= LONGEST_VALUE)
      writer
        .u8(type)
        .u8(2 + length)
        .ascii(attribute.text);
    return length;
  }
  const value = octetsOf(attribute);
  if (type === EAP_MESSAGE) {
    writeSplit(writer, value);
    return 0;
  }
  if (value.length > 0 && value.length <= LONGEST_VALUE) writeAttribute(writer, type, value);
  return value.length;
}

function writeAttribute(writer: ByteWriter, type: number, value: Uint8Array): void {
  writer
    .u8(type)
    .u8(2 + value.length)
    .bytes(value);
}

function writeSplit(writer: ByteWriter, message: Uint8Array): void {
  let at = 0;
  do {
    writeAttribute(writer, EAP_MESSAGE, message.subarray(at, at + LONGEST_VALUE));
    at += LONGEST_VALUE;
  } while (at < message.length);
}

// Sending

export interface OutgoingRequest {
  readonly identifier: number;
  readonly attributes: readonly OutgoingAttribute[];
  readonly secret: Uint8Array;
}

export interface OutgoingAccessRequest extends OutgoingRequest {
  /** 16 fresh random octets (RFC 2865 §3). */
  readonly authenticator: Uint8Array;
}

function withMessageAuthenticator(attributes: readonly OutgoingAttribute[]): readonly OutgoingAttribute[] {
  const others = attributes.filter((attribute) => attribute.type !== MESSAGE_AUTHENTICATOR);
  return [{ type: MESSAGE_AUTHENTICATOR, value: ZEROES }, ...others];
}

/** Encodes with Message-Authenticator first, computed while `packet.authenticator` stands in the header. */
function encodeSigned(packet: OutgoingPacket, secret: Uint8Array): Decoded<Uint8Array> {
  const encoded = encodeRadius({ ...packet, attributes: withMessageAuthenticator(packet.attributes) });
  if (encoded.ok) encoded.value.set(hmacMd5(secret, encoded.value), OUR_MESSAGE_AUTHENTICATOR_AT);
  return encoded;
}

/** Puts MD5(packet + secret) into the Authenticator field: Response, and Accounting and CoA Request Authenticator. */
function authenticate(encoded: Decoded<Uint8Array>, secret: Uint8Array): Decoded<Uint8Array> {
  if (encoded.ok) encoded.value.set(md5(encoded.value, secret), AUTHENTICATOR_AT);
  return encoded;
}

/**
 * RFC 2865 §4.1 with the Message-Authenticator of RFC 3579 §3.2. A User-Password stands in `attributes` in clear, and is
 * hidden here (RFC 2865 §5.2), since only here are secret and authenticator known.
 */
export function encodeAccessRequest(request: OutgoingAccessRequest): Decoded<Uint8Array> {
  const header = headerOf(request);
  const attributes: OutgoingAttribute[] = [];
  for (const attribute of header.attributes) {
    if (attribute.type !== USER_PASSWORD) {
      attributes.push(attribute);
      continue;
    }
    const value = hideUserPassword(octetsOf(attribute), request);
    if (value === undefined) return refuse('attribute-length', 'User-Password over 128 octets');
    attributes.push({ type: USER_PASSWORD, value });
  }
  return encodeSigned({ code: RADIUS_CODES['Access-Request'], ...header, attributes }, request.secret);
}

/** RFC 5997 §3: like an Access-Request. */
export function encodeStatusServer(request: OutgoingAccessRequest): Decoded<Uint8Array> {
  return encodeSigned({ code: RADIUS_CODES['Status-Server'], ...headerOf(request) }, request.secret);
}

function headerOf(request: OutgoingAccessRequest) {
  const { identifier, authenticator, attributes } = request;
  return { identifier, authenticator, attributes };
}

/** RFC 2866 §3. Carries no Message-Authenticator (RFC 2869 §5.19 has none there; the authenticator covers everything). */
export function encodeAccountingRequest(request: OutgoingRequest): Decoded<Uint8Array> {
  const code = RADIUS_CODES['Accounting-Request'];
  const { identifier, attributes, secret } = request;
  return authenticate(encodeRadius({ code, identifier, authenticator: ZEROES, attributes }), secret);
}

export interface OutgoingDynamicRequest extends OutgoingRequest {
  readonly code: 'Disconnect-Request' | 'CoA-Request';
}

/** RFC 5176 §2.3; its Message-Authenticator is computed over an authenticator of zeroes (§3.4). For test peers. */
export function encodeDynamicAuthorizationRequest(request: OutgoingDynamicRequest): Decoded<Uint8Array> {
  const code = RADIUS_CODES[request.code];
  const { identifier, attributes, secret } = request;
  return authenticate(encodeSigned({ code, identifier, authenticator: ZEROES, attributes }, secret), secret);
}

export interface OutgoingReply {
  /** What is answered, as verified. */
  readonly request: RadiusPacket;
  readonly code: RadiusCodeName;
  readonly attributes: readonly OutgoingAttribute[];
  readonly secret: Uint8Array;
}

/**
 * Any reply: Disconnect and CoA ACK and NAK, Accounting-Response, and Access-* of test servers. The request's
 * Proxy-State are copied behind the attributes in their order (RFC 2865 §5.33). Message-Authenticator comes first;
 * an Accounting-Response has one only if the request had.
 */
export function encodeReply(reply: OutgoingReply): Decoded<Uint8Array> {
  const { request, secret } = reply;
  const proxyStates = attributesAll(request, PROXY_STATE).map((value) => octets(PROXY_STATE, value));
  const packet: OutgoingPacket = {
    code: RADIUS_CODES[reply.code],
    identifier: request.identifier,
    authenticator: request.authenticator,
    attributes: [...reply.attributes, ...proxyStates],
  };
  const sign =
    reply.code !== 'Accounting-Response' ||
    request.attributes.some((attribute) => attribute.type === MESSAGE_AUTHENTICATOR);
  return authenticate(sign ? encodeSigned(packet, secret) : encodeRadius(packet), secret);
}

/** Disconnect and CoA replies (RFC 5176 §2.3): `encodeReply` with only the codes that fit. */
export function encodeDynamicAuthorizationReply(
  reply: OutgoingReply & { readonly code: 'Disconnect-ACK' | 'Disconnect-NAK' | 'CoA-ACK' | 'CoA-NAK' },
): Decoded<Uint8Array> {
  return encodeReply(reply);
}

// For people

const CODE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(RADIUS_CODES).map(([name, code]) => [code, name]),
);

export function radiusCodeName(code: number): string {
  return CODE_NAMES.get(code) ?? `code ${code}`;
}

/** Names of the attributes, and the user's, quoted: no other value, since some are secret and all are hostile. */
export function describeRadius(packet: RadiusPacket): string {
  const names = packet.attributes.map((attribute) => attributeNameOf(attribute.type));
  const user = attributeText(packet, 'User-Name');
  const whose = user === undefined ? '' : ` for ${quoted(user)}`;
  return `RADIUS ${radiusCodeName(packet.code)} id ${packet.identifier}${whose}: ${names.join(', ') || 'no attributes'}`;
}
