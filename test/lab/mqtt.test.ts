// Upstream over a real broker: state, commands and their answers, bad input, and an outage of the broker.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { Broker, type Subscriber } from '../rigs/lab/broker.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

interface Answer {
  readonly id?: string;
  readonly ok: boolean;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: string; readonly message: string; readonly path: string };
}

/** An event. */
interface Told {
  readonly boot_id: string;
  readonly seq: number;
  readonly type: string;
  readonly dropped?: number;
  readonly key?: string;
  readonly session?: { readonly key: string };
}

const BASE = 'rollcall/v1/sw1';

function tolds({ messages }: Subscriber): readonly Told[] {
  return messages
    .filter(({ topic }) => topic.startsWith(`${BASE}/event/`))
    .map(({ payload }) => JSON.parse(payload) as Told);
}

describe('MQTT 5 with mosquitto', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let broker: Broker;
  let upstream: Subscriber;
  let agent: Agent;
  let alice: Supplicant;

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 2 });
    radius = await FreeRadius.start(lab.netns, { users: [{ name: 'alice', password: 'wonder' }] });
    broker = await Broker.start(lab.netns);
    // Of an earlier life of this switch: nobody is there any more.
    await broker.publish({ topic: `${BASE}/session/02-00-00-00-00-99`, payload: '{}', retain: true });
    upstream = await broker.subscribe('rollcall/v1/#');
    agent = await Agent.start(lab.netns, { handshake: { hold_after_link_up_s: 0 } });
    alice = await Supplicant.start(lab.client(1), { method: 'MD5', identity: 'alice', password: 'wonder' });
    await alice.waitFor('authorized');
    await lab.client(1).netns.must(['ping', '-c1', '-W2', '10.99.0.254']);
  });

  afterAll(async () => {
    await alice?.close();
    await agent?.close();
    await broker?.close();
    await radius?.close();
    lab?.close();
  });

  async function ask(verb: string, request: object | string): Promise<Answer> {
    const payload = typeof request === 'string' ? request : JSON.stringify(request);
    const topic = `${BASE}/command/${verb}`;
    return JSON.parse(await broker.request({ topic, payload, responseTopic: 'lab/answers' })) as Answer;
  }

  const mac = (): string => lab.client(1).mac;

  it('state is retained: availability, info, each port, each session; and what is stale is cleared', async () => {
    const later = await broker.subscribe(`${BASE}/#`);
    await later.waitFor('a session', ({ topic }) => topic.includes('/session/'));
    const topics = later.messages.map(({ topic }) => topic.slice(BASE.length + 1)).sort();
    await later.close();
    expect(topics).toEqual([
      'availability',
      'info',
      'port/p1',
      'port/p2',
      `session/${mac().replaceAll(':', '-')}`,
    ]);
  });

  it('every reading verb is answered on the Response Topic, with the id', async () => {
    expect(await ask('sessions', { id: 'a' })).toMatchObject({
      id: 'a',
      ok: true,
      result: { sessions: [{ mac: mac() }] },
    });
    expect(await ask('session', { mac: mac().replaceAll(':', '') })).toMatchObject({
      ok: true,
      result: { session: { user_name: 'alice', ipv4: '10.99.0.11' } },
    });
    expect((await ask('ports', {})).result?.ports).toHaveLength(2);
    expect(await ask('info', {})).toMatchObject({
      ok: true,
      result: { switch: 'sw1', counts: { sessions: 1 } },
    });
    expect(await ask('explain', { mac: mac() })).toMatchObject({ ok: true, result: { mac: mac() } });
    expect((await ask('events', { limit: 5 })).ok).toBe(true);
  });

  it('probe and timers act, and say on how many', async () => {
    expect(await ask('probe', { user: 'alice' })).toMatchObject({ ok: true, result: { probed: 1 } });
    await upstream.waitFor('the probe', ({ topic }) => topic.endsWith('/event/handshake-probe'));
    expect(await ask('timers', { role: 'default', period_s: 5, times: 4 })).toMatchObject({
      result: { sessions: 1 },
    });
    const state = upstream.ofTopic(`${BASE}/session/${mac().replaceAll(':', '-')}`).at(-1);
    expect(JSON.parse(state?.payload ?? '{}')).toMatchObject({ handshake: { period_s: 5, times: 4 } });
  });

  it.each([
    ['sessions', '{', 'bad-json'],
    ['frobnicate', '{}', 'unknown-verb'],
    ['sessions', '{"colour":1}', 'unknown-key'],
    ['disconnect', '{"mac":"nonsense"}', 'bad-value'],
    ['disconnect', '{}', 'bad-value'],
    ['disconnect', '{"mac":"02:00:00:00:00:77"}', 'not-found'],
    ['port', '{"port":"up0","control":"force-authorized"}', 'not-found'],
    ['port', '{"port":"p1","control":"open"}', 'bad-value'],
    ['session', '[]', 'bad-value'],
  ])('%s %s is refused: %s; nothing is changed', async (verb, payload, code) => {
    const answer = await ask(verb, payload);
    expect(answer).toMatchObject({ ok: false, error: { code } });
    expect(answer.error?.message).not.toBe('');
    expect(await ask('info', {})).toMatchObject({ result: { counts: { sessions: 1 } } });
  });

  it('a retained command is ignored', async () => {
    const payload = JSON.stringify({ all: true });
    await broker.publish({ topic: `${BASE}/command/disconnect`, payload, retain: true });
    expect(await ask('info', {})).toMatchObject({ result: { counts: { sessions: 1 } } });
    await broker.publish({ topic: `${BASE}/command/disconnect`, payload: '', retain: true });
  });

  it('events of an outage come afterwards, in order and without a gap', async () => {
    await broker.stop();
    const bob = await Supplicant.start(lab.client(2), {
      method: 'MD5',
      identity: 'alice',
      password: 'wonder',
    });
    await bob.waitFor('authorized');
    await bob.logoff();
    await broker.start();
    const after = await broker.subscribe(`${BASE}/#`);
    await until(
      'the end of the outage',
      () => {
        return after.messages.some(
          ({ topic, payload }) => topic.endsWith('session-end') && payload.includes('-02"'),
        );
      },
      30_000,
    );
    const all = [...upstream.messages, ...after.messages].filter(({ topic }) => topic.includes('/event/'));
    const seqs = all.map(({ payload }) => (JSON.parse(payload) as { readonly seq: number }).seq);
    const unique = [...new Set(seqs)].sort((a, b) => a - b);
    expect(unique).toEqual(Array.from({ length: unique.length }, (_, i) => i + 1));
    await after.close();
    await bob.close();
  });

  it('an outage that the agent does not live through, killed and then stopped: the next ones tell all of it, in order', async () => {
    const ofBob = ({ key, session }: Told): boolean =>
      (key ?? session?.key) === lab.client(2).mac.replaceAll(':', '-');
    const sessions = async (): Promise<number> => {
      const { result } = (await agent.ask('sessions')) as {
        readonly result: { readonly sessions: object[] };
      };
      return result.sessions.length;
    };
    const bob = await Supplicant.start(lab.client(2), {
      method: 'MD5',
      identity: 'alice',
      password: 'wonder',
    });
    await bob.waitFor('authorized');
    await until('the login', () => tolds(upstream).filter(ofBob).at(-1)?.type === 'session-start');
    await broker.stop();
    await agent.waitForLog(/broker .* is gone/);
    const known = tolds(upstream).at(-1);
    await bob.logoff();
    await until('the first end', async () => (await sessions()) === 1);
    // Longer than it takes to be on disk.
    await sleep(1_200);
    await agent.kill();
    await agent.start();
    await bob.logon();
    await until('the next login', async () => (await sessions()) === 2);
    await bob.logoff();
    await until('the second end', async () => (await sessions()) === 1);
    await agent.stop();
    await agent.start();
    // It is to tell nothing before somebody listens.
    agent.freeze();
    await broker.start();
    const after = await broker.subscribe(`${BASE}/#`);
    agent.thaw();
    const ends = (): number =>
      tolds(after).filter((told) => ofBob(told) && told.type === 'session-end').length;
    await until('both ends', () => ends() === 2, 40_000);
    await sleep(500);
    const told = tolds(after);
    const boots = [...new Set(told.map(({ boot_id }) => boot_id))];
    expect(boots[0]).toBe(known?.boot_id);
    expect(boots.length).toBeLessThanOrEqual(3);
    // In their order, each once, none missing.
    const lives = boots.map((boot) => told.filter(({ boot_id }) => boot_id === boot));
    expect(told).toEqual(lives.flat());
    for (const [n, life] of lives.entries()) {
      const before = n === 0 ? (known?.seq ?? 0) : 0;
      expect(life.map(({ seq }) => seq)).toEqual(life.map((_, i) => before + 1 + i));
    }
    expect(lives[0]?.filter(ofBob).map(({ type }) => type)).toEqual(['session-end']);
    expect(lives[1]?.filter(ofBob).map(({ type }) => type)).toEqual(['session-start', 'session-end']);
    expect(told.every(({ dropped }) => dropped === undefined)).toBe(true);
    await after.close();
    await bob.close();
  });
});

describe('the embedded broker', () => {
  it('serves one switch alone: MQTT 3.1.1, answers on response/<verb>', async () => {
    const lab = await LabSwitch.create({ ports: 1 });
    const agent = await Agent.start(lab.netns, { mqtt: { embedded_port: 1884 } }, ['mqtt']);
    try {
      const subscriber = lab.netns.start({
        name: 'mosquitto_sub',
        argv: ['stdbuf', '-oL', 'mosquitto_sub', '-V', '311', '-p', '1884', '-t', 'rollcall/#', '-v'],
      });
      await subscriber.waitForLine(/sw1\/info .*"embedded":true/);
      const request = ['-t', `${BASE}/command/ports`, '-m', '{"id":"x1"}'];
      await lab.netns.must(['mosquitto_pub', '-V', '311', '-p', '1884', ...request]);
      const answer = await subscriber.waitForLine(/response\/ports /);
      expect(answer).toContain('"id":"x1","ok":true');
      await subscriber.stop();
    } finally {
      await agent.close();
      lab.close();
    }
  });
});
