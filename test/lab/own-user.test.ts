// The agent as the package runs it: a user of its own, with CAP_NET_ADMIN and CAP_NET_RAW and nothing else. Whatever takes a
// right of the kernel is done once: locks, captures, probes, packet filter, routed path, page, store, control socket.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asOrdinaryUser, ORDINARY_USER } from '../rigs/lab/agent.ts';
import { canReach, fallSilent, ping } from '../rigs/lab/client.ts';
import { accounting, CONCENTRATOR, Concentrator, SSO_PORT } from '../rigs/lab/concentrator.ts';
import { radclient } from '../rigs/lab/dynauth.ts';
import { SWITCH_IPV4, type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';

const PAGE = `http://${SWITCH_IPV4}/`;
const TUNNEL_USER = { user: 'dave', session: 'session-1', ips: ['10.98.0.101'] };
/** CAP_NET_ADMIN is number 12, CAP_NET_RAW 13: linux/capability.h. */
const BOTH = ((1n << 12n) | (1n << 13n)).toString(16).padStart(16, '0');

let scene: Scene;
let vpn: Concentrator;

beforeAll(async () => {
  const users = ['alice', 'bob', 'carol'].map((name) => ({ name, password: PASSWORD }));
  scene = await Scene.open({
    ports: 3,
    radius: { users },
    asOrdinaryUser: true,
    prepare: async (lab) => {
      vpn = await Concentrator.create(lab);
    },
    config: {
      roles: { default: { handshake: { period_s: 1, times: 2 } } },
      handshake: { hold_after_link_up_s: 0 },
      dot1x: { tx_period_s: 1, reauth_max: 1 },
      ports: { p3: { control: 'auto', portal: true } },
      web: { dns_servers: [UPLINK_IPV4] },
      l3: { ingress: ['vpn0'] },
      sso: { port: SSO_PORT, clients: [{ address: CONCENTRATOR, secret: 'concentrator-secret' }] },
    },
  });
  scene.atClose(() => vpn.close());
});
afterAll(() => scene?.close());

/** `rollcall status` by a user of a group. */
function statusFor(user: number, group: number) {
  const { socket } = scene.agent;
  const chmod = `chmod a+x ${socket.replace(/\/[^/]+$/, '')}`;
  const prefix = asOrdinaryUser(user, []).map((word, i, all) =>
    all[i - 1] === '--regid' ? `${group}` : word,
  );
  return scene.lab.netns
    .must(['sh', '-c', chmod])
    .then(() => scene.agent.rollcallAs(prefix, 'status', '--socket', socket));
}

const curl = (client: SwitchClient, ...args: readonly string[]) =>
  client.netns.run(['curl', '-sS', '-m', '5', ...args]);

describe('an agent that is no root', () => {
  it('has its two capabilities and no way to more', () => {
    const status = readFileSync(`/proc/${scene.agent.pid}/status`, 'utf8');
    const value = (key: string) => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/);
    expect(value('Uid')).toEqual(Array(4).fill(`${ORDINARY_USER}`));
    for (const set of ['CapPrm', 'CapEff', 'CapInh', 'CapAmb', 'CapBnd'])
      expect(value(set), set).toEqual([BOTH]);
    expect(value('NoNewPrivs')).toEqual(['1']);
  });

  it('misses nothing', async () => {
    expect(await scene.ask('status')).toMatchObject({ missing: [], accounting: { store: 'durable' } });
  });

  it('lets a user in, asks her for a sign of life, and puts her out when she is silent', async () => {
    const client = scene.client(1);
    expect(await ping(client, UPLINK_IPV4)).toBe(false);
    const supplicant = await scene.logIn(client, 'alice', 'PEAP');
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
    await scene.waitForEvent('handshake-probe', {});
    await supplicant.close();
    await fallSilent(client);
    await scene.waitForEvent('session-end', { mac: client.mac, cause: 'handshake-timeout' });
  });

  it('does what a RADIUS server wants', async () => {
    const client = scene.client(2);
    await scene.logIn(client, 'bob');
    const answer = await radclient(scene.lab.netns, {
      send: 'disconnect',
      attributes: ['User-Name = "bob"'],
    });
    expect(answer.code).toBe('Disconnect-ACK');
    await scene.waitForEvent('session-end', { mac: client.mac, cause: 'radius-disconnect' });
  });

  it('serves the login page, holds a stranger to it, and lets him in by it', async () => {
    const client = scene.client(3);
    const speech = client.netns.start({ name: 'a stranger', argv: ['ping', '-n', '-q', SWITCH_IPV4] });
    await until(
      'a stranger at the page',
      async () => (await scene.session(client))?.method === 'portal',
      20_000,
    );
    await speech.stop();
    expect(await ping(client, UPLINK_IPV4)).toBe(false);
    const form = /name="form" value="([^"]+)"/.exec((await curl(client, PAGE)).stdout)?.[1] ?? '';
    const words = [`form=${form}`, 'user=carol', `password=${PASSWORD}`];
    await curl(client, ...words.flatMap((word) => ['--data-urlencode', word]), `${PAGE}login`);
    await until('carol', async () => (await scene.session(client))?.method === 'web');
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
  });

  it('lets a user of a concentrator in on the routed path, and out again', async () => {
    const [ip = ''] = TUNNEL_USER.ips;
    await vpn.connect(ip);
    expect(await vpn.passes(ip)).toBe(false);
    expect(await vpn.tell(accounting('Start', TUNNEL_USER))).toBe(true);
    expect(await vpn.passes(ip)).toBe(true);
    expect(await vpn.tell(accounting('Stop', TUNNEL_USER))).toBe(true);
    expect(await vpn.passes(ip)).toBe(false);
  });

  it('is spoken to by its group, and tells others why not', async () => {
    expect(await statusFor(64_322, ORDINARY_USER)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^switch +sw1/),
    });
    expect(await statusFor(64_322, 64_322)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/no right to open .*; ask as root, or as a member of its group/),
    });
  });

  it('stops, and starts again with what it had', async () => {
    expect(await scene.agent.stop()).toBe(0);
    await scene.agent.start();
    expect(await scene.ask('status')).toMatchObject({ missing: [], accounting: { store: 'durable' } });
  });
});
