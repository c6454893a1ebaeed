// Users whose MAC is on a port of the switch: wpa_supplicant, FreeRADIUS, a real bridge. Everybody logs in at the beginning, into
// the role that FreeRADIUS names by Filter-Id; timers are some seconds. The handshake is off: only the timers judge.

import { expect } from 'vitest';
import type { ConfigPart } from '../../rigs/config-part.ts';
import { becomeArpOnly, canReach, fallSilent, ping, speakAgain } from '../../rigs/lab/client.ts';
import { askForLease, DhcpServer } from '../../rigs/lab/dhcp.ts';
import { SWITCH_IPV4, type SwitchClient, UPLINK_IPV4 } from '../../rigs/lab/netns.ts';
import { sleep, until } from '../../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene } from '../../rigs/lab/scene.ts';
import type { Supplicant } from '../../rigs/lab/supplicant.ts';
import type { Group } from './sentences.ts';

const SESSION_S = 10;
const HEARTBEAT_S = 3;
const LONG_S = 600;
const CLEARED_EVERY_S = 20;
/** How late a verdict may be: a dump of the table, a turn, a busy machine. */
const SLACK_S = 2;

const timers = (session_s: number, heartbeat_s: number | null): ConfigPart => ({
  session_s,
  heartbeat_s,
  handshake: 'off',
});

const ROLES: ConfigPart = {
  untimed: timers(0, null),
  session: timers(SESSION_S, null),
  heartbeat: timers(0, HEARTBEAT_S),
  'heartbeat-first': timers(LONG_S, HEARTBEAT_S),
  'session-first': timers(SESSION_S, LONG_S),
  cleared: timers(0, null),
  leased: timers(LONG_S, null),
  'out-of-band': { ...timers(SESSION_S, HEARTBEAT_S), in_band: false },
};

/** Client n is the nth of them, by that name. `silent`: from login on. */
const USERS: readonly { readonly name: string; readonly role: keyof typeof ROLES; readonly silent?: true }[] =
  [
    { name: 'stays', role: 'untimed' },
    { name: 'logs-off', role: 'untimed' },
    { name: 'is-removed', role: 'untimed' },
    { name: 'works-on', role: 'session' },
    { name: 'is-quiet', role: 'heartbeat' },
    { name: 'is-elsewhere', role: 'out-of-band', silent: true },
    { name: 'silent-untimed', role: 'untimed', silent: true },
    { name: 'silent-heartbeat', role: 'heartbeat', silent: true },
    { name: 'silent-session', role: 'session', silent: true },
    { name: 'silent-both', role: 'heartbeat-first', silent: true },
    { name: 'works-on-both', role: 'session-first' },
    { name: 'shuts-down', role: 'untimed' },
    { name: 'is-cleared', role: 'untimed' },
    { name: 'is-cleared-by-itself', role: 'cleared' },
    { name: 'leases-for-long', role: 'leased' },
    { name: 'uses-the-page', role: 'untimed' },
  ];

const PAGE_PORT = 8080;

class Office {
  private readonly supplicants = new Map<string, Supplicant>();

  private constructor(readonly scene: Scene) {}

  static async open(): Promise<Office> {
    const users = USERS.map(({ name, role }) => ({
      name,
      password: PASSWORD,
      reply: { 'Filter-Id': `"${role}"` },
    }));
    const scene = await Scene.open({
      ports: USERS.length,
      radius: { users },
      config: {
        roles: ROLES,
        handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
        web: { port: PAGE_PORT },
        certified_devices: { enabled: true, clear: [{ every_s: CLEARED_EVERY_S, roles: ['cleared'] }] },
      },
    });
    const office = new Office(scene);
    await Promise.all(USERS.map(({ name }) => office.logIn(name)));
    for (const { name, silent } of USERS) {
      // Addresses are learnt before anybody falls silent: there is somebody to ask.
      await ping(office.client(name), UPLINK_IPV4);
      if (silent) await fallSilent(office.client(name));
    }
    // They are not to log on again by themselves: that they are out can be seen later, too.
    for (const name of ['is-cleared', 'is-cleared-by-itself']) await office.supplicant(name).kill();
    return office;
  }

  client(name: string): SwitchClient {
    return this.scene.client(USERS.findIndex((user) => user.name === name) + 1);
  }

  supplicant(name: string): Supplicant {
    const supplicant = this.supplicants.get(name);
    if (supplicant === undefined) throw new Error(`${name} is not there`);
    return supplicant;
  }

  private async logIn(name: string): Promise<void> {
    this.supplicants.set(name, await this.scene.logIn(this.client(name), name));
  }

  session(name: string): Promise<Facts | undefined> {
    return this.scene.session(this.client(name));
  }

  /** The one end of this user's session: out, locked, and with its Stop. */
  async end(name: string, wanted: { readonly cause: string; readonly terminate: string }): Promise<End> {
    const { mac } = this.client(name);
    const end = await this.scene.waitForEvent('session-end', { mac }, 1000 * (SESSION_S + 10));
    expect(end).toMatchObject({ cause: wanted.cause, user_name: name, relock: { verified: true } });
    const id = String(end.session_id);
    const stop = await this.scene.radius.waitForAccounting({
      'Acct-Status-Type': 'Stop',
      'Acct-Session-Id': id,
    });
    expect(stop['Acct-Terminate-Cause']).toBe(wanted.terminate);
    expect(stop['Acct-Session-Time']).toBe(`${end.session_time_s}`);
    expect(await this.session(name)).toBeUndefined();
    expect(await this.scene.lab.fdb(mac)).toEqual([]);
    const { last_seen: lastSeen, probes_sent: probes } = end.evidence as Facts;
    return {
      onlineS: Number(end.session_time_s),
      silentS: (Date.parse(String(end.decided)) - Date.parse(String(lastSeen))) / 1000,
      probes: Number(probes),
    };
  }

  /** By the role's session timer, at its time, whatever the client does. */
  async endsByItsSessionTimer(name: string): Promise<void> {
    const { onlineS } = await this.end(name, { cause: 'session-timeout', terminate: 'Session-Timeout' });
    within(onlineS, SESSION_S);
  }

  /** Asked twice in vain, and out when it has been silent for as long as the timer says. */
  async endsByItsHeartbeatTimer(name: string): Promise<void> {
    const { silentS, probes } = await this.end(name, {
      cause: 'heartbeat-timeout',
      terminate: 'Idle-Timeout',
    });
    within(silentS, HEARTBEAT_S);
    expect(probes).toBeGreaterThan(0);
  }

  close(): Promise<void> {
    return this.scene.close();
  }
}

interface End {
  readonly onlineS: number;
  /** At the verdict. */
  readonly silentS: number;
  readonly probes: number;
}

function within(measuredS: number, wantedS: number): void {
  // Times are told in whole seconds, or in tens of milliseconds by the table.
  expect(measuredS).toBeGreaterThanOrEqual(wantedS - 0.1);
  expect(measuredS).toBeLessThanOrEqual(wantedS + SLACK_S);
}

export const layer2: Group<Office> = {
  name: 'on a port of the switch',
  open: () => Office.open(),
  rows: {
    'logout-web': async (office) => {
      const client = office.client('uses-the-page');
      const page = `http://${SWITCH_IPV4}:${PAGE_PORT}`;
      const curl = (...args: readonly string[]): Promise<string> =>
        client.netns.must(['curl', '-s', '-m', '8', ...args]);
      const shown = await curl(`${page}/`);
      expect(shown).toContain('uses-the-page');
      const [, form = ''] = /name="form" value="([^"]+)"/.exec(shown) ?? [];
      await curl(`${page}/logout`, '-d', `form=${form}`);
      await office.end('uses-the-page', { cause: 'web-logout', terminate: 'User-Request' });
      expect(await ping(client, UPLINK_IPV4)).toBe(false);
    },

    'logout-agent': async (office) => {
      await office.supplicant('logs-off').logoff();
      await office.end('logs-off', { cause: 'supplicant-logoff', terminate: 'User-Request' });
      expect(await ping(office.client('logs-off'), UPLINK_IPV4)).toBe(false);
    },

    'admin-removal': async (office) => {
      await office.scene.ask('disconnect', '--user', 'is-removed');
      await office.end('is-removed', { cause: 'admin-reset', terminate: 'Admin-Reset' });
      expect(await ping(office.client('is-removed'), UPLINK_IPV4)).toBe(false);
    },

    'long-lease': async (office) => {
      const { scene } = office;
      const client = office.client('leases-for-long');
      const ranges = ['10.99.0.100,10.99.0.150,255.255.255.0,12h'];
      const server = await DhcpServer.start(scene.lab.uplink, { device: 'eth0', ranges });
      scene.atClose(() => server.close());
      expect(await askForLease(client)).toBe(true);
      const { message } = await scene.waitForEvent('warning', { code: 'dhcp-lease', mac: client.mac });
      expect(message).toContain(`last for 43200 s, sessions of role leased for ${LONG_S} s`);
    },

    'heartbeat-timer': async (office) => {
      const client = office.client('is-quiet');
      await becomeArpOnly(client);
      await sleep(2000 * HEARTBEAT_S);
      expect(await office.session('is-quiet')).toMatchObject({ role: 'heartbeat', heartbeat_s: HEARTBEAT_S });
      await fallSilent(client);
      await office.endsByItsHeartbeatTimer('is-quiet');
    },

    'timers-heartbeat': (office) => office.endsByItsHeartbeatTimer('silent-heartbeat'),

    'session-timer': async (office) => {
      const client = office.client('works-on');
      const atWork = client.netns.start({ name: 'ping', argv: ['ping', '-i', '0.3', UPLINK_IPV4] });
      office.scene.atClose(() => atWork.stop());
      await office.endsByItsSessionTimer('works-on');
      expect(await ping(client, UPLINK_IPV4)).toBe(false);
    },

    'timers-session': (office) => office.endsByItsSessionTimer('silent-session'),

    'timers-both': async (office) => {
      await office.endsByItsHeartbeatTimer('silent-both');
      await office.endsByItsSessionTimer('works-on-both');
    },

    'heartbeat-nowhere-else': async (office) => {
      const { onlineS, silentS, probes } = await office.end('is-elsewhere', {
        cause: 'session-timeout',
        terminate: 'Session-Timeout',
      });
      expect(onlineS).toBeGreaterThan(2 * HEARTBEAT_S);
      expect(silentS).toBeGreaterThan(2 * HEARTBEAT_S);
      expect(probes).toBe(0);
    },

    'session-timer-everywhere': (office) => office.endsByItsSessionTimer('is-elsewhere'),

    'logoff-and-shutdown': async (office) => {
      const { scene } = office;
      const client = office.client('shuts-down');
      const before = await office.session('shuts-down');
      await office.supplicant('shuts-down').logoff();
      await scene.lab.unplug(client.index);
      await office.supplicant('shuts-down').kill();
      await office.end('shuts-down', { cause: 'supplicant-logoff', terminate: 'User-Request' });
      await scene.lab.plug(client.index);
      expect(await ping(client, UPLINK_IPV4)).toBe(false);
      await scene.logIn(client, 'shuts-down');
      const after = await until('the new session', async () => (await office.session('shuts-down')) ?? null);
      expect(after.session_id).not.toBe(before?.session_id);
      expect(await canReach(client, UPLINK_IPV4)).toBe(true);
    },

    'timers-neither': async (office) => {
      const silent = office.client('silent-untimed');
      const session = await office.session('silent-untimed');
      expect(session).toMatchObject({ session_timeout_s: null, heartbeat_s: null });
      // Longer than both timers of all others.
      expect(Number(session?.session_time_s)).toBeGreaterThan(SESSION_S);
      expect(Date.now() - Date.parse(String(session?.last_seen))).toBeGreaterThan(1000 * SESSION_S);
      await speakAgain(silent);
      expect(await canReach(silent, UPLINK_IPV4)).toBe(true);
      expect((await office.session('silent-untimed'))?.session_id).toBe(session?.session_id);
    },

    'l2-session': async (office) => {
      const client = office.client('stays');
      const session = await office.session('stays');
      expect(session).toMatchObject({
        key: client.mac.replaceAll(':', '-'),
        mac: client.mac,
        ipv4: client.ipv4,
        port: client.port,
      });
      expect(Number(session?.session_time_s)).toBeGreaterThan(SESSION_S);
      expect(await ping(client, UPLINK_IPV4)).toBe(true);
      expect(office.scene.ends(client)).toEqual([]);
    },

    'certified-cleared': async (office) => {
      const cleared = { cause: 'certified-device-cleared', terminate: 'Admin-Reset' };
      const { scene } = office;
      expect(await scene.ask('certified', 'clear', '--user', 'is-cleared')).toEqual({
        cleared: 1,
        logged_off: 1,
      });
      await office.end('is-cleared', cleared);
      await office.end('is-cleared-by-itself', cleared);
      const clearings = scene.events('certified-cleared');
      expect(clearings.map(({ by }) => by).sort()).toEqual(['command', 'timer']);
      for (const name of ['is-cleared', 'is-cleared-by-itself'])
        expect(await ping(office.client(name), UPLINK_IPV4)).toBe(false);
    },
  },
};
