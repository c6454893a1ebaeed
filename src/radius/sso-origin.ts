// Whose word it is: several concentrators can speak through one listed client, and each counts its sessions by itself.

import type { Ip } from '../base/ip.ts';
import type { Instant } from '../base/time.ts';
import type { Nas } from './sso-notice.ts';

/** The listed client, or one of several behind it. */
export interface Origin {
  readonly client: Ip;
  readonly nas: Nas;
}

/** A word, and when what it tells of happened. */
export interface Told extends Origin {
  readonly at: Instant;
}

/** The name that a concentrator gives itself is that of all its sessions: one and the same session id may be of several. */
export function keyOf({ client, nas }: Origin, sessionId: string): string {
  return `${client} ${JSON.stringify(nas.identifier ?? nas.address ?? '')} ${sessionId}`;
}

/** One concentrator, as far as both say which. */
export function isOf(one: Origin, other: Origin): boolean {
  const [a, b] = [one.nas, other.nas];
  if (one.client !== other.client) return false;
  if (a.identifier !== undefined && b.identifier !== undefined) return a.identifier === b.identifier;
  return a.address === undefined || b.address === undefined || a.address === b.address;
}
