// How a role is chosen, in the configuration file: rules by MAC and port, vendors' attributes; and devices that are silent.

import { Type } from 'typebox';
import { address, pattern, strict, text } from './scalars.ts';

/** A kernel interface name (IFNAMSIZ), where `*`, `?` and `[...]` make it a glob. */
export const PORT_PATTERN = '^[^\\s/\\u0000-\\u001f]{1,64}$';
export const PortPattern = pattern('a port name or glob', PORT_PATTERN);

export const RoleName = text('the name of a role', 64);

/** Whole or in part. */
export const MacBeginning = address(
  'mac-prefix',
  'a MAC address, or its beginning (00:50:56, 0050.56, 00:50:56:00:00:00/20)',
);

export const RoleRules = Type.Array(
  Type.Object(
    {
      mac: MacBeginning,
      role: RoleName,
      ports: Type.Optional(
        Type.Array(PortPattern, {
          minItems: 1,
          maxItems: 64,
          uniqueItems: true,
          title: 'a list of port names or globs',
          description: 'On these ports only; left out: on all.',
        }),
      ),
    },
    { ...strict, title: 'a rule for a role' },
  ),
  {
    maxItems: 1000,
    title: 'a list of rules by MAC address',
    description:
      'The role of a user whom RADIUS gives none, by the beginning of the MAC: the longest that fits counts, of equal ones the first.',
  },
);

export const RoleAttributes = Type.Array(
  Type.Object(
    {
      vendor: Type.Integer({ title: "a vendor's number 1..16777215", minimum: 1, maximum: 16_777_215 }),
      type: Type.Integer({ title: 'an attribute 1..255', minimum: 1, maximum: 255 }),
      key: Type.Optional(pattern('1 to 64 characters without `=`', '^[^=\\u0000-\\u001f]{1,64}$')),
    },
    { ...strict, title: 'an attribute that names a role' },
  ),
  {
    maxItems: 16,
    title: 'a list of attributes of vendors',
    description: 'Attributes that name a role, as Filter-Id does; of several the first in this list counts.',
  },
);
