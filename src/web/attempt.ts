// One login by the page: from the form to a session, or to the reason why there is none.
//
//   ASKING ─▶ Access-Accept ─▶ GRANTING ─▶ in
//     ├─▶ Access-Reject, or a challenge, which this form cannot put: refused
//     ├─▶ no server, or none within its time
//     └─▶ the client is gone
//
// One at a time for a client. It ends with exactly one `over`, whatever happens to it.

import { assertNever } from '../base/result.ts';
import { after, type Instant, type Millis, NEVER } from '../base/time.ts';
import type { Authorization, CancelReason } from '../model/authorization.ts';

export type Outcome =
  | { readonly type: 'in' }
  | { readonly type: 'refused'; readonly replyMessage?: string }
  | { readonly type: 'no-server' }
  | { readonly type: 'not-possible'; readonly detail: string };

/** What the server said to the one question of an attempt. */
export type Verdict =
  | { readonly type: 'accept'; readonly authorization: Authorization }
  | { readonly type: 'reject'; readonly replyMessage?: string }
  | { readonly type: 'challenge' }
  | { readonly type: 'no-answer' };

export type AttemptEvent =
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  /** The answer to `admit`; `error` absent = the session stands. */
  | { readonly type: 'grant-done'; readonly error?: string }
  /** The client's port, or its place on it, is not there any more. */
  | { readonly type: 'gone'; readonly detail: string }
  | { readonly type: 'tick' };

export type AttemptEffect =
  | { readonly type: 'ask' }
  | { readonly type: 'cancel'; readonly reason: CancelReason }
  | { readonly type: 'admit'; readonly authorization: Authorization }
  | { readonly type: 'over'; readonly outcome: Outcome };

type State =
  | { readonly name: 'ASKING'; readonly until: Instant }
  | { readonly name: 'GRANTING' }
  | { readonly name: 'OVER' };

const OVER: State = { name: 'OVER' };
const CHALLENGED = 'The server asks for something more than a password, which this page cannot do.';

export class Attempt {
  private state: State = OVER;

  constructor(private readonly serverTimeout: Millis) {}

  get isAsking(): boolean {
    return this.state.name === 'ASKING';
  }

  /** To be called once. */
  start(now: Instant): AttemptEffect[] {
    this.state = { name: 'ASKING', until: after(now, this.serverTimeout) };
    return [{ type: 'ask' }];
  }

  pollAt(): Instant {
    return this.state.name === 'ASKING' ? this.state.until : NEVER;
  }

  handle(event: AttemptEvent, now: Instant): AttemptEffect[] {
    switch (event.type) {
      case 'verdict':
        return this.state.name === 'ASKING' ? this.judged(event.verdict) : [];
      case 'grant-done':
        if (this.state.name !== 'GRANTING') return [];
        return this.over(
          event.error === undefined ? { type: 'in' } : { type: 'not-possible', detail: event.error },
        );
      case 'gone': {
        if (this.state.name === 'OVER') return [];
        const cancel: AttemptEffect[] =
          this.state.name === 'ASKING' ? [{ type: 'cancel', reason: 'void' }] : [];
        return [...cancel, ...this.over({ type: 'not-possible', detail: event.detail })];
      }
      case 'tick':
        if (this.state.name !== 'ASKING' || this.state.until > now) return [];
        return [{ type: 'cancel', reason: 'unanswered' }, ...this.over({ type: 'no-server' })];
      default:
        return assertNever(event);
    }
  }

  private judged(verdict: Verdict): AttemptEffect[] {
    switch (verdict.type) {
      case 'accept':
        this.state = { name: 'GRANTING' };
        return [{ type: 'admit', authorization: verdict.authorization }];
      case 'reject': {
        const { replyMessage } = verdict;
        return this.over({ type: 'refused', ...(replyMessage === undefined ? {} : { replyMessage }) });
      }
      case 'challenge':
        return this.over({ type: 'not-possible', detail: CHALLENGED });
      case 'no-answer':
        return this.over({ type: 'no-server' });
      default:
        return assertNever(verdict);
    }
  }

  private over(outcome: Outcome): AttemptEffect[] {
    this.state = OVER;
    return [{ type: 'over', outcome }];
  }
}
