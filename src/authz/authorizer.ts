// The authorization table: what should be granted against what the kernel was seen to hold.
//
// One record per (MAC, port, VLAN), or per address of the routed path. `want` and `unwant` state the wish; the difference to what was applied becomes
// one table operation at a time, whose answer moves the record on. A wish that changes while an operation is under
// way waits for its answer, so operations on one entry never overtake each other.
//
// A grant that cannot be written is reported once and taken back, since the answer may have failed and not the write: the
// login fails, the port stays locked.
// A grant that cannot be removed is reported at each failure and retried for ever, 1 s doubling to 30 s.
// Bound: one record per wanted or not yet revoked grant.

import type { Mac } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import { retryDelay } from '../base/retry.ts';
import { after, earliest, type Instant, LONG_AGO, NEVER } from '../base/time.ts';
import { type Grant, type GrantKey, isAddress, type PortName, type VlanId } from '../model/dataplane.ts';

export type AuthzEffect =
  | { readonly type: 'grant'; readonly key: Grant }
  | { readonly type: 'revoke'; readonly key: Grant }
  | { readonly type: 'granted'; readonly key: Grant }
  | { readonly type: 'grant-failed'; readonly key: Grant; readonly error: string }
  | { readonly type: 'revoked'; readonly key: Grant; readonly tries: number }
  /** A removal that has failed, or was to follow the write under way, is given up: the same entry is wanted again. */
  | { readonly type: 'superseded'; readonly key: Grant }
  | {
      readonly type: 'revoke-failed';
      readonly key: Grant;
      readonly tries: number;
      readonly error: string;
    };

/** The answer to the one operation under way on a key. `error` is the operator's sentence. */
export interface TableResult {
  readonly key: Grant;
  readonly error?: string;
}

type EntryState =
  | { readonly name: 'granting' }
  /** Since when it was seen to stand. */
  | { readonly name: 'granted'; readonly since: Instant }
  | { readonly name: 'revoking'; readonly tries: number }
  | { readonly name: 'retrying'; readonly tries: number; readonly at: Instant };

/** Before anything that this run has done. */
const LONG_SINCE: EntryState = { name: 'granted', since: LONG_AGO };

interface Entry {
  readonly key: Grant;
  wanted: boolean;
  state: EntryState;
}

export class Authorizer {
  private readonly entries = new Map<string, Entry>();
  /** The few whose removal failed; apart, so that `pollAt` does not walk 10,000 good ones. */
  private readonly retrying = new Set<Entry>();

  /** Entries that are to go and have not gone yet. */
  get leaving(): number {
    let count = 0;
    for (const { wanted } of this.entries.values()) if (!wanted) count++;
    return count;
  }

  /** Entries of the table that are wanted, and that stood before this moment as far as is known. */
  grantedBefore(at: Instant): readonly GrantKey[] {
    const keys: GrantKey[] = [];
    for (const { key, wanted, state } of this.entries.values())
      if (wanted && state.name === 'granted' && state.since < at && !isAddress(key)) keys.push(key);
    return keys;
  }

  isWanted(key: Grant): boolean {
    return this.entries.get(keyText(key))?.wanted ?? false;
  }

  /** Wanted, or on its way out. */
  knows(key: Grant): boolean {
    return this.entries.has(keyText(key));
  }

  /** Entries of this MAC that stand, or are being written or removed. */
  keysOf(mac: Mac): readonly Grant[] {
    const keys = [...this.entries.values()].map(({ key }) => key);
    return keys.filter((key) => !isAddress(key) && key.mac === mac);
  }

  /** A removal on this port is under way, and has not failed. */
  isRevoking(port: PortName): boolean {
    for (const { key, wanted, state } of this.entries.values())
      if (isOn(key, port) && !wanted && state.name !== 'retrying') return true;
    return false;
  }

  /** An entry there in one of these VLANs is still to go, whether its removal has failed or not. */
  isLeavingIn(port: PortName, vlans: readonly VlanId[]): boolean {
    for (const { key, wanted } of this.entries.values())
      if (!wanted && !isAddress(key) && key.port === port && vlans.includes(key.vlan)) return true;
    return false;
  }

  want(key: Grant): AuthzEffect[] {
    const entry = this.entries.get(keyText(key));
    if (entry === undefined) {
      this.entries.set(keyText(key), { key, wanted: true, state: { name: 'granting' } });
      return [{ type: 'grant', key }];
    }
    if (entry.wanted && entry.state.name === 'granted') return [{ type: 'granted', key }];
    const wasWanted = entry.wanted;
    entry.wanted = true;
    if (entry.state.name === 'granting' && !wasWanted) return [{ type: 'superseded', key }];
    return entry.state.name === 'retrying' ? this.writeOver(entry) : [];
  }

  /** Also for entries that are not ours (found at start, or open on a locked port): they are revoked the same way. */
  unwant(key: Grant): AuthzEffect[] {
    const entry = this.entries.get(keyText(key)) ?? this.adopt(key);
    entry.wanted = false;
    if (entry.state.name !== 'granted') return [];
    entry.state = { name: 'revoking', tries: 1 };
    return [{ type: 'revoke', key }];
  }

  /** The kernel lost an applied grant (deleted by somebody): write it again. */
  lost(key: Grant): AuthzEffect[] {
    const entry = this.entries.get(keyText(key));
    if (entry === undefined || !entry.wanted || entry.state.name !== 'granted') return [];
    entry.state = { name: 'granting' };
    return [{ type: 'grant', key }];
  }

  done(result: TableResult, now: Instant): AuthzEffect[] {
    const entry = this.entries.get(keyText(result.key));
    if (entry === undefined) return [];
    switch (entry.state.name) {
      case 'granting':
        return this.grantDone(entry, result.error, now);
      case 'revoking':
        return this.revokeDone(entry, entry.state.tries, result.error, now);
      case 'granted':
      case 'retrying':
        return [];
      default:
        return assertNever(entry.state);
    }
  }

  /**
   * The port is gone from the bridge and the kernel has dropped its entries with it. An answer has no number: where one is still to
   * come, and the port is back and the entry wanted again before that, it is taken for the answer to the second write. Ours come
   * within the turn.
   */
  portGone(port: PortName): AuthzEffect[] {
    const effects: AuthzEffect[] = [];
    for (const [text, entry] of this.entries) {
      if (!isOn(entry.key, port)) continue;
      this.entries.delete(text);
      this.retrying.delete(entry);
      if (!entry.wanted) effects.push({ type: 'revoked', key: entry.key, tries: 1 });
    }
    return effects;
  }

  pollAt(): Instant {
    let at = NEVER;
    for (const entry of this.retrying) {
      if (entry.state.name === 'retrying') at = earliest(at, entry.state.at);
    }
    return at;
  }

  tick(now: Instant): AuthzEffect[] {
    const effects: AuthzEffect[] = [];
    for (const entry of this.retrying) {
      if (entry.state.name !== 'retrying' || entry.state.at > now) continue;
      this.retrying.delete(entry);
      entry.state = { name: 'revoking', tries: entry.state.tries + 1 };
      effects.push({ type: 'revoke', key: entry.key });
    }
    return effects;
  }

  /** What an earlier run has written, and what stands. */
  resume(key: Grant): void {
    this.adopt(key).wanted = true;
  }

  private adopt(key: Grant): Entry {
    const entry: Entry = { key, wanted: false, state: LONG_SINCE };
    this.entries.set(keyText(key), entry);
    return entry;
  }

  private grantDone(entry: Entry, error: string | undefined, now: Instant): AuthzEffect[] {
    const { key, wanted } = entry;
    if (wanted && error === undefined) {
      entry.state = { name: 'granted', since: now };
      return [{ type: 'granted', key }];
    }
    entry.wanted = false;
    entry.state = { name: 'revoking', tries: 1 };
    const revoke: AuthzEffect = { type: 'revoke', key };
    return wanted && error !== undefined ? [{ type: 'grant-failed', key, error }, revoke] : [revoke];
  }

  private revokeDone(entry: Entry, tries: number, error: string | undefined, now: Instant): AuthzEffect[] {
    if (error === undefined) {
      const revoked: AuthzEffect = { type: 'revoked', key: entry.key, tries };
      if (!entry.wanted) {
        this.entries.delete(keyText(entry.key));
        return [revoked];
      }
      entry.state = { name: 'granting' };
      return [revoked, { type: 'grant', key: entry.key }];
    }
    if (entry.wanted) return this.writeOver(entry);
    entry.state = { name: 'retrying', tries, at: after(now, retryDelay(tries)) };
    this.retrying.add(entry);
    return [{ type: 'revoke-failed', key: entry.key, tries, error }];
  }

  /** Wanted again, and it would not go: whoever wants it does not wait for its removal. */
  private writeOver(entry: Entry): AuthzEffect[] {
    const { key } = entry;
    this.retrying.delete(entry);
    entry.state = { name: 'granting' };
    return [
      { type: 'superseded', key },
      { type: 'grant', key },
    ];
  }
}

function isOn(key: Grant, port: PortName): boolean {
  return !isAddress(key) && key.port === port;
}

export function keyText(key: Grant): string {
  if (isAddress(key)) return key.ip;
  return `${key.port} ${key.mac} ${key.vlan}`;
}
