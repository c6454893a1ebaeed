// The role of a session, existing or to be: policy/role-choice.ts says by which precedence, the configuration which names there are.

import type { Mac } from '../base/mac.ts';
import type { Authorization } from '../model/authorization.ts';
import type { PortName } from '../model/dataplane.ts';
import type { RoleChoice } from '../model/role.ts';
import { chooseRole, unknownRole } from '../policy/role-choice.ts';
import type { Core } from './core.ts';

export interface RoleSubject {
  readonly authorization: Authorization;
  readonly mac: Mac;
  readonly port: PortName;
}

export function roleFor({ config, settings }: Core, { authorization, mac, port }: RoleSubject): RoleChoice {
  const { filterId, vendorRole } = authorization;
  const names = { filterId, vendorRole, rule: settings.ruledRole(mac, port), port: settings.port(port).role };
  return chooseRole(names, (role) => config.roles.has(role));
}

/** A role that the server named and that there is none of, and by which attribute. */
export function unknownRoleOf({ config }: Core, authorization: Authorization): RoleChoice | undefined {
  return unknownRole(authorization, (role) => config.roles.has(role));
}
