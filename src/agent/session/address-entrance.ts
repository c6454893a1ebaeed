// The way in for an address behind the switch (layer 3): it is put into the set of the routed path, and then the session
// begins. Whoever had the address before is out first. One at a time an address: a newer one takes the older one's place.

import { type Ip, isIpv4 } from '../../base/ip.ts';
import type { Authorization } from '../../model/authorization.ts';
import { l3SessionKey } from '../../report/topics.ts';
import type { Core } from '../core.ts';
import { roleOf } from './roles.ts';
import { type L3Unit, SessionUnit } from './session-unit.ts';

/** A user of a concentrator, on the way to a session. */
export interface AddressAdmission {
  readonly ip: Ip;
  readonly concentrator: Ip;
  readonly authorization: Authorization;
  readonly sessionId: string;
  readonly multiId: string;
}

export class AddressEntrance {
  private readonly entering = new Map<Ip, AddressAdmission>();

  constructor(
    private readonly core: Core,
    private readonly begin: (unit: L3Unit) => void,
  ) {}

  admit(admission: AddressAdmission): void {
    const { core } = this;
    const { ip, authorization } = admission;
    const older = core.sessions.get(l3SessionKey(ip));
    if (older !== undefined)
      core.parts.life.end(older, {
        cause: 'authorization-changed',
        detail: `now of ${authorization.userName}`,
      });
    this.entering.set(ip, admission);
    core.parts.life.want({ ip });
  }

  /** It is not to get in any more. */
  cancel(ip: Ip): void {
    if (this.entering.delete(ip)) this.core.parts.life.unwant({ ip });
  }

  granted(ip: Ip): void {
    const { core } = this;
    const admission = this.entering.get(ip);
    if (admission === undefined) return;
    this.entering.delete(ip);
    const unit = this.unitOf(admission);
    this.begin(unit);
    core.parts.routed.entered(unit);
    core.parts.sso.admitted(ip);
  }

  /** True if somebody was on the way in by it. */
  failed(ip: Ip, error: string): boolean {
    if (!this.entering.delete(ip)) return false;
    this.core.parts.sso.admitted(ip, error);
    return true;
  }

  private unitOf({ ip, concentrator, authorization, sessionId, multiId }: AddressAdmission): L3Unit {
    const { core } = this;
    const session = {
      layer: 3,
      key: l3SessionKey(ip),
      grant: { ip },
      concentrator,
      id: sessionId,
      multiId,
      method: 'sso',
      startedAt: core.now.mono,
      startedWall: core.now.wall,
      authorization,
      role: 'default',
      addresses: isIpv4(ip) ? { ipv4: ip } : { ipv6: ip },
    } as const;
    return new SessionUnit({ ...session, role: roleOf(core, session).role }, core);
  }
}
