// A request for the agent, as it comes in by the broker or by the control socket.

import type { Rights } from '../report/commands.ts';

export interface CommandRequest {
  readonly verb: string;
  /** JSON: what `decodeCommand` takes. */
  readonly payload: Uint8Array;
  /** What the way by which it came is good for. */
  readonly rights: Rights;
  /** Once. */
  readonly reply: (answer: object) => void;
}
