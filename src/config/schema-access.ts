// Ports and roles in the configuration file: who may pass, how silence is judged, the authenticator's timers.

import { Type } from 'typebox';
import { HANDSHAKE_DEFAULTS } from '../liveness/settings.ts';
import { HOST_MODES, PORT_CONTROLS } from '../model/port.ts';
import { HANDSHAKE_TIMES_MAX, PROBE_WAYS } from '../model/probe.ts';
import { FLOODED_TOTAL } from '../pae/flood-gate.ts';
import { PORT_LIMITS } from '../pae/limits.ts';
import { PAE_DEFAULTS } from '../pae/settings.ts';
import { PORT_DEFAULTS } from './defaults.ts';
import { count, delay, flag, strict, time, timeOrOff } from './scalars.ts';
import { MabObject } from './schema-mab.ts';
import { linkCommands } from './schema-radius.ts';
import { RoleName } from './schema-roles.ts';
import { CRITICAL_ACTIONS, vlanWord } from './schema-vlan.ts';

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
      count(1, HANDSHAKE_TIMES_MAX, {
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
      Type.Enum([...PROBE_WAYS], {
        title: `one of ${PROBE_WAYS.join(', ')}`,
        default: HANDSHAKE_DEFAULTS.probe,
        description:
          'address: ARP, or ND; both in turn, if both are known. eap: Request/Identity; an answer reauthenticates.',
      }),
    ),
  },
  { ...strict, title: 'handshake settings' },
);

export const Handshake = Type.Union([HandshakeObject, Type.Literal('off', { title: 'off' })], {
  title: 'handshake settings, or off',
  description: 'How silence is judged. `off` is short for period_s: 0.',
});

export const Dot1x = Type.Object(
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

const Limits = Type.Object(
  {
    frames_per_s: Type.Optional(
      count(10, FLOODED_TOTAL, {
        default: PORT_LIMITS.framesPerSecond,
        description:
          'EAPOL, ARP, ND and DHCP of the port that is listened to in a second; above it strangers there are not heard for a while.',
      }),
    ),
    frames_burst: Type.Optional(
      count(10, 100_000, {
        default: PORT_LIMITS.framesBurst,
        description: 'The same at once, after a calm.',
      }),
    ),
    mac_frames_per_s: Type.Optional(
      count(1, 100_000, {
        default: PORT_LIMITS.macFramesPerSecond,
        description: 'Of one client, while its port is flooded.',
      }),
    ),
    clients: Type.Optional(
      count(1, 4096, {
        default: PORT_LIMITS.clientsInProgress,
        description: 'Clients of 802.1X without a session at the same time, the refused included.',
      }),
    ),
    new_clients_per_s: Type.Optional(
      count(1, 10_000, {
        default: PORT_LIMITS.newPerSecond,
        description: 'Newcomers in a second, in the long run.',
      }),
    ),
    new_clients_burst: Type.Optional(
      count(1, 10_000, { default: PORT_LIMITS.newBurst, description: 'Newcomers at once, after a calm.' }),
    ),
    client_responses_per_s: Type.Optional(
      count(1, 10_000, {
        default: PORT_LIMITS.responsesPerSecond,
        description:
          'EAP responses of one client, in the long run; 250 at once, which is more than any login takes.',
      }),
    ),
  },
  {
    ...strict,
    title: 'the limits of a port',
    description: 'What anybody on the port may ask of us (docs/floods.md).',
  },
);

export const Port = Type.Object(
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
      description: 'The role of a user to whom neither RADIUS nor a rule gives one.',
    }),
    in_band: Type.Optional(
      flag(
        PORT_DEFAULTS.inBand,
        'The traffic of its users comes by this switch. false: out of band; neither handshake nor heartbeat nor Idle-Timeout judges them.',
      ),
    ),
    mab: Type.Optional(MabObject),
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
        description: 'closed: nothing that is flooded leaves by the port while nobody is in.',
      }),
    ),
    guest_vlan: Type.Optional(vlanWord('Of a client that does not answer EAPOL.')),
    auth_fail_vlan: Type.Optional(vlanWord('Of a client whom the server refuses.')),
    portal: Type.Optional(
      flag(
        PORT_DEFAULTS.portal,
        'Whom neither 802.1X nor MAB lets in may reach the login page (`web`), and nothing else; in guest_vlan, if there is one.',
      ),
    ),
    voice_vlan: Type.Optional(vlanWord('Of a voice device, tagged, where the server names none.')),
    critical: Type.Optional(
      Type.Enum([...CRITICAL_ACTIONS], {
        title: `one of ${CRITICAL_ACTIONS.join(', ')}`,
        default: PORT_DEFAULTS.critical,
        description:
          'When no server answers: deny ends sessions that are to be reauthenticated, keep lets them go on, vlan also puts newcomers into critical_vlan.',
      }),
    ),
    critical_vlan: Type.Optional(vlanWord('Of newcomers while no server answers, with `critical: vlan`.')),
    dynamic_authorization: Type.Optional(
      Type.Object(linkCommands, {
        ...strict,
        title: 'what RADIUS servers may do to a port',
        description: 'Wins over radius.dynamic_authorization, key by key.',
      }),
    ),
    handshake: Type.Optional(Handshake),
    dot1x: Type.Optional(Dot1x),
    limits: Type.Optional(Limits),
  },
  { ...strict, title: 'the settings of a port' },
);

export const Role = Type.Object(
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
    in_band: Type.Optional(
      flag(
        true,
        'Their traffic comes by this switch; false, here or at the port: out of band, as of a port.',
      ),
    ),
    vlan: Type.Optional(vlanWord('Of its users, where the server names none.')),
    voice: Type.Optional(flag(false, 'Its users are voice devices: tagged, in the voice VLAN.')),
    critical: Type.Optional(
      Type.Enum(['deny', 'keep'], {
        title: 'one of deny, keep',
        description: 'When no server answers a reauthentication; wins over the port.',
      }),
    ),
    handshake: Type.Optional(Handshake),
  },
  { ...strict, title: 'the settings of a role' },
);
