// RFC 5080 §2.2.1: how long to wait for an answer before asking again.

import { type Millis, millis } from '../base/time.ts';
import type { RetransmissionSettings } from './settings.ts';

/** RAND of RFC 5080 §2.2.1: uniform in -0.1 to +0.1. */
const RAND_SPREAD = 0.2;
const RAND_HALF = 0.1;

/**
 * The next retransmission timeout: `IRT + RAND*IRT` the first time, then `2*RTprev + RAND*RTprev`, held at
 * `MRT + RAND*MRT`. `fraction` is uniform in [0, 1).
 */
export function nextTimeout(
  settings: RetransmissionSettings,
  previous: Millis | undefined,
  fraction: number,
): Millis {
  const rand = fraction * RAND_SPREAD - RAND_HALF;
  if (previous === undefined) return millis(settings.irt * (1 + rand));
  const doubled = previous * (2 + rand);
  const capped = settings.mrt > 0 && doubled > settings.mrt;
  return millis(capped ? settings.mrt * (1 + rand) : doubled);
}
