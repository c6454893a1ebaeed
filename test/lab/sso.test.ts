// Single sign-on with real parts: radclient is the concentrator's accounting, nftables the routed path, and pings go from an
// address behind the concentrator to a server and back.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import {
  accounting,
  CONCENTRATOR,
  Concentrator,
  SSO_PORT,
  SWITCH_AT_VPN,
  type TunnelUser,
} from '../rigs/lab/concentrator.ts';
import { radclient, sendAll } from '../rigs/lab/dynauth.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { type Facts, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';
import { accountingRequest } from '../rigs/sso.ts';

const SECRET = 'concentrator-secret';
const UNLISTED = '10.98.0.9';
const BURST = 500;
const CONFIG = {
  l3: { ingress: ['vpn0'] },
  sso: { port: SSO_PORT, clients: [{ address: CONCENTRATOR, secret: SECRET }] },
  roles: { default: {}, short: { session_s: 3 }, beat: { heartbeat_s: 3, handshake: 'off' } },
} satisfies ConfigPart;

let scene: Scene;
let vpn: Concentrator;
let made = 0;

beforeAll(async () => {
  scene = await Scene.open({
    ports: 1,
    radius: { users: [] },
    prepare: async (lab) => {
      vpn = await Concentrator.create(lab);
    },
    config: CONFIG,
  });
});
afterAll(async () => {
  await scene?.close();
  vpn?.close();
});

/** Somebody with a tunnel, not logged in yet; of both families unless told otherwise. */
async function user(families: 'both' | 'ipv4' | 'ipv6' = 'both'): Promise<TunnelUser> {
  const n = ++made;
  const v4 = `10.98.0.${100 + n}`;
  const v6 = `fd00:98::${100 + n}`;
  const ips = { both: [v4, v6], ipv4: [v4], ipv6: [v6] }[families];
  for (const ip of ips) await vpn.connect(ip);
  return { user: `user${n}`, session: `session-${n}`, ips };
}

const SHORT = ['Filter-Id = "short"'];
const first = ({ ips }: TunnelUser): string => ips[0] ?? '';
const key = (ip: string): string => `ip-${ip}`;
const retained = (ip: string): string =>
  scene.upstream.ofTopic(`${TOPIC_BASE}/session/${key(ip)}`).at(-1)?.payload ?? '';
/** As soon as the retained session at this address has all these values. */
const published = (ip: string, wanted: Facts): Promise<Facts> =>
  until(`the session at ${ip} with ${JSON.stringify(wanted)}`, () => {
    const text = retained(ip);
    const facts = text === '' ? {} : (JSON.parse(text) as Facts);
    return Object.entries(wanted).every(([name, value]) => facts[name] === value) && facts;
  });
const ended = (who: TunnelUser, cause: string): Promise<Facts> =>
  scene.waitForEvent('session-end', { key: key(first(who)), cause });
const path = (who: TunnelUser): Promise<readonly boolean[]> =>
  Promise.all(who.ips.map((ip) => vpn.passes(ip)));
const records = (who: TunnelUser) =>
  scene.radius.accounting().filter((record) => record['User-Name'] === who.user);

describe('a user of the concentrator', () => {
  it('passes the routed path with its Start and not before, in both directions and both families', async () => {
    const alice = await user();
    const stranger = await user('ipv4');
    expect(await path(alice)).toEqual([false, false]);
    expect(await vpn.tell(accounting('Start', alice))).toBe(true);
    expect(await path(alice)).toEqual([true, true]);
    expect(await Promise.all(alice.ips.map((ip) => vpn.reached(ip)))).toEqual([true, true]);
    expect(await path(stranger)).toEqual([false]);
    expect(await vpn.reached(first(stranger))).toBe(false);
    for (const ip of alice.ips)
      await published(ip, { layer: 3, mac: null, user_name: alice.user, method: 'sso' });
    const table = (await scene.agent.cli('sessions')).stdout;
    for (const ip of alice.ips) expect(table).toContain(ip);
    expect((await scene.agent.cli('session', first(alice))).stdout).toContain(CONCENTRATOR);
    expect((await scene.agent.cli('explain', first(alice))).stdout).toContain('session started');
  });

  it('is out with its Stop, in the middle of whatever goes on, with the cause that the concentrator says', async () => {
    const alice = await user();
    await vpn.tell(accounting('Start', alice));
    const pinging = vpn.netns.run([
      'ping',
      '-c',
      '80',
      '-i',
      '0.05',
      '-W',
      '0.2',
      '-I',
      first(alice),
      '10.97.0.2',
    ]);
    await sleep(700);
    expect(await vpn.tell(accounting('Stop', alice, ['Acct-Terminate-Cause = Idle-Timeout']))).toBe(true);
    const seen = [...(await pinging).stdout.matchAll(/icmp_seq=(\d+)/g)].map(([, seq]) => Number(seq));
    expect(seen.length).toBeGreaterThan(5);
    expect(Math.max(...seen)).toBeLessThan(75);
    expect(await path(alice)).toEqual([false, false]);
    expect(await vpn.reached(first(alice))).toBe(false);
    const end = await ended(alice, 'sso-stop');
    expect(end).toMatchObject({ acct_terminate_cause: 4, relock: { verified: true } });
    expect(retained(first(alice))).toBe('');
    await until(
      'both Stops',
      () => records(alice).filter((r) => r['Acct-Status-Type'] === 'Stop').length === 2,
    );
    // Two sessions: their Starts leave together, and the threads of FreeRADIUS write them down in either order.
    const start = records(alice).find((r) => r['Framed-IP-Address'] === first(alice));
    expect(start).toMatchObject({
      'Acct-Status-Type': 'Start',
      'Acct-Authentic': 'Remote',
      'NAS-Port-Type': 'Virtual',
    });
    expect(start).not.toHaveProperty('Calling-Station-Id');
    expect(records(alice).map((r) => r['Framed-IPv6-Address'] ?? '-')).toContain(alice.ips[1]);
    expect(records(alice).filter((r) => r['Acct-Terminate-Cause'] === 'Idle-Timeout')).toHaveLength(2);
  });

  it('whom the session timer drops comes back by its next packet, then by an Interim, and not after its Stop', async () => {
    const alice = await user('ipv4');
    await vpn.tell(accounting('Start', alice, SHORT));
    expect(await path(alice)).toEqual([true]);
    await ended(alice, 'session-timeout');
    expect(await path(alice)).toEqual([false]);
    await until('in again by its packet', async () => (await path(alice))[0], 3_000);
    const ends = () => scene.events('session-end').filter((end) => end.key === key(first(alice)));
    await until('dropped again', () => ends().length === 2);
    expect(await vpn.tell(accounting('Interim-Update', alice))).toBe(true);
    expect(await path(alice)).toEqual([true]);
    expect(new Set(ends().map(({ multi_session_id: id }) => id)).size).toBe(1);
    await until('dropped a third time', () => ends().length === 3);
    expect(await vpn.tell(accounting('Stop', alice))).toBe(true);
    for (let tries = 0; tries < 4; tries++) expect(await path(alice)).toEqual([false]);
    expect(await vpn.tell(accounting('Interim-Update', alice))).toBe(true);
    await sleep(700);
    expect(await path(alice)).toEqual([false]);
  });

  it('is found by a Disconnect- and a CoA-Request by its address, and does not come back by itself', async () => {
    const alice = await user('ipv6');
    await vpn.tell(accounting('Start', alice));
    const ask = (send: 'coa' | 'disconnect', ...more: readonly string[]) =>
      radclient(scene.lab.netns, { send, attributes: [`Framed-IPv6-Address = ${first(alice)}`, ...more] });
    expect((await ask('coa', 'Session-Timeout = 900')).code).toBe('CoA-ACK');
    await published(first(alice), { session_timeout_s: 900 });
    expect((await ask('coa', 'Cisco-AVPair = "subscriber:command=reauthenticate"')).errorCause).toBe(
      'Unsupported-Extension',
    );
    expect((await ask('disconnect')).code).toBe('Disconnect-ACK');
    expect(await path(alice)).toEqual([false]);
    expect(await vpn.tell(accounting('Interim-Update', alice))).toBe(true);
    await sleep(700);
    expect(await path(alice)).toEqual([false]);
    expect(await vpn.tell(accounting('Start', { ...alice, session: 'anew' }))).toBe(true);
    expect(await path(alice)).toEqual([true]);
  });

  it("whose address is another one's now is out, and the other one in", async () => {
    const alice = await user('ipv4');
    await vpn.tell(accounting('Start', alice));
    const bob = { user: 'bob', session: 'of-bob', ips: alice.ips };
    expect(await vpn.tell(accounting('Start', bob))).toBe(true);
    await ended(alice, 'authorization-changed');
    await published(first(bob), { user_name: 'bob' });
    expect(await path(bob)).toEqual([true]);
  });
});

describe('the concentrator', () => {
  it('takes all its users along by Accounting-Off', async () => {
    const alice = await user();
    const bob = await user('ipv4');
    for (const who of [alice, bob]) await vpn.tell(accounting('Start', who));
    expect(await vpn.tell(['Acct-Status-Type = Accounting-Off', 'Acct-Session-Id = "off"'])).toBe(true);
    expect([...(await path(alice)), ...(await path(bob))]).toEqual([false, false, false]);
    expect(await scene.sessions()).toEqual([]);
    expect(await ended(bob, 'sso-stop')).toMatchObject({ acct_terminate_cause_name: 'Admin-Reboot' });
  });

  it('that is not listed, has another secret, or makes no sense, moves nobody: all of it is counted', async () => {
    const mallory = await user('ipv4');
    await vpn.connect(UNLISTED);
    const before = await scene.drops();
    const start = accounting('Start', mallory);
    expect(await vpn.tell([...start, `Packet-Src-IP-Address = ${UNLISTED}`], { waitS: 1 })).toBe(false);
    expect(await vpn.tell(start, { secret: 'another-secret', waitS: 1 })).toBe(false);
    const packets = hostile(10_000);
    const counted = (now: Readonly<Record<string, number>>): number =>
      Object.entries(now)
        .filter(([name]) => name.startsWith('sso-'))
        .reduce((sum, [name, count]) => sum + count - (before[name] ?? 0), 0);
    const to = { sources: 8, waitMs: 0, from: CONCENTRATOR, to: SWITCH_AT_VPN, port: SSO_PORT };
    // No more at once than the socket takes, however long the agent is busy.
    for (let at = 0; at < packets.length; at += BURST) {
      await sendAll(vpn.netns, packets.slice(at, at + BURST), to);
      await until('all of it counted', async () => counted(await scene.drops()) === at + BURST + 2);
    }
    const after = await scene.drops();
    expect(after['sso-client']).toBe(1);
    expect(after['sso-request-authenticator']).toBeGreaterThan(1000);
    expect(await scene.sessions()).toEqual([]);
    expect(await path(mallory)).toEqual([false]);
    expect(await vpn.tell(start)).toBe(true);
    expect(await path(mallory)).toEqual([true]);
  });
});

describe('the routed path', () => {
  it('that is opened by whoever flushes nftables is shut again, and those who are in stay in', async () => {
    const alice = await user('ipv4');
    const stranger = await user('ipv4');
    await vpn.tell(accounting('Start', alice));
    await scene.lab.netns.must(['nft', 'flush', 'ruleset']);
    await scene.waitForEvent('warning', { code: 'routed-path' }, 15_000);
    await until('shut again', async () => !(await path(stranger))[0], 3_000);
    await until('the user in', async () => (await path(alice))[0], 3_000);
  });

  it('stays as it is while there is no agent, and when there is one again: nobody loses a packet, and no session ends', async () => {
    const alice = await user('ipv4');
    const stranger = await user('ipv4');
    await vpn.tell(accounting('Start', alice));
    await scene.radius.waitForAccounting({ 'User-Name': alice.user, 'Acct-Status-Type': 'Start' });
    const session = (await scene.sessions()).find(({ user_name: name }) => name === alice.user);
    const pings = vpn.pinging(first(alice));
    await sleep(1_500);
    await scene.agent.kill();
    expect([...(await path(alice)), ...(await path(stranger))]).toEqual([true, false]);
    await scene.agent.start();
    await sleep(1_000);
    expect(await pings.lost()).toBe(0);
    expect([...(await path(alice)), ...(await path(stranger))]).toEqual([true, false]);
    expect(await vpn.tell(accounting('Interim-Update', alice))).toBe(true);
    const now = (await scene.sessions()).find(({ user_name: name }) => name === alice.user);
    expect(now).toMatchObject({ session_id: session?.session_id, started: session?.started });
    expect(await vpn.tell(accounting('Stop', alice))).toBe(true);
    expect(await ended(alice, 'sso-stop')).toMatchObject({ session_id: session?.session_id });
    expect(await path(alice)).toEqual([false]);
  });
});

describe('a first hop that answers ARP and neighbour discovery for its clients', () => {
  it('keeps those that are there in by the heartbeat, and loses those whose tunnel is gone', async () => {
    await scene.agent.stop();
    scene.agent.configure({ ...CONFIG, l3: { ingress: ['vpn0'], first_hop: true } });
    await scene.agent.start();
    const [alice, bob] = [await user('ipv4'), await user('ipv6')];
    const beat = ['Filter-Id = "beat"'];
    for (const who of [alice, bob]) await vpn.tell(accounting('Start', who, beat));
    await sleep(5_000);
    expect([...(await path(alice)), ...(await path(bob))]).toEqual([true, true]);
    for (const who of [alice, bob]) await vpn.disconnect(first(who));
    for (const who of [alice, bob]) {
      const end = await ended(who, 'heartbeat-timeout');
      expect(end).toMatchObject({ acct_terminate_cause_name: 'Idle-Timeout' });
      expect((end.evidence as Facts).probes_answered).toBeGreaterThan(1);
    }
  });
});

/** Seeded: bent copies of a good Start, and octets of nobody; none of them is one that could be believed and understood. */
function hostile(count: number): readonly Uint8Array[] {
  const random = seeded(20_261_126);
  const seen = new Set<string>();
  const packets: Uint8Array[] = [];
  while (packets.length < count) {
    const n = packets.length;
    const good = accountingRequest('start', {
      session: `h${n}`,
      user: 'mallory',
      ips: ['10.98.0.200'],
      secret: SECRET,
    });
    const packet = bent(good, n, random);
    const text = toHex(packet);
    if (seen.has(text)) continue;
    seen.add(text);
    packets.push(packet);
  }
  return packets;
}

function bent(good: Uint8Array, n: number, random: () => number): Uint8Array {
  const at = Math.floor(random() * good.length);
  switch (n % 4) {
    case 0: {
      const copy = good.slice();
      copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      return copy;
    }
    case 1:
      return good.slice(0, 1 + (at % (good.length - 1)));
    case 2:
      return Uint8Array.from({ length: 1 + at }, () => Math.floor(random() * 256));
    default:
      // Believed, and of no sense.
      return accountingRequest('interim', {
        session: `h${n}`,
        ips: ['10.98.0.200'],
        secret: SECRET,
        delayS: Math.floor(random() * 2 ** 31),
      });
  }
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
