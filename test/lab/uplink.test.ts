// Somebody behind the uplink who borrows a client's MAC: neither the entry moves nor does the session live on.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { fallSilent } from '../rigs/lab/client.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

describe('a granted MAC that comes in by the uplink', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let agent: Agent;
  let alice: Supplicant;

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 1 });
    radius = await FreeRadius.start(lab.netns, { users: [{ name: 'alice', password: 'wonder' }] });
    agent = await Agent.start(lab.netns, {
      switch: { id: 'sw1', bridge: 'br0', uplinks: ['up*'] },
      handshake: { hold_after_link_up_s: 0 },
      web: {},
    });
    alice = await Supplicant.start(lab.client(1), { method: 'MD5', identity: 'alice', password: 'wonder' });
    await alice.waitFor('authorized');
  });

  afterAll(async () => {
    await alice?.close();
    await agent?.close();
    await radius?.close();
    lab?.close();
  });

  it('of one that joins the bridge later, too', async () => {
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

  it('is dropped there: the entry stays on its port, and the silent session ends in its time', async () => {
    const { mac } = lab.client(1);
    await fallSilent(lab.client(1));
    const silentSince = Date.now();
    // The thief sends from behind the uplink all the while, five frames a second.
    const script = `import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
frame = bytes.fromhex('ffffffffffff' + '${mac.replaceAll(':', '')}' + '88b5') + bytes(46)
for _ in range(100):
    s.send(frame)
    time.sleep(0.2)`;
    const thief = lab.uplink.start({ name: 'thief', argv: ['python3', '-c', script] });
    const isOver = async (): Promise<boolean> => {
      const answer = JSON.stringify(await agent.ask('sessions'));
      return !answer.includes(mac);
    };
    await until('the session to end', isOver, 12_000);
    const lasted = Date.now() - silentSince;
    await thief.stop();
    expect(lasted).toBeLessThan(8_600);
    // Once it is nobody's any more, the bridge may learn it where it is: behind the uplink.
    const onItsPort = (await lab.fdb(mac)).filter(({ ifname }) => ifname === lab.client(1).port);
    expect(onItsPort).toEqual([]);
    const rules = (await lab.netns.run(['nft', 'list', 'table', 'bridge', 'rollcall_br0'])).stdout;
    expect(Number(/counter packets (\d+)/.exec(rules)?.[1])).toBeGreaterThan(10);
  });
});
