// The authenticator of one client, a MAC on a port: Authenticator PACP (pacp.ts, IEEE 802.1X-2020 §8.9) over EAP
// pass-through (eap-passthrough.ts, RFC 4137 §7). events.ts has the contract; read that first.
//
// Here is what neither standard has, because it lies between them: the refs that tie an answer to its question, the wait
// for the table write, what a session's end says to whom, and repeated EAPOL-Starts. A port that is not `auto` has no clients:
// whoever is on it when that is set is dropped by the agent, and on the wire such a port is silent.
//
// Promises: at most one question to the server and one table write outstanding; no session without an Accept and a table
// write after it; nothing thrown, whatever the octets. Memory: one EAP packet and two identities of 253 octets at most.
// Whoever drops a client object early takes back its question to the server, too.

import { bytesEqual } from '../base/bytes.ts';
import { assertNever } from '../base/result.ts';
import { earliest, type Instant, NEVER } from '../base/time.ts';
import type { Authorization } from '../model/authorization.ts';
import type { Proof } from '../model/kept.ts';
import { type EapInput, type EapOutput, EapPassThrough } from './eap-passthrough.ts';
import { EffectList } from './effect-list.ts';
import type { PaeEffect, PaeEvent, PaeRef, ReauthBy } from './events.ts';
import { printable } from './identity.ts';
import { Pacp, type PacpCondition } from './pacp.ts';
import type { PaeSettings } from './settings.ts';
import { StartGate } from './start.ts';

const NOBODY = new Uint8Array(0);

export interface ClientOptions {
  readonly settings: PaeSettings;
  /** Where this client's identifiers begin, 0..255; random, so that a restart of ours does not repeat them. */
  readonly firstIdentifier: number;
  /** Of a client that an earlier run of ours has let in; its identifiers go on where they were. */
  readonly proof?: Proof;
}

/** A table write that was asked for: which, and for what. */
interface Granting {
  readonly ref: PaeRef;
  /** The client logged off while it ran: the session ends as soon as it stands. */
  loggedOff?: true;
}

export class AuthenticatorClient {
  private readonly pacp: Pacp;
  private readonly eap: EapPassThrough;
  private lastRef: PaeRef = 0;
  private serverRef: PaeRef | undefined;
  private granting: Granting | undefined;
  /** Given in the exchange that runs, or in the last one. */
  private identity: Uint8Array = NOBODY;
  /** Given when the session was made or last renewed. */
  private sessionIdentity: Uint8Array = NOBODY;
  private readonly starts = new StartGate();
  private replyMessage: string | undefined;
  private readonly effects = new EffectList();

  constructor(options: ClientOptions) {
    const { settings, proof } = options;
    this.pacp = new Pacp(settings, proof);
    this.eap = new EapPassThrough(settings, proof?.identifier ?? options.firstIdentifier);
    this.sessionIdentity = this.identity = proof?.identity ?? NOBODY;
  }

  pollAt(): Instant {
    return earliest(this.eap.pollAt(), this.pacp.pollAt());
  }

  /** §8.4 authenticated: the client has a session. */
  get authenticated(): boolean {
    return this.pacp.authenticated;
  }

  /** To be kept for the next run; undefined where there is no session. */
  get proof(): Proof | undefined {
    if (!this.pacp.authenticated) return undefined;
    return { ...this.pacp.proof, identity: this.sessionIdentity, identifier: this.eap.identifier };
  }

  /** A `probe` would send a request: it has a session, and it is not the server's turn. */
  get canBeProbed(): boolean {
    return this.pacp.authenticated && this.eap.canAsk;
  }

  /** Nothing is pending and nothing needs remembering: the object may be thrown away. */
  isForgettable(): boolean {
    return this.pacp.current === 'UNAUTHENTICATED';
  }

  /** Without a session and with no sign of a supplicant yet: the first to go when there are too many. */
  isSilent(): boolean {
    return !this.pacp.authenticated && this.eap.current.name === 'IDLE';
  }

  /** How far the client has come, for MAB, which waits for it. */
  get standing(): 'absent' | 'silent' | 'talking' | 'held' {
    if (this.isForgettable()) return 'absent';
    if (this.pacp.current === 'HELD') return 'held';
    return this.isSilent() ? 'silent' : 'talking';
  }

  /** For the logout machine, where the agent ends the session: an EAP-Failure that this client takes for its own. */
  buildFailure(): Uint8Array {
    return this.eap.buildFailure();
  }

  /** One line for `rollcall explain`. */
  describe(now: Instant): string {
    const due = this.pollAt();
    const wait = due === NEVER ? '' : `, next step in ${Math.max(0, Math.ceil((due - now) / 1000))} s`;
    const session = this.pacp.authenticated ? ', has a session' : '';
    return `${this.pacp.current} (EAP ${this.eap.current.name})${session}${wait}`;
  }

  handle(event: PaeEvent, now: Instant): readonly PaeEffect[] {
    switch (event.type) {
      case 'eapol-start':
        this.effects.count('eapol-start-frames-rx');
        this.onStart(now);
        break;
      case 'eapol-logoff':
        this.effects.count('eapol-logoff-frames-rx');
        this.onLogoff(now);
        break;
      case 'eap-response':
        this.effects.count('eapol-eap-frames-rx');
        this.stepEap({ type: 'eapResp', packet: event.packet }, now);
        break;
      case 'solicited-response':
        this.effects.count('eapol-eap-frames-rx');
        this.onSolicited(event.packet, now);
        break;
      case 'aaa-challenge':
        if (this.answers(event.ref)) this.stepEap({ ...event, type: 'aaaEapReq' }, now);
        break;
      case 'aaa-accept':
        if (this.answers(event.ref)) this.onAccept(event, now);
        break;
      case 'aaa-reject':
        if (!this.answers(event.ref)) break;
        this.replyMessage = event.replyMessage;
        this.stepEap({ ...event, type: 'aaaFail' }, now);
        break;
      case 'aaa-timeout':
        if (this.answers(event.ref)) this.stepEap({ type: 'aaaTimeout' }, now);
        break;
      case 'grant-done':
        this.onGrantDone(event.ref, event.error, now);
        break;
      case 'reauthenticate':
        this.onReauthenticate(event.by, now);
        break;
      case 'probe':
        if (this.canBeProbed) this.stepEap({ type: 'probe' }, now);
        break;
      case 'session-ended':
        if (this.granting === undefined && !this.pacp.authenticated) break;
        this.granting = undefined;
        this.stepPacp('revoke', now);
        break;
      case 'session-replaced':
        if (this.granting !== undefined) this.pacp.sessionReplaced();
        break;
      case 'session-found':
        this.pacp.resume(event.proof);
        this.sessionIdentity = event.proof.identity ?? NOBODY;
        break;
      case 'settings':
        this.pacp.configure(event.settings);
        this.eap.configure(event.settings);
        break;
      case 'tick':
        this.stepPacp('timer', now);
        this.stepEap({ type: 'timer' }, now);
        break;
      default:
        assertNever(event);
    }
    return this.effects.take();
  }

  // What the client sends.

  private onStart(now: Instant): void {
    const verdict = this.starts.judge(this.pacp, this.eap.current, now);
    if (verdict === 'restart') this.stepPacp('eapolStart', now);
    else if (verdict === 'repeat-identity') this.stepEap({ type: 'repeatIdentity' }, now);
    else this.effects.count('start-duplicate');
  }

  private onLogoff(now: Instant): void {
    if (this.granting !== undefined) {
      this.logOffWhile(this.granting);
      return;
    }
    const hadSession = this.pacp.authenticated;
    const wasTrying = this.pacp.current === 'AUTHENTICATING';
    this.stepPacp('eapolLogoff', now);
    if (hadSession) {
      this.effects.end('supplicant-logoff', this.eap.buildFailure(), 'EAPOL-Logoff from the client');
    } else if (wasTrying) this.effects.decide('abandoned', 'EAPOL-Logoff during authentication');
  }

  /**
   * The session that there is ends at once (§8.4: Logoff is immediate). What is being written may be another one: it stands
   * first, and then goes by the one way out; if it was for the session that ends, `session-ended` follows and makes it void.
   */
  private logOffWhile(granting: Granting): void {
    granting.loggedOff = true;
    if (!this.pacp.authenticated) return;
    this.pacp.sessionReplaced();
    const detail = 'EAPOL-Logoff while another word was carried out';
    this.effects.end('supplicant-logoff', this.eap.buildFailure(), detail);
  }

  private onSolicited(packet: Uint8Array, now: Instant): void {
    const waiting = this.eap.current.name;
    if (this.pacp.current === 'HELD') this.effects.count('eap-unsolicited');
    else if (this.pacp.current !== 'AUTHENTICATING') this.stepPacp('rxIdentity', now, packet);
    // Asked twice at the same time, by the port and by name: either answer will do.
    else if (waiting === 'IDLE') this.stepEap({ type: 'rxIdentity', packet }, now);
    else this.stepEap({ type: 'eapResp', packet }, now);
  }

  // What the server and the table answer.

  private answers(ref: PaeRef): boolean {
    if (ref === this.serverRef) {
      this.serverRef = undefined;
      return true;
    }
    this.effects.count('aaa-stale');
    return false;
  }

  private onAccept(
    event: { readonly eap?: Uint8Array; readonly authorization: Authorization },
    now: Instant,
  ): void {
    this.replyMessage = event.authorization.replyMessage;
    this.stepEap({ ...event, type: 'aaaSuccess' }, now);
    if (this.eap.current.name !== 'SUCCESS2') return;
    const ref = this.nextRef();
    this.granting = { ref };
    const { authorization } = event;
    const { identity } = this;
    this.effects.decide('accepted', `${authorization.server} accepted ${printable(identity)}`);
    if (this.pacp.authenticated) {
      const sameIdentity = bytesEqual(identity, this.sessionIdentity);
      this.effects.add({ type: 'reauthenticated', ref, authorization, identity, sameIdentity });
    } else {
      this.effects.add({ type: 'accepted', ref, authorization, identity });
    }
  }

  private onGrantDone(ref: PaeRef, error: string | undefined, now: Instant): void {
    const granting = this.granting;
    if (granting === undefined || granting.ref !== ref) {
      this.effects.count('grant-stale');
      return;
    }
    this.granting = undefined;
    const { loggedOff = false } = granting;
    if (error !== undefined) {
      this.effects.decide('grant-failed', error);
      // Who has left meanwhile is not refused, and may come back at once.
      if (loggedOff) this.stepPacp('revoke', now);
      else this.stepEap({ type: 'granted', ok: false }, now);
      return;
    }
    this.sessionIdentity = this.identity;
    if (!loggedOff) {
      this.stepEap({ type: 'granted', ok: true }, now);
      return;
    }
    this.stepPacp('revoke', now);
    this.effects.end('supplicant-logoff', this.eap.buildFailure(), 'came while the grant was written');
  }

  // What the agent wants.

  private onReauthenticate(by: ReauthBy, now: Instant): void {
    if (this.pacp.current === 'AUTHENTICATING') return;
    this.stepPacp(by === 'admin' ? 'reAuthenticateNow' : 'reAuthenticate', now);
  }

  // The two machines, joined.

  private stepPacp(condition: PacpCondition, now: Instant, packet?: Uint8Array): void {
    for (const action of this.pacp.step(condition, now)) {
      if (action.do === 'count') this.effects.count(action.counter);
      else if (action.do === 'eapStop') this.stepEap({ type: 'stop' }, now);
      else if (action.do === 'reAuthDue') this.effects.add({ type: 'reauthentication-due' });
      else {
        this.starts.began(now);
        this.effects.decide('began', condition);
        this.stepEap(packet === undefined ? { type: 'start' } : { type: 'rxIdentity', packet }, now);
      }
    }
  }

  private stepEap(input: EapInput, now: Instant): void {
    for (const output of this.eap.step(input, now)) this.route(output, now);
  }

  private route(output: EapOutput, now: Instant): void {
    const hadSession = this.pacp.authenticated;
    switch (output.signal) {
      case 'eapReq':
        this.effects.send(output.data);
        break;
      case 'aaaEapResp':
        this.ask(output.eap, output.identity);
        break;
      case 'aaaCancel':
        if (this.serverRef !== undefined)
          this.effects.add({ type: 'cancel-server', ref: this.serverRef, reason: output.reason });
        this.serverRef = undefined;
        break;
      case 'eapSuccess':
        this.stepPacp('eapSuccess', now);
        this.effects.send(output.data);
        break;
      case 'eapFail':
        this.stepPacp('eapFail', now);
        this.effects.fail(output, hadSession, this.replyMessage);
        break;
      case 'probeAnswered':
        this.stepPacp('rxIdentity', now, output.packet);
        break;
      case 'eapTimeout':
        this.stepPacp('eapTimeout', now);
        if (this.pacp.current !== 'UNAUTHENTICATED') break;
        this.effects.decide('silent', 'the client did not answer');
        if (hadSession) {
          this.effects.end('reauth-failed', this.eap.buildFailure(), 'no answer to the reauthentication');
        } else this.effects.add({ type: 'rejected', reason: 'client-silent' });
        break;
      case 'aaaTimeout':
        this.stepPacp('aaaTimeout', now);
        this.effects.decide('no-server', this.describe(now));
        if (hadSession) {
          this.effects.add({ type: 'unanswered' });
          break;
        }
        this.effects.send(output.data);
        this.effects.add({ type: 'rejected', reason: 'no-server' });
        break;
      case 'count':
        this.effects.count(output.counter);
        break;
      default:
        assertNever(output);
    }
  }

  private ask(eap: Uint8Array, identity: Uint8Array | undefined): void {
    if (identity !== undefined) {
      // A copy: the octets are a view of a whole frame.
      this.identity = Uint8Array.from(identity);
      this.effects.decide('identity', printable(identity));
    }
    const ref = this.nextRef();
    this.serverRef = ref;
    const first = identity !== undefined;
    this.effects.add({ type: 'ask-server', ref, identity: this.identity, eap, first });
  }

  private nextRef(): PaeRef {
    this.lastRef += 1;
    return this.lastRef;
  }
}
