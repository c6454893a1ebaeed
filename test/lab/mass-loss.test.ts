// Most of a switch falls silent at once: nobody is cut before one more round, and who comes back in it has lost nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fallSilent, ping, speakAgain } from '../rigs/lab/client.ts';
import { SWITCH_IPV4, type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';

const T_S = 1;
const N = 3;
const CLIENTS = 8;
const LOST = 6;
/** A wheel tick of 0.1 s up, a dump of the table, and a busy machine. */
const SLACK_S = 0.5;
/** From the alarm to the all-clear: two periods, a round, and twice what the guard allows for a busy agent. */
const EPISODE_S = (2 + N) * T_S + 2 * 2;

describe('the mass-loss guard (T = 1 s, N = 3)', () => {
  let scene: Scene;
  let lost: readonly SwitchClient[];
  let left: readonly SwitchClient[];

  beforeAll(async () => {
    scene = await Scene.open({
      ports: CLIENTS,
      radius: { users: [{ name: 'alice', password: PASSWORD }] },
      config: {
        handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
        roles: { default: { handshake: { period_s: T_S, times: N } } },
        guard: { share: 0.5, minimum: 3 },
      },
    });
    for (const client of scene.lab.clients) {
      await client.netns.setSysctl('net.ipv6.conf.eth0.disable_ipv6', 1);
      await scene.logIn(client, 'alice');
      expect(await ping(client, UPLINK_IPV4)).toBe(true);
    }
    lost = scene.lab.clients.slice(0, LOST);
    left = scene.lab.clients.slice(LOST);
  });
  afterAll(() => scene?.close());

  /** Of the guard's events beyond the first `since`, as soon as one has this state. */
  function guardSays(state: string, since: number, withinS: number): Promise<Facts> {
    return until(
      `the guard: ${state}`,
      () =>
        scene
          .events('guard')
          .slice(since)
          .find((event) => event.state === state) ?? null,
      withinS * 1000,
    );
  }

  const sessionIds = async (): Promise<readonly unknown[]> =>
    (await scene.sessions()).map(({ session_id }) => session_id).sort();

  it('six of eight are back within the round: nobody is cut, and the alarm is over', async () => {
    const before = await sessionIds();
    await Promise.all(lost.map(fallSilent));
    const raised = await guardSays('raised', 0, (N + 1) * T_S + 2);
    await Promise.all(lost.map(speakAgain));
    expect(raised).toMatchObject({ scope: 'switch', reason: 'mass-silence', sessions: CLIENTS });
    expect(raised.silent).toBeGreaterThanOrEqual(3);
    await guardSays('cleared', 0, EPISODE_S + 2);

    expect(scene.events('guard').map(({ state }) => state)).toEqual(['raised', 'cleared']);
    expect(scene.events('session-end')).toEqual([]);
    expect(await sessionIds()).toEqual(before);
    for (const client of lost) expect(await ping(client, UPLINK_IPV4), `p${client.index}`).toBe(true);
  });

  it('six of eight stay away: each is cut after one round more, the two that answer stay', async () => {
    const since = scene.events('guard').length;
    const wires = await Promise.all(lost.map(({ netns }) => Sniffer.start(netns)));
    for (const wire of wires) scene.atClose(() => wire.close());
    await Promise.all(lost.map((client) => ping(client, UPLINK_IPV4)));
    await Promise.all(lost.map(fallSilent));
    await guardSays('raised', since, (N + 1) * T_S + 2);
    await until(
      'six ends',
      () => scene.events('session-end').length >= LOST,
      ((2 * N + 1) * T_S + SLACK_S) * 1000,
    );
    await guardSays('cleared', since, EPISODE_S + 2);
    for (const wire of wires) await wire.stop();

    const ends = scene.events('session-end');
    expect(ends.map(({ mac }) => mac).sort()).toEqual(lost.map(({ mac }) => mac));
    for (const [i, wire] of wires.entries()) {
      const { mac, port } = lost[i] as SwitchClient;
      const end = ends.find((each) => each.mac === mac);
      expect(end?.cause, port).toBe('handshake-timeout');
      const own = await wire.fields(`eth.src == ${mac}`, ['frame.time_epoch']);
      const last = Number(own.at(-1)?.[0]);
      const lasted = Date.parse(String(end?.decided)) / 1000 - last;
      expect(lasted, port).toBeGreaterThanOrEqual(2 * N * T_S - 0.02);
      expect(lasted, port).toBeLessThanOrEqual((2 * N + 1) * T_S + SLACK_S);
      // N - 1 in each of the two rounds.
      const asked = await wire.arpRequests(
        `arp.src.proto_ipv4 == ${SWITCH_IPV4} && frame.time_epoch > ${last}`,
      );
      expect(asked, port).toHaveLength(2 * (N - 1));
    }
    const states = scene
      .events('guard')
      .slice(since)
      .map(({ state }) => state);
    expect(states).toEqual(['raised', 'cut', 'cleared']);
    for (const client of left) expect(await ping(client, UPLINK_IPV4), client.port).toBe(true);
    expect((await scene.sessions()).map(({ mac }) => mac).sort()).toEqual(left.map(({ mac }) => mac));
  });

  it('and then there is no guard in the way of two: who falls silent alone is out in time', async () => {
    const [client] = left;
    if (client === undefined) throw new Error('nobody is left');
    const since = scene.events('guard').length;
    const wire = await Sniffer.start(client.netns);
    scene.atClose(() => wire.close());
    await ping(client, UPLINK_IPV4);
    await fallSilent(client);
    const end = await scene.waitForEvent('session-end', { mac: client.mac }, (N + 2) * T_S * 1000);
    await wire.stop();
    const own = await wire.fields(`eth.src == ${client.mac}`, ['frame.time_epoch']);
    const lasted = Date.parse(String(end.decided)) / 1000 - Number(own.at(-1)?.[0]);
    expect(lasted).toBeGreaterThanOrEqual(N * T_S - 0.02);
    expect(lasted).toBeLessThanOrEqual((N + 1) * T_S + SLACK_S);
    expect(scene.events('guard')).toHaveLength(since);
  });
});
