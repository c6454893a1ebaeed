// The authenticator's timers and limits, with the standard's names and defaults.

import { type Millis, seconds } from '../base/time.ts';

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
