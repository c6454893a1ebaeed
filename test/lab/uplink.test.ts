// Somebody behind the uplink, or behind another port that is open, who borrows a client's MAC: neither the entry moves nor does the
// session live on.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { fallSilent, speakAgain } from '../rigs/lab/client.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch, type Netns } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

describe('a granted MAC that comes in elsewhere', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let agent: Agent;

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 2 });
    radius = await FreeRadius.start(lab.netns, { users: [{ name: 'alice', password: 'wonder' }] });
    agent = await Agent.start(lab.netns, {
      switch: { id: 'sw1', bridge: 'br0', uplinks: ['up*'] },
      handshake: { hold_after_link_up_s: 0 },
      web: {},
      ports: { p1: {}, p2: { control: 'force-authorized' } },
    });
  });

  afterAll(async () => {
    await agent?.close();
    await radius?.close();
    lab?.close();
  });

  it('by an uplink that joins the bridge later: it is known to the rules', async () => {
    await lab.netns.ip('link add up1 type veth peer name up1-far');
    await lab.netns.ip('link set up1 master br0');
    for (const table of ['rollcall_br0', 'rollcall_br0_strangers'])
      await until(`up1 in ${table}`, async () => (await uplinksIn(table)) === 'up0 up1', 3_000);
    await lab.netns.ip('link delete up1');
    for (const table of ['rollcall_br0', 'rollcall_br0_strangers'])
      await until(`no up1 in ${table}`, async () => (await uplinksIn(table)) === 'up0', 3_000);
  });

  async function uplinksIn(table: string): Promise<string> {
    const listed = await lab.netns.must(['nft', 'list', 'set', 'bridge', table, 'uplinks']);
    const names = listed.match(/"[^"]+"/g) ?? [];
    return names
      .map((name) => name.slice(1, -1))
      .sort()
      .join(' ');
  }

  const PLACES: readonly (readonly [string, () => Netns])[] = [
    ['the uplink', () => lab.uplink],
    ['a port that is open to all', () => lab.client(2).netns],
  ];

  it.each(PLACES)(
    'by %s: the entry stays on its port, and the silent session ends in its time',
    async (_, place) => {
      const client = lab.client(1);
      const { mac } = client;
      const alice = await Supplicant.start(client, { method: 'MD5', identity: 'alice', password: 'wonder' });
      await alice.waitFor('authorized');
      const droppedBefore = await dropped();
      await fallSilent(client);
      const silentSince = Date.now();
      // The thief sends all the while, five frames a second.
      const script = `import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
frame = bytes.fromhex('ffffffffffff' + '${mac.replaceAll(':', '')}' + '88b5') + bytes(46)
for _ in range(100):
    s.send(frame)
    time.sleep(0.2)`;
      const thief = place().start({ name: 'thief', argv: ['python3', '-c', script] });
      const isOver = async (): Promise<boolean> => {
        const answer = JSON.stringify(await agent.ask('sessions'));
        return !answer.includes(mac);
      };
      await until('the session to end', isOver, 12_000);
      const lasted = Date.now() - silentSince;
      await thief.stop();
      expect(lasted).toBeLessThan(8_600);
      // Once it is nobody's any more, the bridge may learn it where it is.
      const onItsPort = (await lab.fdb(mac)).filter(({ ifname }) => ifname === client.port);
      expect(onItsPort).toEqual([]);
      expect((await dropped()) - droppedBefore).toBeGreaterThan(10);
      await alice.close();
      await speakAgain(client);
    },
  );

  async function dropped(): Promise<number> {
    const rules = await lab.netns.must(['nft', 'list', 'table', 'bridge', 'rollcall_br0']);
    return [...rules.matchAll(/counter packets (\d+)/g)].reduce(
      (sum, [, packets]) => sum + Number(packets),
      0,
    );
  }
});
