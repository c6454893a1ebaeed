// Learns of a client's addresses from what it says, at a pace, and tells of what has become another one. What is to be believed is
// liveness/address-learning.ts's.

import { type Ip, isIpv4 } from '../../base/ip.ts';
import { type Pace, TokenBucket } from '../../base/token-bucket.ts';
import { type Learnt, learnAddress } from '../../liveness/address-learning.ts';
import type { SessionAddresses } from '../../model/session.ts';
import type { Core } from '../core.ts';
import type { SessionUnit } from '../session/session-unit.ts';

/** Other IPv4 addresses of one client that are taken: each is a write and a publication. */
const RENUMBERINGS: Pace = { perSecond: 1 / 30, burst: 8 };

export class Learning {
  private readonly renumberings = new WeakMap<SessionUnit, TokenBucket>();

  constructor(
    private readonly core: Core,
    private readonly isReserved: (ip: Ip) => boolean,
  ) {}

  /** What a server has given it: known from the beginning, and told with that. */
  given(unit: SessionUnit, ip: Ip): void {
    this.take(unit.session.addresses, { ip, proof: true });
  }

  learn(unit: SessionUnit, learnt: Learnt | undefined): void {
    const { drops, parts } = this.core;
    if (learnt === undefined) return;
    if (!this.admits(unit, learnt)) {
      drops.add('address-too-often');
      return;
    }
    const outcome = this.take(unit.session.addresses, learnt);
    if (outcome === 'told') parts.reporter.sessionChanged(unit);
    else if (outcome === 'known') parts.keptSessions.changed(unit);
  }

  private admits(unit: SessionUnit, learnt: Learnt): boolean {
    const { addresses } = unit.session;
    if (!isIpv4(learnt.ip) || addresses.ipv4 === undefined) return true;
    // What would not be taken costs nothing.
    if (this.take({ ...addresses }, learnt) === undefined) return true;
    const bucket = this.renumberings.get(unit) ?? new TokenBucket(RENUMBERINGS);
    this.renumberings.set(unit, bucket);
    return bucket.take(this.core.now.mono);
  }

  private take(addresses: SessionAddresses, learnt: Learnt): ReturnType<typeof learnAddress> {
    return learnAddress(addresses, learnt, this.isReserved, this.core.now.mono);
  }
}
