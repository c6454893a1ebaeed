// One session with everything that watches it: the handshake, the timers of policy and RADIUS, the interim schedule.

import { INTERIM_DEFAULTS, InterimTimer } from '../accounting/interim.ts';
import { earliest, type Instant, type Millis } from '../base/time.ts';
import { handshakeSettings, portSettings } from '../config/ports.ts';
import { Handshake } from '../liveness/handshake.ts';
import type { TrafficCounters } from '../model/acct.ts';
import type { Authorization } from '../model/authorization.ts';
import type { EndEvidence, Session } from '../model/session.ts';
import type { Core } from './core.ts';
import type { Timed } from './schedule.ts';

export class SessionUnit implements Timed {
  readonly handshake: Handshake;
  readonly interim: InterimTimer;
  /** Of the whole session, once its Stop is made; undefined where the port could not tell. */
  traffic: TrafficCounters | undefined;

  constructor(
    readonly session: Session,
    private readonly core: Core,
  ) {
    const { mac, grant, startedAt } = session;
    this.handshake = new Handshake(
      handshakeSettings(core.config, { role: session.role, port: grant.port, mac }),
      startedAt,
    );
    this.interim = new InterimTimer(
      { ...INTERIM_DEFAULTS, interval: core.config.accounting.interim },
      core.entropy,
    );
    this.interim.apply(session.authorization.interimInterval, startedAt);
  }

  pollAt(): Instant {
    return earliest(this.handshake.pollAt(), this.interim.pollAt());
  }

  onTime(now: Instant): void {
    if (this.interim.tick(now)) this.core.parts.accountant.interim(this);
    this.core.parts.watch.tick(this);
  }

  /** Under a new word of the server: timers follow, what has run goes on. */
  renew(authorization: Authorization): void {
    this.session.authorization = authorization;
    this.interim.apply(authorization.interimInterval, this.core.now.mono);
  }

  /** The configuration changed; true if what watches this session did. */
  configure(): boolean {
    const { role, grant, mac } = this.session;
    const settings = handshakeSettings(this.core.config, { role, port: grant.port, mac });
    const { period, times, keep, wake, probe } = this.handshake.settings;
    const same =
      period === settings.period &&
      times === settings.times &&
      keep === settings.keep &&
      wake === settings.wake &&
      probe === settings.probe;
    if (!same) this.handshake.handle({ type: 'settings', settings }, this.core.now.mono);
    return !same;
  }

  evidence(): EndEvidence {
    const { lastSeen, lastSeenBy, probesSent, probesAnswered } = this.handshake.view();
    return { lastSeen, lastSeenBy, probesSent, probesAnswered };
  }

  get sessionTimer(): Millis | undefined {
    return this.session.authorization.sessionTimeout;
  }

  get heartbeat(): Millis | undefined {
    return undefined;
  }
}

/** The role that an authorization puts its session into: Filter-Id where it names one, else the port's. */
export function roleFor(core: Core, authorization: Authorization, port: string): string {
  const { filterId } = authorization;
  if (filterId !== undefined && core.config.roles.has(filterId)) return filterId;
  return portSettings(core.config, port).role;
}
