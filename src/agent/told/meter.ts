// How much a session has sent and received. Only ports count octets, the table does not, so only a session that has
// had its port to itself from its beginning has figures; any other has none, rather than somebody else's. What a stranger sends
// into a port that drops it is in them: the port counts it, and figures that end there would be a client's to end.
//
// Counters are read when somebody needs them: at a begin, an interim, an end, and with each sweep where the table does
// not tell when its entries were last used. All that one turn needs is answered by one reading.

import { countersToNumbers, type TrafficCounters } from '../../model/acct.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import type { L2Unit, SessionUnit } from '../session/session-unit.ts';

/** Undefined until the first reading. */
interface Account {
  readonly unit: L2Unit;
  base: TrafficCounters | undefined;
  last: TrafficCounters | undefined;
}

export class Meter {
  private readonly accounts = new Map<SessionUnit, Account>();
  private requested = false;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly core: Core) {}

  /** The session is in the table now. Sharing the port ends the figures of everybody on it. */
  begin(unit: L2Unit): void {
    const onPort = this.core.sessions.onPort(unit.session.grant.port);
    if (onPort.length > 1) {
      for (const each of onPort) if (this.accounts.delete(each)) this.core.parts.keptSessions.changed(each);
      return;
    }
    this.accounts.set(unit, { unit, base: undefined, last: undefined });
    this.request();
  }

  /** It has begun in an earlier run, with these counters of its port; undefined: it does not have the port to itself. */
  resume(unit: L2Unit, base: TrafficCounters | undefined): void {
    if (base === undefined) return;
    this.accounts.set(unit, { unit, base, last: undefined });
    this.request();
  }

  /** What the port had counted when it began. */
  baselineOf(unit: SessionUnit): TrafficCounters | undefined {
    return this.accounts.get(unit)?.base;
  }

  /** Its Stop is made. */
  forget(unit: SessionUnit): void {
    this.accounts.delete(unit);
  }

  tells(unit: SessionUnit): boolean {
    return this.accounts.has(unit);
  }

  /** One reading for whoever asks in this turn. */
  request(): void {
    if (this.requested) return;
    this.requested = true;
    this.core.out.push({ type: 'read-counters' });
  }

  /** `then` is called when the counters are in, in the turn that takes them. */
  whenRead(then: () => void): void {
    this.waiting.push(then);
    this.request();
  }

  read(counters: ReadonlyMap<PortName, TrafficCounters>): void {
    this.requested = false;
    const { accountant, watch } = this.core.parts;
    for (const account of this.accounts.values()) {
      const { unit } = account;
      const now = counters.get(unit.session.grant.port);
      if (now === undefined) continue;
      if (account.base === undefined) this.core.parts.keptSessions.changed(unit);
      account.base ??= now;
      if (account.last !== undefined && hasBegunAnew(account.last, now)) {
        account.base = carriedOver(account.base, account.last, now);
        this.core.parts.keptSessions.changed(unit);
      }
      if (account.last !== undefined && now.inputPackets > account.last.inputPackets) watch.counted(unit);
      account.last = now;
    }
    accountant.countersRead();
    for (const then of this.waiting.splice(0)) then();
  }

  /** Since the session began, as of the last reading; undefined where the port cannot tell. */
  trafficOf(unit: SessionUnit): TrafficCounters | undefined {
    const { base, last } = this.accounts.get(unit) ?? {};
    if (base === undefined || last === undefined) return undefined;
    return {
      inputOctets: Math.max(0, last.inputOctets - base.inputOctets),
      outputOctets: Math.max(0, last.outputOctets - base.outputOctets),
      inputPackets: Math.max(0, last.inputPackets - base.inputPackets),
      outputPackets: Math.max(0, last.outputPackets - base.outputPackets),
    };
  }
}

/** A reset, or a driver that counts with 32 bits. */
function hasBegunAnew(last: TrafficCounters, now: TrafficCounters): boolean {
  const before = countersToNumbers(last);
  return countersToNumbers(now).some((value, i) => isAnew(before[i] ?? 0, value));
}

/** With a base below zero by what had been counted. A restart of ours does not keep that. */
function carriedOver(base: TrafficCounters, last: TrafficCounters, now: TrafficCounters): TrafficCounters {
  const floor = (key: keyof TrafficCounters): number =>
    isAnew(last[key], now[key]) ? base[key] - last[key] : base[key];
  return {
    inputOctets: floor('inputOctets'),
    outputOctets: floor('outputOctets'),
    inputPackets: floor('inputPackets'),
    outputPackets: floor('outputPackets'),
  };
}

/** Some drivers read a little less than before: that is no new beginning. */
function isAnew(before: number, now: number): boolean {
  return now < before / 2;
}
