// Everything that docs/asyncapi.yaml describes is really said by the running agent: every retained topic, every event,
// the answer to every verb. That each message is as described is checked after every file of the lab (contract-setup.ts).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERBS } from '../../src/report/command-schemas.ts';
import { everythingHeard } from '../rigs/lab/broker.ts';
import { Contract } from '../rigs/lab/contract.ts';
import { radclient } from '../rigs/lab/dynauth.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';

const T_S = 1;
const PATIENCE = { irt_s: 1, mrt_s: 1, mrc: 1, mrd_s: 2 };

describe('the whole contract', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 4,
      radius: { users: ['alice', 'bob'].map((name) => ({ name, password: PASSWORD })) },
      config: {
        handshake: { hold_after_link_up_s: 0 },
        certified_devices: { enabled: true },
        roles: { default: { handshake: { period_s: T_S } } },
        radius: { retransmission: { access: PATIENCE, accounting: PATIENCE } },
      },
    });
  });
  afterAll(() => scene?.close());

  const client = (n: number) => scene.client(n);

  /** Without a Response Topic; the answer goes to response/<verb>. */
  async function command(verb: string, request: object): Promise<void> {
    await scene.broker.publish({ topic: `${TOPIC_BASE}/command/${verb}`, payload: JSON.stringify(request) });
    await scene.upstream.waitFor(
      `the answer to ${verb}`,
      ({ topic }) => topic === `${TOPIC_BASE}/response/${verb}`,
    );
  }

  it('each event', async () => {
    const alice = await scene.logIn(client(1), 'alice');
    await scene.logIn(client(2), 'bob');
    for (const n of [1, 2]) await client(n).netns.must(['ping', '-c1', '-W2', '10.99.0.254']);
    await scene.ask('probe', client(2).mac);
    await scene.waitForEvent('handshake-probe', {});
    // Another desk, the same machine.
    await alice.kill();
    await client(3).netns.ip('link set eth0 down');
    await client(3).netns.ip(`link set eth0 address ${client(1).mac}`);
    await client(3).netns.ip('link set eth0 up');
    await scene.logIn(client(3), 'alice');
    await scene.waitForEvent('session-move', { mac: client(1).mac });
    await scene.waitForEvent('session-end', { mac: client(1).mac, cause: 'moved' });
    await scene.waitForEvent('port-link', { port: 'p3', link: 'down' });
    // Somebody else's hand in the table.
    await scene.lab.netns.must(['bridge', 'fdb', 'del', client(2).mac, 'dev', 'p2', 'master']);
    await scene.waitForEvent('warning', { code: 'grant-lost' });
    // The agent stands still for longer than T.
    process.kill(scene.agent.pid, 'SIGSTOP');
    await sleep(2_500 * T_S);
    process.kill(scene.agent.pid, 'SIGCONT');
    await scene.waitForEvent('guard', { state: 'raised', reason: 'agent-stalled' });
    // A server changes its mind.
    await radclient(scene.lab.netns, {
      send: 'coa',
      attributes: ['User-Name = "bob"', 'Idle-Timeout = 5000'],
    });
    await scene.waitForEvent('dynamic-authorization', { answer: 'ack', action: 'change' });
    // An administrator wants her to pass again.
    await scene.ask('certified', 'clear', client(1).mac);
    await scene.waitForEvent('certified-cleared', { by: 'command' });
    // Nobody is there to ask.
    await scene.radius.stop();
    await scene.supplicant(client(4), { method: 'MD5', identity: 'mallory', password: 'guess' });
    await scene.waitForEvent('radius-server', { use: 'authentication', state: 'down' }, 20_000);
    await scene.waitForEvent('auth-failed', { mac: client(4).mac }, 20_000);
    await scene.radius.start();
  });

  it('each verb', async () => {
    const requests: Readonly<Record<string, object>> = {
      session: { mac: client(2).mac },
      explain: { mac: client(2).mac },
      disconnect: { port: 'p4' },
      reauthenticate: { port: 'p4' },
      probe: { port: 'p2' },
      port: { port: 'p4', control: 'force-unauthorized' },
      timers: { role: 'default', times: 4 },
      config: { get: true },
      certified: { list: true },
    };
    for (const verb of VERBS.filter((name) => name !== 'drain')) await command(verb, requests[verb] ?? {});
    await command('drain', {});
    await until(
      'the last word',
      () => scene.upstream.ofTopic(`${TOPIC_BASE}/availability`).at(-1)?.payload.includes('drained') ?? null,
      40_000,
    );
  });

  it('all of it was heard', () => {
    const contract = new Contract();
    const seen = new Set(everythingHeard().flatMap((heard) => [...contract.judge(heard).seen]));
    const wanted = contract.names.filter((name) => !/^(command|query)-/.test(name));
    expect(wanted.filter((name) => !seen.has(name))).toEqual([]);
  });
});
