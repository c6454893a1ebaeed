// Payloads as the agent would build them, one of each kind.

import { instant, type Now, type WallTime } from '../../src/base/time.ts';
import type { ReportableEvent } from '../../src/report/event-payloads.ts';
import type {
  CertifiedDevicePayload,
  InfoPayload,
  PortPayload,
  SessionPayload,
} from '../../src/report/payloads.ts';

export const AT = Date.parse('2025-01-31T12:00:00.000Z') as WallTime;
export const NOW: Now = { mono: instant(0), wall: AT };
const TIME = '2025-01-31T12:00:00.000Z';

export const SESSION = {
  key: 'aa-bb-cc-dd-ee-ff',
  layer: 2,
  mac: 'aa:bb:cc:dd:ee:ff',
  ipv4: '192.0.2.10',
  ipv6: null,
  port: 'p1',
  vlan: 0,
  tagged_vlans: [],
  domain: 'data',
  authenticated: true,
  in_band: true,
  role_by: 'port',
  user_name: 'alice',
  role: 'default',
  method: 'dot1x',
  session_id: '5f0e-1',
  multi_session_id: '5f0e-m1',
  server: '127.0.0.1:1812',
  started: '2025-01-31T11:56:48.000Z',
  session_timeout_s: null,
  heartbeat_s: null,
  idle_timeout_s: 600,
  handshake: { period_s: 15, times: 3, keep: false, wake: false, probe: 'address', silent_periods: 1 },
  last_seen: '2025-01-31T11:59:30.000Z',
  last_seen_by: 'fdb',
  session_time_s: 192,
} as const satisfies SessionPayload;

export const PORT: PortPayload = {
  port: 'p1',
  index: 4,
  control: 'auto',
  host_mode: 'multi-auth',
  role: 'default',
  link: 'up',
  admin: 'up',
  locked: true,
  egress: 'open',
  mab: false,
  opened: false,
  mab_clients: { waiting: 0, asking: 0, quiet: 0 },
  held_down: null,
  vlan: null,
  tagged_vlans: [40],
  sessions: ['aa-bb-cc-dd-ee-ff'],
  counters: { eapol_start_frames_rx: 1 },
};

export const INFO: InfoPayload = {
  version: '0.1.0',
  switch: 'sw1',
  boot_id: 'b00t',
  started: '2025-01-31T11:00:00.000Z',
  bridge: 'br0',
  uplinks: ['up0'],
  kernel: '6.18.0',
  backend: 'switchdev',
  capabilities: {
    locked: true,
    mab: true,
    vlan_filtering: false,
    activity_notify: true,
    no_linklocal_learn: true,
    last_seen: true,
  },
  missing: ['The bridge does not filter VLANs, so a VLAN of RADIUS is not applied.'],
  mqtt: { protocol_version: 5, embedded: false, will_delay_s: 30, connected: true },
  events: { waiting: 4, dropped: 3 },
  counts: { ports: 3, sessions: 1, timers: 19, session_timers: 1 },
  accounting: { pending: 2, oldest_s: 75, store: 'durable', store_octets: 81920, counters: { answered: 7 } },
  certified_devices: {
    devices: 2,
    capacity: 10_000,
    next_clearing: '2025-02-01T03:00:00.000Z',
    counters: { cleared: 1 },
  },
  sessions_ended: { 'handshake-timeout': 5, 'port-down': 2 },
  probes: { sent: 40, answered: 31 },
  counters: { 'drop-eapol-short': 2 },
  repairs: { 'ports-locked-again': 1 },
};

export const CERTIFIED_DEVICE: CertifiedDevicePayload = {
  mac: 'aa:bb:cc:dd:ee:02',
  user_name: 'alice',
  port: 'p1',
  vlan: 0,
  role: 'default',
  method: 'dot1x',
  first_passed: '2025-01-30T00:00:00.000Z',
  last_passed: '2025-01-31T11:00:00.000Z',
  online: false,
};

const WHO = { key: SESSION.key, mac: SESSION.mac, port: 'p1' } as const;

export const EVENTS: readonly ReportableEvent[] = [
  { type: 'session-start', body: { session: SESSION } },
  {
    type: 'session-end',
    body: {
      ...WHO,
      vlan: 0,
      user_name: 'alice',
      role: 'default',
      method: 'dot1x',
      session_id: '5f0e-1',
      multi_session_id: '5f0e-m1',
      started: TIME,
      session_time_s: 192,
      cause: 'handshake-timeout',
      acct_terminate_cause: 2,
      acct_terminate_cause_name: 'Lost-Carrier',
      decided: TIME,
      evidence: { last_seen: TIME, last_seen_by: 'fdb', probes_sent: 2, probes_answered: 0 },
      relock: { revoked_at: TIME, verified: true, tries: 1 },
    },
  },
  {
    type: 'session-move',
    body: {
      key: SESSION.key,
      mac: SESSION.mac,
      from: { port: 'p1', vlan: 0 },
      to: { port: 'p2', vlan: 0 },
      old_session_id: '1',
      new_session_id: '2',
    },
  },
  {
    type: 'auth-failed',
    body: {
      mac: SESSION.mac,
      port: 'p1',
      method: 'dot1x',
      user_name: null,
      reason: 'access-reject',
      reply_message: 'no',
    },
  },
  {
    type: 'handshake-probe',
    body: {
      probes: [
        { ...WHO, session_id: '5f0e-1', probe: 'arp', target: '192.0.2.10', silent_periods: 1, times: 3 },
        {
          ...WHO,
          session_id: '5f0e-1',
          probe: 'nd',
          target: '2001:db8::bb',
          other_targets: ['2001:db8::aa'],
          silent_periods: 2,
          times: 3,
        },
      ],
    },
  },
  {
    type: 'guard',
    body: { state: 'raised', scope: 'switch', reason: 'mass-silence', silent: 9, sessions: 12 },
  },
  {
    type: 'radius-server',
    body: { server: '127.0.0.1:1812', use: 'authentication', state: 'down', because: 'no answer' },
  },
  {
    type: 'dynamic-authorization',
    body: {
      client: '192.0.2.1',
      request: 'coa',
      action: 'bounce',
      answer: 'nak',
      error_cause: 501,
      sessions: ['aa-bb-cc-dd-ee-ff'],
      detail: 'Administratively-Prohibited: bounce is not allowed on p1',
    },
  },
  { type: 'port-link', body: { port: 'p1', link: 'down', admin: 'up', present: true } },
  {
    type: 'certified-cleared',
    body: {
      by: 'command',
      detail: 'by an administrator: port p1',
      devices: [{ mac: SESSION.mac, user_name: 'alice', port: 'p1', logged_off: true }],
    },
  },
  {
    type: 'warning',
    body: { code: 'open-entry', message: 'An open entry was seen and deleted.', port: 'p1' },
  },
];
