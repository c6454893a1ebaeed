// What every part of the agent shares within one turn: the time, the outbox, the tables, and the other parts.
//
// The parts are the chapters of one story, and call each other directly. Nothing re-enters from outside: whatever a part wants of
// the world goes into `out`.

import { Counters } from '../base/counters.ts';
import type { Entropy } from '../base/entropy.ts';
import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { type Instant, type MachineClock, type Now, type WallTime, wallAt } from '../base/time.ts';
import type { Config } from '../config/config.ts';
import { EffectiveSettings } from '../config/ports.ts';
import { type AuthMethod, isFallback } from '../model/authorization.ts';
import type { EndCause } from '../model/cause.ts';
import type { PortName } from '../model/dataplane.ts';
import type { Session } from '../model/session.ts';
import { SessionTable } from '../session/table.ts';
import type { KeptSessions } from './kept/kept-sessions.ts';
import type { Restoration } from './kept/restoration.ts';
import type { Aaa } from './methods/aaa.ts';
import type { Confinement } from './methods/confinement.ts';
import type { Fallback } from './methods/fallback.ts';
import type { Mab } from './methods/mab.ts';
import type { Method } from './methods/method.ts';
import type { Reauthentication } from './methods/reauthentication.ts';
import type { Sso } from './methods/sso.ts';
import type { Supplicants } from './methods/supplicants.ts';
import type { Web } from './methods/web.ts';
import type { Cuts } from './orders/cuts.ts';
import { Decisions } from './orders/decisions.ts';
import type { DynamicAuthorization } from './orders/dynamic-authorization.ts';
import { Outbox } from './outbox.ts';
import type { Bridge } from './port/bridge.ts';
import type { Floods } from './port/floods.ts';
import type { Links } from './port/links.ts';
import type { PortDesk } from './port/port-desk.ts';
import type { Reconciliation } from './port/reconciliation.ts';
import type { VlanDesk } from './port/vlan-desk.ts';
import { Schedule } from './schedule.ts';
import type { Life } from './session/life.ts';
import { isL2, type L2Unit, type SessionUnit } from './session/session-unit.ts';
import type { Accountant } from './told/accountant.ts';
import type { Meter } from './told/meter.ts';
import type { Reporter } from './told/reporter.ts';
import type { Certified } from './watch/certified.ts';
import type { Fleet } from './watch/fleet.ts';
import type { Leases } from './watch/leases.ts';
import type { RoutedPath } from './watch/routed-path.ts';
import type { Watch } from './watch/watch.ts';

/** What makes this run of the agent different from every other one. */
export interface BootIdentity {
  /** Random, in MQTT events and in Acct-Session-Ids. */
  readonly bootId: string;
  readonly version: string;
  readonly startedAt: WallTime;
  /** Of the machine, which may have run before us. */
  readonly clock: MachineClock;
}

export type Repair =
  | 'foreign-entries-removed'
  | 'grants-written-again'
  | 'ports-locked-again'
  | 'vlans-set-again';

export interface Parts {
  // port/
  /** Which ports there are, and what the kernel tells. */
  readonly bridge: Bridge;
  /** Is the port shut, does it listen. */
  readonly ports: PortDesk;
  /** The ports that servers take down. */
  readonly links: Links;
  /** How much of a port is listened to. */
  readonly floods: Floods;
  /** What ports carry for a session. */
  readonly vlans: VlanDesk;
  /** Is the kernel as it is wanted. */
  readonly reconciliation: Reconciliation;
  // methods/
  /** Who says what in EAPOL. */
  readonly supplicants: Supplicants;
  /** Who says nothing. */
  readonly mab: Mab;
  /** Who uses the login page. */
  readonly web: Web;
  /** Who may reach it, and nothing else. */
  readonly confinement: Confinement;
  /** Who is logged in at a VPN concentrator. */
  readonly sso: Sso;
  /** What the servers say to logins. */
  readonly aaa: Aaa;
  /** What waits for a server. */
  readonly reauthentication: Reauthentication;
  /** Where a client goes without a server's word. */
  readonly fallback: Fallback;
  // session/
  /** A session begins and ends. */
  readonly life: Life;
  // watch/
  /** Is the user still there. */
  readonly watch: Watch;
  /** Of whom a packet has come in behind a router, and is what is granted there still so. */
  readonly routed: RoutedPath;
  /** Do addresses outlast sessions. */
  readonly leases: Leases;
  /** Is it on another switch by now. */
  readonly fleet: Fleet;
  /** Who has passed before, and has to pass again. */
  readonly certified: Certified;
  // orders/
  /** What the servers ask of running sessions. */
  readonly dynauth: DynamicAuthorization;
  /** Whom an administrator puts out. */
  readonly cuts: Cuts;
  // told/
  /** What accounting servers are told. */
  readonly accountant: Accountant;
  /** What a session sent and received. */
  readonly meter: Meter;
  /** What upstream is told. */
  readonly reporter: Reporter;
  // kept/
  /** What the next start is to know. */
  readonly keptSessions: KeptSessions;
  /** What an earlier run knew. */
  readonly restoration: Restoration;
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
  /** How sessions have ended since the start. */
  readonly ends = new Counters<EndCause>();
  /** Of all sessions since the start. */
  readonly probes = new Counters<'sent' | 'answered'>();
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
