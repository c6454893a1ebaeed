// The session table: every active session, found by whatever the question names. Generic over what the agent hangs
// on a session, so that it stays a table and knows nothing of machines.
//
// One active session per MAC on the whole switch, and one per address behind it. A session that is on its way out has
// left the table already: its logout machine holds what it still needs.

import { type Mac, macToNumber } from '../base/mac.ts';
import type { Instant } from '../base/time.ts';
import type { PortName } from '../model/dataplane.ts';
import type { SessionSelector } from '../model/selector.ts';
import {
  isAddressOf,
  type L2Session,
  type Session,
  type SessionAddresses,
  type SessionKey,
} from '../model/session.ts';

export interface HasSession<S extends Session = Session> {
  readonly session: S;
}

/** `L2Row`: a row whose session is a MAC on a port; what is asked by MAC or port is one of these. */
export class SessionTable<Row extends HasSession, L2Row extends Row & HasSession<L2Session>> {
  private readonly rows = new Map<SessionKey, Row>();
  private readonly byMac48 = new Map<number, L2Row>();
  private readonly byPort = new Map<PortName, Set<L2Row>>();

  constructor(private readonly isL2: (row: Row) => row is L2Row) {}

  get size(): number {
    return this.rows.size;
  }

  add(row: Row): void {
    this.rows.set(row.session.key, row);
    if (!this.isL2(row)) return;
    const { mac, grant } = row.session;
    this.byMac48.set(macToNumber(mac), row);
    const onPort = this.byPort.get(grant.port) ?? new Set<L2Row>();
    this.byPort.set(grant.port, onPort.add(row));
  }

  /** False if the row was not, or no longer, in the table. */
  remove(row: Row): boolean {
    const { key } = row.session;
    if (this.rows.get(key) !== row) return false;
    this.rows.delete(key);
    if (!this.isL2(row)) return true;
    const { mac, grant } = row.session;
    this.byMac48.delete(macToNumber(mac));
    const onPort = this.byPort.get(grant.port);
    onPort?.delete(row);
    if (onPort?.size === 0) this.byPort.delete(grant.port);
    return true;
  }

  get(key: SessionKey): Row | undefined {
    return this.rows.get(key);
  }

  ofMac(mac: Mac): L2Row | undefined {
    return this.byMac48.get(macToNumber(mac));
  }

  /** By the MAC as an integer (base/mac.ts macToNumber): the sweep's way in, without a string per record. */
  ofMac48(mac48: number): L2Row | undefined {
    return this.byMac48.get(mac48);
  }

  onPort(port: PortName): readonly L2Row[] {
    return [...(this.byPort.get(port) ?? [])];
  }

  countOnPort(port: PortName): number {
    return this.byPort.get(port)?.size ?? 0;
  }

  /** All that are a MAC on a port. */
  onPorts(): IterableIterator<L2Row> {
    return this.byMac48.values();
  }

  all(): IterableIterator<Row> {
    return this.rows.values();
  }

  /** A snapshot: the caller may end the sessions while it walks. */
  select(selector: SessionSelector, now: Instant): readonly Row[] {
    const { mac, port } = selector;
    const near =
      mac !== undefined
        ? asList(this.ofMac(mac))
        : port !== undefined
          ? this.onPort(port)
          : this.rows.values();
    return [...near].filter((row) => fits(row.session, selector, now));
  }
}

/** What a selector is held against: of a session, or of somebody on the way to one. */
export interface Selectable {
  readonly mac?: Mac;
  readonly port?: PortName;
  readonly addresses: SessionAddresses;
  readonly sessionId: string;
  readonly userName: string;
  readonly role: string;
}

/** All that the selector says is so of this session. */
export function fits(session: Session, selector: SessionSelector, now: Instant): boolean {
  const { id: sessionId, addresses, authorization, role } = session;
  const { userName } = authorization;
  const here = session.layer === 2 ? { mac: session.mac, port: session.grant.port } : {};
  return isMeant({ ...here, addresses, sessionId, userName, role }, selector, now);
}

/** All that the selector says is so of this one. */
export function isMeant(who: Selectable, selector: SessionSelector, now: Instant): boolean {
  const { mac, ip, sessionId, user, port, role } = selector;
  return (
    (mac === undefined || who.mac === mac) &&
    (port === undefined || who.port === port) &&
    (ip === undefined || isAddressOf(who.addresses, ip, now)) &&
    (sessionId === undefined || who.sessionId === sessionId) &&
    (user === undefined || who.userName === user) &&
    (role === undefined || who.role === role)
  );
}

function asList<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
