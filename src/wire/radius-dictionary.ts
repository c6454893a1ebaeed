// Names and numbers of RADIUS attributes and their enumerated values, both ways, and the encoding of one ordinary
// attribute: all of it the `radius` package's, behind guards, so that nothing of it throws at us.
//
// What the package is not used for, because it was seen to fail there: packets, authenticators, EAP-Message, tags,
// vendor attributes, IPv6, anything that came from the wire in more than one attribute (see radius.ts).
// Its dictionaries are files, read when a name is first looked up. A misplaced installation is found at start by
// `loadRadiusDictionary`; if nobody calls that, an unknown name yields NO_ATTRIBUTE, which encodes to a refusal.

import radius from 'radius';
import { err, ok, type Result } from '../base/result.ts';

/** The attributes that Rollcall knows by name; the spelling is the dictionary's. */
export const ATTRIBUTE_NAMES = [
  'User-Name',
  'User-Password',
  'CHAP-Password',
  'NAS-IP-Address',
  'NAS-Port',
  'Service-Type',
  'Framed-Protocol',
  'Framed-IP-Address',
  'Filter-Id',
  'Framed-MTU',
  'Reply-Message',
  'State',
  'Class',
  'Vendor-Specific',
  'Session-Timeout',
  'Idle-Timeout',
  'Termination-Action',
  'Called-Station-Id',
  'Calling-Station-Id',
  'NAS-Identifier',
  'Proxy-State',
  'Acct-Status-Type',
  'Acct-Delay-Time',
  'Acct-Input-Octets',
  'Acct-Output-Octets',
  'Acct-Session-Id',
  'Acct-Authentic',
  'Acct-Session-Time',
  'Acct-Input-Packets',
  'Acct-Output-Packets',
  'Acct-Terminate-Cause',
  'Acct-Multi-Session-Id',
  'Acct-Link-Count',
  'Acct-Input-Gigawords',
  'Acct-Output-Gigawords',
  'Event-Timestamp',
  'Egress-VLANID',
  'Egress-VLAN-Name',
  'CHAP-Challenge',
  'NAS-Port-Type',
  'Tunnel-Type',
  'Tunnel-Medium-Type',
  'Tunnel-Private-Group-Id',
  'Tunnel-Preference',
  'Connect-Info',
  'EAP-Message',
  'Message-Authenticator',
  'Acct-Interim-Interval',
  'NAS-Port-Id',
  'Chargeable-User-Identity',
  'NAS-Filter-Rule',
  'NAS-IPv6-Address',
  'Framed-Interface-Id',
  'Framed-IPv6-Prefix',
  'Error-Cause',
  'EAP-Key-Name',
  'Delegated-IPv6-Prefix',
  'Framed-IPv6-Address',
] as const;
export type AttributeName = (typeof ATTRIBUTE_NAMES)[number];

/** A name that we know, or the number (1..255) of any other attribute. */
export type AttributeRef = AttributeName | number;

/** No attribute has this type: matches nothing in a packet, and is refused by the encoder. */
export const NO_ATTRIBUTE = -1;

/** What the package's dictionaries lack. RFC 6911 §3.1. */
const LATER_ATTRIBUTES: ReadonlyMap<string, number> = new Map([['Framed-IPv6-Address', 168]]);

/** The standard attribute space, as the package calls it. */
const NO_VENDOR = -1;
const LONGEST_VALUE = 253;

function guarded<T>(work: () => T): T | undefined {
  try {
    radius.load_dictionaries();
    return work();
  } catch {
    return undefined;
  }
}

/** Reads the dictionaries now. The error says what is missing: call it at start, and do not start with an error. */
export function loadRadiusDictionary(): Result<void, string> {
  try {
    radius.load_dictionaries();
  } catch (error) {
    return err(
      `RADIUS dictionaries cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const missing = ATTRIBUTE_NAMES.filter((name) => attributeNumber(name) === NO_ATTRIBUTE);
  return missing.length === 0 ? ok(undefined) : err(`RADIUS dictionaries lack ${missing.join(', ')}`);
}

/** 1..255, or NO_ATTRIBUTE. */
export function attributeNumber(ref: AttributeRef): number {
  if (typeof ref === 'number') return ref;
  return LATER_ATTRIBUTES.get(ref) ?? attributeNumberOf(ref) ?? NO_ATTRIBUTE;
}

/** Number of any name in the dictionary (of a configuration, say). */
export function attributeNumberOf(name: string): number | undefined {
  const id = guarded(() => radius.attr_name_to_id(name));
  return id === undefined ? undefined : Number(id);
}

/** The dictionary's name, or `Attribute-<number>`. */
export function attributeNameOf(type: number): string {
  for (const [name, number] of LATER_ATTRIBUTES) if (number === type) return name;
  return guarded(() => radius.attr_id_to_name(type)) ?? `Attribute-${type}`;
}

/**
 * The value field of one text, integer, IPv4 or date attribute. A text may be the label of an enumerated value.
 * Undefined for what the package cannot encode: an unknown label, over 253 octets, an IPv6 address.
 */
export function encodeOrdinary(name: AttributeName, value: string | number | Date): Uint8Array | undefined {
  return guarded(() => {
    const buffer = Buffer.alloc(2 + LONGEST_VALUE);
    const length = radius.encode_attributes(buffer, [[name, value]], NO_VENDOR);
    return length < 2 ? new Uint8Array(0) : Uint8Array.from(buffer.subarray(2, length));
  });
}

/** Number of an enumerated value: ('NAS-Port-Type', 'Ethernet') is 15. Undefined if the label is unknown. */
export function enumNumber(name: AttributeName, label: string): number | undefined {
  if (/^\s*$/.test(label)) return undefined;
  const value = encodeOrdinary(name, label);
  if (value?.length !== 4) return undefined;
  return Buffer.from(value).readUInt32BE(0);
}

/** Label of an enumerated value: ('NAS-Port-Type', 15) is `Ethernet`. Undefined if it has none. */
export function enumLabel(name: AttributeName, value: number): string | undefined {
  return guarded(() => {
    const buffer = Buffer.alloc(6);
    radius.encode_attributes(buffer, [[name, value]], NO_VENDOR);
    const hash: Record<string, unknown> = {};
    radius.decode_attributes(buffer, hash, NO_VENDOR);
    // A tagged attribute comes back as [tag, label].
    const found: unknown = hash[name];
    const label: unknown = Array.isArray(found) ? found[1] : found;
    return typeof label === 'string' ? label : undefined;
  });
}
