// The administrator's cut: answered when it is proven, and who it is for.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Answer } from '../../src/report/answers.ts';
import type { SessionPayload } from '../../src/report/payloads.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { accountingRequest, SSO_SECRET } from '../rigs/sso.ts';

const CONFIG: ConfigPart = { roles: { staff: {}, guest: {} } };
const NOBODY = { unproven: [], superseded: [], turned_back: 0, bounced: [], not_bounced: [] };

/** Machines 1 and 2 are staff, 3 and 4 are guests; 1 and 3 are also u1. */
describe('four sessions', () => {
  let stage: SimulatedStage;
  let keys: readonly string[];

  beforeEach(async () => {
    const staff = { filterId: 'staff' };
    const guest = { filterId: 'guest' };
    stage = new SimulatedStage({
      machines: 4,
      config: CONFIG,
      replies: { u1: staff, u2: staff, u3: guest, u4: guest },
    });
    const sessions: SessionPayload[] = [];
    for (const n of [1, 2, 3, 4]) sessions.push(await stage.login(stage.machine(n)));
    for (const n of [1, 2, 3, 4]) await stage.passes(stage.machine(n));
    keys = sessions.map(({ key }) => key);
  });

  const cut = (request: object) => stage.net.command('disconnect', request) as Answer<'disconnect'>;
  /** Of machines. */
  const ended = () => stage.events('session-end').map(({ port, cause }) => `${port} ${cause}`);
  const sessionsOf = (...machines: readonly number[]) => machines.map((n) => keys[n - 1]);

  it.each<readonly [string, () => object, readonly number[]]>([
    ['MAC', () => ({ mac: stage.machine(2).mac }), [2]],
    ['IP', () => ({ ip: '10.99.0.13' }), [3]],
    ['user', () => ({ user: 'u4' }), [4]],
    ['port', () => ({ port: 'p1' }), [1]],
    ['role', () => ({ role: 'guest' }), [3, 4]],
    ['all', () => ({ all: true }), [1, 2, 3, 4]],
    ['role and port', () => ({ role: 'guest', port: 'p4' }), [4]],
    ['MAC, IP, user, port and role', () => ({ ...everyKeyOf2(), role: 'staff' }), [2]],
  ])('by %s: counted, locked out, and nobody else', async (_, request, machines) => {
    const answer = cut(request());
    const result = { disconnected: machines.length, sessions: sessionsOf(...machines), ...NOBODY };
    expect(answer).toEqual({ ok: true, result });
    for (const n of [1, 2, 3, 4])
      expect(await stage.isGranted(stage.machine(n).mac, `p${n}`)).toBe(!machines.includes(n));
    await stage.pass(100);
    expect(ended()).toEqual(machines.map((n) => `p${n} admin-reset`));
  });

  const everyKeyOf2 = () => ({ mac: stage.machine(2).mac, ip: '10.99.0.12', user: 'u2', port: 'p2' });

  it('a dry run ends nobody', async () => {
    expect(cut({ role: 'staff', dry_run: true, bounce: true })).toEqual({
      ok: true,
      result: { disconnected: 0, sessions: sessionsOf(1, 2), ...NOBODY, dry_run: true, others: 0 },
    });
    await stage.pass(1_000);
    expect(ended()).toEqual([]);
  });

  it('keys that fit nobody together are refused', () => {
    expect(cut({ role: 'guest', port: 'p1' })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('all, where there is nobody', () => {
    cut({ all: true });
    expect(cut({ all: true })).toEqual({ ok: true, result: { disconnected: 0, sessions: [], ...NOBODY } });
  });

  /** A request whose answer is not there yet: what it is, when it comes. */
  function later(request: object): { readonly answer: () => Answer<'disconnect'> | undefined } {
    const ref = stage.net.request('disconnect', request);
    return { answer: () => stage.net.answerTo(ref) as Answer<'disconnect'> | undefined };
  }

  it('waits for the removal that is tried again, and for no other reason', async () => {
    stage.failRevokes(1);
    const { answer } = later({ mac: stage.machine(1).mac });
    await stage.pass(900);
    expect(answer()).toBeUndefined();
    await stage.pass(300);
    expect(answer()).toEqual({ ok: true, result: { disconnected: 1, sessions: sessionsOf(1), ...NOBODY } });
  });

  it('names who is not proven locked out after 8 s; others are answered meanwhile', async () => {
    await stage.killSupplicant(stage.machine(1));
    stage.failRevokes(5);
    const { answer } = later({ mac: stage.machine(1).mac });
    await stage.pass(4_000);
    expect(stage.net.command('sessions')).toMatchObject({ ok: true });
    await stage.pass(3_900);
    expect(answer()).toBeUndefined();
    await stage.pass(200);
    expect(answer()).toMatchObject({
      ok: true,
      result: { disconnected: 0, sessions: [], unproven: sessionsOf(1) },
    });
    await stage.pass(60_000);
    expect(await stage.isGranted(stage.machine(1).mac, 'p1')).toBe(false);
  });

  it('finds one that is stuck when it is asked again, and waits for it', async () => {
    await stage.killSupplicant(stage.machine(1));
    // Tried after 0, 1, 3, 7, 15 and 31 s.
    stage.failRevokes(5);
    const { mac } = stage.machine(1);
    later({ mac });
    await stage.pass(9_000);
    expect(await stage.isGranted(mac, 'p1')).toBe(true);
    expect(cut({ mac, dry_run: true })).toMatchObject({ ok: true, result: { sessions: sessionsOf(1) } });
    expect(cut({ all: true, dry_run: true })).toMatchObject({ result: { sessions: sessionsOf(2, 3, 4, 1) } });
    const again = later({ mac });
    await stage.pass(9_000);
    const unproven = { ...NOBODY, unproven: sessionsOf(1) };
    expect(again.answer()).toEqual({ ok: true, result: { disconnected: 0, sessions: [], ...unproven } });
    await stage.pass(7_000);
    const last = later({ mac });
    await stage.pass(7_000);
    expect(last.answer()).toMatchObject({ result: { disconnected: 1, sessions: sessionsOf(1) } });
    expect(await stage.isGranted(mac, 'p1')).toBe(false);
    expect(cut({ mac })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('tells apart who is in again by an entry that would not go', async () => {
    const client = stage.machine(1);
    await stage.killSupplicant(client);
    stage.failRevokes(4);
    const { answer } = later({ mac: client.mac });
    await stage.pass(3_500);
    await stage.begin(client);
    await stage.pass(5_000);
    expect(answer()).toEqual({
      ok: true,
      result: { disconnected: 0, sessions: [], ...NOBODY, superseded: sessionsOf(1) },
    });
    expect(await stage.isGranted(client.mac, 'p1')).toBe(true);
  });

  it('with a bounce: the ports are down, and up again by themselves', async () => {
    expect(cut({ role: 'staff', bounce: true })).toEqual({
      ok: true,
      result: { disconnected: 2, sessions: sessionsOf(1, 2), ...NOBODY, bounced: ['p1', 'p2'] },
    });
    await stage.pass(100);
    expect(ended()).toEqual(['p1 admin-reset', 'p2 admin-reset']);
    const held = async () => JSON.stringify(await stage.ask('ports')).match(/"held_down":"bounce"/g)?.length;
    expect(await held()).toBe(2);
    expect(cut({ port: 'p3', bounce: true })).toMatchObject({ ok: true, result: { bounced: ['p3'] } });
    await stage.pass(9_000);
    expect(await held()).toBe(3);
    await stage.pass(2_000);
    expect(await held()).toBeUndefined();
    await stage.until('u1 in again', () => stage.retained(stage.machine(1).mac), 10_000);
  });
});

it('a bounce puts out whoever else is on the port, and a dry run says how many', async () => {
  const stage = new SimulatedStage({ machines: 3, onePort: true });
  for (const n of [1, 2, 3]) await stage.login(stage.machine(n));
  const request = { user: 'u2', bounce: true };
  expect(await stage.ask('disconnect', { ...request, dry_run: true })).toMatchObject({ others: 2 });
  expect(await stage.ask('disconnect', request)).toMatchObject({ disconnected: 1, bounced: ['p1'] });
  await stage.pass(100);
  expect(stage.events('session-end').map(({ user_name: user, cause }) => `${user} ${cause}`)).toEqual([
    'u2 admin-reset',
    'u1 port-reinit',
    'u3 port-reinit',
  ]);
});

describe('who has no session, and would have one', () => {
  it.each<readonly [string, (mac: string) => object]>([
    ['MAC', (mac) => ({ mac })],
    ['port', () => ({ port: 'p1' })],
    ['user', () => ({ user: 'u1' })],
    ['role', () => ({ role: 'default' })],
    ['all', () => ({ all: true })],
  ])('on the way in, by %s: turned back, and counted', async (_, selector) => {
    const stage = new SimulatedStage({
      machines: 1,
      vlans: { onUplink: [30] },
      replies: { u1: { vlan: '30' } },
    });
    const { bridge } = stage.net;
    const refs: number[] = [];
    const request = selector(stage.machine(1).mac);
    const vlanMap = bridge.vlanMap.bind(bridge);
    // While the bridge is read for it.
    bridge.vlanMap = () => {
      if (refs.length < 2)
        for (const more of [{ dry_run: true }, {}])
          refs.push(stage.net.request('disconnect', { ...request, ...more }));
      return vlanMap();
    };
    await stage.begin(stage.machine(1));
    await stage.until('an answer', () => refs.length > 0, 5_000);
    const result = { disconnected: 0, sessions: [], ...NOBODY, turned_back: 1 };
    expect(refs.map((ref) => stage.net.answerTo(ref))).toEqual([
      { ok: true, result: { ...result, dry_run: true, others: 0 } },
      { ok: true, result },
    ]);
    await stage.pass(500);
    expect(stage.events('session-start')).toEqual([]);
    expect(stage.events('auth-failed')).toMatchObject([{ detail: 'by an administrator' }]);
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([]);
  });

  it('logged in at a concentrator, when a timer has ended the session: kept out, and counted', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      config: {
        l3: { ingress: ['vpn0'] },
        sso: { role: 'vpn', clients: [{ address: '192.0.2.10', secret: SSO_SECRET }] },
        roles: { vpn: { session_s: 60 } },
      },
    });
    const ip = '10.0.0.1' as Ip;
    const tell = (kind: 'start' | 'interim', session = 's1') => {
      const bytes = accountingRequest(kind, { session, user: 'alice', ips: [ip] });
      stage.net.post({ type: 'sso-requests', datagrams: [{ address: '192.0.2.10', port: 40_000, bytes }] });
    };
    tell('start');
    await stage.pass(61_000);
    expect(stage.events('session-end').map(({ cause }) => cause)).toEqual(['session-timeout']);
    const cut = (request: object) => stage.net.command('disconnect', request);
    expect(cut({ user: 'bob' })).toMatchObject({ ok: false, error: { code: 'not-found' } });
    expect(cut({ user: 'alice' })).toEqual({
      ok: true,
      result: { disconnected: 0, sessions: [], ...NOBODY, turned_back: 1 },
    });
    stage.net.routed.packet(ip);
    tell('interim');
    await stage.pass(2_000);
    expect(stage.net.routed.packet(ip)).toBe(false);
    tell('start', 's2');
    expect(stage.net.routed.packet(ip)).toBe(true);
  });
});
