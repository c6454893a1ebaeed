// The ways of authenticating (802.1X, MAB), as the rest of the agent sees them. Whoever was admitted by one hears of the
// grant, of the end of the session, and of the wish to authenticate anew by the same one: `core.method` finds it.

import type { Mac } from '../base/mac.ts';
import type { PortName } from '../model/dataplane.ts';
import type { ReauthBy } from '../pae/events.ts';

export interface Method {
  /** The answer of the data plane to an admission by this method; `error` absent = the session stands. */
  grantDone(mac: Mac, port: PortName, error?: string): void;

  /** A session of this method is about to end; whoever ends it has said so to nobody else. */
  sessionEnded(mac: Mac, port: PortName): void;

  /** What the client is told at the end of its session; undefined for one that does not speak EAP. */
  failureFor(mac: Mac, port: PortName): Uint8Array | undefined;

  /** Why `reauthenticate` would come to nothing now. */
  obstacle(mac: Mac, port: PortName): string | undefined;

  /** The client of a session is to prove itself again, without interruption; false if that cannot be. */
  reauthenticate(mac: Mac, port: PortName, by: ReauthBy): boolean;
}
