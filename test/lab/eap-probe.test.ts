// A client that is asked by EAP whether it is there: each answer is a whole reauthentication that interrupts nothing, and
// a supplicant that is gone is out in time, whatever the authenticator's own timers are.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { becomeAddressless, ping } from '../rigs/lab/client.ts';
import { type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';

const T_S = 1;
const N = 3;
/** A wheel tick of 0.1 s up, a dump of the table, and a busy machine. */
const SLACK_S = 0.5;

/** Of the ports whose supplicants will be gone: long enough to kill one before it is asked for the first time. */
const GONE_T_S = 2;

const IDENTITY_REQUEST = 'eap.code == 1 && eap.type == 1';
const IDENTITY_RESPONSE = 'eap.code == 2 && eap.type == 1';
const SUCCESS = 'eap.code == 3';
const FAILURE = 'eap.code == 4';

/** Each question is followed at once by an answer and by a success; how many there were. */
async function expectReauthentications(wire: Sniffer): Promise<number> {
  const times = async (filter: string): Promise<readonly number[]> =>
    (await wire.fields(filter, ['frame.time_epoch'])).map(([at]) => Number(at));
  const answers = await times(IDENTITY_RESPONSE);
  const successes = await times(SUCCESS);
  const asked = await times(IDENTITY_REQUEST);
  // The last one may have been cut off by the end of the recording.
  for (const at of asked.slice(0, -1)) {
    const soon = (time: number): boolean => time > at && time < at + SLACK_S;
    expect(answers.some(soon)).toBe(true);
    expect(successes.some(soon)).toBe(true);
  }
  expect(await wire.count(`${FAILURE} || eapol.type != 0`)).toBe(0);
  return asked.length;
}

describe('the eap probe', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 4,
      radius: { users: [{ name: 'alice', password: PASSWORD }] },
      config: {
        roles: { default: { handshake: { period_s: T_S, times: N, probe: 'eap' } } },
        ports: {
          'p[34]': { handshake: { period_s: GONE_T_S } },
          // Retransmissions of its own would show among the probes, and end the session before its time.
          p4: { dot1x: { tx_period_s: 1, supp_timeout_s: 1, max_req: 1, reauth_max: 1 } },
        },
      },
    });
  });
  afterAll(() => scene?.close());

  async function sniff(client: SwitchClient): Promise<Sniffer> {
    const wire = await Sniffer.start(client.netns, { filter: 'ether proto 0x888e' });
    scene.atClose(() => wire.close());
    return wire;
  }

  /** Of all its sessions. */
  function records(client: SwitchClient): readonly string[] {
    const station = client.mac.replaceAll(':', '-').toUpperCase();
    return scene.radius
      .accounting()
      .filter((record) => record['Calling-Station-Id']?.toUpperCase() === station)
      .map((record) => `${record['Acct-Status-Type']} ${record['Acct-Session-Id']}`);
  }

  it('a client without an address answers it, is reauthenticated each time, and stays the same session', async () => {
    const client = scene.client(1);
    await becomeAddressless(client);
    await scene.logIn(client, 'alice');
    const session = await scene.session(client);
    const table = scene.lab.netns.start({ name: 'bridge monitor', argv: ['bridge', 'monitor', 'fdb'] });
    scene.atClose(() => table.stop());
    const wire = await sniff(client);
    await sleep(12 * T_S * 1000);
    await wire.stop();

    expect(await expectReauthentications(wire)).toBeGreaterThanOrEqual(5);
    expect(await scene.session(client)).toMatchObject({
      session_id: session?.session_id,
      started: session?.started,
      last_seen_by: 'eapol',
    });
    expect(records(client)).toEqual([`Start ${session?.session_id}`]);
    expect(table.lines.filter((line) => line.includes(client.mac))).toEqual([]);
    expect(scene.events('auth-failed')).toEqual([]);
  });

  it('nothing of the traffic is lost while it goes on', async () => {
    const client = scene.client(2);
    await scene.logIn(client, 'alice', 'PEAP');
    expect(await ping(client, UPLINK_IPV4)).toBe(true);
    const session = await scene.session(client);
    const wire = await sniff(client);
    const pinging = client.netns.run(['ping', '-n', '-i', '0.05', '-c', '100', UPLINK_IPV4]);
    for (let n = 0; n < 4; n++) await scene.ask('probe', client.mac);
    const { stdout } = await pinging;
    await wire.stop();

    expect(stdout).toMatch(/100 packets transmitted, 100 received, 0% packet loss/);
    expect(await expectReauthentications(wire)).toBeGreaterThanOrEqual(4);
    expect((await scene.session(client))?.session_id).toBe(session?.session_id);
    expect(records(client)).toEqual([`Start ${session?.session_id}`]);
  });

  it.concurrent.each([
    ['the standard timers', 3],
    ['timers shorter than T', 4],
  ])('a supplicant that is gone, %s: N - 1 requests, and out by silence in time', async (_, n) => {
    const client = scene.client(n);
    await becomeAddressless(client);
    const wire = await sniff(client);
    const supplicant = await scene.logIn(client, 'alice');
    await supplicant.kill();
    const gone = { mac: client.mac };
    const end = await scene.waitForEvent('session-end', gone, (N + 2) * GONE_T_S * 1000);
    await wire.stop();

    expect(end.cause).toBe('handshake-timeout');
    expect(end.evidence).toMatchObject({ probes_sent: N - 1, probes_answered: 0 });
    const own = await wire.fields(`eth.src == ${client.mac}`, ['frame.time_epoch']);
    const last = Number(own.at(-1)?.[0]);
    const lasted = Date.parse(String(end.decided)) / 1000 - last;
    expect(lasted).toBeGreaterThanOrEqual(N * GONE_T_S);
    expect(lasted).toBeLessThanOrEqual((N + 1) * GONE_T_S + SLACK_S);
    // After the login: the probes, and the EAP-Failure of the logout.
    const since = `frame.time_epoch > ${last + GONE_T_S / 2}`;
    expect(await wire.count(`(${IDENTITY_REQUEST}) && ${since}`)).toBe(N - 1);
    expect(await wire.count(`${FAILURE} && ${since}`)).toBe(1);
    expect(await wire.count(since)).toBe(N);
    await scene.radius.waitForAccounting({
      'Acct-Status-Type': 'Stop',
      'Acct-Session-Id': String(end.session_id),
    });
  });
});
