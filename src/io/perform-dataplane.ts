// What is done to the switch: its ports, the table, VLANs, the routed path and the packet filter; and what is read of it and sent
// from it. Captures and the guard of the uplinks come late: what was wanted of them until then is kept here.

import type { Effect, LeaseCapture } from '../agent/ports.ts';
import { keyText } from '../authz/authorizer.ts';
import type { Mac } from '../base/mac.ts';
import { err } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { TrafficCounters } from '../model/acct.ts';
import { type GrantKey, isAddress, type PortName } from '../model/dataplane.ts';
import { Grants } from './dataplane/grants.ts';
import { type HeldPorts, setLinks } from './dataplane/held-ports.ts';
import { interfaceIndex } from './dataplane/interfaces.ts';
import { type OpenCapture, PortCaptures } from './dataplane/port-captures.ts';
import type { PortAuth } from './dataplane/portauth.ts';
import { awaitAddresses, readAddresses } from './dataplane/routed-path.ts';
import type { StrangerGuard } from './dataplane/stranger-guard.ts';
import type { UplinkGuard } from './dataplane/uplink-guard.ts';
import type { VlanMemory } from './dataplane/vlan-memory.ts';
import { keepText } from './files.ts';
import type { Logger } from './log.ts';
import { type Answers, type EffectOf, each, last, type Performers } from './performing.ts';

/** Loaded after the ports are locked. */
export interface Watchers {
  readonly openCapture: OpenCapture;
  readonly watchLeases: (captures: readonly LeaseCapture[]) => void;
  /** Absent where the kernel or nft cannot. */
  readonly guard?: UplinkGuard;
}

type Kind = Extract<
  Effect['type'],
  | 'set-port'
  | 'set-link'
  | 'grant'
  | 'revoke'
  | 'adopted'
  | 'watch'
  | 'dump-table'
  | 'read-ports'
  | 'read-counters'
  | 'inject'
  | 'read-vlans'
  | 'set-vlans'
  | 'remember-vlans'
  | 'keep-lock-file'
  | 'await-address'
  | 'read-addresses'
  | 'inject-routed'
  | 'open-capture'
  | 'close-capture'
  | 'hear'
  | 'watch-leases'
  | 'confine'
  | 'release'
>;

interface DataplaneParts {
  readonly answers: Answers;
  readonly portauth: PortAuth;
  readonly vlanMemory: VlanMemory;
  readonly heldPorts: HeldPorts;
  /** Paths of what rollcall-lock reads, and of our own copy. */
  readonly lockFiles: () => readonly string[];
  readonly log: Logger;
  readonly monotonic: () => Instant;
}

export class DataplanePerformers {
  strangers: StrangerGuard | undefined;
  readonly grants: Grants;
  private watchers: Watchers | undefined;
  /** Entries of each MAC: it is guarded from the first to the last, wherever its session moves meanwhile. */
  private readonly granted = new Map<Mac, Set<string>>();
  private readonly openPorts = new Set<PortName>();
  private readonly captures: PortCaptures;
  private wantedLeases: readonly LeaseCapture[] = [];
  /** At the last reading: a failure is logged when it begins. */
  private portsReadable = true;

  constructor(private readonly parts: DataplaneParts) {
    const { answers, portauth, log } = parts;
    this.grants = new Grants(portauth);
    this.captures = new PortCaptures({
      onFrame: (port, bytes) => answers.post({ type: 'frame', port, bytes }),
      onError: (port, message) => {
        log.log('warn', message, { port });
        answers.post({ type: 'capture-ended', port });
      },
    });
  }

  readonly performers: Performers<Kind> = {
    'set-port': (run) => {
      const { answers, portauth } = this.parts;
      answers.all(run, portauth.setPorts(run.map(({ port, setting }) => ({ name: port, setting }))));
      for (const { port, setting } of run) this.setOpen(port, !setting.locked);
    },
    'set-link': (run) => {
      const { answers, portauth, heldPorts, log } = this.parts;
      const warn = (message: string): void => log.log('warn', message);
      answers.all(run, setLinks({ portauth, heldPorts, wanted: run, warn }));
    },
    grant: (run) => {
      for (const { key } of run) if (!isAddress(key)) this.guard(key);
      this.parts.answers.all(run, this.grants.grant(run.map(({ key }) => key)));
    },
    revoke: (run) => {
      this.parts.answers.all(run, this.grants.revoke(run.map(({ key }) => key)));
      for (const { key } of run) if (!isAddress(key)) this.unguard(key);
    },
    adopted: each(({ keys }) => {
      for (const key of keys) this.guard(key);
    }),
    watch: (run) => {
      const { portauth, log } = this.parts;
      for (const result of portauth.watch(run.map(({ key }) => key)))
        if (!result.ok) log.log('debug', result.error);
    },
    'dump-table': each(() => this.dumpTable()),
    'read-ports': each(() => this.readPorts()),
    'read-counters': each(() => this.post({ type: 'counters', counters: this.readCounters() })),
    inject: (run) => {
      this.parts.portauth.inject(run);
    },
    'read-vlans': each(() => {
      const map = this.parts.portauth.vlans();
      this.post(map.ok ? { type: 'vlans', map: map.value } : { type: 'vlans-failed', error: map.error });
    }),
    'set-vlans': each(({ ref, changes }) => {
      const { answers, portauth, vlanMemory } = this.parts;
      const noted = vlanMemory.secure(changes);
      answers.one(ref, noted.ok ? portauth.setVlans(changes) : noted);
    }),
    'remember-vlans': last(({ found }) => {
      const kept = this.parts.vlanMemory.write(found);
      if (!kept.ok) this.parts.log.log('error', kept.error);
    }),
    'keep-lock-file': last(({ text }) => {
      for (const file of this.parts.lockFiles()) {
        const kept = keepText(file, text);
        if (!kept.ok) this.parts.log.log('error', `ports are not shut before the next start: ${kept.error}`);
      }
    }),
    'await-address': (run) => {
      const { routed } = this.grants;
      const error = routed === undefined ? undefined : awaitAddresses(routed, run);
      if (error !== undefined) this.parts.log.log('warn', error);
    },
    'read-addresses': each((effect) => {
      const { routed } = this.grants;
      if (routed !== undefined) this.post(readAddresses(routed, effect));
    }),
    'inject-routed': each((effect) => {
      const index = interfaceIndex(effect.interface);
      if (index !== undefined) this.parts.portauth.injectOn(index, effect.bytes);
    }),
    'open-capture': each(({ ref, port }) =>
      this.captures.listen(port, (result) => this.parts.answers.one(ref, result)),
    ),
    'close-capture': each(({ port }) => this.captures.close(port)),
    hear: each((effect) => {
      this.captures.hear(effect.port, effect.only);
      this.tellLost(effect.port);
    }),
    'watch-leases': each(({ captures }) => {
      this.wantedLeases = captures;
      this.watchers?.watchLeases(captures);
    }),
    confine: each((effect) => this.confine(effect)),
    release: each((effect) => this.confine(effect)),
  };

  use(watchers: Watchers): void {
    this.watchers = watchers;
    for (const mac of this.granted.keys()) watchers.guard?.grant(mac);
    for (const port of this.openPorts) this.setOpen(port, true);
    this.captures.use(watchers.openCapture);
    watchers.watchLeases(this.wantedLeases);
  }

  /** Locks and grants stay as they are. */
  close(): void {
    this.captures.closeAll();
    this.parts.portauth.close();
  }

  private get post(): Answers['post'] {
    return this.parts.answers.post;
  }

  private guard(key: GrantKey): void {
    const entries = this.granted.get(key.mac) ?? new Set();
    this.granted.set(key.mac, entries.add(keyText(key)));
    if (entries.size === 1) this.watchers?.guard?.grant(key.mac);
    if (this.openPorts.has(key.port)) this.setOpen(key.port, true);
  }

  private setOpen(port: PortName, isOpen: boolean): void {
    if (isOpen) this.openPorts.add(port);
    else this.openPorts.delete(port);
    this.watchers?.guard?.setOpen(port, isOpen ? this.grantedOn(port) : undefined);
  }

  private grantedOn(port: PortName): readonly Mac[] {
    const isThere = (entry: string): boolean => entry.startsWith(`${port} `);
    return [...this.granted].filter(([, entries]) => [...entries].some(isThere)).map(([mac]) => mac);
  }

  private unguard(key: GrantKey): void {
    const entries = this.granted.get(key.mac);
    if (entries?.delete(keyText(key)) !== true) return;
    if (entries.size === 0) {
      this.granted.delete(key.mac);
      this.watchers?.guard?.revoke(key.mac);
    }
    if (this.openPorts.has(key.port)) this.setOpen(key.port, true);
  }

  private confine(effect: EffectOf<'confine' | 'release'>): void {
    const { ref, mac } = effect;
    const { strangers } = this;
    const done: Parameters<StrangerGuard['release']>[1] = (result) => this.parts.answers.one(ref, result);
    if (strangers === undefined) done(err('there is no packet filter to confine strangers with'));
    else if (effect.type === 'confine') strangers.confine(mac, effect.port, done);
    else strangers.release(mac, done);
  }

  /** A reading that failed says nothing of any port: the next round (agent/port/reconciliation.ts) reads again. */
  private readPorts(): void {
    const ports = this.parts.portauth.readPorts();
    if (ports.ok) this.post({ type: 'ports', ports: ports.value });
    else if (this.portsReadable) this.parts.log.log('warn', `ports cannot be read: ${ports.error}`);
    this.portsReadable = ports.ok;
    for (const port of this.captures.ports()) this.tellLost(port);
  }

  private tellLost(port: PortName): void {
    const count = this.captures.takeLost(port);
    if (count > 0) this.post({ type: 'frames-lost', port, count });
  }

  private dumpTable(): void {
    const dump = this.parts.portauth.dump(this.parts.monotonic);
    this.post(dump.ok ? { type: 'table', dump: dump.value } : { type: 'table-failed', error: dump.error });
  }

  private readCounters(): ReadonlyMap<PortName, TrafficCounters> {
    const counters = new Map<PortName, TrafficCounters>();
    for (const [port, read] of this.parts.portauth.counters()) {
      counters.set(port, {
        inputOctets: read.rxOctets,
        outputOctets: read.txOctets,
        inputPackets: read.rxPackets,
        outputPackets: read.txPackets,
      });
    }
    return counters;
  }
}
