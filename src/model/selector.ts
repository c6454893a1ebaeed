// How sessions are named by whoever asks about them: an administrator, a program.

import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { PortName } from './dataplane.ts';

/** Those sessions whom all of it fits; with nothing in it, every one. */
export interface SessionSelector {
  readonly mac?: Mac;
  readonly ip?: Ip;
  /** Acct-Session-Id. */
  readonly sessionId?: string;
  /** User-Name. */
  readonly user?: string;
  readonly port?: PortName;
  readonly role?: string;
}

export function namesEverybody(selector: SessionSelector): boolean {
  return Object.keys(selector).length === 0;
}

/** Of the list of certified devices, as each was when its user last passed. */
export type DeviceSelector = Pick<SessionSelector, 'mac' | 'user' | 'port' | 'role'>;
