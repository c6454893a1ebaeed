// Disconnect-Requests that are being done. One is answered when nothing of its sessions stands any more: each is proven
// locked out, or its entry has become that of a newer session. Where an entry cannot be removed the answer waits a little
// for the next tries of the removal; if they fail, too, the request is refused. The session has ended all the same and its
// Stop is out; what is left of it is found by the next Disconnect-Request (RFC 5176 §3.5, 201 and 504).

import { after, earliest, type Instant, NEVER, seconds } from '../../base/time.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import type { SessionUnit } from '../session/session-unit.ts';

/** From the first failure: a removal is tried again after 1 and after 3 s. Servers repeat a request for longer than that. */
const PATIENCE = seconds(5);

interface Disconnect<Work> {
  readonly work: Work;
  /** Of whom something may still stand. */
  readonly units: Set<SessionUnit>;
  /** Once a removal has failed. */
  failure?: { readonly until: Instant; readonly error: string };
}

export class Disconnects<Work> implements Timed {
  timer: Timed['timer'];
  private readonly asked = new Map<SessionUnit, Disconnect<Work>[]>();
  private readonly failing = new Set<Disconnect<Work>>();

  constructor(
    private readonly core: Core,
    /** `error`: why one of its sessions could not be locked out. */
    private readonly settled: (work: Work, error?: string) => void,
  ) {}

  /** Of sessions that end now, or have ended and are stuck. */
  begin(work: Work, units: readonly SessionUnit[]): void {
    const disconnect: Disconnect<Work> = { work, units: new Set(units) };
    for (const unit of units) this.asked.set(unit, [...(this.asked.get(unit) ?? []), disconnect]);
    if (units.some((unit) => this.core.parts.life.isStuck(unit)))
      this.fail(disconnect, 'what is left of it cannot be removed');
  }

  /** Nothing of this session stands any more. */
  lockedOut(unit: SessionUnit): void {
    for (const disconnect of this.asked.get(unit) ?? []) {
      disconnect.units.delete(unit);
      if (disconnect.units.size === 0) this.settle(disconnect);
    }
    this.asked.delete(unit);
  }

  /** Something of this session could not be removed; that is tried again. */
  notLockedOut(unit: SessionUnit, error: string): void {
    for (const disconnect of this.asked.get(unit) ?? []) this.fail(disconnect, error);
  }

  pollAt(): Instant {
    let at = NEVER;
    for (const { failure } of this.failing) at = earliest(at, failure?.until ?? NEVER);
    return at;
  }

  onTime(now: Instant): void {
    for (const disconnect of this.failing) {
      const { failure, units } = disconnect;
      if (failure === undefined || failure.until > now) continue;
      for (const unit of units) this.forget(unit, disconnect);
      this.settle(disconnect, failure.error);
    }
  }

  private fail(disconnect: Disconnect<Work>, error: string): void {
    disconnect.failure ??= { until: after(this.core.now.mono, PATIENCE), error };
    this.failing.add(disconnect);
    this.core.schedule.touch(this);
  }

  private forget(unit: SessionUnit, disconnect: Disconnect<Work>): void {
    const others = this.asked.get(unit)?.filter((other) => other !== disconnect) ?? [];
    if (others.length > 0) this.asked.set(unit, others);
    else this.asked.delete(unit);
  }

  private settle(disconnect: Disconnect<Work>, error?: string): void {
    this.failing.delete(disconnect);
    this.settled(disconnect.work, error);
  }
}
