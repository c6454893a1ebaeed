// What an authentication by MAC comes to, for its client: it is in, goes on, is refused, or is out. The machine (pae/mab.ts) says
// what the server's answer was; here the sessions, upstream and the fallbacks hear of it.

import { isFallback } from '../../model/authorization.ts';
import type { MabEffect } from '../../pae/mab-events.ts';
import type { Core } from '../core.ts';
import type { L2Unit } from '../session/session-unit.ts';
import type { MabUnit } from './mab-port.ts';

type Of<T extends MabEffect['type']> = Extract<MabEffect, { readonly type: T }>;

export class MabOutcomes {
  constructor(private readonly core: Core) {}

  accepted(unit: MabUnit, { ref, authorization }: Of<'accepted'>): void {
    const { aaa, accountant, life, mab, supplicants } = this.core.parts;
    const { mac, port } = unit;
    const conversation = aaa.conversationOf(unit);
    aaa.forgetConversation(unit);
    const faster = supplicants.standing(mac, port) === 'granting' || this.isInByNow(unit);
    if (faster || supplicants.isTaken(port, mac)) {
      // 802.1X or the page was faster, here or on another port, or the port has got its client.
      mab.displaced(mac, port);
      return;
    }
    unit.granting = ref;
    unit.acceptedAs = authorization.userName;
    const sessionId = conversation?.sessionId ?? accountant.newSessionId();
    const multiId = conversation?.multiId ?? sessionId;
    life.admit({ mac, port, method: 'mab', authorization, sessionId, multiId });
  }

  /** The answer is to a question of before: a session that has begun since the question does not end by it. */
  private isInByNow({ mac, port, askedAt }: MabUnit): boolean {
    const session = this.core.sessions.ofMac(mac)?.session;
    if (session === undefined) return false;
    if (session.grant.port !== port) return session.startedAt >= askedAt;
    return session.method !== 'mab' && !isFallback(session.method);
  }

  reauthenticated(unit: MabUnit, { authorization }: Of<'reauthenticated'>): void {
    const { aaa, certified, life, reauthentication } = this.core.parts;
    aaa.forgetConversation(unit);
    const session = this.core.sessions.ofMac(unit.mac);
    if (session === undefined) return;
    reauthentication.forget(session);
    certified.passed(session);
    // Where the server's new word cannot be carried out, its old one does not hold any more.
    const told = (error?: string): void => {
      if (error !== undefined) life.end(session, { cause: 'nas-error', detail: error });
    };
    const renewal = life.renew(session, authorization, { told });
    if (typeof renewal === 'object') told(renewal.refused);
  }

  reauthenticationDue({ mac }: MabUnit): void {
    const session = this.core.sessions.ofMac(mac);
    if (session !== undefined) this.core.parts.reauthentication.due(session);
  }

  /** No server gave a word about a device that has a session. */
  unanswered(unit: MabUnit): void {
    const session = this.sessionOf(unit);
    if (session !== undefined) this.core.parts.fallback.unanswered(session);
  }

  rejected(unit: MabUnit, { reason, replyMessage }: Of<'rejected'>): void {
    const { aaa, fallback, reporter, supplicants } = this.core.parts;
    const { mac, port } = unit;
    const byUs = reason === 'grant-failed';
    const userName = byUs ? unit.acceptedAs : aaa.identityOf(unit);
    const detail = byUs ? unit.refusal : undefined;
    reporter.authFailed({ mac, port, method: 'mab', userName, detail }, reason, replyMessage);
    aaa.forgetConversation(unit);
    const { order } = this.core.settings.port(port).mab;
    if (reason === 'access-reject' && order[0] === 'mab') supplicants.sighted(mac, port);
    fallback.failed(mac, port, { by: 'mab', failure: reason });
  }

  ended(unit: MabUnit, { cause, detail }: Of<'ended'>): void {
    const { aaa, life } = this.core.parts;
    aaa.forgetConversation(unit);
    const session = this.sessionOf(unit);
    if (session !== undefined) life.end(session, { cause, detail });
  }

  /** That MAB has let in on its port. */
  private sessionOf({ mac, port }: MabUnit): L2Unit | undefined {
    const unit = this.core.sessions.ofMac(mac);
    return unit?.session.grant.port === port && unit.session.method === 'mab' ? unit : undefined;
  }
}
