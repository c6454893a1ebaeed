// Retained state upstream: the topics `info`, `port/<port>` and `session/<key>`. While no broker is there nothing is kept for it:
// on connect all of it is published anew. What a broker has of an earlier run, and nobody stands behind any more, is cleared.

import { after, earliest, type Instant, LONG_AGO, NEVER, seconds } from '../../base/time.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { SessionKey } from '../../model/session.ts';
import { buildTopic, parseTopic, type Topic } from '../../report/topics.ts';
import type { Core } from '../core.ts';
import type { SessionUnit } from '../session/session-unit.ts';
import { type InfoContext, infoPayload, portPayload, sessionPayload } from './views.ts';

const PORT_SPACING = seconds(1);

export class RetainedState {
  private context: InfoContext | undefined;
  private connected = false;
  /** Topics that the broker has, of sessions that may go on. */
  private readonly doubtful = new Set<string>();
  /** Changed, and not published since. */
  private readonly dirtyPorts = new Set<PortName>();
  private readonly portsPublished = new Map<PortName, Instant>();
  /** When the first of the changed ones may be. */
  private portsDueAt: Instant = NEVER;
  private infoDirty = false;

  constructor(private readonly core: Core) {}

  boot(context: Omit<InfoContext, 'uplinkGuard'>): void {
    this.context = { ...context, uplinkGuard: false };
  }

  /** What `info` says of the data plane has changed. */
  renew(part: Partial<Pick<InfoContext, 'capabilities' | 'uplinkGuard'>>): void {
    if (this.context !== undefined) this.context = { ...this.context, ...part };
    this.infoChanged();
  }

  get isConnected(): boolean {
    return this.connected;
  }

  broker(connected: boolean): void {
    this.connected = connected;
    if (!connected) return;
    const { core } = this;
    this.publishInfo();
    for (const { name } of core.parts.ports.all()) this.publishPort(name);
    for (const unit of core.sessions.all()) this.publishSession(unit);
  }

  info(): ReturnType<typeof infoPayload> | undefined {
    return this.context === undefined ? undefined : infoPayload(this.core, this.context);
  }

  /** Published once a turn. */
  infoChanged(): void {
    this.infoDirty = true;
  }

  private publishInfo(): void {
    this.infoDirty = false;
    const info = this.connected ? this.info() : undefined;
    if (info !== undefined) this.retain({ kind: 'info' }, info);
  }

  /**
   * A retained message that the broker has: true when it is a port's or a session's topic of this switch without a state
   * behind it. A broker keeps what a crashed agent published until somebody clears it.
   */
  isStale(topic: string, payloadOctets: number): boolean {
    const { core } = this;
    const parsed = parseTopic(topic);
    if (payloadOctets === 0 || !parsed.ok || parsed.value.switchId !== core.config.switch.id) return false;
    const { topic: what } = parsed.value;
    if (what.kind === 'session') {
      if (core.parts.restoration.isOver) return core.sessions.get(what.key) === undefined;
      // Whose it is may still go on.
      this.doubtful.add(topic);
      return false;
    }
    return what.kind === 'port' && core.parts.ports.get(what.port as PortName) === undefined;
  }

  /** Of every session of an earlier run it is known by now whether it goes on. */
  restored(): void {
    // One that comes back is asked again what it has.
    for (const topic of this.connected ? this.doubtful : [])
      if (this.isStale(topic, 1)) this.core.out.push({ type: 'publish', topic, payload: null, retain: true });
    this.doubtful.clear();
  }

  publishSession(unit: SessionUnit): void {
    this.retain({ kind: 'session', key: unit.session.key }, sessionPayload(unit));
  }

  /** Before its end is told, also one that came while the broker was away. A newer session of the same MAC keeps it. */
  clearSession(key: SessionKey): void {
    if (this.core.sessions.get(key) === undefined) this.retain({ kind: 'session', key }, null);
  }

  portChanged(port: PortName): void {
    this.dirtyPorts.add(port);
    this.portsDueAt = earliest(this.portsDueAt, this.portDue(port));
  }

  portGone(port: PortName): void {
    this.dirtyPorts.delete(port);
    this.portsPublished.delete(port);
    this.retain({ kind: 'port', port }, null);
  }

  /** `info`, and ports that have changed and may be told. */
  publishDue(): void {
    const { mono } = this.core.now;
    if (this.infoDirty) this.publishInfo();
    if (this.portsDueAt > mono) return;
    this.portsDueAt = NEVER;
    for (const port of this.dirtyPorts) {
      const at = this.portDue(port);
      if (at <= mono) this.publishPort(port);
      else this.portsDueAt = earliest(this.portsDueAt, at);
    }
  }

  /** All ports that have changed. */
  publishPorts(): void {
    for (const port of this.dirtyPorts) this.publishPort(port);
  }

  /** When the next port that has changed may be told. */
  pollAt(): Instant {
    return this.portsDueAt;
  }

  private portDue(port: PortName): Instant {
    return after(this.portsPublished.get(port) ?? LONG_AGO, PORT_SPACING);
  }

  private publishPort(port: PortName): void {
    this.dirtyPorts.delete(port);
    this.portsPublished.set(port, this.core.now.mono);
    const unit = this.core.parts.ports.get(port);
    if (unit !== undefined) this.retain({ kind: 'port', port }, portPayload(unit, this.core));
  }

  private retain(topic: Topic, payload: object | null): void {
    if (!this.connected) return;
    const text = buildTopic(this.core.config.switch.id, topic);
    this.core.out.push({ type: 'publish', topic: text, payload, retain: true });
  }
}
