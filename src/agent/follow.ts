// Sessions under a configuration that may say something else than the one under which they began: after a reload, and after
// a start that finds sessions of an earlier run. Who would not be where it is any more is out; who is meant to be elsewhere
// is moved, as far as it can be; timers and roles follow; nobody else is touched.

import { same } from '../config/diff.ts';
import { isFallback } from '../model/authorization.ts';
import { wantedOf } from './authorization-policy.ts';
import type { Core } from './core.ts';
import { subjectOf } from './roles.ts';
import { isL2, type L2Unit } from './session-unit.ts';

/** How many take up something new. */
export function sessionsFollow(core: Core): number {
  const { sessions, parts } = core;
  parts.fallback.reconfigure();
  parts.sso.reconfigure();
  let count = 0;
  for (const unit of [...sessions.all()]) {
    const moves = isL2(unit) && wantsOtherVlans(core, unit);
    const changed = parts.watch.configure(unit);
    if (changed) parts.reporter.sessionChanged(unit);
    if (changed) parts.certified.changed(unit);
    if (moves) move(core, unit);
    if (changed || moves) count++;
  }
  parts.leases.configure();
  return count;
}

/** Of a role with another VLAN now, say. */
function wantsOtherVlans(core: Core, { session, wanted }: L2Unit): boolean {
  return !isFallback(session.method) && !same(wanted, wantedOf(core, subjectOf(session)));
}

function move(core: Core, unit: L2Unit): void {
  const { life, reporter } = core.parts;
  const { mac, grant, authorization } = unit.session;
  const told = (error?: string): void => {
    if (error !== undefined)
      reporter.warning('vlan', `the session stays in its VLAN: ${error}`, { mac, port: grant.port });
  };
  const renewal = life.renew(unit, authorization, { sessionTimer: 'run-on', told });
  if (typeof renewal === 'object') told(renewal.refused);
}
