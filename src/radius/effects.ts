// What the RADIUS client is asked, and what it wants done.

import type { Instant } from '../base/time.ts';
import type { RadiusPacket } from '../wire/radius.ts';
import type { OutgoingAttribute } from '../wire/radius-attributes.ts';
import type { RadSecSettings, RequestKind } from './settings.ts';

/** Chosen by the asker; one name space for both kinds. */
export type RequestRef = number;

/**
 * Names a server: its index in the first `RadiusSettings.servers`; one that another configuration brings has a number of its
 * own, so that what is still under way for an earlier one is never taken for its.
 */
export type ServerIndex = number;

/**
 * One source port, or one connection: the shell opens it when it first sends from it, in the family of the server's address.
 * Over TLS the two kinds have connections of their own, too: a server that is slow to write a record down would hold up
 * logins behind it otherwise.
 */
export interface SocketKey {
  readonly server: ServerIndex;
  readonly kind: RequestKind;
  /** 0 and up: each holds 256 identifiers. */
  readonly n: number;
}

export type RadiusRequest =
  | {
      readonly kind: 'access';
      readonly ref: RequestRef;
      /** Without NAS-* (the client adds them) and without Message-Authenticator (the codec does). */
      readonly attributes: readonly OutgoingAttribute[];
      /** The server that sent the State which is in `attributes`: nobody else could make sense of it. */
      readonly serverHint?: ServerIndex;
      /** The port whose client it is about; absent: no client could have brought it about. */
      readonly origin?: string;
    }
  | {
      readonly kind: 'accounting';
      readonly ref: RequestRef;
      /** Without NAS-* and without Acct-Delay-Time: the client adds both at each sending. */
      readonly attributes: readonly OutgoingAttribute[];
      /**
       * When the event happened; Acct-Delay-Time counts from it. Monotonic, so that a stepped wall clock tells no
       * lies; for an event before the boot it lies before the clock's origin, and may be negative.
       */
      readonly since: Instant;
    };

/** `silent`: nobody answered in time, or there is nobody. `unencodable`: an attribute or the packet is too long. */
export type NoAnswerReason = 'silent' | 'unencodable';

export type RadiusEffect =
  | {
      readonly type: 'send';
      /** Over TLS; absent: over UDP. */
      readonly tls?: RadSecSettings;
      readonly socket: SocketKey;
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: 'answer';
      readonly kind: RequestKind;
      readonly ref: RequestRef;
      /** Verified. */
      readonly packet: RadiusPacket;
      readonly server: ServerIndex;
    }
  | {
      readonly type: 'no-answer';
      readonly kind: RequestKind;
      readonly ref: RequestRef;
      readonly reason: NoAnswerReason;
    }
  | {
      readonly type: 'server-state';
      readonly server: ServerIndex;
      readonly kind: RequestKind;
      readonly up: boolean;
      /** What made it so: an answer, silence, or words about a connection. */
      readonly because: string;
    }
  /** Nothing comes back over this connection, or nobody needs this source port any more. The next `send` makes another. */
  | {
      readonly type: 'disconnect';
      readonly socket: SocketKey;
      /** What came over it that could not be believed; absent: nothing did. */
      readonly because?: string;
    }
  | {
      readonly type: 'dropped';
      readonly kind: RequestKind;
      readonly reason: string;
      readonly detail: string;
    };

/** What became of a connection. */
export type ConnectionEvent =
  | { readonly socket: SocketKey; readonly state: 'open' }
  | {
      readonly socket: SocketKey;
      readonly state: 'lost';
      /** False: it could not be made, or ended before the server said anything over it. */
      readonly wasOpen: boolean;
      /** A fixed word: refused, certificate, framing, closed ... */
      readonly reason: string;
      readonly detail: string;
    };

export interface Datagram {
  /** The socket on which it came in. */
  readonly socket: SocketKey;
  readonly from: { readonly address: string; readonly port: number };
  readonly bytes: Uint8Array;
}
