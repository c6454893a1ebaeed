// The role of a session, existing or to be: policy/role-choice.ts says by which precedence, the configuration which names there are.

import type { Mac } from '../../base/mac.ts';
import type { Authorization } from '../../model/authorization.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { RoleChoice } from '../../model/role.ts';
import type { L2Session, L3Session, Session } from '../../model/session.ts';
import { chooseRole, type RoleNames, unknownRole } from '../../policy/role-choice.ts';
import type { Core } from '../core.ts';

/** A client of a port. */
export interface RoleSubject {
  readonly authorization: Authorization;
  readonly mac: Mac;
  readonly port: PortName;
}

export function roleFor(core: Core, { authorization, mac, port }: RoleSubject): RoleChoice {
  const { settings } = core;
  return choose(core, authorization, { rule: settings.ruledRole(mac, port), port: settings.port(port).role });
}

/** The role that a session is to be in now. */
export function roleOf(core: Core, session: Session): RoleChoice {
  if (session.layer === 2) return roleFor(core, subjectOf(session));
  return roleBehind(core, session);
}

/** Of a user of a concentrator. */
export function roleBehind(
  core: Core,
  { concentrator, authorization }: Pick<L3Session, 'concentrator' | 'authorization'>,
): RoleChoice {
  const { sso } = core.config;
  const client = sso?.clients.find(({ address }) => address === concentrator);
  return choose(core, authorization, { concentrator: client?.role ?? sso?.role });
}

export function subjectOf({ authorization, mac, grant }: L2Session): RoleSubject {
  return { authorization, mac, port: grant.port };
}

/** A role that the server named and that there is none of, and by which attribute. */
export function unknownRoleOf({ config }: Core, authorization: Authorization): RoleChoice | undefined {
  return unknownRole(authorization, (role) => config.roles.has(role));
}

function choose(
  { config }: Core,
  { filterId, vendorRole }: Authorization,
  own: Pick<RoleNames, 'rule' | 'port' | 'concentrator'>,
): RoleChoice {
  return chooseRole({ filterId, vendorRole, ...own }, (role) => config.roles.has(role));
}
