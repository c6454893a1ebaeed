// The administrator's cut: answered when it is proven, and who it is for.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../src/report/answers.ts';
import type { SessionPayload } from '../../src/report/payloads.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

const CONFIG: ConfigPart = { roles: { staff: {}, guest: {} } };
const NOBODY = { unproven: [], bounced: [], not_bounced: [] };

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
