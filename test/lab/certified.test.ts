// The list of certified devices with everything real: who comes onto it, how it is cleared, by hand and by the clock, and
// what is left of it after a crash. Client n is user u<n> on port p<n>; client 6 is a device without EAP.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import type { SwitchClient } from '../rigs/lab/netns.ts';
import { UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';
import type { Supplicant } from '../rigs/lab/supplicant.ts';

const USERS = [1, 2, 3, 4, 5];
const DEVICE = 6;
const CAUSE = { cause: 'certified-device-cleared', acct_terminate_cause: 6 };

interface Device {
  readonly mac: string;
  readonly user_name: string;
  readonly first_passed: string;
  readonly last_passed: string;
  readonly online: boolean;
}

interface Cleared {
  readonly by: string;
  readonly detail: string;
  readonly time: string;
  readonly devices: readonly (Facts & { readonly mac: string; readonly logged_off: boolean })[];
}

const BASE: ConfigPart = {
  certified_devices: { enabled: true },
  handshake: { hold_after_link_up_s: 0 },
  roles: { default: { handshake: { period_s: 0 } }, staff: { handshake: { period_s: 0 } } },
  ports: {
    'p*': { control: 'auto', dot1x: { quiet_period_s: 0, tx_period_s: 1 } },
    p6: { mab: { enabled: true, delay_s: 0 } },
  },
};

describe('the list of certified devices', () => {
  let scene: Scene;
  const supplicants = new Map<number, Supplicant>();

  beforeAll(async () => {
    const users = USERS.map((n) => ({
      name: `u${n}`,
      password: PASSWORD,
      ...(n === 2 ? { reply: { 'Filter-Id': 'staff' } } : {}),
    }));
    const device = { name: '029900000006', password: '029900000006' };
    scene = await Scene.open({ ports: DEVICE, radius: { users: [...users, device] }, config: BASE });
    await Promise.all(
      USERS.map(async (n) => supplicants.set(n, await scene.logIn(scene.client(n), `u${n}`))),
    );
    const speech = scene.client(DEVICE).netns.start({ name: 'ping', argv: ['ping', '-q', UPLINK_IPV4] });
    scene.atClose(() => speech.stop());
    await online(DEVICE);
  }, 60_000);
  afterAll(() => scene?.close());

  const client = (n: number): SwitchClient => scene.client(n);
  const list = async (...which: readonly string[]): Promise<readonly Device[]> =>
    (await scene.ask<{ readonly devices: readonly Device[] }>('certified', 'list', ...which)).devices;
  const entry = async (n: number): Promise<Device | undefined> =>
    (await list()).find(({ mac }) => mac === client(n).mac);
  const online = (n: number): Promise<Device> =>
    until(
      `client ${n} on the list and in`,
      async () => {
        const device = await entry(n);
        return device?.online === true ? device : null;
      },
      20_000,
    );
  const clearings = (): readonly Cleared[] =>
    scene.events('certified-cleared') as unknown as readonly Cleared[];
  const apply = async (...clear: readonly ConfigPart[]): Promise<void> => {
    scene.agent.configure(overlay(BASE, { certified_devices: { enabled: true, clear } }));
    await scene.ask('config', 'apply', scene.agent.configFile);
  };
  /** It stays out: nobody lets it in again by itself. */
  const leave = async (n: number): Promise<void> => {
    await supplicants.get(n)?.logoff();
    await until(`u${n} to be out`, async () => (await scene.session(client(n))) === undefined);
  };
  const comeBack = async (n: number): Promise<void> => {
    await supplicants.get(n)?.logon();
    await online(n);
  };

  it('has who passed 802.1X or MAB, with user, port, role, method and times', async () => {
    const devices = await list();
    expect(devices.map(({ mac }) => mac)).toEqual(USERS.concat(DEVICE).map((n) => client(n).mac));
    expect(devices[1]).toMatchObject({
      user_name: 'u2',
      port: 'p2',
      vlan: 0,
      role: 'staff',
      method: 'dot1x',
      online: true,
    });
    expect(devices[5]).toMatchObject({
      user_name: '029900000006',
      port: 'p6',
      method: 'mab',
      role: 'default',
    });
    const { certified_devices: counts } = await scene.ask<{ readonly certified_devices: Facts }>('status');
    expect(counts).toMatchObject({ devices: 6, capacity: 10_000, next_clearing: null });
  });

  it('keeps who logs out; a new login renews the entry', async () => {
    const before = await online(1);
    await leave(1);
    expect(await entry(1)).toEqual({ ...before, online: false });
    await comeBack(1);
    const after = await online(1);
    expect(after.first_passed).toBe(before.first_passed);
    expect(after.last_passed > before.last_passed).toBe(true);
  });

  it('a reauthentication renews it, too', async () => {
    const before = await online(1);
    await scene.ask('reauth', client(1).mac);
    const after = await until('the entry to be renewed', async () => {
      const now = await online(1);
      return now.last_passed > before.last_passed ? now : null;
    });
    expect(after.first_passed).toBe(before.first_passed);
  });

  it.each([
    ['a MAC', () => [client(1).mac], 1],
    ['a port', () => ['--port', 'p2'], 2],
    ['a role', () => ['--role', 'staff'], 2],
    ['a user', () => ['--user', 'u3'], 3],
    ['the MAC of a device without EAP', () => [client(DEVICE).mac], DEVICE],
  ] as const)(
    'is cleared by %s: that one is out, and has to pass again',
    async (_, which, n) => {
      const before = await online(n);
      const others = (await list()).filter(({ mac }) => mac !== client(n).mac);
      const session = await scene.session(client(n));
      expect(await scene.ask('certified', 'clear', ...which())).toEqual({ cleared: 1, logged_off: 1 });
      await scene.waitForEvent('session-end', { session_id: session?.session_id, ...CAUSE });
      const stop = await scene.radius.waitForAccounting({
        'Acct-Status-Type': 'Stop',
        'Acct-Session-Id': `${session?.session_id}`,
      });
      expect(stop['Acct-Terminate-Cause']).toBe('Admin-Reset');
      expect(clearings().at(-1)).toMatchObject({
        by: 'command',
        devices: [{ mac: client(n).mac, logged_off: true }],
      });
      const after = await online(n);
      expect(after.first_passed > before.first_passed).toBe(true);
      expect((await list()).filter(({ mac }) => mac !== client(n).mac)).toEqual(others);
    },
    30_000,
  );

  it('over MQTT: an answer with the count; whoever is not online is only off the list', async () => {
    await leave(4);
    const ends = scene.ends(client(4)).length;
    const answer = await scene.broker.request({
      topic: `${TOPIC_BASE}/command/certified`,
      responseTopic: 'answers/certified',
      payload: JSON.stringify({ clear: true, user: 'u4' }),
    });
    expect(JSON.parse(answer)).toEqual({ ok: true, result: { cleared: 1, logged_off: 0 } });
    expect(await entry(4)).toBeUndefined();
    expect(scene.ends(client(4))).toHaveLength(ends);
    await comeBack(4);
  });

  it('all: asks first, then everybody is out', async () => {
    const refused = await scene.agent.cli('certified', 'clear', '--all');
    expect([refused.code, refused.stdout]).toEqual([
      1,
      '6 devices would be off the list, 6 users would be logged off; say --yes to do it\n',
    ]);
    expect(await list()).toHaveLength(6);
    const sessions = await scene.sessions();
    const done = await scene.agent.cli('certified', 'clear', '--all', '--yes');
    expect([done.code, done.stdout]).toEqual([
      0,
      '6 devices are off the list, 6 users are being logged off\n',
    ]);
    for (const { session_id } of sessions) await scene.waitForEvent('session-end', { session_id, ...CAUSE });
    for (const n of [...USERS, DEVICE]) await online(n);
  }, 30_000);

  it.each([
    [['certified', 'clear', '02:66:00:00:00:01'], 1, 'no certified device fits'],
    [['certified', 'clear', '--port', 'p1', '--user', 'u2'], 1, 'no certified device fits'],
    [['certified', 'clear'], 2, 'is needed'],
  ] as const)('%j is refused, and changes nothing', async (args, code, message) => {
    const before = await list();
    const finished = await scene.agent.cli(...args);
    expect(finished.code).toBe(code);
    expect(finished.stderr).toContain(message);
    expect(await list()).toEqual(before);
  });

  it('a rule clears by itself: the oldest first, one at a time, those of its ports and roles alone', async () => {
    const before = clearings().length;
    const oldest = [...(await list())]
      .filter(({ mac }) => [1, 3, 4].some((n) => client(n).mac === mac))
      .sort((a, b) => (a.first_passed < b.first_passed ? -1 : 1));
    await apply({ every_s: 3, oldest: 1, batch_every_s: 1, roles: ['default'], ports: ['p[1-4]'] });
    await until('three clearings', () => clearings().length >= before + 3, 10_000);
    await apply();
    const done = clearings().slice(before, before + 3);
    expect(done.map(({ devices }) => devices.map(({ mac }) => mac))).toEqual(oldest.map(({ mac }) => [mac]));
    expect(done.map(({ by, detail }) => [by, detail])).toEqual(
      oldest.map(() => ['timer', 'every 3 s, the oldest 1, roles default, ports p[1-4]']),
    );
    const [first, second, third] = done.map(({ time }) => Date.parse(time)) as [number, number, number];
    for (const gap of [second - first, third - second]) {
      expect(gap).toBeGreaterThan(900);
      expect(gap).toBeLessThan(1_600);
    }
    for (const { mac } of oldest)
      expect(
        scene
          .events('session-end')
          .filter((end) => end.mac === mac)
          .at(-1),
      ).toMatchObject(CAUSE);
    for (const n of [1, 3, 4]) await online(n);
  }, 40_000);

  it('a rule with keep_online passes over who has a session', async () => {
    await leave(5);
    const before = clearings().length;
    await apply({ every_s: 2, keep_online: true });
    await until('a clearing', () => clearings().length > before, 10_000);
    expect(clearings().at(-1)?.devices).toMatchObject([{ mac: client(5).mac, logged_off: false }]);
    await sleep(2_500);
    expect(clearings()).toHaveLength(before + 1);
    expect(await list()).toHaveLength(5);
    await apply();
    await comeBack(5);
  }, 30_000);

  it('who has not been on the list for long enough is passed over', async () => {
    const before = clearings().length;
    await apply({ every_s: 2, minimum_age_s: 86_400 });
    await sleep(2_600);
    expect(clearings()).toHaveLength(before);
    await apply();
  });

  it('is the same after a crash, and what was cleared stays cleared', async () => {
    await leave(5);
    await scene.ask('certified', 'clear', client(5).mac);
    const before = await list();
    await scene.agent.kill();
    await scene.agent.start();
    const after = await list();
    const times = ({ mac, first_passed }: Device) => ({ mac, first_passed });
    expect(after.map(times)).toEqual(before.map(times));
    for (const n of [1, 2, 3, 4]) await online(n);
  }, 40_000);

  it('a rule counts on over a crash', async () => {
    // Who passed a moment ago is older than that in a while.
    await sleep(100);
    const before = clearings().length;
    const began = Date.now();
    await apply({ every_s: 6, ports: ['p1'] });
    await sleep(2_000);
    await scene.agent.kill();
    await scene.agent.start();
    await until('the clearing', () => clearings().length > before, 10_000);
    expect(Date.parse(clearings()[before]?.time ?? '') - began).toBeLessThan(6_900);
    expect(clearings()[before]?.devices.map(({ mac }) => mac)).toEqual([client(1).mac]);
  }, 40_000);

  it('is refused where it is off', async () => {
    scene.agent.configure({ ...BASE, certified_devices: { enabled: false } });
    expect(JSON.stringify(await scene.agent.cli('config', 'apply', scene.agent.configFile))).toContain(
      'certified_devices.enabled: a restart is needed to change this',
    );
    await scene.agent.stop();
    await scene.agent.start();
    expect(await scene.agent.cli('certified', 'list')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('certified_devices.enabled is false'),
    });
  });
});
