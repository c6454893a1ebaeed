// What must hold whenever the agent has come to rest, whatever happened before. Looked at after each of its inputs; the
// first breach throws, at the input that led to it.
//
// It looks into the agent (`Reflect.get`), since what must never be left behind is by its nature nobody's business.

import type { Core } from '../../../src/agent/core.ts';
import { keysOf } from '../../../src/agent/session/authorization-policy.ts';
import { isIn, SessionUnit } from '../../../src/agent/session/session-unit.ts';
import { portPayload, sessionPayload } from '../../../src/agent/told/views.ts';
import { keyText } from '../../../src/authz/authorizer.ts';
import type { Ip } from '../../../src/base/ip.ts';
import { isFallback } from '../../../src/model/authorization.ts';
import type { GrantKey, PortName } from '../../../src/model/dataplane.ts';
import type { SessionKey } from '../../../src/model/session.ts';
import { isGrant } from '../../../src/wire/fdb-table.ts';
import { keyOf as tableKey } from './bridge.ts';
import { takeCensus } from './census.ts';
import type { SimulatedSwitch } from './simulated-switch.ts';

/** What a verdict may take beyond (N + 1) * T: a timer tick, and the dump that it waits for. */
const VERDICT_SLACK_MS = 1_000;

/** A port's topic is published once a second at most; and a timer tick. */
const PORT_TOPIC_WITHIN_MS = 1_500;

/** What is replaced as a whole, and never grows; the timer wheel is typed arrays. */
const NOT_COUNTED: ReadonlySet<string> = new Set(['inForce', 'settings', 'wheel']);

/** Collections that have a bound of their own. */
const BOUNDS: Readonly<Record<string, number>> = {
  // report/events.ts: those that wait for the broker, and those that did; its rings hold on to some that have gone.
  'joined.reporter.log.waiting.items': 20_000,
  'joined.reporter.log.past.items': 2_024,
  'joined.reporter.log.handedOut': 1_000,
  'joined.reporter.log.unsaved': 11_000,
  'joined.reporter.log.erased': 10_000,
  // radius/id-pool.ts: all identifiers of 64 sockets; base/fifo.ts holds on to 1,024 more.
  'joined.aaa.client.kinds.access.links.ordered.*.attempts': 16_384,
  'joined.aaa.client.kinds.accounting.links.ordered.*.attempts': 16_384,
  'joined.aaa.client.kinds.access.lingering.queue.items': 17_408,
  'joined.aaa.client.kinds.accounting.lingering.queue.items': 17_408,
  // accounting/journal.ts; of them those that the RADIUS client has.
  'joined.accountant.byRequest': 1_024,
  'joined.accountant.journal.ended': 4_096,
  'joined.accountant.journal.entries': 50_000,
  'joined.accountant.journal.lines': 50_000,
  'joined.accountant.journal.held': 50_000,
  'joined.aaa.client.kinds.accounting.byRef': 50_000,
  'joined.aaa.client.kinds.accounting.queue.items': 50_000,
  // sso.max_users.
  'joined.sso.logins.ends.stopped': 10_000,
  'joined.sso.logins.ends.bars': 10_000,
  // radius/sso.ts.
  'joined.sso.server.answers': 4_096,
  // certified_devices.capacity.
  'joined.certified.list.devices': 10_000,
  // liveness/address-memory.ts.
  'joined.watch.asker.memory.clients': 4_096,
  // agent/orders/decisions.ts.
  'decisions.byClient': 4_096,
};

interface OpenClosing {
  readonly unit: SessionUnit;
  readonly logout: { readonly state: { readonly name: string } };
}

export class Invariants {
  /** Records by session, in the order of their making. */
  private readonly records = new Map<string, string[]>();
  private readonly ends = new Map<string, number>();
  /** Sessions of an agent that was killed: what becomes of their records is the store's own tests' business. */
  private readonly before = new Set<string>();
  private readonly measures = new WeakMap<
    SessionUnit,
    { readonly measure: string; readonly since: number }
  >();
  private taken = 0;
  private lastSeq = 0;
  private excusedAt = 0;
  private restartedAt = Number.NEGATIVE_INFINITY;
  /** Topics of ports that do not say what is, and since when. */
  private readonly behind = new Map<string, { readonly published: unknown; readonly since: number }>();

  /** `people`: who come and go, where the rig has not all of them as its clients at once. */
  constructor(
    private readonly net: SimulatedSwitch,
    private readonly people = 0,
  ) {}

  /** Something keeps the agent from counting for so long (it stands still, dumps fail): then it begins anew. */
  excuse(forMs: number): void {
    this.excusedAt = Math.max(this.excusedAt, this.net.world.now + forMs);
  }

  /** The agent was killed and is another one. */
  restarted(): void {
    this.takeIn();
    this.restartedAt = this.net.world.now;
    this.behind.clear();
    for (const id of this.records.keys()) this.before.add(id);
    this.records.clear();
    this.ends.clear();
    this.taken = this.net.performed.length;
    this.lastSeq = 0;
  }

  /** The agent's inside. */
  get core(): Core {
    return Reflect.get(this.net.agent, 'core') as Core;
  }

  check(): void {
    this.takeIn();
    this.checkTable();
    this.checkAddresses();
    this.checkStrangers();
    this.checkFlooding();
    this.checkAccounting();
    this.checkRetained();
    this.checkPortTopics();
    this.checkTimers();
    this.checkPromptness();
  }

  /** Whoever is in to see the login page alone stands in the packet filter's set. */
  private checkStrangers(): void {
    for (const { session } of this.core.sessions.onPorts()) {
      if (session.method === 'portal' && !this.net.confined.has(session.mac))
        this.fail(`${session.mac} is a stranger, and free`);
    }
  }

  /** A port that is set is flooded with nothing while nobody is in, where its configuration says so. */
  private checkFlooding(): void {
    const { core, net } = this;
    if (!core.parts.restoration.settled) return;
    for (const { name, machine } of core.parts.ports.all()) {
      const port = net.bridge.ports.get(name);
      if (port?.present !== true || machine.control === 'off' || !machine.isSet) continue;
      const nobody = core.sessions.countOnPort(name) === 0 && !core.parts.life.isGranting(name);
      const unflooded =
        machine.config.egress === 'closed' && machine.control !== 'force-authorized' && nobody;
      if (port.unflooded !== unflooded) this.fail(`${name} is ${unflooded ? '' : 'not '}flooded`);
    }
  }

  private fail(message: string): never {
    throw new Error(`at ${this.net.world.now} ms: ${message}`);
  }

  /** Logouts that have not reported the end yet. */
  private closings(): readonly SessionUnit[] {
    const closings = Reflect.get(this.core.parts.life, 'closings') as object;
    const byGrant = Reflect.get(closings, 'open') as ReadonlyMap<string, OpenClosing[]>;
    return [...byGrant.values()]
      .flat()
      .filter(({ logout }) => logout.state.name !== 'closed')
      .map(({ unit }) => unit);
  }

  /** New effects: accounting records and events. */
  private takeIn(): void {
    const { performed } = this.net;
    for (; this.taken < performed.length; this.taken++) {
      const effect = performed[this.taken]?.effect;
      if (effect?.type === 'spool-store' && 'subject' in effect.record) {
        const { sessionId } = effect.record.subject;
        this.records.set(sessionId, [...(this.records.get(sessionId) ?? []), effect.record.kind]);
      }
      if (effect?.type === 'event') {
        const { payload } = effect;
        if (payload.seq !== this.lastSeq + 1) this.fail(`event ${payload.seq} came after ${this.lastSeq}`);
        this.lastSeq = payload.seq;
        if (payload.type === 'session-end')
          this.ends.set(payload.session_id, (this.ends.get(payload.session_id) ?? 0) + 1);
      }
    }
  }

  /** Each grant in the table has somebody who answers for it; each session has its grant. */
  private checkTable(): void {
    const { core, net } = this;
    const { life } = core.parts;
    const entering = Reflect.get(Reflect.get(life, 'entrance') as object, 'entering') as ReadonlyMap<
      string,
      unknown
    >;
    const changing = Reflect.get(Reflect.get(life, 'renewals') as object, 'changing') as ReadonlyMap<
      unknown,
      unknown
    >;
    const authz = Reflect.get(Reflect.get(life, 'authz') as object, 'entries') as ReadonlyMap<
      string,
      unknown
    >;
    for (const { mac, vlan, port, flags, foreign } of net.bridge.table.values()) {
      // A pin, as of a router's MAC behind the uplink.
      if (foreign === true && !port.locked) continue;
      // Until the store is read nobody knows whose it is.
      if (!core.parts.restoration.settled) break;
      if (!isGrant(flags) || net.bridge.tampered.has(mac)) continue;
      const key: GrantKey = { mac, port: port.name, vlan };
      const unit = core.sessions.ofMac(mac);
      const session =
        unit?.session.grant.port === port.name && (isIn(unit.session.vlans, vlan) || changing.has(unit));
      const underWay =
        entering.has(`${port.name} ${mac}`) || (authz.has(keyText(key)) && !life.isGranted(key));
      if (!session && !underWay) this.fail(`${keyText(key)} is granted, and nobody has a session for it`);
    }
    for (const { session } of core.sessions.onPorts()) {
      for (const key of keysOf(session.mac, session.grant.port, session.vlans)) {
        const entry = net.bridge.table.get(tableKey(session.mac, key.vlan));
        const there = entry !== undefined && entry.port.name === session.grant.port && isGrant(entry.flags);
        if (!there && !net.bridge.tampered.has(session.mac))
          this.fail(`${keyText(key)} has a session and no grant`);
      }
    }
  }

  /** The same of the routed path. */
  private checkAddresses(): void {
    const { core, net } = this;
    const life = core.parts.life;
    const authz = Reflect.get(Reflect.get(life, 'authz') as object, 'entries') as ReadonlyMap<
      string,
      unknown
    >;
    const entering = Reflect.get(Reflect.get(life, 'addresses') as object, 'entering') as ReadonlyMap<
      Ip,
      unknown
    >;
    const addresses = new Set<Ip>();
    for (const { session } of core.sessions.all()) if (session.layer === 3) addresses.add(session.grant.ip);
    for (const ip of addresses)
      if (!net.routed.granted.has(ip) && !net.routed.tampered.has(ip))
        this.fail(`${ip} has a session and does not pass`);
    for (const ip of net.routed.granted) {
      if (!core.parts.restoration.addressesSettled) break;
      if (net.routed.tampered.has(ip)) continue;
      const underWay = entering.has(ip) || (authz.has(keyText({ ip })) && !life.isGranted({ ip }));
      if (!addresses.has(ip) && !underWay) this.fail(`${ip} passes, and nobody has a session for it`);
    }
  }

  /** What has been looked at is not needed any more: for long runs. */
  forgetPerformed(): void {
    this.net.performed.length = 0;
    this.taken = 0;
  }

  /** More dear than `check`, for now and then: nothing grows beyond its bound, nobody who is gone is held on to. */
  checkMemory(): void {
    const { core } = this;
    const { sizes, sessions } = takeCensus(core, NOT_COUNTED);
    for (const [place, size] of sizes) {
      const bound = BOUNDS[place] ?? this.usualBound();
      if (size > bound) this.fail(`${place} has ${size} entries, and may have ${bound}`);
    }
    const known = new Set([...core.sessions.all(), ...this.closings(), ...core.parts.life.stuck]);
    for (const [unit, place] of sessions)
      if (!known.has(unit)) this.fail(`${place} holds on to the session ${unit.session.id}, which has ended`);
  }

  /** Of what has an entry a session, a client or a port. */
  private usualBound(): number {
    const { bridge, clients } = this.net;
    return 64 + 4 * (Math.max(this.people, clients.length) + bridge.ports.size + this.core.sessions.size);
  }

  /** After a drain: nobody is in, nothing is granted, told, counted or timed any more. */
  checkEmpty(): void {
    const { core, net } = this;
    this.check();
    this.checkMemory();
    const [unit] = core.sessions.all();
    if (unit !== undefined) this.fail(`${unit.session.key} is in after the drain`);
    const [closing] = this.closings();
    if (closing !== undefined) this.fail(`the end of ${closing.session.key} is not complete`);
    for (const { mac, port, flags } of net.bridge.table.values())
      if (isGrant(flags) && port.locked) this.fail(`${mac} is granted on ${port.name} after the drain`);
    const [ip] = net.routed.granted;
    if (ip !== undefined) this.fail(`${ip} passes after the drain`);
    const [topic] = [...net.retained.keys()].filter((each) => each.includes('/session/'));
    if (topic !== undefined) this.fail(`${topic} stands after the drain`);
    const [id] = [...this.records.keys()].filter((each) => !this.before.has(each));
    if (id !== undefined) this.fail(`the records of session ${id} are not complete: ${this.records.get(id)}`);
  }

  private checkAccounting(): void {
    const accounted = [...this.core.sessions.all()].filter(({ session }) => !isFallback(session.method));
    const living = new Set(accounted.map(({ session }) => session.id));
    const closing = new Set(this.closings().map(({ session }) => session.id));
    for (const [id, kinds] of this.records) {
      if (this.before.has(id)) continue;
      const starts = kinds.filter((kind) => kind === 'start').length;
      const stops = kinds.filter((kind) => kind === 'stop').length;
      if (starts !== 1 || kinds[0] !== 'start') this.fail(`session ${id} has ${starts} Starts: ${kinds}`);
      const ended = !living.has(id);
      const stopped = closing.has(id) ? stops <= 1 : stops === (ended ? 1 : 0);
      if (!stopped) this.fail(`session ${id}, ${ended ? 'ended' : 'living'}, has ${stops} Stops`);
      const ends = this.ends.get(id) ?? 0;
      if (ends > 1 || (!ended && ends > 0)) this.fail(`session ${id} has ${ends} session-end events`);
      if (ended && !closing.has(id)) {
        if (ends !== 1) this.fail(`session ${id} ended without an event`);
        // Done with: nothing more will come.
        this.records.delete(id);
        this.ends.delete(id);
      }
    }
  }

  /** Upstream sees the session table, no more and no less. */
  private checkRetained(): void {
    const { core, net } = this;
    if (!net.brokerUp) return;
    const prefix = `rollcall/v1/${core.config.switch.id}/session/`;
    for (const unit of core.sessions.all()) {
      const published = net.retained.get(`${prefix}${unit.session.key}`);
      if (published === undefined) this.fail(`the session ${unit.session.key} is not published`);
      const { handshake: was, ...before } = published as ReturnType<typeof sessionPayload>;
      const { handshake: is, ...now } = sessionPayload(unit);
      if (JSON.stringify(before) !== JSON.stringify(now) || was.period_s !== is.period_s)
        this.fail(`published ${JSON.stringify(before)} of ${JSON.stringify(now)}`);
    }
    const keys = new Set([...core.sessions.all(), ...this.closings()].map(({ session }) => session.key));
    for (const topic of net.retained.keys()) {
      // Of an earlier run, and not judged yet.
      if (!core.parts.restoration.isOver) break;
      if (!topic.startsWith(prefix)) continue;
      if (!keys.has(topic.slice(prefix.length) as SessionKey))
        this.fail(`${topic} stands, and there is no session`);
    }
  }

  /** Each port's topic says what is, soon after; its counters are told with the rest. */
  private checkPortTopics(): void {
    const { core, net } = this;
    const { now } = net.world;
    if (!net.brokerUp || now < this.excusedAt) {
      this.behind.clear();
      return;
    }
    for (const name of this.behind.keys())
      if (core.parts.ports.get(name as PortName) === undefined) this.behind.delete(name);
    for (const unit of core.parts.ports.all()) {
      const published = net.retained.get(`rollcall/v1/${core.config.switch.id}/port/${unit.name}`);
      const [before, is] = [published, portPayload(unit, core)].map((payload) =>
        JSON.stringify({ ...payload, counters: undefined }),
      );
      const known = this.behind.get(unit.name);
      const since = known !== undefined && known.published === published ? known.since : now;
      if (before === is) this.behind.delete(unit.name);
      else this.behind.set(unit.name, { published, since });
      if (before !== is && now - since > PORT_TOPIC_WITHIN_MS) this.fail(`published ${before} of ${is}`);
    }
  }

  private checkTimers(): void {
    const { core } = this;
    const timed = Reflect.get(core.schedule, 'owners') as readonly unknown[];
    for (const each of timed) {
      if (each instanceof SessionUnit && core.sessions.get(each.session.key) !== each)
        this.fail(`the session ${each.session.id} has ended and has a timer`);
    }
    const told = core.schedule.count((timed) => timed instanceof SessionUnit);
    if (told !== core.sessions.size) this.fail(`${told} timers of sessions, there are ${core.sessions.size}`);
    const { watch } = core.parts;
    for (const name of ['awaiting', 'verdicts', 'sightings'])
      for (const unit of (Reflect.get(watch, name) as ReadonlyMap<SessionUnit, unknown>).keys())
        if (core.sessions.get(unit.session.key) !== unit)
          this.fail(`the session ${unit.session.id} has ended and is among the ${name}`);
    const periods = Reflect.get(watch, 'periods') as ReadonlyMap<number, number>;
    const watched = [...periods.values()].reduce((sum, count) => sum + count, 0);
    if (watched !== core.sessions.size)
      this.fail(`${watched} sessions are watched, there are ${core.sessions.size}`);
  }

  /** When what it is judged by came into force: what was counted by another measure may be forgotten then. */
  private judgedSince(unit: SessionUnit): number {
    const { period, times, keep } = unit.handshake.settings;
    const measure = `${period} ${times} ${keep}`;
    const known = this.measures.get(unit);
    if (known?.measure === measure) return known.since;
    const since = known === undefined ? 0 : this.net.world.now;
    this.measures.set(unit, { measure, since });
    return since;
  }

  /** Nobody outlives the last sign of life by more than N + 1 periods, and one round more where the guard stepped in. */
  private checkPromptness(): void {
    const { core, net } = this;
    for (const unit of core.sessions.onPorts()) {
      const { period, times, keep } = unit.handshake.settings;
      const since = this.judgedSince(unit);
      if (period === 0 || keep) continue;
      const { mac, grant, startedAt } = unit.session;
      const sign = net.bridge.lastSign.get(`${mac} ${grant.port}`) ?? startedAt;
      // A start begins to count with the first period that lies wholly after it.
      const countedFrom = Math.max(this.excusedAt, this.restartedAt + period);
      const alive = net.world.now - Math.max(sign, startedAt, countedFrom, since);
      const rounds = unit.handshake.extended ? 2 * times + 1 : times + 1;
      if (alive > rounds * period + VERDICT_SLACK_MS)
        this.fail(`${mac} was last heard of ${alive} ms ago, T is ${period} ms, N is ${times}`);
    }
  }
}
