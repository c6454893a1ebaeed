// The login page in the configuration file: `web`.

import { Type } from 'typebox';
import { WEB_AUTHENTICATIONS, WEB_DEFAULTS } from '../web/settings.ts';
import { WEB_LISTENER_DEFAULTS } from './defaults.ts';
import { address, count, path, pattern, port, strict } from './scalars.ts';

export const Web = Type.Object(
  {
    listen_addresses: Type.Optional(
      Type.Array(address('ip-address', 'an IP address'), {
        title: 'a list of IP addresses',
        minItems: 1,
        maxItems: 64,
        uniqueItems: true,
        description: 'Addresses of this switch that the page is served at; left out: all of them.',
      }),
    ),
    port: Type.Optional(port(WEB_LISTENER_DEFAULTS.port, 'TCP port of the page.')),
    tls: Type.Optional(
      Type.Object(
        {
          cert_file: path('the absolute path of a PEM file'),
          key_file: path('the absolute path of a PEM file'),
        },
        { ...strict, title: 'the certificate and its key', description: 'HTTPS instead of HTTP.' },
      ),
    ),
    names: Type.Optional(
      Type.Array(pattern('a host name', '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$'), {
        title: 'a list of host names',
        maxItems: 16,
        uniqueItems: true,
        description: 'Host names of the page, beside its addresses; requests for any other are refused.',
      }),
    ),
    dns_servers: Type.Optional(
      Type.Array(address('ip-address', 'an IP address'), {
        title: 'a list of IP addresses',
        maxItems: 16,
        uniqueItems: true,
        description: 'Whom a client that is let in as far as the page may ask for names, beside the switch.',
      }),
    ),
    authentication: Type.Optional(
      Type.Enum([...WEB_AUTHENTICATIONS], {
        title: `one of ${WEB_AUTHENTICATIONS.join(', ')}`,
        default: WEB_DEFAULTS.authentication,
        description: 'How the server is given the password.',
      }),
    ),
    logins_per_minute: Type.Optional(
      count(1, 600, {
        default: WEB_DEFAULTS.loginsPerMinute,
        description: 'Passwords that one client may try; a port 5 times, all 20 times as many.',
      }),
    ),
    max_connections: Type.Optional(
      count(4, 4096, {
        default: WEB_LISTENER_DEFAULTS.maxConnections,
        description:
          'TCP connections at the same time; an eighth of them for one client, a quarter for one port.',
      }),
    ),
  },
  { ...strict, title: 'the settings of the login page' },
);
