import { describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { Instant, WallTime } from '../../src/base/time.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { L2Session, L3Session, Session } from '../../src/model/session.ts';
import { l3SessionKey, sessionKey } from '../../src/report/topics.ts';
import { type HasSession, SessionTable } from '../../src/session/table.ts';

const MAC = '02:00:00:00:00:01' as Mac;
const PORT = 'p1' as PortName;
const IP = '2001:db8::9' as Ip;

const NOW = 0 as Instant;

const common = (user: string) => ({
  id: `id of ${user}`,
  multiId: `multi of ${user}`,
  startedAt: 0 as Instant,
  startedWall: 0 as WallTime,
  authorization: { userName: user, classes: [], reauthenticateAtTimeout: false, server: '' },
  role: 'default',
});
const onPort: L2Session = {
  ...common('alice'),
  layer: 2,
  key: sessionKey(MAC),
  method: 'dot1x',
  mac: MAC,
  grant: { mac: MAC, port: PORT, vlan: 0 },
  vlans: { untagged: 0, tagged: [] },
  domain: 'data',
  nasPort: 7,
  calledStation: MAC,
  addresses: { ipv4: '192.0.2.9' as Ip },
};
const behind: L3Session = {
  ...common('bob'),
  layer: 3,
  key: l3SessionKey(IP),
  method: 'sso',
  grant: { ip: IP },
  concentrator: '192.0.2.1' as Ip,
  addresses: { ipv6: IP },
};

function both() {
  const isL2 = (row: HasSession<Session>): row is HasSession<L2Session> => row.session.layer === 2;
  const table = new SessionTable<HasSession<Session>, HasSession<L2Session>>(isL2);
  for (const session of [onPort, behind]) table.add({ session });
  return table;
}

describe('a table of sessions of both layers', () => {
  it('finds both by key and address, and only the one on a port by MAC and port', () => {
    const table = both();
    expect(table.size).toBe(2);
    expect(table.get(behind.key)?.session).toBe(behind);
    expect(table.select({ ip: IP }, NOW).map(({ session }) => session)).toEqual([behind]);
    expect(table.select({ ip: '192.0.2.9' as Ip }, NOW).map(({ session }) => session)).toEqual([onPort]);
    expect(table.select({ user: 'bob' }, NOW).map(({ session }) => session)).toEqual([behind]);
    expect(table.select({}, NOW)).toHaveLength(2);
    expect(table.select({ mac: MAC, port: PORT, user: 'alice' }, NOW)).toHaveLength(1);
    expect(table.select({ mac: MAC, user: 'bob' }, NOW)).toEqual([]);
    expect(table.select({ port: PORT, ip: IP }, NOW)).toEqual([]);
    expect(table.ofMac(MAC)?.session).toBe(onPort);
    expect(table.onPort(PORT).map(({ session }) => session)).toEqual([onPort]);
    expect([...table.onPorts()].map(({ session }) => session)).toEqual([onPort]);
  });

  it('loses each once, and leaves the other', () => {
    const table = both();
    const row = table.get(behind.key) as HasSession<Session>;
    expect([table.remove(row), table.remove(row)]).toEqual([true, false]);
    expect(table.select({ ip: IP }, NOW)).toEqual([]);
    expect(table.ofMac(MAC)?.session).toBe(onPort);
  });
});
