// What the authenticator of one client is told, and what it wants done. Pure data; the agent routes both.
//
// Who sends EAP-Failure: while the client has no session, the PAE itself (`send-eapol`). When a session ends, nobody
// here: `ended` carries the EAP-Failure, and the logout machine sends it in its order, after the grant is cleared.
//
// A session exists from a `grant-done` without error that answers `accepted`, or from `session-found`, until `ended` (ours) or
// `session-ended` (the agent's). Every `accepted` and every `reauthenticated` is answered by exactly one
// `grant-done`, unless `session-ended` comes before it.

import type { Millis } from '../base/time.ts';
import type { Authorization, CancelReason } from '../model/authorization.ts';
import type { EndCause } from '../model/cause.ts';
import type { Proof } from '../model/kept.ts';
import type { PaeCounter } from './counters.ts';
import type { PaeSettings } from './settings.ts';

/** Names one question (`ask-server`, `accepted`, `reauthenticated`); its answer carries it back. Per client. */
export type PaeRef = number;

/** Who wants a reauthentication. What a command or a CoA-Request (`admin`) wants also ends a quiet period. */
export type ReauthBy = 'admin' | 'timer' | 'sighting';

export type PaeEvent =
  | { readonly type: 'eapol-start' }
  /** The agent has made sure that the frame came in from the client's own MAC on the client's own port. */
  | { readonly type: 'eapol-logoff' }
  /** The body of an EAPOL EAP-Packet from the client: any octets. */
  | { readonly type: 'eap-response'; readonly packet: Uint8Array }
  /** The same, where the port's solicitor says that it answers its multicast Request/Identity. */
  | { readonly type: 'solicited-response'; readonly packet: Uint8Array }
  | {
      readonly type: 'aaa-challenge';
      readonly ref: PaeRef;
      readonly eap?: Uint8Array;
      /** Session-Timeout in a Challenge: suppTimeout of this one request (RFC 3580 §3.17). */
      readonly sessionTimeout?: Millis;
    }
  | {
      readonly type: 'aaa-accept';
      readonly ref: PaeRef;
      readonly eap?: Uint8Array;
      readonly authorization: Authorization;
    }
  | {
      readonly type: 'aaa-reject';
      readonly ref: PaeRef;
      /** No server was asked: the question does not fit into a RADIUS packet. Absent: a server's Access-Reject. */
      readonly reason?: 'unencodable';
      readonly eap?: Uint8Array;
      readonly replyMessage?: string;
    }
  /** No server answered, all failover included. */
  | { readonly type: 'aaa-timeout'; readonly ref: PaeRef }
  /** The table write; `error` absent = done. */
  | { readonly type: 'grant-done'; readonly ref: PaeRef; readonly error?: string }
  /** Without a session this begins an authentication: that is how a MAC that was merely seen is asked who it is. */
  | { readonly type: 'reauthenticate'; readonly by: ReauthBy }
  /**
   * The handshake asks whether the client of a session is there: one Request/Identity, or the outstanding request once
   * more, with no timer of its own. An answer is followed by a whole reauthentication, since a supplicant that is asked
   * and then left alone fails (wpa_supplicant: after 60 s). Silence has no consequence here.
   */
  | { readonly type: 'probe' }
  /**
   * The session has ended, for a reason of the agent's own or since `ended` said so; told at the decision, before the logout
   * runs. What was being written for it is void.
   */
  | { readonly type: 'session-ended' }
  /** The same, where what is being written is another session of the client: that one goes on. */
  | { readonly type: 'session-replaced' }
  /** An earlier run has let the client in: an attempt that runs is a reauthentication. */
  | { readonly type: 'session-found'; readonly proof: Proof }
  | { readonly type: 'settings'; readonly settings: PaeSettings }
  /** Time has reached `pollAt()`. */
  | { readonly type: 'tick' };

/** What becomes of a question to the servers. */
export type AaaVerdict = Extract<PaeEvent, { readonly type: `aaa-${string}` }>;

export type RejectReason =
  | 'access-reject'
  /** The question does not fit into a RADIUS packet. */
  | 'unencodable'
  /** An Accept that carries something other than EAP-Success. */
  | 'contradictory-accept'
  /** The client and the server come to no end. */
  | 'too-many-rounds'
  /** The server accepted, the table could not be written. */
  | 'grant-failed'
  /** No server gave a verdict: the client is tried again shortly. */
  | 'no-server'
  /** The client stopped answering. No EAP-Failure is sent (RFC 4137 §7: TIMEOUT_FAILURE builds none). */
  | 'client-silent';

export type PaeEffect =
  /** To the client's MAC; `body` is the EAP packet, as the server sent it wherever it sent one. */
  | {
      readonly type: 'send-eapol';
      readonly version: number;
      readonly packetType: number;
      readonly body: Uint8Array;
    }
  | {
      readonly type: 'ask-server';
      readonly ref: PaeRef;
      /** For User-Name (RFC 3579 §2.1): 0..253 octets of the client's choice; empty = use the MAC. */
      readonly identity: Uint8Array;
      readonly eap: Uint8Array;
      /** The first of its exchange: no State to echo. */
      readonly first: boolean;
    }
  | { readonly type: 'cancel-server'; readonly ref: PaeRef; readonly reason: CancelReason }
  /** Make the session and its grant, then answer. EAP-Success goes out after that. */
  | {
      readonly type: 'accepted';
      readonly ref: PaeRef;
      readonly authorization: Authorization;
      readonly identity: Uint8Array;
    }
  /** The session goes on, perhaps with another grant. `sameIdentity` false: perhaps `supplicant-restart`, the agent decides. */
  | {
      readonly type: 'reauthenticated';
      readonly ref: PaeRef;
      readonly authorization: Authorization;
      readonly identity: Uint8Array;
      readonly sameIdentity: boolean;
    }
  /** reAuthPeriod is over, or a try after no server answered is due. Answered by `reauthenticate`, when its turn has come. */
  | { readonly type: 'reauthentication-due' }
  /** An attempt without a session failed; EAP-Failure has gone out where one is due. */
  | { readonly type: 'rejected'; readonly reason: RejectReason; readonly replyMessage?: string }
  /** The session is over. `eapFailure` is what the logout machine sends: the server's own, or a built one. */
  | {
      readonly type: 'ended';
      readonly cause: EndCause;
      readonly eapFailure: Uint8Array;
      readonly replyMessage?: string;
    }
  /** No server gave a verdict about a client that has a session: it goes on, if the agent does not end it. */
  | { readonly type: 'unanswered' }
  | { readonly type: 'counted'; readonly counter: PaeCounter }
  /** For `rollcall explain MAC`: `what` is one of a few fixed words, `detail` is safe to print. */
  | { readonly type: 'decision'; readonly what: string; readonly detail: string };
