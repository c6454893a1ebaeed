// RADIUS servers that die, hang, come back or lie, beside logins that must not notice; and what their answers ask for.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { becomeArpOnly, ping } from '../rigs/lab/client.ts';
import { darken } from '../rigs/lab/darkness.ts';
import { type DetailRecord, FreeRadius, RADIUS_SECRET } from '../rigs/lab/freeradius.ts';
import { STORM, startImpostor } from '../rigs/lab/impostor.ts';
import { type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene } from '../rigs/lab/scene.ts';

const user = (name: string, reply: Readonly<Record<string, string | number>> = {}) => ({
  name,
  password: PASSWORD,
  reply,
});
const USERS = [
  user('alice', { Class: '0x676f6c64', 'User-Name': '"alice@example.net"' }),
  user('timed', { 'Session-Timeout': 4, 'Termination-Action': 'RADIUS-Request' }),
  user('idler', { 'Idle-Timeout': 5 }),
  user('metered', { 'Acct-Interim-Interval': 60 }),
  user('plain'),
];
const FIRST = '127.0.0.1:1812';
const SECOND = '127.0.0.1:2812';
const DEAD_TIME_S = 5;
const RETRANSMISSION = {
  access: { irt_s: 1, mrt_s: 2, mrc: 2, mrd_s: 20 },
  accounting: { irt_s: 1, mrt_s: 2, mrc: 0, mrd_s: 0 },
};
const NO_HANDSHAKE = { default: { handshake: { period_s: 0 } } };

function server(authPort: number, acctPort: number) {
  return { address: '127.0.0.1', auth_port: authPort, acct_port: acctPort, secret: RADIUS_SECRET };
}

function of(records: readonly DetailRecord[], client: SwitchClient, kind?: string): readonly DetailRecord[] {
  const station = client.mac.toUpperCase().replaceAll(':', '-');
  return records.filter(
    (record) =>
      record['Calling-Station-Id'] === station && (kind === undefined || record['Acct-Status-Type'] === kind),
  );
}

/** Seconds between a client's first EAPOL-Start and its session. */
async function loginTime(scene: Scene, client: SwitchClient): Promise<number> {
  const story = await scene.decisions(client);
  const at = (word: string): number =>
    Date.parse(String(story.findLast(({ what }) => what === word)?.time ?? Number.NaN));
  return (at('session started') - at('began')) / 1000;
}

let longest: Scene;
let second: FreeRadius;
afterAll(() => longest?.close());

describe('what an Accept asks for, and servers that hang', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 7,
      radius: { users: USERS },
      config: {
        handshake: { hold_after_link_up_s: 0 },
        roles: NO_HANDSHAKE,
        ports: { 'p*': { control: 'auto' }, p3: { handshake: { period_s: 1, times: 3 } } },
        radius: {
          servers: [server(1812, 1813), server(2812, 2813)],
          retransmission: RETRANSMISSION,
          dead_time_s: DEAD_TIME_S,
        },
      },
    });
    longest = scene;
    second = await FreeRadius.start(scene.lab.netns, { users: USERS, authPort: 2812, acctPort: 2813 });
    scene.atClose(() => second.close());
    // Their time runs while the others are tried.
    await Promise.all([
      scene.logIn(scene.client(2), 'timed'),
      scene.logIn(scene.client(3), 'idler'),
      scene.logIn(scene.client(7), 'metered'),
    ]);
  });

  it('Class comes back in Start and Stop; the user is called what the server calls them', async () => {
    const client = scene.client(1);
    const supplicant = await scene.logIn(client, 'alice');
    expect(await scene.session(client)).toMatchObject({ user_name: 'alice@example.net', server: FIRST });
    await supplicant.logoff();
    await until('the Stop', () => of(scene.radius.accounting(), client, 'Stop').length > 0);
    const records = of(scene.radius.accounting(), client);
    expect(records).toHaveLength(2);
    for (const record of records) {
      expect(record).toMatchObject({ Class: '0x676f6c64', 'User-Name': 'alice@example.net' });
    }
  });

  it('Idle-Timeout counts the own traffic of a client, not its answers to probes', async () => {
    const client = scene.client(3);
    expect(await ping(client, UPLINK_IPV4)).toBe(true);
    await becomeArpOnly(client);
    const end = await scene.waitForEvent('session-end', { mac: client.mac }, 15_000);
    expect(end).toMatchObject({ cause: 'idle-timeout' });
    expect((end.evidence as Facts).probes_answered).toBeGreaterThanOrEqual(2);
    await until('the Stop', () => of(scene.radius.accounting(), client, 'Stop').length > 0);
    expect(of(scene.radius.accounting(), client, 'Stop')[0]?.['Acct-Terminate-Cause']).toBe('Idle-Timeout');
  });

  it('Session-Timeout with RADIUS-Request: authenticated again and again, and never stopped', async () => {
    const client = scene.client(2);
    const logins = (): number =>
      scene.radius.output.split('\n').filter((line) => /Login OK: \[timed/.test(line)).length;
    await until('the third login', () => logins() >= 3, 15_000);
    expect(await ping(client, UPLINK_IPV4)).toBe(true);
    expect(of(scene.radius.accounting(), client).map((record) => record['Acct-Status-Type'])).toEqual([
      'Start',
    ]);
    expect(scene.ends(client)).toEqual([]);
  });

  it('the first server hangs: the login that finds out goes to the second, the next one at once', async () => {
    scene.radius.freeze();
    await scene.logIn(scene.client(4), 'plain');
    expect(await scene.session(scene.client(4))).toMatchObject({ server: SECOND });
    await scene.waitForEvent('radius-server', { server: FIRST, use: 'authentication', state: 'down' });
    expect(await loginTime(scene, scene.client(4))).toBeGreaterThanOrEqual(1);
    await scene.logIn(scene.client(5), 'plain');
    expect(await scene.session(scene.client(5))).toMatchObject({ server: SECOND });
    expect(await loginTime(scene, scene.client(5))).toBeLessThan(0.8);
  });

  it('the first server is back: it is asked again, and said to be up', async () => {
    scene.radius.thaw();
    await sleep(DEAD_TIME_S * 1000 + 500);
    await scene.logIn(scene.client(6), 'plain');
    await scene.waitForEvent('radius-server', { server: FIRST, use: 'authentication', state: 'up' });
    await scene.ask('reauth', scene.client(6).mac);
    await until('the first server', async () => (await scene.session(scene.client(6)))?.server === FIRST);
  });
});

describe('an accounting server that is dark for a while', () => {
  let scene: Scene;
  let accounting: FreeRadius;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 3,
      radius: { users: USERS },
      config: {
        roles: NO_HANDSHAKE,
        radius: { servers: [server(1812, 2813)], retransmission: RETRANSMISSION },
      },
    });
    scene.excuse('records', 'another server has them');
    accounting = await FreeRadius.start(scene.lab.netns, { users: [], authPort: 2812, acctPort: 2813 });
    scene.atClose(() => accounting.close());
  });
  afterAll(() => scene?.close());

  // Packets are lost, and not kept in the socket of a process that hangs: such a process would log each
  // retransmission, since each has an Acct-Delay-Time of its own (RFC 2866 §5.2).
  it('each Start and Stop arrives once, with the time of its event and the time that it waited', async () => {
    await until('Accounting-On', () => accounting.accounting().length > 0);
    const light = await darken(scene.lab.netns, 'udp', [2813]);
    const darkAt = Date.now();
    const [first, second, third] = [scene.client(1), scene.client(2), scene.client(3)];
    const one = await scene.logIn(first, 'plain');
    const two = await scene.logIn(second, 'alice');
    await one.logoff();
    await scene.waitForEvent('session-end', { mac: first.mac });
    await scene.logIn(third, 'plain');
    await two.logoff();
    await scene.waitForEvent('session-end', { mac: second.mac });
    for (const client of [first, second, third]) {
      expect(await loginTime(scene, client), 'authentication does not wait for accounting').toBeLessThan(0.8);
    }
    await sleep(Math.max(0, 8_000 - (Date.now() - darkAt)));
    expect(accounting.accounting()).toHaveLength(1);
    await light();
    await until('five records', () => accounting.accounting().length >= 1 + 5, 15_000);
    await sleep(5_000);

    const kinds = (client: SwitchClient): readonly (string | undefined)[] =>
      of(accounting.accounting(), client).map((record) => record['Acct-Status-Type']);
    expect(kinds(first)).toEqual(['Start', 'Stop']);
    expect(kinds(second)).toEqual(['Start', 'Stop']);
    expect(kinds(third)).toEqual(['Start']);
    for (const client of [first, second, third]) {
      for (const record of of(accounting.accounting(), client)) {
        const kind = record['Acct-Status-Type'];
        const eventAt = Date.parse(record['Event-Timestamp'] ?? '') / 1000;
        expect(Math.abs(eventAt - happened(scene, client, kind === 'Start')), `${kind}`).toBeLessThanOrEqual(
          1,
        );
        const waited = Number(record.Timestamp) - eventAt;
        expect(Math.abs(Number(record['Acct-Delay-Time']) - waited), `${kind}`).toBeLessThanOrEqual(1.5);
      }
    }
    expect(
      Number(of(accounting.accounting(), first, 'Start')[0]?.['Acct-Delay-Time']),
    ).toBeGreaterThanOrEqual(5);
  });
});

/** When upstream was told that a session began or ended: seconds since 1970. */
function happened(scene: Scene, client: SwitchClient, start: boolean): number {
  const [end] = scene.ends(client);
  const begin = scene.events('session-start').find(({ session }) => (session as Facts).mac === client.mac);
  return Date.parse(String(start ? begin?.time : end?.decided)) / 1000;
}

describe('servers that are not to be believed', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 4,
      radius: { users: USERS },
      config: {
        roles: NO_HANDSHAKE,
        radius: {
          servers: [{ ...server(3812, 3813), status_server: false }],
          retransmission: RETRANSMISSION,
        },
      },
    });
    scene.excuse('records', 'no server takes them');
  });
  afterAll(() => scene?.close());

  it.each([
    [1, 'wrong-secret', /authenticator/],
    [2, 'no-message-authenticator', /message-authenticator/],
  ] as const)('client %i: %s: dropped and counted, nobody gets in', async (n, flaw, reason) => {
    const client = scene.client(n);
    const impostor = await startImpostor(scene.lab.netns, { port: 3812, flaw, secret: RADIUS_SECRET });
    await scene.supplicant(client, { method: 'MD5', identity: 'plain', password: PASSWORD });
    await impostor.waitForLine(/answered/);
    await sleep(1_500);
    const counted = Object.entries(await scene.drops()).filter(([name]) => name.startsWith('radius-'));
    expect(counted.filter(([name, count]) => reason.test(name) && count > 0)).not.toEqual([]);
    expect(await scene.session(client)).toBeUndefined();
    expect(await scene.lab.fdb(client.mac)).toEqual([]);
    expect(await ping(client, UPLINK_IPV4)).toBe(false);
    await impostor.stop();
  });

  it('a storm of replies that are not to be believed, before the right one: all counted, and the user gets in', async () => {
    const counted = async (): Promise<number> =>
      Object.entries(await scene.drops())
        .filter(([name]) => name.startsWith('radius-'))
        .reduce((sum, [, count]) => sum + count, 0);
    /** Those that the kernel has dropped, since the agent did not come to read them in time. */
    const overflowed = async (): Promise<number> => {
      const [names, values] = (await scene.lab.netns.must(['cat', '/proc/net/snmp']))
        .split('\n')
        .filter((line) => line.startsWith('Udp:'))
        .map((line) => line.split(' '));
      return Number(values?.[names?.indexOf('RcvbufErrors') ?? -1]);
    };
    const all = async (): Promise<number> => (await counted()) + (await overflowed());
    const client = scene.client(4);
    const before = await all();
    const impostor = await startImpostor(scene.lab.netns, {
      port: 3812,
      flaw: 'storm',
      secret: RADIUS_SECRET,
    });
    await scene.supplicant(client, { method: 'MD5', identity: 'plain', password: PASSWORD });
    await until('the session', async () => (await scene.session(client)) !== undefined);
    // A supplicant that takes a Success without a method for none begins again, and so does the storm.
    const storms = (): number => impostor.lines.filter((line) => line === 'answered').length;
    await until('each of them counted', async () => (await all()) - before === STORM * storms());
    expect(scene.events('auth-failed').filter(({ mac }) => mac === client.mac)).toEqual([]);
    await impostor.stop();
  });

  it('the same server with the right secret and a Message-Authenticator lets in', async () => {
    const impostor = await startImpostor(scene.lab.netns, {
      port: 3812,
      flaw: 'nothing',
      secret: RADIUS_SECRET,
    });
    const client = scene.client(3);
    await scene.supplicant(client, { method: 'MD5', identity: 'plain', password: PASSWORD });
    await until('the session', async () => (await scene.session(client)) !== undefined);
    await impostor.stop();
  });
});

describe('a minute after its login', () => {
  it('Acct-Interim-Interval: an update comes in its time, a tenth more or less', async () => {
    const client = longest.client(7);
    const interims = (): readonly DetailRecord[] =>
      of([...longest.radius.accounting(), ...second.accounting()], client, 'Interim-Update');
    await until('the update', () => interims().length > 0, 70_000);
    const [interim] = interims();
    expect(Number(interim?.['Acct-Session-Time'])).toBeGreaterThanOrEqual(54);
    expect(Number(interim?.['Acct-Session-Time'])).toBeLessThanOrEqual(67);
    expect(interim?.['User-Name']).toBe('metered');
  }, 80_000);
});
