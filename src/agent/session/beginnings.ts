// Sessions that begin, and those of an earlier run of ours that go on: what every part hears of either.

import { utf8 } from '../../base/bytes.ts';
import { ZERO_ADDRESS } from '../../base/mac.ts';
import { isFallback } from '../../model/authorization.ts';
import type { SessionVlans } from '../../model/dataplane.ts';
import type { Session } from '../../model/session.ts';
import { printable } from '../../pae/identity.ts';
import { sessionKey } from '../../report/topics.ts';
import type { Core } from '../core.ts';
import { keysOf, vlanText, type Wanted } from './authorization-policy.ts';
import type { Admission } from './life.ts';
import { roleFor } from './roles.ts';
import { isL2, type L2Unit, SessionUnit } from './session-unit.ts';

/** What a session on a port begins with. */
export interface Beginning {
  readonly wanted: Wanted;
  readonly vlans: SessionVlans;
}

export class Beginnings {
  constructor(private readonly core: Core) {}

  /** Everything stands. */
  begin(admission: Admission, { vlans, wanted }: Beginning): L2Unit {
    const { core } = this;
    const { authorization, mac, port } = admission;
    const grant = keysOf(mac, port, vlans)[0] ?? { mac, port, vlan: 0 };
    const unit: L2Unit = new SessionUnit(
      {
        layer: 2,
        key: sessionKey(mac),
        mac,
        grant,
        vlans,
        domain: wanted.domain,
        nasPort: core.parts.ports.get(grant.port)?.machine.facts.index ?? 0,
        calledStation: core.parts.bridge.addressOf(grant.port) ?? ZERO_ADDRESS,
        id: admission.sessionId,
        multiId: admission.multiId,
        method: admission.method,
        startedAt: core.now.mono,
        startedWall: core.now.wall,
        authorization,
        role: roleFor(core, admission).role,
        addresses: { ...admission.addresses },
      },
      core,
      wanted,
    );
    this.enter(unit);
    return unit;
  }

  enter(unit: SessionUnit): void {
    const { core } = this;
    const { session } = unit;
    this.stand(unit);
    if (isL2(unit)) {
      core.parts.ports.sessionsChanged(unit.session.grant.port);
      core.parts.meter.begin(unit);
    }
    if (!isFallback(session.method)) core.parts.accountant.start(unit);
    core.parts.certified.passed(unit);
    core.parts.leases.consider(unit);
    core.tell(session, 'session started', startText(session, core));
    core.parts.reporter.sessionStarted(unit);
  }

  /** It has begun in an earlier run: to the client, to the servers and upstream nothing has happened. Its port is to hear of it. */
  resume(unit: SessionUnit): void {
    const { core } = this;
    this.stand(unit);
    core.parts.leases.consider(unit);
    const { session } = unit;
    const text = startText(session, core);
    // Ten thousand at once: the log says how many.
    if (session.layer === 2) core.step(session.mac, session.grant.port, 'session kept', text);
    else core.note(session.grant.ip, 'session kept', text);
  }

  private stand(unit: SessionUnit): void {
    const { core } = this;
    core.sessions.add(unit);
    core.schedule.touch(unit);
    core.parts.watch.begin(unit);
    if (isL2(unit)) core.parts.fleet.begin(unit);
  }
}

function startText(session: Session, core: Core): string {
  const { authorization } = session;
  const { replyMessage } = authorization;
  const where = session.layer === 2 && core.parts.vlans.filtering ? `, ${vlanText(session.vlans)}` : '';
  const said = replyMessage === undefined ? '' : `, the server says ${printable(utf8(replyMessage))}`;
  const by = isFallback(session.method) ? 'not authenticated' : `server ${authorization.server}`;
  return `${authorization.userName} by ${session.method}, role ${session.role}${where}, ${by}${said}`;
}
