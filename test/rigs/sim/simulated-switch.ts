// The real agent on a switch in memory: its effects are performed here, as io/shell.ts does it on a real one (in order,
// answers as the next inputs), and time moves only when told. Faults can be ordered for each kind of effect.

import {
  EMPTY_SPOOL,
  erasing,
  keeping,
  readSpool,
  type SpoolChange,
  storing,
} from '../../../src/accounting/spool.ts';
import { Agent } from '../../../src/agent/agent.ts';
import type { Effect, Input, Ref } from '../../../src/agent/ports.ts';
import type { KeptVlan } from '../../../src/authz/vlan-book.ts';
import type { Ipv4, Ipv6 } from '../../../src/base/ip.ts';
import type { Mac } from '../../../src/base/mac.ts';
import { present } from '../../../src/base/present.ts';
import { assertNever, err, ok, type Result } from '../../../src/base/result.ts';
import { type Instant, instant } from '../../../src/base/time.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import type { ReadSecret } from '../../../src/config/secrets.ts';
import { inOrder } from '../../../src/io/effect-order.ts';
import type { TrafficCounters } from '../../../src/model/acct.ts';
import {
  type Capabilities,
  type Grant,
  isAddress,
  type PortFacts,
  type PortName,
} from '../../../src/model/dataplane.ts';
import type { HoldKind } from '../../../src/model/port.ts';
import { readCertified } from '../../../src/policy/certified-codec.ts';
import type { ClientDatagram } from '../../../src/radius/listed-clients.ts';
import type { Bar } from '../../../src/radius/sso-ends.ts';
import { readLogins } from '../../../src/radius/sso-login-codec.ts';
import type { Rights } from '../../../src/report/commands.ts';
import { type EventRef, NO_EVENTS, readEvents } from '../../../src/report/event-codec.ts';
import type { EventPayload } from '../../../src/report/event-payloads.ts';
import { NOTHING_KEPT, readKept } from '../../../src/session/kept-codec.ts';
import type { Answer } from '../../../src/web/page.ts';
import type { Visit } from '../../../src/web/visit.ts';
import { SeededEntropy } from '../radius-servers.ts';
import { SimBridge } from './bridge.ts';
import { type ClientOptions, SimClient, SimGateway } from './client.ts';
import { RadiusPeer } from './radius-peer.ts';
import { SimRoutedPath } from './routed-path.ts';
import { World } from './world.ts';

const LATENCY_MS = 1;
const SERVER_LATENCY_MS = 5;
/** A machine that does not come to rest at one moment is broken. */
const MOST_INPUTS_AT_ONCE = 20_000;
/** setTimeout's least wait. */
const LEAST_WAIT_MS = 1;

export const UPLINK = 'up0';
export const SWITCH_MAC = '02:99:00:00:00:fe' as Mac;
export const SWITCH_IPV4 = '10.99.0.1' as Ipv4;
export const SWITCH_IPV6 = 'fd00:99::1' as Ipv6;
const GATEWAY_MAC = '02:99:00:00:00:fd' as Mac;
export const GATEWAY = { ipv4: '10.99.0.254' as Ipv4, ipv6: 'fd00:99::fe' as Ipv6 };

export const SIM_CAPABILITIES: Capabilities = {
  backend: 'simulated',
  locked: true,
  mab: true,
  vlanFiltering: false,
  macVlan: false,
  activityNotify: true,
  noLinklocalLearn: true,
  bridge: true,
  lastSeen: true,
};

/** Secrets of the simulated switch are in its configuration, unless it is given files. */
export const NO_FILES: ReadSecret = () => err('there are no files');

/** So many of each still fail. */
export interface Faults {
  setPorts: number;
  links: number;
  captures: number;
  grants: number;
  revokes: number;
  dumps: number;
  stores: number;
  vlans: number;
  confines: number;
  releases: number;
  /** Done, and told as failed; so are the others that are untold. */
  confinesUntold: number;
  releasesUntold: number;
  vlanReads: number;
  vlansUntold: number;
}

export interface SwitchOptions {
  /** The text of the file. */
  readonly config: string;
  readonly ports: readonly string[];
  readonly readSecret?: ReadSecret;
  readonly capabilities?: Capabilities;
  /** Of the kernel; absent: it does not say. */
  readonly optmemMax?: number;
  readonly seed?: number;
  /** Ports that an earlier run has taken down. */
  readonly heldDown?: ReadonlyMap<PortName, HoldKind>;
  /** What an earlier run left; this one writes on. */
  readonly disk?: Map<string, Uint8Array>;
  readonly bootId?: string;
  /** Of the wall clock, at the start. */
  readonly wallMs?: number;
  readonly storeAfterMs?: number;
  /** Why there is no store. */
  readonly storeError?: string;
}

/** An effect with its time, for the order of things. */
export interface Performed {
  readonly at: Instant;
  readonly effect: Effect;
  /** Of one with a `ref`: why it failed. */
  readonly error?: string;
}

export class SimulatedSwitch {
  readonly world = new World();
  readonly bridge: SimBridge;
  readonly routed = new SimRoutedPath();
  agent: Agent;
  readonly clients: SimClient[] = [];
  /** By the RADIUS client's own number: one that a later configuration brings is to be added. */
  readonly servers: RadiusPeer[];
  readonly faults: Faults = {
    setPorts: 0,
    links: 0,
    captures: 0,
    grants: 0,
    revokes: 0,
    dumps: 0,
    stores: 0,
    vlans: 0,
    confines: 0,
    releases: 0,
    confinesUntold: 0,
    releasesUntold: 0,
    vlanReads: 0,
    vlansUntold: 0,
  };
  /** Who may reach the login page and nothing else. */
  readonly confined = new Set<Mac>();
  readonly webAnswers = new Map<Ref, Answer>();
  /** Ports whose link cannot be set up or down. */
  readonly stuckLinks = new Set<PortName>();
  readonly disk: Map<string, Uint8Array>;
  /** The table of the certified devices. */
  readonly certified = new Map<string, Uint8Array>();
  /** Transactions so far; with the one of this number the agent is torn away, and nothing is done any more. */
  writes = 0;
  diesAtWrite = 0;
  dead = false;
  private lives = 0;
  /** Until they are loaded. */
  private wantedCaptures: Extract<Effect, { readonly type: 'open-capture' }>[] | undefined = [];
  /** What the next agent is started with. */
  file: string;
  private static machines = 0;
  /** Which boot of which machine: another one for each switch. */
  private machine = `boot ${++SimulatedSwitch.machines}`;
  /** What the agent has asked to be remembered of the ports' VLANs: a restart of it gets that. */
  foundVlans: readonly KeptVlan[] = [];
  ssoBars: readonly Bar[] = [];
  /** Of the broker. */
  readonly retained = new Map<string, object>();
  readonly events: EventPayload[] = [];
  /** The highest number, by boot id. */
  private readonly arrived = new Map<string, number>();
  brokerUp = true;
  private eventsHang = false;
  /** Those that the data plane has not come to yet. */
  private heldGrants: Extract<Effect, { readonly type: 'grant' }>[] | undefined;
  private heldConfinements: Extract<Effect, { readonly type: 'confine' }>[] | undefined;
  private heldLinks: Extract<Effect, { readonly type: 'set-link' }>[] | undefined;
  /** What the link holds. */
  private readonly unacknowledged: { readonly ref: EventRef; readonly payload: EventPayload }[] = [];
  /** As the agent knows it: after a stall it may be late. */
  private brokerTold = true;
  drained = false;
  /** Everything but log lines, for as long as somebody wants it: see `record`. */
  readonly performed: Performed[] = [];
  record = true;
  readonly answers = new Map<Ref, object>();
  readonly logs: string[] = [];
  readonly dynamicReplies: ClientDatagram[] = [];
  logLevel = 'info';
  /** Called after each input and all that followed from it. */
  afterTurn: () => void = () => {};
  private readonly inputs: Input[] = [];
  private running = false;
  private stalledUntil: Instant = instant(0);
  readonly gateway: SimGateway;
  /** How long a dump says that it took. */
  dumpMs = 0.5;
  private nextCommand = 1;
  private tickedAt: Instant = instant(0);

  constructor(private readonly options: SwitchOptions) {
    const { ports, readSecret = NO_FILES } = options;
    const parsed = parseConfig(options.config, readSecret);
    if (!parsed.ok) throw new Error(`bad configuration: ${JSON.stringify(parsed.error)}`);
    const { config } = parsed.value;
    this.file = options.config;
    this.disk = options.disk ?? new Map();
    if (options.wallMs !== undefined) this.world.wallOffset = options.wallMs - this.world.now;
    this.bridge = new SimBridge(this.world, {
      captured: (port, bytes) =>
        this.later(LATENCY_MS, () => {
          if (this.bridge.ports.get(port)?.captured === true) this.post({ type: 'frame', port, bytes });
        }),
      news: (event) => this.later(LATENCY_MS, () => this.post({ type: 'dataplane', event })),
      deliver: (port, bytes) => this.world.in(LATENCY_MS, () => this.deliver(port, bytes)),
    });
    this.bridge.tells = this.options.capabilities?.lastSeen ?? true;
    for (const name of [...ports, UPLINK]) this.bridge.addPort(name);
    this.servers = config.radius.servers.map(({ secret }) => new RadiusPeer(secret));
    this.gateway = new SimGateway(GATEWAY_MAC, GATEWAY, (bytes) =>
      this.bridge.receive(UPLINK as PortName, bytes),
    );
    this.agent = this.newAgent();
  }

  /** The capture on this port ends by itself, if there is one, and says so. */
  endCapture(name: PortName): void {
    const port = this.bridge.port(name);
    if (!port.captured) return;
    port.captured = false;
    this.post({ type: 'capture-ended', port: name });
  }

  /** A port has another name, of which nobody hears: while no agent runs. Who is plugged in there stays plugged in. */
  rename(name: string, to: string): void {
    this.bridge.rename(name, to);
    this.replug(name, to);
  }

  /** The same, of which the agent hears. */
  renameTold(name: string, to: string): void {
    this.bridge.renameTold(name, to);
    this.replug(name, to);
  }

  private replug(name: string, to: string): void {
    for (const client of this.clients) if (client.port === name) client.port = to as PortName;
  }

  /** The machine is booted while no agent runs: the table is empty, and ports are as the kernel makes them. */
  bootMachine(): void {
    this.machine = `boot ${++SimulatedSwitch.machines}`;
    this.bridge.table.clear();
    this.foundVlans = [];
    for (const port of this.bridge.ports.values()) port.locked = port.mab = false;
  }

  /** As after a kill, or a stop: what is not on disk is forgotten. The next one is started `afterMs` later. */
  killAgent(afterMs = 0, { findsBroker = true } = {}): void {
    this.inputs.length = 0;
    for (const port of this.bridge.ports.values()) port.captured = false;
    this.dead = true;
    this.advance(afterMs);
    this.dead = false;
    // It was the other process that stood still.
    this.stalledUntil = this.world.now;
    this.brokerUp = false;
    this.unacknowledged.length = 0;
    this.wantedCaptures = [];
    this.inputs.length = 0;
    this.routed.reopen();
    this.agent = this.newAgent();
    this.boot(findsBroker);
  }

  /** For this agent: one that was killed meanwhile hears nothing. */
  private later(ms: number, run: () => void): void {
    const { lives } = this;
    this.world.in(ms, () => {
      if (this.lives === lives) run();
    });
  }

  private newAgent(): Agent {
    const { readSecret = NO_FILES, seed = 1, bootId = 'b007' } = this.options;
    const { file: text } = this;
    const parsed = parseConfig(text, readSecret);
    if (!parsed.ok) throw new Error(`bad configuration: ${JSON.stringify(parsed.error)}`);
    const { clocks } = this.world;
    return new Agent({
      config: parsed.value.config,
      entropy: new SeededEntropy(seed),
      boot: {
        bootId: `${bootId}${this.lives++ || ''}`,
        version: 'sim',
        startedAt: clocks.wall,
        clock: { boot: this.machine, origin: 0 },
      },
      now: clocks,
      source: { text, readSecret },
    });
  }

  boot(findsBroker = true): void {
    const { bridge } = this;
    this.post({
      type: 'boot',
      capabilities: this.options.capabilities ?? SIM_CAPABILITIES,
      ports: this.facts(),
      vlans: bridge.vlanMap(),
      foundVlans: this.foundVlans,
      heldDown: this.options.heldDown ?? new Map(),
      ssoBars: this.ssoBars,
      kernel: 'none',
      ...present({ optmemMax: this.options.optmemMax }),
      ...(bridge.there ? {} : { absence: 'there is no bridge' }),
      mqtt: { protocol_version: 5, embedded: false, will_delay_s: 0 },
    });
    const { storeAfterMs = 0 } = this.options;
    if (storeAfterMs === 0) this.openStore();
    else this.later(storeAfterMs, () => this.openStore());
    this.openCaptures();
    const own = { mac: SWITCH_MAC, ipv4: SWITCH_IPV4, ipv6: SWITCH_IPV6 };
    const addresses = new Set([SWITCH_IPV4, SWITCH_IPV6]);
    const sources = new Map([[0, own]]);
    this.post({ type: 'own-addresses', sources, addresses, ingress: new Map(), enslaved: new Map() });
    this.post({ type: 'uplink-guard' });
    this.post({ type: 'confinement', left: [...this.confined] });
    this.brokerUp = false;
    this.brokerTold = false;
    if (findsBroker) this.setBroker(true);
  }

  /** What the broker kept is looked at on connecting, as the shell does it. */
  private clearStale(): void {
    for (const [topic, payload] of this.retained)
      if (this.agent.isStaleTopic(topic, JSON.stringify(payload).length)) this.retained.delete(topic);
  }

  private facts(): readonly PortFacts[] {
    const present = [...this.bridge.ports.values()].filter((port) => port.present);
    return present.map((port) => this.bridge.facts(port));
  }

  /** They are loaded late: what was wanted of them until then is done now. */
  private openCaptures(): void {
    const waiting = this.wantedCaptures ?? [];
    this.wantedCaptures = undefined;
    for (const effect of waiting) this.openCapture(effect);
    this.post({ type: 'tick' });
  }

  private openCapture({ ref, port }: Extract<Effect, { readonly type: 'open-capture' }>): string | undefined {
    return this.answer(ref, 'captures', () => {
      const there = this.bridge.ports.get(port);
      if (there === undefined) return err(`capture on ${port}: no such device`);
      there.captured = true;
      this.bridge.port(port).heard = undefined;
      return { ok: true, value: undefined };
    });
  }

  private openStore(): void {
    const { storeError } = this.options;
    if (storeError === undefined) {
      const status = { state: 'durable', octets: 4096, warnings: [] } as const;
      this.post({
        type: 'spool',
        content: readSpool(this.disk),
        kept: readKept(this.disk),
        logins: readLogins(this.disk),
        events: readEvents(this.disk),
        status,
      });
      this.post({ type: 'certified', content: readCertified(this.certified) });
      return;
    }
    this.faults.stores = Number.POSITIVE_INFINITY;
    const status = { state: 'none', octets: 0, warnings: [storeError] } as const;
    const nothing = { content: EMPTY_SPOOL, kept: NOTHING_KEPT, logins: [], events: NO_EVENTS };
    this.post({ type: 'spool', ...nothing, status });
  }

  addClient(options: ClientOptions): SimClient {
    const client = new SimClient(options, {
      transmit: (port, bytes) => this.bridge.receive(port, bytes),
      in: (ms, run) => this.world.in(ms, run),
    });
    this.clients.push(client);
    return client;
  }

  /** The answer, which comes at once. */
  command(verb: string, request: object | Uint8Array = {}, rights: Rights = 'full'): object {
    const answer = this.answerTo(this.request(verb, request, rights));
    if (answer === undefined) throw new Error(`${verb} was not answered`);
    return answer;
  }

  /** One that may be answered later: `answerTo` has the answer then, once. */
  request(verb: string, request: object | Uint8Array = {}, rights: Rights = 'full'): number {
    const ref = this.nextCommand++;
    const payload =
      request instanceof Uint8Array ? request : new TextEncoder().encode(JSON.stringify(request));
    this.post({ type: 'command', ref, verb, payload, rights });
    return ref;
  }

  answerTo(ref: number): object | undefined {
    const answer = this.answers.get(ref);
    this.answers.delete(ref);
    return answer;
  }

  /** The answer, or undefined while there is none yet. */
  visit(visit: Visit): () => Answer | undefined {
    const ref = this.nextCommand++;
    this.post({ type: 'web', ref, visit });
    return () => this.webAnswers.get(ref);
  }

  /** A broker that keeps retained messages while we are away, and hands the stale ones back when we return. */
  setBroker(up: boolean): void {
    if (this.brokerUp === up) return;
    this.brokerUp = up;
    if (up) {
      this.deliverEvents();
      this.clearStale();
    }
    this.post({ type: 'broker', connected: up });
  }

  /** The broker takes states, and no events. */
  hangEvents(hangs: boolean): void {
    this.eventsHang = hangs;
    if (hangs) return;
    this.deliverEvents();
    this.post({ type: 'tick' });
  }

  /** The data plane takes its time to write entries, until it is not to any more. */
  holdGrants(holds: boolean): void {
    const held = this.heldGrants ?? [];
    this.heldGrants = holds ? held : undefined;
    if (holds) return;
    for (const { ref, key } of held) this.answer(ref, 'grants', () => this.grant(key));
    this.post({ type: 'tick' });
  }

  /** The packet filter takes its time to confine, until it does not any more. */
  holdConfinements(holds: boolean): void {
    const held = this.heldConfinements ?? [];
    this.heldConfinements = holds ? held : undefined;
    if (holds) return;
    for (const effect of held) this.performOne(effect);
    this.post({ type: 'tick' });
  }

  /** The kernel takes its time to set links, until it does not any more. */
  holdLinks(holds: boolean): void {
    const held = this.heldLinks ?? [];
    this.heldLinks = holds ? held : undefined;
    if (holds) return;
    for (const effect of held) this.performOne(effect);
    this.post({ type: 'tick' });
  }

  // Time.

  /** Everything that is due until then happens, each at its time. */
  advance(ms: number): void {
    const end = this.world.now + ms;
    while (this.step(end)) {
      // Each step is one happening or one tick.
    }
    this.world.now = instant(end);
  }

  /** The next thing before `end`, if there is one. */
  private step(end: number): boolean {
    const { world } = this;
    const due = Math.max(Math.ceil(this.agent.pollAt()), this.tickedAt + LEAST_WAIT_MS);
    const tickAt = this.dead ? Number.POSITIVE_INFINITY : Math.max(due, this.stalledUntil);
    const at = Math.min(world.nextAt(), tickAt);
    if (at > end) return false;
    world.now = instant(Math.max(world.now, at));
    if (world.nextAt() <= tickAt) world.happen();
    else {
      this.tickedAt = world.now;
      this.post({ type: 'tick' });
    }
    return true;
  }

  /** The agent is not run for so long: what comes in meanwhile waits. */
  stall(ms: number): void {
    this.stalledUntil = instant(this.world.now + ms);
    this.world.in(ms, () => this.post({ type: 'tick' }));
  }

  // The shell.

  post(input: Input): void {
    // After a stall the timers run first, as in libuv.
    if (input.type === 'tick') this.inputs.unshift(input);
    else this.inputs.push(input);
    if (this.dead || this.running || this.world.now < this.stalledUntil) return;
    this.running = true;
    let turns = 0;
    for (let next = this.inputs.shift(); next !== undefined; next = this.inputs.shift()) {
      if (++turns > MOST_INPUTS_AT_ONCE)
        throw new Error(`the agent does not come to rest: ${JSON.stringify(this.performed.slice(-4))}`);
      if (next.type === 'broker') this.brokerTold = next.connected;
      for (const effect of inOrder(this.agent.handle(next, this.world.clocks))) this.perform(effect);
    }
    this.running = false;
    this.afterTurn();
  }

  private perform(effect: Effect): void {
    if (this.dead) return;
    const error = this.performOne(effect);
    if (this.record && effect.type !== 'log')
      this.performed.push({ at: this.world.now, effect, ...(error === undefined ? {} : { error }) });
  }

  /** Why it failed, if it did. */
  private performOne(effect: Effect): string | undefined {
    const { bridge, world } = this;
    switch (effect.type) {
      case 'await-address':
        return this.routed.await(effect);
      case 'read-addresses':
        this.inputs.push(this.routed.read(effect));
        return undefined;
      case 'inject-routed':
        this.routed.injected.push(effect.bytes);
        return undefined;
      case 'send-sso-reply': {
        const { address, port, bytes } = effect;
        this.routed.replies.push({ address, port, bytes });
        return undefined;
      }
      case 'set-port':
        return this.answer(effect.ref, 'setPorts', () => bridge.setPort(effect.port, effect.setting));
      case 'set-link':
        if (this.heldLinks !== undefined) {
          this.heldLinks.push(effect);
          return undefined;
        }
        return this.answer(effect.ref, 'links', () => {
          if (this.stuckLinks.has(effect.port)) return err('the link is stuck');
          bridge.setAdmin(effect.port, effect.up);
          return { ok: true, value: undefined };
        });
      case 'send-dynamic-reply': {
        const { address, port, bytes } = effect;
        this.dynamicReplies.push({ address, port, bytes });
        return undefined;
      }
      case 'grant':
        if (this.heldGrants !== undefined) {
          this.heldGrants.push(effect);
          return undefined;
        }
        return this.answer(effect.ref, 'grants', () => this.grant(effect.key));
      case 'revoke':
        return this.answer(effect.ref, 'revokes', () => this.revoke(effect.key));
      case 'watch':
        bridge.watch(effect.key);
        return undefined;
      case 'open-capture':
        if (this.wantedCaptures === undefined) return this.openCapture(effect);
        this.wantedCaptures.push(effect);
        return undefined;
      case 'close-capture':
        for (const port of bridge.ports.values()) if (port.name === effect.port) port.captured = false;
        return undefined;
      case 'hear':
        bridge.port(effect.port).heard = effect.only === undefined ? undefined : new Set(effect.only);
        return undefined;
      case 'dump-table':
        this.inputs.push(
          this.fails('dumps')
            ? { type: 'table-failed', error: 'dump: interrupted' }
            : { type: 'table', dump: { at: world.now, tookMs: this.dumpMs, records: bridge.dump() } },
        );
        return undefined;
      case 'read-ports':
        this.inputs.push({ type: 'ports', ports: this.facts() });
        return undefined;
      case 'read-vlans':
        this.inputs.push(
          this.fails('vlanReads')
            ? { type: 'vlans-failed', error: 'VLANs: interrupted' }
            : { type: 'vlans', map: bridge.vlanMap() },
        );
        return undefined;
      case 'set-vlans':
        return this.answer(effect.ref, 'vlans', () => {
          const done = bridge.setVlans(effect.changes);
          return this.fails('vlansUntold') ? err('done, and not told') : done;
        });
      case 'remember-vlans':
        this.foundVlans = effect.found;
        return undefined;
      case 'keep-lock-file':
        return;
      case 'remember-bars':
        this.ssoBars = effect.bars;
        return undefined;
      case 'read-counters': {
        const counters = new Map<PortName, TrafficCounters>();
        for (const port of bridge.ports.values()) counters.set(port.name, { ...port.counters });
        this.inputs.push({ type: 'counters', counters });
        return undefined;
      }
      case 'inject':
        bridge.transmit(effect.port, effect.bytes);
        return undefined;
      case 'send-datagram': {
        const { socket, address, port, bytes } = effect;
        const { lives } = this;
        world.in(SERVER_LATENCY_MS, () => {
          const reply = this.servers[socket.server]?.receive(socket.kind, bytes, world.now);
          if (reply === undefined) return;
          world.in(SERVER_LATENCY_MS, () => {
            if (this.lives === lives) this.post({ type: 'datagram', socket, address, port, bytes: reply });
          });
        });
        return undefined;
      }
      case 'close-connection':
        return undefined;
      case 'spool-store':
        return this.answer(effect.ref, 'stores', () =>
          this.store(storing({ ref: effect.id, record: effect.record })),
        );
      case 'spool-erase':
        this.store([erasing(effect.id)]);
        return undefined;
      case 'spool-keep':
        this.store(effect.sessions.map(keeping));
        return undefined;
      case 'session-store':
      case 'event-store':
        this.store(effect.changes);
        return undefined;
      case 'adopted':
        return undefined;
      case 'certified-store':
        for (const { key, value } of effect.changes) {
          if (value === null) this.certified.delete(key);
          else this.certified.set(key, value);
        }
        return undefined;
      case 'watch-leases':
      case 'follow':
      case 'unfollow':
      case 'event':
        return undefined;
      case 'publish':
        this.publish(effect);
        return undefined;
      case 'answer':
        this.answers.set(effect.ref, effect.payload);
        return undefined;
      case 'confine':
        if (this.heldConfinements !== undefined) {
          this.heldConfinements.push(effect);
          return undefined;
        }
        return this.answer(effect.ref, 'confines', () => {
          this.confined.add(effect.mac);
          return this.fails('confinesUntold') ? err('done, and not told') : ok(undefined);
        });
      case 'release':
        return this.answer(effect.ref, 'releases', () => {
          this.confined.delete(effect.mac);
          return this.fails('releasesUntold') ? err('done, and not told') : ok(undefined);
        });
      case 'web-answer':
        this.webAnswers.set(effect.ref, effect.answer);
        return undefined;
      case 'log':
        this.logs.push(`${effect.level} ${effect.message} ${JSON.stringify(effect.fields)}`);
        return undefined;
      case 'log-level':
        this.logLevel = effect.level;
        return undefined;
      case 'drained':
        this.drained = true;
        return undefined;
      default:
        return assertNever(effect);
    }
  }

  private store(changes: readonly SpoolChange[]): Result<void, string> {
    this.writes++;
    if (this.writes === this.diesAtWrite) this.dead = true;
    for (const { key, value } of changes) {
      if (value === null) this.disk.delete(key);
      else this.disk.set(key, value);
    }
    return ok(undefined);
  }

  private grant(key: Grant): Result<void, string> {
    if (!isAddress(key)) return this.bridge.grant(key);
    this.routed.grant(key.ip);
    return ok(undefined);
  }

  private revoke(key: Grant): Result<void, string> {
    if (!isAddress(key)) return this.bridge.revoke(key);
    this.routed.revoke(key.ip);
    return ok(undefined);
  }

  private publish(effect: Extract<Effect, { readonly type: 'publish' }>): void {
    const { topic, payload, retain, ref } = effect;
    if (!this.brokerTold) throw new Error(`published to a broker that is away: ${topic}`);
    if (ref !== undefined) this.unacknowledged.push({ ref, payload: payload as EventPayload });
    // Lost on the way; what is retained is published anew at its return.
    if (!this.brokerUp) return;
    if (!retain) this.deliverEvents();
    else if (payload === null) this.retained.delete(topic);
    else this.retained.set(topic, payload);
  }

  /** The link keeps events until the broker has them. */
  private deliverEvents(): void {
    const refs = this.unacknowledged.map(({ ref }) => ref);
    if (refs.length === 0 || this.eventsHang) return;
    for (const { payload } of this.unacknowledged.splice(0)) {
      this.checkOrder(payload);
      this.events.push(payload);
    }
    this.inputs.push({ type: 'published', refs });
  }

  /** Of one agent's events some may come again, and its last be lost with it; between them none is missing. */
  private checkOrder({ boot_id: boot, seq, dropped = 0 }: EventPayload): void {
    const last = this.arrived.get(boot) ?? 0;
    if (seq > last + 1 + dropped) throw new Error(`event ${seq} of ${boot} came after ${last}`);
    this.arrived.set(boot, Math.max(last, seq));
  }

  private fails(fault: keyof Faults): boolean {
    if (this.faults[fault] === 0) return false;
    this.faults[fault]--;
    return true;
  }

  private answer(ref: Ref, fault: keyof Faults, act: () => Result<void, string>): string | undefined {
    const result = this.fails(fault) ? err(`${fault} fail by order`) : act();
    this.inputs.push(result.ok ? { type: 'done', ref } : { type: 'done', ref, error: result.error });
    return result.ok ? undefined : result.error;
  }

  private deliver(port: PortName, bytes: Uint8Array): void {
    if (port === UPLINK) this.gateway.receive(bytes);
    for (const client of this.clients) if (client.port === port) client.receive(bytes);
  }
}
