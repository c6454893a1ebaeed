// Who is logged in at which VPN concentrator, by its own word: a book of logins and of their addresses. Pure.
//
// What a concentrator says comes late, twice, or in another order, and some of it never: so a session that was stopped does
// not begin again by a Start or an Interim that was on its way (Acct-Session-Id is of one session only, RFC 2866 §5.5), what
// is older than what is known changes nothing, and an address belongs to who got it last.
// Whom somebody has put out (`bar`) gets nothing more by that login, whatever the concentrator says of it: neither another
// address nor another name makes it a new one.
// Bound: `capacity` logins, as many stopped ones that are remembered, and as many that are barred. A full book forgets whoever
// has had no session for the longest time; where all have one, it takes in nobody.

import type { Ip } from '../base/ip.ts';
import { type Instant, instant } from '../base/time.ts';
import type { EndCause } from '../model/cause.ts';
import type { SsoLogin } from './sso-notice.ts';

/** How one address of a login stands: on its way in; in; out, until its next packet or Interim. */
export type Standing = 'entering' | 'in' | 'out';

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
  readonly key: string;
  userName: string;
  filterId: string | undefined;
  classes: readonly Uint8Array[];
  readonly addresses: Map<Ip, Standing>;
  /** Addresses that newer logins have got: this one's Interims, on their way since before that, do not take them back. */
  readonly lost: Set<Ip>;
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
  | { readonly type: 'ignored'; readonly reason: 'after-stop' | 'barred' | 'late' | 'address-taken' | 'full' }
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
  /** Those that have no session, and can be forgotten. The first is the one that nothing was heard of for the longest time. */
  private readonly idle = new Set<Entry>();
  /** Oldest first. */
  private readonly stopped = new Set<string>();
  /** Oldest first. */
  private readonly barred = new Set<string>();

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
    if (this.barred.has(key)) return { type: 'ignored', reason: 'barred' };
    const at = instant(now - said.delay);
    const known = this.entries.get(key);
    if (known !== undefined && at < known.heardAt) return { type: 'ignored', reason: 'late' };
    const began = kind === 'start' ? at : instant(at - (said.sessionTime ?? Number.POSITIVE_INFINITY));
    const taken = said.addresses.some((ip) => {
      const holder = this.holders.get(ip);
      if (holder === undefined || holder === known) return false;
      if (known !== undefined) return known.lost.has(ip) || at < holder.heardAt;
      return kind === 'interim' && began <= holder.startedAt;
    });
    if (taken) return { type: 'ignored', reason: 'address-taken' };
    if (known !== undefined) return this.again(known, said, at);
    const evicted = this.makeRoom();
    if (evicted === undefined) return { type: 'ignored', reason: 'full' };
    const entry: Entry = {
      key,
      client,
      sessionId: said.sessionId,
      userName: said.userName,
      filterId: said.filterId,
      classes: said.classes,
      addresses: new Map(),
      lost: new Set(),
      multiId: undefined,
      startedAt: Number.isFinite(began) ? began : at,
      heardAt: at,
    };
    this.entries.set(key, entry);
    const leaving = [...evicted, ...this.take(entry, said.addresses)];
    this.judge(entry);
    return { type: 'login', login: entry, leaving, renewed: false };
  }

  /** Its Stop has come; undefined for nobody that is known. It does not begin again. */
  stop(client: Ip, sessionId: string): Login | undefined {
    const key = keyOf(client, sessionId);
    const entry = this.entries.get(key);
    if (entry !== undefined) this.remove(entry);
    this.barred.delete(key);
    this.remember(this.stopped, key);
    return entry;
  }

  /** All of a concentrator's users are out. After its start it may count its sessions from the beginning. */
  stopAll(client: Ip, sessionIds: 'begin-anew' | 'go-on'): readonly Login[] {
    const entries = [...this.entries.values()].filter((entry) => entry.client === client);
    for (const entry of entries) {
      this.remove(entry);
      if (sessionIds === 'go-on') this.remember(this.stopped, entry.key);
    }
    if (sessionIds === 'begin-anew')
      for (const keys of [this.stopped, this.barred])
        for (const key of keys) if (key.startsWith(`${client} `)) keys.delete(key);
    return entries;
  }

  stands(ip: Ip, standing: Standing): void {
    const entry = this.holders.get(ip);
    if (entry === undefined) return;
    entry.addresses.set(ip, standing);
    this.judge(entry);
  }

  /** Nothing of it gets in any more. What is in stays in until it ends; whoever ends it bars it again. */
  bar({ client, sessionId }: Login): void {
    const key = keyOf(client, sessionId);
    this.remember(this.barred, key);
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    for (const [ip, standing] of entry.addresses) if (standing !== 'in') this.release(entry, ip);
    if (entry.addresses.size === 0) this.remove(entry);
  }

  isBarred({ client, sessionId }: Login): boolean {
    return this.barred.has(keyOf(client, sessionId));
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
      for (const { ip } of leaving) this.release(entry, ip);
    }
    // An Interim need not repeat what the Start has said.
    const changed = filterId !== undefined && filterId !== entry.filterId;
    const renewed = changed || (classes.length > 0 && !sameClasses(classes, entry.classes));
    entry.userName = userName;
    entry.filterId = filterId ?? entry.filterId;
    entry.classes = classes.length > 0 ? classes : entry.classes;
    // One that names no address says nothing of any.
    const next = said.addresses.length > 0 ? said.addresses : [...entry.addresses.keys()];
    for (const ip of [...entry.addresses.keys()]) {
      if (next.includes(ip)) continue;
      leaving.push({ ip, cause: 'moved', detail: `now at ${next.join(', ')}` });
      this.release(entry, ip);
    }
    if (said.addresses.length > 0) entry.lost.clear();
    leaving.push(...this.take(entry, next));
    this.idle.delete(entry);
    this.judge(entry);
    return { type: 'login', login: entry, leaving, renewed };
  }

  /** These addresses are this login's from now on, whosever they were. */
  private take(entry: Entry, addresses: readonly Ip[]): Leaving[] {
    const leaving: Leaving[] = [];
    for (const ip of addresses) {
      const holder = this.holders.get(ip);
      if (holder === entry) continue;
      if (holder !== undefined) {
        // Nothing may be left of it but a Stop that has not come; or it has moved, and its word of that has not come.
        this.release(holder, ip);
        holder.lost.add(ip);
        this.judge(holder);
        leaving.push({ ip, cause: 'authorization-changed', detail: `now of ${entry.userName}` });
      }
      this.holders.set(ip, entry);
      entry.addresses.set(ip, 'out');
    }
    return leaving;
  }

  /** What somebody had who is forgotten for it; undefined if there is no room for one more. */
  private makeRoom(): readonly Leaving[] | undefined {
    if (this.entries.size < this.capacity) return [];
    const [oldest] = this.idle;
    if (oldest === undefined) return undefined;
    this.remove(oldest);
    return [...oldest.addresses.keys()].map((ip) => ({
      ip,
      cause: 'authorization-changed',
      detail: 'there are more users than there is room for',
    }));
  }

  /** Can it be forgotten, as it stands now? */
  private judge(entry: Entry): void {
    const isIdle = [...entry.addresses.values()].every((standing) => standing === 'out');
    if (isIdle) this.idle.add(entry);
    else this.idle.delete(entry);
  }

  private release(entry: Entry, ip: Ip): void {
    entry.addresses.delete(ip);
    this.holders.delete(ip);
  }

  private remove(entry: Entry): void {
    this.entries.delete(entry.key);
    this.idle.delete(entry);
    for (const ip of entry.addresses.keys()) this.holders.delete(ip);
  }

  private remember(keys: Set<string>, key: string): void {
    keys.delete(key);
    keys.add(key);
    for (const oldest of keys) {
      if (keys.size <= this.capacity) break;
      keys.delete(oldest);
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
