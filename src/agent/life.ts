// The life of a session: admitted, granted, begun, renewed, ended, closed.
//
//   admit ──▶ entrance.ts: VLANs, entries in the table ──▶ begin: Start, session-start, watch
//   renew ──▶ renewals.ts
//   end   ──▶ Logout: grant cleared and verified ▶ EAP-Failure ▶ Stop stored ▶ session-end
//
// Every end of a session in this agent is a call of `end` in this file, and there is no other way out.

import { Authorizer, type AuthzEffect, keyText, type TableResult } from '../authz/authorizer.ts';
import { utf8 } from '../base/bytes.ts';
import { type Mac, macToKey, ZERO_ADDRESS } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import { type AuthMethod, type Authorization, isFallback } from '../model/authorization.ts';
import type { EndCause } from '../model/cause.ts';
import type { GrantKey, PortName } from '../model/dataplane.ts';
import type { Session, SessionKey } from '../model/session.ts';
import { printable } from '../pae/identity.ts';
import { type EndDecision, Logout, type LogoutEffect, type LogoutEvent } from '../session/logout.ts';
import { keysOf, vlanText } from './authorization-policy.ts';
import type { Core } from './core.ts';
import type { Renewal } from './dynamic-authorization.ts';
import { Entrance } from './entrance.ts';
import { Renewals, type Renewing } from './renewals.ts';
import type { Timed } from './schedule.ts';
import { roleFor, SessionUnit } from './session-unit.ts';

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
}

/** Why, and what goes with it. */
export interface Ending {
  readonly cause: EndCause;
  readonly detail?: string;
  /** What the server or the authenticator wants the client told; built here if absent. */
  readonly eapFailure?: Uint8Array;
  readonly at?: Instant;
  /** The client goes on under the same grant, in the session that takes this one's place. */
  readonly handedOver?: boolean;
}

interface Closing {
  readonly unit: SessionUnit;
  readonly logout: Logout;
  readonly eapFailure: Uint8Array | undefined;
  /** Entries to be revoked. */
  readonly keys: readonly GrantKey[];
  /** Which of them still are to be, and PORT_SHUT. */
  readonly waiting: Set<string>;
  /** The most that one of them took. */
  tries: number;
}

const PORT_SHUT = 'shut';

/**
 * Who goes on elsewhere, or as another user, is in the middle of a success: a failure now would undo it. Who logged off
 * knows that it is out; wpa_supplicant, if it hears a failure after its next logon, sends no EAPOL-Start and waits for 30 s.
 */
const WITHOUT_FAILURE: ReadonlySet<EndCause> = new Set(['moved', 'supplicant-restart', 'supplicant-logoff']);

export class Life implements Timed {
  private readonly authz = new Authorizer();
  private readonly entrance: Entrance;
  private readonly renewals: Renewals;
  /** Ended sessions whose entries could not be removed yet. */
  private readonly stuck = new Set<SessionUnit>();
  /** By client and port: one at a time as a rule, two where a client came back before its last Stop was stored. */
  private readonly closings = new Map<string, Closing[]>();

  constructor(private readonly core: Core) {
    this.entrance = new Entrance(core);
    this.renewals = new Renewals(core);
  }

  /** Sessions whose end is not complete yet. */
  get closing(): number {
    return this.closings.size;
  }

  get grantsApplied(): number {
    return this.authz.applied;
  }

  isGranted(key: GrantKey): boolean {
    return this.authz.isWanted(key);
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

  /**
   * A reauthentication of the same user, or a CoA-Request: the session goes on under the new word of the server.
   */
  renew(unit: SessionUnit, authorization: Authorization, renewing?: Renewing): Renewal {
    return this.renewals.renew(unit, authorization, renewing);
  }

  want(key: GrantKey): void {
    this.applyAuthz(this.authz.want(key));
  }

  unwant(key: GrantKey): void {
    this.applyAuthz(this.authz.unwant(key));
  }

  isRevoking(port: PortName): boolean {
    return this.authz.isRevoking(port);
  }

  /** Its end cannot be completed: an entry of it will not go. */
  isStuck(unit: SessionUnit): boolean {
    return this.stuck.has(unit);
  }

  end(unit: SessionUnit, ending: Ending): void {
    const { core } = this;
    const { session } = unit;
    if (!core.sessions.remove(unit)) return;
    core.schedule.forget(unit);
    const { watch, ports, fleet } = core.parts;
    watch.forget(unit);
    core.parts.dynauth.renewed(unit, 'the session has ended');
    fleet.forget(unit);
    core.parts.reauthentication.forget(unit);
    const method = core.method(session.method);
    const eapFailure = ending.eapFailure ?? method?.failureFor(session.mac, session.grant.port);
    method?.sessionEnded(session.mac, session.grant.port);
    ports.sessionsChanged(session.grant.port);
    const decision: EndDecision = {
      cause: ending.cause,
      at: ending.at ?? core.now.mono,
      evidence: unit.evidence(),
      ...(ending.detail === undefined ? {} : { detail: ending.detail }),
    };
    const logout = new Logout(decision, eapFailure !== undefined && !WITHOUT_FAILURE.has(ending.cause));
    const keys = ending.handedOver === true ? [] : this.keysAtEnd(unit);
    const closing: Closing = {
      unit,
      logout,
      eapFailure,
      keys,
      waiting: new Set(keys.map(keyText)),
      tries: 0,
    };
    const text = placeOf(session.grant);
    this.closings.set(text, [...(this.closings.get(text) ?? []), closing]);
    core.decide(session.mac, session.grant.port, 'session ended', endText(ending));
    if (ending.handedOver !== true) this.closePort(closing);
    else for (const key of this.renewals.forget(unit)) this.unwant(key);
    this.applyLogout(closing, logout.start(ending.handedOver));
  }

  endOnPort(port: PortName, ending: Ending): void {
    for (const unit of this.core.sessions.onPort(port)) this.end(unit, ending);
  }

  /** The port can have nobody any more: those on their way in are turned back. */
  cancelAdmissions(port: PortName): void {
    this.entrance.cancel(port);
  }

  /** A port of the host mode multi-host is open for all, or why it is not. */
  portOpened(port: PortName, error?: string): void {
    this.entrance.portOpened(port, error);
  }

  /** It is shut again, and nothing that was learnt on it is left; or why not, for now. */
  portClosed(port: PortName, error?: string): void {
    for (const closing of this.closingsOn(port)) {
      if (!closing.waiting.has(PORT_SHUT)) continue;
      if (error === undefined) this.cleared(closing, PORT_SHUT, 1);
      else this.tellLogout(closing, { type: 'relock-failed', tries: 1, error });
    }
  }

  /** The answer of the data plane to a grant or a revocation. */
  tableDone(result: TableResult): void {
    this.applyAuthz(this.authz.done(result, this.core.now.mono));
  }

  /** An entry that nobody was granted: removed in the same verified way. */
  removeForeign(key: GrantKey): void {
    if (this.authz.isWanted(key)) return;
    this.applyAuthz(this.authz.unwant(key));
  }

  /** Somebody deleted a grant of ours from the kernel's table. */
  grantLost(key: GrantKey): void {
    if (!this.authz.isWanted(key)) return;
    this.core.parts.reporter.warning('grant-lost', `the table entry of ${key.mac} was deleted by somebody`, {
      mac: key.mac,
      port: key.port,
    });
    this.applyAuthz(this.authz.lost(key));
  }

  /** After the sessions of the port have been ended. */
  portGone(port: PortName): void {
    this.applyAuthz(this.authz.portGone(port));
    this.portClosed(port);
  }

  /** The Stop with this accounting id is durable. */
  stopStored(key: GrantKey, sessionId: string): void {
    for (const closing of this.closings.get(placeOf(key)) ?? [])
      if (closing.unit.session.id === sessionId) this.tellLogout(closing, { type: 'stop-stored' });
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
        this.renewals.revoked(key);
        this.core.parts.vlans.revoked(key.port);
        for (const closing of this.closingsOf(key)) this.cleared(closing, keyText(key), effect.tries);
        return;
      case 'revoke-failed':
        this.revokeFailed(key, effect);
        return;
      case 'superseded':
        for (const closing of this.closingsOf(key)) this.superseded(closing, keyText(key));
        return;
      default:
        assertNever(effect);
    }
  }

  private granted(key: GrantKey): void {
    if (this.entrance.granted(key) || this.renewals.granted(key)) return;
    // One that was lost stands again.
    const unit = this.core.sessions.ofMac(key.mac);
    if (unit !== undefined) unit.grantedAt = this.core.now.mono;
  }

  private grantFailed(key: GrantKey, error: string): void {
    const unit = this.core.sessions.ofMac(key.mac);
    this.core.parts.reporter.warning('grant-failed', error, { mac: key.mac, port: key.port });
    if (this.entrance.grantFailed(key, error) || this.renewals.grantFailed(key, error)) return;
    // A grant that was lost and could not be written again: the session has no ground any more.
    if (unit !== undefined) this.end(unit, { cause: 'nas-error', detail: error });
  }

  /** Everything stands. */
  begin(admission: Admission, { vlans, domain }: Pick<Session, 'vlans' | 'domain'>): SessionUnit {
    const { core } = this;
    const { authorization, mac, port } = admission;
    const grant = keysOf(mac, port, vlans)[0] ?? { mac, port, vlan: 0 };
    const unit = new SessionUnit(
      {
        key: macToKey(admission.mac) as SessionKey,
        mac: admission.mac,
        grant,
        vlans,
        domain,
        nasPort: core.parts.ports.get(grant.port)?.machine.facts.index ?? 0,
        calledStation: core.parts.ports.addressOf(grant.port) ?? ZERO_ADDRESS,
        id: admission.sessionId,
        multiId: admission.multiId,
        method: admission.method,
        startedAt: core.now.mono,
        startedWall: core.now.wall,
        authorization,
        role: roleFor(core, authorization, grant.port),
        addresses: {},
      },
      core,
    );
    core.sessions.add(unit);
    core.schedule.touch(unit);
    core.parts.watch.begin(unit);
    core.parts.meter.begin(unit);
    core.parts.fleet.begin(unit);
    core.parts.ports.sessionsChanged(grant.port);
    if (!isFallback(admission.method)) core.parts.accountant.start(unit);
    core.decide(admission.mac, grant.port, 'session started', startText(unit, core));
    core.parts.reporter.sessionStarted(unit);
    return unit;
  }

  /** Also what a change of VLANs has begun and not ended. */
  private keysAtEnd(unit: SessionUnit): readonly GrantKey[] {
    const { mac, grant, vlans } = unit.session;
    const others = this.renewals.forget(unit);
    const all = new Map([...keysOf(mac, grant.port, vlans), ...others].map((key) => [keyText(key), key]));
    return [...all.values()];
  }

  /** A port that stood open for all is shut with the last session on it: first of all, since it is the widest door. */
  private closePort(closing: Closing): void {
    const { ports } = this.core.parts;
    const { port } = closing.unit.session.grant;
    if (!ports.isOpened(port) || this.core.sessions.countOnPort(port) > 0) return;
    closing.waiting.add(PORT_SHUT);
    ports.close(port);
  }

  private closingsOf(key: GrantKey): readonly Closing[] {
    return (this.closings.get(placeOf(key)) ?? []).filter(({ waiting }) => waiting.has(keyText(key)));
  }

  private closingsOn(port: PortName): readonly Closing[] {
    return [...this.closings.values()].flat().filter(({ unit }) => unit.session.grant.port === port);
  }

  /** One of the things that a session's end has to clear is cleared; after the last its VLANs are free, and then it is told. */
  private cleared(closing: Closing, what: string, tries: number): void {
    closing.tries = Math.max(closing.tries, tries);
    if (this.isLast(closing, what)) this.tellLogout(closing, { type: 'relocked', tries: closing.tries });
  }

  /** One of them is the client's again, in another session that holds its VLANs itself. */
  private superseded(closing: Closing, what: string): void {
    if (this.isLast(closing, what)) this.tellLogout(closing, { type: 'superseded' });
  }

  /** Waits for this no more; true if for nothing else either, and its VLANs are free. */
  private isLast({ unit, waiting }: Closing, what: string): boolean {
    waiting.delete(what);
    if (waiting.size > 0) return false;
    this.stuck.delete(unit);
    this.core.parts.vlans.free(unit);
    return true;
  }

  private revokeFailed(
    key: GrantKey,
    { tries, error }: { readonly tries: number; readonly error: string },
  ): void {
    const closings = this.closingsOf(key);
    for (const closing of closings) {
      this.stuck.add(closing.unit);
      this.tellLogout(closing, { type: 'relock-failed', tries, error });
    }
    // Whoever waits for its VLANs is not to wait for ever.
    if (closings.length > 0) this.core.parts.vlans.freed(key.port);
  }

  private tellLogout(closing: Closing, event: LogoutEvent): void {
    this.applyLogout(closing, closing.logout.handle(event, this.core.now.mono));
    const text = placeOf(closing.unit.session.grant);
    const open = this.closings.get(text)?.filter(({ logout }) => !logout.finished) ?? [];
    if (open.length > 0) this.closings.set(text, open);
    else this.closings.delete(text);
  }

  private applyLogout(closing: Closing, effects: readonly LogoutEffect[]): void {
    for (const effect of effects) this.applyLogoutEffect(closing, effect);
  }

  private applyLogoutEffect({ unit, eapFailure, keys }: Closing, effect: LogoutEffect): void {
    const { accountant, dynauth, reporter, supplicants } = this.core.parts;
    const { mac, grant } = unit.session;
    switch (effect.type) {
      case 'clear-grant':
        for (const key of keys) this.unwant(key);
        return;
      case 'eap-failure':
        if (eapFailure !== undefined) supplicants.sendEap(mac, grant.port, eapFailure);
        return;
      case 'stop':
        dynauth.relocked(unit, effect.proof);
        if (isFallback(unit.session.method)) this.stopStored(grant, unit.session.id);
        else accountant.stop(unit, effect.decision);
        return;
      case 'report-end':
        reporter.sessionEnded(unit, effect.decision, effect.proof);
        return;
      case 'relock-alarm':
        reporter.warning('relock-failed', effect.error, { mac, port: grant.port });
        return;
      case 'relock-alarm-over':
        reporter.warning('relock-recovered', `locked at try ${effect.tries}`, { mac, port: grant.port });
        return;
      default:
        assertNever(effect);
    }
  }
}

function placeOf({ mac, port }: GrantKey): string {
  return `${port} ${mac}`;
}

function endText({ cause, detail }: Ending): string {
  return detail === undefined ? cause : `${cause}: ${detail}`;
}

function startText({ session }: SessionUnit, core: Core): string {
  const { authorization } = session;
  const { replyMessage } = authorization;
  const where = core.parts.vlans.filtering ? `, ${vlanText(session.vlans)}` : '';
  const said = replyMessage === undefined ? '' : `, the server says ${printable(utf8(replyMessage))}`;
  const by = isFallback(session.method) ? 'not authenticated' : `server ${authorization.server}`;
  return `${authorization.userName} by ${session.method}, role ${session.role}${where}, ${by}${said}`;
}
