// The way in: from a server's Accept (or a port's fallback) to a session that begins.
//
//   admit ─▶ can it be done at all? ─▶ which VLANs? ─▶ is there room beside the others on the port?
//         ─▶ an older session of the client ends ─▶ VLANs of the port ─▶ entries in the table ─▶ (multi-host: the port opens)
//         ─▶ life.begin, and the method hears of it
//
// Every step may refuse, with one sentence that the log, `explain` and the auth-failed event carry; nobody is put anywhere
// else than was said. One entrance a client and port at a time: a newer one takes the older one's place.

import { keyText } from '../../authz/authorizer.ts';
import type { Mac } from '../../base/mac.ts';
import { type AuthMethod, isFallback } from '../../model/authorization.ts';
import type { GrantKey, PortName, SessionVlans } from '../../model/dataplane.ts';
import type { SessionSelector } from '../../model/selector.ts';
import { isMeant } from '../../session/table.ts';
import type { Core } from '../core.ts';
import {
  type EntryRefusal,
  keysOf,
  refusedByPolicy,
  takenText,
  type Wanted,
  wantedOf,
} from './authorization-policy.ts';
import { displaced, refusedAtEntry } from './host-modes.ts';
import type { Admission } from './life.ts';
import { roleFor } from './roles.ts';
import { type Holder, isL2Unit, type L2Unit } from './session-unit.ts';

/** In the set of what an entrance waits for, beside the texts of its keys. */
const PORT_OPEN = 'open';

interface Entering {
  readonly admission: Admission;
  readonly wanted: Wanted;
  /** Entries that are its own: what it has written, and what an older session has handed over. */
  keys: readonly GrantKey[];
  readonly waiting: Set<string>;
  /** There was room for it: who comes later has to reckon with it. */
  hasPlace: boolean;
}

interface Leaving {
  /** Texts of the keys. */
  readonly keys: Set<string>;
  /** One of them will not go. */
  isStuck: boolean;
}

export class Entrance {
  private readonly entering = new Map<string, Entering>();
  /** Turned back, and entries of theirs still are to go. Until then the port keeps their VLANs: the kernel removes no others. */
  private readonly leaving = new Map<Admission, Leaving>();

  constructor(private readonly core: Core) {}

  admit(admission: Admission): void {
    const { core } = this;
    const { mac, port, method } = admission;
    const authenticated = this.ofMac(mac).find((other) => !isFallback(other.admission.method));
    if (isFallback(method) && authenticated !== undefined) {
      const { admission: other } = authenticated;
      core.method(method)?.grantDone(mac, port, `it is on its way in by ${other.method} on ${other.port}`);
      return;
    }
    this.turnBack(admission);
    const wanted = wantedOf(core, admission);
    const entering: Entering = { admission, wanted, keys: [], waiting: new Set(), hasPlace: false };
    this.entering.set(placeOf(admission), entering);
    const refusal = refusedByPolicy(core, admission.authorization);
    if (refusal !== undefined) {
      this.refuse(entering, refusal);
      return;
    }
    core.parts.vlans.ask(port, wanted.wish, (plan) => {
      if (this.entering.get(placeOf({ mac, port })) !== entering) return;
      if (plan.ok) this.planned(entering, plan.value);
      else this.refuse(entering, plan.error);
    });
  }

  /** Turned back, and an entry of it will not go. */
  isStuck(admission: Admission): boolean {
    return this.leaving.get(admission)?.isStuck === true;
  }

  isEntering(mac: Mac): boolean {
    return this.ofMac(mac).length > 0;
  }

  /** Entries of somebody on the way in are there, or being written. */
  isGranting(port: PortName): boolean {
    return [...this.entering.values()].some(
      ({ admission, keys }) => admission.port === port && keys.length > 0,
    );
  }

  isEnteringAs(mac: Mac, method: AuthMethod): boolean {
    return this.ofMac(mac).some(({ admission }) => admission.method === method);
  }

  /** True if this entry is of somebody on the way in. */
  granted(key: GrantKey): boolean {
    const entering = this.entering.get(placeOf(key));
    if (entering === undefined || !entering.keys.some((own) => keyText(own) === keyText(key))) return false;
    if (entering.waiting.delete(keyText(key)) && entering.waiting.size === 0) this.openPort(entering);
    return true;
  }

  grantFailed(key: GrantKey, error: string): boolean {
    const entering = this.entering.get(placeOf(key));
    if (entering === undefined || !entering.waiting.has(keyText(key))) return false;
    this.withdraw(entering);
    this.core.parts.vlans.doubt();
    this.tell(entering, error);
    return true;
  }

  /** A port of the host mode multi-host is open, or why it is not. */
  portOpened(port: PortName, error: string | undefined): void {
    for (const entering of [...this.entering.values()]) {
      if (entering.admission.port !== port || !entering.waiting.delete(PORT_OPEN)) continue;
      if (error === undefined) this.complete(entering);
      else {
        this.core.parts.ports.close(port);
        this.withdraw(entering);
        this.tell(entering, error);
      }
    }
  }

  /** The port can have nobody any more: those on their way in are turned back. */
  cancel(port: PortName): void {
    for (const entering of [...this.entering.values()])
      if (entering.admission.port === port) this.withdraw(entering);
  }

  /** Those on their way in whom all of it fits. */
  select(selector: SessionSelector): readonly Admission[] {
    const all = [...this.entering.values()].map(({ admission }) => admission);
    return all.filter((admission) => {
      const { userName } = admission.authorization;
      const { role } = roleFor(this.core, admission);
      const who = { addresses: {}, ...admission, userName, role };
      return isMeant(who, selector, this.core.now.mono);
    });
  }

  /** Somebody has put it out before it was in. */
  turnAway(admission: Admission, why: string): void {
    const entering = this.entering.get(placeOf(admission));
    if (entering?.admission !== admission) return;
    this.withdraw(entering);
    this.core.decide(admission.mac, admission.port, 'turned back', why);
    this.tell(entering, why);
  }

  /** One session per MAC: what is on its way in elsewhere, or here by another word, stays out. */
  private turnBack({ mac, port, method }: Admission): void {
    for (const other of this.ofMac(mac)) {
      this.withdraw(other);
      // The same method at the same place has moved on itself.
      if (other.admission.port !== port) this.tell(other, `it came up on ${port} meanwhile`);
      else if (other.admission.method !== method) this.tell(other, `it gets in by ${method} meanwhile`);
    }
  }

  private ofMac(mac: Mac): readonly Entering[] {
    return [...this.entering.values()].filter(({ admission }) => admission.mac === mac);
  }

  private planned(entering: Entering, vlans: SessionVlans): void {
    const { core } = this;
    const { mac, port, method } = entering.admission;
    const fallback = isFallback(method);
    const refusal = this.noRoom(entering) ?? this.vlansTaken(entering, vlans);
    if (refusal !== undefined) {
      this.refuse(entering, refusal);
      return;
    }
    entering.hasPlace = true;
    this.replaceOlder(entering, vlans);
    for (const unit of fallback ? [] : displaced(core, port, mac)) this.putOut(unit, mac);
    for (const rival of this.rivals(entering, vlans))
      if (isL2Unit(rival) && core.sessions.get(rival.session.key) === rival) this.putOut(rival, mac);
    if (this.rivals(entering, vlans).length > 0) {
      core.parts.vlans.whenFree(port, () => {
        if (this.entering.get(placeOf({ mac, port })) === entering) this.planned(entering, vlans);
      });
      return;
    }
    core.parts.vlans.place(entering.admission, port, vlans, (error) => {
      if (this.entering.get(placeOf({ mac, port })) !== entering) return;
      if (error === undefined) this.confine(entering, vlans);
      else this.refuse(entering, { code: 'vlan-failed', message: error });
    });
  }

  private noRoom({ admission, wanted }: Entering): EntryRefusal | undefined {
    const { core } = this;
    const { mac, port, method } = admission;
    const { domain } = wanted;
    const message = refusedAtEntry(core, port, { mac, domain });
    if (message !== undefined) return { code: 'host-mode', message };
    const { hostMode } = core.settings.port(port);
    if (hostMode === 'multi-auth') return undefined;
    // Two at the same time: the first one has the place, unless it is nobody's word that lets it in.
    for (const other of this.entering.values()) {
      const { admission: rival } = other;
      if (rival.port !== port || rival.mac === mac || !other.hasPlace) continue;
      if (isFallback(rival.method) && !isFallback(method)) {
        this.withdraw(other);
        this.tell(other, `${mac} has the port now`);
      } else if (isFallback(method) || hostMode !== 'multi-domain' || other.wanted.domain === domain)
        return { code: 'host-mode', message: `${hostMode}: ${rival.mac} is on its way in` };
    }
    const others = core.sessions.onPort(port).filter(({ session }) => session.mac !== mac);
    if (isFallback(method) && others.length > 0)
      return { code: 'host-mode', message: `${hostMode}: the port has its client` };
    return undefined;
  }

  /** Holders on the port who are in the way of these VLANs: not the client's own older session, which ends. */
  private rivals({ admission }: Entering, vlans: SessionVlans): readonly Holder[] {
    const { sessions, parts } = this.core;
    const own = sessions.ofMac(admission.mac);
    return parts.vlans
      .rivals(admission.port, vlans)
      .filter((holder) => holder !== own && holder !== admission);
  }

  private vlansTaken(entering: Entering, vlans: SessionVlans): EntryRefusal | undefined {
    const { core } = this;
    const { life } = core.parts;
    const fallback = isFallback(entering.admission.method);
    for (const rival of this.rivals(entering, vlans)) {
      const { method } = isL2Unit(rival) ? rival.session : rival;
      const leaving = isL2Unit(rival)
        ? core.sessions.get(rival.session.key) !== rival
        : this.leaving.has(rival);
      const goes = leaving ? !life.isStuck(rival) : isFallback(method) && !fallback;
      if (goes) continue;
      return { code: 'vlan-taken', message: takenText(core, vlans, rival, leaving ? 'stuck' : 'in') };
    }
    return undefined;
  }

  /** One session a client: the one that it has, here or elsewhere, ends now that the new one can be. */
  private replaceOlder(entering: Entering, vlans: SessionVlans): void {
    const { core } = this;
    const { admission } = entering;
    const { mac, port, method, authorization } = admission;
    const old = core.sessions.ofMac(mac);
    if (old === undefined) return;
    const { session } = old;
    const moved = session.grant.port !== port;
    if (moved) core.parts.reporter.sessionMoved(old, admission, vlans);
    const keys = keysOf(mac, port, vlans);
    const had = keysOf(mac, session.grant.port, session.vlans);
    const same = had.map(keyText).join() === keys.map(keyText).join();
    // The same client at the same place, by another method. Where another user is in, nothing of the first one stays.
    const handedOver = session.method !== method && same;
    if (handedOver) {
      core.parts.vlans.handOver(old, admission);
      entering.keys = keys;
    }
    const fallback = isFallback(session.method);
    const cause = moved ? 'moved' : fallback ? 'authorization-changed' : 'supplicant-restart';
    const detail = moved ? `now on ${port}` : `now as ${authorization.userName}`;
    core.parts.life.end(old, { cause, detail, handedOver });
  }

  /** Somebody who is in by a fallback, and in the way. */
  private putOut(unit: L2Unit, mac: Mac): void {
    this.core.parts.life.end(unit, { cause: 'authorization-changed', detail: `${mac} has the port now` });
  }

  /** Who is let in to see the login page alone is held to that first. */
  private confine(entering: Entering, vlans: SessionVlans): void {
    const { mac, port, method } = entering.admission;
    if (method !== 'portal') {
      this.grant(entering, vlans);
      return;
    }
    this.core.parts.confinement.confine(mac, port, (error) => {
      if (this.entering.get(placeOf({ mac, port })) !== entering) return;
      if (error === undefined) this.grant(entering, vlans);
      else this.refuse(entering, { code: 'confinement', message: error });
    });
  }

  private grant(entering: Entering, vlans: SessionVlans): void {
    const { mac, port } = entering.admission;
    entering.keys = keysOf(mac, port, vlans);
    for (const key of entering.keys) entering.waiting.add(keyText(key));
    // Before the entry is there: what the client is sent first may be a broadcast.
    this.core.parts.ports.review(port);
    for (const key of entering.keys) this.core.parts.life.want(key);
  }

  private openPort(entering: Entering): void {
    const { core } = this;
    const { port } = entering.admission;
    if (core.settings.port(port).hostMode !== 'multi-host' || core.parts.ports.isOpened(port)) {
      this.complete(entering);
      return;
    }
    entering.waiting.add(PORT_OPEN);
    core.parts.ports.open(port);
  }

  private complete(entering: Entering): void {
    const { core } = this;
    const { admission, wanted } = entering;
    const { mac, port, method } = admission;
    this.entering.delete(placeOf(admission));
    const vlans = core.parts.vlans.heldBy(admission) ?? { untagged: 0, tagged: [] };
    const unit = core.parts.life.begin(admission, { vlans, wanted });
    core.parts.vlans.handOver(admission, unit);
    if (isFallback(method)) core.parts.fallback.begin(unit);
    core.parts.confinement.review(mac);
    core.method(method)?.grantDone(mac, port);
    // Whoever waits for the VLANs that it holds has a session to judge by now.
    core.parts.vlans.freed(port);
  }

  private refuse(entering: Entering, { code, message }: EntryRefusal): void {
    const { core } = this;
    const { mac, port } = entering.admission;
    this.withdraw(entering);
    core.drops.add(code);
    core.decide(mac, port, 'refused', message);
    this.tell(entering, message);
  }

  private tell({ admission }: Entering, error: string): void {
    this.core.method(admission.method)?.grantDone(admission.mac, admission.port, error);
  }

  private withdraw(entering: Entering): void {
    const { admission, keys } = entering;
    this.entering.delete(placeOf(admission));
    for (const key of keys) this.core.parts.life.unwant(key);
    this.core.parts.confinement.review(admission.mac);
    if (keys.length === 0) this.core.parts.vlans.free(admission);
    else this.leaving.set(admission, { keys: new Set(keys.map(keyText)), isStuck: false });
    this.closePort(admission.port);
  }

  /** The entry is gone, or somebody else's by now. */
  left(key: GrantKey): void {
    for (const [admission, { keys }] of this.leaving) {
      if (!keys.delete(keyText(key)) || keys.size > 0) continue;
      this.leaving.delete(admission);
      this.core.parts.vlans.free(admission);
    }
  }

  /** The entry will not go: whoever waits for its VLANs is not to wait for ever. */
  leaveFailed(key: GrantKey): void {
    for (const leaving of this.leaving.values()) {
      if (!leaving.keys.has(keyText(key))) continue;
      leaving.isStuck = true;
      this.core.parts.vlans.freed(key.port);
    }
  }

  /** It may have been opened for who is turned back, or left open for it by an older session. */
  private closePort(port: PortName): void {
    const { parts, sessions } = this.core;
    if (!this.isGranting(port) && sessions.countOnPort(port) === 0 && parts.ports.isOpened(port))
      parts.ports.close(port);
    parts.ports.review(port);
  }
}

function placeOf({ mac, port }: { readonly mac: Mac; readonly port: PortName }): string {
  return `${port} ${mac}`;
}
