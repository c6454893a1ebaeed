// Names and numbers of RADIUS attributes and their enumerated values, both ways, and the encoding of one ordinary
// attribute: the `radius` package's, behind guards, so that nothing of it throws at us.
//
// What the package is not used for, because it was seen to fail there: packets, authenticators, EAP-Message, tags,
// vendor attributes, IPv6, anything that came from the wire in more than one attribute (see radius.ts); and what it is
// slow at: see ATTRIBUTE_NUMBERS. Its dictionaries are files, read when they are first needed. A misplaced installation
// is found at start by `loadRadiusDictionary`.

import radius from 'radius';
import { err, messageOf, ok, type Result } from '../base/result.ts';

/**
 * The attributes that Rollcall knows by name; the spelling is the dictionary's, and so are the numbers, which a test
 * compares. Here because each request names some twenty, and the package takes a microsecond for each.
 */
const ATTRIBUTE_NUMBERS = {
  'User-Name': 1,
  'User-Password': 2,
  'CHAP-Password': 3,
  'NAS-IP-Address': 4,
  'NAS-Port': 5,
  'Service-Type': 6,
  'Framed-Protocol': 7,
  'Framed-IP-Address': 8,
  'Filter-Id': 11,
  'Framed-MTU': 12,
  'Reply-Message': 18,
  State: 24,
  Class: 25,
  'Vendor-Specific': 26,
  'Session-Timeout': 27,
  'Idle-Timeout': 28,
  'Termination-Action': 29,
  'Called-Station-Id': 30,
  'Calling-Station-Id': 31,
  'NAS-Identifier': 32,
  'Proxy-State': 33,
  'Acct-Status-Type': 40,
  'Acct-Delay-Time': 41,
  'Acct-Input-Octets': 42,
  'Acct-Output-Octets': 43,
  'Acct-Session-Id': 44,
  'Acct-Authentic': 45,
  'Acct-Session-Time': 46,
  'Acct-Input-Packets': 47,
  'Acct-Output-Packets': 48,
  'Acct-Terminate-Cause': 49,
  'Acct-Multi-Session-Id': 50,
  'Acct-Link-Count': 51,
  'Acct-Input-Gigawords': 52,
  'Acct-Output-Gigawords': 53,
  'Event-Timestamp': 55,
  'Egress-VLANID': 56,
  'Ingress-Filters': 57,
  'Egress-VLAN-Name': 58,
  'CHAP-Challenge': 60,
  'NAS-Port-Type': 61,
  'Tunnel-Type': 64,
  'Tunnel-Medium-Type': 65,
  'Tunnel-Password': 69,
  'Tunnel-Private-Group-Id': 81,
  'Tunnel-Preference': 83,
  'Connect-Info': 77,
  'EAP-Message': 79,
  'Message-Authenticator': 80,
  'Acct-Interim-Interval': 85,
  'NAS-Port-Id': 87,
  'Chargeable-User-Identity': 89,
  'NAS-Filter-Rule': 92,
  'NAS-IPv6-Address': 95,
  'Framed-Interface-Id': 96,
  'Framed-IPv6-Prefix': 97,
  'Error-Cause': 101,
  'EAP-Key-Name': 102,
  'Delegated-IPv6-Prefix': 123,
  /** RFC 6911 §3.1, which the package's dictionaries lack. */
  'Framed-IPv6-Address': 168,
} as const;
export type AttributeName = keyof typeof ATTRIBUTE_NUMBERS;
export const ATTRIBUTE_NAMES = Object.keys(ATTRIBUTE_NUMBERS) as readonly AttributeName[];

/** RFC 2865 §5: octets of an attribute's value. */
export const LONGEST_VALUE = 253;

/** RFC 2865 §5.6; the last one: RFC 5176 §3.2. */
export const SERVICE_TYPES = {
  Login: 1,
  Framed: 2,
  'Authenticate-Only': 8,
  'Call-Check': 10,
  'Authorize-Only': 17,
} as const;

/** IANA private enterprise numbers. */
export const VENDORS = { cisco: 9, hp: 11, microsoft: 311, aruba: 14_823 } as const;
/** Of Cisco: a text `name=value`. */
export const CISCO_AVPAIR = 1;

/** A name that we know, or the number (1..255) of any other attribute. */
export type AttributeRef = AttributeName | number;

/** No attribute has this type: matches nothing in a packet, and is refused by the encoder. */
export const NO_ATTRIBUTE = -1;

/** The standard attribute space, as the package calls it. */
const NO_VENDOR = -1;

function guarded<T>(work: () => T): T | undefined {
  try {
    radius.load_dictionaries();
    return work();
  } catch {
    return undefined;
  }
}

/** From the first, the second and the last of the files that are read. */
const SAMPLE: readonly AttributeName[] = ['User-Name', 'Acct-Status-Type', 'Error-Cause'];

/** Reads the dictionaries now. The error says what is missing: call it at start, and do not start with an error. */
export function loadRadiusDictionary(): Result<void, string> {
  try {
    radius.load_dictionaries();
  } catch (error) {
    return err(`RADIUS dictionaries cannot be read: ${messageOf(error)}`);
  }
  const missing = SAMPLE.filter((name) => attributeNumberOf(name) !== ATTRIBUTE_NUMBERS[name]);
  return missing.length === 0 ? ok(undefined) : err(`RADIUS dictionaries lack ${missing.join(', ')}`);
}

/** 1..255, or what was given as a number. */
export function attributeNumber(ref: AttributeRef): number {
  return typeof ref === 'number' ? ref : ATTRIBUTE_NUMBERS[ref];
}

/** Number of any name in the dictionary (of a configuration, say). */
export function attributeNumberOf(name: string): number | undefined {
  const id = guarded(() => radius.attr_name_to_id(name));
  return id === undefined ? undefined : Number(id);
}

/** The dictionary's name, or `Attribute-<number>`. */
export function attributeNameOf(type: number): string {
  if (type === ATTRIBUTE_NUMBERS['Framed-IPv6-Address']) return 'Framed-IPv6-Address';
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
