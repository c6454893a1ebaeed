// MAC authentication bypass of one port: who gets in by their MAC alone, when they are asked about, and how.

import type { MacSpelling } from '../base/mac.ts';
import { type Millis, seconds } from '../base/time.ts';

/** How the server is given the password (RFC 2865 §5.2, §5.3; RFC 3748 §5.4). */
export const MAB_AUTHENTICATIONS = ['pap', 'chap', 'eap-md5'] as const;
export type MabAuthentication = (typeof MAB_AUTHENTICATIONS)[number];

/** The two methods of a port, the one that counts first. */
export type MethodOrder = readonly ('dot1x' | 'mab')[];

export interface MabSettings {
  readonly enabled: boolean;
  /** How long 802.1X is waited for, where it comes first. */
  readonly delay: Millis;
  /** Which method is tried first. */
  readonly order: MethodOrder;
  /** Which method has the last word: 802.1X first takes over a session by MAC, MAB first keeps its own from 802.1X. */
  readonly priority: MethodOrder;
  /** True: who is refused by 802.1X may still get in by MAC. */
  readonly afterDot1xFailure: boolean;
  /** How long a refused MAC is not asked about. */
  readonly quietPeriod: Millis;
  /** 0 = no periodic reauthentication. */
  readonly reAuthPeriod: Millis;
  /** The kernel is to report unknown MACs, beside the captured frames. */
  readonly kernel: boolean;
  /** How the MAC is spelled as User-Name, and as password where there is none. */
  readonly userName: MacSpelling;
  /** One for all; absent = as the user name. */
  readonly password?: string;
  readonly authentication: MabAuthentication;
  /** MACs without a session that are remembered at the same time, the refused included. */
  readonly maxClients: number;
  /** Questions about this port's MACs in a second, in the long run. */
  readonly ratePerSecond: number;
}

export const MAB_DEFAULTS: MabSettings = {
  enabled: false,
  delay: seconds(30),
  order: ['dot1x', 'mab'],
  priority: ['dot1x', 'mab'],
  afterDot1xFailure: false,
  quietPeriod: seconds(60),
  reAuthPeriod: seconds(0),
  kernel: true,
  userName: 'aabbccddeeff',
  authentication: 'pap',
  maxClients: 256,
  ratePerSecond: 10,
};

/**
 * How long a MAC that has a session elsewhere must be heard here, and not there, before a server is asked about it: a
 * probe to the old place has its answer by then, and one borrowed frame has not been followed by another.
 */
export const MOVE_CONFIRMATION: Millis = seconds(3);
/** One that was heard here once is forgotten after so long. */
export const MOVE_PATIENCE: Millis = seconds(60);
/** A MAC that was wrongly seen here is not looked at again for so long. */
export const MOVE_REFUSED_PERIOD: Millis = seconds(10);
/** Frames of one sighting (the kernel's notice, the capture's copy, a burst) come within this time. */
export const SIGHTING: Millis = seconds(0.5);
/** How often it is looked whether 802.1X is still at work. */
export const DOT1X_RECHECK: Millis = seconds(1);
