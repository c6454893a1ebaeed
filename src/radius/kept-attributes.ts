// What an Access-Accept says that has no meaning here: kept, so that an operator sees what the server sent. Bounded, and
// without what is secret: keys that go with an EAP method, and passwords.

import { toHex } from '../base/bytes.ts';
import type { KeptAttribute } from '../model/authorization.ts';
import { type Attributed, octetsOf } from '../wire/radius-attributes.ts';
import { type AttributeName, attributeNameOf, attributeNumber } from '../wire/radius-dictionary.ts';

const MOST = 32;
const LONGEST = 128;

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
const VENDOR_SPECIFIC = 26;
/** Tunnel-Password (RFC 2868 §3.5). */
const SECRET_TYPES: ReadonlySet<number> = new Set([2, 69]);

const MICROSOFT = 311;
/** MS-CHAP-MPPE-Keys, MS-MPPE-Send-Key, MS-MPPE-Recv-Key (RFC 2548 §2.4). */
const MICROSOFT_KEYS: ReadonlySet<number> = new Set([12, 16, 17]);
const CISCO = 9;

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

/** RFC 2865 §5.26: what is not of the recommended form is shown whole. */
function vendorParts(value: Uint8Array): readonly KeptAttribute[] {
  if (value.length < 4) return [{ name: 'Vendor-Specific', value: show(value) }];
  const vendor = new DataView(value.buffer, value.byteOffset).getUint32(0);
  const parts: KeptAttribute[] = [];
  for (let at = 4; at < value.length; ) {
    const type = value[at] ?? 0;
    const length = value[at + 1] ?? 0;
    if (length < 2 || at + length > value.length)
      return [{ name: `Vendor-${vendor}`, value: show(value.subarray(4)) }];
    if (vendor !== MICROSOFT || !MICROSOFT_KEYS.has(type)) {
      const name = vendor === CISCO && type === 1 ? 'Cisco-AVPair' : `Vendor-${vendor}-${type}`;
      parts.push({ name, value: show(value.subarray(at + 2, at + length)) });
    }
    at += length;
  }
  return parts;
}

function show(octets: Uint8Array): string {
  const printable = octets.length > 0 && octets.every((octet) => octet >= 0x20 && octet < 0x7f);
  const text = printable ? String.fromCharCode(...octets) : `0x${toHex(octets)}`;
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}
