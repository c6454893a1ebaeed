// CoA-Requests that change sessions: the new word is in force for all that are meant, or for none (RFC 5176 §3). Where it
// cannot be for one, the others are put back, but for those that have got another word meanwhile: a server's newest counts.
// A newer request for one of the sessions takes the place of one that is still being done: that is refused and put back as a
// whole, and the newer one begins on what was before.

import type { Instant } from '../../base/time.ts';
import type { Authorization } from '../../model/authorization.ts';
import { type AuthorizationChange, changed } from '../../radius/dynauth-request.ts';
import type { Refusal } from '../../radius/error-cause.ts';
import type { Core } from '../core.ts';
import type { SessionUnit } from '../session/session-unit.ts';

/** What becomes of one session, and how it was. */
interface Step {
  readonly unit: SessionUnit;
  readonly to: Authorization;
  readonly before: Authorization;
  readonly givenAt: Instant;
}

interface Change<Work> {
  readonly work: Work;
  readonly what: AuthorizationChange;
  readonly steps: Step[];
  /** Sessions that nothing has been heard of yet. */
  readonly waiting: Set<SessionUnit>;
  /** All that can be asked is asked: one that is settled earlier does not settle the whole. */
  asked: boolean;
  refusal?: Refusal;
}

const SUPERSEDED: Refusal = {
  cause: 'Resources-Unavailable',
  detail: 'a newer request for one of its sessions came',
};

export class Changes<Work> {
  private readonly open = new Map<SessionUnit, Change<Work>>();

  constructor(
    private readonly core: Core,
    private readonly settled: (work: Work, refusal?: Refusal) => void,
  ) {}

  begin(work: Work, units: readonly SessionUnit[], what: AuthorizationChange): void {
    for (const unit of units) {
      const older = this.open.get(unit);
      if (older !== undefined) this.close(older, SUPERSEDED);
    }
    const change: Change<Work> = { work, what, steps: [], waiting: new Set(), asked: false };
    const together = new Set(units);
    const sessionTimer = what.keys.includes('sessionTimeout') ? 'restart' : 'run-on';
    for (const unit of units) {
      this.open.set(unit, change);
      const before = unit.session.authorization;
      const step: Step = { unit, to: changed(before, what), before, givenAt: unit.authorizedAt };
      const renewal = this.core.parts.life.renew(unit, step.to, { sessionTimer, together });
      if (typeof renewal === 'object') {
        change.refusal = { cause: 'Invalid-Attribute-Value', detail: renewal.refused };
        break;
      }
      change.steps.push(step);
      if (renewal === 'pending') change.waiting.add(unit);
    }
    change.asked = true;
    if (change.waiting.size === 0) this.close(change);
  }

  /** A renewal that was `pending` is in force, or why it is not. */
  renewed(unit: SessionUnit, refusal?: Refusal): void {
    const change = this.open.get(unit);
    if (change?.waiting.delete(unit) !== true) return;
    if (refusal !== undefined) change.refusal ??= refusal;
    if (change.asked && change.waiting.size === 0) this.close(change);
  }

  private close(change: Change<Work>, refusal?: Refusal): void {
    if (refusal !== undefined) change.refusal ??= refusal;
    for (const [unit, of] of this.open) if (of === change) this.open.delete(unit);
    const pending = new Set(change.waiting);
    change.waiting.clear();
    if (change.refusal !== undefined) this.putBack(change.steps.filter((step) => this.isOurs(step, pending)));
    else
      for (const { unit } of change.steps)
        if (unit.session.layer === 3) this.core.parts.sso.changed(unit.session, change.what);
    this.settled(change.work, change.refusal);
  }

  /** The session runs under this word, or is on its way there. */
  private isOurs({ unit, to }: Step, pending: ReadonlySet<SessionUnit>): boolean {
    const { sessions, parts } = this.core;
    if (sessions.get(unit.session.key) !== unit) return false;
    return pending.has(unit) || (unit.session.authorization === to && !parts.life.isRenewing(unit));
  }

  private putBack(steps: readonly Step[]): void {
    const together = new Set(steps.map(({ unit }) => unit));
    for (const { unit, before, givenAt } of steps) {
      unit.authorizedAt = givenAt;
      this.core.parts.life.renew(unit, before, { sessionTimer: 'run-on', together });
    }
  }
}
