// What RADIUS servers ask of running sessions (RFC 5176): the part that does it, and answers when it is done.
//
//   datagrams ─▶ radius/dynauth.ts: is it to be believed? ─▶ which sessions ─▶ do it ─▶ done, or not ─▶ ACK or NAK
//
//   disconnect       life ends them      ACK: every one is proven locked out (disconnects.ts); who is on the way in is turned back
//   change           life renews them    ACK: in force for every one; if one cannot be, all are put back (changes.ts)
//   reauthenticate   the method's part   ACK: it has begun
//   bounce, disable  links.ts            ACK: the ports are down; if one cannot be, all are put back
//   authorize-only   aaa asks a server   NAK 507 (RFC 5176 §3.2), and then that (authorize-only.ts)
//
// A request is for all sessions that fit, and for all of them or none (§3). Refusals are counted by Error-Cause, dropped
// packets by reason.

import type { Ip } from '../../base/ip.ts';
import { assertNever } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import type { DynAuthConfig } from '../../config/config.ts';
import { isFallback } from '../../model/authorization.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { HoldKind } from '../../model/port.ts';
import type { L2Session } from '../../model/session.ts';
import { type DynAuthEffect, type DynAuthRef, DynamicAuthorizationServer } from '../../radius/dynauth.ts';
import { isMeant, type SessionKeys } from '../../radius/dynauth-keys.ts';
import type { AuthorizationChange, DynamicRequest } from '../../radius/dynauth-request.ts';
import { ERROR_CAUSES, type ErrorCause, type Refusal } from '../../radius/error-cause.ts';
import type { ClientDatagram } from '../../radius/listed-clients.ts';
import type { Core } from '../core.ts';
import type { Method } from '../methods/method.ts';
import type { Admission } from '../session/life.ts';
import { unknownRoleOf } from '../session/roles.ts';
import { isL2, type L2Unit, type SessionUnit } from '../session/session-unit.ts';
import { authorizeOnly } from './authorize-only.ts';
import { Changes } from './changes.ts';
import { Disconnects } from './disconnects.ts';
import { enteringAs } from './entering.ts';
import { Lowering } from './lowering.ts';

type Action = DynamicRequest['action'];
type Lower = Extract<Action, { readonly type: HoldKind }>;
type Disconnect = Extract<Action, { readonly type: 'disconnect' }>;
type OnPorts = Exclude<Action, { readonly type: 'disconnect' | 'change' }>;

/** A request that is being done. */
interface Work {
  readonly ref: DynAuthRef;
  readonly client: Ip;
  readonly request: DynamicRequest;
  readonly units: readonly SessionUnit[];
  /** One of them had ended before, and something of it still stood. */
  residual?: true;
  refusal?: Refusal;
}

export class DynamicAuthorization {
  private server: DynamicAuthorizationServer | undefined;
  private settings: DynAuthConfig | undefined;
  private own: ReadonlySet<Ip> = new Set();
  private readonly changes: Changes<Work>;
  private readonly disconnects: Disconnects<Work>;
  private readonly lowering: Lowering<Work>;
  /** What was answered before is not known. */
  private readonly started: Instant;

  constructor(private readonly core: Core) {
    this.started = core.now.mono;
    this.disconnects = new Disconnects(core, (work, error) => {
      if (error === undefined) this.finish(work);
      else this.refuse(work, 'Session-Context-Not-Removable', error);
    });
    this.changes = new Changes(core, (work, refusal) => {
      if (refusal !== undefined) work.refusal = refusal;
      this.finish(work);
    });
    this.lowering = new Lowering(core);
  }

  /** This host's own addresses: what NAS-IP(v6)-Address may be where the configuration says nothing. */
  ownAddresses(addresses: ReadonlySet<Ip>): void {
    this.own = addresses;
  }

  /** All that came in at one moment: what they end is ended in one go. */
  receive(datagrams: readonly ClientDatagram[]): void {
    const server = this.serverNow();
    if (server === undefined) return;
    if (this.core.parts.restoration.isUndecided) {
      // "No session" would be believed: a server that hears nothing asks again.
      for (const _ of datagrams) this.core.drops.add('dynauth-starting');
      return;
    }
    const nas = { ...this.core.config.nas, addresses: this.own };
    for (const datagram of datagrams) this.apply(server.receive(datagram, nas, this.core.now));
  }

  /** Nothing of a session that has ended stands any more. */
  lockedOut(unit: SessionUnit): void {
    this.disconnects.lockedOut(unit);
  }

  /** An entry of a session that has ended could not be removed; that is tried again. */
  notLockedOut(unit: SessionUnit, error: string): void {
    this.disconnects.notLockedOut(unit, error);
  }

  /** A renewal that was `pending` is in force, or why it is not: it cannot be, or not now. */
  renewed(unit: SessionUnit, error?: string, asked?: 'wrongly'): void {
    const cause = asked === 'wrongly' ? 'Invalid-Attribute-Value' : 'Resources-Unavailable';
    this.changes.renewed(unit, error === undefined ? undefined : { cause, detail: error });
  }

  /** A port is down that was to be taken down, or why it is not. */
  lowered(port: PortName, error?: string): void {
    const settled = this.lowering.lowered(port, error);
    for (const work of settled?.works ?? []) {
      if (settled?.error !== undefined)
        work.refusal = { cause: 'Resources-Unavailable', detail: settled.error };
      this.finish(work);
    }
  }

  private serverNow(): DynamicAuthorizationServer | undefined {
    const settings = this.core.config.dynamicAuthorization;
    if (settings === undefined || settings === this.settings) return this.server;
    this.settings = settings;
    if (this.server === undefined) this.server = new DynamicAuthorizationServer(settings, this.started);
    else this.server.configure(settings);
    return this.server;
  }

  private apply(effects: readonly DynAuthEffect[]): void {
    const { core } = this;
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          core.out.push({ ...effect, type: 'send-dynamic-reply' });
          break;
        case 'dropped':
          core.drops.add(`dynauth-${effect.reason}`);
          core.out.log('debug', `dynamic authorization: dropped: ${effect.detail}`, {
            reason: effect.reason,
          });
          break;
        case 'refused':
          this.told({ client: effect.client, kind: effect.kind, refusal: effect.refusal });
          break;
        case 'request':
          this.perform({ ...effect, units: this.meant(effect.request) });
          break;
        default:
          assertNever(effect);
      }
    }
  }

  /** What is left of a session that has ended can be removed, and nothing else be done with it. */
  private meant({ keys, action }: DynamicRequest): readonly SessionUnit[] {
    const running = this.running(keys);
    if (action.type !== 'disconnect') return running;
    const { parts, now } = this.core;
    return [...running, ...parts.life.stuck.filter(({ session }) => isMeant(session, keys, now.mono))];
  }

  private running(keys: SessionKeys): readonly SessionUnit[] {
    const { sessions, now } = this.core;
    const { callingStation, nasPortId } = keys;
    if (callingStation !== undefined) {
      const unit = sessions.ofMac(callingStation);
      return unit !== undefined && isMeant(unit.session, keys, now.mono) ? [unit] : [];
    }
    const candidates = nasPortId === undefined ? sessions.all() : sessions.onPort(nasPortId as PortName);
    return [...candidates].filter(({ session }) => isMeant(session, keys, now.mono));
  }

  private perform(work: Work): void {
    const { action, keys } = work.request;
    const entering = action.type === 'disconnect' ? enteringAs(this.core, keys) : [];
    if (work.units.length + entering.length === 0) {
      this.refuse(work, 'Session-Context-Not-Found', 'no session fits');
      return;
    }
    const authorizes = action.type === 'change' || action.type === 'authorize-only';
    if (authorizes && work.units.some(({ session }) => isFallback(session.method))) {
      this.refuse(work, 'Unsupported-Extension', 'no server has authorized it: it can be reauthenticated');
      return;
    }
    // What a client says by ARP or ND proves nothing: another one's rights are not to be had by its address.
    const byAddress = (keys.framedIp ?? keys.framedIpv6) !== undefined;
    if (authorizes && byAddress && work.units.length > 1) {
      const detail = `${work.units.length} clients say that the address is theirs: a MAC or a session id tells which`;
      this.refuse(work, 'Multiple-Session-Selection-Unsupported', detail);
      return;
    }
    switch (action.type) {
      case 'disconnect':
        this.disconnect(work, entering, action);
        return;
      case 'change':
        this.change(work, action);
        return;
      case 'reauthenticate':
      case 'bounce':
      case 'disable':
      case 'authorize-only':
        this.performOnPorts(work, action);
        return;
      default:
        assertNever(action);
    }
  }

  /** What cannot be asked of an address behind the switch: nobody authenticates it here, and it is on no port. */
  private performOnPorts(work: Work, action: OnPorts): void {
    const units = work.units.filter(isL2);
    if (units.length < work.units.length) {
      this.refuse(work, 'Unsupported-Extension', 'an address behind the switch has no port here');
      return;
    }
    switch (action.type) {
      case 'reauthenticate':
        this.reauthenticate(work, units, action.rerun);
        return;
      case 'bounce':
      case 'disable':
        this.takeDown(work, units, action);
        return;
      case 'authorize-only':
        this.refuse(work, 'Request-Initiated', 'a server is being asked');
        for (const unit of units)
          authorizeOnly(this.core, unit, { client: work.client, state: action.state });
        return;
      default:
        assertNever(action);
    }
  }

  /** RFC 5176 §3.6 note 4: a Class of the request goes into the Stops. Who is on the way in gets no session, and has no Stop. */
  private disconnect(
    work: Work,
    entering: readonly Admission[],
    { classes, replyMessage }: Disconnect,
  ): void {
    const { life } = this.core.parts;
    if (work.units.some((unit) => life.isStuck(unit))) work.residual = true;
    const by = `by ${work.client}`;
    const detail = replyMessage === undefined ? by : `${by}: ${replyMessage}`;
    // First: what the others leave would let them in.
    for (const admission of entering) life.turnAway(admission, `disconnected ${detail}`);
    if (work.units.length === 0) {
      this.finish(work);
      return;
    }
    this.disconnects.begin(work, work.units);
    for (const unit of work.units) {
      const { session } = unit;
      if (classes.length > 0) session.authorization = { ...session.authorization, classes };
      life.end(unit, { cause: 'radius-disconnect', detail });
    }
  }

  private reauthenticate(work: Work, units: readonly L2Unit[], rerun: boolean): void {
    const beginnings: (() => void)[] = [];
    for (const { session } of units) {
      const { mac, grant, method } = session;
      const way = rerun ? this.again(session) : this.core.method(method);
      if (way === undefined) {
        this.refuse(work, 'Unsupported-Extension', `a session by ${method} cannot be reauthenticated`);
        return;
      }
      if (way === 'never') {
        const detail = `rerun: ${grant.port} begins with MAB, and ${mac} is in by 802.1X`;
        this.refuse(work, 'Invalid-Attribute-Value', detail);
        return;
      }
      const obstacle = way.obstacle(mac, grant.port);
      if (obstacle !== undefined) {
        this.refuse(work, 'Resources-Unavailable', `${mac} on ${grant.port}: ${obstacle}`);
        return;
      }
      beginnings.push(() => way.reauthenticate(mac, grant.port, 'admin'));
    }
    for (const begin of beginnings) begin();
    this.finish(work);
  }

  /**
   * Cisco's `rerun`: beginning with the first method of `order`. `never`: MAB would have to put out a session by 802.1X.
   * Who is in by a fallback is asked by every method anyway.
   */
  private again({
    method,
    grant,
  }: L2Session): Pick<Method, 'obstacle' | 'reauthenticate'> | 'never' | undefined {
    const { enabled, order } = this.core.settings.port(grant.port).mab;
    const [first] = order;
    if (!enabled || method === first) return this.core.method(method);
    if (method === 'mab') return this.core.parts.mab.rerun;
    return method === 'dot1x' ? 'never' : this.core.method(method);
  }

  private takeDown(work: Work, units: readonly L2Unit[], action: Lower): void {
    const { core } = this;
    const { type: kind } = action;
    const ports = [...new Set(units.map(({ session }) => session.grant.port))];
    const forbidden = ports.find((port) => {
      const { allowBounce, allowDisable } = core.settings.port(port).linkCommands;
      return !(kind === 'bounce' ? allowBounce : allowDisable);
    });
    if (forbidden !== undefined) {
      this.refuse(work, 'Administratively-Prohibited', `${kind} is not allowed on ${forbidden}`);
      return;
    }
    const said = action.type === 'bounce' ? action.time : undefined;
    const time = kind === 'bounce' ? (said ?? core.config.dynamicAuthorization?.bounce) : undefined;
    const hold = time === undefined ? { kind } : { kind, time };
    if (!this.lowering.begin(work, ports, hold))
      this.refuse(work, 'Resources-Unavailable', 'a port is on its way down for another request');
  }

  private change(work: Work, change: AuthorizationChange): void {
    const unknown = change.keys.includes('filterId') ? unknownRoleOf(this.core, change.to) : undefined;
    if (unknown !== undefined) {
      this.refuse(work, 'Invalid-Attribute-Value', `there is no role ${JSON.stringify(unknown.role)}`);
      return;
    }
    this.changes.begin(work, work.units, change);
  }

  private refuse(work: Work, cause: ErrorCause, detail: string): void {
    work.refusal = { cause, detail };
    this.finish(work);
  }

  /** Everything that was asked is done, or nothing is. */
  private finish(work: Work): void {
    const { client, request, refusal, units } = work;
    this.told({
      client,
      kind: request.kind,
      action: request.action.type,
      units,
      ...(refusal && { refusal }),
    });
    const done = work.residual === true ? 'residue-removed' : 'done';
    if (this.server !== undefined) this.apply(this.server.answer(work.ref, refusal ?? done));
  }

  private told({ client, kind, action, refusal, units = [] }: Told): void {
    if (refusal !== undefined) this.core.drops.add(`dynauth-nak-${ERROR_CAUSES[refusal.cause]}`);
    this.core.parts.reporter.dynamicAuthorization({
      client,
      request: kind,
      action: action ?? null,
      answer: refusal === undefined ? 'ack' : 'nak',
      error_cause: refusal === undefined ? null : ERROR_CAUSES[refusal.cause],
      sessions: units.map(({ session }) => session.key),
      ...(refusal === undefined ? {} : { detail: `${refusal.cause}: ${refusal.detail}` }),
    });
  }
}

interface Told {
  readonly client: Ip;
  readonly kind: DynamicRequest['kind'];
  readonly action?: DynamicRequest['action']['type'];
  readonly refusal?: Refusal;
  readonly units?: readonly SessionUnit[];
}
