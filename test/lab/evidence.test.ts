// A client that only ever sends data: no ARP, no DHCP, no EAPOL. The kernel's table is all that tells of it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';

const T_S = 1;
const N = 3;
/** A wheel tick, a dump, and the step of 10 ms in which the table tells time. */
const SLACK_S = 0.4;

describe('FDB last-seen alone', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 2,
      radius: { users: [{ name: 'alice', password: PASSWORD }] },
      config: {
        handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
        roles: { default: { handshake: { period_s: T_S, times: N } } },
      },
    });
  });
  afterAll(() => scene?.close());

  it('keeps a client that sends UDP only, unasked; when it stops, it is out in time', async () => {
    const client = scene.client(1);
    await client.netns.setSysctl('net.ipv6.conf.eth0.disable_ipv6', 1);
    // Nobody has to ask for anybody's address.
    const uplink = (await scene.lab.uplink.must(['cat', '/sys/class/net/eth0/address'])).trim();
    await client.netns.ip(`neigh replace ${UPLINK_IPV4} lladdr ${uplink} nud permanent dev eth0`);
    await scene.lab.uplink.ip(`neigh replace ${client.ipv4} lladdr ${client.mac} nud permanent dev eth0`);
    await scene.logIn(client, 'alice');
    const wire = await Sniffer.start(client.netns);
    scene.atClose(() => wire.close());
    // Its supplicant is of no more use: nothing but data is to be sent.
    const talker = client.netns.start({ name: 'talker', argv: ['python3', '-c', TALKER, UPLINK_IPV4] });
    await sleep(10 * T_S * 1000);
    expect(scene.ends(client)).toEqual([]);
    expect(await scene.session(client)).toMatchObject({ last_seen_by: 'fdb', ipv4: null });
    await talker.stop();
    const end = await scene.waitForEvent('session-end', { mac: client.mac }, (N + 2) * T_S * 1000 + 2_000);
    await wire.stop();

    const own = await wire.fields(`eth.src == ${client.mac}`, ['frame.time_epoch', 'udp.dstport']);
    expect(own.length).toBeGreaterThanOrEqual(30);
    expect(own.filter(([, port]) => port !== '9')).toEqual([]);
    const lasted = Date.parse(String(end.decided)) / 1000 - Number(own.at(-1)?.[0]);
    expect(end.cause).toBe('handshake-timeout');
    expect(end.evidence).toMatchObject({ last_seen_by: 'fdb', probes_sent: 0 });
    expect(lasted).toBeGreaterThanOrEqual(N * T_S - 0.02);
    expect(lasted).toBeLessThanOrEqual((N + 1) * T_S + SLACK_S);
  });

  it('frames to a client are no sign of life', async () => {
    const client = scene.client(2);
    await client.netns.setSysctl('net.ipv6.conf.eth0.disable_ipv6', 1);
    await client.netns.ip('-4 addr flush dev eth0');
    const supplicant = await scene.logIn(client, 'alice');
    await supplicant.kill();
    const flood = scene.lab.uplink.start({
      name: 'flood',
      argv: ['python3', '-c', FLOOD, client.mac.replaceAll(':', '')],
    });
    const wire = await Sniffer.start(client.netns);
    scene.atClose(() => wire.close());
    const end = await scene.waitForEvent('session-end', { mac: client.mac }, (N + 3) * T_S * 1000);
    expect(end.cause).toBe('handshake-timeout');
    await flood.stop();
    await wire.stop();
    expect(await wire.count(`eth.dst == ${client.mac} && eth.type == 0x88b5`)).toBeGreaterThanOrEqual(10);
  });
});

/** A datagram to the discard port each 0.2 s. */
const TALKER = `import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    s.sendto(b'data', (sys.argv[1], 9))
    time.sleep(0.2)`;

/** A frame of no known protocol to one MAC each 0.1 s. */
const FLOOD = `import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
own = open('/sys/class/net/eth0/address').read().strip().replace(':', '')
while True:
    s.send(bytes.fromhex(sys.argv[1] + own + '88b5') + bytes(46))
    time.sleep(0.1)`;
