// The EAP pass-through authenticator of one client: RFC 4137 §7 (Figure 7) with the Identity as its only local method,
// RFC 3579 §2 for the server's side. It relays: of a packet it looks at code, identifier, length and type, and at
// nothing behind the type but the octets of an Identity. Fragments of any method pass as they are.
//
// Only states that wait are states here; RFC 4137's others (SELECT_ACTION, PROPOSE_METHOD, METHOD_REQUEST, SEND_REQUEST,
// RECEIVED, INTEGRITY_CHECK, METHOD_RESPONSE, INITIALIZE_PASSTHROUGH, AAA_REQUEST, AAA_RESPONSE, SEND_REQUEST2,
// RETRANSMIT, DISCARD and their twins) are passed through within one step and are named where that happens.
//
// Bound: one step makes at most two transitions and three outputs. One packet is kept, the outstanding request.

import { after, type Instant, type Millis, millis, NEVER, seconds } from '../base/time.ts';
import type { CancelReason } from '../model/authorization.ts';
import {
  buildFailure,
  buildIdentityRequest,
  buildSuccess,
  decodeEap,
  EAP_FAILURE,
  EAP_REQUEST,
  EAP_RESPONSE,
  EAP_SUCCESS,
  EAP_TYPE_IDENTITY,
  type EapPacket,
  encodeEap,
} from '../wire/eap.ts';
import type { PaeCounter, PaeDrop } from './counters.ts';
import type { RejectReason } from './events.ts';
import { IDENTITY_MAX_OCTETS } from './identity.ts';
import type { PaeSettings } from './settings.ts';

/**
 * Requests of the server's in one exchange. RFC 3748 knows no limit, and a client could go on for ever with fragments of a
 * message that never ends (RFC 5216 §2.1.5). The largest one there is, 64 kB in fragments of 1,000 octets, takes 66 each way.
 */
export const MOST_ROUNDS = 200;
/**
 * Session-Timeout of a Challenge (RFC 3580 §3.17) counts up to this, or to suppTimeout where that is longer. It is for people who have
 * to type; servers also send that of the session by mistake, and one lost frame would then wait for hours.
 */
export const MOST_METHOD_TIMEOUT = seconds(120);

/** A request that waits for its response: sent `retransCount` times again, next at `retransWhile`. */
interface Outstanding {
  /** Repeated octet by octet (RFC 3748 §4.3). */
  readonly lastReqData: Uint8Array;
  readonly retransCount: number;
  readonly retransWhile: Instant;
}

export type EapState =
  | { readonly name: 'DISABLED' }
  /** The Identity is asked. */
  | ({ readonly name: 'IDLE' } & Outstanding)
  /** The server is asked. `aaaWhile` is serverTimeout running; the RFC leaves it to the AAA layer. */
  | { readonly name: 'AAA_IDLE'; readonly aaaWhile: Instant; readonly rounds: number }
  /** A request of the server's is out; `methodTimeout` is suppTimeout, or what the Challenge said. */
  | ({ readonly name: 'IDLE2'; readonly methodTimeout: Millis; readonly rounds: number } & Outstanding)
  /**
   * Not of the RFC: the Identity was asked to see whether somebody is there. No exchange runs, so nothing is sent again
   * and silence means nothing here: who probes, counts. An answer begins an exchange.
   */
  | { readonly name: 'PROBED' }
  /**
   * The server accepted. Deviation: the RFC sends EAP-Success on entry; here it waits for the table write, so that a
   * client never hears Success from a port that does not let it through.
   */
  | { readonly name: 'SUCCESS2'; readonly eapReqData: Uint8Array }
  | { readonly name: 'FAILURE2' }
  | { readonly name: 'TIMEOUT_FAILURE' };

export type EapInput =
  /** eapRestart: ask for the Identity. */
  | { readonly type: 'start' }
  /** eapRestart with the answer at hand: a Response/Identity to the port's multicast request. */
  | { readonly type: 'rxIdentity'; readonly packet: Uint8Array }
  | { readonly type: 'stop' }
  | { readonly type: 'eapResp'; readonly packet: Uint8Array }
  | { readonly type: 'aaaEapReq'; readonly eap?: Uint8Array; readonly sessionTimeout?: Millis }
  | { readonly type: 'aaaSuccess'; readonly eap?: Uint8Array }
  | { readonly type: 'aaaFail'; readonly eap?: Uint8Array; readonly reason?: 'unencodable' }
  | { readonly type: 'aaaTimeout' }
  | { readonly type: 'granted'; readonly ok: boolean }
  /** The client asked again to be asked: the outstanding Identity request goes out once more, timers as they are. */
  | { readonly type: 'repeatIdentity' }
  /** One request whatever comes of it; none while it is the server's turn (RFC 3748 §2: one at a time). */
  | { readonly type: 'probe' }
  | { readonly type: 'timer' };

type FailReason = Extract<
  RejectReason,
  'access-reject' | 'unencodable' | 'contradictory-accept' | 'too-many-rounds' | 'grant-failed'
>;

export type EapOutput =
  /** eapReq: send to the client. */
  | { readonly signal: 'eapReq'; readonly data: Uint8Array }
  /** aaaEapResp: ask the server; `identity` is present in the first of an exchange. */
  | { readonly signal: 'aaaEapResp'; readonly eap: Uint8Array; readonly identity?: Uint8Array }
  /** The server's answer is not waited for any more. */
  | { readonly signal: 'aaaCancel'; readonly reason: CancelReason }
  | { readonly signal: 'eapSuccess'; readonly data: Uint8Array }
  | {
      readonly signal: 'eapFail';
      readonly data: Uint8Array;
      readonly reason: FailReason;
    }
  /** A Response/Identity to a probe: an exchange may begin with it. */
  | { readonly signal: 'probeAnswered'; readonly packet: Uint8Array }
  /** The supplicant is silent. */
  | { readonly signal: 'eapTimeout' }
  /** No verdict: no server answered, or with nothing to relay. `data` is an EAP-Failure for who has no session. */
  | { readonly signal: 'aaaTimeout'; readonly data: Uint8Array }
  | { readonly signal: 'count'; readonly counter: PaeCounter };

export class EapPassThrough {
  private state: EapState = { name: 'DISABLED' };
  /** Identifier of the last request, and so of the response that is being answered. */
  private currentId: number;

  constructor(
    private settings: PaeSettings,
    firstIdentifier: number,
  ) {
    this.currentId = firstIdentifier & 0xff;
  }

  get current(): EapState {
    return this.state;
  }

  /** Timers that run end as they were begun. */
  configure(settings: PaeSettings): void {
    this.settings = settings;
  }

  pollAt(): Instant {
    const state = this.state;
    if (state.name === 'IDLE' || state.name === 'IDLE2') return state.retransWhile;
    return state.name === 'AAA_IDLE' ? state.aaaWhile : NEVER;
  }

  /** Of the last request; what Success and Failure repeat. */
  get identifier(): number {
    return this.currentId;
  }

  /** A request can go out now: it is not the server's turn. */
  get canAsk(): boolean {
    return this.state.name !== 'AAA_IDLE' && this.state.name !== 'SUCCESS2';
  }

  /** An EAP-Failure with the identifier that this client expects one to have (RFC 3748 §4.2). */
  buildFailure(): Uint8Array {
    return buildFailure(this.currentId);
  }

  step(input: EapInput, now: Instant): readonly EapOutput[] {
    switch (input.type) {
      case 'start':
        return this.enterIdentity(now);
      case 'rxIdentity':
        return this.identityAtHand(input.packet, now);
      case 'stop':
        return this.transition({ name: 'DISABLED' });
      case 'eapResp':
        return this.received(input.packet, now);
      case 'aaaEapReq':
        return this.state.name === 'AAA_IDLE' ? this.aaaRequest(input, this.state.rounds + 1, now) : [];
      case 'aaaSuccess':
        return this.state.name === 'AAA_IDLE' ? this.aaaSuccess(input.eap) : [];
      case 'aaaFail':
        return this.state.name === 'AAA_IDLE' ? this.aaaFail(input.eap, input.reason) : [];
      case 'aaaTimeout':
        return this.state.name === 'AAA_IDLE' ? this.noVerdict() : [];
      case 'granted':
        return this.state.name === 'SUCCESS2' ? this.granted(input.ok, this.state.eapReqData) : [];
      case 'repeatIdentity':
        return this.state.name === 'IDLE' ? this.repeat(this.state) : [];
      case 'probe':
        return this.probe();
      case 'timer':
        return this.timer(now);
    }
  }

  /** The only writer of state. Leaving AAA_IDLE without the server's answer voids the question. */
  private transition(next: EapState, answered = false): EapOutput[] {
    const cancels = this.state.name === 'AAA_IDLE' && !answered;
    this.state = next;
    return cancels ? [{ signal: 'aaaCancel', reason: 'void' }] : [];
  }

  /** INITIALIZE, SELECT_ACTION, PROPOSE_METHOD (Identity), METHOD_REQUEST, SEND_REQUEST, then IDLE. */
  private enterIdentity(now: Instant): EapOutput[] {
    // RFC 3748 §4.1: a new request differs from the one before it.
    this.currentId = (this.currentId + 1) & 0xff;
    const lastReqData = buildIdentityRequest(this.currentId);
    const retransWhile = after(now, this.settings.txPeriod);
    const outputs = this.transition({
      name: 'IDLE',
      lastReqData,
      retransCount: 0,
      retransWhile,
    });
    return [...outputs, { signal: 'eapReq', data: lastReqData }];
  }

  /** As if IDLE had waited for it. A packet that will not do leaves things as they are, or has the Identity asked. */
  private identityAtHand(packet: Uint8Array, now: Instant): EapOutput[] {
    const eap = decodeEap(packet);
    const outputs =
      eap.ok && eap.value.code === EAP_RESPONSE
        ? this.receivedIdentity(eap.value, now)
        : dropped(eap.ok ? 'eap-not-a-response' : 'eap-malformed');
    return this.state.name === 'AAA_IDLE' || this.state.name === 'IDLE'
      ? outputs
      : [...outputs, ...this.enterIdentity(now)];
  }

  /** RECEIVED and RECEIVED2: what came from the client, judged by the state that waits for it. */
  private received(packet: Uint8Array, now: Instant): EapOutput[] {
    const decoded = decodeEap(packet);
    if (!decoded.ok) return dropped('eap-malformed');
    const eap = decoded.value;
    // Role reversal (RFC 3579 §2.6.1) and re-authentication by EAP-Initiate (RFC 6696) are not offered.
    if (eap.code !== EAP_RESPONSE) return dropped('eap-not-a-response');
    switch (this.state.name) {
      case 'IDLE':
        if (eap.identifier !== this.currentId) return dropped('eap-wrong-identifier');
        return this.receivedIdentity(eap, now);
      case 'IDLE2':
        // DISCARD2 leaves the timer as it runs.
        if (eap.identifier !== this.currentId) return dropped('eap-wrong-identifier');
        return this.enterAaaIdle(eap, now, { rounds: this.state.rounds });
      case 'PROBED':
        if (eap.identifier !== this.currentId) return dropped('eap-wrong-identifier');
        if (eap.type !== EAP_TYPE_IDENTITY) return dropped('eap-unexpected-type');
        return [{ signal: 'probeAnswered', packet }];
      case 'AAA_IDLE':
      case 'SUCCESS2':
        return dropped('eap-while-server-asked');
      case 'DISABLED':
      case 'FAILURE2':
      case 'TIMEOUT_FAILURE':
        return dropped('eap-unsolicited');
    }
  }

  /** INTEGRITY_CHECK, METHOD_RESPONSE, SELECT_ACTION (PASSTHROUGH), INITIALIZE_PASSTHROUGH, AAA_REQUEST, AAA_IDLE. */
  private receivedIdentity(eap: EapPacket, now: Instant): EapOutput[] {
    if (eap.type !== EAP_TYPE_IDENTITY) return dropped('eap-unexpected-type');
    if (eap.data.length > IDENTITY_MAX_OCTETS) return dropped('eap-identity-too-long');
    this.currentId = eap.identifier;
    return this.enterAaaIdle(eap, now, { rounds: 0, identity: eap.data.slice() });
  }

  /** AAA_REQUEST, AAA_IDLE. What goes up are the octets that Length covers, without the frame's padding. */
  private enterAaaIdle(
    eap: EapPacket,
    now: Instant,
    { rounds, identity }: { readonly rounds: number; readonly identity?: Uint8Array },
  ): EapOutput[] {
    const aaaWhile = after(now, this.settings.serverTimeout);
    const outputs = this.transition({ name: 'AAA_IDLE', aaaWhile, rounds });
    const asked = { signal: 'aaaEapResp', eap: encodeEap(eap) } as const;
    return [...outputs, identity === undefined ? asked : { ...asked, identity }];
  }

  /** AAA_RESPONSE, SEND_REQUEST2, IDLE2. */
  private aaaRequest(
    input: { readonly eap?: Uint8Array; readonly sessionTimeout?: Millis },
    rounds: number,
    now: Instant,
  ): EapOutput[] {
    if (rounds > MOST_ROUNDS) return this.enterFailure(undefined, 'too-many-rounds');
    const eap = input.eap === undefined ? undefined : decodeEap(input.eap);
    if (input.eap === undefined || !eap?.ok || eap.value.code !== EAP_REQUEST) {
      // A Challenge without a request to relay leaves nothing to wait for, and it is no verdict.
      return [...dropped('aaa-bad-challenge'), ...this.noVerdict()];
    }
    this.currentId = eap.value.identifier;
    const said = input.sessionTimeout ?? 0;
    const { suppTimeout } = this.settings;
    const longest = Math.max(suppTimeout, MOST_METHOD_TIMEOUT);
    const methodTimeout = said > 0 ? millis(Math.min(said, longest)) : suppTimeout;
    const lastReqData = Uint8Array.from(input.eap);
    const retransWhile = after(now, methodTimeout);
    this.transition(
      { name: 'IDLE2', lastReqData, methodTimeout, rounds, retransCount: 0, retransWhile },
      true,
    );
    return [{ signal: 'eapReq', data: lastReqData }];
  }

  private aaaSuccess(eap: Uint8Array | undefined): EapOutput[] {
    // RFC 3579 §2.6.3 leaves contradictions to the server. Ours is the safe reading of them: whatever says no, counts.
    if (eap !== undefined && codeOf(eap) !== EAP_SUCCESS) {
      return this.enterFailure(codeOf(eap) === EAP_FAILURE ? eap : undefined, 'contradictory-accept');
    }
    const eapReqData = eap ?? buildSuccess(this.currentId);
    return this.transition({ name: 'SUCCESS2', eapReqData }, true);
  }

  private aaaFail(eap: Uint8Array | undefined, reason: FailReason = 'access-reject'): EapOutput[] {
    // A Reject that carries EAP-Success is not relayed: the client would believe that it is in.
    return this.enterFailure(eap !== undefined && codeOf(eap) === EAP_FAILURE ? eap : undefined, reason);
  }

  /** FAILURE2. */
  private enterFailure(eap: Uint8Array | undefined, reason: FailReason): EapOutput[] {
    this.transition({ name: 'FAILURE2' }, true);
    return [{ signal: 'eapFail', data: eap ?? this.buildFailure(), reason }];
  }

  private granted(ok: boolean, eapReqData: Uint8Array): EapOutput[] {
    if (!ok) return this.enterFailure(undefined, 'grant-failed');
    this.transition({ name: 'DISABLED' });
    return [{ signal: 'eapSuccess', data: eapReqData }];
  }

  /** TIMEOUT_FAILURE by the server's fault (aaaTimeout). */
  private noVerdict(): EapOutput[] {
    this.transition({ name: 'TIMEOUT_FAILURE' }, true);
    return [{ signal: 'aaaTimeout', data: this.buildFailure() }];
  }

  /** The outstanding request, octet by octet; its timer stays as it runs. */
  private repeat({ lastReqData }: Outstanding): EapOutput[] {
    return [{ signal: 'eapReq', data: lastReqData }];
  }

  private probe(): EapOutput[] {
    const { state } = this;
    if (!this.canAsk) return [];
    if (state.name === 'IDLE' || state.name === 'IDLE2') return this.repeat(state);
    this.currentId = (this.currentId + 1) & 0xff;
    this.transition({ name: 'PROBED' });
    return [{ signal: 'eapReq', data: buildIdentityRequest(this.currentId) }];
  }

  private timer(now: Instant): EapOutput[] {
    const state = this.state;
    if (now < this.pollAt()) return [];
    switch (state.name) {
      case 'AAA_IDLE':
        return [{ signal: 'aaaCancel', reason: 'unanswered' }, ...this.noVerdict()];
      case 'IDLE':
        return this.retransmit(state, this.settings.txPeriod, now);
      case 'IDLE2':
        return this.retransmit(state, state.methodTimeout, now);
      case 'DISABLED':
      case 'PROBED':
      case 'SUCCESS2':
      case 'FAILURE2':
      case 'TIMEOUT_FAILURE':
        return [];
    }
  }

  /** RETRANSMIT, RETRANSMIT2: MaxRetrans is maxReq; beyond it TIMEOUT_FAILURE. */
  private retransmit(
    state: Extract<EapState, { name: 'IDLE' | 'IDLE2' }>,
    period: Millis,
    now: Instant,
  ): EapOutput[] {
    if (state.retransCount >= this.settings.maxReq) {
      this.transition({ name: 'TIMEOUT_FAILURE' });
      return [{ signal: 'eapTimeout' }];
    }
    this.transition({
      ...state,
      retransCount: state.retransCount + 1,
      retransWhile: after(now, period),
    });
    return [
      { signal: 'count', counter: 'eap-requests-retransmitted' },
      { signal: 'eapReq', data: state.lastReqData },
    ];
  }
}

function codeOf(eap: Uint8Array): number | undefined {
  const decoded = decodeEap(eap);
  return decoded.ok ? decoded.value.code : undefined;
}

function dropped(counter: PaeDrop): EapOutput[] {
  return [{ signal: 'count', counter }];
}
