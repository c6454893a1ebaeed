// The administrator's cut: sessions are ended, and the answer waits for the proof that they are locked out, as long as
// PATIENCE at most; who is not by then is named in it, and the removal goes on. With a bounce the ports that they were on go
// down for some seconds, as for a CoA-Request; whoever else is on such a port is out by that (`port-reinit`).
//
// Also meant is who has no session, and would have one soon: users on their way in, and those whom a concentrator has logged in.
// And who has none any more, and passes all the same: a session that has ended and of which something still stands.
//
// Nobody waits for a cut but who asked for it.

import { after, earliest, type Instant, NEVER, seconds } from '../../base/time.ts';
import { DYNAUTH_DEFAULTS } from '../../config/defaults.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { SessionSelector } from '../../model/selector.ts';
import type { Login } from '../../radius/sso-logins.ts';
import type { ResultOf } from '../../report/answers.ts';
import { fits } from '../../session/table.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import type { Admission } from '../session/life.ts';
import { isL2, type SessionUnit } from '../session/session-unit.ts';

/** A removal that fails is tried again after 1 and after 3 s; the command line waits for 10 s. */
const PATIENCE = seconds(8);

type Answer = (result: ResultOf<'disconnect'>) => void;

/** Whom a selector means. */
export interface Meant {
  /** Sessions that run, or have ended and are stuck. */
  readonly units: readonly SessionUnit[];
  readonly entering: readonly Admission[];
  /** At a concentrator, and without a session. */
  readonly logins: readonly Login[];
  readonly count: number;
}

interface Cut {
  readonly units: readonly SessionUnit[];
  readonly until: Instant;
  readonly answer: Answer;
  /** Of those nothing has been proven yet. */
  readonly unproven: Set<SessionUnit>;
  /** Not locked out: the same client came in again by the entry, or another one has opened the port. */
  readonly superseded: Set<SessionUnit>;
  /** Who had no session, and gets none. */
  readonly turnedBack: number;
  /** Ports on their way down. */
  readonly lowering: Set<PortName>;
  readonly bounced: PortName[];
  readonly notBounced: PortName[];
}

export class Cuts implements Timed {
  timer: Timed['timer'];
  private readonly open = new Set<Cut>();

  constructor(private readonly core: Core) {}

  pollAt(): Instant {
    let at = NEVER;
    for (const { until } of this.open) at = earliest(at, until);
    return at;
  }

  onTime(now: Instant): void {
    for (const cut of this.open) if (cut.until <= now) this.finish(cut);
  }

  meant(selector: SessionSelector): Meant {
    const { sessions, parts, now } = this.core;
    const stuck = parts.life.stuck.filter(({ session }) => fits(session, selector, now.mono));
    const units = [...sessions.select(selector, now.mono), ...stuck];
    const entering = parts.life.entering(selector);
    const logins = parts.sso.between(selector);
    return { units, entering, logins, count: units.length + entering.length + logins.length };
  }

  /** Answered at once: who would be cut. */
  foresee(meant: Meant, bounce: boolean): ResultOf<'disconnect'> {
    const { units } = meant;
    return {
      disconnected: 0,
      sessions: units.map(({ session }) => session.key),
      unproven: [],
      superseded: [],
      turned_back: turnedBackOf(meant),
      bounced: [],
      not_bounced: [],
      dry_run: true,
      others: bounce ? this.othersOn(portsOf(meant), units).length : 0,
    };
  }

  begin(meant: Meant, bounce: boolean, answer: Answer): void {
    const { units, entering, logins } = meant;
    const { life, sso } = this.core.parts;
    const cut: Cut = {
      units,
      until: after(this.core.now.mono, PATIENCE),
      answer,
      unproven: new Set(units),
      superseded: new Set(),
      turnedBack: turnedBackOf(meant),
      lowering: new Set(bounce ? portsOf(meant) : []),
      bounced: [],
      notBounced: [],
    };
    this.open.add(cut);
    // First: what the others leave would let them in.
    for (const admission of entering) life.turnAway(admission, 'by an administrator');
    sso.cut(logins);
    for (const unit of units) life.end(unit, { cause: 'admin-reset' });
    for (const port of [...cut.lowering]) this.bounce(cut, port);
    this.look(cut);
    this.core.schedule.touch(this);
  }

  /** Something of a session that has ended is a newer one's: of the same client or, an open port, of another; `lockedOut` follows. */
  takenOver(unit: SessionUnit): void {
    for (const { unproven, superseded } of this.open) if (unproven.has(unit)) superseded.add(unit);
  }

  /** Nothing of a session that has ended stands any more. */
  lockedOut(unit: SessionUnit): void {
    for (const cut of this.open) if (cut.unproven.delete(unit)) this.look(cut);
  }

  /** A port is down that was to be taken down, or why it is not. */
  lowered(port: PortName, error?: string): void {
    for (const cut of this.open) {
      if (!cut.lowering.delete(port)) continue;
      if (error === undefined) this.core.parts.links.keepDown(port);
      else this.core.out.log('warn', `the port could not be bounced: ${error}`, { port });
      (error === undefined ? cut.bounced : cut.notBounced).push(port);
      this.look(cut);
    }
  }

  private bounce(cut: Cut, port: PortName): void {
    const { links } = this.core.parts;
    if (links.kindOf(port) === undefined) {
      const { bounce: time } = this.core.config.dynamicAuthorization ?? DYNAUTH_DEFAULTS;
      links.takeDown(port, { kind: 'bounce', time });
      return;
    }
    // Held down already, or on its way down for somebody else.
    cut.lowering.delete(port);
    cut.notBounced.push(port);
  }

  private look(cut: Cut): void {
    if (cut.unproven.size === 0 && cut.lowering.size === 0) this.finish(cut);
  }

  private finish(cut: Cut): void {
    if (!this.open.delete(cut)) return;
    const { units, unproven, superseded, turnedBack, lowering, bounced, notBounced, answer } = cut;
    for (const unit of unproven) superseded.delete(unit);
    const proven = units.filter((unit) => !unproven.has(unit) && !superseded.has(unit));
    answer({
      disconnected: proven.length,
      sessions: proven.map(({ session }) => session.key),
      unproven: [...unproven].map(({ session }) => session.key),
      superseded: [...superseded].map(({ session }) => session.key),
      turned_back: turnedBack,
      bounced,
      not_bounced: [...notBounced, ...lowering],
    });
  }

  /** Who is on these ports, too. */
  private othersOn(ports: readonly PortName[], units: readonly SessionUnit[]): readonly SessionUnit[] {
    const meant = new Set(units);
    return ports.flatMap((port) => this.core.sessions.onPort(port)).filter((unit) => !meant.has(unit));
  }
}

function turnedBackOf({ entering, logins }: Meant): number {
  return entering.length + logins.length;
}

function portsOf({ units, entering }: Meant): readonly PortName[] {
  const ports = units.filter(isL2).map(({ session }) => session.grant.port);
  return [...new Set([...ports, ...entering.map(({ port }) => port)])];
}
