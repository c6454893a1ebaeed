// When the table is dumped. One schedule per switch: a dump tells of all sessions at once.
//
// Routinely as often as the shortest handshake wants it (a quarter of its T, at most a second), and out of turn when a
// verdict waits for a dump newer than its period's end. Never more than SHARE of a core: after a dump that took d the
// next waits d * (1/SHARE - 1), whoever asks; on a table that dumps in 5 ms a request is thus served within 95 ms.
//
// What a dump covers: everything that happened before it began, and `sweptAt` is that moment. A request that comes while a
// dump runs is served by the next one.

import { after, earliest, type Instant, LONG_AGO, latest, type Millis, millis, NEVER } from '../base/time.ts';
import type { TableDump } from '../model/dataplane.ts';

/** At most this share of a core goes into dumps. */
export const SWEEP_SHARE = 0.05;

/** A routine dump is never more seldom than this while any handshake runs. */
export const SWEEP_INTERVAL_MAX = millis(1_000);

/** How long to wait after a dump that failed. */
const RETRY = millis(1_000);

/** How often the table is to be read for a session with this T; NEVER for T = 0. */
export function sweepInterval(period: Millis): Millis {
  return period <= 0 ? millis(NEVER) : millis(Math.min(period / 4, SWEEP_INTERVAL_MAX));
}

type State =
  | { readonly type: 'idle' }
  /** A dump is under way; `again`: somebody asked after it began. */
  | { readonly type: 'dumping'; readonly again: boolean };

export class SweepSchedule {
  private state: State = { type: 'idle' };
  private routineAt: Instant;
  private requestedAt: Instant = NEVER;
  private notBefore: Instant;
  private covered = LONG_AGO;

  /** `interval`: the least `sweepInterval` of all sessions. */
  constructor(
    private interval: Millis,
    now: Instant,
  ) {
    this.notBefore = now;
    this.routineAt = after(now, interval);
  }

  /** Everything that the table saw before this instant is known. */
  get sweptAt(): Instant {
    return this.covered;
  }

  /** Sessions came, went or changed their T. A shorter interval takes effect from now. */
  adjust(interval: Millis, now: Instant): void {
    if (interval === this.interval) return;
    this.interval = interval;
    this.routineAt = after(now, interval);
  }

  /** A dump that begins now or later is wanted soon. */
  requested(now: Instant): void {
    if (this.state.type === 'dumping') this.state = { type: 'dumping', again: true };
    else this.requestedAt = earliest(this.requestedAt, now);
  }

  /** When to dump; NEVER while one is under way. */
  pollAt(): Instant {
    if (this.state.type === 'dumping') return NEVER;
    return latest(earliest(this.routineAt, this.requestedAt), this.notBefore);
  }

  /** The dump that `pollAt` asked for has begun. */
  started(): void {
    this.state = { type: 'dumping', again: false };
    this.requestedAt = NEVER;
  }

  /** The dump is in, and its last-seen times have been told to the handshakes. */
  done({ at, tookMs }: Pick<TableDump, 'at' | 'tookMs'>): void {
    this.covered = at;
    this.pause(after(at, millis(tookMs)), millis(tookMs * (1 / SWEEP_SHARE - 1)));
  }

  /** No dump could be had: `sweptAt` stays, so nobody is judged; it is tried again. */
  failed(now: Instant): void {
    this.pause(now, RETRY);
    this.requestedAt = now;
  }

  private pause(now: Instant, rest: Millis): void {
    if (this.state.type === 'dumping' && this.state.again) this.requestedAt = now;
    this.state = { type: 'idle' };
    this.notBefore = after(now, rest);
    this.routineAt = after(now, this.interval);
  }
}
