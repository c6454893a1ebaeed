// The list of certified devices in the agent: what comes onto it when, what clearing does, and what is said upstream.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { readCertified } from '../../src/policy/certified-codec.ts';
import { SimulatedSwitch } from '../rigs/sim/simulated-switch.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import { accountingRequest, SSO_SECRET } from '../rigs/sso.ts';
import { PASSWORD } from '../scenarios/stage.ts';

const ON = { certified_devices: { enabled: true } };

interface Page {
  readonly devices: readonly { readonly mac: string; readonly user_name: string; readonly online: boolean }[];
  readonly total: number;
  readonly next: string | null;
}

describe('a switch with a list of certified devices', () => {
  let stage: SimulatedStage;

  beforeEach(async () => {
    stage = new SimulatedStage({ machines: 4, config: ON });
    for (const n of [1, 2, 3]) await stage.login(stage.machine(n));
  });

  const list = async (more: object = {}) => (await stage.ask('certified', { list: true, ...more })) as Page;

  it('tells of them by MAC, in parts', async () => {
    const all = await list();
    expect(all).toMatchObject({ total: 3, next: null });
    expect(all.devices.map(({ user_name }) => user_name)).toEqual(['u1', 'u2', 'u3']);
    const first = await list({ limit: 2 });
    expect(first).toMatchObject({ total: 3, next: stage.machine(2).mac });
    const rest = await list({ limit: 2, after: first.next });
    expect(rest).toMatchObject({ total: 3, next: null, devices: [{ user_name: 'u3' }] });
    expect(await list({ port: 'p2' })).toMatchObject({ total: 1, devices: [{ user_name: 'u2' }] });
  });

  it('what is on disk is what it tells', async () => {
    expect(readCertified(stage.net.certified)).toMatchObject({
      damaged: 0,
      devices: [{ userName: 'u1' }, { userName: 'u2' }, { userName: 'u3' }],
    });
  });

  it('dry_run says how many, and does nothing', async () => {
    await stage.logoff(stage.machine(1));
    await stage.pass(100);
    expect(await stage.ask('certified', { clear: true, all: true, dry_run: true })).toEqual({
      cleared: 3,
      logged_off: 2,
      dry_run: true,
    });
    expect(await list()).toMatchObject({ total: 3 });
  });

  it('clearing logs off, with one event before the ends', async () => {
    await stage.logoff(stage.machine(1));
    await stage.pass(100);
    expect(await stage.ask('certified', { clear: true, all: true })).toEqual({ cleared: 3, logged_off: 2 });
    await stage.pass(100);
    const [cleared] = stage.events('certified-cleared');
    const off = (n: number) => ({ mac: stage.machine(n).mac, logged_off: n > 1 });
    expect(cleared).toMatchObject({ by: 'command', devices: [off(1), off(2), off(3)] });
    const ends = stage.events('session-end').filter(({ cause }) => cause === 'certified-device-cleared');
    expect(ends.map(({ user_name }) => user_name)).toEqual(['u2', 'u3']);
    for (const { seq } of ends) expect(seq).toBeGreaterThan(cleared?.seq ?? Number.NaN);
  });

  it('who is in without having passed does not come onto it', async () => {
    const dark = new SimulatedStage({
      machines: 1,
      vlans: { onUplink: [92] },
      config: {
        ...ON,
        radius: {
          dead_time_s: 5,
          servers: [{ address: '192.0.2.1', secret: 'testing123', status_server: true }],
        },
        ports: { 'p*': { critical: 'vlan', critical_vlan: 92, dot1x: { server_timeout_s: 10 } } },
      },
    });
    await dark.serverSilent(true);
    await dark.begin(dark.machine(1));
    const session = await dark.until('a session', () => dark.retained(dark.machine(1).mac), 60_000);
    expect(session.method).toBe('critical');
    expect(await dark.ask('certified', { list: true })).toMatchObject({ total: 0 });
  });

  it('users of a concentrator have no device, and never come onto it', async () => {
    const far = new SimulatedStage({
      machines: 1,
      config: {
        ...ON,
        l3: { ingress: ['vpn0'] },
        sso: { role: 'default', clients: [{ address: '192.0.2.10', secret: SSO_SECRET }] },
      },
    });
    const said = { session: 's1', user: 'alice', ips: ['10.0.0.1' as Ip] };
    const datagram = { address: '192.0.2.10', port: 40_000, bytes: accountingRequest('start', said) };
    far.net.post({ type: 'sso-requests', datagrams: [datagram] });
    await far.pass(100);
    expect(await far.ask('sessions')).toMatchObject({ sessions: [{ method: 'sso', user_name: 'alice' }] });
    expect(await far.ask('certified', { list: true })).toMatchObject({ total: 0 });
    expect(await far.ask('certified', { clear: true, all: true })).toEqual({ cleared: 0, logged_off: 0 });
    expect(await far.ask('sessions')).toMatchObject({ sessions: [{ method: 'sso' }] });
  });

  it('who logs in again has passed later, and came onto the list no later', async () => {
    const [before] = (await list()).devices;
    await stage.logoff(stage.machine(1));
    await stage.pass(5_000);
    await stage.login(stage.machine(1));
    const [after] = (await list()).devices as readonly { first_passed?: string; last_passed?: string }[];
    expect(after).toMatchObject({ first_passed: (before as { first_passed?: string }).first_passed });
    expect(after?.last_passed).not.toBe((before as { last_passed?: string }).last_passed);
  });
});

describe('rules of a running switch', () => {
  it('come into force with a configuration, and clear at their time', async () => {
    const quiet = { roles: { default: { handshake: { period_s: 0 } } } };
    const stage = new SimulatedStage({ machines: 2, config: { ...ON, ...quiet } });
    await stage.login(stage.machine(1));
    await stage.pass(1_000);
    const clear = [{ every_s: 3600, roles: ['default'] }];
    const config = simFile({ ...quiet, certified_devices: { enabled: true, clear } });
    expect(await stage.ask('config', { apply: config })).toMatchObject({ applied: true });
    const info = (await stage.ask('info')) as { readonly certified_devices: object };
    expect(info.certified_devices).toMatchObject({ devices: 1, next_clearing: expect.any(String) });
    await stage.pass(3_601_000);
    expect(stage.events('certified-cleared')).toMatchObject([
      {
        by: 'timer',
        detail: 'every 3600 s, roles default',
        devices: [{ user_name: 'u1', logged_off: true }],
      },
    ]);
    expect(stage.events('session-end').at(-1)).toMatchObject({
      cause: 'certified-device-cleared',
      acct_terminate_cause: 6,
    });
  });

  it('a clock that is set while nothing happens is noticed within a minute', async () => {
    const clear = [{ every_s: 86_400 }];
    const stage = new SimulatedStage({
      machines: 1,
      config: { certified_devices: { enabled: true, clear } },
    });
    await stage.login(stage.machine(1));
    const setClock = async () => {
      stage.net.world.wallOffset += 2 * 86_400_000;
      await stage.pass(61_000);
    };
    // The rule has been in force for a minute, whatever the clock said.
    await setClock();
    expect(stage.events('certified-cleared')).toHaveLength(0);
    await stage.killAgent();
    await stage.pass(1_000);
    await setClock();
    expect(stage.events('certified-cleared')).toHaveLength(1);
  });
});

describe('before the list is read', () => {
  it('commands are put off, and who passes comes onto it', async () => {
    const net = new SimulatedSwitch({ config: simFile(ON), ports: ['p1'], storeAfterMs: 5_000 });
    net.servers[0]?.users.set('u1', { password: PASSWORD, reply: {} });
    const user = { identity: 'u1', password: PASSWORD };
    const client = net.addClient({ mac: '02:99:00:00:00:01' as Mac, port: 'p1' as PortName, user });
    net.boot();
    client.supplicant.start();
    net.advance(2_000);
    expect(client.supplicant.authorized).toBe(true);
    expect(net.command('certified', { list: true })).toMatchObject({ ok: false, error: { code: 'busy' } });
    expect(net.command('info')).toMatchObject({ result: { certified_devices: null } });
    net.advance(5_000);
    expect(net.command('certified', { list: true })).toMatchObject({ result: { total: 1 } });
  });

  it('off: refused, and nothing is stored', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    await stage.login(stage.machine(1));
    expect(stage.net.command('certified', { clear: true, all: true })).toMatchObject({
      ok: false,
      error: { code: 'refused', message: expect.stringContaining('certified_devices.enabled is false') },
    });
    expect(stage.net.certified.size).toBe(0);
  });
});
