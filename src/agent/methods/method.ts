// The ways of authenticating (802.1X, MAB), as the rest of the agent sees them. Whoever was admitted by one hears of the
// grant, of the end of the session, and of the wish to authenticate anew by the same one: `core.method` finds it.

import type { Mac } from '../../base/mac.ts';
import type { Instant } from '../../base/time.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Proof } from '../../model/kept.ts';
import type { ReauthBy } from '../../pae/events.ts';

/** The client of a session that an earlier run has begun. */
export interface ResumedClient {
  readonly mac: Mac;
  readonly port: PortName;
  /** As whom the server has accepted it last. */
  readonly userName: string;
  readonly proof: Proof | undefined;
  /** When the authorization in force was given. */
  readonly authorizedAt: Instant;
}

export interface Method {
  /** The answer of the data plane to an admission by this method; `error` absent = the session stands. */
  grantDone(mac: Mac, port: PortName, error?: string): void;

  /** What is to be kept of the client of a session, for the next start; undefined = nothing. */
  proofOf(mac: Mac, port: PortName): Proof | undefined;

  /** A session of an earlier run goes on, and this was kept of its client; undefined = nothing. */
  resume(client: ResumedClient): void;

  /** A session of this method is about to end; whoever ends it has said so to nobody else. */
  sessionEnded(mac: Mac, port: PortName): void;

  /** What the client is told at the end of its session; undefined for one that does not speak EAP. */
  failureFor(mac: Mac, port: PortName): Uint8Array | undefined;

  /** Why `reauthenticate` would come to nothing now. */
  obstacle(mac: Mac, port: PortName): string | undefined;

  /** The client of a session is to prove itself again, without interruption; false if that cannot be. */
  reauthenticate(mac: Mac, port: PortName, by: ReauthBy): boolean;
}
