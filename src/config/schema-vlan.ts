// VLANs in the configuration file, and what is done with what an Access-Accept says beyond a session's timers.

import { Type } from 'typebox';
import { HIGHEST_VLAN_ID } from '../wire/ethernet.ts';
import { AUTHORIZATION_DEFAULTS, VLAN_DEFAULTS } from './defaults.ts';
import { flag, strict } from './scalars.ts';
import { RoleAttributes } from './schema-roles.ts';

export const CRITICAL_ACTIONS = ['deny', 'keep', 'vlan'] as const;

const VLAN_NAME = '^[^\\u0000-\\u001f]{1,64}$';
const VLAN_ID = `a VLAN id 1..${HIGHEST_VLAN_ID}`;
const VlanId = Type.Integer({ title: VLAN_ID, minimum: 1, maximum: HIGHEST_VLAN_ID });

/** Of a port: which VLAN, as an id or a name of `vlans`. */
export function vlanWord(description: string) {
  return Type.Union([VlanId, Type.String({ title: 'the name of a VLAN', pattern: VLAN_NAME })], {
    title: `${VLAN_ID}, or a name of vlans`,
    description,
  });
}

/** The name of a VLAN is what a server may say in its id's place. */
export const Vlans = Type.Record(Type.String({ pattern: VLAN_NAME }), VlanId, {
  ...strict,
  title: 'VLAN ids by name',
  description: 'Names that a RADIUS server, or a port, may use for a VLAN.',
});

export const VlanPolicy = Type.Object(
  {
    create: Type.Optional(
      flag(
        VLAN_DEFAULTS.create,
        'Make a VLAN that the bridge does not have; false: whoever is to be in it is refused.',
      ),
    ),
    uplinks: Type.Optional(
      flag(
        VLAN_DEFAULTS.uplinks,
        'Of a VLAN that is made: tagged on the uplinks, too, as long as somebody is in it.',
      ),
    ),
  },
  { ...strict, title: 'what is done about VLANs' },
);

export const AuthorizationPolicy = Type.Object(
  {
    filter_rules: Type.Optional(
      Type.Enum(['refuse', 'ignore'], {
        title: 'one of refuse, ignore',
        default: AUTHORIZATION_DEFAULTS.filterRules,
        description:
          'An Accept with NAS-Filter-Rule (RFC 4849), which cannot be enforced; ignore: shown, and not enforced.',
      }),
    ),
    unknown_filter_id: Type.Optional(
      Type.Enum(['port-role', 'refuse'], {
        title: 'one of port-role, refuse',
        default: AUTHORIZATION_DEFAULTS.unknownFilterId,
        description:
          'An Accept whose Filter-Id, or attribute of role_attributes, names no role: it counts for nothing, or the Accept is refused.',
      }),
    ),
    role_attributes: Type.Optional(RoleAttributes),
    request_cui: Type.Optional(
      flag(AUTHORIZATION_DEFAULTS.requestCui, 'Ask for a Chargeable-User-Identity (RFC 4372).'),
    ),
  },
  { ...strict, title: 'what is done with authorizations' },
);
