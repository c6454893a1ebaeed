// Addresses behind the switch: the routed path that they take, and the concentrators whose word lets them in.

import { Type } from 'typebox';
import { SSO_DEFAULTS } from './defaults.ts';
import { address, count, flag, pattern, port, Secret, strict, text } from './scalars.ts';

const InterfaceName = pattern(
  'an interface name of 1 to 15 characters, without quotes and asterisks',
  '^[^\\s/"*\\\\,\\u0000-\\u001f\\u007f-\\uffff]{1,15}$',
);
const IpAddress = address('ip-address', 'an IPv4 or IPv6 address');

export const L3 = Type.Object(
  {
    ingress: Type.Array(InterfaceName, {
      minItems: 1,
      maxItems: 64,
      uniqueItems: true,
      title: 'a list of 1 to 64 interface names',
      description:
        'Interfaces behind which users are known by their address: what is forwarded from or to them needs a session.',
    }),
    exempt: Type.Optional(
      Type.Array(IpAddress, {
        maxItems: 1024,
        uniqueItems: true,
        title: 'a list of IPv4 and IPv6 addresses',
        description: 'Addresses behind the ingress interfaces that pass without a session.',
      }),
    ),
    first_hop: Type.Optional(
      flag(
        false,
        'The first hop behind the ingress interfaces answers ARP and neighbour discovery for its clients: handshake and heartbeat work.',
      ),
    ),
  },
  { ...strict, title: 'the settings of the routed path' },
);

export const Sso = Type.Object(
  {
    port: Type.Optional(port(SSO_DEFAULTS.port, 'UDP port for Accounting-Requests of the concentrators.')),
    listen_address: Type.Optional(
      address('ip-address', 'an IPv4 or IPv6 address of this switch; left out: all of them'),
    ),
    role: Type.Optional(text('a role')),
    max_users: Type.Optional(
      count(1, 1_000_000, {
        default: SSO_DEFAULTS.maxUsers,
        description: 'Users who are logged in at the concentrators; more are not taken in.',
      }),
    ),
    clients: Type.Array(
      Type.Object(
        {
          address: IpAddress,
          secret: Secret,
          role: Type.Optional(text('a role')),
          require_message_authenticator: Type.Optional(
            flag(false, 'Discard requests without Message-Authenticator. One that is there must be right.'),
          ),
        },
        { ...strict, title: 'a concentrator' },
      ),
      {
        minItems: 1,
        maxItems: 64,
        title: 'a list of 1 to 64 concentrators',
        description: 'Requests from any other address are discarded.',
      },
    ),
  },
  { ...strict, title: 'the settings of single sign-on' },
);
