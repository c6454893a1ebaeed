// The command line and the real agent, near (control socket) and far (mosquitto): every verb both ways, the same answers,
// the same exit codes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExposition } from '../rigs/exposition.ts';
import { patience } from '../rigs/lab/patience.ts';
import { type LabProcess, sleep, until } from '../rigs/lab/process.ts';
import { type Facts, Scene } from '../rigs/lab/scene.ts';

const FAR = ['--broker', 'mqtt://127.0.0.1:1883', '--switch', 'sw1'];
const NOBODY = '02:66:00:00:00:01';

/** What goes on between two questions. */
const VOLATILE = new Set([
  'last_seen',
  'last_seen_by',
  'session_time_s',
  'silent_periods',
  'counters',
  'probes',
  'events',
]);

interface RatedSession {
  readonly user_name: string;
  readonly rates: { readonly input_octets_per_s: number; readonly output_octets_per_s: number } | null;
}

interface Decision {
  readonly what: string;
}

describe('rollcall on the switch and from afar', () => {
  let scene: Scene;
  let ways: readonly (readonly [string, readonly string[]])[];

  beforeAll(async () => {
    const users = ['alice', 'bob'].map((name) => ({ name, password: 'wonder' }));
    // Nothing happens by itself while answers are compared.
    const config = {
      roles: { default: { handshake: { period_s: 60 } } },
      handshake: { hold_after_link_up_s: 0 },
    };
    scene = await Scene.open({ ports: 3, radius: { users }, config });
    ways = [
      ['near', ['--socket', scene.agent.socket]],
      ['far', FAR],
    ];
    await scene.logIn(scene.client(1), 'alice');
    await scene.logIn(scene.client(2), 'bob');
    for (const n of [1, 2]) await scene.client(n).netns.must(['ping', '-c1', '-W2', '10.99.0.254']);
  });

  afterAll(() => scene?.close());

  const mac = (n: number): string => scene.client(n).mac;

  /** By each way in turn. */
  async function both(...args: readonly string[]) {
    const outcomes: {
      readonly way: string;
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    }[] = [];
    for (const [way, connection] of ways)
      outcomes.push({ way, ...(await scene.agent.rollcall(...args, ...connection)) });
    return outcomes;
  }

  it.each([
    ['status', [], /^switch +sw1\n/],
    ['ports', [], /^PORT .*\np1 [\s\S]*\n\n3 ports\n$/],
    ['ports', ['p2'], /\np2 [\s\S]*\n\n1 port\n$/],
    ['sessions', [], /^MAC .*\n02:99:00:00:00:01 +alice [\s\S]*\n\n2 sessions\n$/],
    ['sessions', ['--user', 'bob'], /\n02:99:00:00:00:02 +bob [\s\S]*\n\n1 session\n$/],
    ['sessions', ['--port', 'p3'], /^no sessions\n$/],
    ['session', ['10.99.0.11'], /^user +alice\nMAC +02:99:00:00:00:01\n/],
    ['session', ['0299.0000.0002'], /^user +bob\n/],
    ['explain', ['02-99-00-00-00-01'], /session started .*alice by dot1x/],
    ['explain', [NOBODY], /^nothing is known about 02:66:00:00:00:01/],
    ['config', ['get'], /^switch:\n {2}id: sw1\n[\s\S]*secret: <hidden>\n/],
    ['events', ['--recent', '20'], /session-start +02:99:00:00:00:01 alice on p1/],
  ] as const)('%s %j: one answer both ways, a table for people', async (verb, args, table) => {
    const [near, far] = await both(verb, ...args, '--json');
    expect([near?.code, near?.stderr, far?.code, far?.stderr]).toEqual([0, '', 0, '']);
    expect(lasting(far?.stdout)).toEqual(lasting(near?.stdout));
    expect(JSON.parse(near?.stdout ?? '')).toMatchObject({ ok: true });
    for (const { way, code, stdout, stderr } of await both(verb, ...args)) {
      expect([way, code, stderr]).toEqual([way, 0, '']);
      expect(stdout).toMatch(table);
    }
  });

  it.each([
    ['probe', ['10.99.0.11'], { probed: 1 }, '1 session was probed\n'],
    ['reauth', ['--user', 'alice'], { reauthenticating: 1 }, '1 session authenticates again\n'],
    ['reauth', ['--port', 'p1'], { reauthenticating: 1 }, '1 session authenticates again\n'],
    ['timers', ['--role', 'default', '--times', '5'], { sessions: 2 }, 'set; 0 sessions are under them\n'],
    [
      'port',
      ['p3', 'force-unauthorized'],
      { control: 'force-unauthorized' },
      'p3 is now force-unauthorized\n',
    ],
    ['port', ['p3', 'auto'], { port: 'p3', control: 'auto' }, 'p3 is now auto\n'],
    ['disconnect', ['--port', 'p3'], undefined, 'rollcall: no session fits\n'],
  ] as const)('%s %j', async (verb, args, result, says) => {
    const refused = result === undefined;
    const [first] = await both(verb, ...args, '--json');
    expect(JSON.parse(first?.stdout ?? '')).toMatchObject(
      refused ? { ok: false, error: { code: 'not-found' } } : { ok: true, result },
    );
    for (const { code, stdout, stderr } of await both(verb, ...args)) {
      expect([code, stdout + stderr]).toEqual([refused ? 1 : 0, says]);
    }
  });

  it('top: who sends how much, both ways; sees the agent go, and come back', async () => {
    const pinging = scene.client(1).netns.start({
      name: 'pinging',
      argv: ['ping', '-q', '-i0.02', '-s1000', '10.99.0.254'],
    });
    scene.atClose(() => pinging.stop());
    for (const [way, connection] of ways) {
      const { code, stdout } = await scene.agent.rollcall(
        'top',
        '--json',
        '--count',
        '2',
        '--interval',
        '1',
        ...connection,
      );
      expect([way, code]).toEqual([way, 0]);
      const [, last] = stdout.trimEnd().split('\n');
      const { sessions } = JSON.parse(last ?? '') as { readonly sessions: readonly RatedSession[] };
      // 50 pings a second of 1042 octets, and their answers; what else is on the machine slows them down.
      const [first] = sessions;
      expect([way, first?.user_name]).toEqual([way, 'alice']);
      for (const rate of [first?.rates?.input_octets_per_s, first?.rates?.output_octets_per_s]) {
        expect(rate).toBeGreaterThan(5_000);
        expect(rate).toBeLessThan(80_000);
      }
    }
    await pinging.stop();
    const plain = await scene.agent.rollcall(
      'top',
      '--count',
      '1',
      '--interval',
      '0.5',
      ...(ways[0]?.[1] ?? []),
    );
    expect(plain.stdout).toMatch(
      /sw1 up .*; 2 sessions.*; 3 ports, .* up, .*; RADIUS 2 of 2 up; broker connected\nPORT /,
    );
    const follower = scene.agent.startRollcall('top', '--interval', '0.5', ...(ways[0]?.[1] ?? []));
    scene.atClose(() => follower.stop());
    await follower.waitForLine(/ alice /);
    await scene.agent.stop();
    await follower.waitForLine(/no agent is running here: .*; trying on/);
    const seen = follower.lines.length;
    await scene.agent.start();
    await until('it to go on', () => follower.lines.slice(seen).some((line) => / alice /.test(line)));
    follower.signal('SIGINT');
    expect(await follower.exited).toBe(0);
  });

  it('metrics: what Prometheus can read, both ways, of sessions that there are', async () => {
    for (const [way, connection] of ways) {
      const { code, stdout, stderr } = await scene.agent.rollcall('metrics', ...connection);
      expect([way, code, stderr]).toEqual([way, 0, '']);
      expect(stdout).not.toMatch(/alice|bob|02[:-]99/);
      const { samples } = parseExposition(stdout);
      expect(samples).toMatchObject({
        rollcall_up: 1,
        'rollcall_sessions{method="dot1x",port="p1"}': 1,
        'rollcall_sessions{method="dot1x",port="p2"}': 1,
        'rollcall_radius_server_up{server="127.0.0.1:1812",use="authentication"}': 1,
        rollcall_broker_connected: 1,
        rollcall_accounting_store_durable: 1,
      });
      expect(samples.rollcall_start_time_seconds).toBeLessThanOrEqual(Date.now() / 1000);
    }
  });

  it('disconnect: each way ends its session', async () => {
    for (const [n, [, connection]] of ways.entries()) {
      const { code, stdout } = await scene.agent.rollcall('disconnect', mac(n + 1), ...connection);
      expect([code, stdout]).toEqual([0, '1 session is ended and locked out\n']);
      await scene.waitForEvent('session-end', { mac: mac(n + 1), cause: 'admin-reset' });
    }
  });

  it('events are followed both ways, line by line the same, until Ctrl-C', async () => {
    const followers: LabProcess[] = [];
    scene.atClose(async () => {
      for (const follower of followers) await follower.stop();
    });
    // One after the other, so that the first has all that the second has. Subscribed when it has said anything: what it is asked
    // with is asked until then.
    for (const [, way] of ways) {
      const follower = scene.agent.startRollcall('events', ...way);
      followers.push(follower);
      await toggleUntil(follower, /port-link +p1 is down/);
    }
    const [near, far] = followers;
    await until('the same lines', () => far?.lines.every((line) => near?.lines.includes(line)) ?? false);
    for (const follower of followers) {
      follower.signal('SIGINT');
      expect(await follower.exited).toBe(0);
    }
  });

  /** Slower than what counts as flapping, more than 10 changes in 10 s; and each change for long enough to be one. */
  async function toggleUntil(follower: LabProcess, wanted: RegExp): Promise<void> {
    for (let tries = 0; tries < 20 && !follower.lines.some((line) => wanted.test(line)); tries++) {
      await scene.lab.unplug(1);
      await follower.waitForLine(wanted, { timeoutMs: 1200 }).catch(() => undefined);
      await scene.lab.plug(1);
      await sleep(1300);
    }
    await follower.waitForLine(wanted);
  }

  it.each([
    [1, ['session', '192.0.2.99'], /no session fits/],
    [1, ['explain', 'nonsense'], /is no MAC address/],
    [1, ['ports', 'up0'], /up0 is no controlled port/],
    [1, ['timers', '--role', 'guest', '--times', '2'], /there is no role 'guest'/],
    [2, ['disconnect'], /is needed, or --all alone/],
    [2, ['disconnect', '--all'], /--all needs --yes/],
  ] as const)('exit %i both ways: %j', async (code, args, says) => {
    const [near, far] = await both(...args);
    expect([near?.code, far?.code]).toEqual([code, code]);
    expect(near?.stderr).toMatch(says);
    expect(far?.stderr).toBe(near?.stderr);
  });

  it.each([
    ['no such switch', ['--broker', 'mqtt://127.0.0.1:1883', '--switch', 'sw9'], /no agent of switch sw9/],
    [
      'no broker',
      ['--broker', 'mqtt://127.0.0.1:9', '--switch', 'sw1'],
      /cannot reach the broker .*ECONNREFUSED/,
    ],
    ['no socket', ['--socket', '/run/no-rollcall.sock'], /no agent is running here/],
  ] as const)('exit 3: %s', async (_, connection, says) => {
    for (const verb of ['status', 'events', 'top', 'drain']) {
      const { code, stdout, stderr } = await scene.agent.rollcall(verb, ...connection);
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toMatch(says);
    }
  });

  it('check: the configuration in use, on the switch that it is for, and a wrong one', async () => {
    const { code, stdout } = await scene.agent.rollcall('check', '-c', scene.agent.configFile, '--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true, faults: [] }]);
    expect((await scene.agent.rollcall('check', '-c', '/nowhere.yaml')).code).toBe(1);
  });

  it('check over SSH by a port that is to be locked says so; by another way it does not', async () => {
    const { agent, lab } = scene;
    const over = async (address: string) => {
      const env = ['env', `SSH_CONNECTION=${address} 40000 10.99.0.1 22`];
      return (await agent.rollcallAs(env, 'check', '-c', agent.configFile)).stdout;
    };
    const here =
      /you are here from 10\.99\.0\.11 by p1, which is to be locked: name it under switch\.uplinks/;
    // Its link has been taken away before, and it may not be in again yet.
    for (const address of ['10.99.0.11', '10.99.0.254'])
      await until(
        `${address} to answer`,
        async () => (await lab.netns.run(['ping', '-c1', '-W1', address])).code === 0 || null,
        patience(45_000),
      );
    expect(await over('10.99.0.11')).toMatch(here);
    for (const address of ['10.99.0.254', '192.0.2.7', 'nonsense'])
      expect(await over(address)).not.toMatch(/you are here/);
  });

  it('run beside a running agent is refused before it touches a port or a server', async () => {
    await scene.logIn(scene.client(3), 'alice');
    // Whoever is on the way back, after an earlier test, writes into the table, too.
    await until('everybody to be in', async () => (await scene.sessions()).length === 3, 70_000);
    const changes = scene.lab.netns.start({ name: 'bridge monitor', argv: ['bridge', 'monitor'] });
    const { code, stdout, stderr } = await scene.agent.rollcall('run', '-c', scene.agent.configFile);
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      expect.stringMatching(/^rollcall: another agent listens on /),
    ]);
    await changes.stop();
    expect(changes.lines).toEqual([]);
    // A second one would have closed every session at the server.
    const ons = scene.radius.accounting().filter((record) => record['Acct-Status-Type'] === 'Accounting-On');
    expect(ons).toHaveLength(1);
  });

  it.each(['near', 'far'])(
    'drain, %s: everybody is out, the agent ends and is known to be away',
    async (way) => {
      if (!scene.agent.isRunning) await scene.agent.start();
      const connection = ways.find(([name]) => name === way)?.[1] ?? [];
      const follower = scene.agent.startRollcall('events', ...connection);
      await toggleUntil(follower, /port-link +p1 is down/);
      await until('somebody to be in', async () => (await scene.sessions()).length > 0, 20_000);
      const { code, stdout } = await scene.agent.rollcall('drain', ...connection);
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^\d session(s are| is) being ended, then the agent stops\n$/),
      ]);
      expect(await scene.agent.exited).toBe(0);
      expect(await follower.exited).toBe(3);
      // The witness is a third process.
      const ends = () => scene.events('session-end');
      await until('the last end', () => ends().length === scene.events('session-start').length);
      expect(ends().at(-1)).toMatchObject({ cause: 'drain' });
      for (const outcome of await both('status')) expect(outcome).toMatchObject({ code: 3, stdout: '' });
      expect((await scene.agent.rollcall('status', ...FAR)).stderr).toMatch(
        /sw1 is offline|no agent of switch sw1/,
      );
    },
  );
});

/** The answer without what goes on by itself, and without the word on how it stands now. */
function lasting(json: string | undefined): Facts {
  return JSON.parse(json ?? 'null', (key, value: unknown) => {
    if (key === 'decisions') return (value as Decision[]).filter(({ what }) => what !== 'now');
    return VOLATILE.has(key) ? undefined : value;
  }) as Facts;
}
