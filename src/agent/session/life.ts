// The life of a session: admitted, granted, begun, renewed, ended, closed.
//
//   admit ──▶ entrance.ts: VLANs, entries in the table ──▶ begin: Start, session-start, watch
//   renew ──▶ renewals.ts
//   end   ──▶ closings.ts: grant cleared and verified ▶ EAP-Failure ▶ Stop stored ▶ session-end
//
// Every end of a session in this agent is a call of `end` in this file, and there is no other way out.

import { Authorizer, type AuthzEffect, keyText, type TableResult } from '../../authz/authorizer.ts';
import type { Ip } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import type { AuthMethod, Authorization } from '../../model/authorization.ts';
import type { EndCause } from '../../model/cause.ts';
import { type Grant, type GrantKey, isAddress, type PortName, type VlanId } from '../../model/dataplane.ts';
import type { SessionSelector } from '../../model/selector.ts';
import type { SessionAddresses } from '../../model/session.ts';
import { l3SessionKey } from '../../report/topics.ts';
import type { EndDecision } from '../../session/logout.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import { type AddressAdmission, AddressEntrance } from './address-entrance.ts';
import { keysOf } from './authorization-policy.ts';
import { type Beginning, Beginnings } from './beginnings.ts';
import { Closings, type Ended } from './closings.ts';
import { Entrance } from './entrance.ts';
import { type Renewal, Renewals, type Renewing } from './renewals.ts';
import { isL2, type L2Unit, type L3Unit, SessionUnit } from './session-unit.ts';

/** Somebody whom a server has accepted, on the way to a session. */
export interface Admission {
  readonly mac: Mac;
  readonly port: PortName;
  readonly method: AuthMethod;
  readonly authorization: Authorization;
  /** As the server was told already (RFC 3580 §2.2). */
  readonly sessionId: string;
  /** Kept when a session continues elsewhere (RFC 2866 §5.11). */
  readonly multiId: string;
  /** That are known already. */
  readonly addresses?: SessionAddresses;
}

/** Why, and what goes with it. */
export interface Ending {
  readonly cause: EndCause;
  readonly detail?: string;
  /** What the server or the authenticator wants the client told; built here if absent. */
  readonly eapFailure?: Uint8Array;
  /** Of whoever ended it, in place of the cause's own (RFC 2866 §5.10). */
  readonly foreignCause?: number;
  readonly at?: Instant;
  /** The client goes on under the same grant, in the session that takes this one's place. */
  readonly handedOver?: boolean;
}

export class Life implements Timed {
  private readonly authz = new Authorizer();
  private readonly entrance: Entrance;
  private readonly addresses: AddressEntrance;
  private readonly renewals: Renewals;
  private readonly closings: Closings;
  private readonly beginnings: Beginnings;

  constructor(private readonly core: Core) {
    this.beginnings = new Beginnings(core);
    this.entrance = new Entrance(core);
    this.addresses = new AddressEntrance(core, (unit) => this.beginnings.enter(unit));
    this.renewals = new Renewals(core);
    this.closings = new Closings(core, (key) => this.unwant(key));
  }

  /** Sessions whose end is not complete yet. */
  get closing(): number {
    return this.closings.size;
  }

  /** Entries that are to go and have not gone yet, whether a session had them or somebody on the way in. */
  get entriesLeaving(): number {
    return this.authz.leaving;
  }

  isGranted(key: Grant): boolean {
    return this.authz.isWanted(key);
  }

  /** Granted, or still there on its way out: either way nobody's hand but ours is in it. */
  answersFor(key: Grant): boolean {
    return this.authz.knows(key);
  }

  pollAt(): Instant {
    return this.authz.pollAt();
  }

  onTime(now: Instant): void {
    this.applyAuthz(this.authz.tick(now));
  }

  /** Somebody was accepted: the session begins when everything that it needs stands; the method hears of the outcome. */
  admit(admission: Admission): void {
    const { mac, port, method } = admission;
    if (this.core.draining) this.core.method(method)?.grantDone(mac, port, 'the switch is being drained');
    else this.entrance.admit(admission);
  }

  /** The same of a user who is known by an address behind the switch. */
  admitAddress(admission: AddressAdmission): void {
    if (this.core.draining) this.core.parts.sso.admitted(admission.ip, 'the switch is being drained');
    else this.addresses.admit(admission);
  }

  /** An address that is on its way in is not to get in. */
  cancelAddress(ip: Ip): void {
    this.addresses.cancel(ip);
  }

  /**
   * A reauthentication of the same user, or a CoA-Request: the session goes on under the new word of the server.
   */
  renew(unit: SessionUnit, authorization: Authorization, renewing?: Renewing): Renewal {
    return this.renewals.renew(unit, authorization, renewing);
  }

  /** Entries of a session of an earlier run: at least one of them stands. */
  resume(keys: readonly Grant[]): void {
    for (const key of keys) this.authz.resume(key);
  }

  want(key: Grant): void {
    this.applyAuthz(this.authz.want(key));
  }

  unwant(key: Grant): void {
    this.applyAuthz(this.authz.unwant(key));
  }

  isRevoking(port: PortName): boolean {
    return this.authz.isRevoking(port);
  }

  isLeavingIn(port: PortName, vlans: readonly VlanId[]): boolean {
    return this.authz.isLeavingIn(port, vlans);
  }

  /** Entries of somebody on the way in are there, or being written. */
  isGranting(port: PortName): boolean {
    return this.entrance.isGranting(port);
  }

  isEntering(mac: Mac): boolean {
    return this.entrance.isEntering(mac);
  }

  /** Somebody is on the way in with this MAC by this method. */
  isEnteringAs(mac: Mac, method: AuthMethod): boolean {
    return this.entrance.isEnteringAs(mac, method);
  }

  /** The MAC has entries, or is about to, that are not of this session. */
  hasOtherEntries(mac: Mac, unit: L2Unit | undefined): boolean {
    const own =
      unit === undefined ? [] : keysOf(mac, unit.session.grant.port, unit.session.vlans).map(keyText);
    return this.authz.keysOf(mac).some((key) => !own.includes(keyText(key)));
  }

  /** Another word than the one in force is on its way. */
  isRenewing(unit: SessionUnit): boolean {
    return this.renewals.isChanging(unit);
  }

  /** It is over, or was turned back, and an entry of it will not go. */
  isStuck(holder: SessionUnit | Admission): boolean {
    return holder instanceof SessionUnit ? this.closings.isStuck(holder) : this.entrance.isStuck(holder);
  }

  /** All such sessions, none of which runs any more. */
  get stuck(): readonly SessionUnit[] {
    return this.closings.allStuck;
  }

  end(unit: SessionUnit, ending: Ending): void {
    const { core } = this;
    const { session } = unit;
    if (!core.sessions.remove(unit)) return;
    core.schedule.forget(unit);
    core.parts.watch.forget(unit);
    core.parts.dynauth.renewed(unit, 'the session has ended');
    const left = isL2(unit) ? this.leavePort(unit, ending) : { keys: [session.grant] };
    if (session.layer === 3) core.parts.sso.ended(session, ending.cause);
    const decision: EndDecision = {
      cause: ending.cause,
      at: ending.at ?? core.now.mono,
      evidence: unit.evidence(),
      ...(ending.detail === undefined ? {} : { detail: ending.detail }),
      ...(ending.foreignCause === undefined ? {} : { foreignCause: ending.foreignCause }),
    };
    core.tell(session, 'session ended', endText(ending));
    this.closings.begin({ unit, decision, handedOver: ending.handedOver === true, ...left });
    core.parts.web.sessionOver(unit, ending.cause);
  }

  /** What a session on a port has beside its row in the table; what is to be cleared and told for it. */
  private leavePort(unit: L2Unit, ending: Ending): Pick<Ended, 'keys' | 'eapFailure'> {
    const { core } = this;
    const { mac, grant, method: by } = unit.session;
    core.parts.fleet.forget(unit);
    core.parts.reauthentication.forget(unit);
    const method = core.method(by);
    const eapFailure = ending.eapFailure ?? method?.failureFor(mac, grant.port);
    method?.sessionEnded(mac, grant.port);
    core.parts.ports.sessionsChanged(grant.port);
    const others = this.renewals.forget(unit);
    const told = eapFailure === undefined ? {} : { eapFailure };
    if (ending.handedOver !== true) return { keys: keysAtEnd(unit, others), ...told };
    for (const key of others) this.unwant(key);
    return { keys: [], ...told };
  }

  endOnPort(port: PortName, ending: Ending): void {
    for (const unit of this.core.sessions.onPort(port)) this.end(unit, ending);
  }

  /** Those on their way in to a session on a port. */
  entering(selector: SessionSelector): readonly Admission[] {
    return this.entrance.select(selector);
  }

  turnAway(admission: Admission, why: string): void {
    this.entrance.turnAway(admission, why);
  }

  /** The port can have nobody any more: those on their way in are turned back. */
  cancelAdmissions(port: PortName): void {
    this.entrance.cancel(port);
  }

  /** A port of the host mode multi-host is open for all, or why it is not. */
  portOpened(port: PortName, error?: string): void {
    if (error === undefined) this.closings.portOpened(port);
    this.entrance.portOpened(port, error);
  }

  /** It is shut again, and nothing that was learnt on it is left; or why not, for now. */
  portShut(port: PortName, error?: string): void {
    this.closings.portShut(port, error);
  }

  /** The answer of the data plane to a grant or a revocation. */
  tableDone(result: TableResult): void {
    this.applyAuthz(this.authz.done(result, this.core.now.mono));
  }

  /** An entry that nobody was granted: removed in the same verified way. */
  removeForeign(key: Grant): void {
    if (this.authz.isWanted(key)) return;
    this.applyAuthz(this.authz.unwant(key));
  }

  /** Entries that stood before this moment, as far as is known. */
  grantedBefore(at: Instant): readonly GrantKey[] {
    return this.authz.grantedBefore(at);
  }

  /** Somebody deleted grants of ours from the kernel's table: they are written again. */
  grantsLost(keys: readonly GrantKey[]): void {
    const ours = keys.filter((key) => this.authz.isWanted(key));
    const [first] = ours;
    if (first === undefined) return;
    const { mac, port } = first;
    const which = ours.length === 1 ? 'the table entry' : `${ours.length} table entries, the first that`;
    const were = ours.length === 1 ? 'was' : 'were';
    this.core.repairs.add('grants-written-again', ours.length);
    this.core.parts.reporter.warning('grant-lost', `${which} of ${mac} ${were} deleted by somebody`, {
      mac,
      port,
    });
    for (const key of ours) this.applyAuthz(this.authz.lost(key));
  }

  /** Somebody took these out of the routed path: they are put into it again. How many that were. */
  addressesLost(units: readonly L3Unit[]): number {
    const effects = units.flatMap(({ session }) => this.authz.lost(session.grant));
    this.applyAuthz(effects);
    return effects.length;
  }

  /** After the sessions of the port have been ended. */
  portGone(port: PortName): void {
    this.applyAuthz(this.authz.portGone(port));
    this.portShut(port);
  }

  /** The Stop with this accounting id is durable. */
  stopStored(key: Grant, sessionId: string): void {
    this.closings.stopStored(key, sessionId);
  }

  private applyAuthz(effects: readonly AuthzEffect[]): void {
    for (const effect of effects) this.applyAuthzEffect(effect);
    this.core.schedule.touch(this);
  }

  private applyAuthzEffect(effect: AuthzEffect): void {
    const { out } = this.core;
    const { key } = effect;
    switch (effect.type) {
      case 'grant':
        out.ask({ about: 'grant', key }, { type: 'grant', key });
        return;
      case 'revoke':
        out.ask({ about: 'grant', key }, { type: 'revoke', key });
        return;
      case 'granted':
        this.granted(key);
        return;
      case 'grant-failed':
        this.grantFailed(key, effect.error);
        return;
      case 'revoked':
        if (!isAddress(key)) {
          this.entrance.left(key);
          this.renewals.revoked(key);
          this.core.parts.vlans.revoked(key.port);
        }
        this.closings.revoked(key, effect.tries);
        if (!isAddress(key)) this.core.parts.confinement.review(key.mac);
        return;
      case 'revoke-failed':
        if (!isAddress(key)) {
          this.entrance.leaveFailed(key);
          this.core.parts.vlans.revokeFailed(key.port, effect.error);
        }
        this.closings.revokeFailed(key, effect);
        return;
      case 'superseded':
        if (!isAddress(key)) {
          this.entrance.left(key);
          this.renewals.retaken(key);
        }
        this.closings.superseded(key);
        return;
      default:
        assertNever(effect);
    }
  }

  private granted(key: Grant): void {
    if (isAddress(key)) {
      this.addresses.granted(key.ip);
      return;
    }
    this.entrance.left(key);
    if (this.entrance.granted(key) || this.renewals.granted(key)) return;
    // One that was lost stands again.
    const unit = this.core.sessions.ofMac(key.mac);
    if (unit !== undefined) unit.grantedAt = this.core.now.mono;
  }

  private grantFailed(key: Grant, error: string): void {
    if (isAddress(key)) {
      this.addressFailed(key.ip, error);
      return;
    }
    const unit = this.core.sessions.ofMac(key.mac);
    this.core.parts.reporter.warning('grant-failed', error, { mac: key.mac, port: key.port });
    if (this.entrance.grantFailed(key, error) || this.renewals.grantFailed(key, error)) return;
    // A grant that was lost and could not be written again: the session has no ground any more.
    if (unit !== undefined) this.end(unit, { cause: 'nas-error', detail: error });
  }

  private addressFailed(ip: Ip, error: string): void {
    const { reporter } = this.core.parts;
    reporter.warning('grant-failed', error, { ip });
    if (this.addresses.failed(ip, error)) return;
    const unit = this.core.sessions.get(l3SessionKey(ip));
    if (unit !== undefined) this.end(unit, { cause: 'nas-error', detail: error });
  }

  /** Everything stands. */
  begin(admission: Admission, beginning: Beginning): L2Unit {
    return this.beginnings.begin(admission, beginning);
  }
}

/** Also what a change of VLANs has begun and not ended. */
function keysAtEnd({ session }: L2Unit, others: readonly GrantKey[]): readonly GrantKey[] {
  const { mac, grant, vlans } = session;
  const all = new Map([...keysOf(mac, grant.port, vlans), ...others].map((key) => [keyText(key), key]));
  return [...all.values()];
}

function endText({ cause, detail }: Ending): string {
  return detail === undefined ? cause : `${cause}: ${detail}`;
}
