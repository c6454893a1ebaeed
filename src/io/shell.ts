// The shell: performs what the agent wants done, in order, and tells it what came of it. It owns the loop:
//
//   something happens ─▶ post(input) ─▶ agent.handle ─▶ perform(effects) ─▶ answers are posted in turn ─▶ one timer
//
// Neighbouring effects of one kind become one native call: a turn that ends a thousand sessions pays for one proof.
// Whatever loads slowly (captures, broker link) is handed in later; what was wanted of it until then is kept here.

import { erasing, keeping, type SpoolChange, storing } from '../accounting/spool.ts';
import type { Agent } from '../agent/agent.ts';
import type { Effect, Input, LeaseCapture, Ref } from '../agent/ports.ts';
import type { Mac } from '../base/mac.ts';
import { assertNever, err, type Result } from '../base/result.ts';
import type { Instant, Now, WallTime } from '../base/time.ts';
import type { TrafficCounters } from '../model/acct.ts';
import { isAddress, type PortName } from '../model/dataplane.ts';
import type { CertifiedChange } from '../policy/certified-codec.ts';
import type { SocketKey } from '../radius/effects.ts';
import type { RadiusServer } from '../radius/settings.ts';
import type { Answer } from '../web/page.ts';
import type { Standing, Visit, Visitor } from '../web/visit.ts';
import type { CommandRequest } from './command-request.ts';
import { endOfRun, inOrder } from './effect-order.ts';
import { keepText } from './files.ts';
import { Grants } from './grants.ts';
import { type HeldPorts, setLinks } from './held-ports.ts';
import { interfaceIndex } from './interfaces.ts';
import type { Logger } from './log.ts';
import { type OpenCapture, PortCaptures } from './port-captures.ts';
import type { PortAuth } from './portauth.ts';
import type { RoutedPath } from './portauth-l3.ts';
import type { Publication } from './publish-queue.ts';
import { RadSecConnections } from './radsec.ts';
import { awaitAddresses, readAddresses } from './routed-path.ts';
import type { SsoBars } from './sso-bars.ts';
import type { StrangerGuard } from './stranger-guard.ts';
import { type DatagramFrom, UdpSockets } from './udp.ts';
import type { UplinkGuard } from './uplink-guard.ts';
import type { VlanMemory } from './vlan-memory.ts';

/** setTimeout takes no more. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

/** The store on disk: io/store.ts. `done` when the changes of one call, all in one transaction, are durable. */
export interface Spool {
  write(changes: readonly SpoolChange[], done?: (error?: string) => void): void;
  writeCertified(changes: readonly CertifiedChange[]): void;
  /** `done` when everything that was written before is durable, or cannot be. */
  flushed(done: () => void): void;
}

/** Parts that are loaded after the ports are locked. */
export interface LateParts {
  readonly openCapture: OpenCapture;
  readonly watchLeases: (captures: readonly LeaseCapture[]) => void;
  readonly publish: (publication: Publication) => void;
  readonly broadcast: (event: object) => void;
  readonly follow: (topic: string) => void;
  readonly unfollow: (topic: string) => void;
  readonly sendDynamicReply: (address: string, port: number, bytes: Uint8Array) => void;
  readonly sendSsoReply: (address: string, port: number, bytes: Uint8Array) => void;
  /** Absent where the kernel or nft cannot. */
  readonly guard?: UplinkGuard;
}

export interface ShellOptions {
  readonly agent: Agent;
  readonly portauth: PortAuth;
  readonly vlanMemory: VlanMemory;
  readonly ssoBars: SsoBars;
  readonly log: Logger;
  readonly heldPorts: HeldPorts;
  /** Path of what rollcall-lock reads. */
  readonly lockFile: string;
  readonly onDrained: () => void;
}

/** The monotonic clock in milliseconds. */
export function monotonic(): Instant {
  return performance.now() as Instant;
}

export function readClocks(): Now {
  return { mono: monotonic(), wall: Date.now() as WallTime };
}

export class Shell {
  private readonly queue: Input[] = [];
  private running = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private late: LateParts | undefined;
  private spool: Spool | undefined;
  private strangers: StrangerGuard | undefined;
  /** MACs with grants, those of an earlier run above all, until the uplinks are guarded. */
  private readonly unguarded = new Set<Mac>();
  private readonly captures: PortCaptures;
  private wantedLeases: readonly LeaseCapture[] = [];
  private readonly replies = new Map<Ref, (answer: object) => void>();
  private lastReply: Ref = 0;
  /** At the last reading: a failure is logged when it begins. */
  private portsReadable = true;
  private readonly visits = new Map<Ref, (answer: Answer) => void>();
  private readonly grants: Grants;
  private readonly udp: UdpSockets<SocketKey>;
  private readonly radSec: RadSecConnections<SocketKey>;

  constructor(private readonly options: ShellOptions) {
    const { log, portauth } = options;
    this.grants = new Grants(portauth);
    this.captures = new PortCaptures({
      onFrame: (port, bytes) => this.post({ type: 'frame', port, bytes }),
      onError: (port, message) => log.log('warn', message, { port }),
    });
    const nameOf = ({ server, kind, n }: SocketKey): string => `${server} ${kind} ${n}`;
    const receive = (packet: DatagramFrom<SocketKey>): void => this.post({ ...packet, type: 'datagram' });
    this.udp = new UdpSockets(nameOf, receive, (message) => log.log('warn', `RADIUS: ${message}`));
    this.radSec = new RadSecConnections(nameOf, {
      onPacket: receive,
      onOpen: (socket) => this.post({ type: 'connection', event: { socket, state: 'open' } }),
      onEnd: (socket, end) => {
        log.log('warn', `RadSec: ${end.detail}`, { server: socket.server, kind: socket.kind });
        this.post({ type: 'connection', event: { socket, state: 'lost', ...end } });
      },
    });
  }

  /** Takes the input in, and everything that follows from it. */
  post(input: Input): void {
    if (this.closed) return;
    this.queue.push(input);
    if (this.running) return;
    this.running = true;
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      this.perform(this.options.agent.handle(next, readClocks()));
    }
    this.running = false;
    this.arm();
  }

  /** A request that gets one answer. */
  command({ reply, ...request }: CommandRequest): void {
    const ref = ++this.lastReply;
    this.replies.set(ref, reply);
    this.post({ type: 'command', ref, ...request });
  }

  standingOf(visitor: Visitor): Standing {
    return this.options.agent.standingOf(visitor);
  }

  /** A request for the login page; one that is never answered is none of ours. */
  visit(visit: Visit, reply: (answer: Answer) => void): void {
    const ref = ++this.lastReply;
    this.visits.set(ref, reply);
    this.post({ type: 'web', ref, visit });
  }

  /** Captures and the broker link are there now. */
  complete(late: LateParts): void {
    this.late = late;
    for (const mac of this.unguarded) late.guard?.grant(mac);
    this.unguarded.clear();
    this.captures.use(late.openCapture);
    late.watchLeases(this.wantedLeases);
  }

  /** Where users are known by their address, before any of them gets in. */
  useRoutedPath(path: RoutedPath): void {
    this.grants.routed = path;
  }

  /** What can be had of them before it is needed. */
  prepareServers(servers: readonly RadiusServer[]): void {
    for (const [server, { address, tls }] of servers.entries()) {
      if (tls !== undefined) continue;
      for (const kind of ['access', 'accounting'] as const) this.udp.prepare({ server, kind, n: 0 }, address);
    }
  }

  /** To be called before the agent is told that there is a store: it stores nothing before that. */
  useSpool(spool: Spool): void {
    this.spool = spool;
  }

  /** To be called before the agent is told that strangers can be confined. */
  useStrangerGuard(guard: StrangerGuard): void {
    this.strangers = guard;
  }

  /** Stops performing; locks, grants and sessions stay as they are. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.captures.closeAll();
    this.udp.close();
    this.radSec.close();
    this.options.portauth.close();
  }

  private arm(): void {
    const at = this.options.agent.pollAt();
    if (at === this.timerAt) return;
    this.timerAt = at;
    clearTimeout(this.timer);
    if (!Number.isFinite(at)) return;
    const wait = Math.min(Math.max(0, at - monotonic()), LONGEST_SLEEP_MS);
    this.timer = setTimeout(() => {
      this.timerAt = Number.POSITIVE_INFINITY;
      this.post({ type: 'tick' });
    }, Math.ceil(wait));
  }

  private perform(effects: readonly Effect[]): void {
    const ordered = inOrder(effects);
    for (let i = 0; i < ordered.length; ) {
      const effect = ordered[i] as Effect;
      const end = endOfRun(ordered, i);
      this.performRun(effect, ordered.slice(i, end));
      i = end;
    }
  }

  private performRun(first: Effect, run: readonly Effect[]): void {
    const { portauth } = this.options;
    switch (first.type) {
      case 'set-port': {
        const wanted = only(run, 'set-port');
        const results = portauth.setPorts(wanted.map(({ port, setting }) => ({ name: port, setting })));
        this.answerAll(wanted, results);
        return;
      }
      case 'set-link':
        this.setLinks(only(run, 'set-link'));
        return;
      case 'grant': {
        const wanted = only(run, 'grant');
        for (const { key } of wanted) if (!isAddress(key)) this.guard(key.mac);
        this.answerAll(wanted, this.grants.grant(wanted.map(({ key }) => key)));
        return;
      }
      case 'revoke': {
        const wanted = only(run, 'revoke');
        this.answerAll(wanted, this.grants.revoke(wanted.map(({ key }) => key)));
        for (const { key } of wanted) if (!isAddress(key)) this.unguard(key.mac);
        return;
      }
      case 'watch':
        for (const result of portauth.watch(only(run, 'watch').map(({ key }) => key))) {
          if (!result.ok) this.options.log.log('debug', result.error);
        }
        return;
      case 'inject':
        portauth.inject(only(run, 'inject'));
        return;
      case 'await-address': {
        const { routed } = this.grants;
        const error = routed === undefined ? undefined : awaitAddresses(routed, only(run, 'await-address'));
        if (error !== undefined) this.options.log.log('warn', error);
        return;
      }
      default:
        for (const effect of run) this.performOne(effect);
    }
  }

  private performOne(effect: Effect): void {
    const { log, onDrained } = this.options;
    switch (effect.type) {
      case 'dump-table':
        this.dumpTable();
        return;
      case 'read-ports':
        this.readPorts();
        return;
      case 'read-vlans': {
        const map = this.options.portauth.vlans();
        this.queue.push(
          map.ok ? { type: 'vlans', map: map.value } : { type: 'vlans-failed', error: map.error },
        );
        return;
      }
      case 'set-vlans': {
        const { portauth, vlanMemory } = this.options;
        const noted = vlanMemory.secure(effect.changes);
        this.answer(effect.ref, noted.ok ? portauth.setVlans(effect.changes) : noted);
        return;
      }
      case 'remember-vlans': {
        const kept = this.options.vlanMemory.write(effect.found);
        if (!kept.ok) log.log('error', kept.error);
        return;
      }
      case 'remember-bars': {
        const kept = this.options.ssoBars.write(effect.bars);
        if (!kept.ok) log.log('error', kept.error);
        return;
      }
      case 'keep-lock-file': {
        const kept = keepText(this.options.lockFile, effect.text);
        if (!kept.ok) log.log('error', `ports are not shut before the next start: ${kept.error}`);
        return;
      }
      case 'read-addresses': {
        const { routed } = this.grants;
        if (routed !== undefined) this.queue.push(readAddresses(routed, effect));
        return;
      }
      case 'inject-routed': {
        const index = interfaceIndex(effect.interface);
        if (index !== undefined) this.options.portauth.injectOn(index, effect.bytes);
        return;
      }
      case 'read-counters':
        this.queue.push({ type: 'counters', counters: this.readCounters() });
        return;
      case 'open-capture':
        this.captures.listen(effect.port, (result) => this.answer(effect.ref, result));
        return;
      case 'close-capture':
        this.captures.close(effect.port);
        return;
      case 'hear':
        this.captures.hear(effect.port, effect.only);
        this.tellLost(effect.port);
        return;
      case 'watch-leases':
        this.wantedLeases = effect.captures;
        this.late?.watchLeases(effect.captures);
        return;
      case 'send-datagram':
        this.sendToServer(effect);
        return;
      case 'close-connection':
        this.radSec.disconnect(effect.socket);
        this.udp.forget(effect.socket);
        return;
      case 'send-dynamic-reply':
        this.replyDynamic(effect);
        return;
      case 'send-sso-reply':
        this.late?.sendSsoReply(effect.address, effect.port, effect.bytes);
        return;
      case 'spool-store':
        this.store(effect.ref, storing({ ref: effect.id, record: effect.record }));
        return;
      case 'spool-erase':
        this.spool?.write([erasing(effect.id)]);
        return;
      case 'spool-keep':
        this.spool?.write(effect.sessions.map(keeping));
        return;
      case 'session-store':
        this.spool?.write(effect.changes);
        return;
      case 'adopted':
        this.guard(effect.mac);
        return;
      case 'certified-store':
        this.spool?.writeCertified(effect.changes);
        return;
      case 'publish': {
        const { topic, payload, retain } = effect;
        this.late?.publish({ topic, payload: payload === null ? '' : JSON.stringify(payload), retain });
        return;
      }
      case 'follow':
        this.late?.follow(effect.topic);
        return;
      case 'unfollow':
        this.late?.unfollow(effect.topic);
        return;
      case 'event':
        this.late?.broadcast(effect.payload);
        return;
      case 'answer': {
        const reply = this.replies.get(effect.ref);
        this.replies.delete(effect.ref);
        reply?.(effect.payload);
        return;
      }
      case 'web-answer': {
        const reply = this.visits.get(effect.ref);
        this.visits.delete(effect.ref);
        reply?.(effect.answer);
        return;
      }
      case 'confine':
      case 'release':
        this.confine(effect);
        return;
      case 'log':
        log.log(effect.level, effect.message, effect.fields);
        return;
      case 'log-level':
        log.setLevel(effect.level);
        return;
      case 'drained':
        onDrained();
        return;
      case 'set-port':
      case 'set-link':
      case 'grant':
      case 'revoke':
      case 'watch':
      case 'inject':
      case 'await-address':
        // Performed by the run.
        return;
      default:
        assertNever(effect);
    }
  }

  /** What a server was told to be done must not be undone by a power cut. While the store cannot be written nobody waits for it. */
  private replyDynamic({ address, port, bytes, ack }: Extract<Effect, { type: 'send-dynamic-reply' }>): void {
    const send = (): void => {
      if (!this.closed) this.late?.sendDynamicReply(address, port, bytes);
    };
    if (ack && this.spool !== undefined) this.spool.flushed(send);
    else send();
  }

  private guard(mac: Mac): void {
    if (this.late === undefined) this.unguarded.add(mac);
    else this.late.guard?.grant(mac);
  }

  private unguard(mac: Mac): void {
    this.unguarded.delete(mac);
    this.late?.guard?.revoke(mac);
  }

  private setLinks(wanted: readonly Extract<Effect, { type: 'set-link' }>[]): void {
    const { portauth, heldPorts, log } = this.options;
    const results = setLinks({ portauth, heldPorts, wanted, warn: (message) => log.log('warn', message) });
    this.answerAll(wanted, results);
  }

  private confine(effect: Extract<Effect, { readonly type: 'confine' | 'release' }>): void {
    const { ref, mac } = effect;
    const { strangers } = this;
    const done = (result: Result<void, string>): void => this.answer(ref, result);
    if (strangers === undefined) done(err('there is no packet filter to confine strangers with'));
    else if (effect.type === 'confine') strangers.confine(mac, effect.port, done);
    else strangers.release(mac, done);
  }

  /** Without a store the journal keeps it in memory. */
  private store(ref: Ref, changes: readonly SpoolChange[]): void {
    if (this.spool === undefined) this.queue.push({ type: 'done', ref, error: 'there is no store' });
    else
      this.spool.write(changes, (error) =>
        this.post(error === undefined ? { type: 'done', ref } : { type: 'done', ref, error }),
      );
  }

  private sendToServer(effect: Extract<Effect, { readonly type: 'send-datagram' }>): void {
    const { socket: key, address, port, tls: settings, bytes } = effect;
    if (settings === undefined) this.udp.send(key, address, port, bytes);
    else this.radSec.send({ key, address, port, settings }, bytes);
  }

  /** A reading that failed says nothing of any port: the next round (agent/reconciliation.ts) reads again. */
  private readPorts(): void {
    const ports = this.options.portauth.readPorts();
    if (ports.ok) this.queue.push({ type: 'ports', ports: ports.value });
    else if (this.portsReadable) this.options.log.log('warn', `ports cannot be read: ${ports.error}`);
    this.portsReadable = ports.ok;
    for (const port of this.captures.ports()) this.tellLost(port);
  }

  private tellLost(port: PortName): void {
    const count = this.captures.takeLost(port);
    if (count > 0) this.queue.push({ type: 'frames-lost', port, count });
  }

  private dumpTable(): void {
    const dump = this.options.portauth.dump(monotonic);
    if (dump.ok) this.queue.push({ type: 'table', dump: dump.value });
    else this.queue.push({ type: 'table-failed', error: dump.error });
  }

  private readCounters(): ReadonlyMap<PortName, TrafficCounters> {
    const counters = new Map<PortName, TrafficCounters>();
    for (const [port, read] of this.options.portauth.counters()) {
      counters.set(port, {
        inputOctets: read.rxOctets,
        outputOctets: read.txOctets,
        inputPackets: read.rxPackets,
        outputPackets: read.txPackets,
      });
    }
    return counters;
  }

  private answerAll(asked: readonly { readonly ref: Ref }[], results: readonly Result<void, string>[]): void {
    asked.forEach(({ ref }, i) => {
      this.answer(ref, results[i] ?? err('the data plane gave no result'));
    });
  }

  private answer(ref: Ref, result: Result<void, string>): void {
    this.post(result.ok ? { type: 'done', ref } : { type: 'done', ref, error: result.error });
  }
}

function only<T extends Effect['type']>(run: readonly Effect[], type: T): Extract<Effect, { type: T }>[] {
  return run.filter((effect): effect is Extract<Effect, { type: T }> => effect.type === type);
}
