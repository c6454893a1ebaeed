// The life of a session: admitted, granted, begun, renewed, ended, closed.
//
//   admit ──▶ authz writes the grant ──▶ begin: Start, session-start, watch
//   end   ──▶ Logout: grant cleared and verified ▶ EAP-Failure ▶ Stop stored ▶ session-end
//
// Every end of a session in this agent is a call of `end` in this file, and there is no other way out.

import { Authorizer, type AuthzEffect, keyText, type TableResult } from '../authz/authorizer.ts';
import { type Mac, macToKey, ZERO_ADDRESS } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { AuthMethod, Authorization } from '../model/authorization.ts';
import type { EndCause } from '../model/cause.ts';
import type { GrantKey, PortName } from '../model/dataplane.ts';
import type { SessionKey } from '../model/session.ts';
import { type EndDecision, Logout, type LogoutEffect, type LogoutEvent } from '../session/logout.ts';
import type { Core } from './core.ts';
import type { Renewal } from './dynamic-authorization.ts';
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
}

/**
 * Who goes on elsewhere, or as another user, is in the middle of a success: a failure now would undo it. Who logged off
 * knows that it is out; wpa_supplicant, if it hears a failure after its next logon, sends no EAPOL-Start and waits for 30 s.
 */
const WITHOUT_FAILURE: ReadonlySet<EndCause> = new Set(['moved', 'supplicant-restart', 'supplicant-logoff']);

export class Life implements Timed {
  private readonly authz = new Authorizer();
  private readonly admissions = new Map<string, Admission>();
  /** By grant: one at a time as a rule, two where a client came back before its last Stop was stored. */
  private readonly closings = new Map<string, Closing[]>();

  constructor(private readonly core: Core) {}

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

  /** Writes the grant; whoever admits hears of the outcome, and the session begins with it. */
  admit(admission: Admission): void {
    const { core } = this;
    const grant: GrantKey = { mac: admission.mac, port: admission.port, vlan: 0 };
    const old = core.sessions.ofMac(admission.mac);
    if (old !== undefined) {
      const moved = old.session.grant.port !== admission.port;
      const detail = moved ? `now on ${admission.port}` : `now as ${admission.authorization.userName}`;
      if (moved) core.parts.reporter.sessionMoved(old, admission);
      // The same client at the same place, by another method. Where another user is in, nothing of the first one stays.
      const handedOver =
        old.session.method !== admission.method && keyText(old.session.grant) === keyText(grant);
      this.end(old, { cause: moved ? 'moved' : 'supplicant-restart', detail, handedOver });
    }
    this.turnBack(admission.mac, grant);
    this.admissions.set(keyText(grant), admission);
    this.applyAuthz(this.authz.want(grant));
  }

  /** One session per MAC: on its way in elsewhere, it stays out there. */
  private turnBack(mac: Mac, grant: GrantKey): void {
    for (const [text, other] of this.admissions) {
      if (other.mac !== mac || text === keyText(grant)) continue;
      this.admissions.delete(text);
      this.applyAuthz(this.authz.unwant({ ...grant, port: other.port }));
      this.core.method(other.method)?.grantDone(mac, other.port, `it came up on ${grant.port} meanwhile`);
    }
  }

  /**
   * A reauthentication of the same user, or a CoA-Request: the session goes on under the new word of the server.
   * With `run-on` what is left of Session-Timeout stays as it is.
   */
  renew(
    unit: SessionUnit,
    authorization: Authorization,
    sessionTimer: 'restart' | 'run-on' = 'restart',
  ): Renewal {
    unit.renew(authorization, sessionTimer);
    this.core.parts.watch.configure(unit);
    this.core.schedule.touch(unit);
    this.core.parts.reporter.sessionChanged(unit);
    return 'done';
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
    const closing: Closing = { unit, logout, eapFailure };
    const text = keyText(session.grant);
    this.closings.set(text, [...(this.closings.get(text) ?? []), closing]);
    core.decide(session.mac, session.grant.port, 'session ended', endText(ending));
    this.applyLogout(closing, logout.start(ending.handedOver));
  }

  endOnPort(port: PortName, ending: Ending): void {
    for (const unit of this.core.sessions.onPort(port)) this.end(unit, ending);
  }

  /** The port can have nobody any more: those on their way in are turned back. */
  cancelAdmissions(port: PortName): void {
    for (const [text, { mac }] of this.admissions) {
      const key: GrantKey = { mac, port, vlan: 0 };
      if (keyText(key) !== text) continue;
      this.admissions.delete(text);
      this.applyAuthz(this.authz.unwant(key));
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
  }

  /** The Stop with this accounting id is durable. */
  stopStored(key: GrantKey, sessionId: string): void {
    this.logoutEvent(key, { type: 'stop-stored' }, sessionId);
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
        this.logoutEvent(key, { type: 'relocked', tries: effect.tries });
        return;
      case 'revoke-failed':
        this.logoutEvent(key, { type: 'relock-failed', tries: effect.tries, error: effect.error });
        return;
      case 'superseded':
        this.logoutEvent(key, { type: 'superseded' });
        return;
      default:
        assertNever(effect);
    }
  }

  private granted(key: GrantKey): void {
    const admission = this.admissions.get(keyText(key));
    if (admission === undefined) {
      // One that was lost stands again.
      const unit = this.core.sessions.ofMac(key.mac);
      if (unit !== undefined) unit.grantedAt = this.core.now.mono;
      return;
    }
    this.admissions.delete(keyText(key));
    this.begin(admission, key);
    this.core.method(admission.method)?.grantDone(key.mac, key.port);
  }

  private grantFailed(key: GrantKey, error: string): void {
    const admission = this.admissions.get(keyText(key));
    this.admissions.delete(keyText(key));
    this.core.parts.reporter.warning('grant-failed', error, { mac: key.mac, port: key.port });
    const unit = this.core.sessions.ofMac(key.mac);
    if (admission !== undefined) this.core.method(admission.method)?.grantDone(key.mac, key.port, error);
    // A grant that was lost and could not be written again: the session has no ground any more.
    else if (unit !== undefined) this.end(unit, { cause: 'nas-error', detail: error });
  }

  private begin(admission: Admission, grant: GrantKey): void {
    const { core } = this;
    const { authorization } = admission;
    const unit = new SessionUnit(
      {
        key: macToKey(admission.mac) as SessionKey,
        mac: admission.mac,
        grant,
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
    core.parts.accountant.start(unit);
    core.decide(admission.mac, grant.port, 'session started', startText(unit));
    core.parts.reporter.sessionStarted(unit);
  }

  private logoutEvent(key: GrantKey, event: LogoutEvent, sessionId?: string): void {
    const text = keyText(key);
    for (const closing of this.closings.get(text) ?? []) {
      if (sessionId !== undefined && closing.unit.session.id !== sessionId) continue;
      this.applyLogout(closing, closing.logout.handle(event, this.core.now.mono));
    }
    const open = this.closings.get(text)?.filter(({ logout }) => !logout.finished) ?? [];
    if (open.length > 0) this.closings.set(text, open);
    else this.closings.delete(text);
  }

  private applyLogout(closing: Closing, effects: readonly LogoutEffect[]): void {
    for (const effect of effects) this.applyLogoutEffect(closing, effect);
  }

  private applyLogoutEffect({ unit, eapFailure }: Closing, effect: LogoutEffect): void {
    const { accountant, dynauth, reporter, supplicants } = this.core.parts;
    const { mac, grant } = unit.session;
    switch (effect.type) {
      case 'clear-grant':
        this.applyAuthz(this.authz.unwant(grant));
        return;
      case 'eap-failure':
        if (eapFailure !== undefined) supplicants.sendEap(mac, grant.port, eapFailure);
        return;
      case 'stop':
        dynauth.relocked(unit, effect.proof);
        accountant.stop(unit, effect.decision);
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

function endText({ cause, detail }: Ending): string {
  return detail === undefined ? cause : `${cause}: ${detail}`;
}

function startText({ session }: SessionUnit): string {
  const { authorization } = session;
  return `${authorization.userName} by ${session.method}, role ${session.role}, server ${authorization.server}`;
}
