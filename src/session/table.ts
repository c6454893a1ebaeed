// The session table: every active session, found by whatever the question names. Generic over what the agent hangs
// on a session, so that it stays a table and knows nothing of machines.
//
// One active session per MAC on the whole switch. A session that is on its way out has left the table already: its
// logout machine holds what it still needs.

import { type Mac, macToNumber } from '../base/mac.ts';
import type { PortName } from '../model/dataplane.ts';
import type { SessionSelector } from '../model/selector.ts';
import type { Session, SessionKey } from '../model/session.ts';

export interface HasSession {
  readonly session: Session;
}

export class SessionTable<Row extends HasSession> {
  private readonly rows = new Map<SessionKey, Row>();
  private readonly byMac48 = new Map<number, Row>();
  private readonly byPort = new Map<PortName, Set<Row>>();

  get size(): number {
    return this.rows.size;
  }

  add(row: Row): void {
    const { key, mac, grant } = row.session;
    this.rows.set(key, row);
    this.byMac48.set(macToNumber(mac), row);
    const onPort = this.byPort.get(grant.port) ?? new Set<Row>();
    this.byPort.set(grant.port, onPort.add(row));
  }

  /** False if the row was not, or no longer, in the table. */
  remove(row: Row): boolean {
    const { key, mac, grant } = row.session;
    if (this.rows.get(key) !== row) return false;
    this.rows.delete(key);
    this.byMac48.delete(macToNumber(mac));
    const onPort = this.byPort.get(grant.port);
    onPort?.delete(row);
    if (onPort?.size === 0) this.byPort.delete(grant.port);
    return true;
  }

  get(key: SessionKey): Row | undefined {
    return this.rows.get(key);
  }

  ofMac(mac: Mac): Row | undefined {
    return this.byMac48.get(macToNumber(mac));
  }

  /** By the MAC as an integer (base/mac.ts macToNumber): the sweep's way in, without a string per record. */
  ofMac48(mac48: number): Row | undefined {
    return this.byMac48.get(mac48);
  }

  onPort(port: PortName): readonly Row[] {
    return [...(this.byPort.get(port) ?? [])];
  }

  countOnPort(port: PortName): number {
    return this.byPort.get(port)?.size ?? 0;
  }

  all(): IterableIterator<Row> {
    return this.rows.values();
  }

  /** A snapshot: the caller may end the sessions while it walks. */
  select(selector: SessionSelector): readonly Row[] {
    switch (selector.by) {
      case 'mac':
        return asList(this.ofMac(selector.mac));
      case 'port':
        return this.onPort(selector.port);
      case 'ip':
        return this.where(
          ({ addresses }) => addresses.ipv4 === selector.ip || addresses.ipv6 === selector.ip,
        );
      case 'session_id':
        return this.where(({ id }) => id === selector.sessionId);
      case 'user':
        return this.where(({ authorization }) => authorization.userName === selector.user);
      case 'all':
        return [...this.rows.values()];
    }
  }

  private where(matches: (session: Session) => boolean): readonly Row[] {
    return [...this.rows.values()].filter((row) => matches(row.session));
  }
}

function asList<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
