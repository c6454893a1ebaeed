// Users behind a VPN concentrator, known by their address alone: radclient is its accounting, and pings go from the tunnel's end
// over the switch's routed path to a server and back.

import { expect } from 'vitest';
import type { ConfigPart } from '../../rigs/config-part.ts';
import {
  accounting,
  CONCENTRATOR,
  Concentrator,
  SSO_PORT,
  type TunnelUser,
} from '../../rigs/lab/concentrator.ts';
import { sleep, until } from '../../rigs/lab/process.ts';
import { type Facts, Scene } from '../../rigs/lab/scene.ts';
import type { Group } from './sentences.ts';

const SESSION_S = 5;
const HEARTBEAT_S = 2;

const ROLES: ConfigPart = {
  default: {},
  session: { session_s: SESSION_S },
  heartbeat: { heartbeat_s: HEARTBEAT_S },
  /** Either would end it in time, if it held for it. */
  silent: { heartbeat_s: HEARTBEAT_S, handshake: { period_s: 1, times: 2 } },
};

class Tunnels {
  private made = 0;

  private constructor(
    readonly scene: Scene,
    readonly vpn: Concentrator,
  ) {}

  static async open(firstHop: boolean): Promise<Tunnels> {
    let vpn: Concentrator | undefined;
    const scene = await Scene.open({
      ports: 1,
      radius: { users: [] },
      prepare: async (lab) => {
        vpn = await Concentrator.create(lab);
      },
      config: {
        l3: { ingress: ['vpn0'], first_hop: firstHop },
        sso: { port: SSO_PORT, clients: [{ address: CONCENTRATOR, secret: 'concentrator-secret' }] },
        roles: ROLES,
      },
    });
    if (vpn === undefined) throw new Error('there is no concentrator');
    return new Tunnels(scene, vpn);
  }

  /** Logged in at the concentrator, and so here. */
  async logIn(role: keyof typeof ROLES): Promise<TunnelUser & { readonly ip: string }> {
    const n = ++this.made;
    const ip = `10.98.0.${100 + n}`;
    const user = { user: `remote${n}`, session: `tunnel-${n}`, ips: [ip], ip };
    await this.vpn.connect(ip);
    expect(await this.vpn.passes(ip)).toBe(false);
    expect(await this.vpn.tell(accounting('Start', user, [`Filter-Id = "${role}"`]))).toBe(true);
    expect(await this.vpn.passes(ip)).toBe(true);
    return user;
  }

  async session(ip: string): Promise<Facts | undefined> {
    return (await this.scene.sessions()).find(({ key }) => key === `ip-${ip}`);
  }

  end(ip: string, cause: string): Promise<Facts> {
    return this.scene.waitForEvent('session-end', { key: `ip-${ip}`, cause });
  }

  async close(): Promise<void> {
    await this.scene.close();
    this.vpn.close();
  }
}

export const layer3: Group<Tunnels> = {
  name: 'behind a VPN concentrator',
  open: () => Tunnels.open(false),
  rows: {
    'l3-session': async (tunnels) => {
      const [one, two] = [await tunnels.logIn('default'), await tunnels.logIn('default')];
      for (const { ip, user } of [one, two])
        expect(await tunnels.session(ip)).toMatchObject({ key: `ip-${ip}`, mac: null, user_name: user });
      await tunnels.vpn.tell(accounting('Stop', one));
      await tunnels.end(one.ip, 'sso-stop');
      expect([await tunnels.vpn.passes(one.ip), await tunnels.vpn.passes(two.ip)]).toEqual([false, true]);
    },

    'session-timer-everywhere': async (tunnels) => {
      const { ip } = await tunnels.logIn('session');
      const end = await tunnels.end(ip, 'session-timeout');
      expect(end).toMatchObject({ session_time_s: SESSION_S, acct_terminate_cause_name: 'Session-Timeout' });
      await tunnels.scene.radius.waitForAccounting({
        'Acct-Session-Id': String(end.session_id),
        'Acct-Status-Type': 'Stop',
        'Acct-Terminate-Cause': 'Session-Timeout',
      });
    },

    'heartbeat-nowhere-else': async (tunnels) => {
      const { ip } = await tunnels.logIn('silent');
      await tunnels.vpn.disconnect(ip);
      await sleep(4000 * HEARTBEAT_S);
      expect(await tunnels.session(ip)).toMatchObject({ heartbeat_s: null });
      await tunnels.vpn.connect(ip);
      expect(await tunnels.vpn.passes(ip)).toBe(true);
    },

    'sso-return': async (tunnels) => {
      const user = await tunnels.logIn('session');
      const { ip } = user;
      const first = await tunnels.end(ip, 'session-timeout');
      // Nobody is asked for anything: its next packet is enough.
      await until('in again', async () => (await tunnels.vpn.passes(ip)) || null, 5_000);
      const again = await tunnels.session(ip);
      expect(again).toMatchObject({ user_name: user.user, multi_session_id: first.multi_session_id });
      expect(again?.session_id).not.toBe(first.session_id);
      await tunnels.vpn.tell(accounting('Stop', user));
      await tunnels.end(ip, 'sso-stop');
      for (let tries = 0; tries < 4; tries++) expect(await tunnels.vpn.passes(ip)).toBe(false);
    },
  },
};

export const firstHop: Group<Tunnels> = {
  name: 'behind a VPN concentrator that is the first hop',
  open: () => Tunnels.open(true),
  rows: {
    'heartbeat-first-hop': async (tunnels) => {
      const { ip } = await tunnels.logIn('heartbeat');
      // It sends nothing; the concentrator answers for it.
      await sleep(3000 * HEARTBEAT_S);
      expect(await tunnels.session(ip)).toMatchObject({ heartbeat_s: HEARTBEAT_S });
      await tunnels.vpn.disconnect(ip);
      const end = await tunnels.end(ip, 'heartbeat-timeout');
      expect(end).toMatchObject({ acct_terminate_cause_name: 'Idle-Timeout' });
      expect((end.evidence as Facts).probes_answered).toBeGreaterThan(0);
    },
  },
};
