// A switch whose table does not tell when a client was last heard: the port's receive counter has to do, where the client
// has the port to itself. It is believed only as long as no probe speaks against it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BlindDataplane, blind, buildBlindDataplane } from '../rigs/lab/blind.ts';
import { ping } from '../rigs/lab/client.ts';
import { SWITCH_IPV4, type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { type LabProcess, sleep, until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';

const T_S = 2;
const N = 3;
/** Counters are read once every T/4, beside a wheel tick and the way to the broker. */
const SLACK_S = T_S / 4 + 0.5;

describe("the port's receive counter", () => {
  let dataplane: BlindDataplane;
  let scene: Scene;

  beforeAll(async () => {
    dataplane = await buildBlindDataplane();
    scene = await Scene.open({
      ports: 2,
      radius: { users: [{ name: 'alice', password: PASSWORD }] },
      config: {
        backend: dataplane.library,
        handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
        roles: { default: { handshake: { period_s: T_S, times: N } } },
      },
    });
    for (const { port } of scene.lab.clients) await blind(scene.lab, port);
  });
  afterAll(async () => {
    await scene?.close();
    dataplane?.close();
  });

  /** Logged in, and nobody has to ask for anybody's address any more. */
  async function comeIn(client: SwitchClient): Promise<void> {
    await client.netns.setSysctl('net.ipv6.conf.eth0.disable_ipv6', 1);
    const uplink = (await scene.lab.uplink.must(['cat', '/sys/class/net/eth0/address'])).trim();
    await client.netns.ip(`neigh replace ${UPLINK_IPV4} lladdr ${uplink} nud permanent dev eth0`);
    await scene.lab.uplink.ip(`neigh replace ${client.ipv4} lladdr ${client.mac} nud permanent dev eth0`);
    await scene.logIn(client, 'alice');
  }

  /** Datagrams, and nothing else. */
  function talk(client: SwitchClient): LabProcess {
    return client.netns.start({ name: 'talker', argv: ['python3', '-c', TALKER, UPLINK_IPV4] });
  }

  /** It stops, until a whole period was silent, and goes on. */
  async function pause(client: SwitchClient, talker: LabProcess): Promise<LabProcess> {
    await talker.stop();
    await until('a silent period', async () => {
      const handshake = (await scene.session(client))?.handshake as
        | { readonly silent_periods: number }
        | undefined;
      return (handshake?.silent_periods ?? 0) >= 1;
    });
    return talk(client);
  }

  /** By the kernel's table, in seconds. */
  async function idleInTable(client: SwitchClient): Promise<number> {
    const said = await scene.lab.netns.must([
      'bridge',
      '-j',
      '-s',
      'fdb',
      'show',
      'br',
      'br0',
      'dev',
      client.port,
    ]);
    const entries = JSON.parse(said) as readonly { readonly mac: string; readonly updated: number }[];
    return entries.find(({ mac }) => mac === client.mac)?.updated ?? 0;
  }

  it('keeps a client that nobody can ask, also after a pause; when it stops for good, it is out in time', async () => {
    const client = scene.client(1);
    await comeIn(client);
    const wire = await Sniffer.start(client.netns);
    scene.atClose(() => wire.close());
    const talker = talk(client);
    await sleep((N + 2) * T_S * 1000);
    expect(await scene.session(client)).toMatchObject({ last_seen_by: 'counter', ipv4: null });
    // It is not the table that kept it.
    expect(await idleInTable(client)).toBeGreaterThanOrEqual((N + 1) * T_S);
    const again = await pause(client, talker);
    await sleep((N + 1) * T_S * 1000);
    expect(scene.ends(client)).toEqual([]);
    await again.stop();
    const end = await scene.waitForEvent('session-end', { mac: client.mac }, (N + 2) * T_S * 1000 + 2_000);
    await wire.stop();

    expect(end.cause).toBe('handshake-timeout');
    expect(end.evidence).toMatchObject({ last_seen_by: 'counter', probes_sent: 0 });
    const own = await wire.fields(`eth.src == ${client.mac}`, ['frame.time_epoch', 'udp.dstport']);
    expect(own.filter(([, port]) => port !== '9')).toEqual([]);
    const lasted = Date.parse(String(end.decided)) / 1000 - Number(own.at(-1)?.[0]);
    expect(lasted).toBeGreaterThanOrEqual(N * T_S);
    expect(lasted).toBeLessThanOrEqual((N + 1) * T_S + SLACK_S);
  });

  it('is no proof against a probe that was not answered', async () => {
    const client = scene.client(2);
    await comeIn(client);
    // The agent learns its address, and from then on nobody hears it answer.
    await client.netns.ip(`neigh del ${UPLINK_IPV4} dev eth0`);
    expect(await ping(client, UPLINK_IPV4)).toBe(true);
    await client.netns.must(['nft', '-f', '-'], { input: NO_ARP });
    const wire = await Sniffer.start(client.netns);
    scene.atClose(() => wire.close());
    const again = await pause(client, talk(client));
    const end = await scene.waitForEvent('session-end', { mac: client.mac }, (N + 2) * T_S * 1000);
    await again.stop();
    await wire.stop();

    expect(end.cause).toBe('handshake-timeout');
    const requests = await wire.arpRequests(`arp.src.proto_ipv4 == ${SWITCH_IPV4}`);
    expect(requests).toHaveLength(N - 1);
    const first = requests[0]?.at ?? 0;
    expect(await wire.count(`udp.dstport == 9 && frame.time_epoch > ${first}`)).toBeGreaterThanOrEqual(10);
  });
});

const NO_ARP =
  'add table arp mute\nadd chain arp mute out { type filter hook output priority 0; policy drop; }\n';

/** A datagram to the discard port each 0.2 s. */
const TALKER = `import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    s.sendto(b'data', (sys.argv[1], 9))
    time.sleep(0.2)`;
