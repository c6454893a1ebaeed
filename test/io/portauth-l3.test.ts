// The routed path, against the simulated one inside the real library.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { Grants } from '../../src/io/dataplane/grants.ts';
import { PortAuth } from '../../src/io/dataplane/portauth.ts';
import type { RoutedPath } from '../../src/io/dataplane/portauth-l3.ts';
import type { Grant, PortName } from '../../src/model/dataplane.ts';
import { Simulator } from '../rigs/simulator.ts';

const NATIVE = join(import.meta.dirname, '../../native');
const DONE = { ok: true, value: undefined };
const V4 = '192.0.2.1' as Ip;
const V6 = '2001:db8::1' as Ip;
const EXEMPT = '192.0.2.250' as Ip;
const EIO = 5;

beforeAll(() => {
  execFileSync('make', ['-s', '-C', NATIVE], { stdio: 'pipe' });
});

interface Opened {
  readonly portauth: PortAuth;
  readonly path: RoutedPath;
  readonly sim: Simulator;
  /** How often the path was found open. */
  readonly lost: () => number;
}

function open(): Opened {
  const opened = PortAuth.open({ library: join(NATIVE, 'build/libportauth.so'), spec: 'sim:br0,p1' });
  if (!opened.ok) throw new Error(opened.error);
  const portauth = opened.value;
  onTestFinished(() => portauth.close());
  let lost = 0;
  const path = portauth.openRoutedPath({ ingress: ['vpn0'], exempt: [EXEMPT] }, () => lost++);
  if (!path.ok) throw new Error(path.error);
  return { portauth, path: path.value, sim: new Simulator(portauth), lost: () => lost };
}

describe('the routed path', () => {
  it('lets nobody pass but the exempt, until it is granted, and not after it is revoked', () => {
    const { path, sim } = open();
    expect([EXEMPT, V4, V6].map((ip) => sim.receivePacket(ip))).toEqual([true, false, false]);
    expect(path.add('granted', [V4, V6])).toEqual([DONE, DONE]);
    expect([V4, V6].map((ip) => sim.receivePacket(ip))).toEqual([true, true]);
    expect(path.list('granted')).toEqual({ ok: true, value: [V4, V6] });
    expect(path.remove('granted', [V6, '192.0.2.99' as Ip])).toEqual([DONE, DONE]);
    expect([V4, V6].map((ip) => sim.receivePacket(ip))).toEqual([true, false]);
  });

  it('tells of a packet of an awaited address, and of no stranger', () => {
    const { path, sim } = open();
    path.add('awaited', [V6]);
    for (const ip of [V4, V6]) sim.receivePacket(ip);
    expect(path.list('heard')).toEqual({ ok: true, value: [V6] });
  });

  it('is shut again, with nobody granted, when somebody has removed its table', () => {
    const { path, sim, lost } = open();
    path.add('granted', [V4]);
    sim.flushRoutedPath();
    expect(sim.receivePacket(V6)).toBe(true);
    expect(path.list('granted')).toEqual({ ok: true, value: [] });
    expect(lost()).toBe(1);
    expect([V4, V6].map((ip) => sim.receivePacket(ip))).toEqual([false, false]);
    sim.flushRoutedPath();
    expect(path.add('granted', [V4])).toEqual([DONE]);
    expect([V4, V6].map((ip) => sim.receivePacket(ip))).toEqual([true, false]);
    sim.flushRoutedPath();
    expect(path.remove('granted', [V4])).toEqual([DONE]);
    expect(sim.receivePacket(V4)).toBe(false);
    expect(lost()).toBe(3);
  });

  it('that cannot be shut again is told of as that, and not as shut', () => {
    const { path, sim, lost } = open();
    sim.flushRoutedPath();
    sim.failNext({ skip: 0, count: 1, errno: EIO });
    expect(path.list('granted')).toEqual({
      ok: false,
      error: 'shut the routed path: Input/output error (EIO)',
    });
    expect(lost()).toBe(0);
    expect(path.list('granted')).toEqual({ ok: true, value: [] });
    expect(lost()).toBe(1);
  });

  it('tells which of several addresses failed, and why', () => {
    const { path, sim } = open();
    sim.failNext({ skip: 1, count: 1, errno: EIO });
    expect(path.add('granted', [V4, V6])).toEqual([
      DONE,
      { ok: false, error: 'add 2001:db8::1: Input/output error (EIO)' },
    ]);
  });

  it('takes its part of a batch of grants of both kinds, results in order', () => {
    const { portauth, path, sim } = open();
    const entry = (mac: string, port: string): Grant => ({
      mac: mac as Mac,
      port: port as PortName,
      vlan: 0,
    });
    const batch = [
      { ip: V4 },
      entry('02:00:00:00:00:01', 'p1'),
      { ip: V6 },
      entry('02:00:00:00:00:02', 'p9'),
    ];
    const grants = new Grants(portauth);
    grants.routed = path;
    sim.failNext({ skip: 2, count: 1, errno: EIO });
    expect(grants.grant(batch).map(({ ok }) => ok)).toEqual([true, true, false, false]);
    expect(grants.revoke(batch).map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(new Grants(portauth).grant([{ ip: V4 }])).toEqual([
      { ok: false, error: '192.0.2.1: the routed path is not ours' },
    ]);
  });
});
