// The login page's part of the agent: on the simulated switch, whose RADIUS server takes PAP and CHAP.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { Ip, Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { Answer, Page } from '../../src/web/page.ts';
import type { Visitor, Wish } from '../../src/web/visit.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { GATEWAY } from '../rigs/sim/simulated-switch.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { accountingRequest, SSO_SECRET } from '../rigs/sso.ts';
import { deviceName, type Machine, PASSWORD, type Reply } from '../scenarios/stage.ts';

const NOBODY = { identity: 'nobody', password: '' };
const ROUTER = '02:00:00:00:00:fe' as Mac;
const QUICK = { tx_period_s: 1, reauth_max: 1, server_timeout_s: 5 };

interface Options {
  readonly config?: ConfigPart;
  readonly port?: ConfigPart;
  readonly replies?: Readonly<Record<string, Reply>>;
  readonly devices?: readonly number[];
}

/** Machine 1 is a stranger at the page. */
async function strangerAt(options: Options = {}, machines = 2): Promise<SimulatedStage> {
  const { config = {}, port = {}, replies = {}, devices = [] } = options;
  const stage = new SimulatedStage({
    machines,
    users: ['alice'],
    devices,
    replies,
    config: {
      web: {},
      dot1x: QUICK,
      ports: { 'p*': { portal: true, ...port } },
      ...config,
    },
  });
  await becomeStranger(stage, stage.machine(1));
  return stage;
}

async function becomeStranger(stage: SimulatedStage, machine: Machine): Promise<void> {
  await stage.passes(machine);
  await stage.until('the page', () => methodOf(stage, machine).then((method) => method === 'portal'), 20_000);
}

async function methodOf(stage: SimulatedStage, { mac }: Machine): Promise<string | undefined> {
  return (await stage.retained(mac))?.method;
}

const visitor = ({ n, mac }: Machine) => ({ mac: mac as Mac, ip: `10.99.0.${10 + n}` as Ip });

/** Asks and waits for the answer, for a minute at most. */
async function ask(stage: SimulatedStage, machine: Machine, wish: Wish): Promise<Answer> {
  const answer = stage.net.visit({ visitor: visitor(machine), wish });
  return stage.until('an answer', () => answer(), 60_000);
}

async function look(stage: SimulatedStage, machine: Machine): Promise<Page> {
  return pageOf(await ask(stage, machine, { type: 'look' }));
}

function pageOf(answer: Answer): Page {
  if (answer.type !== 'page') throw new Error('no page');
  return answer.page;
}

async function wordOf(stage: SimulatedStage, machine: Machine): Promise<string> {
  const page = await look(stage, machine);
  return 'formToken' in page ? page.formToken : '';
}

async function login(
  stage: SimulatedStage,
  machine: Machine,
  password = PASSWORD,
  userName = 'alice',
): Promise<Answer> {
  const formToken = await wordOf(stage, machine);
  return ask(stage, machine, { type: 'login', userName, password: utf8(password), formToken });
}

/** Strangers with MACs of their own, spread over the first ports. */
async function crowd(stage: SimulatedStage, size: number, ports: number): Promise<readonly Visitor[]> {
  const many = Array.from({ length: size }, (_, i) => ({
    ip: `10.99.0.${100 + i}` as Ipv4,
    mac: `02:99:00:00:01:${(16 + i).toString(16)}` as Mac,
  }));
  for (const [i, { mac, ip }] of many.entries()) {
    const port = `p${1 + (i % ports)}` as PortName;
    stage.net.addClient({ mac, port, ipv4: ip, user: NOBODY }).ping(GATEWAY);
  }
  await stage.until('a crowd', () => many.every(({ mac }) => stage.net.confined.has(mac)), 60_000);
  return many;
}

/** What is shown at once. */
function seen(stage: SimulatedStage, visitor: Visitor): Page {
  return pageOf(stage.net.visit({ visitor, wish: { type: 'look' } })() ?? { type: 'see-status' });
}

/** A wrong password; nobody waits for the answer. */
function guess(stage: SimulatedStage, visitor: Visitor): void {
  const page = seen(stage, visitor);
  const formToken = 'formToken' in page ? page.formToken : '';
  const wish: Wish = { type: 'login', userName: 'alice', password: utf8('wrong'), formToken };
  stage.net.visit({ visitor, wish });
}

async function logout(stage: SimulatedStage, machine: Machine): Promise<Page> {
  return pageOf(await ask(stage, machine, { type: 'logout', formToken: await wordOf(stage, machine) }));
}

const questions = (stage: SimulatedStage): number => stage.net.servers[0]?.questions ?? 0;
const IN = { type: 'see-status' };

describe('a stranger', () => {
  it('is confined before the entry is written, and reaches the form', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    const order = stage.net.performed
      .map(({ effect }) => effect)
      .filter((effect) => effect.type === 'confine' || (effect.type === 'grant' && 'mac' in effect.key))
      .map(({ type }) => type);
    expect(order).toEqual(['confine', 'grant']);
    expect(await look(stage, machine)).toMatchObject({ kind: 'login' });
    expect(await stage.retained(machine.mac)).toMatchObject({ authenticated: false, method: 'portal' });
    expect(await stage.accounting()).toEqual([expect.objectContaining({ status: 'Accounting-On' })]);
  });

  it('is not let in where it cannot be confined', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      config: { web: {}, dot1x: QUICK, ports: { 'p*': { portal: true } } },
    });
    stage.net.faults.confines = 1;
    const machine = stage.machine(1);
    await stage.passes(machine);
    await stage.until(
      'a refusal',
      () => stage.net.logs.some((line) => line.includes('confines fail by order')),
      20_000,
    );
    expect(await stage.isGranted(machine.mac, machine.port)).toBe(false);
    // Its next frames bring it there.
    await becomeStranger(stage, machine);
  });

  it('is let in nowhere without a packet filter, and `info` says so', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      config: { web: {}, dot1x: QUICK, ports: { 'p*': { portal: true } } },
    });
    stage.net.post({ type: 'confinement', left: [], error: 'nft: not found' });
    await stage.passes(stage.machine(1));
    await stage.pass(20_000);
    expect(await methodOf(stage, stage.machine(1))).toBeUndefined();
    expect(JSON.stringify(await stage.ask('info'))).toContain('none is let in to see it: nft: not found');
  });

  it('is out when the packet filter is lost', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    stage.net.post({ type: 'confinement', left: [], error: 'the rules cannot be made anew' });
    await stage.pass(1_000);
    expect(stage.events('session-end').at(-1)).toMatchObject({ method: 'portal', cause: 'nas-error' });
    expect(await stage.isGranted(machine.mac, machine.port)).toBe(false);
  });

  it('is held again after a release that was done and told as failed', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    stage.net.faults.releasesUntold = 1;
    await login(stage, machine);
    expect(stage.net.confined.size).toBe(0);
    await logout(stage, machine);
    await stage.pass(100);
    expect(await methodOf(stage, machine)).toBe('portal');
    expect([...stage.net.confined]).toEqual([machine.mac]);
    await stage.pass(5_000);
    expect([...stage.net.confined]).toEqual([machine.mac]);
  });

  it('is not let in when it was confined and told as not, and is free as soon as it is a user', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      config: { web: {}, dot1x: QUICK, ports: { 'p*': { portal: true } } },
    });
    const machine = stage.machine(1);
    stage.net.faults.confinesUntold = 1;
    stage.net.faults.releases = 1;
    await stage.passes(machine);
    await stage.until('the set', () => stage.net.confined.size > 0, 20_000);
    await stage.login(machine);
    await stage.pass(3_000);
    expect(await methodOf(stage, machine)).toBe('dot1x');
    expect(stage.net.confined.size).toBe(0);
  });

  it('that comes up on another port is asked about anew: that one may not be able to hold it', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    const { port } = stage.machine(2);
    // Its entry will not go, so the MAC stays in the set.
    stage.failRevokes(1_000);
    await stage.unplug(machine);
    await stage.pass(1_000);
    expect([...stage.net.confined]).toEqual([machine.mac]);
    const [client] = stage.net.clients;
    if (client === undefined) throw new Error('there is no client');
    client.port = port as PortName;
    client.ping(GATEWAY);
    stage.net.faults.confines = 1;
    await stage.until('a refusal', () => stage.net.faults.confines === 0, 30_000);
    expect(await stage.isGranted(machine.mac, port)).toBe(false);
  });

  it('of an earlier run leaves the set after its entry has left the table, and not before', async () => {
    const stage = await strangerAt();
    const { mac, port } = stage.machine(1);
    stage.failRevokes(2);
    await stage.killAgent('its store is lost');
    await stage.pass(500);
    expect(await stage.isGranted(mac, port)).toBe(true);
    expect([...stage.net.confined]).toEqual([mac]);
    await stage.pass(5_000);
    expect(await stage.isGranted(mac, port)).toBe(false);
    expect(stage.net.confined.size).toBe(0);
  });

  it('of an earlier run leaves the set, too, where the page is opened after its entry has gone', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      config: { web: {}, dot1x: QUICK, ports: { 'p*': { portal: true } } },
    });
    const mac = stage.machine(1).mac as Mac;
    await stage.pass(1_000);
    stage.net.confined.add(mac);
    stage.net.post({ type: 'confinement', left: [mac] });
    await stage.pass(100);
    expect(stage.net.confined.size).toBe(0);
  });

  it('is out and out of the set before a drain is over', async () => {
    const stage = await strangerAt();
    stage.net.faults.releases = 2;
    await stage.ask('drain');
    await stage.pass(2_000);
    expect(stage.net.drained).toBe(false);
    await stage.pass(3_000);
    expect(stage.net.drained).toBe(true);
    expect(stage.net.confined.size).toBe(0);
  });

  it('is one of 64 on a port at most', async () => {
    const stage = new SimulatedStage({
      machines: 70,
      onePort: true,
      config: { web: {}, dot1x: QUICK, ports: { 'p*': { portal: true } } },
    });
    for (let n = 1; n <= 70; n++) stage.net.clients[n - 1]?.ping(GATEWAY);
    await stage.pass(60_000);
    const { sessions } = (await stage.ask('sessions')) as { readonly sessions: readonly unknown[] };
    expect(sessions).toHaveLength(64);
  });
});

describe('a login', () => {
  it.each(['pap', 'chap'])(
    'by %s: the entry is handed over, and only then is the client free',
    async (authentication) => {
      const stage = await strangerAt({ config: { web: { authentication } } });
      const machine = stage.machine(1);
      stage.net.performed.length = 0;
      expect(await login(stage, machine)).toEqual(IN);
      expect(await stage.retained(machine.mac)).toMatchObject({
        method: 'web',
        user_name: 'alice',
        ipv4: '10.99.0.11',
      });
      const order = stage.net.performed.map(({ effect }) => effect.type);
      expect(order).not.toContain('revoke');
      const said = stage.net.performed.map(({ effect }) => JSON.stringify(effect).includes('session-start'));
      expect(said).toContain(true);
      expect(order.indexOf('release')).toBeGreaterThan(said.lastIndexOf(true));
      expect(order.indexOf('release')).toBeLessThan(order.lastIndexOf('web-answer'));
      expect(stage.net.confined.size).toBe(0);
      expect(stage.events('session-end')).toMatchObject([
        { method: 'portal', cause: 'authorization-changed' },
      ]);
      expect((await stage.accounting()).filter(({ userName }) => userName !== '')).toMatchObject([
        { status: 'Start', userName: 'alice' },
      ]);
    },
  );

  it('with a wrong password: nothing changes, and the server’s word is shown', async () => {
    const stage = await strangerAt();
    const page = pageOf(await login(stage, stage.machine(1), 'wrong'));
    expect(page).toMatchObject({
      kind: 'login',
      userName: 'alice',
      notice: { type: 'wrong-password', replyMessage: 'refused by the lab' },
    });
    expect(stage.events('auth-failed').at(-1)).toMatchObject({ method: 'web', reason: 'access-reject' });
    expect(await methodOf(stage, stage.machine(1))).toBe('portal');
    expect(stage.net.confined.size).toBe(1);
  });

  it('without a server: said so within its time', async () => {
    const stage = await strangerAt();
    await stage.serverSilent(true);
    const began = stage.now();
    expect(pageOf(await login(stage, stage.machine(1)))).toMatchObject({ notice: { type: 'no-server' } });
    expect(stage.now() - began).toBeLessThanOrEqual(5_200);
  });

  it('that the switch cannot carry out: said so, and the stranger stays confined', async () => {
    const stage = await strangerAt({ replies: { alice: { vlan: '30' } } });
    expect(pageOf(await login(stage, stage.machine(1)))).toMatchObject({ notice: { type: 'not-possible' } });
    expect(await methodOf(stage, stage.machine(1))).toBe('portal');
    expect(stage.net.confined.size).toBe(1);
  });

  it('twice at once: one is asked about', async () => {
    const stage = await strangerAt();
    await stage.serverSilent(true);
    const machine = stage.machine(1);
    const formToken = await wordOf(stage, machine);
    const wish: Wish = { type: 'login', userName: 'alice', password: utf8(PASSWORD), formToken };
    const first = stage.net.visit({ visitor: visitor(machine), wish });
    const second = stage.net.visit({ visitor: visitor(machine), wish });
    expect(second()).toMatchObject({ page: { notice: { type: 'under-way' } } });
    await stage.serverSilent(false);
    expect(await stage.until('an answer', () => first(), 10_000)).toEqual(IN);
  });

  it('too often: the server is not asked any more', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    const before = questions(stage);
    const notices: unknown[] = [];
    for (let i = 0; i < 8; i++) {
      const page = pageOf(await login(stage, machine, 'wrong'));
      if (page.kind === 'login') notices.push(page.notice?.type);
    }
    expect(notices).toEqual([...Array(5).fill('wrong-password'), ...Array(3).fill('too-many')]);
    expect(questions(stage) - before).toBe(5);
    await stage.pass(13_000);
    expect(await login(stage, machine)).toEqual(IN);
  });

  it.each([
    ['no word', { formToken: '' }, 'form-expired'],
    ['somebody else’s word', 'other', 'form-expired'],
    ['an old word', 'old', 'form-expired'],
    ['no name', { userName: '' }, 'incomplete'],
    ['no password', { password: utf8('') }, 'incomplete'],
    ['a long name', { userName: 'x'.repeat(254) }, 'too-long'],
    ['a long password', { password: utf8('x'.repeat(129)) }, 'too-long'],
  ] as const)('with %s: nobody is asked', async (_, change, notice) => {
    const stage = await strangerAt({ port: { handshake: 'off' } });
    await becomeStranger(stage, stage.machine(2));
    const machine = stage.machine(1);
    const formToken = await wordOf(stage, change === 'other' ? stage.machine(2) : machine);
    if (change === 'old') await stage.pass(3_601_000);
    const before = questions(stage);
    const wish: Wish = {
      type: 'login',
      userName: 'alice',
      password: utf8(PASSWORD),
      formToken,
      ...(typeof change === 'string' ? {} : change),
    };
    expect(pageOf(await ask(stage, machine, wish))).toMatchObject({
      kind: 'login',
      notice: { type: notice },
    });
    expect(questions(stage)).toBe(before);
  });

  it('whose port closes meanwhile is over', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    await stage.serverSilent(true);
    const formToken = await wordOf(stage, machine);
    const answer = stage.net.visit({
      visitor: visitor(machine),
      wish: { type: 'login', userName: 'alice', password: utf8(PASSWORD), formToken },
    });
    await stage.unplug(machine);
    await stage.pass(1_000);
    expect(answer()).toMatchObject({ page: { notice: { type: 'not-possible' } } });
    await stage.serverSilent(false);
    await stage.pass(10_000);
    expect(await methodOf(stage, machine)).toBeUndefined();
    expect(stage.net.confined.size).toBe(0);
  });
});

describe('a logout', () => {
  it('ends the session with its cause, and the client is at the page again', async () => {
    const stage = await strangerAt({ replies: { alice: { sessionTimeoutS: 600 } } });
    const machine = stage.machine(1);
    await login(stage, machine);
    await stage.pass(60_000);
    const page = await look(stage, machine);
    expect(page).toMatchObject({
      kind: 'status',
      userName: 'alice',
      method: 'web',
      remaining: { atEnd: 'ends' },
    });
    if (page.kind !== 'status') throw new Error('no status');
    expect(page.onlineS).toBeCloseTo(60, 0);
    expect(page.remaining?.seconds).toBeCloseTo(540, 0);
    expect(await logout(stage, machine)).toMatchObject({
      kind: 'logged-out',
      userName: 'alice',
      again: true,
    });
    await stage.pass(100);
    expect(stage.events('session-end').at(-1)).toMatchObject({
      cause: 'web-logout',
      acct_terminate_cause_name: 'User-Request',
      relock: { verified: true },
    });
    expect((await stage.accounting()).at(-1)).toMatchObject({
      status: 'Stop',
      userName: 'alice',
      terminateCause: 1,
    });
    expect(await stage.retained(machine.mac)).toMatchObject({ method: 'portal', ipv4: '10.99.0.11' });
    expect(stage.net.confined.size).toBe(1);
    // Who only looks at the page is asked whether it is there, and is.
    await stage.pass(300_000);
    expect(await look(stage, machine)).toMatchObject({
      kind: 'login',
      notice: { type: 'ended', cause: 'web-logout' },
    });
  });

  it('with the form of an earlier session, or of none, logs nobody out', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    await login(stage, machine);
    const old = await wordOf(stage, machine);
    await logout(stage, machine);
    await stage.pass(100);
    expect(pageOf(await ask(stage, machine, { type: 'logout', formToken: old }))).toMatchObject({
      notice: { type: 'not-logged-in' },
    });
    await login(stage, machine);
    for (const formToken of [old, '', 'x'])
      expect(pageOf(await ask(stage, machine, { type: 'logout', formToken }))).toMatchObject({
        kind: 'status',
        notice: 'form-expired',
      });
    expect(await methodOf(stage, machine)).toBe('web');
  });

  it('by who is in by 802.1X, with another MAC at the same address: that one’s own page', async () => {
    const stage = await strangerAt();
    const [stranger, user] = [stage.machine(1), stage.machine(2)];
    await stage.login(user);
    const formToken = await wordOf(stage, user);
    const borrowed = {
      visitor: { mac: stranger.mac as Mac, ip: visitor(user).ip },
      wish: { type: 'logout', formToken },
    } as const;
    expect(stage.net.visit(borrowed)()).toMatchObject({ page: { notice: { type: 'not-logged-in' } } });
    expect(await methodOf(stage, user)).toBe('dot1x');
    expect(await logout(stage, user)).toMatchObject({ kind: 'logged-out', userName: 'u2' });
    expect(stage.events('session-end').at(-1)).toMatchObject({ method: 'dot1x', cause: 'web-logout' });
  });

  it('a session whose time is up, whatever Termination-Action says: back to the page, which says so', async () => {
    const stage = await strangerAt({ replies: { alice: { sessionTimeoutS: 30, terminationAction: 1 } } });
    const machine = stage.machine(1);
    await login(stage, machine);
    await stage.pass(31_000);
    expect(stage.events('session-end').at(-1)).toMatchObject({ method: 'web', cause: 'session-timeout' });
    expect(await look(stage, machine)).toMatchObject({
      kind: 'login',
      notice: { type: 'ended', cause: 'session-timeout' },
    });
  });

  it('a session by the page goes on when MAB comes to know the MAC', async () => {
    const mab = { enabled: true, order: ['mab', 'dot1x'], quiet_s: 30, authentication: 'eap-md5' };
    const stage = await strangerAt({ port: { mab } });
    const machine = stage.machine(1);
    expect(stage.events('auth-failed')).toContainEqual(expect.objectContaining({ method: 'mab' }));
    // A frame while it is quiet: it is still there, and worth another question.
    stage.net.clients[0]?.announce();
    await login(stage, machine);
    const known = { password: deviceName(1), reply: {} };
    stage.net.servers[0]?.users.set(deviceName(1), known);
    await stage.talk(machine, 120_000);
    await stage.pass(120_000);
    expect(await stage.retained(machine.mac)).toMatchObject({ method: 'web', user_name: 'alice' });
    expect(stage.events('session-end')).toHaveLength(1);
  });

  it('cannot be reauthenticated, and goes on', async () => {
    const stage = await strangerAt();
    await login(stage, stage.machine(1));
    const { mac } = stage.machine(1);
    expect(await stage.ask('reauthenticate', { mac })).toMatchObject({ reauthenticating: 0 });
    expect(await methodOf(stage, stage.machine(1))).toBe('web');
  });
});

describe('a certificate that cannot be used', () => {
  it('is told of, and in `info` for as long as there is no page', async () => {
    const stage = await strangerAt();
    const info = async () => JSON.stringify(await stage.ask('info'));
    const error = '/etc/rollcall/web.pem: ENOENT';
    stage.net.post({ type: 'login-page', isServing: false, error });
    expect(stage.events('warning').at(-1)).toMatchObject({
      code: 'login-page',
      message: `there is no login page: ${error}`,
    });
    expect(await info()).toContain(`There is no login page: ${error}`);
    stage.net.post({ type: 'login-page', isServing: true });
    expect(await info()).not.toContain('There is no login page');
    stage.net.post({ type: 'login-page', isServing: true, error });
    expect(stage.events('warning').at(-1)).toMatchObject({
      message: expect.stringContaining('keeps the certificate that it had'),
    });
    expect(await info()).not.toContain('There is no login page');
  });
});

describe('others', () => {
  it('who is on no port of ours is shown nothing', async () => {
    const stage = await strangerAt();
    const outside = { ip: '203.0.113.9' as Ip };
    const visits: readonly Wish[] = [
      { type: 'look' },
      { type: 'login', userName: 'alice', password: utf8(PASSWORD), formToken: '' },
      { type: 'logout', formToken: '' },
    ];
    for (const wish of visits)
      expect(stage.net.visit({ visitor: outside, wish })()).toMatchObject({ page: { kind: 'unknown' } });
  });

  it('who asks for pages without end waits', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    const kinds: string[] = [];
    for (let i = 0; i < 40; i++) kinds.push((await look(stage, machine)).kind);
    expect(kinds.filter((kind) => kind === 'too-many')).toHaveLength(10);
    expect(await look(stage, stage.machine(2))).toMatchObject({ kind: 'unknown' });
  });

  it('who bring sixty MACs to one port keep nobody from the page but the strangers of that port', async () => {
    const stage = await strangerAt({ port: { handshake: 'off' } });
    const user = stage.machine(2);
    await becomeStranger(stage, user);
    const many = await crowd(stage, 60, 1);
    // As fast as the pages of the port allow.
    for (let i = 0; i < 25; i++) {
      await stage.pass(1_000);
      for (const visitor of many.slice(12 * (i % 5), 12 * (i % 5) + 12)) guess(stage, visitor);
    }
    for (const visitor of many) for (let i = 0; i < 30; i++) seen(stage, visitor);
    expect(await login(stage, user)).toEqual(IN);
  });

  it('who are strangers on every port, or come from ever new addresses, take no page from who is in', async () => {
    const stage = await strangerAt({ port: { handshake: 'off' } }, 10);
    const user = stage.machine(10);
    await stage.login(user);
    const many = await crowd(stage, 60, 10);
    for (const visitor of many) for (let i = 0; i < 30; i++) seen(stage, visitor);
    const far = Array.from({ length: 400 }, (_, i) => `2001:db8::${(i + 1).toString(16)}` as Ip);
    expect(far.map((ip) => seen(stage, { ip }).kind)).toContain('too-many');
    expect(await logout(stage, user)).toMatchObject({ kind: 'logged-out' });
  });

  it('a stranger who turns out to have 802.1X is free when that session stands', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    await stage.login(machine);
    expect(await methodOf(stage, machine)).toBe('dot1x');
    expect(stage.net.confined.size).toBe(0);
  });

  it('whom the packet filter does not let go is tried again, and told of', async () => {
    const stage = await strangerAt();
    stage.net.faults.releases = 2;
    await login(stage, stage.machine(1));
    expect(stage.events('warning').at(-1)).toMatchObject({ code: 'confinement' });
    expect(stage.net.confined.size).toBe(1);
    await stage.pass(5_000);
    expect(stage.net.confined.size).toBe(0);
  });

  it('after a kill, a stranger of the earlier run is one still, and free as soon as it is somebody', async () => {
    const stage = await strangerAt();
    const machine = stage.machine(1);
    await stage.killAgent();
    await stage.pass(1_000);
    expect(await stage.isGranted(machine.mac, machine.port)).toBe(true);
    expect([...stage.net.confined]).toEqual([machine.mac]);
    expect(await methodOf(stage, machine)).toBe('portal');
    await stage.login(machine);
    expect(stage.net.confined.size).toBe(0);
  });
});

it('a user of a VPN concentrator, behind a router, is known by the address alone, and logs out', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    config: {
      web: {},
      l3: { ingress: ['vpn0'] },
      sso: { clients: [{ address: '192.0.2.10', secret: SSO_SECRET }] },
    },
  });
  const client = stage.machine(1);
  await stage.login(client);
  const ip = '10.0.0.1' as Ip;
  const bytes = accountingRequest('start', { session: 's1', user: 'vera', ips: [ip] });
  stage.net.post({ type: 'sso-requests', datagrams: [{ address: '192.0.2.10', port: 40_000, bytes }] });
  const visit = (wish: Wish, from: Ip = ip, router = ROUTER): Page =>
    pageOf(stage.net.visit({ visitor: { ip: from, router }, wish })() ?? { type: 'see-status' });
  const page = visit({ type: 'look' });
  expect(page).toMatchObject({ kind: 'status', userName: 'vera', method: 'sso' });
  const formToken = page.kind === 'status' ? page.formToken : '';
  expect(visit({ type: 'logout', formToken }, '10.0.0.2' as Ip)).toMatchObject({ kind: 'unknown' });
  expect(visit({ type: 'look' }, ip, client.mac as Mac), 'by way of a client of ours').toMatchObject({
    kind: 'unknown',
  });
  expect(visit({ type: 'logout', formToken })).toMatchObject({ kind: 'logged-out', again: false });
  await stage.pass(100);
  expect(stage.events('session-end')).toMatchObject([{ key: `ip-${ip}`, cause: 'web-logout' }]);
});

it('no password is in an event, a topic, a line of the log, or the story of a MAC', async () => {
  const stage = await strangerAt();
  const machine = stage.machine(1);
  await login(stage, machine, 'a wrong secret');
  await login(stage, machine);
  const told = JSON.stringify([
    stage.net.events,
    [...stage.net.retained],
    stage.net.logs,
    await stage.ask('explain', { mac: machine.mac }),
  ]);
  expect(told).toContain('alice');
  expect(told).not.toContain('a wrong secret');
  expect(told).not.toContain(PASSWORD);
});
