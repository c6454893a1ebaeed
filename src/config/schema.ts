// The configuration file, declared once. From this come the check of a file, the JSON Schema that `rollcall check
// --schema` prints, the type of what the assembler reads, and the test of docs/rollcall.reference.yaml.
//
// Defaults are written here for readers; what is in force is assembled from the machines' own *_DEFAULTS, and a test
// holds the two together. Times are in seconds in the file, `Millis` after the assembler.

import { Type } from 'typebox';
import { GUARD_DEFAULTS, HANDSHAKE_DEFAULTS, PROBE_DEFAULTS } from '../liveness/settings.ts';
import { HOST_MODES, PORT_CONTROLS } from '../model/port.ts';
import { PAE_DEFAULTS } from '../pae/settings.ts';
import {
  ACCESS_RETRANSMISSION,
  ACCOUNTING_RETRANSMISSION,
  type RetransmissionSettings,
} from '../radius/settings.ts';
import {
  ACCOUNTING_DEFAULTS,
  MQTT_DEFAULTS,
  PORT_DEFAULTS,
  RADIUS_DEFAULTS,
  SHELL_DEFAULTS,
} from './defaults.ts';
import { address, count, delay, flag, path, pattern, port, text, time, timeOrOff } from './scalars.ts';

const strict = { additionalProperties: false } as const;

/** One MQTT topic level: letters that no broker, file system or shell minds. */
const SwitchId = pattern('1 to 64 letters, digits, dots, underscores and hyphens', '^[A-Za-z0-9._-]{1,64}$');
/** A kernel interface name (IFNAMSIZ), where `*`, `?` and `[...]` make it a glob. */
const PORT_PATTERN = '^[^\\s/\\u0000-\\u001f]{1,64}$';
const PortPattern = pattern('a port name or glob', PORT_PATTERN);
const InterfaceName = pattern('an interface name of 1 to 15 characters', '^[^\\s/:\\u0000-\\u001f]{1,15}$');
const RoleName = text('the name of a role', 64);

/** The value itself, or the file whose first line it is. */
const Secret = Type.Union(
  [
    Type.String({ title: 'a secret of 1 to 255 characters', minLength: 1, maxLength: 255 }),
    Type.Object({ file: path('the absolute path of a file') }, { ...strict, title: '{file: PATH}' }),
  ],
  { title: 'a secret, or {file: PATH}', description: 'A secret, or the file whose first line holds it.' },
);

const HandshakeObject = Type.Object(
  {
    period_s: Type.Optional(
      timeOrOff({
        default: HANDSHAKE_DEFAULTS.period / 1000,
        maximum: 86_400,
        description: 'T. 0 switches the handshake off.',
      }),
    ),
    times: Type.Optional(
      count(1, 255, {
        default: HANDSHAKE_DEFAULTS.times,
        description: 'N: silent periods in a row until the session ends; N - 1 probes are sent.',
      }),
    ),
    keep: Type.Optional(
      flag(HANDSHAKE_DEFAULTS.keep, 'Probe and count, but never end a session for silence.'),
    ),
    wake: Type.Optional(
      flag(HANDSHAKE_DEFAULTS.wake, 'For clients that sleep: probe at the middle of a silent period too.'),
    ),
    probe: Type.Optional(
      Type.Enum(['address', 'eap'], {
        title: 'one of address, eap',
        default: HANDSHAKE_DEFAULTS.probe,
        description:
          'address: ARP, or ND where only IPv6 is known. eap: Request/Identity, which starts a reauthentication.',
      }),
    ),
  },
  { ...strict, title: 'handshake settings' },
);

const Handshake = Type.Union([HandshakeObject, Type.Literal('off', { title: 'off' })], {
  title: 'handshake settings, or off',
  description: 'How silence is judged. `off` is short for period_s: 0.',
});

const Dot1x = Type.Object(
  {
    tx_period_s: Type.Optional(
      time({
        default: PAE_DEFAULTS.txPeriod / 1000,
        maximum: 65_535,
        description: 'IEEE 802.1X txPeriod: between Request/Identity retransmissions.',
      }),
    ),
    supp_timeout_s: Type.Optional(
      time({
        default: PAE_DEFAULTS.suppTimeout / 1000,
        maximum: 65_535,
        description: 'IEEE 802.1X suppTimeout: between retransmissions of other requests.',
      }),
    ),
    server_timeout_s: Type.Optional(
      time({
        default: PAE_DEFAULTS.serverTimeout / 1000,
        maximum: 65_535,
        description: 'IEEE 802.1X serverTimeout: for the RADIUS servers to answer, failover included.',
      }),
    ),
    quiet_period_s: Type.Optional(
      delay({
        default: PAE_DEFAULTS.quietPeriod / 1000,
        maximum: 65_535,
        description: 'IEEE 802.1X quietPeriod: no new attempt after a failure.',
      }),
    ),
    max_req: Type.Optional(
      count(1, 10, {
        default: PAE_DEFAULTS.maxReq,
        description: 'IEEE 802.1X maxReq: retransmissions of one request.',
      }),
    ),
    reauth_max: Type.Optional(
      count(1, 10, {
        default: PAE_DEFAULTS.reAuthMax,
        description: 'IEEE 802.1X reAuthMax (retryMax): attempts without an answer.',
      }),
    ),
    reauth_period_s: Type.Optional(
      timeOrOff({
        default: PAE_DEFAULTS.reAuthPeriod / 1000,
        description: 'IEEE 802.1X reAuthPeriod; 0 = no periodic reauthentication.',
      }),
    ),
  },
  {
    ...strict,
    title: 'the 802.1X timers',
    description: 'Timers of the authenticator (IEEE 802.1X-2020 clause 8).',
  },
);

const Port = Type.Object(
  {
    control: Type.Optional(
      Type.Enum([...PORT_CONTROLS], {
        title: `one of ${PORT_CONTROLS.join(', ')}`,
        default: PORT_DEFAULTS.control,
        description: 'IEEE 802.1X portControl; off = the port is not ours.',
      }),
    ),
    host_mode: Type.Optional(
      Type.Enum([...HOST_MODES], {
        title: `one of ${HOST_MODES.join(', ')}`,
        default: PORT_DEFAULTS.hostMode,
        description:
          'Who may pass: each MAC by itself, one only, the first for all, one data and one voice device.',
      }),
    ),
    role: Type.Optional({
      ...RoleName,
      default: PORT_DEFAULTS.role,
      description: 'The role of a user whom RADIUS gives none (Filter-Id).',
    }),
    mab: Type.Optional(
      Type.Object(
        {
          enabled: Type.Optional(flag(PORT_DEFAULTS.mab.enabled, 'MAC authentication bypass.')),
          delay_s: Type.Optional(
            delay({
              default: PORT_DEFAULTS.mab.delay / 1000,
              description: 'How long 802.1X is waited for before it.',
            }),
          ),
        },
        { ...strict, title: 'settings of MAC authentication bypass' },
      ),
    ),
    link_down_delay_s: Type.Optional(
      delay({
        default: PORT_DEFAULTS.linkDownDelay / 1000,
        description: 'How long a link may be down before its sessions end.',
      }),
    ),
    egress: Type.Optional(
      Type.Enum(['open', 'closed'], {
        title: 'one of open, closed',
        default: PORT_DEFAULTS.egress,
        description: 'closed: no flooded frames leave by the port before its first grant.',
      }),
    ),
    handshake: Type.Optional(Handshake),
    dot1x: Type.Optional(Dot1x),
  },
  { ...strict, title: 'the settings of a port' },
);

const Role = Type.Object(
  {
    session_s: Type.Optional(
      timeOrOff({
        default: 0,
        description: 'Session timer, absolute, from login; 0 = none. RADIUS Session-Timeout wins.',
      }),
    ),
    heartbeat_s: Type.Optional(
      Type.Union([time({ description: 'Since the last evidence.' }), Type.Null({ title: 'null' })], {
        title: '1 second and more, or null',
        default: null,
        description: 'Heartbeat timer, since the last evidence; null = not set.',
      }),
    ),
    handshake: Type.Optional(Handshake),
  },
  { ...strict, title: 'the settings of a role' },
);

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

const Radius = Type.Object(
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
          secret: Secret,
          require_message_authenticator: Type.Optional(
            flag(
              true,
              'Drop replies to Access-Requests without a valid Message-Authenticator (CVE-2024-3596).',
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
          clients: Type.Array(
            Type.Object(
              { address: address('ip-address', 'an IPv4 or IPv6 address'), secret: Secret },
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

const Mqtt = Type.Object(
  {
    url: Type.Optional(
      pattern(
        'mqtt://, mqtts://, ws:// or wss:// with a host, and no user or password',
        '^(mqtts?|wss?)://[^@\\s/]+(/[^@\\s]*)?$',
      ),
    ),
    username: Type.Optional(text('a user name')),
    password: Type.Optional(Secret),
    tls: Type.Optional(
      Type.Object(
        {
          ca_file: Type.Optional(path('the absolute path of a PEM file')),
          cert_file: Type.Optional(path('the absolute path of a PEM file')),
          key_file: Type.Optional(path('the absolute path of a PEM file')),
        },
        { ...strict, title: 'the TLS files' },
      ),
    ),
    client_id: Type.Optional(pattern('1 to 128 printable characters', '^[\\x21-\\x7e]{1,128}$')),
    will_delay_s: Type.Optional(
      delay({
        default: MQTT_DEFAULTS.willDelay / 1000,
        description:
          'How long the broker waits before it says that the switch is offline: longer than a restart takes.',
      }),
    ),
    embedded_port: Type.Optional(
      port(MQTT_DEFAULTS.embeddedPort, 'Loopback port of the embedded broker, used when there is no url.'),
    ),
  },
  { ...strict, title: 'the MQTT settings' },
);

const HandshakeGlobal = Type.Object(
  {
    sources: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^(0|[1-9][0-9]{0,3})$' }),
        Type.Object(
          {
            ip: Type.Optional(address('ipv4-address', 'an IPv4 address')),
            mac: Type.Optional(address('mac-address', 'a MAC address')),
            ipv6: Type.Optional(address('ipv6-address', 'an IPv6 address')),
          },
          { ...strict, title: 'a probe source' },
        ),
        {
          ...strict,
          title: 'probe sources by VLAN id (0 = no VLAN filtering)',
          description:
            'Whose address probes bear, by VLAN. Without `mac` it is our own address; with it, a gateway and its real MAC.',
        },
      ),
    ),
    hold_after_link_up_s: Type.Optional(
      delay({
        default: PROBE_DEFAULTS.holdAfterLinkUp / 1000,
        description: 'No probe this long after link-up (RFC 5227 section 2.1).',
      }),
    ),
    hold_after_announcement_s: Type.Optional(
      delay({
        default: PROBE_DEFAULTS.holdAfterAnnouncement / 1000,
        description: "No probe this long after a client's own ARP announcement.",
      }),
    ),
    allow_unspecified_source: Type.Optional(
      flag(
        PROBE_DEFAULTS.allowUnspecifiedSource,
        'Probe with 0.0.0.0 where no source is known; looks like duplicate-address detection.',
      ),
    ),
    rate_per_s: Type.Optional(
      count(1, 1_000_000, {
        default: PROBE_DEFAULTS.ratePerSecond,
        description: 'Probes per second over the whole switch.',
      }),
    ),
  },
  { ...strict, title: 'the settings of probes' },
);

export const ConfigSchema = Type.Object(
  {
    switch: Type.Object(
      {
        id: SwitchId,
        bridge: InterfaceName,
        uplinks: Type.Optional(
          Type.Array(PortPattern, {
            maxItems: 256,
            uniqueItems: true,
            title: 'a list of port names or globs',
            description: 'Ports that are never controlled. They win over every port glob.',
          }),
        ),
      },
      { ...strict, title: 'the switch' },
    ),
    backend: Type.Optional({
      ...pattern(
        "switchdev, sim, or the absolute path of a vendor's library",
        '^(switchdev|sim|/[^\\u0000-\\u001f]+)$',
      ),
      default: SHELL_DEFAULTS.backend,
    }),
    state_dir: Type.Optional({
      ...path('the absolute path of a directory'),
      default: SHELL_DEFAULTS.stateDir,
    }),
    control_socket: Type.Optional({
      ...path('the absolute path of a socket'),
      default: SHELL_DEFAULTS.controlSocket,
    }),
    ports: Type.Optional(
      Type.Record(Type.String({ pattern: PORT_PATTERN }), Port, {
        ...strict,
        title: 'port settings by name or glob',
        description:
          'By name or glob; a later match wins, key by key. A port that nothing matches is not ours.',
      }),
    ),
    roles: Type.Optional(
      Type.Record(Type.String({ pattern: '^[^\\u0000-\\u001f]{1,64}$' }), Role, {
        ...strict,
        title: 'role settings by name',
      }),
    ),
    radius: Radius,
    mqtt: Type.Optional(Mqtt),
    handshake: Type.Optional(HandshakeGlobal),
    guard: Type.Optional(
      Type.Object(
        {
          share: Type.Optional(
            Type.Number({
              minimum: 0,
              maximum: 1,
              default: GUARD_DEFAULTS.share,
              title: 'a share 0..1',
              description: 'Share of the sessions that fall silent within one period; 0 = no guard.',
            }),
          ),
          minimum: Type.Optional(
            count(1, 100_000, {
              default: GUARD_DEFAULTS.minimum,
              description: 'And at least so many sessions.',
            }),
          ),
        },
        { ...strict, title: 'the mass-loss guard' },
      ),
    ),
    dot1x: Type.Optional(Dot1x),
    silent_devices: Type.Optional(
      Type.Array(
        Type.Object(
          { mac: address('mac-address', 'a MAC address'), handshake: Handshake },
          { ...strict, title: 'a silent device' },
        ),
        {
          maxItems: 10_000,
          title: 'a list of MAC addresses with their handshake',
          description: 'Devices that sleep: these win over port and role.',
        },
      ),
    ),
    log: Type.Optional(
      Type.Object(
        {
          level: Type.Optional(
            Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
              title: 'one of trace, debug, info, warn, error, silent',
              default: SHELL_DEFAULTS.logLevel,
              description: 'The least severe line that is written.',
            }),
          ),
        },
        { ...strict, title: 'the log settings' },
      ),
    ),
  },
  { ...strict, title: 'the configuration of Rollcall' },
);

/** Keys of the design whose feature is not in this version. */
export const FUTURE_KEYS: Readonly<Record<string, string>> = {
  web: 'web login is not in this version',
  sso: 'single sign-on is not in this version',
  certified_devices: 'the certified-device list is not in this version',
  dhcp_watch: 'the DHCP watch is not in this version',
  guest_vlan: 'the guest VLAN is not in this version',
  auth_fail_vlan: 'the auth-fail VLAN is not in this version',
  critical: 'the critical fallback is not in this version',
  l3: 'L3 sessions are not in this version',
};
