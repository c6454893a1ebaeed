// The agent torn away, and the next one on what it left: what the accounting server hears of both together.

import { describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { AcctTerminateCause } from '../../src/model/cause.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { judge } from '../rigs/accounting-judge.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import type { SimClient } from '../rigs/sim/client.ts';
import type { TimedRow } from '../rigs/sim/radius-peer.ts';
import { SimulatedSwitch, type SwitchOptions } from '../rigs/sim/simulated-switch.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import { PASSWORD } from '../scenarios/stage.ts';

const USERS = 4;

interface Life {
  readonly net: SimulatedSwitch;
  readonly clients: readonly SimClient[];
}

interface LifeOptions {
  readonly pauseMs?: number;
  readonly clockStepMs?: number;
  readonly config?: ConfigPart;
  readonly options?: Partial<SwitchOptions>;
}

/** A switch with four machines, started on what `before` left `pauseMs` ago, by a clock that was stepped meanwhile. */
function live(
  before?: SimulatedSwitch,
  { pauseMs = 5_000, clockStepMs = 0, config = {}, options = {} }: LifeOptions = {},
): Life {
  const numbers = Array.from({ length: USERS }, (_, i) => i + 1);
  const net = new SimulatedSwitch({
    config: simFile(config),
    ports: numbers.map((n) => `p${n}`),
    bootId: before === undefined ? 'b007' : 'b008',
    ...(before === undefined
      ? {}
      : { disk: before.disk, wallMs: before.world.clocks.wall + pauseMs + clockStepMs }),
    ...options,
  });
  for (const n of numbers) net.servers[0]?.users.set(`u${n}`, { password: PASSWORD, reply: {} });
  const clients = numbers.map((n) =>
    net.addClient({
      mac: `02:99:00:00:00:0${n}` as Mac,
      port: `p${n}` as PortName,
      ipv4: `10.99.0.${10 + n}` as Ipv4,
      user: { identity: `u${n}`, password: PASSWORD },
    }),
  );
  net.boot();
  return { net, clients };
}

function light(net: SimulatedSwitch, on: boolean): void {
  for (const server of net.servers) server.accounting = on;
}

function rowsOf(...nets: readonly SimulatedSwitch[]): readonly TimedRow[] {
  return nets.flatMap(({ servers }) => servers.flatMap(({ rows }) => rows));
}

const QUICK: ConfigPart = { roles: { default: { handshake: { period_s: 3, times: 3 } } } };

/** Everything that can happen to a session, by light and in the dark; until its end, or until the agent is torn away. */
function story({ net, clients }: Life): void {
  const [a, b, c, d] = clients as [SimClient, SimClient, SimClient, SimClient];
  const steps: readonly (readonly [ms: number, act: () => void])[] = [
    [500, () => a.supplicant.start()],
    [0, () => b.supplicant.start()],
    [6_000, () => light(net, false)],
    [0, () => a.supplicant.logoff()],
    [1_000, () => c.supplicant.start()],
    [2_000, () => (b.silent = true)],
    [14_000, () => c.supplicant.logoff()],
    [0, () => d.supplicant.start()],
    [3_000, () => light(net, true)],
    [20_000, () => undefined],
  ];
  for (const [ms, act] of steps) {
    net.advance(ms);
    if (net.dead) return;
    act();
  }
}

describe('torn away', () => {
  it('after any single write: one Start, one Stop, in their order, of every session that a server heard of', () => {
    const whole = live(undefined, { config: QUICK });
    story(whole);
    expect(whole.net.writes).toBeGreaterThan(10);
    const causes = new Set<number | undefined>();
    for (let write = 1; write <= whole.net.writes; write++) {
      const first = live(undefined, { config: QUICK });
      first.net.diesAtWrite = write;
      story(first);
      first.net.dead = true;
      const second = live(first.net, { config: QUICK });
      second.net.advance(35_000);
      const rows = rowsOf(first.net, second.net);
      expect(judge(rows), `torn away at write ${write}`).toEqual([]);
      expect([...second.net.disk.keys()], `after write ${write}`).toEqual([]);
      for (const { terminateCause } of rowsOf(second.net)) causes.add(terminateCause);
    }
    expect(causes).toContain(AcctTerminateCause['NAS-Reboot']);
    expect(causes).toContain(AcctTerminateCause['User-Request']);
  }, 60_000);

  it('in its recovery, again and again: still one Stop each', () => {
    const first = live();
    first.net.advance(500);
    for (const { supplicant } of first.clients) supplicant.start();
    first.net.advance(5_000);
    first.net.dead = true;
    const lives = [first.net];
    for (let write = 1; write <= 8; write++) {
      const next = live(lives.at(-1));
      light(next.net, write % 3 === 0);
      next.net.diesAtWrite = write;
      // The boot itself has been before: what it writes is what the next one finds.
      next.net.advance(3_000);
      lives.push(next.net);
    }
    const last = live(lives.at(-1));
    last.net.advance(120_000);
    lives.push(last.net);
    expect(judge(rowsOf(...lives))).toEqual([]);
    const told = lives
      .flatMap(({ events }) => events)
      .flatMap((event) => (event.type === 'session-end' ? [event.session_id] : []));
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told).size).toBe(told.length);
    expect(new Set(rowsOf(...lives).map(({ sessionId }) => sessionId)).size).toBeGreaterThanOrEqual(USERS);
  });
});

describe('a session that is found dead', () => {
  it('ended at its last evidence, as far as that was stored', () => {
    const config = { radius: { accounting: { spool: { evidence_s: 10 } } }, handshake: {} };
    const { net, clients } = live(undefined, { config });
    clients[0]?.supplicant.start();
    net.advance(30_000);
    clients[0]?.talk(1_000);
    net.advance(33_000);
    const lastSeenS = Math.floor(net.world.clocks.wall / 1000);
    net.dead = true;
    const second = live(net, { pauseMs: 100_000, config });
    second.net.advance(5_000);
    const [stop] = rowsOf(second.net);
    expect(rowsOf(second.net)).toHaveLength(1);
    expect(stop).toMatchObject({ status: 'Stop', userName: 'u1', terminateCause: 11 });
    expect(stop?.eventS).toBeGreaterThanOrEqual(lastSeenS - 12);
    expect(stop?.eventS).toBeLessThanOrEqual(lastSeenS);
    expect(stop?.delayS).toBeGreaterThanOrEqual(100);
    expect(stop?.sessionTimeS).toBeGreaterThanOrEqual(45);
  });

  it('after an orderly stop of the agent: at what was known at its end', () => {
    const { net, clients } = live();
    clients[0]?.supplicant.start();
    net.advance(5_000);
    clients[0]?.talk(1_000);
    net.advance(60_000);
    const lastSeenS = Math.floor(net.world.clocks.wall / 1000);
    net.post({ type: 'stopping' });
    net.dead = true;
    const second = live(net);
    second.net.advance(5_000);
    const [stop] = rowsOf(second.net);
    expect(stop).toMatchObject({ status: 'Stop', terminateCause: 11 });
    expect(Math.abs((stop?.eventS ?? 0) - lastSeenS)).toBeLessThanOrEqual(2);
    expect(Math.abs((stop?.sessionTimeS ?? 0) - 64)).toBeLessThanOrEqual(2);
  });

  it('is told upstream, once, when its Stop is stored: a newer session of the same client keeps its topic', () => {
    const config = { radius: { accounting: { spool: { evidence_s: 10 } } } };
    const { net, clients } = live(undefined, { config });
    clients[0]?.supplicant.start();
    clients[1]?.supplicant.start();
    net.advance(5_000);
    clients[0]?.talk(1_000);
    net.advance(33_000);
    const started = net.events.filter(({ type }) => type === 'session-start');
    net.dead = true;
    const second = live(net, { pauseMs: 100_000, config });
    second.clients[0]?.supplicant.start();
    second.net.advance(5_000);
    const ends = second.net.events.filter((event) => event.type === 'session-end');
    expect(ends.map(({ session_id }) => session_id).sort()).toEqual(
      started.map((event) => event.type === 'session-start' && event.session.session_id).sort(),
    );
    const [end] = ends.filter(({ user_name }) => user_name === 'u1');
    const [begun] = started.filter((event) => event.type === 'session-start' && event.session.port === 'p1');
    const stop = rowsOf(second.net).find(({ status, userName }) => status === 'Stop' && userName === 'u1');
    expect(end).toMatchObject({
      key: '02-99-00-00-00-01',
      port: 'p1',
      vlan: 0,
      role: 'default',
      method: 'dot1x',
      cause: 'nas-reboot',
      acct_terminate_cause: 11,
      session_time_s: stop?.sessionTimeS,
      started: begun?.type === 'session-start' && begun.session.started,
      relock: { verified: false, tries: 0 },
    });
    expect(Date.parse(end?.evidence.last_seen ?? '') / 1000).toBeCloseTo(stop?.eventS ?? 0, -1);
    expect(end?.evidence.last_seen_by).not.toBe('login');
    expect(second.net.retained.get('rollcall/v1/sw1/session/02-99-00-00-00-01')).toMatchObject({
      user_name: 'u1',
    });
    expect(second.net.retained.has('rollcall/v1/sw1/session/02-99-00-00-00-02')).toBe(false);
    // Found by nobody any more.
    second.net.dead = true;
    const third = live(second.net, { config });
    third.net.advance(5_000);
    const again = third.net.events.filter((event) => event.type === 'session-end');
    expect(again.map(({ user_name }) => user_name)).toEqual(['u1']);
    expect(again[0]?.session_id).not.toBe(end?.session_id);
  });

  it('not before what an interim has said of it', () => {
    const config = {
      radius: { accounting: { interim_s: 60 } },
      roles: { default: { handshake: { period_s: 600 } } },
    };
    const { net, clients } = live(undefined, { config });
    clients[0]?.supplicant.start();
    net.advance(100_000);
    const interim = rowsOf(net).find(({ status }) => status === 'Interim-Update');
    net.dead = true;
    const second = live(net, { config });
    second.net.advance(5_000);
    const [stop] = rowsOf(second.net);
    expect(interim?.sessionTimeS).toBeGreaterThan(50);
    expect(stop).toMatchObject({
      status: 'Stop',
      sessionTimeS: interim?.sessionTimeS,
      eventS: interim?.eventS,
    });
  });

  it('by a clock that went back: no negative delay, and the right one as soon as the clock is right again', () => {
    const { net, clients } = live();
    clients[0]?.supplicant.start();
    net.advance(5_000);
    net.dead = true;
    const second = live(net, { clockStepMs: -3_600_000 });
    light(second.net, false);
    second.net.advance(1_000);
    light(second.net, true);
    second.net.advance(30_000);
    expect(rowsOf(second.net)).toMatchObject([{ status: 'Stop', eventS: expect.any(Number) }]);
    expect(rowsOf(second.net)[0]?.delayS).toBeLessThan(40);
  });
});

describe('Accounting-On', () => {
  const ons = (net: SimulatedSwitch): number =>
    rowsOf(net).filter(({ status }) => status === 'Accounting-On').length;

  it('is said after a start that found nothing of a session', () => {
    const first = live();
    first.net.advance(5_000);
    expect(ons(first.net)).toBe(1);
    const second = live(first.net);
    second.net.advance(5_000);
    expect(ons(second.net)).toBe(1);
  });

  it('is not said where sessions were found, living or with records on their way: each has a Stop of its own', () => {
    const first = live();
    first.clients[0]?.supplicant.start();
    first.net.advance(5_000);
    first.net.dead = true;
    const second = live(first.net);
    light(second.net, false);
    second.net.advance(5_000);
    second.net.dead = true;
    const third = live(second.net);
    third.net.advance(60_000);
    expect(rowsOf(second.net, third.net).map(({ status }) => status)).toEqual(['Stop']);
    const fourth = live(third.net);
    fourth.net.advance(5_000);
    expect(ons(fourth.net)).toBe(1);
  });

  it('of an earlier start that nobody heard comes before the one of this start, if at all', () => {
    const first = live();
    light(first.net, false);
    first.net.advance(5_000);
    first.net.dead = true;
    const second = live(first.net);
    second.net.advance(60_000);
    const times = rowsOf(second.net).map(({ eventS }) => eventS);
    expect(times).toEqual([...times].sort((x, y) => x - y));
    expect(times.at(-1)).toBe(Math.floor((second.net.world.clocks.wall - 60_000) / 1000));
    expect(ons(second.net)).toBe(times.length);
    expect([...second.net.disk.keys()]).toEqual([]);
  });
});

describe('a reauthentication', () => {
  it('of the same user is neither an end nor a beginning', () => {
    const { net, clients } = live();
    clients[0]?.supplicant.start();
    net.advance(5_000);
    const questions = net.servers[0]?.questions ?? 0;
    expect(net.command('reauthenticate', { all: true })).toMatchObject({ ok: true });
    net.advance(5_000);
    clients[0]?.supplicant.sendBareStart();
    net.advance(5_000);
    expect(net.servers[0]?.questions).toBeGreaterThanOrEqual(questions + 4);
    expect(rowsOf(net).map(({ status }) => status)).toEqual(['Accounting-On', 'Start']);
  });
});

describe('somebody without a server’s word', () => {
  it('has no record, and nothing in the store that would become one', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      vlans: { onUplink: [90] },
      config: {
        ports: { 'p*': { guest_vlan: 90, dot1x: { tx_period_s: 1 } } },
        radius: { accounting: { interim_s: 60, spool: { evidence_s: 10 } } },
      },
    });
    await stage.announce(stage.machine(1));
    await stage.pass(30_000);
    expect((await stage.retained(stage.machine(1).mac))?.method).toBe('guest');
    await stage.talk(stage.machine(1), 150_000);
    stage.net.post({ type: 'stopping' });
    expect([...stage.net.disk.keys()].filter((key) => !key.startsWith('u'))).toEqual([]);
    expect(rowsOf(stage.net).map(({ status }) => status)).toEqual(['Accounting-On']);
  });
});

describe('a store that comes late, or not at all', () => {
  const kinds = (net: SimulatedSwitch): readonly string[] => rowsOf(net).map(({ status }) => status);

  it('holds up no login; what was recorded meanwhile follows in its order, and logouts end', () => {
    const { net, clients } = live(undefined, { options: { storeAfterMs: 4_000 } });
    const [a] = clients;
    a?.supplicant.start();
    net.advance(2_000);
    expect(a?.supplicant.authorized).toBe(true);
    a?.supplicant.logoff();
    net.advance(1_000);
    expect(kinds(net)).toEqual([]);
    expect(net.command('info')).toMatchObject({
      result: { accounting: { pending: 2, oldest_s: 3, store: 'opening' } },
    });
    expect(net.events.filter(({ type }) => type === 'session-end')).toHaveLength(0);
    net.advance(3_000);
    expect(kinds(net)).toEqual(['Accounting-On', 'Start', 'Stop']);
    expect(net.events.filter(({ type }) => type === 'session-end')).toHaveLength(1);
    expect(net.command('info')).toMatchObject({
      result: { accounting: { pending: 0, oldest_s: null, store: 'durable', store_octets: 4096 } },
    });
  });

  it('that cannot be had is said; records are sent all the same, and kept until they are answered', () => {
    const { net, clients } = live(undefined, { options: { storeError: 'there is no disk' } });
    const [a] = clients;
    light(net, false);
    a?.supplicant.start();
    net.advance(2_000);
    a?.supplicant.logoff();
    net.advance(2_000);
    expect(net.events.filter(({ type }) => type === 'warning')).toMatchObject([
      { code: 'spool', message: 'there is no disk' },
    ]);
    expect(net.events.filter(({ type }) => type === 'session-end')).toHaveLength(1);
    light(net, true);
    net.advance(70_000);
    expect(kinds(net)).toEqual(['Accounting-On', 'Start', 'Stop']);
    expect(net.command('info')).toMatchObject({ result: { accounting: { pending: 0, store: 'none' } } });
  });

  it('that is full for a while is said once, and once when it is not any more', () => {
    const { net } = live();
    const failing = { state: 'failing', octets: 4096, warnings: ['there is no room left'] } as const;
    net.post({ type: 'spool-status', status: failing });
    expect(net.command('info')).toMatchObject({ result: { accounting: { store: 'failing' } } });
    expect(net.retained.get('rollcall/v1/sw1/info')).toMatchObject({ accounting: { store: 'failing' } });
    net.post({ type: 'spool-status', status: { state: 'durable', octets: 8192, warnings: [] } });
    expect(net.events.filter(({ type }) => type === 'warning')).toMatchObject([
      { code: 'spool', message: 'there is no room left' },
      { code: 'spool-recovered' },
    ]);
  });
});
