// What one EAPOL-Start is worth. The standard restarts on every one, and supplicants send several: Windows up to three as
// the link comes up, wpa_supplicant one per startPeriod. Restarting on each would keep a client out with its own noise,
// and let a storm of Starts become a storm of RADIUS requests.

import { elapsed, type Instant, LONG_AGO } from '../base/time.ts';
import type { EapState } from './eap-passthrough.ts';
import type { Pacp } from './pacp.ts';
import { START_SPACING } from './settings.ts';

/** `repeat-identity`: the question is out and unanswered, so it is sent again, as it was. */
export type StartVerdict = 'restart' | 'repeat-identity' | 'duplicate';

/** Of one client: when it last sent one, and what the next one is worth. */
export class StartGate {
  /** The last one, or the beginning of the exchange that runs. */
  private startedAt = LONG_AGO;
  /** The last one that led to a frame. */
  private answeredAt = LONG_AGO;

  /** An exchange has begun, by whatever. */
  began(now: Instant): void {
    this.startedAt = now;
  }

  /**
   * One has come: at most one frame a second while the Identity is asked; at most one restart a second otherwise, and PACP
   * bounds those within one attempt by retryMax. The first Start is always answered, however fresh the question: a host that
   * was merely seen is asked before its supplicant is there to hear it, and would wait out txPeriod.
   */
  judge(pacp: Pacp, eap: EapState, now: Instant): StartVerdict {
    const verdict = this.verdict(pacp, eap, now);
    if (verdict !== 'duplicate') this.answeredAt = now;
    this.startedAt = now;
    return verdict;
  }

  private verdict(pacp: Pacp, eap: EapState, now: Instant): StartVerdict {
    const repeated = isSoon(this.startedAt, now);
    switch (pacp.current) {
      case 'AUTHENTICATING':
        if (eap.name === 'IDLE') return isSoon(this.answeredAt, now) ? 'duplicate' : 'repeat-identity';
        // While the grant is written, the outcome is a moment away.
        return eap.name === 'SUCCESS2' || repeated ? 'duplicate' : 'restart';
      case 'AUTHENTICATED':
        // Queued behind the Start that has just led to this success.
        return repeated || isSoon(pacp.since, now) ? 'duplicate' : 'restart';
      case 'UNAUTHENTICATED':
      case 'HELD':
        return 'restart';
    }
  }
}

function isSoon(then: Instant, now: Instant): boolean {
  return elapsed(then, now) < START_SPACING;
}
