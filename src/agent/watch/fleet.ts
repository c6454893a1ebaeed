// One user, one session in the whole fleet: a MAC that starts a session on another switch has left this one.
//
// Each agent follows the retained session topics of its own MACs on all switches of the broker. A newer start elsewhere,
// by a switch that is online, makes the session here suspect. It is probed before it is ended: a client that answers
// here is here, whatever is said elsewhere, and the operator is warned of two clients with one MAC.
// An address behind the switch is not followed: several switches may be on the way to it.
// Needs MQTT 5 (No Local) and one broker for the fleet; bound: one subscription a session, one suspicion a session.

import { fromUtf8 } from '../../base/bytes.ts';
import { after, earliest, type Instant, NEVER, seconds } from '../../base/time.ts';
import { isFallback } from '../../model/authorization.ts';
import type { SessionKey } from '../../model/session.ts';
import { buildTopic, parseTopic, TOPIC_ROOT } from '../../report/topics.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import { isL2, type L2Unit } from '../session/session-unit.ts';

/** How long a client that was probed may take to show that it is here. */
const PATIENCE = seconds(3);

interface Suspicion {
  readonly switchId: string;
  /** NEVER until the other switch is known to be online and the client was probed. */
  probedAt: Instant;
}

export class Fleet implements Timed {
  private readonly online = new Map<string, boolean>();
  private readonly suspicions = new Map<L2Unit, Suspicion>();

  constructor(private readonly core: Core) {}

  begin(unit: L2Unit): void {
    this.core.out.push({ type: 'follow', topic: anySwitch(unit.session.key) });
  }

  /** A new connection to the broker: it is told again what is followed. */
  renew(): void {
    for (const unit of this.core.sessions.onPorts()) this.begin(unit);
    for (const switchId of this.online.keys()) this.followPeer(switchId);
  }

  forget(unit: L2Unit): void {
    this.core.out.push({ type: 'unfollow', topic: anySwitch(unit.session.key) });
    this.suspicions.delete(unit);
  }

  /** A message on a followed topic; empty = the state there is gone. */
  followed(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(topic);
    if (!parsed.ok || parsed.value.switchId === this.core.config.switch.id) return;
    const { switchId, topic: what } = parsed.value;
    const body = readJson(payload);
    if (what.kind === 'availability') this.peer(switchId, body?.state === 'online');
    else if (what.kind === 'session') this.session(switchId, what.key, body);
    this.core.schedule.touch(this);
  }

  pollAt(): Instant {
    let at = NEVER;
    for (const { probedAt } of this.suspicions.values()) at = earliest(at, after(probedAt, PATIENCE));
    return at;
  }

  onTime(now: Instant): void {
    for (const [unit, { switchId, probedAt }] of this.suspicions) {
      if (after(probedAt, PATIENCE) > now) continue;
      this.suspicions.delete(unit);
      this.judge(unit, switchId, probedAt);
    }
  }

  private session(switchId: string, key: SessionKey, body: Record<string, unknown> | undefined): void {
    const unit = this.core.sessions.get(key);
    if (unit === undefined || !isL2(unit)) {
      // Followed since before the broker was away, or by an earlier life of ours: the broker keeps subscriptions.
      this.core.out.push({ type: 'unfollow', topic: anySwitch(key) });
      return;
    }
    // A stranger at a login page of theirs bears a MAC that anybody can bear: no word against one that has proven itself.
    if (body?.authenticated === false && !isFallback(unit.session.method)) {
      this.forgetSuspicion(unit, switchId);
      return;
    }
    const started = typeof body?.started === 'string' ? Date.parse(body.started) : Number.NaN;
    if (Number.isNaN(started) || started <= unit.session.startedWall) {
      this.forgetSuspicion(unit, switchId);
      return;
    }
    this.suspicions.set(unit, { switchId, probedAt: NEVER });
    // A retained session of a switch that is gone says nothing.
    const known = this.online.get(switchId);
    if (known === undefined) {
      this.followPeer(switchId);
    } else if (known) this.probe(unit);
  }

  private forgetSuspicion(unit: L2Unit, switchId: string): void {
    if (this.suspicions.get(unit)?.switchId === switchId) this.suspicions.delete(unit);
  }

  private followPeer(switchId: string): void {
    this.core.out.push({ type: 'follow', topic: buildTopic(switchId, { kind: 'availability' }) });
  }

  private peer(switchId: string, online: boolean): void {
    this.online.set(switchId, online);
    for (const [unit, suspicion] of this.suspicions) {
      if (suspicion.switchId !== switchId) continue;
      if (!online) this.suspicions.delete(unit);
      else if (suspicion.probedAt === NEVER) this.probe(unit);
    }
  }

  private probe(unit: L2Unit): void {
    const suspicion = this.suspicions.get(unit);
    if (suspicion === undefined) return;
    suspicion.probedAt = this.core.now.mono;
    this.core.parts.watch.probe(unit);
  }

  private judge(unit: L2Unit, switchId: string, probedAt: Instant): void {
    const { life, reporter } = this.core.parts;
    const { mac, grant } = unit.session;
    if (unit.handshake.lastSeen > probedAt) {
      const message = `${mac} is here, and has a newer session on switch ${switchId}: two clients with one MAC?`;
      reporter.warning('mac-elsewhere', message, { mac, port: grant.port });
    } else life.end(unit, { cause: 'moved', detail: `now on switch ${switchId}` });
  }
}

/** `+` for the switch: the one topic of ours that is no plain topic. */
function anySwitch(key: SessionKey): string {
  return `${TOPIC_ROOT}/+/session/${key}`;
}

function readJson(payload: Uint8Array): Record<string, unknown> | undefined {
  if (payload.length === 0 || payload.length > 65_536) return undefined;
  try {
    const value: unknown = JSON.parse(fromUtf8(payload));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
