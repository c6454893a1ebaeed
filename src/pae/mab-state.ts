// The states of MAC authentication bypass for one MAC on one port (mab.ts), and what is known in each.

import type { Instant } from '../base/time.ts';
import type { PaeRef } from './events.ts';
import type { MabRejectReason } from './mab-events.ts';

/** Why nobody is asked about the MAC for now. */
export type QuietReason = MabRejectReason | 'dot1x-failed' | 'elsewhere';

export type MabState =
  /** `lone`: for a second frame, before a session is moved on the word of one. */
  | { readonly name: 'WAITING'; readonly until: Instant; readonly lone?: true }
  | { readonly name: 'ASKING'; readonly ref: PaeRef; readonly rounds: number; readonly session: boolean }
  | { readonly name: 'GRANTING'; readonly ref: PaeRef }
  | { readonly name: 'AUTHENTICATED'; readonly since: Instant; readonly reAuthWhen: Instant }
  | {
      readonly name: 'QUIET';
      readonly since: Instant;
      readonly until: Instant;
      readonly reason: QuietReason;
    }
  | { readonly name: 'FORGOTTEN' };
