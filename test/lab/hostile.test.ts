// Somebody on a port who means harm, beside users who must not notice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canReach, ping } from '../rigs/lab/client.ts';
import { anyFrame, arpRequest, eapolLogoff, eapolStart, sendFrames } from '../rigs/lab/frames.ts';
import { hubBehind } from '../rigs/lab/hub.ts';
import { UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { nonsense, send, starts } from '../rigs/lab/storm.ts';

const STORM_FRAMES = 2_000;

describe('hostile neighbours', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 5,
      radius: { users: ['alice', 'bob', 'carol', 'dave'].map((name) => ({ name, password: PASSWORD })) },
      config: { roles: { default: { handshake: { period_s: 0 } } } },
    });
  });
  afterAll(() => scene?.close());

  it('a storm of malformed frames: all counted, the agent lives, a login beside it takes no longer', async () => {
    const [user, villain] = [scene.client(1), scene.client(2)];
    const { pid } = scene.agent;
    const before = await scene.drops();
    const storm = send(villain, nonsense(STORM_FRAMES, 7), 400);
    await scene.logIn(user, 'alice');
    await storm;
    expect(await canReach(user, UPLINK_IPV4)).toBe(true);
    const story = await scene.decisions(user);
    const at = (word: string): number => Date.parse(String(story.find(({ what }) => what === word)?.time));
    expect(at('session started') - at('began')).toBeLessThan(1_000);

    const after = await scene.drops();
    const grown = (protocol: string): number =>
      Object.entries(after)
        .filter(([name]) => name.startsWith(`${protocol}-`))
        .reduce((sum, [name, count]) => sum + count - (before[name] ?? 0), 0);
    // A fourth of the frames each; the kernel's filter keeps back what is no ND or DHCP any more.
    expect(grown('eapol')).toBeGreaterThan(100);
    for (const protocol of ['arp', 'nd', 'dhcp']) expect(grown(protocol), protocol).toBeGreaterThan(20);
    expect(scene.agent.pid).toBe(pid);
    expect(scene.agent.lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
    expect(await scene.sessions()).toHaveLength(1);
    expect((await scene.lab.fdb()).filter(({ ifname }) => ifname === villain.port)).toEqual([]);
    expect(await ping(villain, UPLINK_IPV4)).toBe(false);
  });

  it('the port of the storm still serves who has a password', async () => {
    await scene.logIn(scene.client(2), 'bob');
    expect(await canReach(scene.client(2), UPLINK_IPV4)).toBe(true);
  });

  it('frames from another port with a borrowed MAC end nobody, and take nothing away', async () => {
    const [victim, villain] = [scene.client(1), scene.client(3)];
    const before = await scene.session(victim);
    const { mac } = victim;
    await sendFrames(villain.netns, 'eth0', [
      eapolLogoff(mac),
      eapolStart(mac),
      eapolLogoff(mac),
      arpRequest({ mac, senderIp: victim.ipv4, targetIp: UPLINK_IPV4 }),
      anyFrame(mac),
    ]);
    await sleep(1_500);
    expect((await scene.session(victim))?.session_id).toBe(before?.session_id);
    expect(scene.ends(victim)).toEqual([]);
    expect(await scene.lab.fdb(mac)).toMatchObject([{ ifname: victim.port, state: 'static' }]);
    expect(await canReach(victim, UPLINK_IPV4)).toBe(true);
    // They were heard: it is not for want of hearing that nothing happened.
    expect(JSON.stringify(await scene.decisions(victim))).toContain(villain.port);
  });

  it('EAPOL-Starts from random MACs on one port: a real client gets in there, and on the next port at once', async () => {
    const hub = await hubBehind(scene.client(4), 2);
    scene.atClose(() => hub.close());
    const [villain, honest] = hub.hosts;
    if (villain === undefined || honest === undefined) throw new Error('two hosts');
    let flooding = true;
    const flood = send(villain, starts(6_000, 11), 300)
      .catch(() => undefined)
      .finally(() => {
        flooding = false;
      });
    await sleep(1_000);
    const began = Date.now();
    const [inside, beside] = await Promise.all([
      scene.supplicant(honest, { method: 'MD5', identity: 'carol', password: PASSWORD }),
      scene.supplicant(scene.client(5), { method: 'MD5', identity: 'dave', password: PASSWORD }),
    ]);
    await beside.waitFor('authorized', 5_000);
    await until(
      'the client behind the flood',
      async () => (await scene.session(honest)) !== undefined,
      15_000,
    );
    expect(flooding).toBe(true);
    await inside.waitFor('authorized', 5_000);
    expect(Date.now() - began).toBeLessThan(20_000);
    expect((await scene.drops())['eapol-too-many-newcomers']).toBeGreaterThan(100);
    await hub.close();
    await flood;
  });
});
