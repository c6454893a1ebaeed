// The configuration file, declared once. From this come the check of a file, the JSON Schema that `rollcall check
// --schema` prints, the type of what the assembler reads, and the test of docs/rollcall.reference.yaml.
//
// Defaults are written here for readers; what is in force is assembled from the machines' own *_DEFAULTS, and a test
// holds the two together. Times are in seconds in the file, `Millis` after the assembler.
import { Type } from 'typebox';
import { GUARD_DEFAULTS, PROBE_DEFAULTS } from '../liveness/settings.ts';
import { MQTT_DEFAULTS, SHELL_DEFAULTS } from './defaults.ts';
import { address, count, delay, flag, path, pattern, port, Secret, strict, text } from './scalars.ts';
import { Dot1x, Handshake, Port, Role } from './schema-access.ts';
import { CertifiedDevicesObject, DhcpWatchObject } from './schema-certified.ts';
import { L3, Sso } from './schema-l3.ts';
import { Radius } from './schema-radius.ts';
import { MacBeginning, PORT_PATTERN, PortPattern, RoleRules } from './schema-roles.ts';
import { AuthorizationPolicy, VlanPolicy, Vlans } from './schema-vlan.ts';
import { Web } from './schema-web.ts';

/** One MQTT topic level: letters that no broker, file system or shell minds. */
const SwitchId = pattern('1 to 64 letters, digits, dots, underscores and hyphens', '^[A-Za-z0-9._-]{1,64}$');
const InterfaceName = pattern('an interface name of 1 to 15 characters', '^[^\\s/:\\u0000-\\u001f]{1,15}$');

const GROUP = 'a group of /etc/group, or its number';
const GroupName = Type.Union(
  [
    pattern(GROUP, '^([a-z_][a-z0-9_-]{0,31}|[0-9]{1,9})$'),
    Type.Integer({ title: GROUP, minimum: 0, maximum: 999_999_999 }),
  ],
  { title: GROUP },
);

const SocketPath = { ...path('the absolute path of a socket, of at most 107 octets'), format: 'socket-path' };

const Mqtt = Type.Object(
  {
    url: Type.Optional(
      Type.String({
        title:
          'mqtt://, mqtts://, ws:// or wss:// with a host (IPv6 in brackets), perhaps a port 1..65535, and no user or password',
        pattern: '^(mqtts?|wss?)://[^@\\s/]+(/[^@\\s]*)?$',
        format: 'broker-url',
      }),
    ),
    username: Type.Optional(text('a user name')),
    password: Type.Optional(Secret),
    tls: Type.Optional(
      Type.Object(
        {
          ca_file: Type.Optional(path('the absolute path of a PEM file')),
          cert_file: Type.Optional(path('the absolute path of a PEM file')),
          key_file: Type.Optional(path('the absolute path of a PEM file')),
          server_name: Type.Optional(
            pattern(
              'a DNS name of 1 to 253 characters',
              '^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$',
            ),
          ),
        },
        { ...strict, title: 'the TLS settings' },
      ),
    ),
    commands: Type.Optional(
      Type.Enum(['full', 'read-only', 'off'], {
        title: 'one of full, read-only, off',
        default: MQTT_DEFAULTS.commands,
        description:
          'What is taken of commands that come by the broker: all, those that change nothing, or none.',
      }),
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
        description:
          'Probes per second over the whole switch; one that asks for several IPv6 addresses is a frame for each, up to four.',
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
      ...SocketPath,
      default: SHELL_DEFAULTS.controlSocket,
    }),
    control_socket_group: Type.Optional(GroupName),
    read_socket: Type.Optional(SocketPath),
    read_socket_group: Type.Optional(GroupName),
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
    role_rules: Type.Optional(RoleRules),
    vlans: Type.Optional(Vlans),
    vlan: Type.Optional(VlanPolicy),
    authorization: Type.Optional(AuthorizationPolicy),
    radius: Radius,
    l3: Type.Optional(L3),
    sso: Type.Optional(Sso),
    mqtt: Type.Optional(Mqtt),
    web: Type.Optional(Web),
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
    certified_devices: Type.Optional(CertifiedDevicesObject),
    dhcp_watch: Type.Optional(DhcpWatchObject),
    silent_devices: Type.Optional(
      Type.Array(
        Type.Object({ mac: MacBeginning, handshake: Handshake }, { ...strict, title: 'a silent device' }),
        {
          maxItems: 10_000,
          title: 'a list of MAC addresses, or beginnings, with their handshake',
          description:
            'Devices that sleep: these win over port and role; of several that fit, the longest beginning.',
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
