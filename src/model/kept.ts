// A living session as it is kept for the next start of the agent: all that cannot be read from the kernel's table, nor from
// the configuration, nor from what accounting keeps of it (AcctStory). Times are the machine's, so that what passes while
// nobody runs is counted, and a wall clock that is set meanwhile changes nothing.

import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { present } from '../base/present.ts';
import type { Instant, MachineTime, WallTime } from '../base/time.ts';
import type { TrafficCounters } from './acct.ts';
import type { AuthMethod, Authorization } from './authorization.ts';
import type { PortName, SessionVlans, VlanId } from './dataplane.ts';
import type { SessionAddresses } from './session.ts';

/**
 * In the store it stands under this and its Acct-Session-Id; a login at a concentrator, and an event that waits for the broker,
 * under their own.
 */
export const KEPT_PREFIX = 'u';
export const LOGIN_PREFIX = 'l';
export const EVENT_PREFIX = 'e';

export interface KeptSession {
  /** Of the machine: its times are of this boot. */
  readonly boot: string;
  readonly place: KeptPlace;
  readonly id: string;
  readonly multiId: string;
  readonly method: AuthMethod;
  readonly startedWall: WallTime;
  readonly startedAt: MachineTime;
  /** When the authorization in force was given. */
  readonly authorizedAt: MachineTime;
  readonly authorization: Authorization;
  readonly role: string;
  readonly ipv4?: Ip;
  readonly ipv6?: Ip;
  /** Where it has several IPv6 addresses: all of them, the last heard first. */
  readonly heardIpv6?: readonly Ip[];
  readonly proof?: KeptProof;
}

/** As heard at this moment: when each was is not kept, since a client that is heard would then cost the flash a write each time. */
export function addressesOf({ ipv4, ipv6, heardIpv6 }: KeptSession, at: Instant): SessionAddresses {
  return present({ ipv4, ipv6, heardIpv6: heardIpv6?.map((ip) => ({ ip, at })) });
}

export type KeptPlace = KeptStation | KeptAddress;

export interface KeptStation {
  readonly layer: 2;
  readonly mac: Mac;
  readonly port: PortName;
  /** The port's ifindex. */
  readonly nasPort: number;
  readonly calledStation: Mac;
  /** Of the entry by which it is known. */
  readonly vlan: VlanId;
  readonly vlans: SessionVlans;
  readonly domain: 'data' | 'voice';
  /** The VLANs that its authorization and its role asked for, in their words. */
  readonly wish: {
    readonly untagged: readonly string[];
    readonly tagged: readonly string[];
    readonly voice: boolean;
  };
  /** The port was open for all, since it was in (host mode multi-host). */
  readonly opened?: true;
  /** Of its port (PortFacts); absent where nobody counts. */
  readonly linkChanges?: number;
  /** The port's counters at its beginning; absent where it does not have the port to itself. */
  readonly baseline?: TrafficCounters;
}

export interface KeptAddress {
  readonly layer: 3;
  readonly ip: Ip;
  readonly concentrator: Ip;
}

export type KeptProof = ProofAt<MachineTime>;
export type Proof = ProofAt<Instant>;

/** What the method remembers of the client that it let in. */
interface ProofAt<Time> {
  /** When the client last proved itself. */
  readonly since: Time;
  /** When it is to do so again, where no server has answered the last time; else the settings say. */
  readonly due?: Time;
  /** Attempts in a row since then that no server answered. */
  readonly failures: number;
  /** 802.1X: as whom, in the client's own octets, and the last EAP identifier of the exchange. */
  readonly identity?: Uint8Array;
  readonly identifier?: number;
}
