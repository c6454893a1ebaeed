// Leases against session timers: where a lease lasts much longer than the session of the client that it was given to, the
// address stays taken long after its user is gone, and is not reused.
//
// One warning for each scope and session timer, and another one when leases there become longer. A server that hands out what
// is left of a lease (shorter than before) is no news. Bounded: the scope that was heard of longest ago is forgotten, and may
// be warned of again.

import type { Millis } from '../base/time.ts';

export interface DhcpWatchSettings {
  readonly enabled: boolean;
  /** A lease is long when it lasts more than so many session timers. */
  readonly factor: number;
}

export const DHCP_WATCH_DEFAULTS: DhcpWatchSettings = { enabled: true, factor: 4 };

/** A lease that was given. */
export interface Lease {
  /** By which the server's administrator knows it: server and subnet, or prefix. */
  readonly scope: string;
  /** Infinity = for ever. */
  readonly leaseS: number;
  /** Which ends the client's session. */
  readonly session: Millis;
}

const MOST_SCOPES = 256;

export class DhcpWatch {
  /** By scope and timer: the longest lease that was warned of. Heard of longest ago first. */
  private readonly warned = new Map<string, number>();

  constructor(private settings: DhcpWatchSettings) {}

  /** Another factor: what was warned of is not warned of again. */
  configure(settings: DhcpWatchSettings): void {
    this.settings = settings;
  }

  /** True if somebody has to be told. */
  isNews({ scope, leaseS, session }: Lease): boolean {
    if (leaseS * 1000 <= this.settings.factor * session) return false;
    const key = `${session} ${scope}`;
    const before = this.warned.get(key);
    this.warned.delete(key);
    this.warned.set(key, Math.max(before ?? 0, leaseS));
    for (const oldest of this.warned.keys()) {
      if (this.warned.size <= MOST_SCOPES) break;
      this.warned.delete(oldest);
    }
    return before === undefined || leaseS > before;
  }
}
