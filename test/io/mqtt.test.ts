// The link against a real mosquitto, and against the embedded broker.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt';
import { generate, type Packet, parser } from 'mqtt-packet';
import { afterEach, describe, expect, test } from 'vitest';
import { millis } from '../../src/base/time.ts';
import type { CommandRequest } from '../../src/io/command-request.ts';
import { startBroker } from '../../src/io/mqtt/broker.ts';
import { MqttLink } from '../../src/io/mqtt/mqtt.ts';
import type { MqttLinkOptions } from '../../src/io/mqtt/mqtt-options.ts';
import { startMosquitto, until } from './mosquitto.ts';

const BASE = 'rollcall/v1/sw1/';
const leftovers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const dispose of leftovers.splice(0).reverse()) await dispose();
});

interface Seen {
  readonly topic: string;
  readonly text: string;
  readonly packet: IPublishPacket;
}

class Observer {
  readonly seen: Seen[] = [];
  private constructor(readonly client: MqttClient) {
    client.on('message', (topic, payload, packet) =>
      this.seen.push({ topic, text: payload.toString(), packet }),
    );
  }

  static async on(
    url: string,
    topics: readonly string[] = [`${BASE}#`],
    protocolVersion: 4 | 5 = 5,
  ): Promise<Observer> {
    const client = mqtt.connect(url, { protocolVersion, reconnectPeriod: 0 });
    leftovers.push(() => client.endAsync(true));
    const observer = new Observer(client);
    await new Promise((resolve) => client.once('connect', resolve));
    await client.subscribeAsync([...topics], { qos: 1 });
    return observer;
  }

  texts(topic: string): string[] {
    return this.seen.filter((message) => message.topic === BASE + topic).map(({ text }) => text);
  }

  states(): string[] {
    return this.texts('availability').map((text) => JSON.parse(text).state as string);
  }
}

class Rig {
  readonly commands: CommandRequest[] = [];
  readonly lines: string[] = [];
  connects = 0;
  readonly link: MqttLink;

  constructor(url: string, options: Partial<MqttLinkOptions> = {}) {
    this.link = new MqttLink({
      url,
      protocolVersion: 5,
      switchId: 'sw1',
      clientId: 'rollcall-sw1',
      willDelay: millis(1_000),
      backoff: { first: millis(20), longest: millis(100) },
      onConnected: () => {
        this.connects++;
      },
      onDisconnected: () => {},
      onCommand: (request) => this.commands.push(request),
      isStale: () => false,
      onFollowed: () => {},
      log: (_level, message) => this.lines.push(message),
      ...options,
    });
    leftovers.push(() => this.link.close('restart', millis(100)));
    this.link.start();
  }

  /** As when the process is killed: no DISCONNECT. */
  vanish(): void {
    const { client } = this.link as unknown as { client: MqttClient };
    (this.link as unknown as { closing: boolean }).closing = true;
    client.stream.destroy();
  }
}

/** What no broker of the test would pass on. */
function receive(rig: Rig, topic: string, responseTopic: string): void {
  const { client } = rig.link as unknown as { client: MqttClient };
  const packet = { properties: { responseTopic } } as IPublishPacket;
  client.emit('message', topic, Buffer.from('{}'), packet);
}

async function broker(extra?: readonly string[]) {
  const mosquitto = await startMosquitto(extra);
  leftovers.push(() => mosquitto.dispose());
  return mosquitto;
}

/** Takes one message at a time, and each after so long, or refuses it; the result has what it has taken. */
async function slowBroker(ackMs: number, refusal: (payload: string) => number = () => 0) {
  const v5 = { protocolVersion: 5 };
  const taken: string[] = [];
  const server = createServer((socket) => {
    const say = (packet: object): void =>
      void (socket.writable && socket.write(generate(packet as Packet, v5)));
    const reader = parser(v5);
    reader.on('packet', (packet: Packet) => {
      const { messageId } = packet;
      if (packet.cmd === 'connect')
        say({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: { receiveMaximum: 1 } });
      else if (packet.cmd === 'subscribe')
        say({ cmd: 'suback', messageId, granted: packet.subscriptions.map(() => 0) });
      else if (packet.cmd === 'disconnect') socket.end();
      else if (packet.cmd === 'publish')
        setTimeout(() => {
          if (!socket.writable) return;
          const payload = packet.payload.toString();
          const reasonCode = refusal(payload);
          if (reasonCode === 0) taken.push(payload);
          say({ cmd: 'puback', messageId, reasonCode });
        }, ackMs);
    });
    socket.on('data', (octets) => reader.parse(octets));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  leftovers.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  return { url: `mqtt://127.0.0.1:${port}`, taken, server };
}

describe('connected to mosquitto with MQTT 5', () => {
  test('online is retained, and state and news arrive in order', async () => {
    const { url } = await broker();
    const { link } = new Rig(url);
    await until(() => link.connected);
    const observer = await Observer.on(url);
    link.publish({ topic: `${BASE}session/x`, payload: '{"a":1}', retain: true });
    link.publish({ topic: `${BASE}event/session-start`, payload: '{"seq":1}', retain: false });
    link.publish({ topic: `${BASE}session/x`, payload: '', retain: true });
    await until(() => observer.seen.length >= 3 && link.pending === 0);
    expect(observer.states()[0]).toBe('online');
    expect(observer.texts('session/x').at(-1)).toBe('');
    const late = await Observer.on(url);
    await until(() => late.seen.length >= 1);
    expect(late.seen.map(({ topic }) => topic)).toEqual([`${BASE}availability`]);
  });

  test('a command is answered on its Response Topic with its Correlation Data', async () => {
    const { url } = await broker();
    const rig = new Rig(url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(url, ['me/answers']);
    await observer.client.publishAsync(`${BASE}command/info`, '{"id":"7"}', {
      qos: 1,
      properties: { responseTopic: 'me/answers', correlationData: Buffer.from([1, 2, 0, 255]) },
    });
    await until(() => rig.commands.length === 1);
    expect(rig.commands[0]?.verb).toBe('info');
    expect(new TextDecoder().decode(rig.commands[0]?.payload)).toBe('{"id":"7"}');
    rig.commands[0]?.reply({ id: '7', ok: true, result: {} });
    await until(() => observer.seen.length === 1);
    expect(observer.seen[0]?.text).toBe('{"id":"7","ok":true,"result":{}}');
    expect(observer.seen[0]?.packet.properties?.correlationData).toEqual(Buffer.from([1, 2, 0, 255]));
  });

  test('without a Response Topic, or with one that poses as our own state, it is answered on response/<verb>', async () => {
    const { url } = await broker();
    const rig = new Rig(url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(url, [`${BASE}response/+`]);
    await observer.client.publishAsync(`${BASE}command/ports`, '{}', { qos: 1 });
    await observer.client.publishAsync(`${BASE}command/ports`, '{}', {
      qos: 1,
      properties: { responseTopic: `${BASE}session/aa-bb-cc-dd-ee-ff` },
    });
    await until(() => rig.commands.length === 2);
    for (const command of rig.commands) command.reply({ ok: true, result: {} });
    await until(() => observer.seen.length === 2);
    expect(observer.seen.map(({ topic }) => topic)).toEqual([
      `${BASE}response/ports`,
      `${BASE}response/ports`,
    ]);
  });

  test.each([
    ['another switch', 'rollcall/v1/sw2/session/aa-bb-cc-dd-ee-ff'],
    ['a command of another switch', 'rollcall/v1/sw2/command/drain'],
    ['a command of its own', `${BASE}command/drain`],
    ['the broker', '$SYS/x'],
    ['many', 'rollcall/#'],
  ])('a Response Topic that belongs to %s gets no answer', async (_, responseTopic) => {
    const { url } = await broker();
    const rig = new Rig(url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(url, ['#', '$SYS/x']);
    const request = { qos: 1 as const, properties: { responseTopic, correlationData: Buffer.from('1') } };
    // mosquitto lets no wildcard pass; others may.
    const message = { topic: `${BASE}command/info`, payload: Buffer.from('{}'), packet: request };
    if (responseTopic.includes('#')) receive(rig, message.topic, responseTopic);
    else await observer.client.publishAsync(message.topic, message.payload, message.packet);
    await until(() => rig.commands.length === 1);
    rig.commands[0]?.reply({ ok: true, result: {} });
    await until(() => observer.texts('response/info').length === 1);
    expect(observer.seen.filter(({ text }) => text.includes('"ok"'))).toHaveLength(1);
    expect(rig.link.counters()).toMatchObject({ 'answer-elsewhere': 1 });
  });

  test.each([
    ['full', ['full', 'read']],
    ['read-only', ['read', 'read']],
    ['off', []],
  ] as const)('commands: %s: command/ and query/ are taken with the rights %j', async (commands, rights) => {
    const { url } = await broker();
    const rig = new Rig(url, { commands });
    await until(() => rig.link.connected);
    const observer = await Observer.on(url);
    for (const way of ['command', 'query'])
      await observer.client.publishAsync(`${BASE}${way}/info`, '{}', { qos: 1 });
    await until(() => observer.texts('query/info').length === 1);
    await until(() => rig.commands.length === rights.length);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(rig.commands.map((command) => command.rights)).toEqual(rights);
  });

  test('what the broker does not take is said once, and waits no longer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-acl-'));
    leftovers.push(async () => rmSync(folder, { recursive: true, force: true }));
    const rules = join(folder, 'acl');
    writeFileSync(rules, `topic readwrite ${BASE}availability\n`);
    chmodSync(folder, 0o755);
    const { url } = await broker([`acl_file ${rules}`]);
    const rig = new Rig(url);
    await until(() => rig.link.connected);
    for (const key of ['x', 'x'])
      rig.link.publish({ topic: `${BASE}port/${key}`, payload: '{}', retain: true });
    await until(() => (rig.link.counters().refused ?? 0) >= 1 && rig.link.pending === 0);
    expect(rig.lines.filter((line) => line.includes(`does not take ${BASE}port/x`))).toHaveLength(1);
  });

  test('a retained command is never run, live or at a reconnect, and is counted', async () => {
    const { url } = await broker();
    const rig = new Rig(url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(url, ['none']);
    await observer.client.publishAsync(`${BASE}command/disconnect`, '{"all":true}', { qos: 1, retain: true });
    await until(() => rig.link.counters()['retained-command'] === 1);
    await rig.link.close('restart');
    const again = new Rig(url);
    await until(() => again.link.counters()['retained-command'] === 1);
    await observer.client.publishAsync(`${BASE}command/info`, '{}', { qos: 1 });
    await until(() => again.commands.length === 1);
    expect([...rig.commands, ...again.commands].map(({ verb }) => verb)).toEqual(['info']);
  });

  test('commands that the broker kept while the agent was away are not run, and are counted', async () => {
    const { url } = await broker();
    const rig = new Rig(url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(url, ['none']);
    await observer.client.publishAsync(`${BASE}command/info`, '{}', { qos: 1 });
    await until(() => rig.commands.length === 1);
    rig.vanish();
    await until(() => !rig.link.connected);
    for (let i = 0; i < 50; i++)
      await observer.client.publishAsync(`${BASE}command/disconnect`, '{"all":true}', { qos: 1 });
    const again = new Rig(url);
    await until(() => again.link.counters()['old-command'] === 50);
    await observer.client.publishAsync(`${BASE}command/ports`, '{}', { qos: 1 });
    await until(() => again.commands.length === 1);
    expect(again.commands.map(({ verb }) => verb)).toEqual(['ports']);
  });

  test("what an earlier life left at the broker is cleared; others' topics are not", async () => {
    const { url } = await broker();
    const observer = await Observer.on(url, ['rollcall/v1/#']);
    const stale = `${BASE}session/aa-bb-cc-dd-ee-ff`;
    const other = 'rollcall/v1/sw2/session/aa-bb-cc-dd-ee-ff';
    await observer.client.publishAsync(stale, '{}', { qos: 1, retain: true });
    await observer.client.publishAsync(`${BASE}port/p1`, '{}', { qos: 1, retain: true });
    await observer.client.publishAsync(other, '{}', { qos: 1, retain: true });
    const { link } = new Rig(url, { isStale: (topic) => topic === stale });
    await until(() => link.counters().swept === 1 && link.pending === 0);
    const late = await Observer.on(url, ['rollcall/v1/#']);
    await until(() => late.seen.length >= 3);
    expect(late.seen.map(({ topic }) => topic).sort()).toEqual([
      `${BASE}availability`,
      `${BASE}port/p1`,
      other,
    ]);
  });
});

describe('going away', () => {
  test('killed: offline comes after the will delay, not before', async () => {
    const { url } = await broker();
    const rig = new Rig(url);
    await until(() => rig.link.connected && rig.link.pending === 0);
    const observer = await Observer.on(url);
    const start = Date.now();
    rig.vanish();
    await until(() => observer.states().includes('offline'));
    expect(Date.now() - start).toBeGreaterThan(700);
    expect(JSON.parse(observer.texts('availability').at(-1) ?? '')).toMatchObject({
      reason: 'connection-lost',
    });
  });

  test('stopped and started again within the delay: nobody sees it offline', async () => {
    const { url } = await broker();
    const first = new Rig(url);
    await until(() => first.link.connected && first.link.pending === 0);
    const observer = await Observer.on(url);
    await first.link.close('restart');
    const second = new Rig(url);
    await until(() => second.link.connected && observer.states().length >= 2);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(new Set(observer.states())).toEqual(new Set(['online']));
  });

  test('stopped for good: the will comes after its delay', async () => {
    const { url } = await broker();
    const rig = new Rig(url);
    await until(() => rig.link.connected && rig.link.pending === 0);
    const observer = await Observer.on(url);
    await rig.link.close('restart');
    expect(observer.states()).not.toContain('offline');
    await until(() => observer.states().includes('offline'));
  });

  test('drained: offline is said at once, after what was queued', async () => {
    const { url } = await broker();
    const rig = new Rig(url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(url);
    for (let i = 0; i < 500; i++)
      rig.link.publish({ topic: `${BASE}event/session-end`, payload: `{"seq":${i}}`, retain: false });
    await rig.link.close('drained');
    await until(() => observer.states().includes('offline'));
    expect(observer.texts('event/session-end')).toHaveLength(500);
    expect(observer.seen.at(-1)?.topic).toBe(`${BASE}availability`);
    expect(JSON.parse(observer.seen.at(-1)?.text ?? '')).toMatchObject({
      state: 'offline',
      reason: 'drained',
    });
  });
});

describe('the broker comes and goes', () => {
  /** Long enough for an observer to be there first. */
  const unhurried = { first: millis(3_000), longest: millis(3_000) };

  test('it is not there at first: the link waits, then the newest of each retained topic and all news arrive', async () => {
    const mosquitto = await broker();
    await mosquitto.stop();
    const rig = new Rig(mosquitto.url, { backoff: unhurried });
    for (let i = 0; i < 1_000; i++) {
      rig.link.publish({ topic: `${BASE}port/p1`, payload: `{"n":${i}}`, retain: true });
      rig.link.publish({ topic: `${BASE}event/warning`, payload: `${i}`, retain: false });
    }
    expect(rig.link.pending).toBe(1_001);
    await until(() => rig.lines.length > 0);
    await mosquitto.restart();
    const observer = await Observer.on(mosquitto.url);
    await until(() => rig.link.connected && rig.link.pending === 0);
    await until(() => observer.texts('event/warning').length >= 1_000);
    expect(new Set(observer.texts('event/warning')).size).toBe(1_000);
    expect(observer.texts('port/p1').at(-1)).toBe('{"n":999}');
  }, 20_000);

  test('it dies in the middle of a flood: every message arrives at least once, in the end in order', async () => {
    const mosquitto = await broker();
    const rig = new Rig(mosquitto.url, { backoff: unhurried });
    await until(() => rig.link.connected);
    let settled = 0;
    const onSettled = (): void => {
      settled++;
    };
    for (let i = 0; i < 3_000; i++)
      rig.link.publish({ topic: `${BASE}event/warning`, payload: `${i}`, retain: false, onSettled });
    await until(() => rig.link.pending < 2_500);
    await mosquitto.stop();
    await until(() => !rig.link.connected);
    const waiting = rig.link.pending;
    await mosquitto.restart();
    const observer = await Observer.on(mosquitto.url);
    await until(() => rig.connects === 2 && rig.link.pending === 0);
    await until(() => observer.texts('event/warning').at(-1) === '2999');
    const got = observer.texts('event/warning').map(Number);
    expect(got).toEqual([...got].sort((a, b) => a - b));
    expect(got.length).toBeLessThanOrEqual(waiting);
    expect(settled).toBe(3_000);
  }, 20_000);

  test('an event is settled once, when the broker has it: not while it is away, and not for having been sent', async () => {
    const mosquitto = await broker();
    await mosquitto.stop();
    const rig = new Rig(mosquitto.url, { backoff: unhurried, queueLimit: 2 });
    const settled: number[] = [];
    const event = (n: number): void =>
      rig.link.publish({
        topic: `${BASE}event/warning`,
        payload: `${n}`,
        retain: false,
        onSettled: () => settled.push(n),
      });
    for (let n = 1; n <= 4; n++) {
      event(n);
      rig.link.publish({ topic: `${BASE}response/info`, payload: `${n}`, retain: false });
    }
    expect(rig.link.counters().dropped, 'answers are, events are not').toBe(2);
    await until(() => rig.lines.length > 0);
    expect(settled).toEqual([]);
    await mosquitto.restart();
    const observer = await Observer.on(mosquitto.url);
    await until(() => rig.link.connected && rig.link.pending === 0);
    await until(() => observer.texts('response/info').length === 2);
    expect(observer.texts('event/warning')).toEqual(['1', '2', '3', '4']);
    expect(observer.texts('response/info')).toEqual(['3', '4']);
    expect(settled).toEqual([1, 2, 3, 4]);
  }, 20_000);

  test('an event that the broker does not take is settled, too', async () => {
    const { url } = await broker(['max_packet_size 2000']);
    const rig = new Rig(url);
    await until(() => rig.link.connected && rig.link.pending === 0);
    let settled = 0;
    const payload = JSON.stringify('x'.repeat(5_000));
    rig.link.publish({ topic: `${BASE}event/warning`, payload, retain: false, onSettled: () => settled++ });
    await until(() => settled === 1);
    expect(rig.link.counters()['too-large']).toBe(1);
  });

  test('an event and a state that the broker does not take for now come later; an answer does not', async () => {
    const full = new Set(['event', 'state', 'answer']);
    const { url, taken } = await slowBroker(0, (payload) => (full.delete(payload) ? 0x97 : 0));
    const rig = new Rig(url);
    await until(() => rig.link.connected && rig.link.pending === 0);
    const settled: string[] = [];
    const event = (payload: string): void =>
      rig.link.publish({
        topic: `${BASE}event/warning`,
        payload,
        retain: false,
        onSettled: () => settled.push(payload),
      });
    event('event');
    rig.link.publish({ topic: `${BASE}port/p1`, payload: 'state', retain: true });
    rig.link.publish({ topic: `${BASE}response/info`, payload: 'answer', retain: false });
    event('next');
    await until(() => settled.includes('next'));
    expect(settled).toEqual(['next']);
    expect(rig.lines.filter((line) => line.includes('for now: Publish error: Quota exceeded'))).not.toEqual(
      [],
    );
    await until(() => rig.link.pending === 0, 10_000);
    expect(settled).toEqual(['next', 'event']);
    expect(taken.slice(-3)).toEqual(['next', 'event', 'state']);
    expect(rig.link.counters()).toMatchObject({ postponed: 2, refused: 1 });
  }, 20_000);

  test('an end that a slow broker does not keep up with settles what it has, and nothing else', async () => {
    const { url, taken } = await slowBroker(40);
    const rig = new Rig(url);
    await until(() => rig.link.connected && rig.link.pending === 0);
    const settled: string[] = [];
    for (const payload of ['1', '2', '3', '4', '5', '6'])
      rig.link.publish({
        topic: `${BASE}event/warning`,
        payload,
        retain: false,
        onSettled: () => settled.push(payload),
      });
    await until(() => settled.length === 1);
    await rig.link.close('restart', millis(10));
    expect(settled.length).toBeLessThan(6);
    expect(taken.slice(-settled.length)).toEqual(settled);
    expect(rig.link.counters().refused).toBeUndefined();
  });

  test('an end leaves nothing open to a broker that has gone silent', async () => {
    const { url, server } = await slowBroker(60_000);
    const rig = new Rig(url);
    await until(() => rig.link.connected);
    await rig.link.close('restart', millis(10));
    await until(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 0))));
    expect(rig.link.pending).toBeGreaterThan(0);
  });

  test('what is published while the connection is being ended comes by the next one', async () => {
    const { url, taken } = await slowBroker(20);
    const rig = new Rig(url);
    await until(() => rig.link.connected && rig.link.pending === 0);
    const settled: string[] = [];
    const event = (payload: string): void =>
      rig.link.publish({
        topic: `${BASE}event/warning`,
        payload,
        retain: false,
        onSettled: () => settled.push(payload),
      });
    event('1');
    // As for other TLS files.
    (rig.link as unknown as { client: MqttClient }).client.end(false);
    for (const payload of ['2', '3']) event(payload);
    expect(settled).toEqual([]);
    await until(() => settled.length === 3);
    expect(taken.filter((text) => /^\d$/.test(text))).toEqual(['1', '2', '3']);
    expect(rig.link.counters().refused).toBeUndefined();
  });

  test('an unreachable broker is reported once, not at each attempt', async () => {
    const mosquitto = await broker();
    await mosquitto.stop();
    const rig = new Rig(mosquitto.url, { backoff: { first: millis(5), longest: millis(5) } });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(rig.lines.filter((line) => line.includes('nobody listens there'))).toHaveLength(1);
  });

  test('bad credentials are said in words and tried again', async () => {
    const mosquitto = await broker(['allow_anonymous false']);
    const rig = new Rig(mosquitto.url, { username: 'u', password: 'p' });
    await until(() => rig.lines.some((line) => /not authori[sz]ed|bad user/i.test(line)));
    expect(rig.lines.join()).not.toContain('"p"');
  });

  test('an answer above the broker limit becomes an error and does not break the link', async () => {
    const mosquitto = await broker(['max_packet_size 20000']);
    const rig = new Rig(mosquitto.url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(mosquitto.url, [`${BASE}response/+`]);
    await observer.client.publishAsync(`${BASE}command/sessions`, '{}', { qos: 1 });
    await until(() => rig.commands.length === 1);
    rig.commands[0]?.reply({ ok: true, result: { sessions: ['x'.repeat(30_000)] } });
    await until(() => observer.seen.length === 1);
    expect(JSON.parse(observer.seen[0]?.text ?? '')).toMatchObject({
      ok: false,
      error: { code: 'too-large' },
    });
    expect(rig.connects).toBe(1);
  });

  test('an answer above it for its Correlation Data is left out, and does not break the link', async () => {
    const mosquitto = await broker(['max_packet_size 20000']);
    const rig = new Rig(mosquitto.url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(mosquitto.url, [`${BASE}response/+`]);
    for (const length of [19_500, 10]) {
      const properties = { correlationData: Buffer.alloc(length) };
      await observer.client.publishAsync(`${BASE}command/sessions`, '{}', { qos: 1, properties });
    }
    await until(() => rig.commands.length === 2);
    for (const { reply } of rig.commands) reply({ ok: true, result: 'x'.repeat(500) });
    await until(() => observer.seen.length === 1);
    // The answer, and the word that it is too large.
    expect([rig.link.counters()['too-large'], rig.connects]).toEqual([2, 1]);
  });

  test('a Response Topic for which the broker ends the connection ends one, and not every one', async () => {
    const mosquitto = await broker();
    const rig = new Rig(mosquitto.url);
    await until(() => rig.link.connected);
    const observer = await Observer.on(mosquitto.url, [`${BASE}response/+`]);
    // Mosquitto hands it on, and takes nothing under it: a topic has 200 levels at most.
    const properties = { responseTopic: 'a/'.repeat(250) };
    await observer.client.publishAsync(`${BASE}command/sessions`, '{}', { qos: 1, properties });
    await until(() => rig.commands.length === 1);
    rig.commands[0]?.reply({ ok: true });
    await until(() => rig.connects === 2 && rig.link.connected);
    await observer.client.publishAsync(`${BASE}command/ports`, '{}', { qos: 1 });
    await until(() => rig.commands.length === 2);
    rig.commands[1]?.reply({ ok: true });
    await until(() => observer.seen.length === 1);
    expect(rig.connects).toBe(2);
  });
});

test.each(['mqtt://127.0.0.1:99999', 'mqtt://127.0.0.1:18x', 'ws://127.0.0.1:77777/x'])(
  'a URL that is none is said, and ends nothing: %s',
  async (url) => {
    const rig = new Rig(url);
    expect(rig.lines).toEqual([expect.stringContaining(`broker ${url}: `)]);
    await rig.link.close('restart', millis(10));
  },
);

describe('alone with the embedded broker', () => {
  async function alone(): Promise<{ readonly url: string; readonly rig: Rig }> {
    const embedded = await startBroker(0);
    if (!embedded.ok) throw new Error(embedded.error);
    leftovers.push(() => embedded.value.close());
    const { url, username, password } = embedded.value;
    const rig = new Rig(url, { protocolVersion: 4, username, password });
    await until(() => rig.link.connected);
    return { url, rig };
  }

  test('MQTT 3.1.1: state, commands by response/<verb>, and a clean end', async () => {
    const { url, rig } = await alone();
    const observer = await Observer.on(url, [`${BASE}#`], 4);
    await observer.client.publishAsync(`${BASE}command/info`, '{"id":1}', { qos: 1 });
    await until(() => rig.commands.length === 1);
    rig.commands[0]?.reply({ id: 1, ok: true, result: {} });
    await until(() => observer.texts('response/info').length === 1);
    expect(observer.states()).toEqual(['online']);
    await rig.link.close('drained');
    await until(() => observer.states().includes('offline'));
  });

  test('only the agent speaks for the switch; others command, and leave nothing behind', async () => {
    const { url, rig } = await alone();
    const observer = await Observer.on(url, [`${BASE}#`, 'other/#'], 4);
    const forged = [
      ['availability', false],
      ['session/aa-bb-cc-dd-ee-ff', true],
      ['response/info', false],
      ['command/drain', true],
    ] as const;
    for (const [topic, retain] of forged) {
      // It ends the connection of whoever tries.
      const client = mqtt.connect(url, { protocolVersion: 4, reconnectPeriod: 0, password: 'guess' });
      const over = new Promise<void>((resolve) => client.once('close', () => resolve()));
      client.once('connect', () => client.publish(`${BASE}${topic}`, 'forged', { qos: 1, retain }));
      await over;
    }
    await observer.client.publishAsync(`${BASE}query/info`, '{}', { qos: 1 });
    await until(() => rig.commands.length === 1);
    expect(rig.commands[0]).toMatchObject({ verb: 'info', rights: 'read' });
    expect(observer.seen.filter(({ text }) => text === 'forged')).toEqual([]);
    const late = await Observer.on(url, [`${BASE}#`], 4);
    await until(() => late.seen.length >= 1);
    expect(late.seen.filter(({ text }) => text === 'forged')).toEqual([]);
  });

  test('a verb so long that no topic can have its answer gets none, and ends nothing', async () => {
    const { url, rig } = await alone();
    const observer = await Observer.on(url, [`${BASE}response/#`], 4);
    for (const verb of ['$'.repeat(22_000), 'info'])
      await observer.client.publishAsync(`${BASE}query/${verb}`, '{}');
    await until(() => rig.commands.length === 2);
    for (const { reply } of rig.commands) reply({ ok: true });
    await until(() => observer.texts('response/info').length === 1);
    expect([rig.link.counters()['answer-elsewhere'], rig.connects]).toEqual([1, 1]);
  });

  test('nothing is kept for a client that is away', async () => {
    const { url, rig } = await alone();
    const kept = { protocolVersion: 4, clientId: 'kept', clean: false, reconnectPeriod: 0 } as const;
    const first = await mqtt.connectAsync(url, kept);
    await first.subscribeAsync(`${BASE}#`, { qos: 1 });
    await first.endAsync();
    let settled = false;
    const onSettled = (): void => {
      settled = true;
    };
    rig.link.publish({ topic: `${BASE}event/x`, payload: '{}', retain: false, onSettled });
    await until(() => settled);
    const heard: string[] = [];
    const second = mqtt.connect(url, kept);
    leftovers.push(() => second.endAsync(true));
    second.on('message', (topic) => heard.push(topic));
    const isPresent = await new Promise((resolve) => {
      second.once('connect', ({ sessionPresent }) => resolve(sessionPresent));
    });
    await second.publishAsync(`${BASE}query/info`, '{}', { qos: 1 });
    await until(() => rig.commands.length === 1);
    expect([isPresent, heard]).toEqual([false, []]);
  });

  test('its port is taken: a sentence says so', async () => {
    const first = await startBroker(0);
    if (!first.ok) throw new Error(first.error);
    leftovers.push(() => first.value.close());
    const second = await startBroker(first.value.port);
    expect(second).toEqual({
      ok: false,
      error: `the embedded broker cannot listen on 127.0.0.1:${first.value.port}: EADDRINUSE`,
    });
  });
});
