// One request, from the asking to the answer: where it is, and what it has done with each server.

import type { Instant, Millis } from '../base/time.ts';
import type { Deadline } from './deadlines.ts';
import type { RadiusRequest, ServerIndex } from './effects.ts';
import type { Attempt, ServerLink } from './server-link.ts';

export type Link = ServerLink<Exchange>;

/** What one exchange has done with one server. */
export interface Track {
  visits: number;
  sends: number;
  timeout?: Millis;
  /** The last packet that went to it. */
  attempt?: Attempt<Exchange>;
}

/** Where the exchange is now. */
export interface Visit {
  readonly link: Link;
  /** Sendings that it has room for, and how many of them are left. */
  readonly tries: number;
  triesLeft: number;
  /** First sending of this visit; absent if no identifier was free. */
  since?: Instant;
}

export interface Exchange {
  readonly deadline: Deadline;
  readonly request: RadiusRequest;
  /** Start plus MRD. */
  readonly expiresAt: Instant;
  readonly tracks: Map<ServerIndex, Track>;
  visit: Visit | undefined;
  /** The server that was visited last. */
  last: Link | undefined;
  /** Answered, given up or cancelled: later answers only prove that a server lives. */
  done: boolean;
}
