// Leases against session timers: where a lease lasts much longer than the session of the client that it was given to, the
// address stays taken long after its user is gone, and is not reused.
//
// One warning for each scope and session timer, and another one when leases there become longer. A server that hands out what
// is left of a lease (shorter than before) is no news. Bounded: the scope that was heard of longest ago is forgotten, and may
// be warned of again.
//
// A client may have its lease before it has a session: whoever logs in by the page does. So the leases of each client are
// remembered while they run, and judged by the timer that comes later. Bounded: the client that was heard of longest ago is
// forgotten, and of one client's leases the oldest.

import type { Mac } from '../base/mac.ts';
import { type Instant, type Millis, seconds } from '../base/time.ts';

export interface DhcpWatchSettings {
  readonly enabled: boolean;
  /** A lease is long when it lasts more than so many session timers. */
  readonly factor: number;
}

export const DHCP_WATCH_DEFAULTS: DhcpWatchSettings = { enabled: true, factor: 4 };

/** As a server gave it. */
export interface GivenLease {
  /** By which the server's administrator knows it: server and subnet, or prefix. */
  readonly scope: string;
  /** Infinity = for ever. */
  readonly leaseS: number;
}

/** A lease of somebody who has a session. */
export interface Lease extends GivenLease {
  /** Which ends the client's session. */
  readonly session: Millis;
}

interface RunningLease extends GivenLease {
  readonly at: Instant;
}

const MOST_SCOPES = 256;
const MOST_CLIENTS = 10_000;
const MOST_LEASES_EACH = 4;

export class DhcpWatch {
  /** By scope and timer: the longest lease that was warned of. Heard of longest ago first. */
  private readonly warned = new Map<string, number>();
  /** Heard of longest ago first, clients and the leases of each. */
  private readonly running = new Map<Mac, readonly RunningLease[]>();

  constructor(private settings: DhcpWatchSettings) {}

  /** Another factor: what was warned of is not warned of again. */
  configure(settings: DhcpWatchSettings): void {
    this.settings = settings;
  }

  /** Also a renewal, or (0 s) the end of one. */
  given(client: Mac, { scope, leaseS }: GivenLease, now: Instant): void {
    const others = this.running.get(client)?.filter((lease) => lease.scope !== scope) ?? [];
    const leases = leaseS > 0 ? [...others, { scope, leaseS, at: now }] : others;
    this.running.delete(client);
    if (leases.length > 0) this.running.set(client, leases.slice(-MOST_LEASES_EACH));
    for (const oldest of this.running.keys()) {
      if (this.running.size <= MOST_CLIENTS) break;
      this.running.delete(oldest);
    }
  }

  /** Leases of this client that have not run out. */
  leasesOf(client: Mac, now: Instant): readonly GivenLease[] {
    return this.running.get(client)?.filter(({ at, leaseS }) => now < at + seconds(leaseS)) ?? [];
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
