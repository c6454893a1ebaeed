// The handshake on real wires: what a witness beside the client counts, and who stays. One agent, a port for each case,
// all lived through at the same time.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { Broker, type Subscriber } from '../rigs/lab/broker.ts';
import {
  becomeAddressless,
  becomeArpOnly,
  becomeIpv6Only,
  fallSilent,
  ping,
  speakAgain,
} from '../rigs/lab/client.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import {
  LabSwitch,
  SWITCH_IPV4,
  SWITCH_MAC,
  type SwitchClient,
  UPLINK_IPV4,
  UPLINK_IPV6,
} from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

const T_S = 2;
/** A wheel tick of 0.1 s up, a dump of the table, and the way to the broker. */
const SLACK_S = 0.4;

/** Ports whose clients never had an IPv4 address. */
const IPV6_ONLY: readonly number[] = [5, 6];

const METHODS = ['PEAP', 'TTLS', 'TLS', 'MD5'] as const;

describe('the handshake on real wires (T = 2 s, N = 3)', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let broker: Broker;
  let upstream: Subscriber;
  let agent: Agent;
  const supplicants: Supplicant[] = [];
  const sniffers: Sniffer[] = [];

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 8 });
    radius = await FreeRadius.start(lab.netns, {
      users: [{ name: 'user', password: 'wonder' }],
      fragmentSize: 300,
    });
    broker = await Broker.start(lab.netns);
    upstream = await broker.subscribe('rollcall/v1/sw1/event/#');
    agent = await Agent.start(lab.netns, {
      handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
      roles: { default: { handshake: { period_s: T_S, times: 3 } } },
      ports: {
        'p*': { control: 'auto' },
        p2: { handshake: { times: 1 } },
        p3: { handshake: { period_s: 0 } },
      },
    });
    // Every method serves once: EAP of all kinds, in fragments of 300 octets.
    for (let n = 1; n <= 8; n++) {
      const method = METHODS[n % METHODS.length] ?? 'MD5';
      const client = lab.client(n);
      if (IPV6_ONLY.includes(n)) await becomeIpv6Only(client);
      const supplicant = await Supplicant.start(client, { method, identity: 'user', password: 'wonder' });
      supplicants.push(supplicant);
      await supplicant.waitFor('authorized');
      const outside = IPV6_ONLY.includes(n) ? UPLINK_IPV6 : UPLINK_IPV4;
      expect(await ping(client, outside), `${method} on p${n}`).toBe(true);
    }
  }, 120_000);

  afterAll(async () => {
    for (const sniffer of sniffers) await sniffer.close();
    for (const supplicant of supplicants) await supplicant.close();
    await agent?.close();
    await broker?.close();
    await radius?.close();
    lab?.close();
  });

  async function sniff(client: SwitchClient): Promise<Sniffer> {
    const sniffer = await Sniffer.start(client.netns);
    sniffers.push(sniffer);
    return sniffer;
  }

  /** When the session of this client ended, ms since 1970; undefined while it has not. */
  function endOf(client: SwitchClient): number | undefined {
    for (const { topic, payload } of upstream.messages) {
      if (!topic.endsWith('session-end')) continue;
      const end = JSON.parse(payload) as { readonly mac: string; readonly time: string };
      if (end.mac === client.mac) return Date.parse(end.time);
    }
    return undefined;
  }

  const ended = (client: SwitchClient, seconds: number): Promise<number> =>
    until(`the end of p${client.index}`, () => endOf(client) ?? null, seconds * 1000);

  it('all of them', async () => {
    const silent = lab.client(1);
    const once = lab.client(2);
    const unwatched = lab.client(3);
    const arpOnly = lab.client(4);
    const sixOnly = lab.client(5);
    const sixSilent = lab.client(6);
    const addressless = lab.client(7);
    const addresslessSilent = lab.client(8);
    const wires = new Map<SwitchClient, Sniffer>();
    for (const client of [silent, once, unwatched, arpOnly, sixOnly, sixSilent])
      wires.set(client, await sniff(client));
    await becomeArpOnly(arpOnly);
    // Its address is known from before, so it is asked; it does not answer, and lives by what it sends.
    for (const client of [addressless, addresslessSilent]) await becomeAddressless(client);
    const talker = addressless.netns.start({ name: 'talker', argv: ['python3', '-c', TALKER] });
    await ping(silent, UPLINK_IPV4);
    const lastFrames = new Map<SwitchClient, number>();
    for (const client of [silent, once, unwatched, sixSilent, addresslessSilent]) {
      await fallSilent(client);
      lastFrames.set(client, Date.now());
    }

    // N = 1: no probe, out within one to two periods.
    const onceEnd = await ended(once, 2 * T_S + 2);
    expect(onceEnd - (lastFrames.get(once) ?? 0)).toBeLessThanOrEqual((2 * T_S + SLACK_S) * 1000);

    for (const client of [silent, sixSilent, addresslessSilent]) {
      const lasted = ((await ended(client, 4 * T_S + 3)) - (lastFrames.get(client) ?? 0)) / 1000;
      expect(lasted, `p${client.index}`).toBeLessThanOrEqual(4 * T_S + SLACK_S);
    }
    await sleep(30_000 - 5 * T_S * 1000);
    for (const sniffer of wires.values()) await sniffer.stop();

    // The silent one: exactly N - 1 probes after its last frame, ours by IP and MAC, unicast, and out in its time.
    const wire = wires.get(silent) as Sniffer;
    const own = await wire.fields(`eth.src == ${silent.mac}`, ['frame.time_epoch']);
    const lastFrame = Number(own.at(-1)?.[0]) * 1000;
    const probes = (
      await wire.arpRequests(`eth.dst == ${silent.mac} && arp.src.proto_ipv4 != ${UPLINK_IPV4}`)
    ).filter(({ at }) => at * 1000 > lastFrame);
    expect(probes).toHaveLength(2);
    for (const probe of probes) {
      expect(probe).toMatchObject({ senderIp: SWITCH_IPV4, senderMac: SWITCH_MAC, targetIp: silent.ipv4 });
    }
    const silentEnd = endOf(silent) ?? 0;
    expect((silentEnd - lastFrame) / 1000).toBeGreaterThanOrEqual(3 * T_S);
    expect((silentEnd - lastFrame) / 1000).toBeLessThanOrEqual(4 * T_S + SLACK_S);

    const asked = `arp.src.proto_ipv4 == ${SWITCH_IPV4}`;
    expect(await wires.get(once)?.arpRequests(asked)).toEqual([]);
    expect(await wires.get(unwatched)?.arpRequests(asked)).toEqual([]);
    for (const each of wires.values())
      expect(await each.arpRequests('arp.src.proto_ipv4 == 0.0.0.0')).toEqual([]);

    // Half a minute later: who answers, or sends, or is not watched, is still in.
    expect((await wires.get(arpOnly)?.arpRequests(asked))?.length).toBeGreaterThanOrEqual(4);
    expect(
      (await wires.get(sixOnly)?.neighbourSolicitations(`eth.dst == ${sixOnly.mac}`))?.length,
    ).toBeGreaterThanOrEqual(4);
    for (const client of [arpOnly, sixOnly, addressless, unwatched]) {
      expect(endOf(client), `p${client.index}`).toBeUndefined();
    }
    await talker.stop();
    await ended(addressless, 4 * T_S + 3);
    await speakAgain(unwatched);
    expect(await ping(unwatched, UPLINK_IPV4)).toBe(true);
    for (const each of wires.values()) expect(await each.faults()).toEqual([]);
  }, 120_000);
});

/** Sends a frame of no known protocol each second: life that only the table sees. */
const TALKER = `import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
mac = open('/sys/class/net/eth0/address').read().strip().replace(':', '')
while True:
    s.send(bytes.fromhex('ffffffffffff' + mac + '88b5') + bytes(46))
    time.sleep(1)`;
