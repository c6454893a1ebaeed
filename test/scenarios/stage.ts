// What a scenario can do and see, wherever it is played: on the simulated switch in fake time, or in the lab with real
// peers. A scenario's body knows this file and nothing behind it.
//
// Times are milliseconds of the stage's own clock. Whatever takes time is awaited as `until`; nothing sleeps but `pass`.

import type { EventPayload, EventType } from '../../src/report/event-payloads.ts';
import type { SessionPayload } from '../../src/report/payloads.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import type { Excuses } from '../rigs/lab/invariants.ts';

/** A machine on a port's wire. Machine n is on port p<n> and is user u<n>, unless a scenario wants it otherwise. */
export interface Machine {
  readonly n: number;
  readonly port: string;
  readonly mac: string;
}

/** Of an Access-Accept. */
export interface Reply {
  readonly sessionTimeoutS?: number;
  /** 1 = RADIUS-Request. */
  readonly terminationAction?: 0 | 1;
  readonly idleTimeoutS?: number;
  readonly framedIp?: string;
  /** Tunnel-Private-Group-Id, with what belongs to it. */
  readonly vlan?: string;
  /** Egress-VLAN-Name, each with its `1` (tagged) or `2` before it. */
  readonly egress?: readonly string[];
  /** Cisco-AVPair device-traffic-class=voice. */
  readonly voice?: boolean;
  /** By the dictionary's label. */
  readonly serviceType?: string;
  readonly filterRule?: string;
  readonly filterId?: string;
  /** Aruba-User-Role. */
  readonly userRole?: string;
  /** Chargeable-User-Identity. */
  readonly cui?: string;
  /** State, of the Accept itself. */
  readonly state?: string;
}

/** A port's, or (by the name '') the bridge's own. */
export interface PortVlans {
  readonly pvid: number | undefined;
  readonly untagged: readonly number[];
  readonly tagged: readonly number[];
}

/** What somebody makes of a port's membership in a VLAN: its own is untagged, and its PVID. */
export type HandSet = 'own' | 'untagged' | 'tagged' | 'none';

/** One accounting record as the server wrote it down. */
export interface AccountingRow {
  readonly status: 'Start' | 'Stop' | 'Interim-Update' | 'Accounting-On' | 'Accounting-Off';
  readonly sessionId: string;
  readonly userName: string;
  /** Event-Timestamp, seconds since 1970. */
  readonly eventS: number;
  /** Acct-Delay-Time. */
  readonly delayS: number;
  readonly sessionTimeS?: number;
  /** Acct-Terminate-Cause. */
  readonly terminateCause?: number;
}

/** What a scenario needs before it begins. */
export interface Setting {
  /** Machines, and so ports. */
  readonly machines: number;
  /** All machines are on p1, behind a hub, and there is no other port. */
  readonly onePort?: boolean;
  /** The bridge filters VLANs; all ports are in VLAN 1, and the uplink has these beside it, tagged. */
  readonly vlans?: { readonly onUplink: readonly number[] };
  /** The server may change running sessions: see `changeAuthorization`. */
  readonly coa?: boolean;
  /** Users beside u<n>, by the same password. */
  readonly users?: readonly string[];
  /** Machines whose MAC the server knows, by its twelve digits as name and password; in `replies` they are d<n>. */
  readonly devices?: readonly number[];
  /** By user: what the server adds to the Accept. Everybody's password is `PASSWORD`. */
  readonly replies?: Readonly<Record<string, Reply>>;
  /** What of the invariants at the end the play leaves broken, each with the reason (rigs/lab/invariants.ts). */
  readonly excuses?: Excuses;
  /** Laid over the stage's own configuration. */
  readonly config?: ConfigPart;
}

/** T and N of everybody for whom a scenario's configuration says nothing else. */
export interface Timing {
  readonly periodS: number;
  readonly times: number;
  /** By how much a measured time may be off here: timer ticks, dumps, and in the lab the scheduler. */
  readonly slackMs: number;
}

export const PASSWORD = 'wonder';

/** The user name of a machine that gets in by its MAC, where nothing else is configured. */
export function deviceName(n: number): string {
  return `029900000${n.toString(16).padStart(3, '0')}`;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export type EventOf<T extends EventType> = Extract<EventPayload, { readonly type: T }>;

/** One of layer 2: scenarios are about machines on ports. */
export type PortSession = SessionPayload & { readonly mac: string; readonly port: string };

/** Those that have begun, in their order. */
export function begunSessions(stage: Pick<Stage, 'events'>): readonly PortSession[] {
  return stage
    .events('session-start')
    .map(({ session }) => session)
    .filter((session): session is PortSession => session.mac !== null && session.port !== null);
}

export interface Stage {
  readonly timing: Timing;
  now(): number;
  pass(ms: number): Promise<void>;
  /** Asks until the answer is neither undefined nor false; throws, naming `what`, after `withinMs`. */
  until<T>(
    what: string,
    ask: () => Promise<T | undefined | false> | T | undefined | false,
    withinMs: number,
  ): Promise<T>;

  machine(n: number): Machine;
  /** Machine n takes the MAC of another: the same client elsewhere, or somebody who pretends to be it. */
  impersonate(n: number, other: Machine): Promise<Machine>;
  /** Its supplicant starts and gets in; the session as it began. */
  login(machine: Machine, credentials?: Credentials): Promise<PortSession>;
  /** Its supplicant starts and is refused. */
  attempt(machine: Machine, credentials: Credentials): Promise<void>;
  logoff(machine: Machine): Promise<void>;
  /** Another user at the same machine: its supplicant is gone without a logoff, and comes back as somebody else. */
  become(machine: Machine, user: string): Promise<void>;
  /** A bare EAPOL-Start from the supplicant that is in. */
  restartSupplicant(machine: Machine): Promise<void>;
  /** The supplicant is gone without a word; the machine stays. */
  killSupplicant(machine: Machine): Promise<void>;
  /** Nothing is heard of it any more; no link is lost. */
  silence(machine: Machine): Promise<void>;
  speakAgain(machine: Machine): Promise<void>;
  /** Frames of its own every `ms`; 0 = no more. */
  talk(machine: Machine, ms: number): Promise<void>;
  /** One frame of its own. */
  say(machine: Machine): Promise<void>;
  dropIpv4(machine: Machine): Promise<void>;
  dropAddresses(machine: Machine): Promise<void>;
  /** Its frames come through to the uplink, and answers back. */
  passes(machine: Machine): Promise<boolean>;

  unplug(machine: Machine): Promise<void>;
  plug(machine: Machine): Promise<void>;
  setPort(port: string, state: 'up' | 'down'): Promise<void>;
  removePort(port: string): Promise<void>;
  restorePort(port: string): Promise<void>;

  /** `bridge fdb` in a stranger's hand: what it writes, what a frame in flight leaves behind, what it deletes. */
  writeForeignGrant(mac: string, port: string): Promise<void>;
  learnOpenEntry(mac: string, port: string): Promise<void>;
  deleteGrant(mac: string, port: string): Promise<void>;

  /** The agent's process does not run for so long; the world goes on. */
  stall(ms: number): Promise<void>;
  setPassword(user: string, password: string): Promise<void>;
  /** The server hears nothing and says nothing. */
  serverSilent(silent: boolean): Promise<void>;
  brokerAway(away: boolean): Promise<void>;

  /** A command over the stage's nearest way; its result, or a throw if it was refused. */
  ask(verb: string, request?: object): Promise<unknown>;

  /** The table has a grant for this MAC on this port. */
  isGranted(mac: string, port: string): Promise<boolean>;
  /** Entries of this MAC in the bridge's table, whatever they are. */
  entries(mac: string): Promise<number>;
  accounting(): Promise<readonly AccountingRow[]>;
  /** As upstream heard them, in the order of arrival. */
  events<T extends EventType>(type: T): readonly EventOf<T>[];
  /** All of them. */
  allEvents(): readonly EventPayload[];
  /** The retained session of this MAC; undefined = there is none. */
  retained(mac: string): Promise<PortSession | undefined>;
}

/** Where the bridge can filter VLANs. */
export interface VlanStage extends Stage {
  /** What the server adds to the next Accept of this user. */
  setReply(user: string, reply: Reply): Promise<void>;
  /** It tells everybody its address, as a host does that has got one. */
  announce(machine: Machine): Promise<void>;
  /** Its supplicant starts; what comes of it is for the scenario to see. */
  begin(machine: Machine): Promise<void>;
  vlansOf(port: string): Promise<PortVlans>;
  /** `bridge vlan` in a stranger's hand. */
  setVlan(port: string, vlan: number, how: HandSet): Promise<void>;
  /** VLANs in which the table has a grant for this MAC. */
  grantedVlans(mac: string): Promise<readonly number[]>;
  /** The VLAN in which the far side of the uplink has heard this machine last; undefined = never. */
  heardIn(machine: Machine): Promise<number | undefined>;
  /** A server's CoA-Request with this for the user's sessions (RFC 5176 §2.2): an ACK, or the Error-Cause of the NAK. */
  changeAuthorization(user: string, change: Reply): Promise<'CoA-ACK' | number | undefined>;
  /** The machine tags what it sends, EAPOL aside. */
  tag(machine: Machine, vlan: number | undefined): Promise<void>;
}

/** What only a simulated switch offers: faults that nobody can order of a kernel, and what takes too long. */
export interface FaultStage extends VlanStage {
  failVlans(times: number): void;
  failVlanReads(times: number): void;
  rejoinUplink(): void;
  /** It is deleted, its ports with it; and made anew, with the same ports. */
  loseBridge(): void;
  restoreBridge(): void;
  /** The agent is killed, and started anew: it remembers what is on disk, or all of that but its sessions. */
  killAgent(how?: 'its store is lost'): Promise<void>;
  failRevokes(times: number): void;
  failGrants(times: number): void;
  failDumps(times: number): void;
  accountingDark(dark: boolean): void;
  /** Requests for its addresses that reached this machine. */
  askedFor(machine: Machine): number;
}

export interface Scenario<S extends Stage = Stage> {
  readonly name: string;
  readonly setting: (timing: Timing) => Setting;
  readonly play: (stage: S) => Promise<void>;
}
