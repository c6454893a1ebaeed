// The shell: performs what the agent wants done, in order, and tells it what came of it. It owns the loop:
//
//   something happens ─▶ post(input) ─▶ agent.handle ─▶ perform(effects) ─▶ answers are posted in turn ─▶ one timer
//
// Neighbouring effects of one kind become one native call: a turn that ends a thousand sessions pays for one proof. What
// performs which effect: performing.ts. What loads slowly (captures, broker link) is handed in later.

import type { Agent } from '../agent/agent.ts';
import type { Effect, Input } from '../agent/ports.ts';
import type { Instant, Now, WallTime } from '../base/time.ts';
import type { RadiusServer } from '../radius/settings.ts';
import type { Answer } from '../web/page.ts';
import type { Standing, Visit, Visitor } from '../web/visit.ts';
import type { CommandRequest } from './command-request.ts';
import type { HeldPorts } from './dataplane/held-ports.ts';
import type { PortAuth } from './dataplane/portauth.ts';
import type { RoutedPath } from './dataplane/portauth-l3.ts';
import type { StrangerGuard } from './dataplane/stranger-guard.ts';
import type { VlanMemory } from './dataplane/vlan-memory.ts';
import { endOfRun, inOrder } from './effect-order.ts';
import type { Logger } from './log.ts';
import { DataplanePerformers, type Watchers } from './perform-dataplane.ts';
import { NetworkPerformers, type Senders } from './perform-network.ts';
import { type Spool, StorePerformers } from './perform-store.ts';
import { Answers, each, type Performers } from './performing.ts';
import type { SsoBars } from './servers/sso-bars.ts';

/** setTimeout takes no more. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

/** Parts that are loaded after the ports are locked. */
export type LateParts = Watchers & Senders;

export interface ShellOptions {
  readonly agent: Agent;
  readonly portauth: PortAuth;
  readonly vlanMemory: VlanMemory;
  readonly ssoBars: SsoBars;
  readonly log: Logger;
  readonly heldPorts: HeldPorts;
  /** Paths of what rollcall-lock reads, and of our own copy. */
  readonly lockFiles: () => readonly string[];
  readonly onDrained: () => void;
}

/** The monotonic clock in milliseconds. */
export function monotonic(): Instant {
  return performance.now() as Instant;
}

export function readClocks(): Now {
  return { mono: monotonic(), wall: Date.now() as WallTime };
}

/**
 * A turn that broke off half-way leaves a state that nobody knows: the process ends, as by any uncaught error, also where a
 * promise of whoever has posted would swallow it, and the next start finds the way on.
 */
function endProcess(cause: unknown): void {
  process.nextTick(() => {
    throw cause;
  });
}

export class Shell {
  private readonly queue: Input[] = [];
  private running = false;
  private resting = false;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private readonly dataplane: DataplanePerformers;
  private readonly store: StorePerformers;
  private readonly network: NetworkPerformers;
  private readonly performers: Performers;

  constructor(private readonly options: ShellOptions) {
    const { log, onDrained } = options;
    const answers = new Answers((input) => this.post(input));
    this.dataplane = new DataplanePerformers({ ...options, answers, monotonic });
    this.store = new StorePerformers({ ...options, answers });
    this.network = new NetworkPerformers({ log, answers, flushed: (done) => this.store.flushed(done) });
    this.performers = {
      ...this.dataplane.performers,
      ...this.store.performers,
      ...this.network.performers,
      log: each(({ level, message, fields }) => log.log(level, message, fields)),
      'log-level': each(({ level }) => log.setLevel(level)),
      drained: each(onDrained),
    };
  }

  /** Takes the input in, and everything that follows from it. */
  post(input: Input): void {
    if (this.resting) {
      if (input.type === 'published') this.store.eraseEvents(input.refs);
      return;
    }
    this.queue.push(input);
    if (this.running) return;
    this.running = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        this.perform(this.options.agent.handle(next, readClocks()));
      }
    } catch (cause) {
      endProcess(cause);
      throw cause;
    }
    this.running = false;
    this.arm();
  }

  /** A request that gets one answer. */
  command(request: CommandRequest): void {
    this.network.command(request);
  }

  standingOf(visitor: Visitor): Standing {
    return this.options.agent.standingOf(visitor);
  }

  /** A request for the login page; one that is never answered is none of ours. */
  visit(visit: Visit, reply: (answer: Answer) => void): void {
    this.network.visit(visit, reply);
  }

  /** Captures and the broker link are there now. */
  complete(late: LateParts): void {
    this.network.use(late);
    this.dataplane.use(late);
  }

  /** Where users are known by their address, before any of them gets in. */
  useRoutedPath(path: RoutedPath): void {
    this.dataplane.grants.routed = path;
  }

  /** What can be had of them before it is needed. */
  prepareServers(servers: readonly RadiusServer[]): void {
    this.network.prepareServers(servers);
  }

  /** To be called before the agent is told that there is a store: it stores nothing before that. */
  useSpool(spool: Spool): void {
    this.store.spool = spool;
  }

  /** To be called before the agent is told that strangers can be confined. */
  useStrangerGuard(guard: StrangerGuard): void {
    this.dataplane.strangers = guard;
  }

  /** Nothing is taken in any more, but what the broker still acknowledges: locks, grants and sessions stay as they are. */
  rest(): void {
    this.resting = true;
    clearTimeout(this.timer);
  }

  /** Gives back what it holds of the system. */
  close(): void {
    this.rest();
    this.network.close();
    this.dataplane.close();
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
      const { type } = ordered[i] as Effect;
      const end = endOfRun(ordered, i);
      const performer = this.performers[type] as (run: readonly Effect[]) => void;
      performer(ordered.slice(i, end));
      i = end;
    }
  }
}
