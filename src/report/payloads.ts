// Retained state and what the reading verbs answer, as JSON (docs/asyncapi.yaml): one TypeBox declaration is schema and type.
// Events are in event-payloads.ts, requests in command-schemas.ts. Keys are snake_case and end in their unit.

import { Type } from 'typebox';
import { AUTH_METHODS, CERTIFYING_METHODS } from '../model/authorization.ts';
import { HOLD_KINDS, HOST_MODES, PORT_CONTROLS } from '../model/port.ts';
import { PROBE_WAYS } from '../model/probe.ts';
import { ROLE_SOURCES } from '../model/role.ts';
import { SEEN_BY } from '../model/session.ts';
import {
  count,
  MacText,
  object,
  oneOf,
  type Payload,
  PortName,
  SessionKeyText,
  seconds,
  time,
  Vlan,
  word,
} from './types.ts';

const Counters = Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
  description: 'Counters by name; only those that are not 0.',
});

export const AvailabilitySchema = object('Whether the agent is there. The last will says offline.', {
  state: oneOf('online while the agent is connected.', ['online', 'offline']),
  since: time(
    'When this state began. In a last will, when the lost connection was made: the broker fills in nothing.',
  ),
  reason: Type.Optional(
    oneOf(
      'Why offline: gone or stopped, and not back within the will delay (sessions live on); or drained (all logged out).',
      ['connection-lost', 'drained'],
    ),
  ),
});

/** `failing`: nothing can be written for now; `none`: it cannot be had until the next start. */
export const SPOOL_STATES = ['opening', 'durable', 'failing', 'none'] as const;
export type SpoolState = (typeof SPOOL_STATES)[number];

export const RightsSchema = object('What the process may do on its system (capabilities(7)).', {
  user: count('Its user id; 0 = root.'),
  capabilities: Type.Array(Type.String(), { description: 'In force.' }),
  missing: Type.Array(Type.String(), {
    description: 'Needed by the configuration, and not to be had: what does not work, a sentence each.',
  }),
  needless: Type.Array(Type.String(), { description: 'In force, and not needed.' }),
  no_new_privileges: Type.Boolean({ description: 'Nothing that it starts can have more.' }),
});
export type RightsPayload = Payload<typeof RightsSchema>;

export const InfoSchema = object('What this agent is and can do.', {
  version: word('Of Rollcall.'),
  switch: word('Id of the switch.'),
  boot_id: word('Differs after every start of the agent; event numbers count within it.'),
  started: time('Start of the agent.'),
  bridge: word('Name of the bridge.'),
  uplinks: Type.Array(PortName, { description: 'Ports that are never controlled.' }),
  kernel: word('Kernel release.'),
  backend: word('switchdev, sim, or a library.'),
  capabilities: object('What the data plane can do.', {
    locked: Type.Boolean({ description: 'Bridge ports can be locked.' }),
    mab: Type.Boolean({ description: 'The kernel reports unknown MACs on locked ports.' }),
    vlan_filtering: Type.Boolean({ description: 'The bridge filters VLANs.' }),
    activity_notify: Type.Boolean({ description: 'The return of a silent entry is reported.' }),
    no_linklocal_learn: Type.Boolean({ description: 'EAPOL frames do not make open entries.' }),
    last_seen: Type.Boolean({ description: 'Traffic refreshes the last-seen time of an entry.' }),
  }),
  missing: Type.Array(Type.String(), {
    description: 'What cannot be had here and what follows, a sentence each.',
  }),
  rights: Type.Optional(RightsSchema),
  mqtt: object('How this agent speaks MQTT.', {
    protocol_version: Type.Integer({
      description: '5, or 4 (MQTT 3.1.1) with the embedded broker.',
      minimum: 4,
      maximum: 5,
    }),
    embedded: Type.Boolean({ description: 'The broker is the embedded one, on loopback.' }),
    will_delay_s: seconds('Delay of the last will; 0 with the embedded broker.'),
    connected: Type.Boolean({ description: 'The broker can be reached.' }),
  }),
  events: object('Events on their way to the broker.', {
    waiting: count('Events that it has not acknowledged yet.'),
    dropped: count('Events since the start that had to make room for newer ones.'),
  }),
  counts: object('How many there are now.', {
    ports: count('Controlled ports.'),
    sessions: count('Sessions.'),
    timers: count('Timers in use: of sessions, clients on their way in, ports, and the agent itself.'),
    session_timers: count(
      'Timers of sessions: one each, so that any other number than that of the sessions is a fault.',
    ),
  }),
  accounting: object('Accounting records on their way.', {
    pending: count('Records that no server has acknowledged yet.'),
    oldest_s: Type.Union([seconds('Age of the oldest of them.'), Type.Null()], {
      description: 'Age of the oldest of them; null = none.',
    }),
    store: oneOf(
      'Whether records are durable before they are sent: opening, durable, failing (kept in memory until there is room again), none (kept in memory).',
      SPOOL_STATES,
    ),
    store_octets: count('Size of the store on disk.'),
    counters: Counters,
  }),
  sso: Type.Optional(
    object('Single sign-on, where it is configured.', {
      users: count('Users whom the concentrators have logged in, with a session here or not.'),
      awaited: count('Addresses of theirs without a session, whose next packet brings one.'),
    }),
  ),
  certified_devices: Type.Union(
    [
      object('The list of certified devices.', {
        devices: count('Devices on it.'),
        capacity: count('It takes so many.'),
        next_clearing: Type.Union([time('When a rule clears next.'), Type.Null()], {
          description: 'When a rule clears next; null = none does.',
        }),
        counters: Counters,
      }),
      Type.Null(),
    ],
    { description: 'The list of certified devices; null = it is off, or still being read.' },
  ),
  sessions_ended: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
    description:
      'Sessions that have ended since the start, by cause as in session-end. A cause that is absent is 0.',
  }),
  probes: object('Probes of all sessions since the start.', {
    sent: count('That have gone out.'),
    answered: count('That the client has answered within its period.'),
  }),
  counters: Counters,
  repairs: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
    description:
      'What of the kernel was found otherwise than it was wanted, and put right: foreign-entries-removed, grants-written-again, ports-locked-again, vlans-set-again. A name that is absent is 0.',
  }),
});
export type InfoPayload = Payload<typeof InfoSchema>;

export const PortSchema = object('One port.', {
  port: PortName,
  index: count('ifindex; NAS-Port in RADIUS.'),
  control: oneOf('IEEE 802.1X portControl.', PORT_CONTROLS),
  host_mode: oneOf('Who may pass.', HOST_MODES),
  role: word('Role of a user whom RADIUS gives none.'),
  link: oneOf('Carrier.', ['up', 'down']),
  admin: oneOf('Administrative state.', ['up', 'down']),
  locked: Type.Boolean({ description: 'Frames of unknown MACs are dropped.' }),
  egress: oneOf(
    'closed: nothing that is flooded leaves by it now (broadcast, multicast, unicast to a MAC that nobody has learnt).',
    ['open', 'closed'],
  ),
  mab: Type.Boolean({ description: 'MAC authentication bypass is on.' }),
  opened: Type.Boolean({ description: 'Open for all, since one client is in (host mode multi-host).' }),
  vlan: Type.Union([Vlan, Type.Null()], {
    description: 'VLAN of untagged frames now; null = it takes none; 0 = the bridge does not filter VLANs.',
  }),
  tagged_vlans: Type.Array(Vlan, { description: 'VLANs that are tagged on it now; at most 64 are listed.' }),
  mab_clients: object('MACs without a session that MAC authentication bypass knows.', {
    waiting: count('802.1X is waited for, or a sign that a session has moved here.'),
    asking: count('A server is being asked, or the table written.'),
    quiet: count('Refused, and not asked about for now.'),
  }),
  held_down: Type.Union([oneOf('By a CoA-Request.', HOLD_KINDS), Type.Null()], {
    description:
      'Taken down by a RADIUS server: for some seconds, or until a port command; null = it is not.',
  }),
  sessions: Type.Array(SessionKeyText, { description: 'Keys of the sessions on it.' }),
  counters: Counters,
});
export type PortPayload = Payload<typeof PortSchema>;

const TRAFFIC = {
  input_octets: count('From the client.'),
  output_octets: count('To the client.'),
  input_packets: count('From the client.'),
  output_packets: count('To the client.'),
};
export const TrafficSchema = object('Traffic of the session, where the port can tell.', TRAFFIC);
export type TrafficPayload = Payload<typeof TrafficSchema>;

/** Of a session: a MAC on a port, or (layer 3) neither. */
export const STATION = {
  mac: Type.Union([MacText, Type.Null()], { description: 'MAC address; null for a session of layer 3.' }),
  port: Type.Union([PortName, Type.Null()], { description: 'Bridge port; null for a session of layer 3.' }),
};
export const SessionVlan = Type.Union([Vlan, Type.Null()], {
  description: 'VLAN id; 0 = the bridge does not filter VLANs; null for a session of layer 3.',
});

export const SessionSchema = object('One session.', {
  key: SessionKeyText,
  layer: Type.Union([Type.Literal(2), Type.Literal(3)], {
    description: '2: a MAC on a port of this switch; 3: an address behind it, known by that alone.',
  }),
  ...STATION,
  ipv4: Type.Union([Type.String(), Type.Null()], { description: 'IPv4 address, when known.' }),
  ipv6: Type.Union([Type.String(), Type.Null()], { description: 'IPv6 address, when known.' }),
  vlan: SessionVlan,
  tagged_vlans: Type.Array(Vlan, { description: 'VLANs into which it may send tagged frames.' }),
  domain: Type.Union([oneOf('As a port of two domains counts it.', ['data', 'voice']), Type.Null()], {
    description: 'As a port of two domains counts it; null for a session of layer 3.',
  }),
  concentrator: Type.Optional(word('Layer 3: address of the VPN concentrator that logged the user in.')),
  authenticated: Type.Boolean({
    description:
      'false: in by a setting of the port (method guest, auth-fail, critical, portal); RADIUS has no records of it.',
  }),
  in_band: Type.Boolean({
    description:
      'Its traffic comes by this switch; false: out of band, and neither handshake nor heartbeat nor Idle-Timeout judge it.',
  }),
  user_name: word('User-Name as RADIUS has it. Hostile text: escape it before showing it.'),
  role: word('Role in force.'),
  role_by: oneOf('What put it into this role.', ROLE_SOURCES),
  method: oneOf('How the user was authenticated.', AUTH_METHODS),
  session_id: word('Acct-Session-Id.'),
  multi_session_id: word('Acct-Multi-Session-Id.'),
  server: word('The RADIUS server that accepted, address:port.'),
  started: time('Login.'),
  session_timeout_s: Type.Union([seconds('Session timer in force, from login.'), Type.Null()], {
    description: 'Session timer in force, from login; null = none.',
  }),
  heartbeat_s: Type.Union([seconds('Heartbeat timer in force.'), Type.Null()], {
    description: 'Heartbeat timer in force; null = none.',
  }),
  idle_timeout_s: Type.Union([seconds('RADIUS Idle-Timeout.'), Type.Null()], {
    description: 'RADIUS Idle-Timeout; null = none.',
  }),
  handshake: object('The handshake in force.', {
    period_s: seconds('T; 0 = off.'),
    times: count('N.'),
    keep: Type.Boolean({ description: 'It is never ended for silence.' }),
    wake: Type.Boolean({ description: 'It is probed at the middle of a silent period, too.' }),
    probe: oneOf('How it is asked.', PROBE_WAYS),
    silent_periods: count('Silent periods in a row, when this was written.'),
  }),
  last_seen: Type.Optional(
    time('Last evidence. In answers only: the retained topic does not follow every frame.'),
  ),
  last_seen_by: Type.Optional(oneOf('What the last evidence was. In answers only.', SEEN_BY)),
  session_time_s: Type.Optional(seconds('Age of the session. In answers only.')),
  counters: Type.Optional(
    object(
      'In answers to a request that asks for it; absent where the port has more than this session.',
      TRAFFIC,
    ),
  ),
  reply_message: Type.Optional(word('Reply-Message of the Access-Accept. Hostile text.')),
  filter_id: Type.Optional(word('Filter-Id of the Access-Accept. Hostile text.')),
  vendor_role: Type.Optional(
    word("Role that a vendor's attribute of the Access-Accept names (role_attributes). Hostile text."),
  ),
  filter_rules: Type.Optional(
    Type.Array(Type.String(), {
      description: 'NAS-Filter-Rule of the Access-Accept: shown, and not enforced. At most 32. Hostile text.',
      maxItems: 32,
    }),
  ),
  attributes: Type.Optional(
    Type.Array(
      object('One attribute.', {
        name: word('Its name, Attribute-<n>, or Vendor-<id>-<n>.'),
        value: word('Text where it is printable, else hexadecimal; cut when long. Hostile text.'),
      }),
      { description: 'What else was in the Access-Accept, without keys. At most 32.', maxItems: 32 },
    ),
  ),
});
export type SessionPayload = Payload<typeof SessionSchema>;

export const CertifiedDeviceSchema = object('A device whose user has passed; as of the last time.', {
  mac: MacText,
  user_name: word('User-Name as RADIUS has it. Hostile text.'),
  port: PortName,
  vlan: Vlan,
  role: word('Role that was in force.'),
  method: oneOf('How the user was authenticated.', CERTIFYING_METHODS),
  first_passed: time('When it came onto the list.'),
  last_passed: time('When its user was last authenticated.'),
  online: Type.Boolean({ description: 'It has a session now.' }),
});
export type CertifiedDevicePayload = Payload<typeof CertifiedDeviceSchema>;

export const SERVER_USES = ['authentication', 'accounting'] as const;

export const ServerSchema = object('One RADIUS server for one kind of request.', {
  server: word('address:port.'),
  use: oneOf('What it serves there.', SERVER_USES),
  transport: oneOf('udp, or tls (RFC 6614).', ['udp', 'tls']),
  state: oneOf('As judged now: a server that is down is asked last.', ['up', 'down']),
  since: time('When it became so; the start of the agent for one that has been up ever since.'),
  in_flight: count('Requests that wait for its answer.'),
  sockets: count('Source ports, or connections, so far.'),
  round_trip_ms: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
    description: 'Smoothed; null = nothing was answered yet.',
  }),
  counters: Counters,
});
export type ServerPayload = Payload<typeof ServerSchema>;

export const DecisionSchema = object('One decision about a MAC.', {
  time: time('When.'),
  what: word('A fixed word, such as access-reject.'),
  detail: word('A sentence for people.'),
  port: Type.Optional(PortName),
  user_name: Type.Optional(word('User-Name. Hostile text.')),
  server: Type.Optional(word('RADIUS server, address:port.')),
  reply_message: Type.Optional(word('Reply-Message of the server. Hostile text.')),
});
