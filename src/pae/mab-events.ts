// What the MAB machine of one MAC is told, and what it wants done. Pure data; the agent routes both.
//
// A session exists from a `grant-done` without error that answers `accepted`, until `ended` (ours) or `session-ended`
// (the agent's). Every `accepted` is answered by exactly one `grant-done`.

import type { Instant } from '../base/time.ts';
import type { Authorization } from '../model/authorization.ts';
import type { EndCause } from '../model/cause.ts';
import type { AskRank } from './ask-queue.ts';
import type { AaaVerdict, PaeRef, ReauthBy } from './events.ts';
import type { MabSettings } from './mab-settings.ts';

/**
 * Where the same client stands with 802.1X, on the same port. `silent`: asked, and nothing came; `held`: refused, and not
 * listened to for now; `granting`: accepted, and the table is being written.
 */
export type Dot1xStanding = 'absent' | 'silent' | 'talking' | 'held' | 'granting';

/** What lies outside of the machine, at the moment of an event. */
export interface MabFacts {
  readonly dot1x: Dot1xStanding;
  /** The MAC has a session on another port, and was last heard of there at this time. */
  readonly elsewhere?: Instant;
}

export type MabEvent =
  /** A captured frame, the kernel's notice, or an entry of its table: `at` is when the MAC sent. */
  | { readonly type: 'seen'; readonly at: Instant }
  | AaaVerdict
  | { readonly type: 'grant-done'; readonly ref: PaeRef; readonly error?: string }
  /** With a session: to be asked about anew. Without, by an administrator or a server: no waiting, no quiet period. */
  | { readonly type: 'reauthenticate'; readonly by: ReauthBy }
  /** A server has refused the client by 802.1X. */
  | { readonly type: 'dot1x-failed' }
  | { readonly type: 'session-ended' }
  | { readonly type: 'settings'; readonly settings: MabSettings }
  | { readonly type: 'tick'; readonly facts: MabFacts };

export type MabRejectReason = 'access-reject' | 'unencodable' | 'grant-failed' | 'no-server';

export type MabEffect =
  | {
      readonly type: 'ask';
      readonly ref: PaeRef;
      /** Of its conversation; only such a question waits for its turn. */
      readonly first: boolean;
      readonly rank: AskRank;
      readonly userName: string;
      /** With EAP-MD5: our Response. */
      readonly eap?: Uint8Array;
    }
  | { readonly type: 'cancel' }
  /** Make the session and its grant, then answer. */
  | { readonly type: 'accepted'; readonly ref: PaeRef; readonly authorization: Authorization }
  /** reAuthPeriod is over, or a try after no server answered is due. `reauthenticate` answers it, when its turn has come. */
  | { readonly type: 'reauthentication-due' }
  /** The session goes on under this word. */
  | { readonly type: 'reauthenticated'; readonly authorization: Authorization }
  /** No server gave a word about a device that has a session: it goes on, if the agent does not end it. */
  | { readonly type: 'unanswered' }
  /** Nobody is let in. 802.1X follows, where MAB came first. */
  | { readonly type: 'rejected'; readonly reason: MabRejectReason; readonly replyMessage?: string }
  | { readonly type: 'ended'; readonly cause: EndCause; readonly detail: string }
  /** Nobody knows whether the MAC is still there: the kernel's table may. */
  | { readonly type: 'look' }
  /** For `rollcall explain MAC`; a `step` leads to a decision. */
  | { readonly type: 'decision'; readonly what: string; readonly detail: string; readonly step: boolean };
