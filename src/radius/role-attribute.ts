// A vendor's attribute that names a role, as the configuration has it: Aruba-User-Role (14823/1), or a Cisco-AVPair (9/1) of the
// form `role=NAME`.

import { fromUtf8 } from '../base/bytes.ts';
import { type Attributed, type RadiusAttribute, vendorAttributes } from '../wire/radius-attributes.ts';

export interface RoleAttribute {
  /** IANA private enterprise number. */
  readonly vendor: number;
  readonly type: number;
  /** The value is `key=NAME`; absent: it is the name. */
  readonly key?: string;
}

/** Undefined: the attribute is not this one. Empty: it names nothing. */
export function roleIn(
  { vendor, type, key }: RoleAttribute,
  of: { readonly vendor: number; readonly attribute: RadiusAttribute },
): string | undefined {
  if (of.vendor !== vendor || of.attribute.type !== type) return undefined;
  const text = fromUtf8(of.attribute.value);
  if (key === undefined) return text.trim();
  const at = text.indexOf('=');
  return at >= 0 && text.slice(0, at).trim() === key ? text.slice(at + 1).trim() : undefined;
}

/** By the first of the configured attributes that the packet has, and the first of that one. */
export function vendorRole(packet: Attributed, wanted: readonly RoleAttribute[]): string | undefined {
  for (const each of wanted) {
    for (const attribute of vendorAttributes(packet, each.vendor)) {
      const role = roleIn(each, { vendor: each.vendor, attribute });
      if (role !== undefined && role !== '') return role;
    }
  }
  return undefined;
}
