// Roles, as sessions have them.

/** What put a user into a role, in the order of precedence (policy/role-choice.ts). */
export const ROLE_SOURCES = [
  'filter-id',
  'vendor-attribute',
  'rule',
  'port',
  'concentrator',
  'default',
] as const;
export type RoleSource = (typeof ROLE_SOURCES)[number];

export interface RoleChoice {
  readonly role: string;
  readonly by: RoleSource;
}
