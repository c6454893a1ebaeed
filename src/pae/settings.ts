// The authenticator's timers and limits, with the standard's names and defaults. IEEE 802.1X-2020 keeps quietPeriod,
// reAuthPeriod (§8.6) and retryMax (§8.9); txPeriod, suppTimeout, serverTimeout and maxReq are those of the 2004
// edition (§8.2), which the later ones leave to EAP (RFC 3748 §4.3) and which every vendor still calls so.

import { type Millis, millis, seconds } from '../base/time.ts';

export interface PaeSettings {
  /** Between Request/Identity retransmissions. */
  readonly txPeriod: Millis;
  /** Between retransmissions of any other request. */
  readonly suppTimeout: Millis;
  /** For the RADIUS servers' answer, all failover included. */
  readonly serverTimeout: Millis;
  /** No new attempt after a failure (IEEE 802.1X-2020 §8.6 quietPeriod). */
  readonly quietPeriod: Millis;
  /** Retransmissions of one request before the client is given up. */
  readonly maxReq: number;
  /** Authentication attempts without an answer before the client is held (retryMax). */
  readonly reAuthMax: number;
  /** 0 = no periodic reauthentication. */
  readonly reAuthPeriod: Millis;
}

export const PAE_DEFAULTS: PaeSettings = {
  txPeriod: seconds(30),
  suppTimeout: seconds(30),
  serverTimeout: seconds(30),
  quietPeriod: seconds(60),
  maxReq: 2,
  reAuthMax: 2,
  reAuthPeriod: seconds(0),
};

/**
 * Version of every EAPOL PDU that we send, whatever the client's. IEEE 802.1X-2020 §11.4 has a receiver process a
 * later version as the highest that it knows, but supplicants that were built for the 2001 and 2004 editions and
 * drop version 3 unread are still on wires; an EAP-Packet has the same layout in all three.
 */
export const PAE_EAPOL_VERSION = 2;

/**
 * After no server answered: the next attempt, doubled with each failure in a row. Short, because the fault is not
 * the client's and quietPeriod is there to slow down guessing; doubled, so that a thousand clients do not keep a
 * server that comes back under water.
 */
export const SERVER_RETRY_PERIOD: Millis = seconds(10);
/** The doubling of a session's reauthentication ends here; a client without a session waits quietPeriod at most. */
export const SERVER_RETRY_CEILING: Millis = seconds(300);

/** How long until servers are asked about the client again, of which none answered `failures` times in a row (from 1). */
export function serverBackOff(failures: number, ceiling: Millis): Millis {
  // 2^16 is far beyond every ceiling; the bound keeps the power finite.
  const doubled = SERVER_RETRY_PERIOD * 2 ** Math.min(failures - 1, 16);
  return millis(Math.min(doubled, Math.max(ceiling, SERVER_RETRY_PERIOD)));
}

/**
 * Two EAPOL-Starts closer than this are one: Windows sends up to three when a link comes up, and a second one that
 * was queued behind the first would restart an exchange that is already well under way.
 */
export const START_SPACING: Millis = millis(1000);
