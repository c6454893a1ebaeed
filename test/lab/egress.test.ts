// What leaves by a port with `egress: closed`, seen at the client's end of the wire: nothing that is flooded while nobody is in.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../rigs/lab/process.ts';
import { Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';
import type { Supplicant } from '../rigs/lab/supplicant.ts';

const FLOODED = { broadcast: 'ffffffffffff', multicast: '01005e00002a', unknown: '0299000000ee' };
/** An EtherType of nobody's (IEEE 802 Local Experimental 2). */
const FILTER = 'ether proto 0x88b6';
const CONFIG = { ports: { 'p*': { egress: 'closed' } } } as const;

describe('a port with egress closed', () => {
  let scene: Scene;
  let alice: Supplicant;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 2,
      radius: { users: [{ name: 'alice', password: 'wonder' }] },
      config: CONFIG,
    });
  });

  afterAll(async () => {
    await alice?.close();
    await scene?.close();
  });

  /** Which kinds come out at the first client's end, of one frame of each sent in by the uplink. */
  async function seen(): Promise<readonly string[]> {
    const { netns } = scene.client(1);
    const sniffer = await Sniffer.start(netns, { filter: FILTER, inbound: true });
    const script = `import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
for to in ${JSON.stringify(Object.values(FLOODED))}:
    s.send(bytes.fromhex(to + '0299000000ef' + '88b6') + bytes(46))`;
    await scene.lab.uplink.must(['python3', '-c', script]);
    await sniffer.stop();
    const rows = await sniffer.fields('eth', ['eth.dst']);
    await sniffer.close();
    const addresses = rows.map(([address]) => address?.replaceAll(':', ''));
    return Object.entries(FLOODED)
      .filter(([, address]) => addresses.includes(address))
      .map(([kind]) => kind);
  }

  const isUnflooded = async (): Promise<boolean> => {
    const flags = await scene.lab.portFlags('p1');
    return !(flags.flood || flags.mcast_flood || flags.bcast_flood);
  };

  it('is flooded with nothing before anybody is in, and EAPOL passes', async () => {
    expect(await isUnflooded()).toBe(true);
    expect(await seen()).toEqual([]);
    alice = await scene.logIn(scene.client(1), 'alice');
  });

  it('is flooded as any other while somebody is in, and the other port is not', async () => {
    expect(await seen()).toEqual(['broadcast', 'multicast', 'unknown']);
    expect(await scene.lab.portFlags('p2')).toMatchObject({ bcast_flood: false });
  });

  it('stays so over a restart of the agent', async () => {
    await scene.agent.stop();
    expect(await isUnflooded()).toBe(false);
    await scene.agent.start();
    expect(await scene.sessions()).toHaveLength(1);
    expect(await isUnflooded()).toBe(false);
    expect(await scene.lab.portFlags('p2')).toMatchObject({ bcast_flood: false });
  });

  it('is flooded no more when the last one is out, nor when somebody else turns flooding on', async () => {
    await alice.logoff();
    await until('flooding to be off', isUnflooded, 3_000);
    expect(await seen()).toEqual([]);
    await scene.lab.netns.must(['bridge', 'link', 'set', 'dev', 'p1', 'bcast_flood', 'on']);
    await until('flooding to be off again', isUnflooded, 3_000);
  });

  it('is flooded from when the configuration says so', async () => {
    scene.agent.configure({ ...CONFIG, ports: { 'p*': { egress: 'open' } } });
    const done = await scene.agent.cli('config', 'apply', scene.agent.configFile);
    expect(done).toMatchObject({ code: 0 });
    await until('flooding', async () => !(await isUnflooded()), 3_000);
    expect(await seen()).toEqual(['broadcast', 'multicast', 'unknown']);
  });
});
