// Whose MACs the guard of nftables keeps from ports where they are not: as long as they have an entry, and where.

import { expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import { ok } from '../../src/base/result.ts';
import { DataplanePerformers } from '../../src/io/perform-dataplane.ts';
import type { GrantKey, PortName } from '../../src/model/dataplane.ts';

const P1 = 'p1' as PortName;
const [ALICE, BOB] = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as [Mac, Mac];

function rig() {
  const done = (all: readonly unknown[]) => all.map(() => ok(undefined));
  const answers = { all: () => {}, one: () => {}, post: () => {} };
  const portauth = { setPorts: done, grant: done, revoke: done };
  const made = new DataplanePerformers({ answers, portauth } as never);
  const granted = new Set<Mac>();
  const own = new Map<PortName, readonly Mac[]>();
  const guard = {
    grant: (mac: Mac) => granted.add(mac),
    revoke: (mac: Mac) => granted.delete(mac),
    setOpen: (port: PortName, macs?: readonly Mac[]) =>
      macs === undefined ? own.delete(port) : own.set(port, macs),
  };
  made.use({ guard, openCapture: () => {}, watchLeases: () => {} } as never);
  const write = (verb: 'grant' | 'revoke', mac: Mac, port = P1): void => {
    const key: GrantKey = { mac, port, vlan: 0 };
    made.performers[verb]([{ type: verb, ref: 1, key }] as never);
  };
  const set = (locked: boolean): void =>
    made.performers['set-port']([{ type: 'set-port', ref: 1, port: P1, setting: { locked } }] as never);
  return { granted, own, write, set };
}

it('what is granted on an open port may be heard there, and nobody whose entry has gone', () => {
  const { granted, own, write, set } = rig();
  write('grant', ALICE);
  set(false);
  write('grant', BOB);
  expect(own.get(P1)).toEqual([ALICE, BOB]);
  write('revoke', ALICE);
  write('grant', ALICE, 'p2' as PortName);
  expect(own.get(P1)).toEqual([BOB]);
  expect([...granted].sort()).toEqual([ALICE, BOB]);
  set(true);
  expect([...own]).toEqual([]);
});
