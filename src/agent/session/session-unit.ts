// One session with everything that watches it: the handshake, the timers of policy and RADIUS, the interim schedule.

import { InterimTimer } from '../../accounting/interim.ts';
import { earliest, type Instant, LONG_AGO, latest, type Millis, millis, NEVER } from '../../base/time.ts';
import { same } from '../../config/diff.ts';
import { roleSettings } from '../../config/ports.ts';
import { Handshake } from '../../liveness/handshake.ts';
import type { ProbeKind } from '../../liveness/probing.ts';
import { HANDSHAKE_DEFAULTS, type HandshakeSettings } from '../../liveness/settings.ts';
import type { TrafficCounters } from '../../model/acct.ts';
import { type Authorization, isFallback } from '../../model/authorization.ts';
import type { SessionVlans, VlanId } from '../../model/dataplane.ts';
import type { RoleChoice, RoleSource } from '../../model/role.ts';
import type { EndEvidence, EvidenceKind, L2Session, L3Session, Session } from '../../model/session.ts';
import { judgedBySilence, type SilenceTimers, type Standing } from '../../policy/silence.ts';
import { SessionTimers, type Signs, type TimerEffect, type TimerSettings } from '../../policy/timers.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import type { Wanted } from './authorization-policy.ts';
import type { Admission } from './life.ts';
import { roleOf } from './roles.ts';

/** An answer to a probe comes within this time, or it is no answer to it. */
const ANSWER_WITHIN = millis(1000);
/** For those whose silence says nothing. */
const NO_HANDSHAKE: HandshakeSettings = { ...HANDSHAKE_DEFAULTS, period: millis(0) };
/** The table tells last use in steps of 10 ms, the capture a moment later: one frame, seen twice. */
const SAME_FRAME = millis(50);

export type L2Unit = SessionUnit<L2Session>;
export type L3Unit = SessionUnit<L3Session>;

/** Whoever holds VLANs of a port: somebody on the way in, then the session. */
export type Holder = Admission | L2Unit;

/** What an earlier run of ours knew of a session that goes on. */
export interface Resumed {
  readonly authorizedAt: Instant;
  readonly evidence: EndEvidence;
  /** Its last frame of its own accord. */
  readonly lastOwn: Instant;
  /** When the next interim is due. */
  readonly interimAt?: Instant;
}

/** What the configuration says of a session, beside its timers. */
interface Marks {
  readonly roleBy: RoleSource;
  readonly inBand: boolean;
}

export class SessionUnit<S extends Session = Session> implements Timed {
  timer: Timed['timer'];
  readonly handshake: Handshake;
  /** Undefined while there is nothing to time, as for most sessions of most switches; likewise `interim`. */
  private timers: SessionTimers | undefined;
  private interim: InterimTimer | undefined;
  /** Of the whole session, once its Stop is made; undefined where the port could not tell. */
  traffic: TrafficCounters | undefined;
  /** When the client last announced or tested an address of its own. */
  announcedAt: Instant = LONG_AGO;
  /** When the table entry was written, for the first time or anew: the kernel takes that for its last use. */
  grantedAt: Instant;
  /** When the authorization in force was given. */
  authorizedAt: Instant;
  private lastOwn: Instant;
  private probedAt: Instant = LONG_AGO;
  private probedBy: ProbeKind | undefined;
  private answeredAt: Instant = LONG_AGO;
  /** As upstream was told last. */
  private marks: Marks;

  constructor(
    readonly session: S,
    private readonly core: Core,
    /** Of layer 2: what its authorization and its role asked for, as it was given. */
    public wanted?: Wanted,
    resumed?: Resumed,
  ) {
    const { startedAt, authorization } = session;
    const { mono: now } = core.now;
    this.grantedAt = startedAt;
    this.authorizedAt = resumed?.authorizedAt ?? startedAt;
    this.lastOwn = resumed?.lastOwn ?? startedAt;
    const { handshake, timers } = this.settingsAs(session.role);
    this.marks = this.marksNow;
    this.handshake = new Handshake(handshake, startedAt, resumed && { now, ...resumed.evidence });
    if (timesAnything(timers)) {
      const untold = session.layer === 3 || !core.parts.watch.tableTellsUse;
      this.timers =
        resumed === undefined
          ? new SessionTimers(timers, startedAt)
          : SessionTimers.resumed(timers, this.signs(startedAt), {
              now,
              untold,
              askedWithin: millis(this.handshake.resumedAsksWithin + ANSWER_WITHIN),
            });
    }
    this.applyInterim(authorization.interimInterval, now);
    if (resumed?.interimAt !== undefined) this.interim?.resume(resumed.interimAt);
  }

  pollAt(): Instant {
    const timersAt = earliest(this.timers?.pollAt() ?? NEVER, this.interim?.pollAt() ?? NEVER);
    return earliest(this.handshake.pollAt(), timersAt);
  }

  onTime(now: Instant): void {
    if (this.interim?.tick(now)) this.core.parts.accountant.interim(this);
    this.core.parts.watch.tick(this);
  }

  /** A sign of life. `answer`: it may be the answer to a probe of ours, and is then no traffic of the client's own. */
  heard(at: Instant, kind: EvidenceKind, answer = false): void {
    if (answer && at - this.probedAt <= ANSWER_WITHIN) this.answeredAt = at;
    else if (Math.abs(at - this.answeredAt) > SAME_FRAME) this.lastOwn = latest(this.lastOwn, at);
    const { answered } = this.handshake;
    this.handshake.evidence(at, kind);
    if (this.handshake.answered > answered) this.core.probes.add('answered');
  }

  /**
   * The table tells of a use, at some time between these two: the later one is taken, so that nobody is cut too early.
   * It tells of the same use again with each dump, and the writing of the grant looks like one.
   */
  usedBetween(from: Instant, to: Instant): void {
    if (from <= this.grantedAt) return;
    // A dump that was slow: what is known already would seem to be newer than it was, and cost a probe too many. The price is
    // that a use so shortly after the last one is not seen: who falls silent there may be out earlier by as much.
    if (to - from > SAME_FRAME && from <= this.handshake.lastSeen) return;
    this.heard(to, 'fdb');
  }

  /** A probe has gone out. */
  probed(by: ProbeKind, now: Instant): void {
    this.probedAt = now;
    this.probedBy = by;
  }

  /** How it was asked last, if nothing has been heard of it since. */
  get unanswered(): ProbeKind | undefined {
    return this.handshake.lastSeen > this.probedAt ? undefined : this.probedBy;
  }

  signs(sweptAt: Instant): Signs {
    return { lastSeen: this.handshake.lastSeen, lastOwn: this.lastOwn, sweptAt };
  }

  /** Under a new word of the server: timers follow, what has run goes on. */
  renew(authorization: Authorization, sessionTimer: 'restart' | 'run-on'): void {
    const { session, core } = this;
    session.authorization = authorization;
    session.role = this.role.role;
    if (sessionTimer === 'restart') this.authorizedAt = core.now.mono;
    this.applyInterim(authorization.interimInterval, core.now.mono);
  }

  /** The configuration or the authorization changed; true if that changes the role, the timers or the marks that are told of it. */
  configure(sweptAt: Instant): boolean {
    const { session, core } = this;
    const { role: before, authorization } = session;
    session.role = this.role.role;
    this.applyInterim(authorization.interimInterval, core.now.mono);
    const { handshake, timers } = this.settingsAs(session.role);
    const marks = this.marksNow;
    const sameMarks = same(marks, this.marks);
    this.marks = marks;
    const sameHandshake = same(handshake, this.handshake.settings);
    if (!sameHandshake) this.handshake.handle({ type: 'settings', settings: handshake }, this.core.now.mono);
    const sameTimers = !this.configureTimers(timers, sweptAt);
    return !sameTimers || !sameHandshake || !sameMarks || session.role !== before;
  }

  /** `configure` would change something. */
  get isBehind(): boolean {
    const { role } = this.role;
    const { handshake, timers } = this.settingsAs(role);
    const sameTimers =
      this.timers === undefined ? !timesAnything(timers) : same(timers, this.timers.settings);
    const sameSettings = sameTimers && same(handshake, this.handshake.settings);
    return role !== this.session.role || !sameSettings || !same(this.marksNow, this.marks);
  }

  private get marksNow(): Marks {
    const { role, by } = this.role;
    return { roleBy: by, inBand: this.inBandAs(role) };
  }

  private settingsAs(role: string): {
    readonly handshake: HandshakeSettings;
    readonly timers: TimerSettings;
  } {
    const handshake = this.handshakeSettings(role);
    return { handshake, timers: this.timerSettings(handshake, role) };
  }

  private configureTimers(settings: TimerSettings, sweptAt: Instant): boolean {
    const { mono } = this.core.now;
    if (this.timers === undefined) {
      if (!timesAnything(settings)) return false;
      // A value that is new counts from now.
      this.timers = new SessionTimers(settings, mono);
      return true;
    }
    if (same(settings, this.timers.settings)) return false;
    this.timers.configure(settings, this.signs(sweptAt), mono);
    return true;
  }

  /** Of the session timer, the heartbeat timer and Idle-Timeout. */
  tickTimers(sweptAt: Instant): readonly TimerEffect[] {
    return this.timers?.tick(this.signs(sweptAt), this.core.now.mono) ?? [];
  }

  private applyInterim(fromRadius: Millis | undefined, now: Instant): void {
    // RADIUS has no records of those.
    if (isFallback(this.session.method)) return;
    const { interim } = this.core.settings;
    if (this.interim === undefined && (fromRadius ?? interim.interval) === 0) return;
    this.interim ??= new InterimTimer(interim, this.core.entropy);
    this.interim.configure(interim);
    this.interim.apply(fromRadius, now);
  }

  /** The client's last frame of its own accord. */
  get ownAt(): Instant {
    return this.lastOwn;
  }

  /** When its next interim is due; NEVER without any. */
  get interimAt(): Instant {
    return this.interim?.pollAt() ?? NEVER;
  }

  evidence(): EndEvidence {
    const { lastSeen, lastSeenBy, probesSent, probesAnswered } = this.handshake.view();
    return { lastSeen, lastSeenBy, probesSent, probesAnswered };
  }

  /** As it is to be by the configuration and the authorization in force. */
  get role(): RoleChoice {
    return roleOf(this.core, this.session);
  }

  /** Its traffic comes by this switch. */
  get inBand(): boolean {
    return this.inBandAs(this.session.role);
  }

  private inBandAs(role: string): boolean {
    const { session, core } = this;
    return session.layer === 3 || core.settings.inBand({ role, port: session.grant.port });
  }

  private judged({ keep }: Pick<HandshakeSettings, 'keep'>, role: string): SilenceTimers {
    const standing: Standing =
      this.session.layer === 3
        ? { layer: 3, firstHop: this.core.parts.routed.asksFor(this.session.grant.ip) }
        : { layer: 2, inBand: this.inBandAs(role), kept: keep };
    return judgedBySilence(standing);
  }

  private handshakeSettings(role: string): HandshakeSettings {
    const { session, core } = this;
    const settings =
      session.layer === 3
        ? core.settings.roleHandshake(role)
        : core.settings.handshake({ role, port: session.grant.port, mac: session.mac });
    return this.judged(settings, role).handshake ? settings : NO_HANDSHAKE;
  }

  private timerSettings(handshake: HandshakeSettings, role: string): TimerSettings {
    const { authorization, method, startedAt } = this.session;
    const { timers } = roleSettings(this.core.config, role);
    const { sessionTimeout, idleTimeout: idle, reauthenticateAtTimeout } = authorization;
    const { heartbeat } = timers;
    const judged = this.judged(handshake, role);
    // A Session-Timeout of 0 gives no time, and takes none away.
    const fromRadius = sessionTimeout !== undefined && sessionTimeout > 0;
    return {
      session: fromRadius ? sessionTimeout : timers.session,
      sessionFrom: fromRadius ? this.authorizedAt : startedAt,
      // A login by the page cannot be repeated without its user: its time ends it, whatever Termination-Action says.
      reauthenticate: fromRadius && reauthenticateAtTimeout && method !== 'web',
      ...(heartbeat === undefined || !judged.heartbeat ? {} : { heartbeat }),
      ...(idle === undefined || !judged.idle ? {} : { idle }),
      // The handshake asks by itself, unless it does not run, or runs too slowly to ask in time.
      probes: handshake.period === 0 || handshake.period > (heartbeat ?? 0) / 3,
    };
  }

  /** In force; undefined = none. */
  get sessionTimer(): Millis | undefined {
    return this.timers?.settings.session;
  }

  /** Of the session timer; undefined = there is none. */
  remaining(
    now: Instant,
  ): { readonly seconds: number; readonly atEnd: 'ends' | 'reauthenticates' } | undefined {
    const { timers } = this;
    if (timers === undefined || timers.sessionDeadline === NEVER) return undefined;
    const { reauthenticate } = timers.settings;
    return {
      seconds: Math.max(0, timers.sessionDeadline - now) / 1000,
      atEnd: reauthenticate ? 'reauthenticates' : 'ends',
    };
  }

  /** After which its session timer ends it; undefined where there is none, or where it reauthenticates only. */
  get endsAfter(): Millis | undefined {
    const settings = this.timers?.settings;
    if (settings === undefined || settings.session === 0 || settings.reauthenticate) return undefined;
    return settings.session;
  }

  get heartbeat(): Millis | undefined {
    return this.timers?.settings.heartbeat;
  }

  get idleTimeout(): Millis | undefined {
    return this.timers?.settings.idle;
  }
}

export function isL2(unit: SessionUnit): unit is L2Unit {
  return unit.session.layer === 2;
}

export function isL3(unit: SessionUnit): unit is L3Unit {
  return unit.session.layer === 3;
}

/** One that is known by its table entries; not somebody on the way in. */
export function isL2Unit(holder: Holder | undefined): holder is L2Unit {
  return holder instanceof SessionUnit && isL2(holder);
}

/** One of its entries is in this VLAN. */
export function isIn({ untagged, tagged }: SessionVlans, vlan: VlanId): boolean {
  return vlan === untagged || tagged.includes(vlan);
}

function timesAnything({ session, heartbeat, idle }: TimerSettings): boolean {
  return session > 0 || heartbeat !== undefined || idle !== undefined;
}
