// The RADIUS client's settings; times with the names and defaults of RFC 5080 §2.2.1.

import { type Millis, seconds } from '../base/time.ts';

export interface RadiusServer {
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  readonly authPort: number;
  readonly acctPort: number;
  readonly secret: Uint8Array;
  /** Default true: replies to Access-Requests without a valid Message-Authenticator are dropped. */
  readonly requireMessageAuthenticator: boolean;
}

export interface RetransmissionSettings {
  /** Initial retransmission time. */
  readonly irt: Millis;
  /** Maximum retransmission time. */
  readonly mrt: Millis;
  /** Maximum retransmission count to one server; 0 = no limit. */
  readonly mrc: number;
  /** Maximum retransmission duration over all servers; 0 = no limit. */
  readonly mrd: Millis;
}

export interface RadiusSettings {
  /** In order of preference. */
  readonly servers: readonly RadiusServer[];
  readonly access: RetransmissionSettings;
  readonly accounting: RetransmissionSettings;
  /** A server that did not answer is asked last for this long. */
  readonly deadTime: Millis;
}

export const ACCESS_RETRANSMISSION: RetransmissionSettings = {
  irt: seconds(2),
  mrt: seconds(16),
  mrc: 5,
  mrd: seconds(30),
};

/** RFC 5080 §2.2.1: accounting is retried until it is acknowledged. */
export const ACCOUNTING_RETRANSMISSION: RetransmissionSettings = {
  irt: seconds(2),
  mrt: seconds(16),
  mrc: 0,
  mrd: seconds(0),
};
