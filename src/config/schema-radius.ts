// RADIUS in the configuration file: who we are, whom we ask, who may ask us.

import { Type } from 'typebox';
import { PACING_DEFAULTS } from '../pae/reauth-pacing.ts';
import { EVENT_TIMESTAMP_WINDOW } from '../radius/dynauth.ts';
import {
  ACCESS_RETRANSMISSION,
  ACCOUNTING_RETRANSMISSION,
  type RetransmissionSettings,
} from '../radius/settings.ts';
import { ACCOUNTING_DEFAULTS, DYNAUTH_DEFAULTS, RADIUS_DEFAULTS } from './defaults.ts';
import {
  address,
  count,
  delay,
  flag,
  path,
  pattern,
  port,
  Secret,
  strict,
  text,
  time,
  timeOrOff,
} from './scalars.ts';

function retransmission(defaults: RetransmissionSettings, what: string) {
  return Type.Object(
    {
      irt_s: Type.Optional(
        time({
          default: defaults.irt / 1000,
          maximum: 60,
          description: 'RFC 5080 IRT, initial retransmission time.',
        }),
      ),
      mrt_s: Type.Optional(
        time({
          default: defaults.mrt / 1000,
          maximum: 300,
          description: 'RFC 5080 MRT, maximum retransmission time.',
        }),
      ),
      mrc: Type.Optional(
        count(0, 100, {
          default: defaults.mrc,
          description: 'RFC 5080 MRC, maximum retransmission count to one server; 0 = no limit.',
        }),
      ),
      mrd_s: Type.Optional(
        timeOrOff({
          default: defaults.mrd / 1000,
          maximum: 86_400,
          description: 'RFC 5080 MRD, maximum retransmission duration over all servers; 0 = no limit.',
        }),
      ),
    },
    {
      ...strict,
      title: `the retransmission of ${what}`,
      description: `Retransmission of ${what} (RFC 5080 section 2.2.1).`,
    },
  );
}

export const SERVER_USES = ['both', 'authentication', 'accounting'] as const;

const pem = () => path('the absolute path of a PEM file');

const RadSec = Type.Object(
  {
    port: Type.Optional(port(RADIUS_DEFAULTS.radSecPort, 'TCP port (RFC 6614).')),
    ca_file: Type.Optional(pem()),
    cert_file: pem(),
    key_file: pem(),
    server_name: Type.Optional(
      pattern('a DNS name of 1 to 253 characters', '^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$'),
    ),
    fingerprint: Type.Optional(
      pattern(
        'a SHA-256 fingerprint of 64 hexadecimal digits, colons allowed',
        '^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$',
      ),
    ),
  },
  { ...strict, title: 'the TLS settings of a server', description: 'RADIUS over TLS (RFC 6614).' },
);

/** Global in `radius.dynamic_authorization`; a port's own keys win over it. */
export const linkCommands = {
  allow_bounce: Type.Optional(
    flag(DYNAUTH_DEFAULTS.allowBounce, 'A CoA-Request may take a port down for some seconds; else 501.'),
  ),
  allow_disable: Type.Optional(
    flag(
      DYNAUTH_DEFAULTS.allowDisable,
      'A CoA-Request may take a port down until an administrator acts; else 501.',
    ),
  ),
};

export const Radius = Type.Object(
  {
    nas_identifier: Type.Optional(text('a NAS-Identifier of 1 to 253 octets', 253)),
    nas_ip_address: Type.Optional(address('ipv4-address', 'an IPv4 address')),
    nas_ipv6_address: Type.Optional(address('ipv6-address', 'an IPv6 address')),
    servers: Type.Array(
      Type.Object(
        {
          address: address('ip-address', 'an IPv4 or IPv6 address (names are not resolved)'),
          auth_port: Type.Optional(
            port(RADIUS_DEFAULTS.authPort, 'UDP port for Access-Requests (RFC 2865).'),
          ),
          acct_port: Type.Optional(
            port(RADIUS_DEFAULTS.acctPort, 'UDP port for Accounting-Requests (RFC 2866).'),
          ),
          use: Type.Optional(
            Type.Enum([...SERVER_USES], {
              title: SERVER_USES.join(', '),
              default: 'both',
              description: 'What it is asked for.',
            }),
          ),
          secret: Type.Optional(Secret),
          tls: Type.Optional(RadSec),
          status_server: Type.Optional(
            Type.Union([Type.Literal('auto'), Type.Boolean()], {
              title: 'auto, true or false',
              default: 'auto',
              description:
                'Status-Server (RFC 5997) while it is dead, over TLS also while it is idle. auto: its silence counts once it has answered one.',
            }),
          ),
          require_message_authenticator: Type.Optional(
            flag(
              true,
              'Drop replies to Access-Requests without a valid Message-Authenticator (CVE-2024-3596); those to EAP never do without.',
            ),
          ),
        },
        { ...strict, title: 'a RADIUS server' },
      ),
      {
        minItems: 1,
        maxItems: 16,
        title: 'a list of 1 to 16 servers',
        description: 'In order of preference.',
      },
    ),
    status_interval_s: Type.Optional(
      time({
        default: RADIUS_DEFAULTS.statusInterval / 1000,
        maximum: 3600,
        description: 'Between Status-Server packets to a server; a tenth more or less (RFC 3539 Tw).',
      }),
    ),
    retransmission: Type.Optional(
      Type.Object(
        {
          access: Type.Optional(retransmission(ACCESS_RETRANSMISSION, 'Access-Requests')),
          accounting: Type.Optional(retransmission(ACCOUNTING_RETRANSMISSION, 'Accounting-Requests')),
        },
        { ...strict, title: 'the retransmission settings' },
      ),
    ),
    dead_time_s: Type.Optional(
      delay({
        default: RADIUS_DEFAULTS.deadTime / 1000,
        maximum: 86_400,
        description: 'A server that did not answer is asked last for this long.',
      }),
    ),
    reauth_rate_per_s: Type.Optional(
      count(1, 10_000, {
        default: PACING_DEFAULTS.perSecond,
        description:
          'Reauthentications that waited for a server begin at this rate at most when one answers again.',
      }),
    ),
    accounting: Type.Optional(
      Type.Object(
        {
          interim_s: Type.Optional(
            timeOrOff({
              default: ACCOUNTING_DEFAULTS.interim / 1000,
              maximum: 604_800,
              description: 'Between Interim-Updates where RADIUS says nothing; 0 = none.',
            }),
          ),
          spool: Type.Optional(
            Type.Object(
              {
                capacity: Type.Optional(
                  count(100, 1_000_000, {
                    default: ACCOUNTING_DEFAULTS.capacity,
                    description:
                      'Unacknowledged records kept; when full, the oldest interims go first, and never a Stop.',
                  }),
                ),
                evidence_s: Type.Optional(
                  time({
                    default: ACCOUNTING_DEFAULTS.evidence / 1000,
                    maximum: 86_400,
                    description:
                      'How often the last evidence of living sessions is stored: what a Stop after a crash can be late by.',
                  }),
                ),
              },
              { ...strict, title: 'the settings of the accounting store' },
            ),
          ),
        },
        { ...strict, title: 'the accounting settings' },
      ),
    ),
    dynamic_authorization: Type.Optional(
      Type.Object(
        {
          port: Type.Optional(
            port(RADIUS_DEFAULTS.dynAuthPort, 'UDP port for Disconnect and CoA requests (RFC 5176).'),
          ),
          listen_address: Type.Optional(
            address('ip-address', 'an IPv4 or IPv6 address of this switch; left out: all of them'),
          ),
          event_timestamp_window_s: Type.Optional(
            timeOrOff({
              default: EVENT_TIMESTAMP_WINDOW / 1000,
              maximum: 3600,
              description:
                'How far Event-Timestamp may be from our clock (RFC 5176 section 6.3); 0 = it is not looked at.',
            }),
          ),
          require_event_timestamp: Type.Optional(
            flag(false, 'Discard requests without Event-Timestamp: they could be replayed later.'),
          ),
          ...linkCommands,
          bounce_s: Type.Optional(
            time({
              default: DYNAUTH_DEFAULTS.bounce / 1000,
              maximum: 60,
              description: 'How long a bounced port is down where the request does not say.',
            }),
          ),
          clients: Type.Array(
            Type.Object(
              {
                address: address('ip-address', 'an IPv4 or IPv6 address'),
                secret: Secret,
                require_message_authenticator: Type.Optional(
                  flag(
                    false,
                    'Discard requests without Message-Authenticator. One that is there must be right.',
                  ),
                ),
              },
              { ...strict, title: 'a dynamic authorization client' },
            ),
            {
              minItems: 1,
              maxItems: 64,
              title: 'a list of 1 to 64 clients',
              description: 'Requests from any other address are discarded.',
            },
          ),
        },
        { ...strict, title: 'the dynamic authorization settings' },
      ),
    ),
  },
  { ...strict, title: 'the RADIUS settings' },
);
