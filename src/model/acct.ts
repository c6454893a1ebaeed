// One accounting record, complete at the moment of its event, so that it can wait on disk and be sent later.

import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { MachineTime, WallTime } from '../base/time.ts';
import type { AuthMethod } from './authorization.ts';
import type { EndCause } from './cause.ts';
import type { PortName, VlanId } from './dataplane.ts';
import type { EndEvidence } from './session.ts';

/** Octets and packets from (input) and to (output) the client; absent where the port cannot tell. */
export interface TrafficCounters {
  readonly inputOctets: number;
  readonly outputOctets: number;
  readonly inputPackets: number;
  readonly outputPackets: number;
}

/** As four numbers, in which they are kept on disk: never in another order. */
export function countersToNumbers(counters: TrafficCounters): readonly number[] {
  const { inputOctets, outputOctets, inputPackets, outputPackets } = counters;
  return [inputOctets, outputOctets, inputPackets, outputPackets];
}

/** Undefined if they are not four. */
export function countersFromNumbers(values: readonly number[] | undefined): TrafficCounters | undefined {
  if (values?.length !== 4) return undefined;
  const [inputOctets, outputOctets, inputPackets, outputPackets] = values as [number, number, number, number];
  return { inputOctets, outputOctets, inputPackets, outputPackets };
}

/** The part of a record that names the session; the same in its Start, Interims and Stop. */
export interface AcctSubject {
  readonly sessionId: string;
  readonly multiSessionId: string;
  readonly userName: string;
  /** Absent for an address behind the switch (L3): no MAC and no port are known, and none is made up. */
  readonly station?: AcctStation;
  readonly classes: readonly Uint8Array[];
  readonly cui?: Uint8Array;
  readonly ipv4?: Ip;
  readonly ipv6?: Ip;
  /** In what is kept of a living session. */
  readonly story?: AcctStory;
}

/** What RADIUS is not told of a session, and whoever reads its end record is, if a start finds it dead. */
export interface AcctStory {
  readonly method: AuthMethod;
  readonly role: string;
  readonly started: WallTime;
  /** Absent for an address behind the switch. */
  readonly vlan?: VlanId;
  readonly lastSeenBy: EndEvidence['lastSeenBy'];
  readonly probesSent: number;
  readonly probesAnswered: number;
  /** Of what goes on after a restart of ours: the last sign of life; the last of the client's own accord; the next interim. */
  readonly seenAt?: MachineTime;
  readonly ownAt?: MachineTime;
  readonly interimAt?: MachineTime;
}

/** The client and its port, as they were at the start. */
export interface AcctStation {
  readonly mac: Mac;
  readonly port: PortName;
  /** NAS-Port: the port's ifindex (RFC 2865 §5.5). */
  readonly nasPort: number;
  readonly calledStation: Mac;
}

export type AcctRecord =
  | { readonly kind: 'on' | 'off'; readonly eventTime: WallTime; readonly cause?: EndCause }
  | { readonly kind: 'start'; readonly eventTime: WallTime; readonly subject: AcctSubject }
  | {
      readonly kind: 'interim';
      readonly eventTime: WallTime;
      readonly subject: AcctSubject;
      readonly sessionTimeS: number;
      readonly counters?: TrafficCounters;
    }
  | {
      readonly kind: 'stop';
      readonly eventTime: WallTime;
      readonly subject: AcctSubject;
      readonly sessionTimeS: number;
      readonly counters?: TrafficCounters;
      readonly cause: EndCause;
      /** The concentrator's own Acct-Terminate-Cause, where that ended the session. */
      readonly foreignCause?: number;
    };
