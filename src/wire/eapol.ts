// EAPOL PDUs (IEEE 802.1X-2020 §11.3), the payload of ether type 0x888E.
//
// Versions 1 to 3 are known; a higher one is accepted and processed as 3 (§11.4: a receiver treats a PDU of a later
// version as one of the highest that it implements), and the version received stays in `version`. Only the
// header is read: the body of an EAP-Packet is EAP's, TLVs of Start and announcements are nobody's here.
// Octets behind Packet Body Length are padding (§11.3.3) and are dropped.

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';

/** Table 11-3. Others are kept as numbers. */
export const EAPOL_EAP = 0;
export const EAPOL_START = 1;
export const EAPOL_LOGOFF = 2;
export const EAPOL_KEY = 3;
export const EAPOL_ENCAPSULATED_ASF_ALERT = 4;
export const EAPOL_MKA = 5;
export const EAPOL_ANNOUNCEMENT_GENERIC = 6;
export const EAPOL_ANNOUNCEMENT_SPECIFIC = 7;
export const EAPOL_ANNOUNCEMENT_REQ = 8;

export interface EapolPdu {
  /** 1..255, as received. */
  readonly version: number;
  readonly type: number;
  /** 0..65535 octets, without padding. */
  readonly body: Uint8Array;
}

export const EAPOL_REASONS = ['short', 'version', 'type', 'body-length'] as const;
export type EapolReason = (typeof EAPOL_REASONS)[number];

function refuse(reason: EapolReason, detail: string) {
  return malformed(reason, detail);
}

function isOctet(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xff;
}

/** What is wrong with the values, if anything: the same rule for both directions. */
export function validateEapol(pdu: EapolPdu): EapolReason | undefined {
  if (!isOctet(pdu.version) || pdu.version === 0) return 'version';
  if (!isOctet(pdu.type)) return 'type';
  return pdu.body.length > 0xffff ? 'body-length' : undefined;
}

export function decodeEapol(bytes: Uint8Array): Decoded<EapolPdu> {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  const type = reader.u8();
  const bodyLength = reader.u16();
  if (reader.failed) return refuse('short', `${bytes.length} octets hold no EAPOL header`);
  if (bodyLength > reader.remaining) {
    return refuse('body-length', `body of ${bodyLength} octets announced, ${reader.remaining} there`);
  }
  const pdu = { version, type, body: reader.bytes(bodyLength) };
  const fault = validateEapol(pdu);
  return fault === undefined ? ok(pdu) : refuse(fault, `version ${version}, type ${type}`);
}

/** Throws RangeError if `validateEapol` finds fault: a mistake of the caller, not of the wire. */
export function encodeEapol(pdu: EapolPdu): Uint8Array {
  const fault = validateEapol(pdu);
  if (fault !== undefined) throw new RangeError(`EAPOL PDU with a bad ${fault}`);
  const writer = new ByteWriter(4 + pdu.body.length);
  return writer.u8(pdu.version).u8(pdu.type).u16(pdu.body.length).bytes(pdu.body).finish();
}

const TYPE_NAMES: readonly string[] = [
  'EAP-Packet',
  'Start',
  'Logoff',
  'Key',
  'Encapsulated-ASF-Alert',
  'MKA',
  'Announcement (Generic)',
  'Announcement (Specific)',
  'Announcement-Req',
];

export function describeEapol(pdu: EapolPdu): string {
  const type = TYPE_NAMES[pdu.type] ?? `type ${pdu.type}`;
  return `EAPOL v${pdu.version} ${type}, ${pdu.body.length} octets`;
}
