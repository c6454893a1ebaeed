// Reauthentications that time has made due (Session-Timeout with Termination-Action 1, reAuthPeriod, another try after no
// server answered): whoever counts the time says `due`, and here they begin, or wait for a server (pae/reauth-pacing.ts).
// What an administrator, a server or the client itself wants does not come by here, and waits for nobody.

import type { Instant } from '../../base/time.ts';
import { isFallback } from '../../model/authorization.ts';
import { ReauthPacing } from '../../pae/reauth-pacing.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import type { L2Unit } from '../session/session-unit.ts';

export class Reauthentication implements Timed {
  timer: Timed['timer'];
  private readonly pacing: ReauthPacing<L2Unit>;

  constructor(private readonly core: Core) {
    this.pacing = new ReauthPacing(core.config.reauthentication);
  }

  /** How many wait for a server, or for their turn after its return. */
  get waiting(): number {
    return this.pacing.waiting;
  }

  configure(): void {
    this.pacing.configure(this.core.config.reauthentication);
  }

  due(unit: L2Unit): void {
    if (this.cannotWait(unit) || this.pacing.due(unit)) this.begin(unit);
    else if (!this.putOutIfDenied(unit)) {
      const { mac, grant } = unit.session;
      this.core.step(mac, grant.port, 'reauthentication waits', 'until an authentication server answers');
      this.core.schedule.touch(this);
    }
  }

  /** The session is over. */
  forget(unit: L2Unit): void {
    this.pacing.forget(unit);
  }

  /** A server died or came back, that is certain by now, or one that is dead may be tried at another time than before. */
  serversChanged(): void {
    const { parts, entropy, now, out, schedule } = this.core;
    const { answering, reachable } = parts.aaa;
    const waiting = answering ? this.waiting : 0;
    if (this.pacing.servers(answering, entropy.fraction(), now.mono) && waiting > 0) {
      out.log('info', 'reauthentications that waited for a server begin', { sessions: waiting });
    }
    if (!reachable) for (const unit of this.pacing.all) this.putOutIfDenied(unit);
    schedule.touch(this);
  }

  /** It would go on without a server's word, of which it is not certain that there is none: its own question shows it. */
  private cannotWait(unit: L2Unit): boolean {
    const { aaa, fallback } = this.core.parts;
    return !aaa.answering && aaa.reachable && fallback.denies(unit);
  }

  /** Who must not go on without a server is put out, where it is certain that none answers; true if it is. */
  private putOutIfDenied(unit: L2Unit): boolean {
    const { aaa, fallback, life } = this.core.parts;
    if (aaa.reachable || !fallback.denies(unit)) return false;
    this.pacing.forget(unit);
    life.end(unit, { cause: 'reauth-failed', detail: 'no authentication server answers' });
    return true;
  }

  pollAt(): Instant {
    return this.pacing.pollAt(this.core.parts.aaa.trialAt);
  }

  onTime(now: Instant): void {
    for (const unit of this.pacing.take(this.core.parts.aaa.trialAt, now)) this.begin(unit);
  }

  private begin(unit: L2Unit): void {
    const { core } = this;
    const { mac, grant, key, method } = unit.session;
    if (core.sessions.get(key) !== unit) return;
    if (core.method(method)?.reauthenticate(mac, grant.port, 'timer') === true) return;
    if (!isFallback(method)) core.parts.life.end(unit, { cause: 'session-timeout' });
    else if (core.parts.aaa.answering)
      core.parts.life.end(unit, { cause: 'authorization-changed', detail: 'its client cannot be asked' });
    else this.pacing.due(unit);
  }
}
