// How many strangers one port may keep us busy with. Anybody can send EAPOL-Starts from random MACs; each would cost a
// client machine, a Request every txPeriod and a timer for minutes. Two bounds per port: clients in progress, and
// newcomers per second (a token bucket). Clients with a session count in neither.
//
// A full port is not a closed one: a newcomer takes the place of a client that has never answered, which is what a
// flood is made of, while real supplicants answer within milliseconds. And who is refused for want of room is asked all
// the same, without being remembered (`Solicitor.repeat`); the answer is admitted from a bucket of its own, which a
// flood of EAPOL-Starts cannot empty. All times monotonic; nothing allocated.

import type { Instant } from '../base/time.ts';
import { type Pace, TokenBucket } from '../base/token-bucket.ts';
import { FLOOD_LIMITS, type FloodLimits } from './flood-gate.ts';

export interface ClientLimits {
  /** Clients without a session at the same time, those in a quiet period included. */
  readonly clientsInProgress: number;
  /** Newcomers per second in the long run. */
  readonly newPerSecond: number;
  /** Newcomers at once, after a calm: a hub full of devices whose power came back. */
  readonly newBurst: number;
  /** EAP responses of one client that are taken in a second, in the long run; a server is asked about each. */
  readonly responsesPerSecond: number;
}

/** Responses at once, after a calm: more than the longest exchange there is (`MOST_ROUNDS`). */
export const RESPONSES_BURST = 250;

export const CLIENT_LIMITS: ClientLimits = {
  clientsInProgress: 64,
  newPerSecond: 10,
  newBurst: 64,
  responsesPerSecond: 10,
};

/** All that one port may ask of us. */
export interface PortLimits extends ClientLimits, FloodLimits {}

export const PORT_LIMITS: PortLimits = { ...CLIENT_LIMITS, ...FLOOD_LIMITS };

/** The label under which a refusal is counted, beside `eapol-port-unavailable` (IEEE 802.1X-2020 §12.8.1). */
export type RefusalReason = 'too-many-clients' | 'too-many-newcomers';

export type Admission =
  | { readonly verdict: 'admitted' }
  /** Admitted, if the agent first drops its oldest client whose `isSilent()` is true. */
  | { readonly verdict: 'in-place-of-silent' }
  | { readonly verdict: 'refused'; readonly reason: RefusalReason };

export interface PortLoad {
  /** Client machines of this port without a session. */
  readonly inProgress: number;
  /** Those of them whose `isSilent()` is true. */
  readonly silent: number;
}

export class ClientAdmission {
  private readonly newcomers: TokenBucket;

  constructor(private limits: ClientLimits = CLIENT_LIMITS) {
    this.newcomers = new TokenBucket(paceOf(limits));
  }

  configure(limits: ClientLimits): void {
    this.limits = limits;
    this.newcomers.configure(paceOf(limits));
  }

  /** A MAC that has no client machine was heard; a token is spent only if it gets one. */
  admit(load: PortLoad, now: Instant): Admission {
    const reason = this.refusal(load, now);
    if (reason !== undefined) return { verdict: 'refused', reason };
    this.newcomers.take(now);
    return { verdict: this.isFull(load) ? 'in-place-of-silent' : 'admitted' };
  }

  /** Whether `admit` would admit one more; spends nothing. */
  hasRoom(load: PortLoad, now: Instant): boolean {
    return this.refusal(load, now) === undefined;
  }

  private refusal(load: PortLoad, now: Instant): RefusalReason | undefined {
    if (!this.newcomers.has(now)) return 'too-many-newcomers';
    return this.isFull(load) && load.silent === 0 ? 'too-many-clients' : undefined;
  }

  private isFull({ inProgress }: PortLoad): boolean {
    return inProgress >= this.limits.clientsInProgress;
  }
}

export function responsePace({ responsesPerSecond }: ClientLimits): Pace {
  return { perSecond: responsesPerSecond, burst: Math.max(RESPONSES_BURST, responsesPerSecond) };
}

function paceOf({ newPerSecond, newBurst }: ClientLimits): Pace {
  return { perSecond: newPerSecond, burst: newBurst };
}
