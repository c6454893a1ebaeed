// The timers of one session beside the handshake: session timer, heartbeat timer, RADIUS Idle-Timeout.
//
//   session timer     absolute; RADIUS Session-Timeout wins over the role's and counts from the Accept that gave it
//   heartbeat timer   since the last sign of life, a probe's answer included; asks once per third of it where the
//                     handshake does not ask by itself
//   Idle-Timeout      since the client's own traffic; a probe's answer is no traffic of its own
//
// Whichever is reached first ends the session. Signs of life are not told to this machine one by one: it is shown the
// last ones when a deadline comes, and moves the deadline if they are newer (a session that talks costs nothing). A
// verdict of silence waits for a table dump that is newer than its deadline.

import { after, earliest, type Instant, instant, latest, type Millis, millis, NEVER } from '../base/time.ts';
import type { EndCause } from '../model/cause.ts';

export interface TimerSettings {
  /** 0 = none. */
  readonly session: Millis;
  /** What `session` counts from: the login, or the Accept that brought Session-Timeout. */
  readonly sessionFrom: Instant;
  /** Termination-Action RADIUS-Request (RFC 2865 §5.29): at expiry reauthenticate, without interruption. */
  readonly reauthenticate: boolean;
  /** Absent = not set, or it does not apply (L3, out of band). */
  readonly heartbeat?: Millis;
  /** Idle-Timeout (RFC 2865 §5.28). */
  readonly idle?: Millis;
  /** The heartbeat is to send its own probes: T = 0. */
  readonly probes: boolean;
}

/** The last signs of life that are known, and up to when everything is known that the table saw. */
export interface Signs {
  readonly lastSeen: Instant;
  /** Last frame that the client sent of its own accord. */
  readonly lastOwn: Instant;
  readonly sweptAt: Instant;
}

export type TimerEffect =
  | { readonly type: 'end'; readonly cause: EndCause }
  | { readonly type: 'reauthenticate' }
  | { readonly type: 'probe' }
  /** Tick again when a dump that is newer than this moment is in. */
  | { readonly type: 'sweep-needed' };

/** Probes per heartbeat period: at one third and at two thirds of the silence. */
const THIRDS = 3;

export class SessionTimers {
  private config: TimerSettings;
  private sessionAt: Instant;
  private heartbeatAt: Instant;
  private idleAt: Instant;
  private probeAt: Instant;
  /** When the value in force was set: silence before that does not count. */
  private heartbeatFrom: Instant;
  private idleFrom: Instant;
  /** A deadline that seems to be missed: the dump that decides is awaited. */
  private sweeping = false;

  constructor(settings: TimerSettings, start: Instant) {
    this.config = settings;
    this.heartbeatFrom = start;
    this.idleFrom = start;
    this.sessionAt = deadline(settings.sessionFrom, settings.session);
    this.heartbeatAt = deadline(start, settings.heartbeat);
    this.idleAt = deadline(start, settings.idle);
    this.probeAt = this.thirdAfter(start);
  }

  /**
   * Of a session that an earlier run of ours has begun. Time in which nobody ran counts, but nobody was asked in it: who
   * seems silent for longer than two thirds of the heartbeat is asked once more, and has the last third to answer; or
   * longer, where the handshake asks by itself and has its answer only after `askedWithin`.
   * `untold`: the table does not say when its client was last heard, so that idleness counts from now.
   */
  static resumed(
    settings: TimerSettings,
    signs: Signs,
    {
      now,
      untold,
      askedWithin,
    }: { readonly now: Instant; readonly untold: boolean; readonly askedWithin: Millis },
  ): SessionTimers {
    const { heartbeat = 0, probes } = settings;
    const toAnswer = Math.max(heartbeat / THIRDS, probes ? 0 : askedWithin);
    const timers = new SessionTimers(settings, instant(now - Math.max(0, heartbeat - toAnswer)));
    timers.idleFrom = untold ? now : signs.lastOwn;
    timers.follow(signs);
    return timers;
  }

  get settings(): TimerSettings {
    return this.config;
  }

  /** When the session timer ends it; NEVER without one. */
  get sessionDeadline(): Instant {
    return this.sessionAt;
  }

  pollAt(): Instant {
    if (this.sweeping) return this.sessionAt;
    return earliest(earliest(this.sessionAt, this.heartbeatAt), earliest(this.idleAt, this.probeAt));
  }

  /** A deadline of `pollAt` has come, or a dump has been read. The first `end` is the last effect. */
  tick(signs: Signs, now: Instant): TimerEffect[] {
    this.sweeping = false;
    if (this.sessionAt <= now) {
      this.sessionAt = NEVER;
      if (!this.config.reauthenticate) return [{ type: 'end', cause: 'session-timeout' }];
      return [{ type: 'reauthenticate' }, ...this.silence(signs, now)];
    }
    return this.silence(signs, now);
  }

  /** New values of the role or of RADIUS. What did not change goes on as it was. */
  configure(settings: TimerSettings, signs: Signs, now: Instant): void {
    const before = this.config;
    this.config = settings;
    // One that has expired, and was to reauthenticate, ends the session where that is not wanted any more.
    if (
      settings.session !== before.session ||
      settings.sessionFrom !== before.sessionFrom ||
      settings.reauthenticate !== before.reauthenticate
    ) {
      this.sessionAt = deadline(settings.sessionFrom, settings.session);
    }
    // A value that is new counts from now: nobody is ended for a silence that was allowed while it lasted.
    if (settings.heartbeat !== before.heartbeat || settings.probes !== before.probes)
      this.heartbeatFrom = now;
    if (settings.idle !== before.idle) this.idleFrom = now;
    this.follow(signs);
    this.sweeping = false;
  }

  private follow(signs: Signs): void {
    const { heartbeat, idle } = this.config;
    const lastSeen = latest(signs.lastSeen, this.heartbeatFrom);
    this.heartbeatAt = deadline(lastSeen, heartbeat);
    this.idleAt = deadline(latest(signs.lastOwn, this.idleFrom), idle);
    this.probeAt = this.thirdAfter(lastSeen);
  }

  private silence(signs: Signs, now: Instant): TimerEffect[] {
    const { heartbeat, idle } = this.config;
    this.heartbeatAt = deadline(latest(signs.lastSeen, this.heartbeatFrom), heartbeat);
    this.idleAt = deadline(latest(signs.lastOwn, this.idleFrom), idle);
    const due = earliest(this.heartbeatAt, this.idleAt);
    if (due <= now) {
      if (signs.sweptAt < due) {
        this.sweeping = true;
        return [{ type: 'sweep-needed' }];
      }
      const cause = this.heartbeatAt <= this.idleAt ? 'heartbeat-timeout' : 'idle-timeout';
      return [{ type: 'end', cause }];
    }
    return this.probeIfDue(signs, now);
  }

  /** Thirds are counted from the last sign of life, so an answer puts the next one off by a third. */
  private probeIfDue(signs: Signs, now: Instant): TimerEffect[] {
    const lastSeen = latest(signs.lastSeen, this.heartbeatFrom);
    const next = this.thirdAfter(lastSeen);
    if (next > now && this.probeAt > now) {
      this.probeAt = next;
      return [];
    }
    const third = (this.config.heartbeat ?? 0) / THIRDS;
    const silentThirds = third > 0 ? Math.floor((now - lastSeen) / third) : 0;
    this.probeAt = this.thirdAfter(after(lastSeen, millis(silentThirds * third)));
    return silentThirds >= 1 && silentThirds < THIRDS ? [{ type: 'probe' }] : [];
  }

  private thirdAfter(from: Instant): Instant {
    const { heartbeat, probes } = this.config;
    return probes ? deadline(from, heartbeat === undefined ? undefined : millis(heartbeat / THIRDS)) : NEVER;
  }
}

function deadline(from: Instant, length: Millis | undefined): Instant {
  return length === undefined || length <= 0 ? NEVER : after(from, length);
}
