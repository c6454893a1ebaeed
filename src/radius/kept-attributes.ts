// What an Access-Accept says that has no meaning here: kept, so that an operator sees what the server sent. Bounded, and
// without what is secret: keys that go with an EAP method, and passwords.

import { toHex } from '../base/bytes.ts';
import type { KeptAttribute } from '../model/authorization.ts';
import { type Attributed, octetsOf, vendorSpecific } from '../wire/radius-attributes.ts';
import {
  type AttributeName,
  attributeNameOf,
  attributeNumber,
  CISCO_AVPAIR,
  VENDORS,
} from '../wire/radius-dictionary.ts';

const MOST = 32;
const LONGEST = 128;
const VENDOR_ID_OCTETS = 4;

/** Read by accept.ts, or of the packet rather than of the session. */
const UNDERSTOOD: readonly AttributeName[] = [
  'User-Name',
  'Class',
  'State',
  'Session-Timeout',
  'Idle-Timeout',
  'Termination-Action',
  'Acct-Interim-Interval',
  'Filter-Id',
  'NAS-Filter-Rule',
  'Tunnel-Type',
  'Tunnel-Medium-Type',
  'Tunnel-Private-Group-Id',
  'Egress-VLANID',
  'Egress-VLAN-Name',
  'Framed-IP-Address',
  'Reply-Message',
  'Chargeable-User-Identity',
  'EAP-Message',
  'Message-Authenticator',
  'Proxy-State',
];
const UNDERSTOOD_TYPES: ReadonlySet<number> = new Set(UNDERSTOOD.map(attributeNumber));
const VENDOR_SPECIFIC = attributeNumber('Vendor-Specific');
const SECRETS: readonly AttributeName[] = ['User-Password', 'Tunnel-Password'];
const SECRET_TYPES: ReadonlySet<number> = new Set(SECRETS.map(attributeNumber));

/** MS-CHAP-MPPE-Keys, MS-MPPE-Send-Key, MS-MPPE-Recv-Key (RFC 2548 §2.4). */
const MICROSOFT_KEYS: ReadonlySet<number> = new Set([12, 16, 17]);

export function keptAttributes(packet: Attributed): readonly KeptAttribute[] {
  const kept: KeptAttribute[] = [];
  for (const attribute of packet.attributes) {
    const { type } = attribute;
    if (UNDERSTOOD_TYPES.has(type) || SECRET_TYPES.has(type)) continue;
    if (type === VENDOR_SPECIFIC) kept.push(...vendorParts(octetsOf(attribute)));
    else kept.push({ name: attributeNameOf(type), value: show(octetsOf(attribute)) });
    if (kept.length >= MOST) break;
  }
  return kept.slice(0, MOST);
}

/** What is not of the recommended form (RFC 2865 §5.26) is shown whole; not of Microsoft's, since it may be keys. */
function vendorParts(octets: Uint8Array): readonly KeptAttribute[] {
  const { vendor, attributes, isWhole } = vendorSpecific(octets);
  if (octets.length < VENDOR_ID_OCTETS) return [{ name: 'Vendor-Specific', value: show(octets) }];
  const isMicrosoft = vendor === VENDORS.microsoft;
  if (!isWhole)
    return isMicrosoft ? [] : [{ name: `Vendor-${vendor}`, value: show(octets.subarray(VENDOR_ID_OCTETS)) }];
  return attributes
    .filter(({ type }) => !isMicrosoft || !MICROSOFT_KEYS.has(type))
    .map(({ type, value }) => ({ name: vendorName(vendor, type), value: show(value) }));
}

function vendorName(vendor: number, type: number): string {
  return vendor === VENDORS.cisco && type === CISCO_AVPAIR ? 'Cisco-AVPair' : `Vendor-${vendor}-${type}`;
}

function show(octets: Uint8Array): string {
  const printable = octets.length > 0 && octets.every((octet) => octet >= 0x20 && octet < 0x7f);
  const text = printable ? String.fromCharCode(...octets) : `0x${toHex(octets)}`;
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}
