// MAC authentication bypass on the real bridge, with a real FreeRADIUS: devices that never speak EAP get in by their MAC.
// They are silent until they ping; then the kernel's notice, or the captured frame, is all that there is of them.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAC_SPELLINGS, type Mac, type MacSpelling, spellMac } from '../../src/base/mac.ts';
import { MAB_AUTHENTICATIONS } from '../../src/pae/mab-settings.ts';
import { canReach, fallSilent, ping } from '../rigs/lab/client.ts';
import { anyFrame, arpRequest, sendFrames } from '../rigs/lab/frames.ts';
import type { RadiusUser } from '../rigs/lab/freeradius-config.ts';
import type { SwitchClient } from '../rigs/lab/netns.ts';
import { UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { expectProven, RadiusWitness } from '../rigs/lab/radius-proof.ts';
import { type Facts, PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';

/** Client n of the lab. */
function macOf(n: number): Mac {
  return `02:99:00:00:00:${n.toString(16).padStart(2, '0')}` as Mac;
}

function device(n: number, spelling: MacSpelling = 'aabbccddeeff'): RadiusUser {
  const name = spellMac(macOf(n), spelling);
  return { name, password: name };
}

/** Says something, once a second, until it is in. */
async function admitted(scene: Scene, { mac, netns }: Pick<SwitchClient, 'mac' | 'netns'>): Promise<Facts> {
  const speech = netns.start({ name: `ping of ${mac}`, argv: ['ping', '-n', '-q', UPLINK_IPV4] });
  const started = await until(`${mac} to be in`, () => starts(scene, mac)[0] ?? null, 15_000);
  await speech.stop();
  return started;
}

function starts(scene: Scene, mac: string): readonly Facts[] {
  return scene
    .events('session-start')
    .map(({ session }) => session as Facts)
    .filter((session) => session.mac === mac);
}

const WAYS = MAC_SPELLINGS.flatMap((spelling) =>
  MAB_AUTHENTICATIONS.map((authentication) => ({ spelling, authentication })),
);

describe('user name and password', () => {
  const SECRET_PORT = WAYS.length + 1;
  let scene: Scene;
  let witness: RadiusWitness;

  beforeAll(async () => {
    const ports = WAYS.map(({ spelling, authentication }, i) => [
      `p${i + 1}`,
      { control: 'auto', mab: { enabled: true, delay_s: 0, user_name: spelling, authentication } },
    ]);
    const withSecret = { enabled: true, delay_s: 0, authentication: 'chap', password: 'one for all' };
    scene = await Scene.open({
      ports: SECRET_PORT,
      // Some say something by themselves, as soon as the agent is there.
      prepare: async (lab) => {
        witness = await RadiusWitness.start(lab.netns);
      },
      radius: {
        users: [
          ...WAYS.map(({ spelling }, i) => device(i + 1, spelling)),
          { name: spellMac(macOf(SECRET_PORT), 'aabbccddeeff'), password: 'one for all' },
        ],
      },
      config: {
        roles: { default: { handshake: { period_s: 0 } } },
        ports: {
          ...Object.fromEntries(ports),
          [`p${SECRET_PORT}`]: { control: 'auto', mab: withSecret },
        },
      },
    });
    scene.atClose(() => witness.close());
  });
  afterAll(() => scene?.close());

  it.each(WAYS.map((way, i) => ({ ...way, n: i + 1 })))(
    '$spelling by $authentication',
    async ({ spelling, n }) => {
      const client = scene.client(n);
      const userName = spellMac(macOf(n), spelling);
      expect(await admitted(scene, client)).toMatchObject({ method: 'mab', user_name: userName });
      expect(await canReach(client, UPLINK_IPV4)).toBe(true);
      expect(await scene.radius.waitForAccounting({ 'User-Name': userName })).toMatchObject({
        'Acct-Status-Type': 'Start',
        'NAS-Port-Id': client.port,
      });
    },
  );

  it('a password for all', async () => {
    const client = scene.client(SECRET_PORT);
    await admitted(scene, client);
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
  });

  it('every packet of these is well-formed and authentic', async () => {
    const proof = await witness.proof();
    expectProven(proof);
    expect(proof.codes['Access-Accept']).toBe(SECRET_PORT);
    // Of EAP-MD5 one round more.
    expect(proof.codes['Access-Challenge']).toBe(MAC_SPELLINGS.length);
  });
});

const NOBODY = { waiting: 0, asking: 0, quiet: 0 };
const KNOWN = [1, 2, 4, 5, 7, 11, 13];
/** The clients that have a part of their own in this play. */
const OTHER_MAC_ALLOWED_ON = { mac: macOf(9), port: 'p9' };

describe('a day at the port', () => {
  let scene: Scene;

  beforeAll(async () => {
    const timeout = { 'Session-Timeout': 3, 'Termination-Action': 'RADIUS-Request' };
    scene = await Scene.open({
      ports: 13,
      // Without IPv6 nothing is sent unasked.
      prepare: async (lab) => {
        for (const { netns } of lab.clients) await netns.setSysctl('net.ipv6.conf.eth0.disable_ipv6', 1);
      },
      radius: {
        users: [
          ...KNOWN.map((n) => (n === 4 ? { ...device(n), reply: timeout } : device(n))),
          { ...device(9), check: `NAS-Port-Id == "${OTHER_MAC_ALLOWED_ON.port}"` },
          { name: 'alice', password: PASSWORD },
        ],
      },
      config: {
        roles: { default: { handshake: { period_s: 0 } } },
        dot1x: { quiet_period_s: 2 },
        ports: {
          'p*': { control: 'auto', mab: { enabled: true, delay_s: 0, quiet_s: 3 } },
          p1: { mab: { delay_s: 3 } },
          p2: { mab: { kernel: false } },
          p6: { mab: { order: ['mab', 'dot1x'] } },
        },
      },
    });
  });
  afterAll(() => scene?.close());

  /** How often the server was asked about a MAC, and said yes or no. */
  const verdicts = (mac: string, verdict: 'OK' | 'incorrect'): number =>
    scene.radius.output
      .split('\n')
      .filter((line) => line.includes(`Login ${verdict}`) && line.includes(mac.replaceAll(':', ''))).length;

  /** Starts, and the causes of Stops; the server may have read two at the same time in either order. */
  const accounting = (mac: string): string =>
    scene.radius
      .accounting()
      .filter((record) => record['Calling-Station-Id'] === mac.toUpperCase().replaceAll(':', '-'))
      .map((record) => record['Acct-Terminate-Cause'] ?? record['Acct-Status-Type'])
      .sort()
      .join(' ');

  it("by the kernel's notice, after the delay that 802.1X is given", async () => {
    const client = scene.client(1);
    // A protocol that the capture does not take: the kernel's notice is all that there is.
    const before = Date.now();
    await sendFrames(client.netns, 'eth0', [anyFrame(client.mac)]);
    await until('the MAC to wait', async () => {
      const known = (await scene.port('p1')) as { readonly mab_clients: Facts };
      return known.mab_clients.waiting === 1;
    });
    await until('the session', () => starts(scene, client.mac).length === 1);
    expect(Date.now() - before).toBeGreaterThanOrEqual(2_900);
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
  });

  it('by a captured frame, where the kernel tells nothing', async () => {
    const client = scene.client(2);
    await sendFrames(client.netns, 'eth0', [anyFrame(client.mac)]);
    await sleep(500);
    expect((await scene.port('p2'))?.mab_clients, 'before a frame that the capture takes').toEqual(NOBODY);
    await admitted(scene, client);
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
  });

  it('refused: quiet, asked about again after that, or as soon as somebody wants it', async () => {
    const client = scene.client(3);
    const speech = client.netns.start({ name: 'ping', argv: ['ping', '-n', '-q', '-i', '0.2', UPLINK_IPV4] });
    const failed = await scene.waitForEvent('auth-failed', { mac: client.mac, method: 'mab' });
    expect(failed).toMatchObject({
      reason: 'access-reject',
      reply_message: 'refused by the lab',
      port: 'p3',
    });
    expect((await scene.port('p3'))?.mab_clients).toEqual({ waiting: 0, asking: 0, quiet: 1 });
    await sleep(1_500);
    expect(verdicts(client.mac, 'incorrect')).toBe(1);
    await until('the second question', () => verdicts(client.mac, 'incorrect') === 2, 4_000);
    const told = (await scene.decisions(client)).map(({ detail }) => String(detail)).join('\n');
    expect(told).toMatch(/MAB access-reject: "refused by the lab"/);
    expect(told).toMatch(/MAB QUIET/);
    await scene.ask('reauth', client.mac);
    await until('the third question', () => verdicts(client.mac, 'incorrect') === 3, 1_000);
    await speech.stop();
    expect(await scene.session(client)).toBeUndefined();
  });

  it('reauthenticated at the end of Session-Timeout, in one session', async () => {
    const client = scene.client(4);
    const { session_id: id } = await admitted(scene, client);
    await until('two questions more', () => verdicts(client.mac, 'OK') === 3);
    expect(await scene.session(client)).toMatchObject({ session_id: id, method: 'mab' });
    expect(accounting(client.mac)).toBe('Start');
    await scene.ask('reauth', client.mac);
    await until('one more', () => verdicts(client.mac, 'OK') === 4, 2_000);
    expect(scene.ends(client)).toEqual([]);
  });

  it('put out while it speaks: the proof of the lock stands, the kernel tells of it anew, and it is in again', async () => {
    const client = scene.client(1);
    const before = starts(scene, client.mac).length;
    const speech = client.netns.start({
      name: 'ping',
      argv: ['ping', '-n', '-q', '-i', '0.01', UPLINK_IPV4],
    });
    await scene.ask('disconnect', client.mac);
    const end = await scene.waitForEvent('session-end', { mac: client.mac, cause: 'admin-reset' });
    expect(end.relock).toMatchObject({ verified: true });
    await until('the next session', () => starts(scene, client.mac).length > before);
    await speech.stop();
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
  });

  it('802.1X takes over, and not one frame is lost', async () => {
    const client = scene.client(5);
    await admitted(scene, client);
    await canReach(client, UPLINK_IPV4);
    const wire = await Sniffer.start(client.netns, { filter: 'ether proto 0x888e' });
    scene.atClose(() => wire.close());
    const speech = client.netns.start({
      name: 'ping',
      argv: ['ping', '-n', '-q', '-i', '0.01', '-c', '300', UPLINK_IPV4],
    });
    await scene.logIn(client, 'alice');
    expect(await scene.session(client)).toMatchObject({ method: 'dot1x', user_name: 'alice' });
    await speech.exited;
    expect(speech.output).toMatch(/300 received/);
    const [end] = scene.ends(client);
    expect(end).toMatchObject({ method: 'mab', cause: 'supplicant-restart' });
    const [, second] = starts(scene, client.mac);
    expect(second).toMatchObject({ method: 'dot1x', multi_session_id: end?.multi_session_id });
    await until('the records', () => accounting(client.mac) === 'Start Start Supplicant-Restart');
    await wire.stop();
    expect(await wire.count('eap.code == 4')).toBe(0);
  });

  it('MAB first: the server is asked at once, and 802.1X follows', async () => {
    const client = scene.client(6);
    await ping(client, UPLINK_IPV4);
    await until('the refusal', () => verdicts(client.mac, 'incorrect') > 0);
    await scene.logIn(client, 'alice');
    expect(await scene.session(client)).toMatchObject({ method: 'dot1x' });
  });

  /** The machine leaves its port without a trace, and turns up elsewhere. */
  const move = async (from: SwitchClient, to: SwitchClient): Promise<void> => {
    await fallSilent(from);
    await to.netns.ip('link set eth0 down');
    await to.netns.ip(`link set eth0 address ${from.mac}`);
    await to.netns.ip('link set eth0 up');
  };

  it('moved: the server is asked about the new port, and the old session ends with its Accept', async () => {
    const [from, to] = [scene.client(7), scene.client(8)];
    const first = await admitted(scene, from);
    await move(from, to);
    const speech = to.netns.start({ name: 'ping', argv: ['ping', '-n', '-q', UPLINK_IPV4] });
    await scene.waitForEvent('session-end', { mac: from.mac, cause: 'moved' });
    await until('the session here', async () => (await scene.session(from))?.port === 'p8');
    await speech.stop();
    expect(await canReach(to, UPLINK_IPV4)).toBe(true);
    const second = await scene.session(from);
    expect(second?.session_id).not.toBe(first.session_id);
    expect(second?.multi_session_id).toBe(first.multi_session_id);
    await until('the records', () => accounting(from.mac) === 'NAS-Request Start Start');
  });

  it('refused on the new port: the old session stays', async () => {
    const [from, to] = [scene.client(9), scene.client(10)];
    await admitted(scene, from);
    await move(from, to);
    const speech = to.netns.start({ name: 'ping', argv: ['ping', '-n', '-q', UPLINK_IPV4] });
    await scene.waitForEvent('auth-failed', { mac: from.mac, port: 'p10', method: 'mab' });
    await speech.stop();
    expect(await scene.session(from)).toMatchObject({ port: 'p9' });
    expect(scene.ends(from)).toEqual([]);
    expect(await ping(to, UPLINK_IPV4)).toBe(false);
  });

  it("frames with a borrowed MAC on another port end nobody's session", async () => {
    const [owner, thief] = [scene.client(11), scene.client(12)];
    await admitted(scene, owner);
    await canReach(owner, UPLINK_IPV4);
    const before = verdicts(owner.mac, 'OK');
    for (let n = 0; n < 5; n++) {
      const borrowed = arpRequest({ mac: owner.mac, senderIp: owner.ipv4, targetIp: '10.99.0.250' });
      await sendFrames(thief.netns, 'eth0', [borrowed]);
      await sleep(900);
    }
    const told = (await scene.decisions(owner)).map(({ what, port }) => `${what} ${port}`);
    expect(told).toContain('not-moved p12');
    expect(verdicts(owner.mac, 'OK')).toBe(before);
    expect(await scene.session(owner)).toMatchObject({ port: 'p11' });
    expect(scene.ends(owner)).toEqual([]);
    expect(await canReach(owner, UPLINK_IPV4)).toBe(true);
  });

  it('3,000 random MACs: so many are remembered, so few asked about, and a real one gets in among them', async () => {
    const client = scene.client(13);
    const memory = residentKb(scene);
    const began = Date.now();
    const macs = Array.from({ length: 3_000 }, (_, n) => `06:00:00:00:${hex(n >> 8)}:${hex(n & 0xff)}`);
    await sendFrames(client.netns, 'eth0', macs.map(anyFrame));
    await admitted(scene, client);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
    const { mab_clients: known, counters } = (await scene.port('p13')) as {
      mab_clients: Record<string, number>;
      counters: Record<string, number>;
    };
    const remembered = Object.values(known).reduce((sum, count) => sum + count, 0);
    expect(remembered).toBeLessThanOrEqual(256);
    // 30 at once, and 10 a second.
    const most = 30 + 10 * ((Date.now() - began) / 1000 + 1);
    expect(counters['mab-asked']).toBeLessThanOrEqual(most);
    expect(residentKb(scene) - memory).toBeLessThan(20_000);
  });
});

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}

function residentKb(scene: Scene): number {
  const status = readFileSync(`/proc/${scene.agent.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}
