// Who is logged in at which VPN concentrator, by its own word: a book of logins and of their addresses. Pure.
//
// What a concentrator says comes late, twice, or in another order, and some of it never: so a session that was stopped does
// not begin again by a Start or an Interim that was on its way (Acct-Session-Id is of one session only, RFC 2866 §5.5), what
// is older than what is known changes nothing, and an address belongs to who got it last.
// Bound: `capacity` logins, and as many stopped ones that are remembered. A full book forgets whoever has no session and was
// not heard of for the longest time; where all have one, it takes in nobody.

import type { Ip } from '../base/ip.ts';
import { elapsed, type Instant, instant } from '../base/time.ts';
import type { EndCause } from '../model/cause.ts';
import type { SsoLogin } from './sso-notice.ts';

/**
 * How one address of a login stands: on its way in; in; out, until its next packet or Interim; kept out until the user logs
 * in at the concentrator anew.
 */
export type Standing = 'entering' | 'in' | 'out' | 'barred';

export interface Login {
  readonly client: Ip;
  /** The concentrator's. */
  readonly sessionId: string;
  readonly userName: string;
  readonly filterId: string | undefined;
  readonly classes: readonly Uint8Array[];
  readonly addresses: ReadonlyMap<Ip, Standing>;
  /** Of all our sessions of this login, once it has had one. */
  readonly multiId: string | undefined;
}

interface Entry extends Login {
  userName: string;
  filterId: string | undefined;
  classes: readonly Uint8Array[];
  readonly addresses: Map<Ip, Standing>;
  multiId: string | undefined;
  readonly startedAt: Instant;
  /** The newest event that it was told of by. */
  heardAt: Instant;
}

/** An address is this login's no more. */
export interface Leaving {
  readonly ip: Ip;
  readonly cause: Extract<EndCause, 'moved' | 'authorization-changed'>;
  readonly detail: string;
}

export type Heard =
  | { readonly type: 'ignored'; readonly reason: 'after-stop' | 'late' | 'address-taken' | 'full' }
  /** `renewed`: what it is authorized to has changed. */
  | {
      readonly type: 'login';
      readonly login: Login;
      readonly leaving: readonly Leaving[];
      readonly renewed: boolean;
    };

export class SsoLogins {
  private readonly entries = new Map<string, Entry>();
  private readonly holders = new Map<Ip, Entry>();
  /** Oldest first. */
  private readonly stopped = new Set<string>();

  constructor(private capacity: number) {}

  configure(capacity: number): void {
    this.capacity = capacity;
  }

  get size(): number {
    return this.entries.size;
  }

  all(): IterableIterator<Login> {
    return this.entries.values();
  }

  ofAddress(ip: Ip): Login | undefined {
    return this.holders.get(ip);
  }

  /** A Start, or an Interim: of a session that is not known, as after our own start, it is as good as a Start. */
  heard(kind: 'start' | 'interim', client: Ip, said: SsoLogin, now: Instant): Heard {
    const key = keyOf(client, said.sessionId);
    if (this.stopped.has(key)) return { type: 'ignored', reason: 'after-stop' };
    const at = instant(now - said.delay);
    const known = this.entries.get(key);
    if (known !== undefined && at < known.heardAt) return { type: 'ignored', reason: 'late' };
    if (known === undefined && !this.hasRoom()) return { type: 'ignored', reason: 'full' };
    const began = kind === 'start' ? at : instant(at - (said.sessionTime ?? Number.POSITIVE_INFINITY));
    const taken = said.addresses.some((ip) => {
      const holder = this.holders.get(ip);
      if (holder === undefined || holder === known || kind === 'start') return false;
      return known === undefined ? began <= holder.startedAt : at < holder.heardAt;
    });
    if (taken) return { type: 'ignored', reason: 'address-taken' };
    if (known !== undefined) return this.again(known, said, at);
    const entry: Entry = {
      client,
      sessionId: said.sessionId,
      userName: said.userName,
      filterId: said.filterId,
      classes: said.classes,
      addresses: new Map(),
      multiId: undefined,
      startedAt: Number.isFinite(began) ? began : at,
      heardAt: at,
    };
    this.entries.set(key, entry);
    return { type: 'login', login: entry, leaving: this.take(entry, said.addresses), renewed: false };
  }

  /** Its Stop has come; undefined for nobody that is known. It does not begin again. */
  stop(client: Ip, sessionId: string): Login | undefined {
    const entry = this.entries.get(keyOf(client, sessionId));
    if (entry !== undefined) this.remove(entry);
    this.rememberStopped(keyOf(client, sessionId));
    return entry;
  }

  /** All of a concentrator's users are out. After its start it may count its sessions from the beginning. */
  stopAll(client: Ip, sessionIds: 'begin-anew' | 'go-on'): readonly Login[] {
    const entries = [...this.entries.values()].filter((entry) => entry.client === client);
    for (const entry of entries) {
      this.remove(entry);
      if (sessionIds === 'go-on') this.rememberStopped(keyOf(client, entry.sessionId));
    }
    if (sessionIds === 'begin-anew')
      for (const key of this.stopped) if (key.startsWith(`${client} `)) this.stopped.delete(key);
    return entries;
  }

  stands(ip: Ip, standing: Standing): void {
    this.holders.get(ip)?.addresses.set(ip, standing);
  }

  /** The id under which our sessions of this login belong together: the first one's. */
  multiIdOf({ client, sessionId }: Login, first: string): string {
    const entry = this.entries.get(keyOf(client, sessionId));
    if (entry === undefined) return first;
    entry.multiId ??= first;
    return entry.multiId;
  }

  private again(entry: Entry, said: SsoLogin, at: Instant): Heard {
    entry.heardAt = at;
    const { userName, filterId, classes } = said;
    const leaving: Leaving[] = [];
    if (userName !== entry.userName) {
      for (const ip of entry.addresses.keys())
        leaving.push({ ip, cause: 'authorization-changed', detail: `now of ${userName}` });
      for (const { ip } of leaving) this.holders.delete(ip);
      entry.addresses.clear();
    }
    // An Interim need not repeat what the Start has said.
    const changed = filterId !== undefined && filterId !== entry.filterId;
    const renewed = changed || (classes.length > 0 && !sameClasses(classes, entry.classes));
    entry.userName = userName;
    entry.filterId = filterId ?? entry.filterId;
    entry.classes = classes.length > 0 ? classes : entry.classes;
    // One that names no address says nothing of any.
    const next = said.addresses.length > 0 ? said.addresses : [...entry.addresses.keys()];
    for (const ip of entry.addresses.keys()) {
      if (next.includes(ip)) continue;
      leaving.push({ ip, cause: 'moved', detail: `now at ${next.join(', ')}` });
      this.holders.delete(ip);
    }
    for (const { ip } of leaving) entry.addresses.delete(ip);
    return { type: 'login', login: entry, leaving: [...leaving, ...this.take(entry, next)], renewed };
  }

  /** These addresses are this login's from now on, whosever they were. */
  private take(entry: Entry, addresses: readonly Ip[]): Leaving[] {
    const leaving: Leaving[] = [];
    for (const ip of addresses) {
      const holder = this.holders.get(ip);
      if (holder === entry) continue;
      if (holder !== undefined) {
        holder.addresses.delete(ip);
        leaving.push({ ip, cause: 'authorization-changed', detail: `now of ${entry.userName}` });
        // Nothing is left of it but a Stop that has not come.
        if (holder.addresses.size === 0) {
          this.remove(holder);
          this.rememberStopped(keyOf(holder.client, holder.sessionId));
        }
      }
      this.holders.set(ip, entry);
      entry.addresses.set(ip, 'out');
    }
    return leaving;
  }

  private hasRoom(): boolean {
    if (this.entries.size < this.capacity) return true;
    let oldest: Entry | undefined;
    for (const entry of this.entries.values()) {
      const idle = [...entry.addresses.values()].every(
        (standing) => standing === 'out' || standing === 'barred',
      );
      if (idle && (oldest === undefined || elapsed(entry.heardAt, oldest.heardAt) > 0)) oldest = entry;
    }
    if (oldest === undefined) return false;
    this.remove(oldest);
    return true;
  }

  private remove(entry: Entry): void {
    this.entries.delete(keyOf(entry.client, entry.sessionId));
    for (const ip of entry.addresses.keys()) if (this.holders.get(ip) === entry) this.holders.delete(ip);
  }

  private rememberStopped(key: string): void {
    this.stopped.delete(key);
    this.stopped.add(key);
    for (const oldest of this.stopped) {
      if (this.stopped.size <= this.capacity) break;
      this.stopped.delete(oldest);
    }
  }
}

function keyOf(client: Ip, sessionId: string): string {
  return `${client} ${sessionId}`;
}

function sameClasses(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return (
    a.length === b.length &&
    a.every((octets, i) => {
      const other = b[i];
      return octets.length === other?.length && octets.every((octet, j) => octet === other[j]);
    })
  );
}
