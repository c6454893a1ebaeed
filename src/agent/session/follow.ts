// Sessions under a configuration that may say something else than the one under which they began: after a reload, and after
// a start that finds sessions of an earlier run. Who would not be where it is any more is out; who is meant to be elsewhere
// is moved, as far as it can be; timers and roles follow; nobody else is touched.

import { vlanOfWord, vlansOf } from '../../authz/vlan-plan.ts';
import { same } from '../../config/diff.ts';
import { isFallback } from '../../model/authorization.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import { wantedOf } from './authorization-policy.ts';
import { subjectOf } from './roles.ts';
import { isL2, isL3, type L2Unit, type SessionUnit } from './session-unit.ts';

const NO_VLAN = 0;

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

export interface Touched {
  readonly ports: readonly PortName[];
  /** That take up something new. */
  readonly sessions: number;
  readonly ended: number;
}

/** Who is not as the configuration says; nothing is changed. */
export function touchedBy(core: Core): Touched {
  const { fallback, mab, ports, sso } = core.parts;
  const { behind } = ports;
  const closed = new Set(
    behind.filter(({ name, machine }) => machine.wouldEnd(core.settings.port(name))).map(({ name }) => name),
  );
  const isOut = (unit: L2Unit): boolean =>
    closed.has(unit.session.grant.port) || mab.isOut(unit) || fallback.isOut(unit);
  const ends = (unit: SessionUnit): boolean => (isL2(unit) ? isOut(unit) : isL3(unit) && sso.isOut(unit));
  const all = [...core.sessions.all()];
  const staying = all.filter((unit) => !ends(unit));
  const changes = (unit: SessionUnit): boolean =>
    unit.isBehind || (isL2(unit) && wantsOtherVlans(core, unit));
  return {
    ports: behind.map(({ name }) => name),
    sessions: staying.filter(changes).length,
    ended: all.length - staying.length,
  };
}

/** Of a role with another VLAN now, say, or of one whose name means another. */
function wantsOtherVlans(core: Core, unit: L2Unit): boolean {
  const { session, wanted } = unit;
  if (isFallback(session.method)) return false;
  return !same(wanted, wantedOf(core, subjectOf(session))) || isElsewhere(core, unit);
}

/** What its words mean, and where it is: a bridge without VLANs has one place for all. */
function isElsewhere(core: Core, { session, wanted }: L2Unit): boolean {
  const here = vlansOf(session.vlans);
  if (wanted === undefined || here.includes(NO_VLAN)) return false;
  const { untagged, tagged, voice } = wanted.wish;
  const given = [...untagged, ...tagged];
  const { voiceVlan } = core.settings.port(session.grant.port).fallbacks;
  const words = given.length === 0 && voice && voiceVlan !== undefined ? [voiceVlan] : given;
  return words.some((word) => !here.includes(vlanOfWord(word, core.config.vlans) ?? NO_VLAN));
}

function move(core: Core, unit: L2Unit): void {
  const { life, reporter } = core.parts;
  const { mac, grant, authorization } = unit.session;
  const told = (error?: string): void => {
    if (error !== undefined)
      reporter.warning('vlan', `the session stays in its VLAN: ${error}`, { mac, port: grant.port });
  };
  const renewal = life.renew(unit, authorization, { sessionTimer: 'run-on', replan: true, told });
  if (typeof renewal === 'object') told(renewal.refused);
}
