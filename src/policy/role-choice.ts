// Which role a user is in. The first of these that names a role of the configuration:
//
//   1. Filter-Id of the server's word (RFC 2865 §5.11)
//   2. the vendor's attribute that the configuration takes for a role
//   3. a rule by the beginning of the MAC, for some ports or all
//   4. the port's own; of an L3 session, which has no port, the one of the concentrator that logged the user in
//
// A name of 1 or 2 that no role has counts for nothing, or is a reason to refuse: that is a setting.

import type { RoleChoice } from '../model/role.ts';

export interface RoleNames {
  readonly filterId?: string | undefined;
  readonly vendorRole?: string | undefined;
  readonly rule?: string | undefined;
  /** Of an L3 session there is none. */
  readonly port?: string | undefined;
  /** Of an L3 session only. */
  readonly concentrator?: string | undefined;
}

const SERVER_SOURCES = [
  { source: 'filter-id', key: 'filterId' },
  { source: 'vendor-attribute', key: 'vendorRole' },
] as const;

export function chooseRole(names: RoleNames, exists: (role: string) => boolean): RoleChoice {
  for (const { source, key } of SERVER_SOURCES) {
    const role = names[key];
    if (role !== undefined && exists(role)) return { role, by: source };
  }
  if (names.rule !== undefined) return { role: names.rule, by: 'rule' };
  if (names.port !== undefined) return { role: names.port, by: 'port' };
  if (names.concentrator !== undefined) return { role: names.concentrator, by: 'concentrator' };
  return { role: 'default', by: 'default' };
}

/** What a server named that is no role, and that comes before all that is one. */
export function unknownRole(
  names: Pick<RoleNames, 'filterId' | 'vendorRole'>,
  exists: (role: string) => boolean,
): RoleChoice | undefined {
  for (const { source, key } of SERVER_SOURCES) {
    const role = names[key];
    if (role !== undefined) return exists(role) ? undefined : { role, by: source };
  }
  return undefined;
}
