// The administrator's cut: sessions are ended, and the answer waits for the proof that they are locked out, as long as
// PATIENCE at most; who is not by then is named in it, and the removal goes on. With a bounce the ports that they were on go
// down for some seconds, as for a CoA-Request; whoever else is on such a port is out by that (`port-reinit`).
//
// Nobody waits for a cut but who asked for it.

import { after, earliest, type Instant, NEVER, seconds } from '../base/time.ts';
import { DYNAUTH_DEFAULTS } from '../config/defaults.ts';
import type { PortName } from '../model/dataplane.ts';
import type { ResultOf } from '../report/answers.ts';
import type { Core } from './core.ts';
import type { Timed } from './schedule.ts';
import { isL2, type SessionUnit } from './session-unit.ts';

/** A removal that fails is tried again after 1 and after 3 s; the command line waits for 10 s. */
const PATIENCE = seconds(8);

type Answer = (result: ResultOf<'disconnect'>) => void;

interface Cut {
  readonly units: readonly SessionUnit[];
  readonly until: Instant;
  readonly answer: Answer;
  /** Of those nothing has been proven yet. */
  readonly unproven: Set<SessionUnit>;
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

  /** Answered at once: who would be cut. */
  foresee(units: readonly SessionUnit[], bounce: boolean): ResultOf<'disconnect'> {
    return {
      disconnected: 0,
      sessions: units.map(({ session }) => session.key),
      unproven: [],
      bounced: [],
      not_bounced: [],
      dry_run: true,
      others: bounce ? this.othersOn(portsOf(units), units).length : 0,
    };
  }

  begin(units: readonly SessionUnit[], bounce: boolean, answer: Answer): void {
    const cut: Cut = {
      units,
      until: after(this.core.now.mono, PATIENCE),
      answer,
      unproven: new Set(units),
      lowering: new Set(bounce ? portsOf(units) : []),
      bounced: [],
      notBounced: [],
    };
    this.open.add(cut);
    for (const unit of units) this.core.parts.life.end(unit, { cause: 'admin-reset' });
    for (const port of [...cut.lowering]) this.bounce(cut, port);
    this.look(cut);
    this.core.schedule.touch(this);
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
    const { units, unproven, lowering, bounced, notBounced, answer } = cut;
    answer({
      disconnected: units.length - unproven.size,
      sessions: units.filter((unit) => !unproven.has(unit)).map(({ session }) => session.key),
      unproven: [...unproven].map(({ session }) => session.key),
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

function portsOf(units: readonly SessionUnit[]): readonly PortName[] {
  return [...new Set(units.filter(isL2).map(({ session }) => session.grant.port))];
}
