// What of the living sessions is kept for the next start of the agent (model/kept.ts): written when it has changed, at the end
// of the turn, and erased with the Stop (accounting/spool.ts), in one transaction. What changes all the time (evidence,
// counters) is kept with the accounting records, every few minutes (session-keeper.ts).

import { present } from '../../base/present.ts';
import { machineTime, NEVER } from '../../base/time.ts';
import type { KeptPlace, KeptProof, KeptSession, Proof } from '../../model/kept.ts';
import { forgettingSession, type KeptChange, keepingSession } from '../../session/kept-codec.ts';
import type { Core } from '../core.ts';
import { wantedOf } from '../session/authorization-policy.ts';
import { subjectOf } from '../session/roles.ts';
import { isL2, type L2Unit, type SessionUnit } from '../session/session-unit.ts';

const CHECKSUM_OCTETS = 4;
/** No checksum: what is in the store is to be written anew. */
const UNKNOWN = '';

export class KeptSessions {
  private readonly changedUnits = new Set<SessionUnit>();
  /** What is in the store, by its checksum. */
  private readonly written = new WeakMap<SessionUnit, string>();
  private gone: string[] = [];
  private isOpen = false;

  constructor(private readonly core: Core) {}

  /** The store is open. */
  begin(): void {
    this.isOpen = true;
  }

  /** An earlier run has stored it. */
  resumed(unit: SessionUnit): void {
    this.written.set(unit, UNKNOWN);
  }

  /** Something about it may have changed that is kept. */
  changed(unit: SessionUnit): void {
    this.changedUnits.add(unit);
  }

  /** It ends without a Stop, or has ended: nothing of it is left. */
  forget(id: string): void {
    this.gone.push(id);
  }

  /** Once a turn, however much has changed in it. */
  endTurn(): void {
    if (!this.isOpen || (this.changedUnits.size === 0 && this.gone.length === 0)) return;
    const changes = this.gone.map(forgettingSession);
    this.gone = [];
    for (const unit of this.changedUnits) {
      if (this.core.sessions.get(unit.session.key) !== unit) continue;
      const change = this.changeOf(unit);
      if (change !== undefined) changes.push(change);
    }
    this.changedUnits.clear();
    if (changes.length > 0) this.core.out.push({ type: 'session-store', changes });
  }

  /** Undefined where the store has it so already. */
  private changeOf(unit: SessionUnit): KeptChange | undefined {
    const change = keepingSession(this.keptOf(unit));
    const checksum = change.value?.subarray(-CHECKSUM_OCTETS).join() ?? '';
    const before = this.written.get(unit);
    if (before === checksum) return undefined;
    this.written.set(unit, checksum);
    return before === undefined ? { ...change, isNew: true } : change;
  }

  private keptOf(unit: SessionUnit): KeptSession {
    const { session } = unit;
    const { clock } = this.core.boot;
    const { ipv4, ipv6, heardIpv6 = [] } = session.addresses;
    return {
      boot: clock.boot,
      place: this.placeOf(unit),
      id: session.id,
      multiId: session.multiId,
      method: session.method,
      startedWall: session.startedWall,
      startedAt: machineTime(clock, session.startedAt),
      authorizedAt: machineTime(clock, unit.authorizedAt),
      authorization: session.authorization,
      role: session.role,
      ...present({
        ipv4,
        ipv6,
        heardIpv6: heardIpv6.length > 1 ? heardIpv6.map(({ ip }) => ip) : undefined,
        proof: isL2(unit) ? this.proofOf(unit) : undefined,
      }),
    };
  }

  private placeOf(unit: SessionUnit): KeptPlace {
    const { session } = unit;
    if (session.layer === 3) return { layer: 3, ip: session.grant.ip, concentrator: session.concentrator };
    const { mac, grant, nasPort, calledStation, vlans, domain } = session;
    const { wish } = unit.wanted ?? wantedOf(this.core, subjectOf(session));
    const baseline = this.core.parts.meter.baselineOf(unit);
    const linkChanges = this.core.parts.ports.get(grant.port)?.machine.facts.linkChanges || undefined;
    return {
      layer: 2,
      mac,
      port: grant.port,
      nasPort,
      calledStation,
      vlan: grant.vlan,
      vlans,
      domain,
      wish,
      ...(this.core.parts.ports.isOpened(grant.port) ? { opened: true } : {}),
      ...present({ linkChanges, baseline }),
    };
  }

  private proofOf({ session }: L2Unit): KeptProof | undefined {
    const { mac, grant, method } = session;
    const proof: Proof | undefined = this.core.method(method)?.proofOf(mac, grant.port);
    if (proof === undefined) return undefined;
    const { clock } = this.core.boot;
    const { since, due = NEVER, ...others } = proof;
    return {
      ...others,
      since: machineTime(clock, since),
      ...(due === NEVER ? {} : { due: machineTime(clock, due) }),
    };
  }
}
