// EAP packets (RFC 3748 §4) as a pass-through authenticator needs them: code, identifier, length, type, and the
// identity. Deliberately nothing beyond the type of any other method: what is never parsed cannot be parsed wrongly.
//
// Octets behind Length are link-layer padding and are ignored (§4.1). `encodeEap(decoded)` yields exactly the
// octets that Length covered, which is what is relayed.

import { ByteReader, ByteWriter, fromUtf8 } from '../base/bytes.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { quoted } from './quote.ts';

/** RFC 3748 §4. */
export const EAP_REQUEST = 1;
export const EAP_RESPONSE = 2;
export const EAP_SUCCESS = 3;
export const EAP_FAILURE = 4;
/** RFC 6696 §5.3. */
export const EAP_INITIATE = 5;
export const EAP_FINISH = 6;

/** RFC 3748 §5: those that mean something to a pass-through authenticator. Others are kept as numbers. */
export const EAP_TYPE_IDENTITY = 1;
export const EAP_TYPE_NOTIFICATION = 2;
export const EAP_TYPE_NAK = 3;
/** Spoken by ourselves, for a device that has no EAP (MAB). */
export const EAP_TYPE_MD5_CHALLENGE = 4;
export const EAP_TYPE_EXPANDED = 254;

const HEADER_LENGTH = 4;
const HIGHEST_LENGTH = 0xffff;

export interface EapPacket {
  readonly code: number;
  readonly identifier: number;
  /** Present in Request and Response, and only there. */
  readonly type?: number;
  /** What follows the type (or the header, where there is no type). */
  readonly data: Uint8Array;
}

export const EAP_REASONS = ['short', 'length', 'type-missing', 'code', 'identifier', 'type'] as const;
export type EapReason = (typeof EAP_REASONS)[number];

function refuse(reason: EapReason, detail: string) {
  return malformed(reason, detail);
}

function isOctet(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xff;
}

function hasType(code: number): boolean {
  return code === EAP_REQUEST || code === EAP_RESPONSE;
}

/** The Length field, once the rest is right. */
function lengthOf(packet: EapPacket): number {
  return HEADER_LENGTH + (packet.type === undefined ? 0 : 1) + packet.data.length;
}

/** What is wrong with the values, if anything: the same rule for both directions. */
export function validateEap(packet: EapPacket): EapReason | undefined {
  const { code, identifier, type, data } = packet;
  if (!isOctet(code) || code === 0) return 'code';
  if (!isOctet(identifier)) return 'identifier';
  if (hasType(code)) {
    if (type === undefined) return 'type-missing';
    if (!isOctet(type)) return 'type';
  } else if (type !== undefined) return 'type';
  // RFC 3748 §4.2: Success and Failure have Length 4.
  if ((code === EAP_SUCCESS || code === EAP_FAILURE) && data.length > 0) return 'length';
  return lengthOf(packet) > HIGHEST_LENGTH ? 'length' : undefined;
}

export function decodeEap(bytes: Uint8Array): Decoded<EapPacket> {
  const reader = new ByteReader(bytes);
  const code = reader.u8();
  const identifier = reader.u8();
  const length = reader.u16();
  if (reader.failed) return refuse('short', `${bytes.length} octets hold no EAP header`);
  if (length < HEADER_LENGTH || length > bytes.length) {
    return refuse('length', `length ${length} in ${bytes.length} octets`);
  }
  if (hasType(code) && length === HEADER_LENGTH) return refuse('type-missing', `code ${code} without a type`);
  const packet = hasType(code)
    ? { code, identifier, type: reader.u8(), data: reader.bytes(length - HEADER_LENGTH - 1) }
    : { code, identifier, data: reader.bytes(length - HEADER_LENGTH) };
  const fault = validateEap(packet);
  return fault === undefined ? ok(packet) : refuse(fault, `code ${code}, length ${length}`);
}

/** Throws RangeError if `validateEap` finds fault: a mistake of the caller, not of the wire. */
export function encodeEap(packet: EapPacket): Uint8Array {
  const fault = validateEap(packet);
  if (fault !== undefined) throw new RangeError(`EAP packet with a bad ${fault}`);
  const length = lengthOf(packet);
  const writer = new ByteWriter(length).u8(packet.code).u8(packet.identifier).u16(length);
  if (packet.type !== undefined) writer.u8(packet.type);
  return writer.bytes(packet.data).finish();
}

/**
 * The text of an Identity: the whole of a Response's, a Request's up to its NUL (RFC 3748 §5.1: options follow
 * it). Hostile input: escape it before printing. Undefined for any other packet.
 */
export function identityText(packet: EapPacket): string | undefined {
  if (packet.type !== EAP_TYPE_IDENTITY) return undefined;
  if (packet.code === EAP_RESPONSE) return fromUtf8(packet.data);
  const end = packet.data.indexOf(0);
  return fromUtf8(end < 0 ? packet.data : packet.data.subarray(0, end));
}

const NOTHING = new Uint8Array(0);

export function buildIdentityRequest(identifier: number): Uint8Array {
  return encodeEap({ code: EAP_REQUEST, identifier, type: EAP_TYPE_IDENTITY, data: NOTHING });
}

export function buildSuccess(identifier: number): Uint8Array {
  return encodeEap({ code: EAP_SUCCESS, identifier, data: NOTHING });
}

export function buildFailure(identifier: number): Uint8Array {
  return encodeEap({ code: EAP_FAILURE, identifier, data: NOTHING });
}

const CODE_NAMES: readonly string[] = ['', 'Request', 'Response', 'Success', 'Failure', 'Initiate', 'Finish'];

/** IANA "EAP Method Types". */
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [EAP_TYPE_IDENTITY, 'Identity'],
  [EAP_TYPE_NOTIFICATION, 'Notification'],
  [EAP_TYPE_NAK, 'Nak'],
  [EAP_TYPE_MD5_CHALLENGE, 'MD5-Challenge'],
  [6, 'GTC'],
  [13, 'TLS'],
  [21, 'TTLS'],
  [25, 'PEAP'],
  [26, 'MSCHAPv2'],
  [43, 'FAST'],
  [52, 'PWD'],
  [55, 'TEAP'],
  [EAP_TYPE_EXPANDED, 'Expanded'],
]);

export function describeEap(packet: EapPacket): string {
  const code = CODE_NAMES[packet.code] ?? `code ${packet.code}`;
  const type = packet.type === undefined ? '' : `/${TYPE_NAMES.get(packet.type) ?? `type ${packet.type}`}`;
  const identity = identityText(packet);
  const text = identity === undefined || identity === '' ? '' : ` ${quoted(identity)}`;
  return `EAP ${code}${type} id ${packet.identifier}${text}, ${packet.data.length} octets`;
}
