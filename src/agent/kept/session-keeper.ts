// What is stored of living sessions for the day on which the agent does not come to end them: each session's last
// evidence, its counters and its addresses, every few minutes. The next start makes its Stop of that.
//
// Flash is spared: only a session of which there is something new is written, and a turn writes 500 at most, so that one
// transaction takes many. A session that is never cut for silence counts as present for as long as the agent is.

import type { SessionRecord } from '../../accounting/spool.ts';
import { after, type Instant, LONG_AGO, millis, NEVER } from '../../base/time.ts';
import { isFallback } from '../../model/authorization.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import type { SessionUnit } from '../session/session-unit.ts';

const PER_TURN = 500;
const BETWEEN_TURNS = millis(100);

export class SessionKeeper implements Timed {
  private dueAt: Instant = NEVER;
  /** Who is still to be looked at in this round. */
  private round: IterableIterator<SessionUnit> | undefined;
  /** Up to when each session is known to have been there. */
  private readonly known = new WeakMap<SessionUnit, Instant>();

  constructor(
    private readonly core: Core,
    private readonly recordOf: (unit: SessionUnit, at: Instant) => SessionRecord,
  ) {}

  /** The store is open. */
  begin(): void {
    this.dueAt = after(this.core.now.mono, this.core.config.accounting.spool.evidence);
    this.core.schedule.touch(this);
  }

  /** A server was told that it is there now: its Stop must not be earlier than that. */
  reported(unit: SessionUnit): void {
    this.known.set(unit, this.core.now.mono);
  }

  /** An earlier run has stored what is known of it. */
  resumed(unit: SessionUnit, knownUntil: Instant): void {
    this.known.set(unit, knownUntil);
  }

  /** All that is known, at once: there will be no other turn. */
  keepAll(): void {
    this.keep(this.core.sessions.all(), Number.POSITIVE_INFINITY);
  }

  pollAt(): Instant {
    return this.dueAt;
  }

  onTime(now: Instant): void {
    this.round ??= this.core.sessions.all();
    const over = this.keep(this.round, PER_TURN);
    if (over) this.round = undefined;
    this.dueAt = after(now, over ? this.core.config.accounting.spool.evidence : BETWEEN_TURNS);
    this.core.schedule.touch(this);
  }

  /** True if there was nobody left. */
  private keep(units: IterableIterator<SessionUnit>, most: number): boolean {
    const sessions: SessionRecord[] = [];
    let looked = 0;
    for (const unit of units) {
      const before = this.known.get(unit) ?? LONG_AGO;
      const at = this.lastKnown(unit);
      if (at > before && !isFallback(unit.session.method)) {
        this.known.set(unit, at);
        sessions.push(this.recordOf(unit, at));
      }
      if (++looked >= most) break;
    }
    if (sessions.length > 0) this.core.out.push({ type: 'spool-keep', sessions });
    return looked < most;
  }

  private lastKnown(unit: SessionUnit): Instant {
    const { period, keep } = unit.handshake.settings;
    return period === 0 || keep ? this.core.now.mono : unit.evidence().lastSeen;
  }
}
