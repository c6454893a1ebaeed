// Who is on the way in, and is turned back half-way: nothing of it stays behind.

import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import type { AuthMethod } from '../../src/model/authorization.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { GATEWAY } from '../rigs/sim/simulated-switch.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { PASSWORD, type Reply } from '../scenarios/stage.ts';

it('from MAB to 802.1X where its VLAN cannot be set: out, with its entry gone and the port shut', async () => {
  const mab = { enabled: true, delay_s: 1, kernel: false, authentication: 'eap-md5', quiet_s: 30 };
  const stage = new SimulatedStage({
    machines: 2,
    onePort: true,
    devices: [1],
    vlans: { onUplink: [30] },
    replies: { u1: { vlan: '30' }, d1: { vlan: '30' } },
    config: { ports: { 'p*': { host_mode: 'multi-host', mab } } },
  });
  const [first, second] = [stage.machine(1), stage.machine(2)];
  await stage.until('a ping', () => stage.passes(first), 60_000);
  expect((await stage.retained(first.mac))?.method).toBe('mab');
  expect(await stage.passes(second)).toBe(true);
  // Somebody changes the port by hand, so that there is something to set.
  stage.net.bridge.port('p1').vlans.set(1, { pvid: false, untagged: true });
  // The repair of it, and, a second later, what is set for the newcomer.
  stage.failVlans(2);
  await stage.begin(first);
  await stage.pass(500);
  await stage.killSupplicant(first);
  await stage.pass(1_000);
  expect(stage.events('auth-failed').map(({ method, reason }) => [method, reason])).toContainEqual([
    'dot1x',
    'grant-failed',
  ]);
  expect(await stage.retained(first.mac)).toBeUndefined();
  expect(await stage.grantedVlans(first.mac)).toEqual([]);
  expect(stage.net.bridge.port('p1').locked).toBe(true);
  expect(await stage.passes(second)).toBe(false);
});

it('one of two entries cannot be written: the port keeps the VLAN of the other until that is gone, too', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    vlans: { onUplink: [30, 40] },
    replies: { u1: { vlan: '30', egress: ['140'] } },
  });
  const machine = stage.machine(1);
  const before = await stage.vlansOf(machine.port);
  stage.failGrants(1);
  await stage.begin(machine);
  await stage.pass(1_000);
  expect(stage.events('auth-failed').map(({ reason }) => reason)).toEqual(['grant-failed']);
  expect(await stage.grantedVlans(machine.mac)).toEqual([]);
  expect(await stage.vlansOf(machine.port)).toEqual(before);
});

it('with the MAC that is pinned to the uplink: refused, and the entry stays there; elsewhere nothing changes', async () => {
  const stage = new SimulatedStage({ machines: 2 });
  const [thief, other] = [stage.machine(1), stage.machine(2)];
  stage.net.bridge.writeForeign(thief.mac as Mac, 'up0');
  await stage.begin(thief);
  await stage.pass(1_000);
  expect(stage.events('auth-failed')).toMatchObject([
    { reason: 'grant-failed', detail: expect.stringContaining('it is pinned to another port') },
  ]);
  expect(stage.net.bridge.entriesOf(thief.mac as Mac).map(([, { port }]) => port.name)).toEqual(['up0']);
  expect(await stage.retained(thief.mac)).toBeUndefined();
  await stage.login(other);
  expect(stage.net.bridge.entriesOf(thief.mac as Mac)).toHaveLength(1);
});

it('a pin that comes later takes the place back: the session ends when the table is compared', async () => {
  const config = { roles: { default: { handshake: { period_s: 0 } } } };
  const stage = new SimulatedStage({ machines: 1, config });
  const thief = stage.machine(1);
  await stage.login(thief);
  stage.net.bridge.writeForeign(thief.mac as Mac, 'up0');
  await stage.until('the end', () => stage.events('session-end')[0], 120_000);
  expect(stage.events('session-end')[0]?.cause).toBe('nas-error');
  expect(stage.net.bridge.entriesOf(thief.mac as Mac).map(([, { port }]) => port.name)).toEqual(['up0']);
});

const METHODS: readonly AuthMethod[] = ['dot1x', 'mab'];

it.each(METHODS)(
  'on its way in by %s: no fallback takes its place, here or on another port',
  async (method) => {
    const stage = new SimulatedStage({
      machines: 2,
      vlans: { onUplink: [30, 40] },
      config: { ports: { 'p*': { guest_vlan: 40 } } },
    });
    const { core } = stage.invariants;
    const mac = stage.machine(1).mac as Mac;
    const port = 'p1' as PortName;
    const authorization = {
      userName: 'x',
      classes: [],
      reauthenticateAtTimeout: false,
      server: 's',
      vlan: '30',
    };
    const sessionId = core.parts.accountant.newSessionId();
    core.now = stage.net.world.clocks;
    core.parts.life.admit({ mac, port, method, authorization, sessionId, multiId: sessionId });
    for (const place of [port, 'p2' as PortName])
      core.parts.fallback.failed(mac, place, { by: 'dot1x', failure: 'client-silent' });
    stage.net.post({ type: 'tick' });
    await stage.pass(100);
    expect(core.sessions.ofMac(mac)?.session).toMatchObject({ method, vlans: { untagged: 30 } });
    expect(stage.events('session-start')).toHaveLength(1);
  },
);

it('on its way in by a fallback: authenticated meanwhile, it is told that it stays out', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    vlans: { onUplink: [30, 40] },
    config: { ports: { 'p*': { guest_vlan: 40 } } },
  });
  const { core } = stage.invariants;
  const mac = stage.machine(1).mac as Mac;
  const port = 'p1' as PortName;
  const authorization = { userName: 'x', classes: [], reauthenticateAtTimeout: false, server: 's' };
  const sessionId = core.parts.accountant.newSessionId();
  core.now = stage.net.world.clocks;
  core.parts.fallback.failed(mac, port, { by: 'dot1x', failure: 'client-silent' });
  core.parts.life.admit({ mac, port, method: 'dot1x', authorization, sessionId, multiId: sessionId });
  stage.net.post({ type: 'tick' });
  await stage.pass(100);
  expect(core.sessions.ofMac(mac)?.session.method).toBe('dot1x');
  const said = core.decisions.about(mac).map(({ what, detail }) => [what, detail]);
  expect(said).toContainEqual(['no fallback', 'it gets in by dot1x meanwhile']);
});

it('behind a guest whose entry cannot be removed: refused, and told which', async () => {
  const stage = new SimulatedStage({
    machines: 2,
    onePort: true,
    vlans: { onUplink: [30, 40] },
    replies: { u1: { vlan: '30' } },
    config: { ports: { 'p*': { guest_vlan: 40 } } },
  });
  const { core } = stage.invariants;
  const guest = stage.machine(2).mac as Mac;
  core.now = stage.net.world.clocks;
  core.parts.fallback.failed(guest, 'p1' as PortName, { by: 'dot1x', failure: 'client-silent' });
  stage.net.post({ type: 'tick' });
  await stage.pass(200);
  expect(core.sessions.ofMac(guest)?.session.method).toBe('guest');
  stage.failRevokes(1_000_000);
  await stage.begin(stage.machine(1));
  await stage.pass(5_000);
  expect(stage.events('auth-failed')[0]).toMatchObject({
    reason: 'grant-failed',
    detail: expect.stringContaining(`for ${guest}, whose entry cannot be removed`),
  });
  expect(core.parts.life.isEntering(stage.machine(1).mac as Mac)).toBe(false);
});

describe('another user at the same MAC, while the entry of the first one will not go', () => {
  const codes = (stage: SimulatedStage) => stage.events('warning').map(({ code }) => code);

  it('is in at once; the first one has its Stop at that time, and no proof is claimed', async () => {
    const stage = new SimulatedStage({ machines: 1, users: ['other'] });
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.pass(5_000);
    stage.failRevokes(1);
    await stage.become(machine, 'other');
    await stage.pass(1_000);
    expect(stage.net.clients[0]?.supplicant.authorized).toBe(true);
    expect(await stage.retained(machine.mac)).toMatchObject({ user_name: 'other' });
    expect(await stage.isGranted(machine.mac, machine.port)).toBe(true);
    expect(stage.events('session-end')).toMatchObject([
      { user_name: 'u1', cause: 'supplicant-restart', session_time_s: 5, relock: { verified: false } },
    ]);
    const rows = (await stage.accounting()).map(({ status, userName }) => [status, userName]);
    expect(rows.slice(1)).toEqual([
      ['Start', 'u1'],
      ['Stop', 'u1'],
      ['Start', 'other'],
    ]);
    expect(stage.invariants.core.parts.life.closing).toBe(0);
    expect(codes(stage)).toEqual([]);
  });

  it('counts as silent from its own start: what the table tells of the first one is no sign of life', async () => {
    const stage = new SimulatedStage({ machines: 1, users: ['other'] });
    const { periodS, times } = stage.timing;
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.talk(machine, 100);
    await stage.pass(2_000);
    stage.failRevokes(1);
    await stage.become(machine, 'other');
    await stage.pass(500);
    await stage.silence(machine);
    await stage.pass((times + 2) * periodS * 1_000);
    const [, end] = stage.events('session-end');
    expect(end).toMatchObject({ user_name: 'other', cause: 'handshake-timeout' });
    expect(end?.evidence.last_seen.localeCompare(end.started)).toBeGreaterThanOrEqual(0);
  });

  it('in one of its two VLANs: the entry in the other one is removed, and that is no proof for both', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      users: ['other'],
      vlans: { onUplink: [30, 40] },
      replies: { u1: { vlan: '30', egress: ['140'] }, other: { vlan: '30' } },
    });
    const machine = stage.machine(1);
    await stage.login(machine);
    expect(await stage.grantedVlans(machine.mac)).toEqual([30, 40]);
    await stage.pass(5_000);
    stage.failRevokes(1);
    await stage.become(machine, 'other');
    await stage.pass(5_000);
    expect(await stage.retained(machine.mac)).toMatchObject({ user_name: 'other', vlan: 30 });
    expect(await stage.grantedVlans(machine.mac)).toEqual([30]);
    expect(stage.events('session-end')).toMatchObject([{ user_name: 'u1', relock: { verified: false } }]);
  });

  it('an alarm that was raised for the first one is over', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const machine = stage.machine(1);
    await stage.login(machine);
    stage.failRevokes(10);
    await stage.logoff(machine);
    await stage.pass(2_000);
    expect(codes(stage)).toEqual(['relock-failed']);
    await stage.login(machine);
    expect(codes(stage)).toEqual(['relock-failed', 'relock-recovered']);
  });
});

describe('multi-host: the port would not shut after the last session, and another client opens it again', () => {
  it('the last session is over: nobody finds it any more, and its alarm is over', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      users: ['bob'],
      config: { ports: { 'p*': { host_mode: 'multi-host' } } },
    });
    const machine = stage.machine(1);
    await stage.login(machine, { user: 'bob', password: PASSWORD });
    await stage.pass(3_000);
    stage.net.faults.setPorts = 1;
    await stage.become(machine, 'u1');
    await stage.pass(2_000);
    const { life } = stage.invariants.core.parts;
    expect(await stage.retained(machine.mac)).toMatchObject({ user_name: 'u1' });
    expect(life.closing).toBe(0);
    expect(life.stuck).toEqual([]);
    const codes = stage.events('warning').map(({ code }) => code);
    expect(codes.filter((code) => code?.startsWith('relock'))).toEqual(['relock-failed', 'relock-recovered']);
    expect(stage.net.command('disconnect', { user: 'bob' })).toMatchObject({ error: { code: 'not-found' } });
  });
});

describe('two on their way in where one may be, and the first of them waits to be confined', () => {
  const QUICK = { tx_period_s: 1, reauth_max: 1, server_timeout_s: 5 };

  async function waiting(host_mode: string): Promise<SimulatedStage> {
    const stage = new SimulatedStage({
      machines: 2,
      onePort: true,
      config: { web: {}, dot1x: QUICK, ports: { 'p*': { portal: true, host_mode } } },
      replies: { u2: {} },
    });
    stage.net.holdConfinements(true);
    stage.net.clients[0]?.ping(GATEWAY);
    const { life } = stage.invariants.core.parts;
    await stage.until('on its way', () => life.isEntering(stage.machine(1).mac as Mac), 20_000);
    return stage;
  }

  const inside = (stage: SimulatedStage) =>
    [...stage.invariants.core.sessions.all()].map(({ session }) => session.method);

  it.each(['single-host', 'multi-domain'])('%s: a second stranger stays out', async (mode) => {
    const stage = await waiting(mode);
    stage.net.clients[1]?.ping(GATEWAY);
    await stage.pass(10_000);
    stage.net.holdConfinements(false);
    await stage.pass(2_000);
    expect(inside(stage)).toEqual(['portal']);
  });

  it.each(['single-host', 'multi-domain'])('%s: a user is in, and the stranger stays out', async (mode) => {
    const stage = await waiting(mode);
    await stage.begin(stage.machine(2));
    await stage.pass(1_000);
    expect(inside(stage)).toEqual(['dot1x']);
    stage.net.holdConfinements(false);
    await stage.pass(5_000);
    expect(inside(stage)).toEqual(['dot1x']);
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([]);
    expect([...stage.net.confined]).toEqual([]);
  });
});

it('multi-domain: a stranger does not get in beside a voice device that is on its way', async () => {
  const stage = new SimulatedStage({
    machines: 2,
    onePort: true,
    replies: { u2: { voice: true } },
    config: {
      web: {},
      dot1x: { tx_period_s: 1, reauth_max: 1, server_timeout_s: 5 },
      ports: { 'p*': { portal: true, host_mode: 'multi-domain' } },
    },
  });
  stage.net.holdGrants(true);
  await stage.begin(stage.machine(2));
  stage.net.clients[0]?.ping(GATEWAY);
  await stage.pass(10_000);
  stage.net.holdGrants(false);
  await stage.pass(1_000);
  expect(
    [...stage.invariants.core.sessions.onPort('p1' as PortName)].map(({ session }) => session.domain),
  ).toEqual(['voice']);
});

describe('multi-domain: a session becomes a data device while another one comes in', () => {
  const domains = (stage: SimulatedStage) =>
    [...stage.invariants.core.sessions.onPort('p1' as PortName)].map(({ session }) => session.domain).sort();

  const refusals = (stage: SimulatedStage) => stage.invariants.core.drops.snapshot()['host-mode'];

  async function withPhone(desk: Reply): Promise<SimulatedStage> {
    const stage = new SimulatedStage({
      machines: 2,
      onePort: true,
      coa: true,
      vlans: { onUplink: [30, 40] },
      replies: { u1: { filterId: 'phone' }, u2: desk },
      config: {
        roles: { phone: { voice: true }, desk: {} },
        ports: { 'p*': { host_mode: 'multi-domain', voice_vlan: 40 } },
      },
    });
    await stage.login(stage.machine(1));
    expect(domains(stage)).toEqual(['voice']);
    stage.net.holdGrants(true);
    return stage;
  }

  it('who is on its way has the place, and the CoA-Request is refused', async () => {
    const stage = await withPhone({});
    await stage.begin(stage.machine(2));
    await stage.pass(1_000);
    expect(await stage.changeAuthorization('u1', { filterId: 'desk' })).toBe(407);
    expect(refusals(stage)).toBe(1);
    stage.net.holdGrants(false);
    await stage.pass(1_000);
    expect(domains(stage)).toEqual(['data', 'voice']);
  });

  it('who comes while it is on its way into its VLAN has the place, too', async () => {
    const stage = await withPhone({ vlan: '30' });
    const answer = stage.changeAuthorization('u1', { filterId: 'desk', vlan: '30' });
    await stage.begin(stage.machine(2));
    await stage.pass(1_000);
    stage.net.holdGrants(false);
    expect(await answer).toBe(506);
    await stage.pass(1_000);
    expect(domains(stage)).toEqual(['data', 'voice']);
    expect(refusals(stage)).toBe(1);
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([40]);
  });
});
