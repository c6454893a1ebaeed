// The handshake's settings. T = period, N = times.

import type { Ipv4, Ipv6 } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { ProbeWay } from '../model/probe.ts';

export interface HandshakeSettings {
  /** T; 0 = no handshake. */
  readonly period: Millis;
  /** N, 1 to HANDSHAKE_TIMES_MAX: silent periods in a row until the session ends; N - 1 probes are sent. */
  readonly times: number;
  /** Never cut for silence: probes and counts, but gives no verdict. */
  readonly keep: boolean;
  /** For clients that sleep: a probe at the middle of each silent period too. */
  readonly wake: boolean;
  readonly probe: ProbeWay;
}

/** Whose address a probe bears in one VLAN. The pair belongs together (RFC 826: hosts learn it). */
export interface ProbeSource {
  readonly mac: Mac;
  readonly ipv4?: Ipv4;
  readonly ipv6?: Ipv6;
}

export interface ProbeSettings {
  /** No probe this long after link-up: the client's duplicate-address detection (RFC 5227 §2.1). */
  readonly holdAfterLinkUp: Millis;
  /** No probe this long after the client's own announcement. */
  readonly holdAfterAnnouncement: Millis;
  /** 0.0.0.0 as the sender where no source is known: only if told to. */
  readonly allowUnspecifiedSource: boolean;
  /**
   * Probes per second over the whole switch; what is above waits, and its period does not count. One is up to KNOWN_IPV6_MAX
   * frames.
   */
  readonly ratePerSecond: number;
}

export interface GuardSettings {
  /** Share of a switch's sessions falling silent within one period; 0 = no guard. */
  readonly share: number;
  /** And at least so many. */
  readonly minimum: number;
}

export const HANDSHAKE_DEFAULTS: HandshakeSettings = {
  period: seconds(15),
  times: 3,
  keep: false,
  wake: false,
  probe: 'address',
};

export const PROBE_DEFAULTS: ProbeSettings = {
  holdAfterLinkUp: seconds(10),
  holdAfterAnnouncement: seconds(2),
  allowUnspecifiedSource: false,
  ratePerSecond: 5000,
};

export const GUARD_DEFAULTS: GuardSettings = { share: 0.5, minimum: 8 };
