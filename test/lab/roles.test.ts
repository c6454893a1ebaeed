// Roles on the real bridge: chosen by what FreeRADIUS says, by MAC, by port; changed by radclient and while running; and the
// administrator's cut of a role, whose ports go down and come up again.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canReach } from '../rigs/lab/client.ts';
import { radclient } from '../rigs/lab/dynauth.ts';
import { UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';

const USERS: readonly (readonly [reply: Readonly<Record<string, string>>, role: string, by: string])[] = [
  [{ 'Aruba-User-Role': '"staff"' }, 'staff', 'vendor-attribute'],
  [{ 'Filter-Id': '"guest"', 'Aruba-User-Role': '"staff"' }, 'guest', 'filter-id'],
  [{ 'Cisco-AVPair': '"role=nobody"' }, 'phone', 'rule'],
  [{ 'Cisco-AVPair': '"role=staff"' }, 'staff', 'vendor-attribute'],
  [{}, 'lobby', 'port'],
];

describe('roles', () => {
  let scene: Scene;

  beforeAll(async () => {
    const users = USERS.map(([reply], i) => ({ name: `u${i + 1}`, password: PASSWORD, reply }));
    scene = await Scene.open({
      ports: USERS.length,
      radius: { users },
      config: {
        handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
        ports: { p5: { role: 'lobby' } },
        roles: {
          default: { handshake: { period_s: 30 } },
          staff: { handshake: { period_s: 30 } },
          guest: { handshake: { period_s: 30 } },
          phone: { handshake: { period_s: 30 } },
          lobby: { session_s: 3600, handshake: { period_s: 30 } },
        },
        role_rules: [
          { mac: '02:99:00:00:00:03', role: 'phone' },
          { mac: '0299.0000', ports: ['p9'], role: 'guest' },
        ],
        authorization: {
          role_attributes: [
            { vendor: 14823, type: 1 },
            { vendor: 9, type: 1, key: 'role' },
          ],
        },
        radius: { dynamic_authorization: { bounce_s: 1 } },
      },
    });
    // One by one: answers name sessions in the order of their beginning.
    for (const [i] of USERS.entries()) await scene.logIn(scene.client(i + 1), `u${i + 1}`);
    for (const client of scene.lab.clients) expect(await canReach(client, UPLINK_IPV4)).toBe(true);
  });

  afterAll(() => scene?.close());

  const retained = (n: number): readonly Facts[] =>
    scene.upstream
      .ofTopic(`${TOPIC_BASE}/session/${scene.client(n).mac.replaceAll(':', '-')}`)
      .flatMap(({ payload }) => (payload === '' ? [] : [JSON.parse(payload) as Facts]));

  it.each(USERS.map(([, role, by], i) => [i + 1, role, by] as const))('u%i is %s by %s', (n, role, by) => {
    expect(retained(n).at(-1)).toMatchObject({ user_name: `u${n}`, role, role_by: by });
  });

  it("a CoA-Request with the vendor's attribute changes the role, and one of no role does not", async () => {
    const coa = (role: string) =>
      radclient(scene.lab.netns, {
        send: 'coa',
        attributes: ['User-Name = "u2"', `Aruba-User-Role = "${role}"`],
      });
    expect(await coa('nobody')).toMatchObject({ code: 'CoA-NAK', errorCause: 'Invalid-Attribute-Value' });
    expect(await coa('phone')).toMatchObject({ code: 'CoA-ACK' });
    await until('the other role', () => retained(2).at(-1)?.role === 'phone');
    expect(retained(2).at(-1)).toMatchObject({ role_by: 'vendor-attribute' });
  });

  it('timers of a role: who is in it follows at once; of all others nothing is said', async () => {
    const before = USERS.map((_, i) => retained(i + 1).length);
    expect(
      await scene.ask('timers', '--role', 'phone', '--session-time', '900', '--keep', 'yes', '--wake', 'yes'),
    ).toEqual({ sessions: 2 });
    await until('both', () => [2, 3].every((n) => retained(n).at(-1)?.session_timeout_s === 900));
    expect(retained(3).at(-1)?.handshake).toMatchObject({ period_s: 30, keep: true, wake: true });
    for (const n of [1, 4, 5]) expect(retained(n)).toHaveLength(before[n - 1] ?? 0);
    expect(retained(5).at(-1)).toMatchObject({ session_timeout_s: 3600, handshake: { keep: false } });
  });

  it('the cut of a role, with a bounce: counted, proven, and the ports come back', async () => {
    expect(await scene.ask('disconnect', '--role', 'staff', '--bounce', '--dry-run')).toMatchObject({
      disconnected: 0,
      sessions: [1, 4].map((n) => scene.client(n).mac.replaceAll(':', '-')),
      others: 0,
    });
    const carrier = async (n: number): Promise<boolean> =>
      /LOWER_UP/.test(await scene.client(n).netns.ip('link show eth0'));
    expect(await carrier(1)).toBe(true);
    const { stdout } = await scene.agent.cli('disconnect', '--role', 'staff', '--bounce');
    expect(stdout).toBe('2 sessions are ended and locked out\ndown for some seconds: p1 p4\n');
    expect(await Promise.all([1, 4].map(carrier))).toEqual([false, false]);
    for (const n of [1, 4]) {
      const { mac } = scene.client(n);
      expect(await scene.lab.fdb(mac)).toEqual([]);
      await scene.waitForEvent('session-end', { mac, cause: 'admin-reset' });
    }
    // With its link a client notices, and logs on again.
    await until('both in again', async () => (await scene.sessions()).length === USERS.length, 20_000);
    expect(await Promise.all([1, 4].map(carrier))).toEqual([true, true]);
    expect(scene.events('session-end')).toHaveLength(2);
  });

  it('of everybody: only when it is meant', async () => {
    expect(await scene.agent.cli('disconnect', '--all')).toMatchObject({ code: 2 });
    const { stdout } = await scene.agent.cli('disconnect', '--all', '--dry-run');
    expect(stdout).toBe('5 sessions would be ended\n');
    expect(await scene.agent.cli('disconnect', '--all', '--yes')).toMatchObject({
      code: 0,
      stdout: '5 sessions are ended and locked out\n',
    });
    for (const { mac } of scene.lab.clients) expect(await scene.lab.fdb(mac)).toEqual([]);
    expect(await scene.sessions()).toEqual([]);
  });
});
