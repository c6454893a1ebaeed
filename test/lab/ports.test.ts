// What happens to ports under the agent, and what happens to the agent under the ports: the port stays shut.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { ping } from '../rigs/lab/client.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

describe('ports and the agent', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let agent: Agent;
  const supplicants: Supplicant[] = [];

  async function logIn(n: number, password = 'wonder'): Promise<Supplicant> {
    const supplicant = await Supplicant.start(lab.client(n), { method: 'MD5', identity: 'alice', password });
    supplicants.push(supplicant);
    return supplicant;
  }

  const isLocked = async (port: string): Promise<boolean> => (await lab.portFlags(port)).locked === true;

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 4 });
    radius = await FreeRadius.start(lab.netns, { users: [{ name: 'alice', password: 'wonder' }] });
    agent = await Agent.start(lab.netns, {
      handshake: { hold_after_link_up_s: 0 },
      ports: { 'p*': { control: 'auto' }, p4: { link_down_delay_s: 5 } },
    });
  });

  afterAll(async () => {
    for (const supplicant of supplicants) await supplicant.close();
    await agent?.close();
    await radius?.close();
    lab?.close();
  });

  it('an administrative down and up, and then a login: the capture hears again', async () => {
    await lab.setPort('p1', 'down');
    await lab.setPort('p1', 'up');
    await (await logIn(1)).waitFor('authorized');
    expect(await ping(lab.client(1), UPLINK_IPV4)).toBe(true);
  });

  it('a wrong password is refused, the port stays shut, and explain says why', async () => {
    await (await logIn(2, 'wrong')).waitFor('refused');
    expect(await ping(lab.client(2), UPLINK_IPV4)).toBe(false);
    const story = JSON.stringify(await agent.ask('explain', lab.client(2).mac));
    expect(story).toContain('access-reject');
    expect(story).toContain('refused by the lab');
  });

  it('a link that is back within its delay keeps the session', async () => {
    await (await logIn(4)).waitFor('authorized');
    const before = JSON.stringify(await agent.ask('session', lab.client(4).mac));
    await lab.unplug(4);
    await lab.plug(4);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    const id = /"session_id": ?"[^"]+"/.exec(before)?.[0] ?? 'none';
    expect(JSON.stringify(await agent.ask('session', lab.client(4).mac))).toContain(id);
    expect(await ping(lab.client(4), UPLINK_IPV4)).toBe(true);
  });

  it('a port that somebody unlocks is locked again', async () => {
    await lab.netns.must(['bridge', 'link', 'set', 'dev', 'p3', 'locked', 'off']);
    await until('the lock', () => isLocked('p3'));
    expect(await ping(lab.client(3), UPLINK_IPV4)).toBe(false);
  });

  it('a grant that somebody deletes is written again, a foreign one is removed', async () => {
    const { mac } = lab.client(1);
    await lab.netns.must(['bridge', 'fdb', 'del', mac, 'dev', 'p1', 'master']);
    await until('the grant', async () => (await lab.fdb(mac)).some(({ ifname }) => ifname === 'p1'));
    const stranger = '02:66:00:00:00:01';
    await lab.netns.must(['bridge', 'fdb', 'replace', stranger, 'dev', 'p3', 'master', 'static', 'sticky']);
    await until('its removal', async () => (await lab.fdb(stranger)).length === 0);
  });

  it('EAPOL-Logoff from another port with a borrowed MAC ends nobody', async () => {
    const { mac } = lab.client(1);
    const script = `import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
s.send(bytes.fromhex('0180c2000003' + '${mac.replaceAll(':', '')}' + '888e' + '01020000') + bytes(42))`;
    await lab.client(3).netns.must(['python3', '-c', script]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(JSON.stringify(await agent.ask('sessions'))).toContain(mac);
    expect(await ping(lab.client(1), UPLINK_IPV4)).toBe(true);
  });

  it('2,000 frames of nonsense are counted, and a login beside them goes on', async () => {
    const script = `import random, socket
random.seed(7)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
for i in range(2000):
    kind = random.choice(['888e', '0806', '86dd', '0800'])
    source = '02' + ''.join('%02x' % random.randrange(256) for _ in range(5))
    body = bytes(random.randrange(256) for _ in range(random.randrange(1, 120)))
    s.send(bytes.fromhex('0180c2000003' + source + kind) + body + bytes(46))`;
    await lab.client(3).netns.must(['python3', '-c', script], { timeoutMs: 30_000 });
    const first = supplicants[0] as Supplicant;
    await first.logoff();
    await first.logon();
    await first.waitFor('authorized');
    const info = JSON.stringify(await agent.ask('status'));
    expect(info).toMatch(/"(eapol|arp|nd|dhcp)-[a-z-]+": ?\d+/);
  });

  it('a logoff that the agent hears late, after the next logon, does not keep the client out', async () => {
    // An EAP-Failure at this point made wpa_supplicant wait for 30 s without an EAPOL-Start.
    const first = supplicants[0] as Supplicant;
    agent.freeze();
    await first.logoff();
    await first.logon();
    agent.thaw();
    await until(
      'the logoff',
      async () => !JSON.stringify(await agent.ask('sessions')).includes(lab.client(1).mac),
    );
    await first.waitFor('authorized', 10_000);
    expect(await ping(lab.client(1), UPLINK_IPV4)).toBe(true);
  });

  it('killed with -9: ports stay locked and grants stay; the next start removes those that are of no session', async () => {
    const [{ mac }, stranger] = [lab.client(1), '02:77:00:00:00:01'];
    await agent.kill();
    expect(await isLocked('p1')).toBe(true);
    expect(await ping(lab.client(1), UPLINK_IPV4)).toBe(true);
    expect(await ping(lab.client(3), UPLINK_IPV4)).toBe(false);
    await lab.netns.must(['bridge', 'fdb', 'add', stranger, 'dev', 'p3', 'master', 'static', 'sticky']);
    await agent.start();
    await until('the removal', async () => (await lab.fdb(stranger)).length === 0);
    expect(await lab.fdb(mac)).toHaveLength(1);
    expect(await ping(lab.client(1), UPLINK_IPV4)).toBe(true);
  });

  it('a start that finds 5,000 grants of nobody removes them together, each proven, within seconds', async () => {
    await agent.kill();
    const mac = (i: number): string => `02:77:00:00:${hex(i >> 8)}:${hex(i & 255)}`;
    const lines = Array.from({ length: 5000 }, (_, i) => `fdb replace ${mac(i)} dev p3 master static sticky`);
    await lab.netns.must(['bridge', '-batch', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 30_000 });
    const left = async (): Promise<number> =>
      (await lab.fdb()).filter((entry) => entry.mac.startsWith('02:77:')).length;
    expect(await left()).toBe(5000);
    const began = Date.now();
    await agent.start();
    await until('their removal', async () => (await left()) === 0, 8_000);
    // One by one, each with a proof of its own, it would take eleven.
    expect(Date.now() - began).toBeLessThan(6_000);
  });
});

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}
