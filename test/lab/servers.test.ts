// The servers of a RADIUS shop, real ones: over IPv4, IPv6 and TLS, dead and back. What dies is seen by the login that it
// costs, what comes back is seen by Status-Server alone.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Issued, issue, labCertificates } from '../rigs/lab/certificates.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import { FreeRadius, RADIUS_SECRET } from '../rigs/lab/freeradius.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { expectProven, RadiusWitness } from '../rigs/lab/radius-proof.ts';
import { RadSecProxy } from '../rigs/lab/radsecproxy.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';

const USERS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].map((name) => ({
  name,
  password: PASSWORD,
}));
const RETRANSMISSION = {
  access: { irt_s: 1, mrt_s: 2, mrc: 3, mrd_s: 20 },
  accounting: { irt_s: 1, mrt_s: 2, mrc: 0, mrd_s: 0 },
};
const QUIET = { default: { handshake: { period_s: 0 } } };
/** Nothing but Status-Server could find out that a server is back: a canary would be due after an hour. */
const HOUR = 3600;

interface ServerRow {
  readonly server: string;
  readonly use: string;
  readonly state: string;
  readonly counters: Readonly<Record<string, number>>;
}

async function rows(scene: Scene): Promise<readonly ServerRow[]> {
  return (await scene.ask<{ readonly servers: readonly ServerRow[] }>('servers')).servers;
}

async function row(scene: Scene, server: string, use = 'authentication'): Promise<ServerRow | undefined> {
  return (await rows(scene)).find((each) => each.server === server && each.use === use);
}

describe('a server on IPv4 and one on IPv6', () => {
  const FOUR = '127.0.0.1:1812';
  const SIX = '[::1]:1812';
  let scene: Scene;
  let six: FreeRadius;
  let witness: RadiusWitness;
  const configFor = (addresses: readonly string[]) => ({
    roles: QUIET,
    radius: {
      servers: addresses.map((address) => ({ address, secret: RADIUS_SECRET })),
      retransmission: RETRANSMISSION,
      dead_time_s: HOUR,
      status_interval_s: 2,
    },
  });

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 4,
      radius: { users: USERS },
      config: configFor(['::1', '127.0.0.1']),
      prepare: async (lab) => {
        witness = await RadiusWitness.start(lab.netns);
        six = await FreeRadius.start(lab.netns, { users: USERS, address: '::1' });
      },
    });
    scene.excuse('records', 'some went to the other server');
    scene.atClose(() => six.close());
    scene.atClose(() => witness.close());
  });
  afterAll(() => scene?.close());

  it('the first in the list is asked, over IPv6', async () => {
    await scene.logIn(scene.client(1), 'alice');
    expect(await scene.session(scene.client(1))).toMatchObject({ server: SIX });
    await six.waitForAccounting({ 'User-Name': 'alice', 'Acct-Status-Type': 'Start' });
  });

  it('is stopped: the other takes over, for both kinds; up again: seen by Status-Server, without a login', async () => {
    await six.stop();
    await scene.logIn(scene.client(2), 'bob');
    expect(await scene.session(scene.client(2))).toMatchObject({ server: FOUR });
    await scene.radius.waitForAccounting({ 'User-Name': 'bob', 'Acct-Status-Type': 'Start' });
    await scene.waitForEvent('radius-server', { server: SIX, use: 'authentication', state: 'down' });
    await scene.waitForEvent('radius-server', { server: '[::1]:1813', use: 'accounting', state: 'down' });
    const logins = six.output;
    await six.start();
    const by = { state: 'up', because: 'it answered Status-Server' };
    await scene.waitForEvent('radius-server', { server: SIX, use: 'authentication', ...by });
    expect(six.output).not.toContain('Login');
    expect(logins).not.toContain('bob');
    await scene.logIn(scene.client(3), 'carol');
    expect(await scene.session(scene.client(3))).toMatchObject({ server: SIX });
  });

  it('the figures say so, in the table and for programs', async () => {
    expect((await row(scene, SIX))?.counters).toMatchObject({ access_accepts: 2 });
    expect((await row(scene, SIX))?.counters.status_answers).toBeGreaterThanOrEqual(1);
    expect((await row(scene, SIX))?.counters.timeouts).toBeGreaterThanOrEqual(2);
    expect((await row(scene, FOUR))?.counters).toMatchObject({ access_accepts: 1, access_challenges: 1 });
    const { stdout } = await scene.agent.cli('servers');
    expect(stdout).toMatch(/\[::1\]:1812 +authentication +udp +up/);
  });

  it('a list without the first is taken over by SIGHUP: sessions stay, the next login goes to the other', async () => {
    const before = await scene.sessions();
    scene.agent.configure(configFor(['127.0.0.1']));
    scene.agent.signal('SIGHUP');
    await scene.agent.waitForLog(/the configuration is taken over/);
    await scene.logIn(scene.client(4), 'dave');
    expect(await scene.session(scene.client(4))).toMatchObject({ server: FOUR });
    expect((await rows(scene)).map(({ server }) => server)).toEqual([FOUR, '127.0.0.1:1813']);
    const ids = (sessions: typeof before) => sessions.map(({ session_id }) => session_id);
    expect(ids(await scene.sessions())).toEqual(expect.arrayContaining(ids(before)));
    expect(scene.events('session-end')).toEqual([]);
  });

  it('and every packet of it is right, Status-Server included', async () => {
    const proof = await witness.proof();
    expectProven(proof);
    expect(proof.codes['Status-Server']).toBeGreaterThan(1);
  });
});

describe('over TLS', () => {
  const PROXY = '127.0.0.1:2083';
  const DIRECT = '127.0.0.1:2084';
  let scene: Scene;
  let proxy: RadSecProxy;
  let folder: LabFolder;
  let shown: Issued;
  let tls: { readonly ca_file: string; readonly cert_file: string; readonly key_file: string };

  const open = async (tlsOfProxy: object, certificate: Issued): Promise<Scene> =>
    Scene.open({
      ports: 5,
      radius: { users: USERS, radSec: { port: 2084, ...shown } },
      config: {
        roles: QUIET,
        radius: {
          servers: [
            { address: '127.0.0.1', tls: { ...tls, ...tlsOfProxy } },
            { address: '127.0.0.1', tls: { ...tls, port: 2084 } },
          ],
          retransmission: RETRANSMISSION,
          dead_time_s: HOUR,
          status_interval_s: 2,
        },
      },
      prepare: async (lab) => {
        proxy = await RadSecProxy.start(lab.netns, { certificate });
      },
    });

  beforeAll(async () => {
    folder = new LabFolder('radsec');
    const names = 'DNS:radius.lab,IP:127.0.0.1';
    shown = await issue(folder.path, 'server', { commonName: 'radius.lab', usage: 'serverAuth', names });
    const own = await issue(folder.path, 'switch', {
      commonName: 'sw1',
      usage: 'clientAuth',
      names: 'DNS:sw1',
    });
    tls = { ca_file: (await labCertificates()).ca, cert_file: own.certificate, key_file: own.key };
  });
  afterAll(() => folder.remove());

  describe('radsecproxy first, FreeRADIUS itself second', () => {
    beforeAll(async () => {
      scene = await open({}, shown);
      scene.atClose(() => proxy.close());
    });
    afterAll(() => scene?.close());

    it('logs in and accounts through the proxy, with EAP-TLS split over many packets', async () => {
      const supplicant = await scene.supplicant(scene.client(1), { method: 'TLS' });
      await supplicant.waitFor('authorized');
      expect(await scene.session(scene.client(1))).toMatchObject({ server: PROXY });
      await supplicant.logoff();
      await scene.radius.waitForAccounting({ 'User-Name': 'tls-user', 'Acct-Status-Type': 'Stop' });
      expect(proxy.output).toMatch(/subject CN=sw1 up/);
    });

    it('the proxy is killed: FreeRADIUS takes over at once, in one login; the proxy is back without one', async () => {
      await proxy.stop();
      await scene.waitForEvent('radius-server', { server: PROXY, use: 'authentication', state: 'down' });
      await scene.logIn(scene.client(2), 'bob', 'PEAP');
      expect(await scene.session(scene.client(2))).toMatchObject({ server: DIRECT });
      await scene.radius.waitForAccounting({ 'User-Name': 'bob', 'Acct-Status-Type': 'Start' });
      await proxy.start();
      const by = { state: 'up', because: 'it answered Status-Server' };
      await scene.waitForEvent('radius-server', { server: PROXY, use: 'authentication', ...by });
      await scene.logIn(scene.client(3), 'carol');
      expect(await scene.session(scene.client(3))).toMatchObject({ server: PROXY });
    });

    it('the proxy hangs, its connections stand: found out by the watchdog, before a login has to', async () => {
      const before = scene.events('radius-server').length;
      proxy.freeze();
      await until('the word of it', () =>
        scene
          .events('radius-server')
          .slice(before)
          .some(({ server, use, state }) => server === PROXY && use === 'authentication' && state === 'down'),
      );
      await scene.logIn(scene.client(4), 'dave');
      expect(await scene.session(scene.client(4))).toMatchObject({ server: DIRECT });
      proxy.thaw();
      await until('its return', () => {
        const told = scene
          .events('radius-server')
          .filter(({ server, use }) => server === PROXY && use === 'authentication');
        return told.at(-1)?.state === 'up';
      });
      expect((await row(scene, PROXY))?.counters.connections).toBeGreaterThanOrEqual(3);
    });
  });

  describe('a proxy that cannot be believed', () => {
    it.each([
      ['that has expired', { expired: true }, {}, /has expired/],
      ['for another address', { names: 'IP:192.0.2.9' }, {}, /not for 127\.0\.0\.1/],
      ['for another name', {}, { server_name: 'radius.example.net' }, /not for radius\.example\.net/],
    ] as const)(
      'a certificate %s: said in words; the login goes elsewhere',
      async (_, changes, settings, words) => {
        const request = { commonName: 'radius.lab', usage: 'serverAuth', names: 'IP:127.0.0.1' } as const;
        const certificate = await issue(folder.path, 'bad', { ...request, ...changes });
        const scene = await open(settings, certificate);
        try {
          const event = await scene.waitForEvent('radius-server', {
            server: PROXY,
            use: 'authentication',
            state: 'down',
          });
          expect(event.because).toMatch(words);
          await scene.logIn(scene.client(1), 'alice');
          expect(await scene.session(scene.client(1))).toMatchObject({ server: DIRECT });
          expect((await scene.drops())['radsec-certificate']).toBeGreaterThanOrEqual(1);
          await sleep(100);
          expect(proxy.output).not.toMatch(/subject CN=sw1 up/);
        } finally {
          await proxy.close();
          await scene.close();
        }
      },
    );
  });
});
