// Every EAP method with a real supplicant and a real server, the refusals, and several users on one port. What goes over
// the wires meanwhile is read by tshark, which knows the server's secret and checks each authenticator.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TLS_IDENTITY } from '../rigs/lab/certificates.ts';
import { canReach, ping } from '../rigs/lab/client.ts';
import { RADIUS_SECRET } from '../rigs/lab/freeradius.ts';
import { hubBehind } from '../rigs/lab/hub.ts';
import { UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';
import type { EapMethod } from '../rigs/lab/supplicant.ts';

const USERS = [
  { name: 'alice', password: PASSWORD },
  { name: 'bob', password: PASSWORD },
  { name: TLS_IDENTITY },
];
/** Octets of TLS per message: certificates take some ten rounds then. */
const FRAGMENT = 120;
const QUIET_S = 4;

interface Method {
  readonly method: EapMethod;
  readonly port: number;
  readonly user: string;
  /** EAP requests of this type that the client sees, at the least (RFC 3748 §5, EAP type numbers of IANA). */
  readonly eapType: number;
  readonly rounds: number;
}

const METHODS: readonly Method[] = [
  { method: 'MD5', port: 1, user: 'alice', eapType: 4, rounds: 1 },
  { method: 'PEAP', port: 2, user: 'alice', eapType: 25, rounds: 8 },
  { method: 'TTLS', port: 3, user: 'alice', eapType: 21, rounds: 5 },
  { method: 'TLS', port: 4, user: TLS_IDENTITY, eapType: 13, rounds: 10 },
];

describe('EAP methods', () => {
  let scene: Scene;
  let loopback: Sniffer;
  /** EAP requests of the methods, as the clients saw them. */
  let asked = 0;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: METHODS.length,
      radius: { users: USERS, fragmentSize: FRAGMENT },
      config: { roles: { default: { handshake: { period_s: 0 } } } },
    });
    loopback = await Sniffer.start(scene.lab.netns, {
      device: 'lo',
      filter: 'udp port 1812 or udp port 1813',
      preferences: [`radius.shared_secret:${RADIUS_SECRET}`, 'radius.validate_authenticator:TRUE'],
    });
    scene.atClose(() => loopback.close());
  });
  afterAll(() => scene?.close());

  // One after the other: tshark would put fragments of different conversations with one server together.
  it.each(METHODS)('$method: in, out, and in again; every frame is well-formed', async (each) => {
    const client = scene.client(each.port);
    const wire = await Sniffer.start(client.netns, { filter: 'ether proto 0x888e' });
    scene.atClose(() => wire.close());
    expect(await ping(client, UPLINK_IPV4), 'before the login').toBe(false);
    const supplicant = await scene.logIn(client, each.user, each.method);
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
    expect(await scene.session(client)).toMatchObject({
      user_name: each.user,
      port: client.port,
      method: 'dot1x',
    });
    await supplicant.logoff();
    await scene.waitForEvent('session-end', { mac: client.mac, cause: 'supplicant-logoff' });
    expect(await ping(client, UPLINK_IPV4), 'after the logoff').toBe(false);
    await supplicant.logon();
    await supplicant.waitFor('authorized');
    await until('two Starts and a Stop', () => kinds(scene, client.mac) === 'Start Stop Start');

    await wire.stop();
    expect(await wire.faults()).toEqual([]);
    // The witness saw it whole: both conversations, each with its Success.
    const rounds = await wire.count(`eap.code == 1 && eap.type == ${each.eapType}`);
    expect(rounds).toBeGreaterThanOrEqual(2 * each.rounds);
    expect(await wire.count('eap.code == 3')).toBe(2);
    asked += rounds;
  });

  it('every RADIUS packet of these is well-formed, and its authenticators are right', async () => {
    await loopback.stop();
    expect(await loopback.faults()).toEqual([]);
    expect(await loopback.count('radius.authenticator.invalid == 1')).toBe(0);
    expect(await loopback.count('radius.code == 2')).toBe(2 * METHODS.length);
    expect(await loopback.count('radius.code == 5')).toBeGreaterThanOrEqual(3 * METHODS.length);
    const requests = await loopback.count('radius.code == 1');
    expect(requests).toBeGreaterThanOrEqual(asked);
    // RFC 3579 §3.2, RFC 3580 §3.
    for (const has of [
      'eap',
      'radius.Message_Authenticator',
      'radius.NAS_Port_Type == 15',
      'radius.NAS_Port',
      'radius.Calling_Station_Id',
      'radius.Called_Station_Id',
    ]) {
      expect(await loopback.count(`radius.code == 1 && ${has}`), has).toBe(requests);
    }
  });
});

/** Calling-Station-Id (RFC 3580 §3.21). */
function stationId(mac: string): string {
  return mac.toUpperCase().replaceAll(':', '-');
}

/** The accounting records of a client, in order. */
function kinds(scene: Scene, mac: string): string {
  const station = stationId(mac);
  return scene.radius
    .accounting()
    .filter((record) => record['Calling-Station-Id'] === station)
    .map((record) => record['Acct-Status-Type'])
    .join(' ');
}

describe('refusals, and several machines on one port', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 5,
      radius: { users: USERS },
      config: {
        roles: { default: { handshake: { period_s: 0 } } },
        dot1x: { quiet_period_s: QUIET_S },
        ports: { 'p*': { control: 'auto' }, p5: { host_mode: 'single-host' } },
      },
    });
  });
  afterAll(() => scene?.close());

  it.each([
    ['PEAP', 1],
    ['MD5', 2],
  ] as const)(
    '%s with a wrong password: the port stays shut, and everybody is told why',
    async (method, n) => {
      const client = scene.client(n);
      const supplicant = await scene.supplicant(client, { method, identity: 'alice', password: 'guess' });
      await supplicant.waitFor('refused');
      const failed = await scene.waitForEvent('auth-failed', { mac: client.mac });
      expect(failed).toMatchObject({
        port: client.port,
        user_name: 'alice',
        reason: 'access-reject',
        reply_message: 'refused by the lab',
      });
      expect(await ping(client, UPLINK_IPV4)).toBe(false);
      expect(await scene.lab.portFlags(client.port)).toMatchObject({ locked: true });
      expect(await scene.lab.fdb(client.mac)).toEqual([]);
      expect(await scene.session(client)).toBeUndefined();
      const told = (await scene.decisions(client)).map(({ what, detail }) => `${what}: ${detail}`).join('\n');
      expect(told).toMatch(/access-reject/);
      expect(told).toMatch(/refused by the lab/);
      expect(told).toMatch(/HELD|held|quiet/i);
    },
  );

  it('in the quiet period nobody is listened to; after it the right password is enough', async () => {
    const client = scene.client(3);
    const supplicant = await scene.supplicant(client, {
      method: 'MD5',
      identity: 'alice',
      password: 'guess',
    });
    const failed = await scene.waitForEvent('auth-failed', { mac: client.mac });
    const failedAt = Date.parse(String(failed.time));
    const station = stationId(client.mac);
    const requests = (): number =>
      scene.radius.output.split('\n').filter((line) => /Login /.test(line) && line.includes(station)).length;
    const before = requests();
    expect(before).toBeGreaterThan(0);
    await supplicant.become({ method: 'MD5', identity: 'alice', password: PASSWORD });
    await sleep(QUIET_S * 1000 - 800 - (Date.now() - failedAt));
    expect(requests()).toBe(before);
    // Of what was heard: a program that asks could start after the quiet period.
    const started = scene.events('session-start').map(({ session }) => (session as Facts).mac);
    expect(started).not.toContain(client.mac);
    await supplicant.logoff();
    await supplicant.logon();
    await until('the login', async () => {
      if ((await scene.session(client)) !== undefined) return true;
      await supplicant.reauthenticate();
      await sleep(500);
      return false;
    });
    expect(Date.now() - failedAt).toBeGreaterThanOrEqual(QUIET_S * 1000);
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
  });

  it('multi-auth: each MAC by itself, one out does not put the others out', async () => {
    const hub = await hubBehind(scene.client(4), 3);
    scene.atClose(() => hub.close());
    const [first, second, third] = hub.hosts;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three hosts');
    const [one] = await Promise.all([scene.logIn(first, 'alice'), scene.logIn(second, 'bob', 'PEAP')]);
    expect(await canReach(first, UPLINK_IPV4)).toBe(true);
    expect(await canReach(second, UPLINK_IPV4)).toBe(true);
    expect(await ping(third, UPLINK_IPV4), 'one that has not logged in').toBe(false);
    const key = (mac: string): string => mac.replaceAll(':', '-');
    expect((await scene.port('p4'))?.sessions).toEqual(
      expect.arrayContaining([key(first.mac), key(second.mac)]),
    );
    await one?.logoff();
    await scene.waitForEvent('session-end', { mac: first.mac });
    expect(await ping(first, UPLINK_IPV4)).toBe(false);
    expect(await canReach(second, UPLINK_IPV4)).toBe(true);
    expect(scene.ends(second)).toEqual([]);
  });

  it('single-host: the second one is refused while the first is in', async () => {
    const hub = await hubBehind(scene.client(5), 2);
    scene.atClose(() => hub.close());
    const [first, second] = hub.hosts;
    if (first === undefined || second === undefined) throw new Error('two hosts');
    const one = await scene.logIn(first, 'alice');
    const other = await scene.supplicant(second, { method: 'MD5', identity: 'bob', password: PASSWORD });
    await until('the refusal', async () =>
      (await scene.decisions(second)).some(({ detail }) => /single-host/.test(String(detail))),
    );
    await sleep(1_000);
    expect(await scene.session(second)).toBeUndefined();
    expect(await ping(second, UPLINK_IPV4)).toBe(false);
    expect(await canReach(first, UPLINK_IPV4)).toBe(true);
    await one.logoff();
    await scene.waitForEvent('session-end', { mac: first.mac });
    await other.logoff();
    await other.logon();
    await other.waitFor('authorized');
    expect(await canReach(second, UPLINK_IPV4)).toBe(true);
    expect(await ping(first, UPLINK_IPV4)).toBe(false);
  });
});
