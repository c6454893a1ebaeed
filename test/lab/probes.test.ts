// Whose address a probe bears, when none may be sent, and how a client of two families is asked: on the client's wire.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  becomeArpOnly,
  becomeIpv6Only,
  fallSilent,
  forgetNeighbours,
  neighbourOf,
  ping,
} from '../rigs/lab/client.ts';
import { arpAnnouncement, arpProbe, sendFrames } from '../rigs/lab/frames.ts';
import { SWITCH_IPV4, SWITCH_MAC, type SwitchClient, UPLINK_IPV4, UPLINK_IPV6 } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { type AddressQuestion, Sniffer } from '../rigs/lab/sniffer.ts';

const T_S = 1;
const N = 3;
/** A wheel tick of 0.1 s up, a dump of the table, and a busy machine. */
const SLACK_S = 0.5;
/** Enough periods for several answers, and for several ends. */
const STAY_S = 9 * T_S;
const HOLD_LINK_UP_S = 8;
const HOLD_ANNOUNCEMENT_S = 3;

const RADIUS = { users: [{ name: 'alice', password: PASSWORD }] };
const ROLES = { default: { handshake: { period_s: T_S, times: N } } };

async function sniff(scene: Scene, client: SwitchClient): Promise<Sniffer> {
  const wire = await Sniffer.start(client.netns);
  scene.atClose(() => wire.close());
  return wire;
}

/** Of the port that a client is plugged into. */
async function portAddress(scene: Scene, client: SwitchClient): Promise<string> {
  return (await scene.lab.netns.must(['cat', `/sys/class/net/${client.port}/address`])).trim();
}

/** What came from the switch itself, and no router or neighbour: by its Ethernet source. */
async function probesOf(
  scene: Scene,
  client: SwitchClient,
  wire: Sniffer,
): Promise<readonly AddressQuestion[]> {
  const mine = `eth.src == ${await portAddress(scene, client)} && eth.dst == ${client.mac}`;
  const all = [...(await wire.arpRequests(mine)), ...(await wire.neighbourSolicitations(mine))];
  return all.sort((a, b) => a.at - b.at);
}

/** Seconds since 1970 of each frame of the client's. */
async function ownFrames(client: SwitchClient, wire: Sniffer): Promise<readonly number[]> {
  const own = await wire.fields(`eth.src == ${client.mac}`, ['frame.time_epoch']);
  return own.map(([at]) => Number(at));
}

async function lastFrame(client: SwitchClient, wire: Sniffer): Promise<number> {
  return (await ownFrames(client, wire)).at(-1) ?? Number.NaN;
}

/** Seconds since 1970 of the verdict. */
async function outBySilence(scene: Scene, client: SwitchClient, withinS: number): Promise<number> {
  const end = await scene.waitForEvent('session-end', { mac: client.mac }, withinS * 1000);
  expect(end.cause).toBe('handshake-timeout');
  return Date.parse(String(end.decided)) / 1000;
}

function expectBetween(what: string, value: number, least: number, most: number): void {
  expect(value, what).toBeGreaterThanOrEqual(least);
  expect(value, what).toBeLessThanOrEqual(most);
}

describe('probes that bear the address of the gateway behind the uplink', () => {
  const GATEWAY_MAC = '02:99:00:00:00:fd';
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 2,
      radius: RADIUS,
      prepare: async (lab) => {
        await lab.uplink.ip(`link set eth0 address ${GATEWAY_MAC}`);
      },
      config: {
        handshake: {
          hold_after_link_up_s: 0,
          hold_after_announcement_s: 0,
          sources: { '0': { ip: UPLINK_IPV4, ipv6: UPLINK_IPV6, mac: GATEWAY_MAC } },
        },
        roles: ROLES,
      },
    });
  });
  afterAll(() => scene?.close());

  it.concurrent.each([
    ['ARP', 1, dropIpv6, UPLINK_IPV4],
    ['neighbour solicitations', 2, becomeIpv6Only, UPLINK_IPV6],
  ] as const)(
    '%s: gateway IP and gateway MAC together, the frame from ours; the answer counts',
    async (_, n, become, gateway) => {
      const client = scene.client(n);
      await become(client);
      await scene.logIn(client, 'alice');
      expect(await ping(client, gateway)).toBe(true);
      // What the client knows from here on, it has from the probes.
      await forgetNeighbours(client);
      const wire = await sniff(scene, client);
      await until('what a probe teaches', async () => (await neighbourOf(client, gateway)) !== undefined);
      expect(await neighbourOf(client, gateway)).toBe(GATEWAY_MAC);
      await sleep(STAY_S * 1000);
      expect(await neighbourOf(client, gateway)).toBe(GATEWAY_MAC);
      await wire.stop();

      const probes = await probesOf(scene, client, wire);
      expect(probes.length).toBeGreaterThanOrEqual(4);
      for (const probe of probes) {
        expect(probe).toMatchObject({
          senderIp: gateway,
          senderMac: GATEWAY_MAC,
          targetIp: n === 1 ? client.ipv4 : client.ipv6,
        });
      }
      expect(await neighbourOf(client, SWITCH_IPV4)).toBeUndefined();
      expect(await wire.faults()).toEqual([]);
      expect(await ping(client, gateway)).toBe(true);
      expect(scene.ends(client)).toEqual([]);
      await scene.ask('disconnect', client.mac);
      const { evidence } = await scene.waitForEvent('session-end', { mac: client.mac });
      const { probes_sent, probes_answered } = evidence as Readonly<Record<string, number>>;
      expect(probes_answered).toBe(probes_sent);
      expect(probes_answered).toBeGreaterThanOrEqual(probes.length);
    },
  );
});

async function dropIpv6(client: SwitchClient): Promise<void> {
  await client.netns.setSysctl('net.ipv6.conf.eth0.disable_ipv6', 1);
}

describe('probes that bear our own address', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 6,
      radius: RADIUS,
      prepare: (lab) => lab.unplug(2),
      config: {
        handshake: {
          hold_after_link_up_s: HOLD_LINK_UP_S,
          hold_after_announcement_s: HOLD_ANNOUNCEMENT_S,
        },
        roles: ROLES,
      },
    });
    for (const n of [1, 3, 4, 5, 6]) {
      await scene.logIn(scene.client(n), 'alice');
      expect(await ping(scene.client(n), UPLINK_IPV4)).toBe(true);
    }
  });
  afterAll(() => scene?.close());

  it('none in the first seconds after link-up; those periods do not count, so it is out that much later', async () => {
    const client = scene.client(2);
    const before = Date.now() / 1000;
    await scene.lab.plug(2);
    const after = Date.now() / 1000;
    const wire = await sniff(scene, client);
    await scene.logIn(client, 'alice');
    expect(await ping(client, UPLINK_IPV4)).toBe(true);
    await fallSilent(client);
    const decided = await outBySilence(scene, client, HOLD_LINK_UP_S + (N + 1) * T_S + 3);
    await wire.stop();

    // Or it would not have been asked in that time anyway.
    expect(await lastFrame(client, wire)).toBeLessThan(before + HOLD_LINK_UP_S - 2 * T_S);
    const probes = await probesOf(scene, client, wire);
    expect(probes).toHaveLength(N - 1);
    const first = probes[0]?.at ?? 0;
    expectBetween('the first probe', first, before + HOLD_LINK_UP_S, after + HOLD_LINK_UP_S + T_S + SLACK_S);
    // A probe waits for a routine dump, a quarter of T at most; the verdict asks for one.
    expectBetween('the verdict', decided - first, (N - 1) * T_S - T_S / 4 - 0.1, (N - 1) * T_S + SLACK_S);
  });

  it('teach the client our IP with our MAC, and leave its gateway as it was', async () => {
    const client = scene.client(1);
    const uplink = (await scene.lab.uplink.must(['cat', '/sys/class/net/eth0/address'])).trim();
    await becomeArpOnly(client);
    await forgetNeighbours(client);
    await client.netns.ip(`neigh replace ${UPLINK_IPV4} lladdr ${uplink} nud stale dev eth0`);
    const wire = await sniff(scene, client);
    await until('what a probe teaches', async () => (await neighbourOf(client, SWITCH_IPV4)) !== undefined);
    expect(await neighbourOf(client, SWITCH_IPV4)).toBe(SWITCH_MAC);
    expect(await neighbourOf(client, UPLINK_IPV4)).toBe(uplink);
    await wire.stop();
    const probes = await probesOf(scene, client, wire);
    expect(probes.length).toBeGreaterThanOrEqual(1);
    expect(probes[0]).toMatchObject({
      senderIp: SWITCH_IPV4,
      senderMac: SWITCH_MAC,
      targetIp: client.ipv4,
    });
  });

  it.concurrent.each([
    ['has announced its address', 3, arpAnnouncement],
    ['has tested its address', 4, arpProbe],
  ] as const)('none while a client that %s may still listen for conflicts', async (_, n, frame) => {
    const client = scene.client(n);
    const wire = await sniff(scene, client);
    expect(await ping(client, UPLINK_IPV4)).toBe(true);
    await sendFrames(client.netns, 'eth0', [frame(client.mac, client.ipv4)]);
    await fallSilent(client);
    const decided = await outBySilence(scene, client, HOLD_ANNOUNCEMENT_S + (N + 1) * T_S + 3);
    await wire.stop();

    const said = await wire.arpRequests(`eth.src == ${client.mac} && arp.dst.proto_ipv4 == ${client.ipv4}`);
    expect(said).toHaveLength(1);
    const announced = said[0]?.at ?? 0;
    const last = await lastFrame(client, wire);
    const probes = (await probesOf(scene, client, wire)).filter(({ at }) => at > last);
    expect(probes).toHaveLength(N - 1);
    const first = probes[0]?.at ?? 0;
    expectBetween('hold', first - announced, HOLD_ANNOUNCEMENT_S, HOLD_ANNOUNCEMENT_S + T_S + SLACK_S);
    // A probe waits for a routine dump, a quarter of T at most; the verdict asks for one.
    expectBetween('the verdict', decided - first, (N - 1) * T_S - T_S / 4 - 0.1, (N - 1) * T_S + SLACK_S);
  });

  it('a client of two families that loses IPv4 is found by IPv6, and stays', async () => {
    const client = scene.client(5);
    expect(await ping(client, UPLINK_IPV6)).toBe(true);
    expect(await scene.session(client)).toMatchObject({ ipv4: client.ipv4, ipv6: client.ipv6 });
    await client.netns.ip('-4 addr flush dev eth0');
    // Nobody has to ask for anybody's address: its kernel would do so by itself, seconds after the ping.
    const uplink = (await scene.lab.uplink.must(['cat', '/sys/class/net/eth0/address'])).trim();
    await client.netns.ip(`neigh replace ${UPLINK_IPV6} lladdr ${uplink} nud permanent dev eth0`);
    await scene.lab.uplink.ip(`neigh replace ${client.ipv6} lladdr ${client.mac} nud permanent dev eth0`);
    const wire = await sniff(scene, client);
    await sleep(STAY_S * 1000);
    await wire.stop();
    expect(scene.ends(client)).toEqual([]);
    const probes = await probesOf(scene, client, wire);
    const own = await ownFrames(client, wire);
    const lost = probes.filter(({ targetIp }) => targetIp === client.ipv4);
    expect(lost.length).toBeGreaterThanOrEqual(2);
    // What comes after a request in vain, unless the client spoke by itself meanwhile: a solicitation, and its answer.
    for (const { at } of lost) {
      const next = probes.find((probe) => probe.at > at);
      const spoke = own.some((time) => time > at && time < (next?.at ?? Number.POSITIVE_INFINITY));
      if (next === undefined || spoke) continue;
      expect(next.targetIp).toBe(client.ipv6);
      expect(own.some((time) => time > next.at && time < next.at + SLACK_S)).toBe(true);
    }
    expect(probes.filter(({ targetIp }) => targetIp === client.ipv6).length).toBeGreaterThanOrEqual(2);
    expect(await ping(client, UPLINK_IPV6)).toBe(true);
  });

  it('a client of two families that falls silent is asked once by each, and is out in time', async () => {
    const client = scene.client(6);
    const wire = await sniff(scene, client);
    expect(await ping(client, UPLINK_IPV6)).toBe(true);
    await fallSilent(client);
    const decided = await outBySilence(scene, client, (N + 1) * T_S + 3);
    await wire.stop();
    const last = await lastFrame(client, wire);
    const probes = (await probesOf(scene, client, wire)).filter(({ at }) => at > last);
    expect(probes.map(({ targetIp }) => targetIp)).toEqual([client.ipv4, client.ipv6]);
    expectBetween('silence', decided - last, N * T_S - 0.02, (N + 1) * T_S + SLACK_S);
  });
});
