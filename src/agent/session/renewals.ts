// The word of a running session changes: at a reauthentication, or by a CoA-Request. Timers and role follow at once; other
// VLANs take the data plane, and the session goes on meanwhile in those that it has:
//
//   the port gets the new VLAN ─▶ the entry there is written ─▶ the session is there ─▶ the former entry is revoked, with
//   its proof ─▶ the port gives the former VLAN up
//
// No Stop and no Start. Where a step fails everything stays as it was, and whoever asked hears why. A newer word takes the
// place of one that is under way: a server whose word it was hears so; a method that has reauthenticated the client hears
// what becomes of the newer one.

import { keyText } from '../../authz/authorizer.ts';
import { same } from '../../config/diff.ts';
import { doubtAddresses } from '../../liveness/address-learning.ts';
import type { Authorization } from '../../model/authorization.ts';
import { isFallback } from '../../model/authorization.ts';
import type { GrantKey, SessionVlans } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import {
  keysOf,
  refusedByPolicy,
  takenText,
  vlanText,
  type Wanted,
  wantedOf,
} from './authorization-policy.ts';
import { refusedAtEntry } from './host-modes.ts';
import { type Holder, isL2, isL2Unit, type L2Unit, type SessionUnit } from './session-unit.ts';

/** What came of a new word for a running session (`Life.renew`). `pending`: `DynamicAuthorization.renewed` will tell. */
export type Renewal = 'done' | 'pending' | { readonly refused: string };

/** What goes with a new word. */
export interface Renewing {
  /** With `run-on` what is left of Session-Timeout stays as it is; `restart` unless given. */
  readonly sessionTimer?: SessionTimer;
  /** The method that reauthenticated, if one did: hears what comes of a `pending` renewal; `error` absent = in force. */
  readonly told?: Told;
  /** Sessions that get the same word, all or none: they are not in each other's way. */
  readonly together?: ReadonlySet<SessionUnit>;
  /** The words are the same, and mean other VLANs by now. */
  readonly replan?: true;
}

type SessionTimer = 'restart' | 'run-on';
type Told = (error?: string) => void;

interface Change {
  readonly unit: L2Unit;
  readonly authorization: Authorization;
  readonly sessionTimer: SessionTimer;
  readonly wanted: Wanted;
  /** Entries that the session did not have. */
  keys: readonly GrantKey[];
  readonly waiting: Set<string>;
  /** Methods that wait for it. */
  readonly told: readonly Told[];
  readonly together: ReadonlySet<SessionUnit>;
  readonly replan: boolean;
  /** `asked`: the server asks for what cannot be, whoever tries. */
  readonly finish: (error?: string, asked?: 'wrongly') => void;
}

/** An entry that a session had before, and has left. */
interface Former {
  readonly unit: L2Unit;
  readonly key: GrantKey;
}

const ENDED = 'the session has ended';

export class Renewals {
  private readonly changing = new Map<L2Unit, Change>();
  /** Entries of sessions that have moved on, until they are revoked. */
  private readonly former = new Map<string, Former>();

  constructor(private readonly core: Core) {}

  renew(unit: SessionUnit, authorization: Authorization, renewing: Renewing = {}): Renewal {
    const { core } = this;
    const refusal = refusedByPolicy(core, authorization);
    if (refusal !== undefined) {
      core.drops.add(refusal.code);
      return { refused: refusal.message };
    }
    return isL2(unit)
      ? this.renewOnPort(unit, authorization, renewing)
      : this.renewAddress(unit, authorization, renewing);
  }

  /** It is in no VLAN: what is left of a new word holds at once. */
  private renewAddress(unit: SessionUnit, authorization: Authorization, renewing: Renewing): Renewal {
    const { vlan, egress } = authorization;
    if (vlan !== undefined || egress !== undefined)
      return { refused: 'a VLAN is wanted, and an address behind the switch is in none' };
    this.apply(unit, authorization, renewing.sessionTimer ?? 'restart');
    return 'done';
  }

  private renewOnPort(unit: L2Unit, authorization: Authorization, renewing: Renewing): Renewal {
    const { core } = this;
    const { mac, grant, key } = unit.session;
    const wanted = wantedOf(core, { authorization, mac, port: grant.port });
    const crowded = this.crowded(unit, wanted);
    if (crowded !== undefined) {
      core.drops.add('host-mode');
      return { refused: crowded };
    }
    const older = this.changing.get(unit);
    if (older !== undefined) this.takeBack(older);
    const { sessionTimer = 'restart', told: teller, together = new Set(), replan = false } = renewing;
    const waiting = older?.told ?? [];
    const told = teller === undefined ? waiting : [...waiting, teller];
    const renewal: Renewal =
      core.sessions.get(key) === unit
        ? this.begin({ unit, authorization, sessionTimer, wanted, told, together, replan })
        : { refused: ENDED };
    // The method that asks now has the answer in its hand; those before it have not.
    if (renewal !== 'pending')
      for (const tell of waiting) tell(renewal === 'done' ? undefined : renewal.refused);
    // Last of all: a request that wanted the older word now puts its other sessions back.
    if (older !== undefined) core.parts.dynauth.renewed(unit, 'a newer word of the server came');
    return renewal;
  }

  /** Why it cannot become a device of that domain (multi-domain): another one is there, or on its way in. */
  private crowded({ session, wanted: before }: L2Unit, { domain }: Wanted): string | undefined {
    const { core } = this;
    const { mac, grant } = session;
    const { port } = grant;
    if (before?.domain === domain) return undefined;
    const taken = refusedAtEntry(core, port, { mac, domain });
    if (taken !== undefined || core.settings.port(port).hostMode !== 'multi-domain') return taken;
    const coming = core.parts.life
      .entering({ port })
      .find(
        (other) => other.mac !== mac && !isFallback(other.method) && wantedOf(core, other).domain === domain,
      );
    return coming === undefined ? undefined : `multi-domain: ${coming.mac} is on its way in`;
  }

  private begin(word: Omit<Change, 'keys' | 'waiting' | 'finish'>): Renewal {
    const { core } = this;
    const { unit, wanted, told } = word;
    if (!word.replan && same(unit.wanted, wanted)) {
      this.apply(unit, word.authorization, word.sessionTimer);
      return 'done';
    }
    let outcome: Renewal | undefined;
    let returned = false;
    const finish: Change['finish'] = (error, asked) => {
      this.changing.delete(unit);
      if (!returned) {
        outcome = error === undefined ? 'done' : { refused: error };
        return;
      }
      core.parts.dynauth.renewed(unit, error, asked);
      for (const tell of told) tell(error);
    };
    const change: Change = { ...word, keys: [], waiting: new Set(), finish };
    this.changing.set(unit, change);
    core.parts.vlans.ask(unit.session.grant.port, wanted.wish, (plan) => {
      if (!this.stands(change)) return;
      if (plan.ok) this.planned(change, plan.value);
      else {
        core.drops.add(plan.error.code);
        finish(plan.error.message, 'wrongly');
      }
    });
    returned = true;
    return outcome ?? 'pending';
  }

  /** Another word than the one in force is on its way. */
  isChanging(unit: SessionUnit): boolean {
    return isL2(unit) && this.changing.has(unit);
  }

  /** True if a change was waiting for this entry, or if nobody is to have it any more. */
  granted(key: GrantKey): boolean {
    const change = this.changeOf(key);
    if (change?.waiting.delete(keyText(key)) === true) {
      if (change.waiting.size === 0) this.moved(change);
      return true;
    }
    if (this.isSomebodys(key)) return false;
    this.core.parts.life.unwant(key);
    return true;
  }

  grantFailed(key: GrantKey, error: string): boolean {
    const change = this.changeOf(key);
    if (change === undefined || !change.waiting.has(keyText(key))) return false;
    this.takeBack(change);
    change.finish(error);
    return true;
  }

  /** An entry is gone: it may have been one that a session had before. */
  revoked(key: GrantKey): void {
    const left = this.former.get(keyText(key));
    if (left === undefined) return;
    this.former.delete(keyText(key));
    const { unit } = left;
    const hasMore = [...this.former.values()].some((other) => other.unit === unit);
    if (!hasMore) this.core.parts.vlans.settle(unit, key.port);
  }

  /** An entry that was still to be revoked is wanted again: its session has come back to it, or somebody has it. */
  retaken(key: GrantKey): void {
    this.former.delete(keyText(key));
  }

  /** The session ends: entries beside its own that have to go with it. */
  forget(unit: L2Unit): readonly GrantKey[] {
    const keys = [...(this.changing.get(unit)?.keys ?? [])];
    for (const [text, left] of [...this.former]) {
      if (left.unit !== unit) continue;
      this.former.delete(text);
      keys.push(left.key);
    }
    this.changing.get(unit)?.finish(ENDED);
    return keys;
  }

  private planned(change: Change, vlans: SessionVlans): void {
    const { core } = this;
    const { unit } = change;
    const { mac, grant } = unit.session;
    const isRunning = (rival: Holder): rival is L2Unit =>
      isL2Unit(rival) && core.sessions.get(rival.session.key) === rival;
    if (same(vlans, unit.session.vlans)) {
      this.moved(change);
      return;
    }
    const rivals = core.parts.vlans
      .rivals(grant.port, vlans)
      .filter((rival) => rival !== unit && !this.goesAlong(change, rival, vlans));
    const holder = rivals.find((rival) =>
      isRunning(rival) ? !isFallback(rival.session.method) : core.parts.life.isStuck(rival),
    );
    if (holder !== undefined) {
      core.drops.add('vlan-taken');
      change.finish(takenText(core, vlans, holder, isRunning(holder) ? 'in' : 'stuck'));
      return;
    }
    for (const rival of rivals)
      if (isRunning(rival))
        core.parts.life.end(rival, { cause: 'authorization-changed', detail: `${mac} has the port now` });
    if (!this.stands(change)) return;
    if (rivals.length > 0) {
      core.parts.vlans.whenFree(grant.port, () => {
        if (this.stands(change)) this.planned(change, vlans);
      });
      return;
    }
    core.parts.vlans.change(unit, grant.port, vlans, (error) => {
      if (!this.stands(change)) return;
      if (error === undefined) this.grant(change, vlans);
      else {
        core.parts.vlans.settle(unit, grant.port, true);
        core.drops.add('vlan-failed');
        change.finish(error);
      }
    });
  }

  /** It leaves what is in the way by the same request, or has just done so. */
  private goesAlong({ unit, together }: Change, rival: Holder, vlans: SessionVlans): boolean {
    const desk = this.core.parts.vlans;
    if (!isL2Unit(rival) || !together.has(rival)) return false;
    const other = this.changing.get(rival);
    if (other === undefined) return !desk.collide(rival.session.vlans, vlans);
    const plan = desk.plan(unit.session.grant.port, other.wanted.wish);
    return plan.ok && !desk.collide(plan.value, vlans);
  }

  private grant(change: Change, vlans: SessionVlans): void {
    const { mac, grant, vlans: before } = change.unit.session;
    const had = new Set(keysOf(mac, grant.port, before).map(keyText));
    change.keys = keysOf(mac, grant.port, vlans).filter((key) => !had.has(keyText(key)));
    for (const key of change.keys) change.waiting.add(keyText(key));
    for (const key of change.keys) this.core.parts.life.want(key);
    if (change.keys.length === 0) this.moved(change);
  }

  /** The session is in its new VLANs, and leaves the former ones. */
  private moved(change: Change): void {
    const { core } = this;
    const { unit, authorization, sessionTimer, wanted } = change;
    const crowded = this.crowded(unit, wanted);
    if (crowded !== undefined) {
      this.takeBack(change);
      core.drops.add('host-mode');
      change.finish(crowded);
      return;
    }
    const { session } = unit;
    const { mac, grant } = session;
    const vlans = core.parts.vlans.heldBy(unit) ?? session.vlans;
    const keys = keysOf(mac, grant.port, vlans);
    const kept = new Set(keys.map(keyText));
    const former = keysOf(mac, grant.port, session.vlans).filter((key) => !kept.has(keyText(key)));
    session.vlans = vlans;
    session.domain = wanted.domain;
    unit.wanted = wanted;
    session.grant = keys[0] ?? grant;
    // The kernel takes the writing of the entry for its last use.
    if (change.keys.length > 0) unit.grantedAt = core.now.mono;
    if (former.length > 0) {
      core.decide(mac, grant.port, 'VLAN changed', `now in ${vlanText(vlans)}`);
      doubtAddresses(session.addresses);
    }
    this.apply(unit, authorization, sessionTimer);
    for (const key of former) this.former.set(keyText(key), { unit, key });
    for (const key of former) core.parts.life.unwant(key);
    if (former.length === 0) core.parts.vlans.settle(unit, grant.port);
    change.finish();
  }

  private apply(unit: SessionUnit, authorization: Authorization, sessionTimer: SessionTimer): void {
    const { watch, reporter, certified, leases } = this.core.parts;
    unit.renew(authorization, sessionTimer);
    watch.configure(unit);
    this.core.schedule.touch(unit);
    certified.changed(unit);
    leases.consider(unit);
    reporter.sessionChanged(unit);
  }

  /** It is what its session, which runs, is to become. */
  private stands(change: Change): boolean {
    const { unit } = change;
    return this.changing.get(unit) === change && this.core.sessions.get(unit.session.key) === unit;
  }

  private takeBack({ unit, keys }: Change): void {
    const { life, vlans } = this.core.parts;
    // First: whoever waits for VLANs is called, and this one does not wait any more.
    this.changing.delete(unit);
    for (const key of keys) life.unwant(key);
    vlans.settle(unit, unit.session.grant.port, true);
  }

  private changeOf({ mac }: GrantKey): Change | undefined {
    const unit = this.core.sessions.ofMac(mac);
    return unit === undefined ? undefined : this.changing.get(unit);
  }

  /** A session has it, or is about to. */
  private isSomebodys(key: GrantKey): boolean {
    const unit = this.core.sessions.ofMac(key.mac);
    if (unit === undefined) return false;
    const { mac, grant, vlans } = unit.session;
    const keys = [...keysOf(mac, grant.port, vlans), ...(this.changing.get(unit)?.keys ?? [])];
    return keys.some((own) => keyText(own) === keyText(key));
  }
}
