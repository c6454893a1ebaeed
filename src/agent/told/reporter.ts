// Upstream hears it here: numbered events and retained state (retained.ts), as MQTT topics. While no broker is there, events
// wait in the log (report/events.ts), which keeps each until the broker has it.

import type { SessionRecord } from '../../accounting/spool.ts';
import { vlansOf } from '../../authz/vlan-plan.ts';
import type { Ip } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import { earliest, type Instant } from '../../base/time.ts';
import type { AuthMethod } from '../../model/authorization.ts';
import type { EndCause } from '../../model/cause.ts';
import type { PortName, SessionVlans } from '../../model/dataplane.ts';
import type { PortControl } from '../../model/port.ts';
import type { SessionKey } from '../../model/session.ts';
import type { RequestKind } from '../../radius/settings.ts';
import type { EventRef, StoredEvents } from '../../report/event-codec.ts';
import {
  type EventPayload,
  PROBES_PER_EVENT,
  type ProbePayload,
  type ReportableEvent,
} from '../../report/event-payloads.ts';
import { EventLog } from '../../report/events.ts';
import type { InfoPayload } from '../../report/payloads.ts';
import { buildTopic } from '../../report/topics.ts';
import type { WarningCode } from '../../report/warnings.ts';
import type { EndDecision, RelockProof } from '../../session/logout.ts';
import type { Core } from '../core.ts';
import type { LogFields } from '../ports.ts';
import type { Timed } from '../schedule.ts';
import type { L2Unit, SessionUnit } from '../session/session-unit.ts';
import { RetainedState } from './retained.ts';
import { type InfoContext, lostEndBody, sessionEndBody, sessionPayload, stationBody } from './views.ts';

/** Whom a warning is about. */
export interface About {
  readonly port?: PortName;
  readonly mac?: Mac;
  readonly ip?: Ip;
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

export class Reporter implements Timed {
  private readonly log: EventLog;
  private readonly retained: RetainedState;
  /** Of this turn. */
  private readonly probes: ProbePayload[] = [];

  constructor(private readonly core: Core) {
    this.retained = new RetainedState(core);
    this.log = new EventLog({ bootId: core.boot.bootId, memoryOnly: core.config.mqtt.url === undefined });
  }

  boot(context: Omit<InfoContext, 'uplinkGuard'>): void {
    this.retained.boot(context);
  }

  /** A bridge has come: what the data plane can do is known now. */
  can(capabilities: InfoContext['capabilities']): void {
    this.retained.renew({ capabilities });
  }

  /** `error`: why frames of an uplink are not guarded against. */
  uplinkGuard(error: string | undefined): void {
    if (error !== undefined) this.core.out.log('warn', `uplinks are not guarded: ${error}`);
    this.retained.renew({ uplinkGuard: error === undefined });
  }

  get isConnected(): boolean {
    return this.retained.isConnected;
  }

  /** Something of the agent itself has changed that upstream should not have to ask for. */
  infoChanged(): void {
    this.retained.infoChanged();
  }

  info(): ReturnType<RetainedState['info']> {
    return this.retained.info();
  }

  recent(count: number): readonly EventPayload[] {
    return this.log.recent(count);
  }

  /** Events on their way. */
  get events(): InfoPayload['events'] {
    return { waiting: this.log.size, dropped: this.log.droppedTotal };
  }

  /** On connect everything retained is published anew, then the events that waited. */
  broker(connected: boolean): void {
    this.log.linkChanged(connected);
    this.retained.broker(connected);
    if (connected) this.drainEvents();
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
    if (this.isConnected) this.drainEvents();
  }

  published(refs: readonly EventRef[]): void {
    this.log.acknowledged(refs, this.core.now.mono);
    if (this.isConnected) this.drainEvents();
  }

  /** The process ends: what the broker does not have yet is for the next one. */
  stopping(): void {
    this.storeEvents(true);
  }

  /** A retained message that the broker has, and without a state behind it. */
  isStale(topic: string, payloadOctets: number): boolean {
    return this.retained.isStale(topic, payloadOctets);
  }

  /** Of every session of an earlier run it is known by now whether it goes on. */
  restored(): void {
    this.retained.restored();
  }

  sessionStarted(unit: SessionUnit): void {
    this.sessionChanged(unit);
    this.event({ type: 'session-start', body: { session: sessionPayload(unit) } });
  }

  sessionChanged(unit: SessionUnit): void {
    this.core.parts.keptSessions.changed(unit);
    this.retained.publishSession(unit);
  }

  /** One of an earlier run goes on: the store has it so already. */
  sessionResumed(unit: SessionUnit): void {
    this.retained.publishSession(unit);
  }

  /** Last of all that a session's end does. */
  sessionEnded(unit: SessionUnit, decision: EndDecision, proof: RelockProof): void {
    this.core.ends.add(decision.cause);
    this.event({ type: 'session-end', body: sessionEndBody(unit, decision, { proof, core: this.core }) });
  }

  /** One that an earlier run left, and that this start has found dead: its Stop is stored. */
  sessionLost(session: SessionRecord, cause: EndCause): void {
    this.core.ends.add(cause);
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
    how: Pick<ProbePayload, 'probe' | 'target' | 'other_targets'>,
    silentPeriods: number,
  ): void {
    const { key, id } = unit.session;
    this.core.probes.add('sent');
    this.probes.push({
      key,
      ...stationBody(unit.session),
      session_id: id,
      ...how,
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
    this.portChanged(port);
  }

  /** Why there are too few; undefined = there are enough again. */
  descriptors(shortage: string | undefined): void {
    if (shortage === undefined) this.warning('descriptors-recovered', 'there are file descriptors again', {});
    else this.warning('descriptors', `${shortage}: what is open goes on, what is new waits`, {});
  }

  /** Published once a turn, and once a second at most: a port where many log in changes with each of them. */
  portChanged(port: PortName): void {
    this.retained.portChanged(port);
  }

  portGone(port: PortName): void {
    this.retained.portGone(port);
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

  warning(code: WarningCode, message: string, about: About): void {
    this.core.out.log('warn', message, { code, ...about } as LogFields);
    this.event({ type: 'warning', body: { code, message, ...about } });
  }

  /** At the end of each turn. */
  endTurn(): void {
    while (this.probes.length > 0) {
      this.event({ type: 'handshake-probe', body: { probes: this.probes.splice(0, PROBES_PER_EVENT) } });
    }
    this.retained.publishDue();
    this.storeEvents();
    this.core.schedule.touch(this);
  }

  private storeEvents(all = false): void {
    const changes = this.log.toStore(this.core.now.mono, all);
    if (changes.length > 0) this.core.out.push({ type: 'event-store', changes });
  }

  /** There may be no other turn. */
  portsNow(): void {
    this.retained.publishPorts();
  }

  /** When the next port that has changed may be told, or an event has waited long enough. */
  pollAt(): Instant {
    return earliest(this.retained.pollAt(), this.log.pollAt());
  }

  onTime(): void {
    // `endTurn` looks at the clock, in every turn.
  }

  private event(event: ReportableEvent): void {
    const payload = this.log.record(event, this.core.now);
    this.core.out.push({ type: 'event', payload });
    if (this.isConnected) this.drainEvents();
  }

  private drainEvents(): void {
    for (let next = this.log.take(); next !== undefined; next = this.log.take()) {
      const { ref, event } = next;
      // Of an earlier run's sessions `isStale` says what the broker is to forget.
      if (event.type === 'session-end' && event.boot_id === this.core.boot.bootId)
        this.retained.clearSession(event.key as SessionKey);
      const topic = buildTopic(this.core.config.switch.id, { kind: 'event', type: event.type });
      this.core.out.push({ type: 'publish', topic, payload: event, retain: false, ref });
    }
  }
}
