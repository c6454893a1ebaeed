// Upstream hears it here: retained state and numbered events, as MQTT topics. While no broker is there, state is not
// kept for it (it is published whole on connect) and events wait in the log (report/events.ts), which keeps each until the
// broker has it.

import type { SessionRecord } from '../../accounting/spool.ts';
import { vlansOf } from '../../authz/vlan-plan.ts';
import type { Ip } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import { after, earliest, type Instant, instant, NEVER, seconds } from '../../base/time.ts';
import type { AuthMethod } from '../../model/authorization.ts';
import type { EndCause } from '../../model/cause.ts';
import { isAddress, type PortName, type SessionVlans } from '../../model/dataplane.ts';
import type { PortControl } from '../../model/port.ts';
import type { Session, SessionKey } from '../../model/session.ts';
import type { RequestKind } from '../../radius/effects.ts';
import type { EventRef, StoredEvents } from '../../report/event-codec.ts';
import {
  type EventPayload,
  PROBES_PER_EVENT,
  type ProbePayload,
  type ReportableEvent,
} from '../../report/event-payloads.ts';
import { EventLog } from '../../report/events.ts';
import { buildTopic, parseTopic, type Topic } from '../../report/topics.ts';
import type { EndDecision, RelockProof } from '../../session/logout.ts';
import type { Core } from '../core.ts';
import {
  type InfoContext,
  infoPayload,
  lostEndBody,
  portPayload,
  sessionEndBody,
  sessionPayload,
  stationBody,
} from '../orders/views.ts';
import type { LogFields } from '../ports.ts';
import type { Timed } from '../schedule.ts';
import type { L2Unit, SessionUnit } from '../session/session-unit.ts';

/** Whom a warning is about. */
export interface About {
  readonly port?: PortName;
  readonly mac?: Mac;
  readonly ip?: Ip;
}

export function whoOf({ grant }: Session): About {
  return isAddress(grant) ? { ip: grant.ip } : { mac: grant.mac, port: grant.port };
}

/** Who failed to get in, where. */
export interface FailedClient {
  readonly mac: Mac;
  readonly port: PortName;
  readonly method: AuthMethod;
  readonly userName: string | undefined;
  /** For people: why somebody whom a server has accepted is not in. */
  readonly detail?: string | undefined;
}

const PORT_SPACING = seconds(1);

export class Reporter implements Timed {
  private readonly log: EventLog;
  private context: InfoContext | undefined;
  private connected = false;
  /** Topics that the broker has, of sessions that may go on. */
  private readonly doubtful = new Set<string>();
  /** Changed, and not published since. */
  private readonly dirtyPorts = new Set<PortName>();
  private readonly portsPublished = new Map<PortName, Instant>();
  /** When the first of the changed ones may be. */
  private portsDueAt: Instant = NEVER;
  /** Of this turn. */
  private readonly probes: ProbePayload[] = [];

  constructor(private readonly core: Core) {
    this.log = new EventLog({ bootId: core.boot.bootId, memoryOnly: core.config.mqtt.url === undefined });
  }

  boot(context: Omit<InfoContext, 'uplinkGuard'>): void {
    this.context = { ...context, uplinkGuard: false };
  }

  /** A bridge has come: what the data plane can do is known now. */
  can(capabilities: InfoContext['capabilities']): void {
    if (this.context !== undefined) this.context = { ...this.context, capabilities };
    this.infoChanged();
  }

  /** `error`: why frames of an uplink are not guarded against. */
  uplinkGuard(error: string | undefined): void {
    if (this.context !== undefined) this.context = { ...this.context, uplinkGuard: error === undefined };
    if (error !== undefined) this.core.out.log('warn', `uplinks are not guarded: ${error}`);
    this.infoChanged();
  }

  get isConnected(): boolean {
    return this.connected;
  }

  /** Something of the agent itself has changed that upstream should not have to ask for. */
  infoChanged(): void {
    if (this.connected) this.publishInfo();
  }

  info(): ReturnType<typeof infoPayload> | undefined {
    return this.context === undefined ? undefined : infoPayload(this.core, this.context);
  }

  recent(count: number): readonly EventPayload[] {
    return this.log.recent(count);
  }

  /** On connect everything retained is published anew, then the events that waited. */
  broker(connected: boolean): void {
    this.connected = connected;
    this.log.linkChanged(connected);
    if (!connected) return;
    const { core } = this;
    this.publishInfo();
    for (const { name } of core.parts.ports.all()) this.publishPort(name);
    for (const unit of core.sessions.all()) this.publishSession(unit);
    this.drainEvents();
  }

  /** What an earlier run could not tell comes first. */
  opened(stored: StoredEvents): void {
    this.log.open(stored, this.core.now.mono);
    if (stored.damaged.length > 0)
      this.warning('spool', `${stored.damaged.length} events of the store cannot be read, and are lost`, {});
    if (stored.events.length > 0)
      this.core.out.log('info', 'events of an earlier run wait for the broker', {
        events: stored.events.length,
      });
    if (this.connected) this.drainEvents();
  }

  published(refs: readonly EventRef[]): void {
    this.log.acknowledged(refs, this.core.now.mono);
    if (this.connected) this.drainEvents();
  }

  /** The process ends: what the broker does not have yet is for the next one. */
  stopping(): void {
    this.storeEvents(true);
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

  sessionStarted(unit: SessionUnit): void {
    this.sessionChanged(unit);
    this.event({ type: 'session-start', body: { session: sessionPayload(unit) } });
  }

  sessionChanged(unit: SessionUnit): void {
    this.core.parts.keptSessions.changed(unit);
    this.publishSession(unit);
  }

  /** One of an earlier run goes on: the store has it so already. */
  sessionResumed(unit: SessionUnit): void {
    this.publishSession(unit);
  }

  private publishSession(unit: SessionUnit): void {
    this.retain({ kind: 'session', key: unit.session.key }, sessionPayload(unit));
  }

  /** Last of all that a session's end does. */
  sessionEnded(unit: SessionUnit, decision: EndDecision, proof: RelockProof): void {
    this.event({ type: 'session-end', body: sessionEndBody(unit, decision, { proof, core: this.core }) });
  }

  /** One that an earlier run left, and that this start has found dead: its Stop is stored. */
  sessionLost(session: SessionRecord, cause: EndCause): void {
    const body = lostEndBody(session, cause, this.core.now.wall);
    if (body !== undefined) this.event({ type: 'session-end', body });
  }

  sessionMoved(
    old: L2Unit,
    to: { readonly port: PortName; readonly sessionId: string },
    vlans: SessionVlans,
  ): void {
    const { key, mac, grant, id } = old.session;
    const body = {
      key,
      mac,
      from: { port: grant.port, vlan: grant.vlan },
      to: { port: to.port, vlan: vlansOf(vlans)[0] ?? 0 },
      old_session_id: id,
      new_session_id: to.sessionId,
    };
    this.event({ type: 'session-move', body });
  }

  authFailed(client: FailedClient, reason: string, replyMessage: string | undefined): void {
    const body = {
      mac: client.mac,
      port: client.port,
      method: client.method,
      user_name: client.userName ?? null,
      reason,
      ...(client.detail === undefined ? {} : { detail: client.detail }),
      ...(replyMessage === undefined ? {} : { reply_message: replyMessage }),
    } as const;
    this.event({ type: 'auth-failed', body });
  }

  /** Told at the end of the turn, with all others of it. */
  probed(
    unit: SessionUnit,
    { probe, target }: Pick<ProbePayload, 'probe' | 'target'>,
    silentPeriods: number,
  ): void {
    const { key, id } = unit.session;
    this.probes.push({
      key,
      ...stationBody(unit.session),
      session_id: id,
      probe,
      target,
      silent_periods: silentPeriods,
      times: unit.handshake.settings.times,
    });
  }

  radiusServer(server: string, kind: RequestKind, up: boolean, because: string): void {
    const use = kind === 'access' ? 'authentication' : 'accounting';
    this.core.out.log(up ? 'info' : 'warn', `RADIUS server ${up ? 'answers' : 'does not answer'}`, {
      server,
      use,
      because,
    });
    this.event({ type: 'radius-server', body: { server, use, state: up ? 'up' : 'down', because } });
  }

  portLink(port: PortName, up: boolean): void {
    this.core.out.log('info', `link ${up ? 'up' : 'down'}`, { port });
    const adminUp = this.core.parts.ports.get(port)?.machine.facts.adminUp ?? false;
    const body = { port, link: up ? 'up' : 'down', admin: adminUp ? 'up' : 'down', present: true } as const;
    this.event({ type: 'port-link', body });
  }

  portControl(port: PortName, control: PortControl): void {
    this.core.out.log('info', `port control ${control}`, { port });
  }

  /** Why there are too few; undefined = there are enough again. */
  descriptors(shortage: string | undefined): void {
    if (shortage === undefined) this.warning('descriptors-recovered', 'there are file descriptors again', {});
    else this.warning('descriptors', `${shortage}: what is open goes on, what is new waits`, {});
  }

  /** Published once a turn, and once a second at most: a port where many log in changes with each of them. */
  portChanged(port: PortName): void {
    this.dirtyPorts.add(port);
    this.portsDueAt = earliest(this.portsDueAt, this.portDue(port));
  }

  portGone(port: PortName): void {
    this.dirtyPorts.delete(port);
    this.portsPublished.delete(port);
    this.retain({ kind: 'port', port }, null);
    this.event({ type: 'port-link', body: { port, link: 'down', admin: 'down', present: false } });
  }

  guard(body: Extract<ReportableEvent, { readonly type: 'guard' }>['body']): void {
    this.core.out.log('warn', `mass-loss guard ${body.state}`, {
      reason: body.reason,
      silent: body.silent,
      sessions: body.sessions,
    });
    this.event({ type: 'guard', body });
  }

  dynamicAuthorization(
    body: Extract<ReportableEvent, { readonly type: 'dynamic-authorization' }>['body'],
  ): void {
    const { client, request, action, answer, sessions, detail } = body;
    this.core.out.log('info', `${request} request: ${answer}`, {
      client,
      ...(action === null ? {} : { action }),
      sessions: sessions.join(' '),
      ...(detail === undefined ? {} : { detail }),
    });
    this.event({ type: 'dynamic-authorization', body });
  }

  certifiedCleared(body: Extract<ReportableEvent, { readonly type: 'certified-cleared' }>['body']): void {
    const { by, detail, devices } = body;
    this.core.out.log('info', 'certified devices cleared', { by, detail, devices: devices.length });
    this.event({ type: 'certified-cleared', body });
  }

  warning(code: string, message: string, about: About): void {
    this.core.out.log('warn', message, { code, ...about } as LogFields);
    this.event({ type: 'warning', body: { code, message, ...about } });
  }

  /** At the end of each turn. */
  endTurn(): void {
    while (this.probes.length > 0) {
      this.event({ type: 'handshake-probe', body: { probes: this.probes.splice(0, PROBES_PER_EVENT) } });
    }
    this.publishPorts();
    this.storeEvents();
    this.core.schedule.touch(this);
  }

  /** Those that have changed, and may be told. */
  private publishPorts(): void {
    const { mono } = this.core.now;
    if (this.portsDueAt > mono) return;
    this.portsDueAt = NEVER;
    for (const port of this.dirtyPorts) {
      const at = this.portDue(port);
      if (at <= mono) this.publishPort(port);
      else this.portsDueAt = earliest(this.portsDueAt, at);
    }
  }

  private storeEvents(all = false): void {
    const changes = this.log.toStore(this.core.now.mono, all);
    if (changes.length > 0) this.core.out.push({ type: 'event-store', changes });
  }

  /** There may be no other turn. */
  portsNow(): void {
    for (const port of this.dirtyPorts) this.publishPort(port);
  }

  /** When the next port that has changed may be told, or an event has waited long enough. */
  pollAt(): Instant {
    return earliest(this.portsDueAt, this.log.pollAt());
  }

  onTime(): void {
    // `endTurn` looks at the clock, in every turn.
  }

  private portDue(port: PortName): Instant {
    return after(this.portsPublished.get(port) ?? instant(-NEVER), PORT_SPACING);
  }

  private event(event: ReportableEvent): void {
    const payload = this.log.record(event, this.core.now);
    this.core.out.push({ type: 'event', payload });
    if (this.connected) this.drainEvents();
  }

  private drainEvents(): void {
    for (let next = this.log.take(); next !== undefined; next = this.log.take()) {
      const { ref, event } = next;
      // Of an earlier run's sessions `isStale` says what the broker is to forget.
      if (event.type === 'session-end' && event.boot_id === this.core.boot.bootId)
        this.clearSession(event.key as SessionKey);
      const topic = buildTopic(this.core.config.switch.id, { kind: 'event', type: event.type });
      this.core.out.push({ type: 'publish', topic, payload: event, retain: false, ref });
    }
  }

  /** Before its end is told, also one that came while the broker was away. A newer session of the same MAC keeps it. */
  private clearSession(key: SessionKey): void {
    if (this.core.sessions.get(key) === undefined) this.retain({ kind: 'session', key }, null);
  }

  private publishInfo(): void {
    const info = this.info();
    if (info !== undefined) this.retain({ kind: 'info' }, info);
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
