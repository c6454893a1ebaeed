// MAC authentication bypass of one MAC on one port. Its events are in mab-events.ts, its states in mab-state.ts; read those first.
//
//   seen ─▶ WAITING for 802.1X ─▶ ASKING ─▶ GRANTING ─▶ AUTHENTICATED ─▶ ASKING anew …
//                                   └─ refused, or no server ─▶ QUIET ─▶ seen since: ASKING, else FORGOTTEN
//
// A MAC with a session on another port waits longer: it must be heard here again and again and there no more, before a
// server is asked; the old session ends with an Accept and with nothing less. Where the client speaks 802.1X its attempt
// is waited for, unless MAB comes first and has the last word.
//
// The kernel tells of a MAC once, so this machine owns every later question: after a quiet period, after a server that
// did not answer, for a reauthentication.
//
// Promises: at most one question and one table write outstanding; nobody is asked about in a quiet period, unless an
// administrator or a server wants it; no session without an Accept and a table write after it. Nothing is kept of a packet.

import { utf8 } from '../base/bytes.ts';
import { type Mac, spellMac } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import { after, earliest, elapsed, type Instant, latest, type Millis, millis, NEVER } from '../base/time.ts';
import type { Authorization } from '../model/authorization.ts';
import type { Proof } from '../model/kept.ts';
import type { AskRank } from './ask-queue.ts';
import type { AaaVerdict, PaeRef, ReauthBy } from './events.ts';
import { printable } from './identity.ts';
import { firstResponse, type MabPeer, responseTo } from './mab-eap.ts';
import type { MabEffect, MabEvent, MabFacts } from './mab-events.ts';
import {
  DOT1X_RECHECK,
  type MabSettings,
  MOVE_CONFIRMATION,
  MOVE_PATIENCE,
  MOVE_REFUSED_PERIOD,
  SIGHTING,
} from './mab-settings.ts';
import type { MabState, QuietReason } from './mab-state.ts';
import { SERVER_RETRY_CEILING, SERVER_RETRY_PERIOD, serverBackOff } from './settings.ts';

/** Challenges in one conversation: Identity, a Nak and one MD5-Challenge make three. */
const MOST_ROUNDS = 8;

export interface MabOptions {
  readonly mac: Mac;
  readonly settings: MabSettings;
  /** When the MAC was seen that this machine is made for. */
  readonly seenAt: Instant;
  readonly facts: MabFacts;
  /** Of a device that an earlier run of ours has let in. */
  readonly proof?: Proof;
}

export class MabClient {
  private readonly mac: Mac;
  private settings: MabSettings;
  private state: MabState;
  private readonly firstSeen: Instant;
  private lastSeen: Instant;
  private lastRef: PaeRef = 0;
  /** Questions in a row that no server answered. */
  private unanswered = 0;
  private effects: MabEffect[] = [];

  constructor({ mac, settings, seenAt, facts, proof }: MabOptions) {
    this.mac = mac;
    this.settings = settings;
    this.firstSeen = seenAt;
    this.lastSeen = seenAt;
    const delay = settings.order[0] === 'mab' ? millis(0) : settings.delay;
    const confirmation = facts.elsewhere === undefined ? millis(0) : MOVE_CONFIRMATION;
    this.state = { name: 'WAITING', until: after(seenAt, millis(Math.max(delay, confirmation))) };
    if (proof === undefined) return;
    this.unanswered = proof.failures;
    const reAuthWhen = earliest(this.reAuthDue(proof.since), proof.due ?? NEVER);
    this.state = { name: 'AUTHENTICATED', since: proof.since, reAuthWhen };
  }

  /** To be kept for the next run; undefined while it is not certain. */
  get proof(): Proof | undefined {
    const { state, unanswered: failures } = this;
    if (state.name !== 'AUTHENTICATED') return undefined;
    const { since, reAuthWhen } = state;
    return { since, failures, ...(failures > 0 && reAuthWhen !== NEVER ? { due: reAuthWhen } : {}) };
  }

  get current(): MabState['name'] {
    return this.state.name;
  }

  /** The MAC has a session by MAB. */
  get authenticated(): boolean {
    const { state } = this;
    return state.name === 'AUTHENTICATED' || (state.name === 'ASKING' && state.session);
  }

  /** Seen more than once: a flood of random MACs does not do that. */
  get seenAgain(): boolean {
    return elapsed(this.firstSeen, this.lastSeen) > SIGHTING;
  }

  get rank(): AskRank {
    if (this.authenticated) return 0;
    return this.seenAgain ? 1 : 2;
  }

  pollAt(): Instant {
    const { state } = this;
    switch (state.name) {
      case 'WAITING':
      case 'QUIET':
        return state.until;
      case 'AUTHENTICATED':
        return state.reAuthWhen;
      case 'ASKING':
      case 'GRANTING':
      case 'FORGOTTEN':
        return NEVER;
      default:
        return assertNever(state);
    }
  }

  /** One line for `rollcall explain`. */
  describe(now: Instant): string {
    const due = this.pollAt();
    const wait = due === NEVER ? '' : `, next step in ${Math.max(0, Math.ceil((due - now) / 1000))} s`;
    const why = this.state.name === 'QUIET' ? ` (${this.state.reason})` : '';
    const session = this.authenticated ? ', has a session' : '';
    return `MAB ${this.state.name}${why}${session}${wait}`;
  }

  handle(event: MabEvent, now: Instant): readonly MabEffect[] {
    switch (event.type) {
      case 'seen':
        this.lastSeen = latest(this.lastSeen, event.at);
        if (this.state.name === 'WAITING' && this.state.lone && this.seenAgain)
          this.state = { name: 'WAITING', until: now };
        break;
      case 'tick':
        if (this.pollAt() <= now) this.due(event.facts, now);
        break;
      case 'aaa-challenge':
      case 'aaa-accept':
      case 'aaa-reject':
      case 'aaa-timeout':
        if (this.state.name === 'ASKING' && this.state.ref === event.ref) this.answered(event, now);
        break;
      case 'grant-done':
        if (this.state.name === 'GRANTING' && this.state.ref === event.ref) this.granted(event.error, now);
        break;
      case 'reauthenticate':
        this.reauthenticate(event.by);
        break;
      case 'dot1x-failed':
        this.dot1xFailed(now);
        break;
      case 'session-ended':
        if (!this.authenticated) break;
        this.cancel();
        this.forget();
        break;
      case 'settings':
        this.configure(event.settings);
        break;
      default:
        assertNever(event);
    }
    const taken = this.effects;
    this.effects = [];
    return taken;
  }

  private due(facts: MabFacts, now: Instant): void {
    const { state } = this;
    if (state.name === 'AUTHENTICATED') {
      this.state = { ...state, reAuthWhen: NEVER };
      this.add({ type: 'reauthentication-due' });
    } else if (state.name === 'WAITING') this.proceed(facts, now);
    else if (state.name === 'QUIET') this.quietOver(state.reason, state.since, facts, now);
  }

  private quietOver(reason: QuietReason, since: Instant, facts: MabFacts, now: Instant): void {
    if (reason === 'elsewhere') this.forget();
    // The fault was not the client's.
    else if (reason === 'no-server' || this.lastSeen > since) this.proceed(facts, now);
    else {
      this.add({ type: 'look' });
      this.forget();
    }
  }

  /** Asks, if nothing speaks against it. */
  private proceed(facts: MabFacts, now: Instant): void {
    const { order, priority, afterDot1xFailure } = this.settings;
    const alone = order[0] === 'mab' && priority[0] === 'mab';
    const { dot1x } = facts;
    if (!alone && (dot1x === 'talking' || dot1x === 'granting')) this.wait(DOT1X_RECHECK, now);
    else if (!alone && dot1x === 'held' && !afterDot1xFailure) this.wait(DOT1X_RECHECK, now);
    else if (facts.elsewhere === undefined) this.ask(false);
    else this.move(facts.elsewhere, now);
  }

  /** The MAC has a session on another port, where it was last heard of at `heardThere`. */
  private move(heardThere: Instant, now: Instant): void {
    if (now < after(this.firstSeen, MOVE_CONFIRMATION)) {
      this.state = { name: 'WAITING', until: after(this.firstSeen, MOVE_CONFIRMATION) };
    } else if (heardThere >= this.firstSeen) {
      this.decide('not-moved', 'its session on another port is alive');
      this.quiet(MOVE_REFUSED_PERIOD, 'elsewhere', now);
    } else if (this.seenAgain) {
      this.ask(false);
    } else if (now < after(this.firstSeen, MOVE_PATIENCE)) {
      this.state = { name: 'WAITING', until: after(this.firstSeen, MOVE_PATIENCE), lone: true };
    } else {
      this.decide('not-moved', 'one frame does not move a session');
      this.forget();
    }
  }

  private answered(verdict: AaaVerdict, now: Instant): void {
    switch (verdict.type) {
      case 'aaa-challenge':
        this.challenged(verdict.eap, now);
        break;
      case 'aaa-accept':
        this.unanswered = 0;
        this.accepted(verdict.authorization, now);
        break;
      case 'aaa-reject':
        this.unanswered = 0;
        this.refused(verdict.replyMessage, now, verdict.reason);
        break;
      case 'aaa-timeout':
        this.unanswered += 1;
        this.noServer(now);
        break;
      default:
        assertNever(verdict);
    }
  }

  /** RFC 2865 §4.4: a challenge that cannot be answered is a reject. */
  private challenged(eap: Uint8Array | undefined, now: Instant): void {
    const { state } = this;
    if (state.name !== 'ASKING') return;
    const answer = eap === undefined || state.rounds >= MOST_ROUNDS ? undefined : responseTo(eap, this.peer);
    if (answer === undefined || this.settings.authentication !== 'eap-md5') {
      this.refused('the server wants more than a MAC has to say', now);
      return;
    }
    const ref = this.nextRef();
    this.state = { ...state, ref, rounds: state.rounds + 1 };
    this.add({ type: 'ask', ref, first: false, rank: this.rank, userName: this.userName, eap: answer });
  }

  private accepted(authorization: Authorization, now: Instant): void {
    const { authenticated } = this;
    this.decide('accepted', `${authorization.server} accepted ${this.userName} by MAB`, true);
    if (authenticated) {
      this.enterAuthenticated(now);
      this.add({ type: 'reauthenticated', authorization });
      return;
    }
    const ref = this.nextRef();
    this.state = { name: 'GRANTING', ref };
    this.add({ type: 'accepted', ref, authorization });
  }

  private refused(
    replyMessage: string | undefined,
    now: Instant,
    reason: 'access-reject' | 'unencodable' = 'access-reject',
  ): void {
    const said = replyMessage === undefined ? '' : `: ${printable(utf8(replyMessage))}`;
    const message = replyMessage === undefined ? {} : { replyMessage };
    const { authenticated } = this;
    this.decide('rejected', `MAB ${reason}${said}`);
    this.quiet(this.settings.quietPeriod, reason, now);
    if (authenticated)
      this.add({ type: 'ended', cause: 'reauth-failed', detail: replyMessage ?? 'MAB refused' });
    else this.add({ type: 'rejected', reason, ...message });
  }

  /** No server's word is no reject: a session outlives its servers, and a newcomer is asked about again soon. */
  private noServer(now: Instant): void {
    this.decide('no-server', `no server answered about ${this.userName}`);
    if (this.authenticated) {
      this.enterAuthenticated(now, serverBackOff(this.unanswered, SERVER_RETRY_CEILING));
      this.add({ type: 'unanswered' });
      return;
    }
    this.quiet(serverBackOff(this.unanswered, this.settings.quietPeriod), 'no-server', now);
    this.add({ type: 'rejected', reason: 'no-server' });
  }

  private granted(error: string | undefined, now: Instant): void {
    if (error === undefined) {
      this.enterAuthenticated(now);
      return;
    }
    this.decide('grant-failed', error);
    this.quiet(SERVER_RETRY_PERIOD, 'grant-failed', now);
    this.add({ type: 'rejected', reason: 'grant-failed' });
  }

  private reauthenticate(by: ReauthBy): void {
    const { state } = this;
    if (state.name === 'AUTHENTICATED') this.ask(true);
    else if ((state.name === 'QUIET' || state.name === 'WAITING') && by === 'admin') this.ask(false);
  }

  /** The word of 802.1X counts for more, where it has priority. */
  private dot1xFailed(now: Instant): void {
    const { priority, afterDot1xFailure, quietPeriod } = this.settings;
    const { state } = this;
    if (state.name === 'WAITING') {
      if (afterDot1xFailure) this.state = { name: 'WAITING', until: now };
      return;
    }
    if (!this.authenticated || priority[0] === 'mab') return;
    if (afterDot1xFailure) {
      if (state.name === 'AUTHENTICATED') this.ask(true);
      return;
    }
    this.cancel();
    this.decide('ended', '802.1X refused the client, and has priority');
    this.quiet(quietPeriod, 'dot1x-failed', now);
    this.add({ type: 'ended', cause: 'reauth-failed', detail: '802.1X refused the client' });
  }

  private configure(settings: MabSettings): void {
    const changed = settings.reAuthPeriod !== this.settings.reAuthPeriod;
    this.settings = settings;
    const { state } = this;
    if (!changed || state.name !== 'AUTHENTICATED') return;
    const due = this.reAuthDue(state.since);
    this.state = { ...state, reAuthWhen: this.unanswered > 0 ? earliest(state.reAuthWhen, due) : due };
  }

  // Entry actions.

  private ask(session: boolean): void {
    const { rank } = this;
    const ref = this.nextRef();
    this.state = { name: 'ASKING', ref, rounds: 0, session };
    this.decide('began', `MAB asks about ${this.userName}`, true);
    const eap = this.settings.authentication === 'eap-md5' ? { eap: firstResponse(this.peer) } : {};
    this.add({ type: 'ask', ref, first: true, rank, userName: this.userName, ...eap });
  }

  private enterAuthenticated(now: Instant, retryIn?: Millis): void {
    const reAuthWhen = retryIn === undefined ? this.reAuthDue(now) : after(now, retryIn);
    this.state = { name: 'AUTHENTICATED', since: now, reAuthWhen };
  }

  private quiet(period: Millis, reason: QuietReason, now: Instant): void {
    this.state = { name: 'QUIET', since: now, until: after(now, period), reason };
  }

  private wait(period: Millis, now: Instant): void {
    this.state = { name: 'WAITING', until: after(now, period) };
  }

  private forget(): void {
    this.state = { name: 'FORGOTTEN' };
  }

  private cancel(): void {
    if (this.state.name === 'ASKING') this.add({ type: 'cancel' });
  }

  private reAuthDue(from: Instant): Instant {
    const { reAuthPeriod } = this.settings;
    return reAuthPeriod > 0 ? after(from, reAuthPeriod) : NEVER;
  }

  private get userName(): string {
    return spellMac(this.mac, this.settings.userName);
  }

  /** Who the server is told that the device is. */
  get peer(): MabPeer {
    return { userName: utf8(this.userName), password: utf8(this.settings.password ?? this.userName) };
  }

  private nextRef(): PaeRef {
    this.lastRef += 1;
    return this.lastRef;
  }

  private decide(what: string, detail: string, step = false): void {
    this.add({ type: 'decision', what, detail, step });
  }

  private add(effect: MabEffect): void {
    this.effects.push(effect);
  }
}
