// Single sign-on: whoever is logged in at a listed VPN concentrator has a session here, for as long as it says so.
//
//   datagrams ─▶ radius/sso.ts: is it to be believed? ─▶ radius/sso-logins.ts: what does it change? ─▶ done ─▶ answered
//
//   Start, Interim   the user's addresses get in (life), unless they are in, or were put out by an administrator
//   Stop, On, Off    they are out: `sso-stop`, with the concentrator's own Acct-Terminate-Cause
//
// A timer that ends a session does not log the user out at the concentrator: its next packet (routed-path.ts) or Interim brings
// it back, without credentials. Whom an administrator or a server has put out comes back by a new login only.
// A notice is answered when all that it says is done (sso-works.ts); one that cannot be done now is not, so that it is told again.
// What outlives the process is sso-keeper.ts's.

import type { Ip } from '../../base/ip.ts';
import { assertNever } from '../../base/result.ts';
import { instant, LONG_AGO } from '../../base/time.ts';
import type { Authorization } from '../../model/authorization.ts';
import { AcctTerminateCause, type EndCause } from '../../model/cause.ts';
import type { SessionSelector } from '../../model/selector.ts';
import type { L3Session } from '../../model/session.ts';
import { type AuthorizationChange, changed } from '../../radius/dynauth-request.ts';
import type { ClientDatagram } from '../../radius/listed-clients.ts';
import { type SsoEffect, SsoServer } from '../../radius/sso.ts';
import type { Bar } from '../../radius/sso-ends.ts';
import type { StoredLogin } from '../../radius/sso-login-codec.ts';
import { type Login, SsoLogins } from '../../radius/sso-logins.ts';
import { classText, type SsoLogin, type SsoNotice } from '../../radius/sso-notice.ts';
import type { Told } from '../../radius/sso-origin.ts';
import { l3SessionKey } from '../../report/topics.ts';
import type { Core } from '../core.ts';
import { refusedByPolicy } from '../session/authorization-policy.ts';
import { roleBehind } from '../session/roles.ts';
import type { L3Unit, SessionUnit } from '../session/session-unit.ts';
import { SsoKeeper } from './sso-keeper.ts';
import { SsoWorks, type Work } from './sso-works.ts';

/** Ends after which the user is still logged in, and comes back by its next packet. */
const RETURNING: ReadonlySet<EndCause> = new Set([
  'session-timeout',
  'heartbeat-timeout',
  'idle-timeout',
  'handshake-timeout',
]);

/** Ends that are no word about the user. */
const OURS: ReadonlySet<EndCause> = new Set(['nas-error', 'drain']);

export class Sso {
  private readonly server: SsoServer;
  private readonly logins: SsoLogins;
  private readonly keeper: SsoKeeper;
  private readonly works = new SsoWorks((ref, done) => {
    if (done) this.apply(this.server.answer(ref, this.core.now.mono));
    else this.server.forget(ref);
  });

  constructor(private readonly core: Core) {
    const { sso } = core.config;
    this.server = new SsoServer(sso?.clients ?? []);
    this.logins = new SsoLogins(sso?.maxUsers ?? 0);
    this.keeper = new SsoKeeper(core, this.logins);
  }

  boot(bars: readonly Bar[]): void {
    // They are older than anything that a concentrator can say now.
    this.logins.restore(bars, LONG_AGO);
  }

  /** Whose sessions go on is still to be seen (restoration.ts). */
  resume(stored: readonly StoredLogin[]): void {
    this.keeper.resume(stored);
  }

  /** The session of this address goes on. */
  resumed(ip: Ip): void {
    this.logins.stands(ip, 'in');
  }

  /** Those whose session did not go on are let in with their next packet. */
  allResumed(): void {
    for (const { addresses } of this.logins.all())
      for (const [ip, standing] of addresses)
        if (standing === 'out') this.core.parts.routed.listenFor(ip, true);
  }

  /** The user of this address is logged in, as far as is known. */
  knows(ip: Ip): boolean {
    return this.logins.ofAddress(ip) !== undefined;
  }

  endTurn(): void {
    this.keeper.endTurn();
  }

  /** Users whom the concentrators have logged in, with a session here or not. */
  get loggedIn(): number {
    return this.logins.size;
  }

  receive(datagrams: readonly ClientDatagram[]): void {
    for (const datagram of datagrams) this.apply(this.server.receive(datagram, this.core.now.mono));
  }

  /** A packet came in of an address that is out. */
  heard(ip: Ip): void {
    const login = this.logins.ofAddress(ip);
    if (login?.addresses.get(ip) === 'out') this.admit(login, ip, 'its next packet');
    else this.core.parts.routed.listenFor(ip, false);
  }

  /** The answer of the data plane to an admission; `error` absent = the session stands. */
  admitted(ip: Ip, error?: string): void {
    // Where it cannot be let in, its next Interim is the next try: its packets come too often.
    this.logins.stands(ip, error === undefined ? 'in' : 'out');
    this.works.settle(ip, error !== undefined);
  }

  /** A session is about to end. */
  ended({ grant }: L3Session, cause: EndCause): void {
    const { ip } = grant;
    const login = this.logins.ofAddress(ip);
    if (login?.addresses.get(ip) !== 'in') return;
    this.logins.stands(ip, 'out');
    if (this.logins.isBarred(login) || !(RETURNING.has(cause) || OURS.has(cause))) this.bar(login);
    else if (RETURNING.has(cause)) this.core.parts.routed.listenFor(ip, true);
  }

  /**
   * Users who fit and have no session: a timer has ended it, they are on their way in, or have no address yet. As the users
   * whom they are, they have neither a MAC nor a port nor a session's id.
   */
  between(selector: SessionSelector): readonly Login[] {
    const { mac, port, sessionId } = selector;
    if (mac !== undefined || port !== undefined || sessionId !== undefined) return [];
    const near =
      selector.ip === undefined ? this.logins.all() : [this.logins.ofAddress(selector.ip) ?? []].flat();
    return [...near].filter((login) => this.isBetween(login, selector));
  }

  /** A server has changed a session, and what it has said stands until the user logs in anew. */
  changed({ grant, multiId }: L3Session, change: AuthorizationChange): void {
    const login = this.logins.ofAddress(grant.ip);
    if (login?.multiId === multiId) this.logins.change(login, change);
  }

  /** They come back by a new login at the concentrator only. */
  cut(logins: readonly Login[]): void {
    for (const login of logins) {
      this.core.out.log('info', 'single sign-on: kept out', { user: login.userName });
      this.bar(login);
    }
  }

  /** Nothing of it passes any more; or that could not be shown yet, is alarmed and tried again. */
  lockedOut(unit: SessionUnit): void {
    this.works.settle(unit, false);
  }

  /** Another configuration is in force: whoever is in by a concentrator that is listed no more is out. */
  reconfigure(): void {
    const { clients = [], maxUsers = 0 } = this.core.config.sso ?? {};
    this.server.configure(clients);
    this.logins.configure(maxUsers);
    const listed = new Set(clients.map(({ address }) => address));
    for (const client of new Set([...this.logins.all()].map((login) => login.client))) {
      if (listed.has(client)) continue;
      for (const login of this.logins.stopAll('on', { client, nas: {}, at: this.core.now.mono }))
        this.logOut(login, { cause: 'authorization-changed', detail: 'the configuration' });
    }
  }

  /** In by a concentrator that is listed no more. */
  isOut({ session }: L3Unit): boolean {
    const { clients = [] } = this.core.config.sso ?? {};
    return !clients.some(({ address }) => address === session.concentrator);
  }

  private apply(effects: readonly SsoEffect[]): void {
    const { core } = this;
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          core.out.push({ ...effect, type: 'send-sso-reply' });
          break;
        case 'dropped':
          core.drops.add(`sso-${effect.reason}`);
          core.out.log('debug', `single sign-on: dropped: ${effect.detail}`, { reason: effect.reason });
          break;
        case 'notice':
          this.perform(effect);
          break;
        default:
          assertNever(effect);
      }
    }
  }

  private perform({ ref, client, notice }: Extract<SsoEffect, { readonly type: 'notice' }>): void {
    const work = this.works.of(ref);
    const { nas, delay } = notice;
    const told: Told = { client, nas, at: instant(this.core.now.mono - delay) };
    switch (notice.kind) {
      case 'start':
      case 'interim':
        if (!this.loggedInAt(told, notice.kind, { work, said: notice.login })) return;
        break;
      case 'stop': {
        const login = this.logins.stop(told, notice.sessionId);
        if (login === undefined) this.core.drops.add('sso-stop-of-nobody');
        else this.logOut(login, { cause: 'sso-stop', ...foreign(notice) }, work);
        break;
      }
      case 'on':
      case 'off': {
        const { barred } = this.logins;
        const logins = this.logins.stopAll(notice.kind, told);
        if (this.logins.barred !== barred) this.keeper.barsChanged();
        this.core.out.log('info', `single sign-on: ${client} says Accounting-${notice.kind}`, {
          users: logins.length,
        });
        for (const login of logins)
          this.logOut(
            login,
            { cause: 'sso-stop', ...foreign(notice), detail: `Accounting-${notice.kind}` },
            work,
          );
        break;
      }
      case 'other':
        this.core.drops.add('sso-status-ignored');
        break;
      default:
        assertNever(notice);
    }
    this.works.begun(work);
  }

  /** False if there is nothing to answer: it is to be told again. */
  private loggedInAt(
    told: Told,
    kind: 'start' | 'interim',
    { work, said }: { readonly work: Work; readonly said: SsoLogin },
  ): boolean {
    const heard = this.logins.heard(kind, told, said);
    if (heard.type === 'ignored') {
      this.core.drops.add(`sso-${heard.reason}`);
      if (heard.reason !== 'full') return true;
      this.server.forget(work.ref);
      return false;
    }
    const { login, leaving, renewed, late } = heard;
    if (late) this.core.drops.add('sso-late');
    for (const { ip, cause, detail } of leaving) this.putOut(ip, { cause, detail });
    for (const [ip, standing] of login.addresses) {
      if (standing === 'out' || standing === 'entering') this.works.wait(work, ip);
      if (standing === 'out') this.admit(login, ip, kind);
      if (renewed && standing === 'in') this.renew(login, ip);
    }
    return true;
  }

  private admit(login: Login, ip: Ip, because: string): void {
    const { core } = this;
    const { accountant, life, routed } = core.parts;
    const authorization = this.authorizationOf(login);
    routed.listenFor(ip, false);
    const refusal = refusedByPolicy(core, authorization);
    if (refusal !== undefined) {
      core.drops.add(refusal.code);
      core.note(ip, 'refused', refusal.message);
      // Its next word may be another.
      this.logins.stands(ip, 'out');
      this.works.settle(ip, false);
      return;
    }
    this.logins.stands(ip, 'entering');
    const sessionId = accountant.newSessionId();
    core.out.log('debug', 'single sign-on: let in', { ip, because });
    life.admitAddress({
      ip,
      concentrator: login.client,
      authorization,
      sessionId,
      multiId: this.logins.multiIdOf(login, sessionId),
    });
  }

  private renew(login: Login, ip: Ip): void {
    const unit = this.core.sessions.get(l3SessionKey(ip));
    if (unit !== undefined)
      this.core.parts.life.renew(unit, this.authorizationOf(login), { sessionTimer: 'run-on' });
  }

  /** The role by Filter-Id, or by a Class that is the name of one; what a server has said since goes before it. */
  private authorizationOf({ client, userName, filterId, classes, change }: Login): Authorization {
    const { roles } = this.core.config;
    const named = filterId ?? classes.map(classText).find((text) => roles.has(text));
    const said: Authorization = {
      userName,
      classes,
      reauthenticateAtTimeout: false,
      ...(named === undefined ? {} : { filterId: named }),
      server: client,
    };
    return change === undefined ? said : changed(said, change);
  }

  private isBetween(login: Login, { ip, user, role }: SessionSelector): boolean {
    const standings = ip === undefined ? [...login.addresses.values()] : [login.addresses.get(ip)];
    if (standings.includes('in') || (user !== undefined && login.userName !== user)) return false;
    if (role === undefined) return true;
    const subject = { concentrator: login.client, authorization: this.authorizationOf(login) };
    return roleBehind(this.core, subject).role === role;
  }

  /** Of what is in nothing is changed: whoever ends that bars it again. */
  private bar(login: Login): void {
    for (const [ip, standing] of [...login.addresses])
      if (standing !== 'in') this.putOut(ip, { cause: 'admin-reset' });
    this.logins.bar(login, this.core.now.mono);
    this.keeper.barsChanged();
  }

  private logOut(login: Login, ending: Out, work?: Work): void {
    for (const ip of login.addresses.keys()) this.putOut(ip, ending, work);
  }

  /** The address is out, or does not get in, and is not waited for. */
  private putOut(ip: Ip, ending: Out, work?: Work): void {
    const { life, routed } = this.core.parts;
    routed.listenFor(ip, false);
    life.cancelAddress(ip);
    this.works.settle(ip, false);
    const unit = this.core.sessions.get(l3SessionKey(ip));
    if (unit === undefined) return;
    if (work !== undefined) this.works.wait(work, unit);
    life.end(unit, ending);
  }
}

interface Out {
  readonly cause: EndCause;
  readonly detail?: string;
  readonly foreignCause?: number;
}

/** RFC 2866 §5.10; of all users of a concentrator that does not say why, its restart, or its stop. */
function foreign(notice: Extract<SsoNotice, { readonly kind: 'stop' | 'on' | 'off' }>): {
  readonly foreignCause?: number;
} {
  const said = notice.terminateCause;
  if (said !== undefined) return { foreignCause: said };
  if (notice.kind === 'stop') return {};
  return { foreignCause: AcctTerminateCause[notice.kind === 'on' ? 'NAS-Reboot' : 'Admin-Reboot'] };
}
