// The one way out. Every session that ends, for whatever cause, ends through this machine, in this order:
//
//   (1) grant cleared and verified   'clear-grant'  answered by  'relocked' or 'relock-failed'
//   (2) EAP-Failure                  'eap-failure'  where the client speaks EAP and does not know
//   (3) Accounting-Stop              'stop'         answered by  'stop-stored' once it is durable
//   (4) retained state cleared,      'report-end'
//       one session-end event
//
// The order is the promise: nobody hears of an end before the port is locked again, and nobody upstream is told
// before the Stop can no longer be lost. One thing is stronger than the order: a relock that fails raises an alarm
// and is retried by `authz` for as long as it takes, but it never withholds the Stop.
// Where the client goes on under another session, its entry is handed over, not cleared: no frame of it is lost between
// the two. There is nothing to prove then, and the record says so (0 tries).
// The machine is bounded: each event is taken once, in one state; what does not belong is ignored.

import { assertNever } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { EndCause } from '../model/cause.ts';
import type { EndEvidence } from '../model/session.ts';

/** What was known and decided at the moment of the decision. */
export interface EndDecision {
  readonly cause: EndCause;
  readonly at: Instant;
  readonly evidence: EndEvidence;
  /** For people: who asked, which timer, what the server said. */
  readonly detail?: string;
  /** An SSO Stop's own Acct-Terminate-Cause. */
  readonly foreignCause?: number;
}

/** Proof that the port is locked again for this MAC; `verified` is false where that could not be shown yet. */
export interface RelockProof {
  readonly at: Instant;
  readonly verified: boolean;
  readonly tries: number;
  readonly error?: string;
}

export type LogoutEvent =
  | { readonly type: 'relocked'; readonly tries: number }
  | { readonly type: 'relock-failed'; readonly tries: number; readonly error: string }
  /** Another session has what was to be cleared before that had succeeded, or begun. */
  | { readonly type: 'superseded' }
  | { readonly type: 'stop-stored' };

export type LogoutEffect =
  | { readonly type: 'clear-grant' }
  | { readonly type: 'relock-alarm'; readonly error: string }
  /** `tries` is undefined where it was not locked: another session has it. */
  | { readonly type: 'relock-alarm-over'; readonly tries: number | undefined }
  | { readonly type: 'eap-failure' }
  | { readonly type: 'stop'; readonly decision: EndDecision; readonly proof: RelockProof }
  | { readonly type: 'report-end'; readonly decision: EndDecision; readonly proof: RelockProof };

/** `settled`: nothing more will be heard of the lock. */
type LogoutState =
  | { readonly name: 'clearing' }
  | { readonly name: 'storing'; readonly proof: RelockProof; readonly settled: boolean }
  | { readonly name: 'closed'; readonly settled: boolean };

export class Logout {
  private state: LogoutState = { name: 'clearing' };

  constructor(
    readonly decision: EndDecision,
    private readonly speaksEap: boolean,
  ) {}

  /** The first effect; to be called once. `handedOver`: the entry is the next session's already. */
  start(handedOver = false): LogoutEffect[] {
    if (!handedOver) return [{ type: 'clear-grant' }];
    const effects = this.close({ at: this.decision.at, verified: false, tries: 0 });
    this.settle();
    return effects;
  }

  /** Nothing more will come: the record is closed, and the port is known to be locked or granted anew. */
  get finished(): boolean {
    return this.state.name === 'closed' && this.state.settled;
  }

  handle(event: LogoutEvent, now: Instant): LogoutEffect[] {
    switch (event.type) {
      case 'relocked':
        return this.relocked({ at: now, verified: true, tries: event.tries });
      case 'relock-failed':
        if (this.state.name !== 'clearing') return [];
        return [
          { type: 'relock-alarm', error: event.error },
          ...this.close({ at: now, verified: false, tries: event.tries, error: event.error }),
        ];
      case 'superseded':
        return this.superseded(now);
      case 'stop-stored': {
        if (this.state.name !== 'storing') return [];
        const { proof, settled } = this.state;
        this.state = { name: 'closed', settled };
        return [{ type: 'report-end', decision: this.decision, proof }];
      }
      default:
        return assertNever(event);
    }
  }

  /** It is as with a hand-over; and the client, which is in the middle of a success by now, hears of no failure. */
  private superseded(now: Instant): LogoutEffect[] {
    if (this.finished) return [];
    const { state } = this;
    const isAlarmed = state.name !== 'clearing' && !state.settled;
    const effects = state.name === 'clearing' ? this.close({ at: now, verified: false, tries: 0 }) : [];
    this.settle();
    const told = effects.filter(({ type }) => type !== 'eap-failure');
    return isAlarmed ? [{ type: 'relock-alarm-over', tries: undefined }, ...told] : told;
  }

  private settle(): void {
    if (this.state.name === 'storing') this.state = { ...this.state, settled: true };
    if (this.state.name === 'closed') this.state = { name: 'closed', settled: true };
  }

  private relocked(proof: RelockProof): LogoutEffect[] {
    const over: LogoutEffect = { type: 'relock-alarm-over', tries: proof.tries };
    switch (this.state.name) {
      case 'clearing':
        return this.close(proof);
      case 'storing':
        if (this.state.settled) return [];
        this.state = { name: 'storing', proof, settled: true };
        return [over];
      case 'closed':
        if (this.state.settled) return [];
        this.state = { name: 'closed', settled: true };
        return [over];
      default:
        return assertNever(this.state);
    }
  }

  private close(proof: RelockProof): LogoutEffect[] {
    this.state = { name: 'storing', proof, settled: proof.verified };
    const stop: LogoutEffect = { type: 'stop', decision: this.decision, proof };
    return this.speaksEap ? [{ type: 'eap-failure' }, stop] : [stop];
  }
}
