// The login page: what a visitor wants goes in, and a page comes out, at once or when a RADIUS server has said something.
//
//   who is it? (the MAC behind the address, else the L3 session of the address) ─▶ may they ask so often?
//     ─▶ a look: the page of whoever they are (web-pages.ts)
//     ─▶ a form was sent: web/attempt.ts asks aaa ─▶ life.admit ─▶ the page of whoever is in
//     ─▶ Log out: ends the session, whatever method it began by
//
// A password is in a question to a server and nowhere else: no record, line, event or page has it.

import { utf8 } from '../../base/bytes.ts';
import { isIpv4 } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import { elapsed } from '../../base/time.ts';
import { isFallback } from '../../model/authorization.ts';
import type { EndCause } from '../../model/cause.ts';
import type { PortName } from '../../model/dataplane.ts';
import { passwordProof } from '../../radius/password-proof.ts';
import { webRequestAttributes } from '../../radius/web-request.ts';
import { Allowance } from '../../web/allowance.ts';
import type { AttemptEffect, AttemptEvent, Outcome } from '../../web/attempt.ts';
import type { Answer, Notice, Page } from '../../web/page.ts';
import {
  LOGINS_OF_ALL,
  LOGINS_OF_PLACE,
  LONGEST_PASSWORD,
  LONGEST_USER_NAME,
  PAGES,
  type Paces,
  WEB_DEFAULTS,
} from '../../web/settings.ts';
import type { Standing, Visit, Visitor } from '../../web/visit.ts';
import type { Core } from '../core.ts';
import type { Ref } from '../ports.ts';
import { isL2, type SessionUnit } from '../session/session-unit.ts';
import type { Method } from './method.ts';
import { nameOf, WebPages } from './web-pages.ts';
import { type LoginWish, WebUnit } from './web-unit.ts';

/** The client is there, as far as anybody knows, and may want to log in again. */
const STILL_THERE: ReadonlySet<EndCause> = new Set([
  'web-logout',
  'session-timeout',
  'admin-reset',
  'radius-disconnect',
  'certified-device-cleared',
]);

export class Web implements Method {
  private readonly pages: WebPages;
  /** Of those who are in, which nobody else can spend, and of the others. */
  private readonly looks: { readonly in: Allowance; readonly out: Allowance };
  private readonly logins: Allowance;
  /** Why there is no page; undefined = there is one, or none is wanted. */
  missing: string | undefined;
  private readonly attempts = new Map<Mac, WebUnit>();

  constructor(private readonly core: Core) {
    this.pages = new WebPages(core);
    this.looks = { in: new Allowance(PAGES), out: new Allowance(PAGES) };
    this.logins = new Allowance(this.loginPaces());
  }

  /** Another configuration is in force. */
  configure(): void {
    this.logins.configure(this.loginPaces());
  }

  served(isServing: boolean, error: string | undefined): void {
    const { reporter } = this.core.parts;
    this.missing = isServing ? undefined : error;
    reporter.infoChanged();
    if (error === undefined) return;
    const what = isServing ? 'the login page keeps the certificate that it had' : 'there is no login page';
    reporter.warning('login-page', `${what}: ${error}`, {});
  }

  /** One request; answered by one `web-answer` with its ref, now or when a server has said something. */
  visit(ref: Ref, { visitor, wish }: Visit): void {
    const { place, isIn } = this.standingOf(visitor);
    const wait = this.looks[isIn ? 'in' : 'out'].take(nameOf(visitor), place, this.core.now.mono);
    if (wait > 0) {
      this.core.drops.add('web-too-many-requests');
      this.show(ref, { kind: 'too-many', retryAfterS: Math.ceil(wait / 1000) });
      return;
    }
    const known = visitor.mac === undefined ? undefined : this.core.sessions.ofMac(visitor.mac);
    if (known !== undefined) this.core.parts.watch.met(known, visitor.ip);
    switch (wish.type) {
      case 'look':
        this.show(ref, this.pages.pageOf(visitor));
        return;
      case 'login':
        this.login(ref, visitor, wish);
        return;
      case 'logout':
        this.logout(ref, visitor, wish.formToken);
        return;
      default:
        assertNever(wish);
    }
  }

  standingOf(visitor: Visitor): Standing {
    return this.pages.standingOf(visitor);
  }

  /** A session is over: who was logged out is told so by the page, and finds the way to it where the port has one. */
  sessionOver(ended: SessionUnit, cause: EndCause): void {
    if (this.core.config.web === undefined || !isL2(ended)) return;
    const { mac, grant, method, addresses } = ended.session;
    if (isFallback(method)) {
      const unit = this.attempts.get(mac);
      if (unit?.machine.isAsking)
        this.tell(unit, { type: 'gone', detail: 'The device is not where it was.' });
      return;
    }
    this.pages.rememberEnd(mac, cause);
    if (STILL_THERE.has(cause)) this.core.parts.fallback.toPortal(mac, grant.port, addresses);
  }

  /** The port can have nobody any more. */
  portClosed(port: PortName): void {
    for (const unit of [...this.attempts.values()])
      if (unit.port === port) this.tell(unit, { type: 'gone', detail: 'The port was closed.' });
  }

  // As the way by which its sessions got in.

  grantDone(mac: Mac, _port: PortName, error?: string): void {
    const unit = this.attempts.get(mac);
    if (unit !== undefined)
      this.tell(unit, error === undefined ? { type: 'grant-done' } : { type: 'grant-done', error });
  }

  proofOf(): undefined {
    return undefined;
  }

  resume(): void {
    // A login by the page leaves nothing behind but its session.
  }

  sessionEnded(): void {
    // `sessionOver` hears of the end of every session, with its cause.
  }

  /** A browser speaks no EAP. */
  failureFor(): undefined {
    return undefined;
  }

  obstacle(): string {
    return 'a web login cannot be repeated without its user';
  }

  reauthenticate(): boolean {
    return false;
  }

  tell(unit: WebUnit, event: AttemptEvent): void {
    this.apply(unit, unit.machine.handle(event, this.core.now.mono));
  }

  private login(ref: Ref, visitor: Visitor, wish: LoginWish): void {
    const { core } = this;
    const { mac, ip } = visitor;
    const running = mac === undefined ? undefined : core.sessions.ofMac(mac);
    if (running === undefined || mac === undefined || !isFallback(running.session.method)) {
      this.show(ref, this.pages.pageOf(visitor, 'already-in'));
      return;
    }
    const { userName } = wish;
    const problem = this.problemOf(visitor, mac, wish);
    if (problem !== undefined) {
      core.drops.add(`web-${problem.type}`);
      this.show(ref, this.pages.formOf(visitor, problem, userName));
      return;
    }
    const unit = new WebUnit(mac, running.session.grant.port, ref, ip, wish, this, core);
    this.attempts.set(mac, unit);
    this.apply(unit, unit.machine.start(core.now.mono));
  }

  /** Why a form is not worth asking a server about. */
  private problemOf(
    visitor: Visitor,
    mac: Mac,
    { userName, password, formToken }: LoginWish,
  ): Notice | undefined {
    const { mono } = this.core.now;
    if (!this.pages.isLoginForm(visitor, formToken)) return { type: 'form-expired' };
    if (userName === '' || password.length === 0) return { type: 'incomplete' };
    if (utf8(userName).length > LONGEST_USER_NAME || password.length > LONGEST_PASSWORD)
      return { type: 'too-long' };
    if (this.attempts.has(mac)) return { type: 'under-way' };
    const wait = this.logins.take(mac, this.standingOf(visitor).place, mono);
    return wait > 0 ? { type: 'too-many', retryAfterS: Math.ceil(wait / 1000) } : undefined;
  }

  private logout(ref: Ref, visitor: Visitor, formToken: string): void {
    const { core } = this;
    const unit = this.pages.sessionOf(visitor);
    if (unit === undefined || isFallback(unit.session.method)) {
      this.show(
        ref,
        unit === undefined ? { kind: 'unknown' } : this.pages.formOf(visitor, { type: 'not-logged-in' }),
      );
      return;
    }
    if (!this.pages.isLogoutForm(visitor, unit, formToken)) {
      core.drops.add('web-form-expired');
      this.show(ref, this.pages.statusOf(visitor, unit, 'form-expired'));
      return;
    }
    const { authorization, startedAt } = unit.session;
    const onlineS = elapsed(startedAt, core.now.mono) / 1000;
    core.parts.life.end(unit, { cause: 'web-logout', detail: `by the page, from ${visitor.ip}` });
    const again = isL2(unit) && core.settings.port(unit.session.grant.port).portal;
    this.show(ref, { kind: 'logged-out', userName: authorization.userName, onlineS, again });
  }

  private apply(unit: WebUnit, effects: readonly AttemptEffect[]): void {
    for (const effect of effects) this.applyOne(unit, effect);
    if (this.attempts.get(unit.mac) === unit) this.core.schedule.touch(unit);
  }

  private applyOne(unit: WebUnit, effect: AttemptEffect): void {
    const { aaa, life, mab } = this.core.parts;
    switch (effect.type) {
      case 'ask':
        this.ask(unit);
        return;
      case 'cancel':
        aaa.cancel(unit, effect.reason);
        aaa.forgetConversation(unit);
        return;
      case 'admit': {
        const { mac, port, ip } = unit;
        const { sessionId, multiId } = aaa.conversationOf(unit) ?? this.newIds();
        aaa.forgetConversation(unit);
        mab.displaced(mac, port);
        life.admit({
          mac,
          port,
          method: 'web',
          authorization: effect.authorization,
          sessionId,
          multiId,
          addresses: isIpv4(ip) ? { ipv4: ip } : { ipv6: ip },
        });
        return;
      }
      case 'over':
        this.over(unit, effect.outcome);
        return;
      default:
        assertNever(effect);
    }
  }

  private ask(unit: WebUnit): void {
    const { core } = this;
    const { userName, password } = unit.wish;
    const { authentication } = core.config.web?.settings ?? WEB_DEFAULTS;
    const proof = passwordProof(authentication, password, core.entropy);
    core.step(unit.mac, unit.port, 'web login', `asking about a user, by ${authentication}`);
    core.parts.aaa.ask(unit, {
      ref: 0,
      first: true,
      identity: utf8(userName),
      attributes: ({ subject }) => webRequestAttributes({ subject, userName, proof }),
    });
  }

  private newIds(): { readonly sessionId: string; readonly multiId: string } {
    const sessionId = this.core.parts.accountant.newSessionId();
    return { sessionId, multiId: sessionId };
  }

  private over(unit: WebUnit, outcome: Outcome): void {
    const { core } = this;
    const { mac, ip, ref } = unit;
    this.attempts.delete(mac);
    core.schedule.forget(unit);
    core.parts.aaa.forgetConversation(unit);
    if (outcome.type === 'in') {
      this.pages.forgetEnd(mac);
      core.out.push({ type: 'web-answer', ref, answer: { type: 'see-status' } });
      return;
    }
    this.failed(unit, outcome);
    this.show(ref, this.pages.formOf({ ip, mac }, noticeOf(outcome), unit.wish.userName));
  }

  private failed({ mac, port, wish }: WebUnit, outcome: Exclude<Outcome, { readonly type: 'in' }>): void {
    const { core } = this;
    const detail = outcome.type === 'not-possible' ? outcome.detail : undefined;
    const said = outcome.type === 'refused' ? outcome.replyMessage : undefined;
    const reason = REASONS[outcome.type];
    core.drops.add(`web-${reason}`);
    core.decide(mac, port, reason, detail ?? 'a login by the page');
    const { userName } = wish;
    core.parts.reporter.authFailed({ mac, port, method: 'web', userName, detail }, reason, said);
  }

  private show(ref: Ref, page: Page): void {
    const answer: Answer = { type: 'page', page };
    this.core.out.push({ type: 'web-answer', ref, answer });
  }

  private loginPaces(): Paces {
    const { loginsPerMinute } = this.core.config.web?.settings ?? WEB_DEFAULTS;
    const times = (n: number) => ({ burst: n * loginsPerMinute, perSecond: (n * loginsPerMinute) / 60 });
    return { ofOne: times(1), ofPlace: times(LOGINS_OF_PLACE), ofAll: times(LOGINS_OF_ALL) };
  }
}

const REASONS = {
  refused: 'access-reject',
  'no-server': 'no-server',
  'not-possible': 'grant-failed',
} as const;

function noticeOf(outcome: Exclude<Outcome, { readonly type: 'in' }>): Notice {
  if (outcome.type !== 'refused') return outcome;
  const { replyMessage } = outcome;
  return { type: 'wrong-password', ...(replyMessage === undefined ? {} : { replyMessage }) };
}
