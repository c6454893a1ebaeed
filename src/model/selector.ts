// How sessions and devices are named by whoever asks about them: an administrator, a program, a RADIUS server.

import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { PortName } from './dataplane.ts';

/** One of them; every way in which an administrator, a RADIUS server or a topic names sessions. */
export type SessionSelector =
  | { readonly by: 'mac'; readonly mac: Mac }
  | { readonly by: 'ip'; readonly ip: Ip }
  | { readonly by: 'session_id'; readonly sessionId: string }
  | { readonly by: 'user'; readonly user: string }
  | { readonly by: 'port'; readonly port: PortName }
  | { readonly by: 'all' };

/** Of the list of certified devices, as each was when its user last passed. */
export type DeviceSelector =
  | { readonly by: 'mac'; readonly mac: Mac }
  | { readonly by: 'port'; readonly port: PortName }
  | { readonly by: 'role'; readonly role: string }
  | { readonly by: 'user'; readonly user: string }
  | { readonly by: 'all' };
