// A session of an earlier run goes on: its unit is made of what was kept of it and of what accounting has, and every part of the
// agent takes it up, as if it had been there all along. Whether it may is decided elsewhere (restoration.ts); nothing is
// written into the table here, and nobody outside hears of it.

import type { SessionRecord } from '../../accounting/spool.ts';
import {
  after,
  earliest,
  fromMachineTime,
  type Instant,
  latest,
  type MachineTime,
  millis,
} from '../../base/time.ts';
import { isFallback } from '../../model/authorization.ts';
import {
  addressesOf,
  type KeptAddress,
  type KeptSession,
  type KeptStation,
  type Proof,
} from '../../model/kept.ts';
import type { L2Session, L3Session } from '../../model/session.ts';
import { l3SessionKey, sessionKey } from '../../report/topics.ts';
import type { Core } from '../core.ts';
import { keysOf } from '../session/authorization-policy.ts';
import { Beginnings } from '../session/beginnings.ts';
import { type L2Unit, type L3Unit, type Resumed, SessionUnit } from '../session/session-unit.ts';

/** A session of an earlier run; what accounting has of it, unless it is of those that no server knows. */
export interface Stored<Place = KeptSession['place']> {
  readonly kept: KeptSession & { readonly place: Place };
  readonly record: SessionRecord | undefined;
}

export class Adoption {
  private readonly beginnings: Beginnings;

  constructor(private readonly core: Core) {
    this.beginnings = new Beginnings(core);
  }

  station(stored: Stored<KeptStation>): L2Unit {
    const { core } = this;
    const { accountant, confinement, fallback, keptSessions, life, meter, reporter, vlans } = core.parts;
    const { kept, record } = stored;
    const { place, method } = kept;
    const { mac, port, wish, domain } = place;
    const unit = new SessionUnit(this.sessionOf(stored), core, { wish, domain }, this.resumedOf(stored));
    keptSessions.resumed(unit);
    const keys = keysOf(mac, port, place.vlans);
    life.resume(keys);
    core.out.push({ type: 'adopted', keys });
    vlans.resume(unit, port, place.vlans);
    const { userName } = kept.authorization;
    const proof = this.proofOf(kept);
    core.method(method)?.resume({ mac, port, userName, proof, authorizedAt: unit.authorizedAt });
    this.beginnings.resume(unit);
    meter.resume(unit, place.baseline);
    if (record !== undefined) accountant.resumed(unit, this.knownUntil(stored, unit));
    if (isFallback(method)) fallback.begin(unit);
    confinement.review(mac);
    reporter.sessionResumed(unit);
    return unit;
  }

  address(stored: Stored<KeptAddress>): L3Unit {
    const { core } = this;
    const { kept, record } = stored;
    const { ip, concentrator } = kept.place;
    const session: L3Session = {
      ...this.anySessionOf(kept),
      layer: 3,
      key: l3SessionKey(ip),
      grant: { ip },
      concentrator,
    };
    const unit: L3Unit = new SessionUnit(session, core, undefined, this.resumedOf(stored));
    core.parts.keptSessions.resumed(unit);
    core.parts.life.resume([{ ip }]);
    core.parts.sso.resumed(ip);
    this.beginnings.resume(unit);
    core.parts.routed.entered(unit);
    if (record !== undefined) core.parts.accountant.resumed(unit, this.knownUntil(stored, unit));
    core.parts.reporter.sessionResumed(unit);
    return unit;
  }

  private sessionOf({ kept }: Stored<KeptStation>): L2Session {
    const { mac, port, vlan, vlans, domain, nasPort, calledStation } = kept.place;
    return {
      ...this.anySessionOf(kept),
      layer: 2,
      key: sessionKey(mac),
      mac,
      grant: { mac, port, vlan },
      vlans,
      domain,
      nasPort,
      calledStation,
    };
  }

  private anySessionOf(kept: KeptSession) {
    const { id, multiId, method, startedWall, authorization, role } = kept;
    return {
      id,
      multiId,
      method,
      startedAt: this.past(kept.startedAt),
      startedWall,
      authorization,
      role,
      addresses: addressesOf(kept, this.core.now.mono),
    };
  }

  private resumedOf({ kept, record }: Stored): Resumed {
    const story = record?.subject.story;
    const startedAt = this.past(kept.startedAt);
    const time = (at: MachineTime | undefined): Instant => (at === undefined ? startedAt : this.past(at));
    return {
      authorizedAt: this.past(kept.authorizedAt),
      evidence: {
        lastSeen: time(story?.seenAt),
        lastSeenBy: story?.lastSeenBy ?? 'login',
        probesSent: story?.probesSent ?? 0,
        probesAnswered: story?.probesAnswered ?? 0,
      },
      lastOwn: time(story?.ownAt),
      ...(story?.interimAt === undefined ? {} : { interimAt: this.at(story.interimAt) }),
    };
  }

  /** No later record of it may say less: its last evidence, or the time of which the servers were told, if that is later. */
  knownUntil({ record }: Stored, unit: SessionUnit): Instant {
    // Whole seconds of it are told, and instants have fractions.
    const told = millis(record?.kind === 'interim' ? record.sessionTimeS * 1000 + 1 : 0);
    const toldAt = earliest(after(unit.session.startedAt, told), this.core.now.mono);
    return latest(unit.evidence().lastSeen, toldAt);
  }

  private proofOf({ proof }: KeptSession): Proof | undefined {
    if (proof === undefined) return undefined;
    const { since, due, ...others } = proof;
    return { ...others, since: this.past(since), ...(due === undefined ? {} : { due: this.at(due) }) };
  }

  private at(time: MachineTime): Instant {
    return fromMachineTime(this.core.boot.clock, time);
  }

  /** Nothing that has happened is later than now. */
  private past(time: MachineTime): Instant {
    return earliest(this.at(time), this.core.now.mono);
  }
}
