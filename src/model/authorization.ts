// What an Access-Accept grants, in our words. Made in radius/accept.ts, read by everything after it.

import type { Ip } from '../base/ip.ts';
import type { Millis } from '../base/time.ts';

export type AuthMethod = 'dot1x' | 'mab' | 'web' | 'sso';

export interface Authorization {
  /** User-Name of the Accept (RFC 2865 §5.1), else the identity that the client gave. */
  readonly userName: string;
  /** Class, echoed in all accounting of the session, in order (RFC 2865 §5.25). */
  readonly classes: readonly Uint8Array[];
  /** Session-Timeout (RFC 2865 §5.27); absent = the role's session timer. */
  readonly sessionTimeout?: Millis;
  /** Termination-Action (RFC 2865 §5.29): true = RADIUS-Request, reauthenticate at Session-Timeout. */
  readonly reauthenticateAtTimeout: boolean;
  /** Idle-Timeout (RFC 2865 §5.28). */
  readonly idleTimeout?: Millis;
  /** Acct-Interim-Interval (RFC 2869 §5.16). */
  readonly interimInterval?: Millis;
  /** Filter-Id (RFC 2865 §5.11): the name of a role. */
  readonly filterId?: string;
  /** Tunnel-Private-Group-Id with Tunnel-Type VLAN and Medium 802 (RFC 3580 §3.31): an id or a name. */
  readonly vlan?: string;
  readonly framedIp?: Ip;
  readonly replyMessage?: string;
  /** Chargeable-User-Identity (RFC 4372). */
  readonly cui?: Uint8Array;
  /** The server that accepted, as `address:port`. */
  readonly server: string;
}
