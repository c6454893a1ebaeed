// Where a client goes without a server's word, and when it has to leave: the whole agent on the simulated switch.

import { describe, expect, it, vi } from 'vitest';
import { fromUtf8 } from '../../src/base/bytes.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { RADIUS_CODES } from '../../src/wire/radius.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import { deviceName, type Machine } from '../scenarios/stage.ts';

const SERVER = { address: '192.0.2.1', secret: 'testing123' };
const SHORT: ConfigPart = { radius: { dead_time_s: 5, servers: [{ ...SERVER, status_server: true }] } };
const CRITICAL = { critical: 'vlan', critical_vlan: 92, dot1x: { server_timeout_s: 10 } };

function stageWith(ports: ConfigPart, config: ConfigPart = SHORT): SimulatedStage {
  return new SimulatedStage({
    machines: 2,
    vlans: { onUplink: [30, 40, 91, 92] },
    config: { ...config, ports: { 'p*': ports } },
  });
}

it('a guest who is gone is not held on to: guests have no Stop, at which others are forgotten', async () => {
  const stage = stageWith({ guest_vlan: 91 }, { dot1x: { tx_period_s: 1, reauth_max: 1 } });
  const guest = stage.machine(1);
  await stage.passes(guest);
  await stage.until('the guest', () => stage.retained(guest.mac), 30_000);
  await stage.unplug(guest);
  await stage.pass(1_000);
  expect(await stage.retained(guest.mac)).toBeUndefined();
  stage.invariants.checkMemory();
});

async function deviceIn(stage: SimulatedStage, machine: Machine) {
  await stage.announce(machine);
  return stage.until('the device', () => stage.retained(machine.mac), 60_000);
}

describe('critical', () => {
  it('is not for whom a server is silent about while it answers others', async () => {
    const stage = stageWith(CRITICAL);
    const [known, dark] = [stage.machine(1), stage.machine(2)];
    await stage.login(known);
    const [server] = stage.net.servers;
    if (server === undefined) throw new Error('there is no server');
    const answer = server.receive.bind(server);
    let ignored = 0;
    server.receive = (kind, bytes, now) => {
      if (kind !== 'access' || !fromUtf8(bytes).includes('u2')) return answer(kind, bytes, now);
      ignored++;
      return undefined;
    };
    await stage.begin(dark);
    for (let i = 0; i < 60; i++) {
      await stage.ask('reauthenticate', { mac: known.mac });
      await stage.pass(1_000);
    }
    expect(ignored).toBeGreaterThan(0);
    expect(stage.events('auth-failed').map(({ reason }) => reason)).toContain('no-server');
    expect(await stage.retained(dark.mac)).toBeUndefined();
    expect(await stage.isGranted(dark.mac, dark.port)).toBe(false);
  });

  it.each([['auto'], [false]] as const)(
    'is not for whom asks alone, however often and as whomever: status_server %s',
    async (status) => {
      const servers = [{ ...SERVER, status_server: status }];
      const stage = stageWith(CRITICAL, { radius: { dead_time_s: 5, servers } });
      const [server] = stage.net.servers;
      if (server === undefined) throw new Error('there is no server');
      const answer = server.receive.bind(server);
      const isStatus = (bytes: Uint8Array): boolean => bytes[0] === RADIUS_CODES['Status-Server'];
      server.receive = (kind, bytes, now) =>
        kind !== 'access' || isStatus(bytes) ? answer(kind, bytes, now) : undefined;
      const machine = stage.machine(1);
      await stage.begin(machine);
      for (let n = 0; n < 5; n++) {
        const other = stage.net.addClient({
          mac: `02:66:00:00:00:0${n}` as Mac,
          port: machine.port as PortName,
          user: { identity: `u${n}@dark.example`, password: 'x' },
        });
        other.supplicant.start();
        await stage.pass(120_000);
      }
      expect(stage.events('auth-failed').length).toBeGreaterThan(10);
      expect(stage.events('session-start')).toEqual([]);
      // Nobody on the other port is any better off, and a server that is really gone is noticed.
      server.receive = () => undefined;
      await stage.begin(stage.machine(2));
      await stage.until('critical', () => stage.retained(stage.machine(2).mac), 120_000);
    },
  );

  it.each([true, 'auto'] as const)(
    'is not for clients of two ports whose server answers Status-Server: status_server %s',
    async (status) => {
      const stage = stageWith(CRITICAL, { radius: { servers: [{ ...SERVER, status_server: status }] } });
      const [server] = stage.net.servers;
      if (server === undefined) throw new Error('there is no server');
      const answer = server.receive.bind(server);
      server.receive = (kind, bytes, now) =>
        bytes[0] === RADIUS_CODES['Access-Request'] ? undefined : answer(kind, bytes, now);
      const dark = [1, 2].map((n) =>
        stage.net.addClient({
          mac: `02:66:00:00:00:0${n}` as Mac,
          port: stage.machine(n).port as PortName,
          user: { identity: `u${n}@dark.example`, password: 'x' },
        }),
      );
      for (let round = 0; round < 10; round++) {
        for (const { supplicant } of dark) supplicant.start();
        await stage.pass(40_000);
      }
      expect(stage.events('radius-server').filter(({ state }) => state === 'down').length).toBeGreaterThan(2);
      expect(stage.events('session-start')).toEqual([]);
    },
  );

  it('deny puts nobody out whose server was silent about another client only', async () => {
    const stage = stageWith(
      { critical: 'deny', dot1x: { reauth_period_s: 60, server_timeout_s: 10 } },
      { radius: { dead_time_s: 5, servers: [{ ...SERVER, status_server: false }] } },
    );
    const [dark, other] = [stage.machine(1), stage.machine(2)];
    await stage.login(dark);
    await stage.pass(10_000);
    const { session_id } = await stage.login(other);
    for (const machine of [dark, other]) await stage.talk(machine, 5_000);
    const [server] = stage.net.servers;
    if (server === undefined) throw new Error('there is no server');
    const answer = server.receive.bind(server);
    server.receive = (kind, bytes, now) =>
      kind === 'access' && fromUtf8(bytes).includes('u1') ? undefined : answer(kind, bytes, now);
    await stage.until(
      'down',
      () => stage.events('radius-server').some(({ state }) => state === 'down'),
      90_000,
    );
    const asked = server.questions;
    await stage.pass(30_000);
    expect((await stage.retained(other.mac))?.session_id).toBe(session_id);
    expect(server.questions).toBeGreaterThan(asked);
    // Now it is silent about everybody.
    server.receive = () => undefined;
    await stage.until(
      'the end',
      () => stage.events('session-end').find(({ mac }) => mac === other.mac),
      120_000,
    );
    expect(stage.events('session-end').at(-1)?.cause).toBe('reauth-failed');
  });

  it.each([['dot1x'], ['mab']] as const)(
    'deny puts out whom no server answers about, by %s, while others are answered',
    async (method) => {
      const mab = { enabled: true, delay_s: 1, kernel: false, authentication: 'eap-md5' };
      const reply = { sessionTimeoutS: 60, terminationAction: 1 } as const;
      const stage = new SimulatedStage({
        machines: 2,
        devices: method === 'mab' ? [1] : [],
        replies: { u1: reply, d1: reply },
        config: { ports: { 'p*': { critical: 'deny', mab } } },
      });
      const [dark, other] = [stage.machine(1), stage.machine(2)];
      await stage.login(other);
      const { name, session_id } =
        method === 'dot1x'
          ? { name: 'u1', ...(await stage.login(dark)) }
          : { name: deviceName(1), ...(await deviceIn(stage, dark)) };
      for (const machine of [dark, other]) await stage.talk(machine, 5_000);
      for (const server of stage.net.servers) {
        const answer = server.receive.bind(server);
        server.receive = (kind, bytes, now) =>
          kind === 'access' && fromUtf8(bytes).includes(name) ? undefined : answer(kind, bytes, now);
      }
      const isOut = () => stage.events('session-end').find((end) => end.session_id === session_id);
      for (let s = 0; s < 200 && isOut() === undefined; s += 10) {
        await stage.ask('reauthenticate', { mac: other.mac });
        await stage.pass(10_000);
      }
      expect(isOut()).toMatchObject({ cause: 'reauth-failed' });
      expect(stage.events('session-end')).toHaveLength(1);
      expect(await stage.isGranted(dark.mac, dark.port)).toBe(false);
    },
  );

  it('comes at once where it is known that no server answers, and the question is asked all the same', async () => {
    const stage = await inCritical();
    const [server] = stage.net.servers;
    const { mac } = stage.machine(2);
    const asked = server?.questions ?? 0;
    await stage.begin(stage.machine(2));
    await stage.pass(100);
    expect((await stage.retained(mac))?.method).toBe('critical');
    // The server is back before anything but that question could tell.
    await stage.serverSilent(false);
    await stage.until('dot1x', async () => (await stage.retained(mac))?.method === 'dot1x', 5_000);
    expect(server?.questions).toBeGreaterThan(asked);
    expect(await stage.grantedVlans(mac)).toEqual([1]);
  });

  it('comes at once by MAB, too', async () => {
    const mab = { enabled: true, delay_s: 1, kernel: false };
    const stage = await inCritical({ mab });
    const { mac } = stage.machine(2);
    await stage.announce(stage.machine(2));
    await stage.until('critical', () => stage.retained(mac), 2_000);
    expect((await stage.retained(mac))?.method).toBe('critical');
  });

  /** In critical_vlan, and nobody has answered yet. */
  async function inCritical(ports: ConfigPart = {}, config?: ConfigPart): Promise<SimulatedStage> {
    const stage = stageWith({ ...CRITICAL, ...ports }, config);
    await stage.serverSilent(true);
    await stage.begin(stage.machine(1));
    if (config !== undefined) await stage.begin(stage.machine(2));
    const session = await stage.until('a session', () => stage.retained(stage.machine(1).mac), 60_000);
    expect(session.method).toBe('critical');
    return stage;
  }

  it('ends with the refusal of a server that is back', async () => {
    const stage = await inCritical();
    const { mac, port } = stage.machine(1);
    await stage.setPassword('u1', 'changed');
    await stage.serverSilent(false);
    await stage.until('the end', () => stage.events('session-end')[0], 60_000);
    expect(stage.events('session-end')[0]?.cause).toBe('authorization-changed');
    expect(stage.events('auth-failed').at(-1)?.reason).toBe('access-reject');
    await stage.pass(5_000);
    expect(await stage.retained(mac)).toBeUndefined();
    expect(await stage.isGranted(mac, port)).toBe(false);
  });

  it('ends with an Accept that cannot be carried out', async () => {
    const stage = await inCritical();
    const { mac, port } = stage.machine(1);
    await stage.setReply('u1', { vlan: '77' });
    await stage.serverSilent(false);
    await stage.until('the end', () => stage.events('session-end')[0], 60_000);
    expect(stage.events('session-end')[0]?.cause).toBe('authorization-changed');
    expect(stage.events('auth-failed').at(-1)?.reason).toBe('grant-failed');
    expect(await stage.isGranted(mac, port)).toBe(false);
  });

  it.each(['contradictory-accept', 'unencodable'] as const)('ends with %s', async (reason) => {
    const stage = await inCritical();
    const { aaa } = stage.invariants.core.parts;
    const authorization = { userName: 'u1', classes: [], reauthenticateAtTimeout: false, server: 's' };
    const verdict =
      reason === 'unencodable'
        ? ({ type: 'aaa-reject', reason } as const)
        : // With EAP-Failure in it.
          ({ type: 'aaa-accept', authorization, eap: Uint8Array.of(4, 1, 0, 4) } as const);
    vi.spyOn(aaa, 'ask').mockImplementation((applicant, { ref }) => applicant.verdict({ ...verdict, ref }));
    await stage.until('the end', () => stage.events('session-end')[0], 120_000);
    expect(stage.events('auth-failed').at(-1)?.reason).toBe(reason);
    expect(await stage.retained(stage.machine(1).mac)).toBeUndefined();
  });

  it('ends at the return of the server where its client cannot even be asked, and not before', async () => {
    const servers = [{ ...SERVER, status_server: false }];
    const stage = await inCritical({}, { radius: { dead_time_s: 5, servers } });
    const machine = stage.machine(1);
    const { core } = stage.invariants;
    await stage.killSupplicant(machine);
    await stage.talk(machine, 5_000);
    // As where the link was down for a while, and the port has no room for one more.
    core.now = stage.net.world.clocks;
    core.parts.supplicants.portClosed(machine.port as PortName);
    const asked = vi.spyOn(core.parts.supplicants, 'reauthenticate').mockReturnValue(false);
    await stage.pass(200_000);
    expect(asked).toHaveBeenCalled();
    expect((await stage.retained(machine.mac))?.method).toBe('critical');
    await stage.serverSilent(false);
    // Out of its quiet period by itself.
    await stage.until(
      'u2',
      async () => (await stage.retained(stage.machine(2).mac))?.user_name === 'u2',
      120_000,
    );
    const ended = () => stage.events('session-end').find(({ mac }) => mac === machine.mac);
    await stage.until('the end', ended, 10_000);
    expect(ended()?.cause).toBe('authorization-changed');
  });

  it('becomes auth-fail where there is a VLAN for whom the server refuses', async () => {
    const stage = await inCritical({ auth_fail_vlan: 91 });
    await stage.setPassword('u1', 'changed');
    await stage.serverSilent(false);
    await stage.until(
      'auth-fail',
      async () => (await stage.retained(stage.machine(1).mac))?.method === 'auth-fail',
      60_000,
    );
    expect((await stage.retained(stage.machine(1).mac))?.vlan).toBe(91);
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([91]);
  });

  it('ends when its client is silent at the return of the server, and not before', async () => {
    const stage = await inCritical();
    const machine = stage.machine(1);
    await stage.killSupplicant(machine);
    await stage.talk(machine, 5_000);
    await stage.pass(600_000);
    expect((await stage.retained(machine.mac))?.method).toBe('critical');
    await stage.serverSilent(false);
    // Known to be back by somebody else's login.
    await stage.login(stage.machine(2));
    await stage.until(
      'the end',
      () => stage.events('session-end').find(({ mac }) => mac === machine.mac),
      300_000,
    );
    expect(stage.events('auth-failed').at(-1)?.reason).toBe('client-silent');
    expect(await stage.isGranted(machine.mac, machine.port)).toBe(false);
  });

  it('is not ended by what fails for its MAC on another port', async () => {
    const stage = await inCritical();
    const owner = stage.machine(1);
    await stage.serverSilent(false);
    await stage.killSupplicant(owner);
    await stage.talk(owner, 5_000);
    const thief = await stage.impersonate(2, owner);
    await stage.attempt(thief, { user: 'u2', password: 'wrong' });
    expect((await stage.retained(owner.mac))?.method).toBe('critical');
    expect(stage.events('session-end')).toEqual([]);
  });
});

describe('a configuration that is taken over', () => {
  const named = (fail: number): ConfigPart => ({
    roles: { default: { handshake: { period_s: 15, times: 3 } } },
    vlans: { fail },
    ports: { 'p*': { auth_fail_vlan: 'fail' } },
  });

  async function failed(): Promise<SimulatedStage> {
    const stage = stageWith({ auth_fail_vlan: 'fail' }, { vlans: { fail: 91 } });
    await stage.attempt(stage.machine(1), { user: 'u1', password: 'wrong' });
    await stage.until('auth-fail', () => stage.retained(stage.machine(1).mac), 60_000);
    return stage;
  }

  it('ends a session whose VLAN has the same name and is another one', async () => {
    const stage = await failed();
    expect(await stage.ask('config', { apply: simFile(named(92)) })).toMatchObject({ applied: true });
    await stage.until('the end', () => stage.events('session-end')[0], 5_000);
    expect(stage.events('session-end')[0]?.cause).toBe('authorization-changed');
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([]);
  });

  it('leaves one alone whose VLAN has another name and is the same', async () => {
    const stage = await failed();
    const renamed = { ...named(91), ports: { 'p*': { auth_fail_vlan: 91 } } };
    expect(await stage.ask('config', { apply: simFile(renamed) })).toMatchObject({ applied: true });
    await stage.pass(5_000);
    expect((await stage.retained(stage.machine(1).mac))?.vlan).toBe(91);
    expect(stage.events('session-end')).toEqual([]);
  });
});
