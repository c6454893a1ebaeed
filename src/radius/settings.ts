// The RADIUS client's settings; times with the names and defaults of RFC 5080 §2.2.1.

import { type Millis, seconds } from '../base/time.ts';
import type { StatusServerMode } from './status.ts';

/** What a server may be asked for. */
export type RequestKind = 'access' | 'accounting';

/** RFC 6614: who we are to the server, and how it is known. Files are in PEM. */
export interface RadSecSettings {
  readonly port: number;
  /** Whoever signs the server's certificate; left out where `fingerprint` says which one it is. */
  readonly caFile?: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** A name that the certificate must have, instead of the server's address. */
  readonly serverName?: string;
  /** SHA-256 of the certificate itself, hexadecimal without colons, in lower case; in place of a name. */
  readonly fingerprint?: string;
}

export interface RadiusServer {
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  /** What it is asked for. */
  readonly use: readonly RequestKind[];
  readonly authPort: number;
  readonly acctPort: number;
  /** Over TLS instead of UDP; the two ports mean nothing then. */
  readonly tls?: RadSecSettings;
  readonly statusServer: StatusServerMode;
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
  /** Between Status-Server packets. */
  readonly statusInterval: Millis;
}

/** How long a server is asked before the next one, at the longest, in IRT: once and twice of it, each up to a tenth longer. */
export const LONGEST_VISIT_IRTS = 3.3;

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
