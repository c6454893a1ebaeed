// Who is logged in at which VPN concentrator, by its own word: a book of logins and of their addresses. Pure.
//
// What a concentrator says comes late, twice, or in another order, and some of it never: so a session that was stopped does
// not begin again by a Start or an Interim that was on its way (sso-ends.ts), what is older than what is known changes nothing,
// and an address belongs to who got it last. What was said before a concentrator's On or Off is over by it, and what was said
// after it stands, whichever comes first.
// Whom somebody has put out (`bar`) gets nothing more by that login, whatever the concentrator says of it: neither another
// address nor another name makes it a new one.
// Bound: `capacity` logins. A full book forgets whoever has had no session for the longest time; where all have one, it takes
// in nobody.

import { bytesEqual } from '../base/bytes.ts';
import type { Ip } from '../base/ip.ts';
import { after, type Instant, instant, latest } from '../base/time.ts';
import type { EndCause } from '../model/cause.ts';
import { type AuthorizationChange, joined } from './dynauth-request.ts';
import { type Bar, ROUNDING, SsoEnds } from './sso-ends.ts';
import type { SsoLogin } from './sso-notice.ts';
import { isOf, keyOf, type Origin, type Told } from './sso-origin.ts';

/** How one address of a login stands: on its way in; in; out, until its next packet or Interim. */
export type Standing = 'entering' | 'in' | 'out';

export interface Login extends Origin {
  readonly key: string;
  /** The concentrator's. */
  readonly sessionId: string;
  readonly userName: string;
  readonly filterId: string | undefined;
  readonly classes: readonly Uint8Array[];
  readonly addresses: ReadonlyMap<Ip, Standing>;
  /** Of all our sessions of this login, once it has had one. */
  readonly multiId: string | undefined;
  /** What a server has said of it since, and stands against what the concentrator says. */
  readonly change: AuthorizationChange | undefined;
}

/** What is to be kept of it beside the rest: when it was logged in, and when it was last told of. */
export interface TimedLogin extends Login {
  readonly startedAt: Instant;
  readonly heardAt: Instant;
}

interface Entry extends Login {
  userName: string;
  filterId: string | undefined;
  classes: readonly Uint8Array[];
  readonly addresses: Map<Ip, Standing>;
  /** Addresses that newer logins have got: this one's Interims, on their way since before that, do not take them back. */
  readonly lost: Set<Ip>;
  multiId: string | undefined;
  change: AuthorizationChange | undefined;
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
  | {
      readonly type: 'ignored';
      readonly reason: 'after-stop' | 'barred' | 'before-on-or-off' | 'address-taken' | 'full';
    }
  /** `renewed`: what it is authorized to has changed. `late`: there is a newer word, which stands. */
  | {
      readonly type: 'login';
      readonly login: Login;
      readonly leaving: readonly Leaving[];
      readonly renewed: boolean;
      readonly late: boolean;
    };

/** What an earlier run of ours knew of one. */
export interface Resumed extends Origin {
  readonly sessionId: string;
  readonly userName: string;
  readonly filterId: string | undefined;
  readonly classes: readonly Uint8Array[];
  readonly addresses: readonly Ip[];
  readonly multiId: string | undefined;
  readonly startedAt: Instant;
  readonly heardAt: Instant;
}

export class SsoLogins {
  private readonly entries = new Map<string, Entry>();
  private readonly holders = new Map<Ip, Entry>();
  /** Those that have no session, and can be forgotten. The first is the one that nothing was heard of for the longest time. */
  private readonly idle = new Set<Entry>();
  /** Keys of logins that have come, gone or changed since they were asked for. */
  private touched = new Set<string>();
  private readonly ends: SsoEnds;

  constructor(private capacity: number) {
    this.ends = new SsoEnds(capacity);
  }

  configure(capacity: number): void {
    this.capacity = capacity;
    this.ends.configure(capacity);
  }

  get size(): number {
    return this.entries.size;
  }

  get barred(): number {
    return this.ends.barred;
  }

  all(): IterableIterator<Login> {
    return this.entries.values();
  }

  /** Logins, by key, that are otherwise than they were at the last call; undefined = gone. When they were heard of last is no change. */
  takeChanged(): ReadonlyMap<string, TimedLogin | undefined> {
    const keys = this.touched;
    this.touched = new Set();
    return new Map([...keys].map((key) => [key, this.entries.get(key)]));
  }

  /** As an earlier run of ours knew it; none of its addresses is in yet. */
  resume(login: Resumed): void {
    const key = keyOf(login, login.sessionId);
    this.touched.add(key);
    if (this.ends.isBarred(key) || this.entries.has(key) || this.entries.size >= this.capacity) return;
    const { addresses, ...known } = login;
    const entry = this.enter(known);
    this.take(
      entry,
      addresses.filter((ip) => !this.holders.has(ip)),
    );
    this.judge(entry);
  }

  ofAddress(ip: Ip): Login | undefined {
    return this.holders.get(ip);
  }

  /** A Start, or an Interim: of a session that is not known, as after our own start, it is as good as a Start. */
  heard(kind: 'start' | 'interim', told: Told, said: SsoLogin): Heard {
    const { client, nas, at } = told;
    const key = keyOf(told, said.sessionId);
    const objection = this.ends.objection(key, told);
    if (objection !== undefined) return { type: 'ignored', reason: objection };
    const known = this.entries.get(key);
    if (known !== undefined && after(at, ROUNDING) < known.heardAt)
      return { type: 'login', login: known, leaving: [], renewed: false, late: true };
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
    const entry = this.enter({
      client,
      nas,
      sessionId: said.sessionId,
      userName: said.userName,
      filterId: said.filterId,
      classes: said.classes,
      multiId: undefined,
      startedAt: Number.isFinite(began) ? began : at,
      heardAt: at,
    });
    const leaving = [...evicted, ...this.take(entry, said.addresses)];
    this.judge(entry);
    return { type: 'login', login: entry, leaving, renewed: false, late: false };
  }

  /** Its Stop has come; undefined for nobody that is known. It does not begin again. */
  stop(told: Told, sessionId: string): Login | undefined {
    const key = keyOf(told, sessionId);
    if (this.ends.isOver(told)) return undefined;
    const entry = this.entries.get(key);
    if (entry !== undefined) this.remove(entry);
    this.ends.stop(key, told);
    return entry;
  }

  /** A concentrator has started, or is about to stop: whoever was logged in before is out. */
  stopAll(kind: 'on' | 'off', told: Told): readonly Login[] {
    const entries = [...this.entries.values()].filter(
      (entry) => isOf(entry, told) && entry.heardAt <= told.at,
    );
    for (const entry of entries) this.remove(entry);
    const keys = entries.map(({ key }) => key);
    this.ends.stopAll(kind, told, keys);
    return entries;
  }

  stands(ip: Ip, standing: Standing): void {
    const entry = this.holders.get(ip);
    if (entry === undefined) return;
    entry.addresses.set(ip, standing);
    this.judge(entry);
  }

  /** Nothing of it gets in any more. What is in stays in until it ends; whoever ends it bars it again. */
  bar(login: Login, at: Instant): void {
    this.ends.bar(login, at);
    const entry = this.entries.get(login.key);
    if (entry === undefined) return;
    for (const [ip, standing] of entry.addresses) if (standing !== 'in') this.release(entry, ip);
    if (entry.addresses.size === 0) this.remove(entry);
  }

  /** All that are barred, to be kept across our own start. */
  allBars(): readonly Bar[] {
    return this.ends.allBars();
  }

  /** That an earlier run has barred. */
  restore(bars: readonly Bar[], at: Instant): void {
    for (const bar of bars) this.ends.bar(bar, at);
  }

  isBarred({ key }: Login): boolean {
    return this.ends.isBarred(key);
  }

  /** A server's word: of this login's sessions, now and later. */
  change({ key }: Login, change: AuthorizationChange): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    entry.change = entry.change === undefined ? change : joined(entry.change, change);
  }

  /** The id under which our sessions of this login belong together: the first one's. */
  multiIdOf({ key }: Login, first: string): string {
    const entry = this.entries.get(key);
    if (entry === undefined) return first;
    if (entry.multiId === undefined) this.touched.add(key);
    entry.multiId ??= first;
    return entry.multiId;
  }

  /** A new one, or one of before; what addresses it has is said next. */
  private enter(login: Omit<Entry, 'key' | 'addresses' | 'lost' | 'change'>): Entry {
    const key = keyOf(login, login.sessionId);
    const entry: Entry = { ...login, key, addresses: new Map(), lost: new Set(), change: undefined };
    this.entries.set(key, entry);
    this.touched.add(key);
    return entry;
  }

  private again(entry: Entry, said: SsoLogin, at: Instant): Heard {
    entry.heardAt = latest(entry.heardAt, at);
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
    if (renewed || userName !== entry.userName) this.touched.add(entry.key);
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
    return { type: 'login', login: entry, leaving, renewed, late: false };
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
      this.touched.add(entry.key);
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
    this.touched.add(entry.key);
    entry.addresses.delete(ip);
    this.holders.delete(ip);
  }

  private remove(entry: Entry): void {
    this.touched.add(entry.key);
    this.entries.delete(entry.key);
    this.idle.delete(entry);
    for (const ip of entry.addresses.keys()) this.holders.delete(ip);
  }
}

function sameClasses(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  const equals = (octets: Uint8Array, other: Uint8Array | undefined): boolean =>
    other !== undefined && bytesEqual(octets, other);
  return a.length === b.length && a.every((octets, i) => equals(octets, b[i]));
}
