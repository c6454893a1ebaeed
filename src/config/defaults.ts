// Defaults of what belongs to no machine. The machines' own are in their settings.ts.

import { JOURNAL_DEFAULTS } from '../accounting/journal-events.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { HostMode, PortControl } from '../model/port.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** When no server answers. */
export type CriticalAction = 'deny' | 'keep' | 'vlan';

export const PORT_DEFAULTS = {
  control: 'auto' as PortControl,
  hostMode: 'multi-auth' as HostMode,
  role: 'default',
  inBand: true as boolean,
  linkDownDelay: seconds(0),
  egress: 'open' as 'open' | 'closed',
  critical: 'keep' as CriticalAction,
  portal: false as boolean,
} as const;

export const VLAN_DEFAULTS = { create: false, uplinks: true } as const;

export const AUTHORIZATION_DEFAULTS = {
  filterRules: 'refuse' as 'refuse' | 'ignore',
  unknownFilterId: 'port-role' as 'port-role' | 'refuse',
  requestCui: false,
} as const;

export const RADIUS_DEFAULTS = {
  authPort: 1812,
  acctPort: 1813,
  dynAuthPort: 3799,
  deadTime: seconds(60),
  /** RFC 3539 §3.4.1 Tw. */
  statusInterval: seconds(30),
  /** RFC 6614 §2.1, §2.3. */
  radSecPort: 2083,
  radSecSecret: 'radsec',
} as const;

/** A bounce heals by itself; a port that is disabled waits for somebody to come and see. */
export const DYNAUTH_DEFAULTS = { bounce: seconds(10), allowBounce: true, allowDisable: false } as const;

/** Where concentrators send their accounting (RFC 2866 §3). */
export const SSO_DEFAULTS = { port: 1813, role: 'default', maxUsers: 10_000 } as const;

export const ACCOUNTING_DEFAULTS: {
  readonly interim: Millis;
  readonly capacity: number;
  readonly evidence: Millis;
} = { interim: seconds(0), capacity: JOURNAL_DEFAULTS.capacity, evidence: seconds(300) };

export const WEB_LISTENER_DEFAULTS = { port: 80, maxConnections: 64 } as const;

export const MQTT_DEFAULTS = {
  willDelay: seconds(30),
  embeddedPort: 1883,
  commands: 'full' as 'full' | 'read-only' | 'off',
} as const;

export const SHELL_DEFAULTS = {
  backend: 'switchdev',
  stateDir: '/var/lib/rollcall',
  controlSocket: '/run/rollcall.sock',
  logLevel: 'info' as LogLevel,
} as const;
