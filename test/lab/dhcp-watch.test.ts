// The DHCP watch with real servers (dnsmasq) and a real client (dhclient): behind the uplink, on the switch itself, and on an
// access port, where no server is believed.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askForLease, DhcpServer } from '../rigs/lab/dhcp.ts';
import { sleep } from '../rigs/lab/process.ts';
import { type Facts, Scene } from '../rigs/lab/scene.ts';
import type { Supplicant } from '../rigs/lab/supplicant.ts';

const PASSWORD = 'wonder';

describe('leases against session timers', () => {
  let scene: Scene;
  const supplicants: Supplicant[] = [];

  beforeAll(async () => {
    const users = ['u1', 'u2', 'u3'].map((name) => ({ name, password: PASSWORD }));
    const timed = { name: 'timed', password: PASSWORD, reply: { 'Session-Timeout': 900 } };
    const roles = { default: { session_s: 600, handshake: { period_s: 0 } } };
    scene = await Scene.open({
      ports: 3,
      radius: { users: [...users, timed] },
      config: { roles, handshake: { hold_after_link_up_s: 0 } },
    });
    for (const n of [1, 2, 3]) supplicants.push(await scene.logIn(scene.client(n), `u${n}`));
  });
  afterAll(() => scene?.close());

  const warnings = (): readonly string[] =>
    scene
      .events('warning')
      .filter(({ code }) => code === 'dhcp-lease')
      .map(({ message }) => String(message));

  async function during(
    server: Promise<DhcpServer>,
    act: (server: DhcpServer) => Promise<void>,
  ): Promise<void> {
    const running = await server;
    try {
      await act(running);
    } finally {
      await running.close();
    }
  }

  const behindTheUplink = (lease: string): Promise<DhcpServer> =>
    DhcpServer.start(scene.lab.uplink, {
      device: 'eth0',
      ranges: [`10.99.0.100,10.99.0.150,255.255.255.0,${lease}`, `fd00:99::1:0,fd00:99::1:ff,64,${lease}`],
    });
  const heard = (n: number, what: RegExp): Promise<Facts> =>
    scene.waitForEvent('warning', { code: 'dhcp-lease' }).then(async (first) => {
      for (let i = 0; i < 50 && warnings().length < n; i++) await sleep(100);
      expect(warnings()).toHaveLength(n);
      expect(warnings().at(-1)).toMatch(what);
      return first;
    });

  it('a server behind the uplink, whose leases are long: one warning with both figures, for all of its clients', async () => {
    await during(behindTheUplink('2h'), async (server) => {
      expect(await askForLease(scene.client(1))).toBe(true);
      const first = await heard(
        1,
        /^leases of DHCP server 10\.99\.0\.254 in 10\.99\.0\.0\/24 last for 7200 s, sessions of role default for 600 s/,
      );
      expect(first).toMatchObject({ mac: scene.client(1).mac, port: 'p1' });
      for (const n of [1, 2, 3]) expect(await askForLease(scene.client(n))).toBe(true);
      expect(server.given).toBeGreaterThanOrEqual(4);
    });
    expect(warnings()).toHaveLength(1);
  }, 30_000);

  it('the same server by DHCPv6', async () => {
    await during(behindTheUplink('2h'), async () => {
      expect(await askForLease(scene.client(1), 6)).toBe(true);
      await heard(2, /^leases of DHCP server DUID [0-9a-f]+ in fd00:99::\/64 last for 7200 s/);
    });
  }, 30_000);

  it('leases of four times the timer are not too long; longer ones are told of anew', async () => {
    await during(behindTheUplink('40m'), async () => {
      expect(await askForLease(scene.client(2))).toBe(true);
    });
    await sleep(300);
    expect(warnings()).toHaveLength(2);
    await during(behindTheUplink('12h'), async () => {
      expect(await askForLease(scene.client(2))).toBe(true);
      await heard(3, /last for 43200 s/);
    });
  }, 30_000);

  it('a server on the switch itself', async () => {
    const onTheSwitch = DhcpServer.start(scene.lab.netns, {
      device: 'br0',
      ranges: ['10.99.0.160,10.99.0.170,255.255.255.0,infinite'],
    });
    await during(onTheSwitch, async () => {
      expect(await askForLease(scene.client(3))).toBe(true);
      await heard(4, /^leases of DHCP server 10\.99\.0\.1 in 10\.99\.0\.0\/24 last for ever/);
    });
  }, 30_000);

  it('a server on an access port is not believed, and counted', async () => {
    const rogue = DhcpServer.start(scene.client(3).netns, {
      device: 'eth0',
      ranges: ['10.99.0.180,10.99.0.190,255.255.255.0,99h'],
    });
    await during(rogue, async () => {
      expect(await askForLease(scene.client(2))).toBe(true);
    });
    await sleep(300);
    expect(warnings()).toHaveLength(4);
    expect((await scene.drops())['dhcp-untrusted-server']).toBeGreaterThan(0);
  }, 30_000);

  it('Session-Timeout of RADIUS counts where it is in force', async () => {
    // Two supplicants on one interface would answer for each other.
    await supplicants[0]?.close();
    const supplicant = await scene.logIn(scene.client(1), 'timed');
    // The leases of two hours that it has had since before.
    await heard(6, /last for 7200 s, sessions of role default for 900 s/);
    await during(behindTheUplink('12h'), async () => {
      expect(await askForLease(scene.client(1))).toBe(true);
      await heard(7, /last for 43200 s, sessions of role default for 900 s/);
    });
    await supplicant.close();
  }, 30_000);

  it('an uplink that was down is listened to again', async () => {
    await scene.lab.setPort('up0', 'down');
    await scene.agent.waitForLog(/DHCP watch: .*up0/);
    await scene.lab.setPort('up0', 'up');
    await sleep(5_500);
    await during(behindTheUplink('200h'), async () => {
      expect(await askForLease(scene.client(2))).toBe(true);
      await heard(8, /last for 720000 s/);
    });
  }, 30_000);
});
