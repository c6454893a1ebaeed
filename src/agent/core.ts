// What every part of the agent shares within one turn: the time, the outbox, the tables, and the other parts.
//
// The parts are the chapters of one story, and call each other directly: `floods` (how much of a port is listened to), `ports` (is the port shut, does it listen),
// `supplicants` (who says what in EAPOL), `mab` (who says nothing), `aaa` and `accountant` (what the servers say and are told),
// `reauthentication` (what waits for a server), `life` (a session begins and ends), `meter` (what it sent and received), `watch`
// (is it still there), `dynauth` (what the servers ask of running sessions), `links` (the ports that they take down), `web` (who uses the login page), `confinement` (who may reach it and nothing else), `cuts` (whom an administrator puts out), `keptSessions` (what the next start is to know), `restoration` (what an earlier run knew), `reconciliation` (is the kernel as it is wanted), `vlans` (what ports carry for a session), `fallback` (where a client goes without a server's word), `certified` (who has passed before, and has to pass again), `leases` (do addresses outlast sessions), `fleet` (is it on another switch by now), `reporter`
// (what upstream is told). Nothing re-enters from outside: whatever a part wants of the world goes into `out`.

import { Counters } from '../base/counters.ts';
import type { Entropy } from '../base/entropy.ts';
import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { type Instant, type MachineClock, type Now, type WallTime, wallAt } from '../base/time.ts';
import type { Config } from '../config/config.ts';
import { EffectiveSettings } from '../config/ports.ts';
import { type AuthMethod, isFallback } from '../model/authorization.ts';
import type { PortName } from '../model/dataplane.ts';
import type { Session } from '../model/session.ts';
import { SessionTable } from '../session/table.ts';
import type { Aaa } from './aaa.ts';
import type { Accountant } from './accountant.ts';
import type { Certified } from './certified.ts';
import type { Confinement } from './confinement.ts';
import type { Cuts } from './cuts.ts';
import { Decisions } from './decisions.ts';
import type { DynamicAuthorization } from './dynamic-authorization.ts';
import type { Fallback } from './fallback.ts';
import type { Fleet } from './fleet.ts';
import type { Floods } from './floods.ts';
import type { KeptSessions } from './kept-sessions.ts';
import type { Leases } from './leases.ts';
import type { Life } from './life.ts';
import type { Links } from './links.ts';
import type { Mab } from './mab.ts';
import type { Meter } from './meter.ts';
import type { Method } from './method.ts';
import { Outbox } from './outbox.ts';
import type { PortDesk } from './port-desk.ts';
import type { Reauthentication } from './reauthentication.ts';
import type { Reconciliation } from './reconciliation.ts';
import type { Reporter } from './reporter.ts';
import type { Restoration } from './restoration.ts';
import type { RoutedPath } from './routed-path.ts';
import { Schedule } from './schedule.ts';
import { isL2, type L2Unit, type SessionUnit } from './session-unit.ts';
import type { Sso } from './sso.ts';
import type { Supplicants } from './supplicants.ts';
import type { VlanDesk } from './vlan-desk.ts';
import type { Watch } from './watch.ts';
import type { Web } from './web.ts';

/** What makes this run of the agent different from every other one. */
export interface BootIdentity {
  /** Random, in MQTT events and in Acct-Session-Ids. */
  readonly bootId: string;
  readonly version: string;
  readonly startedAt: WallTime;
  /** Of the machine, which may have run before us. */
  readonly clock: MachineClock;
}

export type Repair = 'foreign-entries-removed' | 'grants-written-again' | 'ports-locked-again';

export interface Parts {
  readonly ports: PortDesk;
  readonly supplicants: Supplicants;
  readonly mab: Mab;
  readonly aaa: Aaa;
  readonly accountant: Accountant;
  readonly reauthentication: Reauthentication;
  readonly life: Life;
  readonly meter: Meter;
  readonly watch: Watch;
  readonly reporter: Reporter;
  readonly fleet: Fleet;
  readonly floods: Floods;
  readonly dynauth: DynamicAuthorization;
  readonly vlans: VlanDesk;
  readonly fallback: Fallback;
  readonly links: Links;
  readonly web: Web;
  readonly confinement: Confinement;
  readonly certified: Certified;
  readonly leases: Leases;
  readonly sso: Sso;
  readonly routed: RoutedPath;
  readonly cuts: Cuts;
  readonly keptSessions: KeptSessions;
  readonly restoration: Restoration;
  readonly reconciliation: Reconciliation;
}

export interface CoreOptions {
  readonly config: Config;
  readonly entropy: Entropy;
  readonly boot: BootIdentity;
  readonly now: Now;
}

export class Core {
  readonly out = new Outbox();
  readonly sessions = new SessionTable<SessionUnit, L2Unit>(isL2);
  readonly decisions = new Decisions();
  /** Everything from the wire that was refused, by `protocol-reason`. */
  readonly drops = new Counters();
  /** What of the kernel's was found otherwise than it was wanted, and put right. */
  readonly repairs = new Counters<Repair>();
  readonly schedule: Schedule;
  private inForce: Config;
  /** What of it holds for one port, and for one session. */
  settings: EffectiveSettings;
  readonly entropy: Entropy;
  readonly boot: BootIdentity;
  /** The moment of this turn: set once, at its beginning. */
  now: Now;
  /** The agent is on its way out: nobody gets in any more, whatever was begun before. */
  draining = false;
  private joined: Parts | undefined;

  constructor(options: CoreOptions) {
    this.inForce = options.config;
    this.settings = new EffectiveSettings(options.config);
    this.entropy = options.entropy;
    this.boot = options.boot;
    this.now = options.now;
    this.schedule = new Schedule(options.now.mono);
  }

  get config(): Config {
    return this.inForce;
  }

  /** Replaced whole when it changes, never changed in place. */
  set config(config: Config) {
    this.inForce = config;
    this.settings = new EffectiveSettings(config);
  }

  /** What would hold under another configuration; nothing is to be changed by the look. */
  under<T>(config: Config, look: () => T): T {
    const { inForce, settings } = this;
    this.config = config;
    try {
      return look();
    } finally {
      this.inForce = inForce;
      this.settings = settings;
    }
  }

  /** Once, by the agent's constructor. */
  join(parts: Parts): void {
    this.joined = parts;
  }

  get parts(): Parts {
    if (this.joined === undefined) throw new Error('the agent is not put together yet');
    return this.joined;
  }

  /** Whoever authenticated a session of this method; undefined for those that have no part of the agent. */
  method(method: AuthMethod): Method | undefined {
    if (isFallback(method)) return this.parts.fallback;
    if (method === 'dot1x') return this.parts.supplicants;
    if (method === 'web') return this.parts.web;
    return method === 'mab' ? this.parts.mab : undefined;
  }

  wall(at: Instant): WallTime {
    return wallAt(this.now, at);
  }

  /** A line in the log, and one in the story that `explain` tells about this MAC. */
  decide(mac: Mac, port: PortName, what: string, detail: string): void {
    this.decisions.note(mac, { at: this.now.wall, port, what, detail });
    this.out.log('info', what, { mac, port, detail });
  }

  /** The same of a session of either layer. */
  tell(session: Session, what: string, detail: string): void {
    if (session.layer === 2) this.decide(session.mac, session.grant.port, what, detail);
    else this.note(session.grant.ip, what, detail);
  }

  /** Of an address behind the switch. */
  note(ip: Ip, what: string, detail: string): void {
    this.decisions.note(ip, { at: this.now.wall, what, detail });
    this.out.log('info', what, { ip, detail });
  }

  /** What leads to a decision: part of the story, and of the log for whoever wants it whole. */
  step(mac: Mac, port: PortName, what: string, detail: string): void {
    this.decisions.note(mac, { at: this.now.wall, port, what, detail });
    this.out.log('debug', what, { mac, port, detail });
  }
}
