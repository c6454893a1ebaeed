// How many strangers one port may keep us busy with. Anybody can send EAPOL-Starts from random MACs; each would cost a
// client machine, a Request every txPeriod and a timer for minutes. Two bounds per port: clients in progress, and
// newcomers per second (a token bucket). Clients with a session count in neither.
//
// A full port is not a closed one: a newcomer takes the place of a client that has never answered, which is what a
// flood is made of, while real supplicants answer within milliseconds. And who is refused for want of room is asked all
// the same, without being remembered (`Solicitor.repeat`); the answer is admitted from a bucket of its own, which a
// flood of EAPOL-Starts cannot empty. All times monotonic; nothing allocated.

import { elapsed, type Instant } from '../base/time.ts';
import { FLOOD_LIMITS, type FloodLimits } from './flood-gate.ts';

export interface ClientLimits {
  /** Clients without a session at the same time, those in a quiet period included. */
  readonly clientsInProgress: number;
  /** Newcomers per second in the long run. */
  readonly newPerSecond: number;
  /** Newcomers at once, after a calm: a hub full of devices whose power came back. */
  readonly newBurst: number;
}

export const CLIENT_LIMITS: ClientLimits = { clientsInProgress: 64, newPerSecond: 10, newBurst: 64 };

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
  private tokens: number;
  private filledAt: Instant | undefined;

  constructor(private limits: ClientLimits = CLIENT_LIMITS) {
    this.tokens = limits.newBurst;
  }

  configure(limits: ClientLimits): void {
    this.limits = limits;
    this.tokens = Math.min(this.tokens, limits.newBurst);
  }

  /** A MAC that has no client machine was heard; a token is spent only if it gets one. */
  admit(load: PortLoad, now: Instant): Admission {
    const reason = this.refusal(load, now);
    if (reason !== undefined) return { verdict: 'refused', reason };
    this.tokens -= 1;
    return { verdict: this.isFull(load) ? 'in-place-of-silent' : 'admitted' };
  }

  /** Whether `admit` would admit one more; spends nothing. */
  hasRoom(load: PortLoad, now: Instant): boolean {
    return this.refusal(load, now) === undefined;
  }

  private refusal(load: PortLoad, now: Instant): RefusalReason | undefined {
    this.refill(now);
    if (this.tokens < 1) return 'too-many-newcomers';
    return this.isFull(load) && load.silent === 0 ? 'too-many-clients' : undefined;
  }

  private isFull({ inProgress }: PortLoad): boolean {
    return inProgress >= this.limits.clientsInProgress;
  }

  private refill(now: Instant): void {
    const idle = this.filledAt === undefined ? 0 : elapsed(this.filledAt, now);
    this.filledAt = now;
    this.tokens = Math.min(this.limits.newBurst, this.tokens + (idle * this.limits.newPerSecond) / 1000);
  }
}
