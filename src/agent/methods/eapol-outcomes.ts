// What an authentication by 802.1X comes to, for its client: it is in, goes on, is refused, waits, or is out. The machines
// (pae/client.ts) say what happened in the exchange; here the sessions, RADIUS and MAB hear of it.

import { fromUtf8 } from '../../base/bytes.ts';
import type { PaeEffect, PaeRef, RejectReason } from '../../pae/events.ts';
import type { Core } from '../core.ts';
import type { L2Unit } from '../session/session-unit.ts';
import type { ClientUnit } from './eapol-port.ts';

type Of<T extends PaeEffect['type']> = Extract<PaeEffect, { readonly type: T }>;

/** By the client's doing: MAB may be asked about it, where it may be after that. */
const FAILED: ReadonlySet<RejectReason> = new Set([
  'access-reject',
  'contradictory-accept',
  'too-many-rounds',
]);

export class EapolOutcomes {
  constructor(
    private readonly core: Core,
    /** The data plane's answer to what was accepted. */
    private readonly granted: (unit: ClientUnit, ref: PaeRef, error?: string) => void,
  ) {}

  accepted(unit: ClientUnit, effect: Of<'accepted' | 'reauthenticated'>): void {
    const { aaa, accountant, life, mab } = this.core.parts;
    const { mac, port } = unit;
    const { ref, authorization } = effect;
    const conversation = aaa.conversationOf(unit);
    aaa.forgetConversation(unit);
    unit.granting = { ref, isRenewal: false };
    unit.acceptedAs = authorization.userName;
    mab.displaced(mac, port);
    const before = this.core.sessions.ofMac(mac)?.session;
    // The id of a session that this one replaces is used up.
    const sessionId =
      conversation === undefined || conversation.sessionId === before?.id
        ? accountant.newSessionId()
        : conversation.sessionId;
    // RFC 2866 §5.11: it links related sessions, and two users' are not.
    const another = before?.method === 'dot1x' && before.authorization.userName !== authorization.userName;
    const multiId = another ? sessionId : (conversation?.multiId ?? sessionId);
    life.admit({ mac, port, method: 'dot1x', authorization, sessionId, multiId });
  }

  reauthenticated(unit: ClientUnit, effect: Of<'reauthenticated'>): void {
    const { aaa, life, reauthentication } = this.core.parts;
    const { ref } = effect;
    const session = this.sessionOf(unit);
    const known = session?.session.authorization.userName;
    const said = effect.sameIdentity ? fromUtf8(effect.identity) : undefined;
    // An Accept that says no more than the client (a TLS session was resumed) leaves the user that the server has named before.
    const userName = effect.authorization.userName === said ? (known ?? said) : effect.authorization.userName;
    // The same outer identity may be another user's by now: the server's word counts, where it had one both times.
    const sameUser = userName === known || said === known;
    if (session?.session.method !== 'dot1x' || !sameUser) {
      this.accepted(unit, effect);
      return;
    }
    const authorization = { ...effect.authorization, userName };
    unit.granting = { ref, isRenewal: true };
    unit.acceptedAs = userName;
    aaa.forgetConversation(unit);
    reauthentication.forget(session);
    this.core.parts.certified.passed(session);
    const told = (error?: string): void => this.granted(unit, ref, error);
    const renewal = life.renew(session, authorization, { told });
    if (renewal === 'done') told();
    else if (renewal !== 'pending') told(renewal.refused);
  }

  reauthenticationDue(unit: ClientUnit): void {
    const session = this.sessionOf(unit);
    if (session !== undefined) this.core.parts.reauthentication.due(session);
  }

  /** No server gave a verdict about a client that has a session. */
  unanswered(unit: ClientUnit): void {
    const session = this.sessionOf(unit);
    if (session !== undefined) this.core.parts.fallback.unanswered(session);
  }

  rejected(unit: ClientUnit, { reason, replyMessage }: Of<'rejected'>): void {
    const { aaa, fallback, mab, reporter } = this.core.parts;
    const { mac, port } = unit;
    // Who is in by MAB and does not answer has no 802.1X: nothing has failed.
    const bySilence = reason === 'client-silent' && this.core.sessions.ofMac(mac)?.session.method === 'mab';
    const byUs = reason === 'grant-failed';
    const userName = byUs ? unit.acceptedAs : aaa.identityOf(unit);
    const detail = byUs ? unit.refusal : undefined;
    if (!bySilence)
      reporter.authFailed({ mac, port, method: 'dot1x', userName, detail }, reason, replyMessage);
    aaa.forgetConversation(unit);
    if (FAILED.has(reason)) mab.dot1xFailed(mac, port);
    mab.dot1xOver(mac, port);
    if (!bySilence) fallback.failed(mac, port, { by: 'dot1x', failure: reason });
  }

  ended(unit: ClientUnit, { cause, eapFailure, replyMessage }: Of<'ended'>): void {
    const session = this.sessionOf(unit);
    if (session === undefined) return;
    const said = replyMessage === undefined ? {} : { detail: replyMessage };
    this.core.parts.life.end(session, { cause, eapFailure, ...said });
  }

  /** On its port: what it has elsewhere is not this exchange's business. */
  private sessionOf({ mac, port }: ClientUnit): L2Unit | undefined {
    const unit = this.core.sessions.ofMac(mac);
    return unit?.session.grant.port === port ? unit : undefined;
  }
}
