// The seam between the agent and the world: everything that can come in, everything that can go out.
// The shell (`io/`, put together in `main.ts`) turns the world into inputs and performs effects, in order;
// a simulated switch does the same in tests. An effect with a `ref` is answered by one `done` with that `ref`.

import type { RecordRef } from '../accounting/journal-events.ts';
import type { SessionRecord, SpoolContent } from '../accounting/spool.ts';
import type { KeptVlan } from '../authz/vlan-book.ts';
import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { LogLevel as LeastLevel } from '../config/defaults.ts';
import type { IngressInterface } from '../liveness/routed-probe.ts';
import type { ProbeSource } from '../liveness/settings.ts';
import type { AcctRecord, TrafficCounters } from '../model/acct.ts';
import type {
  Capabilities,
  DataplaneEvent,
  Grant,
  GrantKey,
  PortFacts,
  PortName,
  PortSetting,
  TableDump,
  VlanChange,
  VlanId,
  VlanReading,
} from '../model/dataplane.ts';
import type { HoldKind } from '../model/port.ts';
import type { CertifiedChange, CertifiedContent } from '../policy/certified-codec.ts';
import type { ConnectionEvent, SocketKey } from '../radius/effects.ts';
import type { ClientDatagram } from '../radius/listed-clients.ts';
import type { RadSecSettings } from '../radius/settings.ts';
import type { Bar } from '../radius/sso-ends.ts';
import type { StoredLogin } from '../radius/sso-login-codec.ts';
import type { Rights } from '../report/commands.ts';
import type { EventChange, EventRef, StoredEvents } from '../report/event-codec.ts';
import type { EventPayload } from '../report/event-payloads.ts';
import type { InfoPayload, RightsPayload, SpoolState } from '../report/payloads.ts';
import type { KeptChange, KeptContent } from '../session/kept-codec.ts';
import type { Answer } from '../web/page.ts';
import type { Visit } from '../web/visit.ts';

export type Ref = number;

export type Input =
  | {
      readonly type: 'boot';
      readonly capabilities: Capabilities;
      readonly ports: readonly PortFacts[];
      readonly vlans: VlanReading;
      /** What ports were before an earlier life of ours changed their VLANs. */
      readonly foundVlans: readonly KeptVlan[];
      /** Taken down by an earlier run on a server's word, and not seen up again. */
      readonly heldDown: ReadonlyMap<PortName, HoldKind>;
      /** Logins at concentrators that an earlier run was told to keep out. */
      readonly ssoBars: readonly Bar[];
      readonly kernel: string;
      /** What this process may do; absent: the system does not say. */
      readonly rights?: RightsPayload;
      /** `net.core.optmem_max`, in octets: what the filter of a capture may take; absent: the system does not say. */
      readonly optmemMax?: number;
      /** Of a bridge that is not there: why not, and what would bring it, a sentence each. */
      readonly absence?: string;
      /** What was left on the bridge that the configuration named before, a sentence. */
      readonly formerBridge?: string;
      readonly mqtt: Omit<InfoPayload['mqtt'], 'connected'>;
    }
  /** What the data plane can do, now that the bridge is there; before `bridge-back`. */
  | { readonly type: 'capabilities'; readonly capabilities: Capabilities }
  | { readonly type: 'dataplane'; readonly event: DataplaneEvent }
  | { readonly type: 'frame'; readonly port: PortName; readonly bytes: Uint8Array }
  /** The port's capture had no room for so many, since the last time that this was told. */
  | { readonly type: 'frames-lost'; readonly port: PortName; readonly count: number }
  /** The port's capture, which was open, has ended by itself: since the port went down, or by a fault. */
  | { readonly type: 'capture-ended'; readonly port: PortName }
  | { readonly type: 'table'; readonly dump: TableDump }
  /** The answer to `read-ports`: all of the bridge. */
  | { readonly type: 'ports'; readonly ports: readonly PortFacts[] }
  | { readonly type: 'table-failed'; readonly error: string }
  /** What a DHCP server has sent: from one of `watch-leases`. */
  | { readonly type: 'lease-frame'; readonly bytes: Uint8Array }
  /** The answer to `read-vlans`. */
  | { readonly type: 'vlans'; readonly map: VlanReading }
  | { readonly type: 'vlans-failed'; readonly error: string }
  /** The answer to `read-counters`: of every port, from (input) and to (output) its clients. */
  | { readonly type: 'counters'; readonly counters: ReadonlyMap<PortName, TrafficCounters> }
  | {
      readonly type: 'datagram';
      readonly socket: SocketKey;
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
    }
  | { readonly type: 'connection'; readonly event: ConnectionEvent }
  /** What came in for the dynamic authorization server (RFC 5176), all of one moment. */
  | { readonly type: 'dynamic-requests'; readonly datagrams: readonly ClientDatagram[] }
  /** What came in for the accounting server of single sign-on, all of one moment. */
  | { readonly type: 'sso-requests'; readonly datagrams: readonly ClientDatagram[] }
  /** ARP or neighbour discovery on an ingress interface of the routed path. */
  | { readonly type: 'routed-frame'; readonly interface: string; readonly bytes: Uint8Array }
  /** The answer to `read-addresses`: awaited addresses of which a packet came in, and all that may pass. */
  | { readonly type: 'addresses'; readonly heard: readonly Ip[]; readonly granted?: ReadonlySet<Ip> }
  | { readonly type: 'addresses-failed'; readonly error: string }
  /** Somebody has opened the routed path; it is shut again, with nobody granted or awaited. */
  | { readonly type: 'routed-path-lost' }
  /** Our own addresses per VLAN, and the MAC that goes with them: what probes may bear; and all of this host. */
  | {
      readonly type: 'own-addresses';
      readonly sources: ReadonlyMap<VlanId, ProbeSource>;
      readonly addresses: ReadonlySet<Ip>;
      /** By the name of an ingress interface. */
      readonly ingress: ReadonlyMap<string, IngressInterface>;
      /** Ingress interfaces that are in a bridge, bond or VRF, and in which: the path is open there. */
      readonly enslaved: ReadonlyMap<string, string>;
    }
  /** Frames from the uplinks with a granted source MAC are dropped, or why they are not. */
  | { readonly type: 'uplink-guard'; readonly error?: string }
  /** Too few are left, and how many; absent: there are enough again. */
  | { readonly type: 'descriptors'; readonly shortage?: string }
  /** Strangers can be confined to the login page, and who was so by an earlier run; or why they cannot be. */
  | { readonly type: 'confinement'; readonly left: readonly Mac[]; readonly error?: string }
  /** For less than two seconds they were not: somebody had taken the rules away. */
  | { readonly type: 'confinement-restored' }
  /** `error`: why the page has no certificate, or goes on with the one that it had. */
  | { readonly type: 'login-page'; readonly isServing: boolean; readonly error?: string }
  /** A request for the login page; answered by one `web-answer`. */
  | { readonly type: 'web'; readonly ref: Ref; readonly visit: Visit }
  /** Something that HTTP, or we, do not take, and that was answered already: why. */
  | { readonly type: 'web-refused'; readonly reason: string }
  | { readonly type: 'broker'; readonly connected: boolean }
  /** Published events that the broker has acknowledged, or does not take. */
  | { readonly type: 'published'; readonly refs: readonly EventRef[] }
  /** A message on a topic of another switch that was asked for by `follow`. */
  | { readonly type: 'followed'; readonly topic: string; readonly payload: Uint8Array }
  | {
      readonly type: 'command';
      readonly ref: Ref;
      readonly verb: string;
      readonly payload: Uint8Array;
      /** Of the way by which it came. */
      readonly rights: Rights;
    }
  /** The store is open, or cannot be had: what an earlier run left in it. Nothing is stored before. */
  | {
      readonly type: 'spool';
      readonly content: SpoolContent;
      readonly kept: KeptContent;
      readonly logins: readonly StoredLogin[];
      readonly events: StoredEvents;
      readonly status: SpoolStatus;
    }
  | { readonly type: 'spool-status'; readonly status: SpoolStatus }
  /** The list of certified devices as the store has it; after `spool`. */
  | { readonly type: 'certified'; readonly content: CertifiedContent }
  /** The process is about to end, and nobody is to be logged out. */
  | { readonly type: 'stopping' }
  /** The configuration's file was read anew. */
  | { readonly type: 'reload'; readonly text: string }
  | { readonly type: 'done'; readonly ref: Ref; readonly error?: string }
  | { readonly type: 'tick' };

export type Effect =
  | { readonly type: 'set-port'; readonly ref: Ref; readonly port: PortName; readonly setting: PortSetting }
  /** Administratively up or down. `kind` is kept on disk from before it goes down until it is up again. */
  | {
      readonly type: 'set-link';
      readonly ref: Ref;
      readonly port: PortName;
      readonly up: boolean;
      readonly kind: HoldKind;
    }
  | { readonly type: 'grant'; readonly ref: Ref; readonly key: Grant }
  | { readonly type: 'revoke'; readonly ref: Ref; readonly key: Grant }
  /** The next packet of this address is to be told of, or not any more. Nobody waits for an answer: its next Interim tells, too. */
  | { readonly type: 'await-address'; readonly ip: Ip; readonly on: boolean }
  /** `granted`: also who may pass. */
  | { readonly type: 'read-addresses'; readonly granted: boolean }
  /** Out of an ingress interface of the routed path, which is no port of the bridge. */
  | { readonly type: 'inject-routed'; readonly interface: string; readonly bytes: Uint8Array }
  /** Tell at once (`entry-active`) when this silent client sends again. Nobody waits for an answer: the sweep sees it, too. */
  | { readonly type: 'watch'; readonly key: GrantKey }
  | { readonly type: 'dump-table' }
  | { readonly type: 'read-ports' }
  | { readonly type: 'read-vlans' }
  | {
      readonly type: 'set-vlans';
      readonly ref: Ref;
      readonly port: PortName;
      readonly changes: readonly VlanChange[];
    }
  /** To be on disk before what comes after it is done; takes the place of what was kept before. */
  | { readonly type: 'remember-vlans'; readonly found: readonly KeptVlan[] }
  /** To be kept for the next start, in place of what was kept before. */
  | { readonly type: 'remember-bars'; readonly bars: readonly Bar[] }
  /** For rollcall-lock, in place of what it was given before; at start, and with each other configuration. */
  | { readonly type: 'keep-lock-file'; readonly text: string }
  | { readonly type: 'read-counters' }
  | { readonly type: 'inject'; readonly port: PortName; readonly bytes: Uint8Array }
  | { readonly type: 'open-capture'; readonly ref: Ref; readonly port: PortName }
  | { readonly type: 'close-capture'; readonly port: PortName }
  /** What these MACs send is captured there, and nothing else; without `only`, what anybody sends. A capture opens so. */
  | { readonly type: 'hear'; readonly port: PortName; readonly only?: readonly Mac[] }
  /** Frames of DHCP servers, from all of these and from nowhere else. */
  | { readonly type: 'watch-leases'; readonly captures: readonly LeaseCapture[] }
  /** Over TLS: a connection is made for it where none stands. */
  | {
      readonly type: 'send-datagram';
      readonly tls?: RadSecSettings;
      readonly socket: SocketKey;
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
    }
  /** Gives a connection or a source port up, without saying so. */
  | { readonly type: 'close-connection'; readonly socket: SocketKey }
  /** From the port on which the request came in; an `ack` when all that was given to the store before it is durable. */
  | {
      readonly type: 'send-dynamic-reply';
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
      readonly ack: boolean;
    }
  /** From the port of single sign-on. */
  | {
      readonly type: 'send-sso-reply';
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
    }
  | { readonly type: 'spool-store'; readonly ref: Ref; readonly record: AcctRecord; readonly id: RecordRef }
  | { readonly type: 'spool-erase'; readonly id: RecordRef }
  /** The last that is known of living sessions. Nobody waits for it. */
  | { readonly type: 'spool-keep'; readonly sessions: readonly SessionRecord[] }
  /** What the next start is to know of living sessions. Nobody waits for it. */
  | { readonly type: 'session-store'; readonly changes: readonly KeptChange[] }
  /** Entries of a session of an earlier run, which are ours. */
  | { readonly type: 'adopted'; readonly keys: readonly GrantKey[] }
  | { readonly type: 'certified-store'; readonly changes: readonly CertifiedChange[] }
  /** Events that wait for the broker, for the next start. Nobody waits for it. */
  | { readonly type: 'event-store'; readonly changes: readonly EventChange[] }
  /** `payload` null clears a retained topic. With `ref` an event: it is told of in `published`. */
  | {
      readonly type: 'publish';
      readonly topic: string;
      readonly payload: object | null;
      readonly retain: boolean;
      readonly ref?: EventRef;
    }
  /** Topics of other switches, wildcards allowed; never our own messages. Of this connection to the broker. */
  | { readonly type: 'follow'; readonly topic: string }
  | { readonly type: 'unfollow'; readonly topic: string }
  /** For whoever listens on this switch; MQTT has its own `publish`. */
  | { readonly type: 'event'; readonly payload: EventPayload }
  | { readonly type: 'answer'; readonly ref: Ref; readonly payload: object }
  /** From now on this MAC may reach the login page, and nothing else. */
  | { readonly type: 'confine'; readonly ref: Ref; readonly mac: Mac; readonly port: PortName }
  | { readonly type: 'release'; readonly ref: Ref; readonly mac: Mac }
  | { readonly type: 'web-answer'; readonly ref: Ref; readonly answer: Answer }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string; readonly fields: LogFields }
  /** The least severe line that is written from now on. */
  | { readonly type: 'log-level'; readonly level: LeastLevel }
  /** Nobody is logged in any more and accounting is empty: the process may end. */
  | { readonly type: 'drained' };

/** Of an interface: what comes in, or what this host itself sends. */
export interface LeaseCapture {
  readonly device: string;
  readonly direction: 'in' | 'out';
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean>>;

export interface SpoolStatus {
  readonly state: SpoolState;
  /** Of its file. */
  readonly octets: number;
  /** Sentences for whoever runs the switch; not of the ordinary course of things. */
  readonly warnings: readonly string[];
}

/** What answers to effects will be about; kept until the `done` comes. */
export type Pending =
  | { readonly about: 'port'; readonly port: PortName; readonly setting: PortSetting }
  | { readonly about: 'vlans'; readonly port: PortName }
  | { readonly about: 'link'; readonly port: PortName }
  | { readonly about: 'grant'; readonly key: Grant }
  | { readonly about: 'confinement'; readonly mac: Mac }
  | { readonly about: 'capture'; readonly port: PortName }
  | { readonly about: 'record'; readonly record: RecordRef };
