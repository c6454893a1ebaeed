// What one EAPOL-Start is worth. The standard restarts on every one, and supplicants send several: Windows up to three as
// the link comes up, wpa_supplicant one per startPeriod. Restarting on each would keep a client out with its own noise,
// and let a storm of Starts become a storm of RADIUS requests.

import { elapsed, type Instant } from '../base/time.ts';
import type { EapState } from './eap-passthrough.ts';
import type { Pacp } from './pacp.ts';
import { START_SPACING } from './settings.ts';

/** `repeat-identity`: the question is out and unanswered, so it is sent again, as it was. */
export type StartVerdict = 'restart' | 'repeat-identity' | 'duplicate';

/** When what a Start is judged by happened last; the far past if it never did. */
export interface StartTimes {
  /** Any Start, or the beginning of an exchange. */
  readonly startedAt: Instant;
  /** A Start that was answered. */
  readonly answeredAt: Instant;
}

/** True within one second of `startedAt`. */
export function isRepeated(startedAt: Instant, now: Instant): boolean {
  return elapsed(startedAt, now) < START_SPACING;
}

/**
 * At most one frame a second for Starts while the Identity is asked; at most one restart a second otherwise, and PACP
 * bounds those within one attempt by retryMax. The first Start is always answered, however fresh the question: a host that
 * was merely seen is asked before its supplicant is there to hear it, and would wait out txPeriod.
 */
export function judgeStart(pacp: Pacp, eap: EapState, times: StartTimes, now: Instant): StartVerdict {
  const { startedAt, answeredAt } = times;
  switch (pacp.current) {
    case 'AUTHENTICATING':
      if (eap.name === 'IDLE') return isRepeated(answeredAt, now) ? 'duplicate' : 'repeat-identity';
      // While the grant is written, the outcome is a moment away.
      return eap.name === 'SUCCESS2' || isRepeated(startedAt, now) ? 'duplicate' : 'restart';
    case 'AUTHENTICATED':
      // Queued behind the Start that has just led to this success.
      return isRepeated(startedAt, now) || isRepeated(pacp.since, now) ? 'duplicate' : 'restart';
    case 'UNAUTHENTICATED':
    case 'HELD':
      return 'restart';
  }
}
