// The binding, against the simulated switch inside the real library.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Mac, macFromBytes, macToNumber } from '../../src/base/mac.ts';
import { instant } from '../../src/base/time.ts';
import { PortAuth } from '../../src/io/dataplane/portauth.ts';
import type { DataplaneEvent, GrantKey, PortName } from '../../src/model/dataplane.ts';
import { decodeEntries, forEachEntry, isGrant } from '../../src/wire/fdb-table.ts';
import { Simulator } from '../rigs/simulator.ts';

const NATIVE = join(import.meta.dirname, '../../native');
const LIBRARY = join(NATIVE, 'build/libportauth.so');
const ALICE = '02:00:00:00:00:0a' as Mac;
const BOB = '02:00:00:00:00:0b' as Mac;
const P1 = 'p1' as PortName;
const P2 = 'p2' as PortName;
const EOPNOTSUPP = 95;
const ENOSPC = 28;
const ENOMEM = 12;

beforeAll(() => {
  execFileSync('make', ['-s', '-C', NATIVE], { stdio: 'pipe' });
});

function openSwitch(): { readonly portauth: PortAuth; readonly sim: Simulator } {
  const opened = PortAuth.open({ library: LIBRARY, spec: 'sim:br0,p1,p2' });
  if (!opened.ok) throw new Error(opened.error);
  onTestFinished(() => opened.value.close());
  return { portauth: opened.value, sim: new Simulator(opened.value) };
}

function key(mac: Mac, port = P1, vlan = 0): GrantKey {
  return { mac, port, vlan };
}

function indexOf(portauth: PortAuth, port: PortName): number {
  return portauth.ports().find(({ name }) => name === port)?.index ?? Number.NaN;
}

function entries(portauth: PortAuth) {
  const dump = portauth.dump(() => instant(0));
  if (!dump.ok) throw new Error(dump.error);
  return decodeEntries(dump.value.records);
}

/** Events as they come, until `count` have. */
function collect(portauth: PortAuth, count: number): Promise<readonly DataplaneEvent[]> {
  const seen: DataplaneEvent[] = [];
  return new Promise((resolve) => {
    portauth.onEvents((events) => {
      seen.push(...events);
      if (seen.length >= count) resolve(seen);
    });
  });
}

describe('VLANs', () => {
  const NATIVE = { vlan: 1, pvid: true, untagged: true };

  it('a change of a port is told, by its name; one that changes nothing is not', async () => {
    const { portauth } = openSwitch();
    const member = { pvid: false, untagged: false };
    const told = collect(portauth, 2);
    portauth.setVlans([{ port: P2, vlan: 1, member: { pvid: true, untagged: true } }]);
    portauth.setVlans([{ port: P2, vlan: 30, member }]);
    portauth.setVlans([{ port: P1, vlan: 30, member }]);
    expect(await told).toEqual([
      { type: 'vlans-changed', port: P2 },
      { type: 'vlans-changed', port: P1 },
    ]);
  });

  it('are read, of the bridge and its ports, and set in order', () => {
    const { portauth, sim } = openSwitch();
    sim.setVlanFiltering(true);
    expect(portauth.vlans()).toEqual({
      ok: true,
      value: {
        filtering: true,
        bridge: [NATIVE],
        ports: new Map([
          [indexOf(portauth, P1), [NATIVE]],
          [indexOf(portauth, P2), [NATIVE]],
        ]),
      },
    });
    const set = portauth.setVlans([
      { port: P1, vlan: 30, member: { pvid: true, untagged: true } },
      { port: P1, vlan: 1, member: undefined },
      { port: P1, vlan: 4094, member: { pvid: false, untagged: false } },
      { port: undefined, vlan: 30, member: { pvid: false, untagged: false } },
    ]);
    expect(set.ok).toBe(true);
    const now = portauth.vlans();
    if (!now.ok) throw new Error(now.error);
    expect(now.value.bridge).toContainEqual({ vlan: 30, pvid: false, untagged: false });
    expect([...(now.value.ports.get(indexOf(portauth, P1)) ?? [])].sort((a, b) => a.vlan - b.vlan)).toEqual([
      { vlan: 30, pvid: true, untagged: true },
      { vlan: 4094, pvid: false, untagged: false },
    ]);
    expect(portauth.grant([key(ALICE, P1, 30), key(BOB, P1, 1)])).toMatchObject([
      { ok: true },
      { ok: false },
    ]);
  });

  it('of a trunk are more than the first buffer holds', () => {
    const { portauth } = openSwitch();
    const vlans = Array.from({ length: 1000 }, (_, i) => i + 2);
    const tagged = { pvid: false, untagged: false };
    expect(portauth.setVlans(vlans.map((vlan) => ({ port: P2, vlan, member: tagged }))).ok).toBe(true);
    const now = portauth.vlans();
    expect(now.ok && now.value.ports.get(indexOf(portauth, P2))?.length).toBe(1001);
  });

  it('that cannot be set are a sentence', () => {
    const { portauth, sim } = openSwitch();
    const nowhere = 'p9' as PortName;
    expect(portauth.setVlans([{ port: nowhere, vlan: 30, member: undefined }])).toEqual({
      ok: false,
      error: 'set VLAN 30 of p9: No such device (ENODEV)',
    });
    sim.failNext({ count: 1, errno: ENOSPC });
    expect(portauth.setVlans([{ port: P1, vlan: 30, member: undefined }])).toEqual({
      ok: false,
      error: 'remove VLAN 30 of p1: No space left on device (ENOSPC)',
    });
  });
});

describe('opening', () => {
  it('says what the switch has and can do', () => {
    const { portauth } = openSwitch();
    expect(portauth.capabilities()).toEqual({
      ok: true,
      value: {
        backend: 'sim',
        locked: true,
        mab: true,
        vlanFiltering: false,
        macVlan: false,
        activityNotify: true,
        noLinklocalLearn: true,
        bridge: true,
        lastSeen: true,
      },
    });
    expect(portauth.ports()).toMatchObject([
      { name: 'p1', index: 101, address: '02:73:69:6d:00:65', adminUp: true, linkUp: true, locked: false },
      { name: 'p2', index: 102, learning: true, mab: false },
    ]);
  });

  it('is refused with the reason', () => {
    const bad = PortAuth.open({ library: LIBRARY, spec: 'dream:br0' });
    expect(bad).toEqual({
      ok: false,
      error: 'open "dream:br0": the backends are switchdev and sim: Invalid argument (EINVAL)',
    });
    const missing = PortAuth.open({ library: '/nowhere/libportauth.so', spec: 'sim:br0' });
    expect(missing).toMatchObject({ ok: false, error: expect.stringMatching(/^load \/nowhere/) });
  });

  it('is refused for a library of another ABI', () => {
    const folder = mkdtempSync(join(tmpdir(), 'portauth-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const source = join(folder, 'other.c');
    const library = join(folder, 'other.so');
    writeFileSync(source, 'unsigned pa_abi_version(void) { return 99; }\n');
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
    const opened = PortAuth.open({ library, spec: 'br0' });
    expect(opened).toEqual({
      ok: false,
      error: `load ${library}: it has ABI version 99, this agent needs version 4`,
    });
  });
});

describe('a client on a locked port', () => {
  it('passes with a grant only, and its last-seen time is read from the table', () => {
    const { portauth, sim } = openSwitch();
    sim.setClock(10_000);
    expect(portauth.setPort(P1, { locked: true, mab: false, unflooded: false })).toEqual({
      ok: true,
      value: undefined,
    });
    expect(sim.receive({ port: P1, mac: ALICE })).toBe(false);
    expect(portauth.grant([key(ALICE)])).toEqual([{ ok: true, value: undefined }]);
    expect(sim.receive({ port: P1, mac: ALICE, octets: 100 })).toBe(true);
    sim.setClock(12_340);
    expect(entries(portauth)).toEqual([
      { mac: ALICE, vlan: 0, ifindex: 101, flags: 3, idleMs: 2340, usedMs: 2340 },
    ]);
    expect(portauth.portCounters(P1)).toEqual({ rxPackets: 2, rxOctets: 164, txPackets: 0, txOctets: 0 });
    expect(portauth.revoke([key(ALICE)])).toEqual([{ ok: true, value: undefined }]);
    expect(sim.receive({ port: P1, mac: ALICE })).toBe(false);
  });

  it('is revoked although frames in flight re-learn it', () => {
    const { portauth, sim } = openSwitch();
    portauth.setPort(P1, { locked: true, mab: false, unflooded: false });
    portauth.grant([key(ALICE), key(BOB)]);
    sim.relearnNext(5);
    expect(portauth.revoke([key(ALICE), key(BOB)]).every((result) => result.ok)).toBe(true);
    expect(entries(portauth)).toEqual([]);
  });

  it('keeps nothing of the time when the port was open', () => {
    const { portauth, sim } = openSwitch();
    sim.receive({ port: P1, mac: BOB });
    expect(entries(portauth)).toHaveLength(1);
    portauth.setPort(P1, { locked: true, mab: false, unflooded: false });
    expect(entries(portauth)).toEqual([]);
  });
});

describe('failures', () => {
  it('are sentences with the port and the errno', () => {
    const { portauth, sim } = openSwitch();
    sim.failNext({ count: 1, errno: EOPNOTSUPP });
    expect(portauth.setPort(P1, { locked: true, mab: false, unflooded: false })).toEqual({
      ok: false,
      error: 'lock port p1: Operation not supported (EOPNOTSUPP)',
    });
    expect(portauth.setPort('p9' as PortName, { locked: true, mab: false, unflooded: false })).toEqual({
      ok: false,
      error: 'lock port p9: No such device (ENODEV)',
    });
    expect(portauth.grant([key(ALICE, 'p9' as PortName)])).toEqual([
      { ok: false, error: `grant ${ALICE} on port p9: No such device (ENODEV)` },
    ]);
    sim.setAgeing(0);
    expect(portauth.setPort(P1, { locked: true, mab: false, unflooded: false })).toMatchObject({
      ok: false,
      error: expect.stringContaining('ageing_time 0'),
    });
  });

  it('hit their own record of a batch and no other', () => {
    const { portauth, sim } = openSwitch();
    sim.failNext({ skip: 1, count: 2, errno: ENOSPC });
    const results = portauth.grant([1, 2, 3, 4].map((n) => key(`02:00:00:00:00:0${n}` as Mac)));
    expect(results.map((result) => result.ok)).toEqual([true, false, false, true]);
    expect(results[2]).toEqual({
      ok: false,
      error: 'grant 02:00:00:00:00:03 on port p1: No space left on device (ENOSPC)',
    });
    expect(entries(portauth)).toHaveLength(2);
  });

  it('of a revocation on a port that is gone are none', () => {
    const { portauth, sim } = openSwitch();
    portauth.grant([key(ALICE, P2)]);
    sim.removePort(P2);
    expect(portauth.revoke([key(ALICE, P2)])).toEqual([{ ok: true, value: undefined }]);
  });

  it('show in a dump as well', () => {
    const { portauth, sim } = openSwitch();
    sim.setBridge(false);
    expect(portauth.dump(() => instant(0))).toEqual({
      ok: false,
      error: 'find bridge br0: No such device (ENODEV)',
    });
    expect(portauth.readPorts()).toEqual({ ok: true, value: [] });
  });

  it('show in a reading of the ports, and are no bridge without ports', () => {
    const { portauth } = openSwitch();
    // The simulated switch can always tell.
    vi.spyOn(Reflect.get(portauth, 'native'), 'ports').mockReturnValueOnce(-ENOMEM);
    expect(portauth.readPorts()).toMatchObject({ ok: false });
    expect(portauth.readPorts()).toMatchObject({ ok: true, value: [{ name: P1 }, { name: P2 }] });
  });
});

describe('a large table', () => {
  it('is dumped whole although the buffer began smaller, with the moment before it', () => {
    const { portauth } = openSwitch();
    const keys = Array.from({ length: 5000 }, (_, i) =>
      key(macFromBytes(Uint8Array.of(2, 0, 0, 1, i >> 8, i & 255)), i % 2 ? P1 : P2),
    );
    expect(portauth.grant(keys).every((result) => result.ok)).toBe(true);
    let time = 100;
    const dump = portauth.dump(() => instant(time++));
    if (!dump.ok) throw new Error(dump.error);
    expect(dump.value).toMatchObject({ tookMs: 1 });
    const found = new Set<number>();
    forEachEntry(dump.value.records, (mac48, _vlan, ifindex, flags) => {
      expect(isGrant(flags) && ifindex >= 101).toBe(true);
      found.add(mac48);
    });
    expect(found).toEqual(new Set(keys.map(({ mac }) => macToNumber(mac))));
  });
});

describe('frames', () => {
  it('leave by their ports, in order; a port without power loses its own', () => {
    const { portauth, sim } = openSwitch();
    const frame = (fill: number) => new Uint8Array(60).fill(fill);
    sim.setLink(P2, { adminUp: false, linkUp: false });
    const sent = portauth.inject([
      { port: P1, bytes: frame(1) },
      { port: P2, bytes: frame(2) },
      { port: P1, bytes: frame(3) },
    ]);
    expect(sent).toBe(2);
    expect(portauth.lastError()).toBe('send 60 octets on port p2: Network is down (ENETDOWN)');
    expect(sim.sent()).toEqual({ port: 'p1', bytes: frame(1) });
    expect(sim.sent()).toEqual({ port: 'p1', bytes: frame(3) });
    expect(sim.sent()).toBeUndefined();
    expect(portauth.inject([])).toBe(0);
  });

  it('of all sizes go through one growing buffer', () => {
    const { portauth, sim } = openSwitch();
    const frames = Array.from({ length: 300 }, (_, i) => ({
      port: P1,
      bytes: new Uint8Array(1000 + i).fill(i),
    }));
    expect(portauth.inject(frames)).toBe(300);
    for (const { bytes } of frames) expect(sim.sent()?.bytes).toEqual(bytes);
  });
});

describe('events', () => {
  it('tell of ports, of candidates, of a return and of what others deleted', async () => {
    const { portauth, sim } = openSwitch();
    const all = collect(portauth, 10);
    portauth.setPort(P1, { locked: true, mab: true, unflooded: false });
    sim.receive({ port: P1, mac: BOB });
    portauth.grant([key(ALICE)]);
    expect(portauth.watch([key(ALICE)])).toEqual([{ ok: true, value: undefined }]);
    sim.receive({ port: P1, mac: ALICE });
    sim.deleteByOthers(key(ALICE));
    sim.addPort('p3' as PortName);
    sim.removePort(P2);
    sim.setBridge(false);
    expect((await all).map((event) => event.type)).toEqual([
      'port-changed',
      'mab-candidate',
      'entry-active',
      'entry-gone',
      'port-added',
      'port-changed',
      'port-gone',
      'port-gone',
      'port-gone',
      'bridge-gone',
    ]);
    expect((await all)[0]).toMatchObject({ port: { name: 'p1', locked: true, learning: true, mab: true } });
    expect((await all)[1]).toEqual({ type: 'mab-candidate', key: { mac: BOB, port: 'p1', vlan: 0 } });
    expect((await all)[6]).toEqual({ type: 'port-gone', name: 'p2' });
  });

  it('that come in a flood all arrive', async () => {
    const { portauth, sim } = openSwitch();
    const all = collect(portauth, 3001);
    portauth.setPort(P1, { locked: true, mab: true, unflooded: false });
    for (let i = 0; i < 3000; i++) {
      sim.receive({ port: P1, mac: macFromBytes(Uint8Array.of(2, 0, 0, 9, i >> 8, i & 255)) });
    }
    expect(await all).toHaveLength(3001);
  });

  it('that are still unread leave a port made anew unknown for one call', () => {
    const { portauth, sim } = openSwitch();
    sim.removePort(P2);
    sim.addPort(P2);
    expect(portauth.grant([key(ALICE, P2)])).toEqual([
      { ok: false, error: `grant ${ALICE} on port 102: No such device (ENODEV)` },
    ]);
    expect(portauth.grant([key(ALICE, P2)])).toEqual([{ ok: true, value: undefined }]);
  });

  it('that were lost are owned up to', async () => {
    const { portauth, sim } = openSwitch();
    const all = collect(portauth, 3);
    sim.overrun();
    expect((await all).map((event) => event.type)).toEqual(['overrun', 'port-changed', 'port-changed']);
  });

  it('have one listener', () => {
    const { portauth } = openSwitch();
    expect(portauth.onEvents(() => undefined)).toEqual({ ok: true, value: undefined });
    expect(portauth.onEvents(() => undefined)).toMatchObject({ ok: false });
  });
});
