// The link to the broker: one object that outlives its connections.
//
// Promise: what is published, answers excepted, arrives at least once, in order, and a retained topic ends with its newest state;
// while the broker is away the newest state of each retained topic and a bounded run of other messages wait here. At most
// `WINDOW` publishes are in flight (10,000 at once took mqtt.js 131 MB). Reconnects for ever, with back-off and jitter.
//
// The last will and restarts. The broker says `offline` for us after the will delay. It counts that delay only while our MQTT
// session lives (MQTT 5 §3.1.3.2.2) and sends the will at once when a client comes back with Clean Start; so the session is
// kept (Clean Start 0, expiry longer than the delay) under a client id that stays the same. A stop for a restart leaves with
// reason 0x04, which keeps the will armed: back within the delay, nobody sees us gone. Only a drain says `offline` itself.
//
// A session that is kept brings old commands along: those that arrived while we were away, and retained ones. An old
// `disconnect` must not hit a new user, so both are ignored and counted. The old ones are told by their Subscription
// Identifier, which is different in every connection.

import mqtt, { ErrorWithReasonCode, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import { writeToStream } from 'mqtt-packet';
import { ok } from '../../base/result.ts';
import { type Millis, rfc3339, type WallTime } from '../../base/time.ts';
import { same } from '../../config/diff.ts';
import { baseTopic, buildTopic, parseTopic } from '../../report/topics.ts';
import { attempt } from '../files.ts';
import { explainTls, readTlsFiles, type TlsMaterial } from '../tls.ts';
import { Following } from './following.ts';
import { commandTopics, isFrom, mayAnswerTo } from './mqtt-commands.ts';
import { connectOptions, type MqttLinkOptions, peerOf } from './mqtt-options.ts';
import { fitsInto, publishOptions } from './packet.ts';
import { type Publication, PublishQueue } from './publish-queue.ts';
import { Refusals } from './refusals.ts';

// The package's table of all 65,536 two-octet numbers takes 7 MB; making one takes 50 ns.
writeToStream.cacheNumbers = false;

const WINDOW = 200;
/** Of what has been handed over; then no more is until the broker has read some. */
const UNREAD_OCTETS = 1024 * 1024;
const SWEEP_MS = 5_000;
/** MQTT 5 §3.14.2.1: Disconnect with Will Message. */
const WITH_WILL = 0x04;

export type LinkCounter =
  | 'retained-command'
  | 'old-command'
  | 'answer-elsewhere'
  | 'dropped'
  | 'refused'
  | 'postponed'
  | 'too-large'
  | 'connects'
  | 'swept';

export class MqttLink {
  private client: MqttClient | undefined;
  /** Whose packets wait for the end of this turn. */
  private gathering: MqttClient | undefined;
  private online = false;
  private closing = false;
  private failures = 0;
  private connection = 0;
  private window = WINDOW;
  private largestPacket = Number.POSITIVE_INFINITY;
  private lastProblem = '';
  /** What the TLS files held when it was connected to. */
  private material: TlsMaterial = {};
  private timer: NodeJS.Timeout | undefined;
  private sweep: NodeJS.Timeout | undefined;
  private readonly queue: PublishQueue;
  private readonly refusals: Refusals;
  private readonly counts = new Map<LinkCounter, number>();
  private readonly base: string;
  private readonly following = new Following(() => (this.online ? this.client : undefined));

  constructor(private readonly options: MqttLinkOptions) {
    this.queue = new PublishQueue(options.queueLimit ?? 10_000);
    this.refusals = new Refusals({
      queue: this.queue,
      count: (name) => this.count(name),
      say: (message) => this.problem(message),
      onAgain: () => this.pump(),
    });
    this.base = baseTopic(options.switchId);
  }

  get connected(): boolean {
    return this.online;
  }

  /** Messages that wait or are not acknowledged yet. */
  get pending(): number {
    return this.queue.size;
  }

  counters(): Readonly<Partial<Record<LinkCounter, number>>> {
    return Object.fromEntries([
      ...this.counts,
      ...(this.queue.dropped > 0 ? [['dropped', this.queue.dropped]] : []),
    ]);
  }

  start(): void {
    if (this.client === undefined && !this.closing) this.connect();
  }

  /** An empty payload with `retain` clears the topic. Never throws; never waits. */
  publish(publication: Publication): void {
    this.queue.push(publication);
    this.pump();
  }

  /** Topics of other switches; retained state comes first. Nothing with the embedded broker: it is for one switch. */
  follow(topic: string): void {
    if (this.options.protocolVersion === 5) this.following.set(topic, true);
  }

  unfollow(topic: string): void {
    if (this.options.protocolVersion === 5) this.following.set(topic, false);
  }

  /** Connects anew, the will staying armed, if the TLS files hold something else by now; what cannot be used is said. */
  renewTls(): void {
    const { client } = this;
    const read = readTlsFiles(this.options.tls ?? {});
    if (!read.ok) this.options.log('warn', `broker ${this.options.url}: ${read.error}; the connection stays`);
    else if (client?.connected === true && !same(read.value, this.material)) {
      this.options.log('info', `broker ${this.options.url}: connecting anew, by the new TLS files`);
      client.end(false, { reasonCode: WITH_WILL });
    }
  }

  /**
   * `restart`: the will stays armed, sessions go on. `drained`: says `offline` and takes the will back.
   * Waits up to `grace` for what is queued. The link cannot be started again.
   */
  async close(how: 'restart' | 'drained', grace = 2_000 as Millis): Promise<void> {
    if (how === 'drained' && this.online) this.announce('offline', 'drained');
    this.closing = true;
    clearTimeout(this.timer);
    clearTimeout(this.sweep);
    this.refusals.close();
    this.following.close();
    const { client } = this;
    if (client === undefined) return;
    const deadline = performance.now() + grace;
    while (this.online && this.queue.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const keepWill = how === 'restart' && this.options.protocolVersion === 5;
    await new Promise<void>((resolve) => {
      client.once('close', () => resolve());
      if (!client.connected) client.end(true, () => resolve());
      else if (how === 'restart' && !keepWill) client.stream.destroy();
      else client.end(false, keepWill ? { reasonCode: WITH_WILL } : {}, () => resolve());
      setTimeout(resolve, 1_000).unref();
    });
    client.end(true);
    // An end that waits for a silent broker would wait for ever.
    client.stream.destroy();
    this.online = false;
  }

  private connect(): void {
    this.connection =
      (this.connection % 0xfff_fffe) + 1 + (this.connection === 0 ? Math.floor(Math.random() * 1e6) : 0);
    const connection = connectOptions(this.options, this.availability('offline', 'connection-lost'));
    // A URL that is none is thrown by the package.
    const begun = connection.ok
      ? attempt(() => {
          const { options, tls } = connection.value;
          return ok({ tls, peer: peerOf(this.options), client: mqtt.connect(this.options.url, options) });
        })
      : connection;
    if (!begun.ok) {
      this.problem(begun.error);
      this.retry();
      return;
    }
    const { client, peer } = begun.value;
    this.material = begun.value.tls;
    this.client = client;
    client.on('connect', (packet) => this.onConnect(client, packet));
    client.on('message', (topic, payload, packet) => this.onMessage(topic, payload, packet));
    client.on('error', (error) => this.problem(explainTls(error, peer).detail));
    client.on('disconnect', (packet) =>
      this.problem(`the broker ended the connection, reason ${packet.reasonCode}`),
    );
    client.on('close', () => this.onClose(client));
  }

  private onConnect(client: MqttClient, packet: IConnackPacket): void {
    if (client !== this.client) return;
    this.count('connects');
    this.failures = 0;
    this.lastProblem = '';
    this.refusals.connected();
    this.window = Math.min(WINDOW, packet.properties?.receiveMaximum ?? WINDOW);
    this.largestPacket = packet.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    this.online = true;
    this.options.log('info', `broker ${this.options.url} connected`);
    this.subscribe(client);
    this.announce('online');
    this.options.onConnected();
    this.pump();
  }

  private subscribe(client: MqttClient): void {
    const v5 = this.options.protocolVersion === 5;
    const commands = v5
      ? { qos: 1 as const, rap: true, rh: 0, properties: { subscriptionIdentifier: this.connection } }
      : { qos: 1 as const };
    const topics = commandTopics(this.base, this.options.commands);
    if (topics.length > 0)
      client.subscribe(topics, commands, (error) => {
        if (error) this.problem(`commands cannot be subscribed to: ${error.message}`);
      });
    // The embedded broker forgets with us, so it has nothing of an earlier life.
    if (!v5) return;
    this.following.reset();
    const state = [`${this.base}session/+`, `${this.base}port/+`];
    client.subscribe(state, { qos: 0, nl: true, rap: false, rh: 0 }, () => {
      clearTimeout(this.sweep);
      this.sweep = setTimeout(() => {
        if (client.connected) client.unsubscribe(state);
      }, SWEEP_MS);
      this.sweep.unref();
    });
  }

  private onMessage(topic: string, payload: Uint8Array, packet: IPublishPacket): void {
    const parsed = parseTopic(topic);
    if (!parsed.ok) return;
    if (parsed.value.switchId !== this.options.switchId) {
      this.options.onFollowed(topic, payload);
      return;
    }
    const { topic: what } = parsed.value;
    if (what.kind === 'session' || what.kind === 'port') {
      if (packet.retain && this.options.isStale(topic, payload.length)) {
        this.count('swept');
        this.publish({ topic, payload: '', retain: true });
      }
      return;
    }
    if (what.kind !== 'command' && what.kind !== 'query') return;
    if (packet.retain) {
      this.count('retained-command');
      if (payload.length > 0) this.options.log('warn', `ignored a retained command: ${topic}`);
      return;
    }
    if (!isFrom(this.connection, packet)) {
      this.count('old-command');
      this.options.log('warn', `ignored a command from before this connection: ${topic}`);
      return;
    }
    const rights = what.kind === 'query' || this.options.commands === 'read-only' ? 'read' : 'full';
    this.options.onCommand({ verb: what.verb, payload, rights, reply: this.replier(what.verb, packet) });
  }

  private replier(verb: string, packet: IPublishPacket): (answer: object) => void {
    const fallback = buildTopic(this.options.switchId, { kind: 'response', verb });
    const { correlationData, responseTopic: wanted = fallback } = packet.properties ?? {};
    const allowed = mayAnswerTo(wanted, this.base);
    const topic = allowed ? wanted : fallback;
    // Two octets have its length (MQTT 5 §1.5.4), and the package throws beyond.
    const isTopic = Buffer.byteLength(topic) <= 0xffff;
    if (!allowed || !isTopic) this.count('answer-elsewhere');
    return (answer) => {
      if (!isTopic) return;
      this.publish({
        topic,
        payload: JSON.stringify(answer),
        retain: false,
        ...(correlationData === undefined ? {} : { correlationData }),
      });
    };
  }

  private announce(state: 'online' | 'offline', reason?: 'drained'): void {
    this.publish({
      topic: buildTopic(this.options.switchId, { kind: 'availability' }),
      payload: this.availability(state, reason),
      retain: true,
    });
  }

  private availability(state: 'online' | 'offline', reason?: 'connection-lost' | 'drained'): string {
    return JSON.stringify({
      state,
      since: rfc3339(Date.now() as WallTime),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  private pump(): void {
    const { client } = this;
    // What is handed to one that is disconnecting fails at once.
    while (
      client !== undefined &&
      this.online &&
      !client.disconnecting &&
      this.queue.inFlight < this.window &&
      // What is in flight lies in memory until the broker reads it; its acknowledgement comes back here.
      client.stream.writableLength <= UNREAD_OCTETS
    ) {
      const entry = this.queue.next();
      if (entry === undefined) return;
      this.gather(client);
      if (!fitsInto(entry, this.largestPacket)) {
        this.refuseLarge(entry);
        this.queue.settle(entry);
        continue;
      }
      client.publish(
        entry.topic,
        entry.payload,
        publishOptions(entry, this.options.protocolVersion),
        (error) => {
          // Any other is no word of the broker: the connection is ending, and the message goes back into the queue with it.
          if (error && !(error instanceof ErrorWithReasonCode)) return;
          if (error) this.refusals.refused(entry, error);
          else {
            this.refusals.taken(entry);
            this.queue.settle(entry);
          }
          this.pump();
        },
      );
    }
  }

  /** All packets of one turn of the event loop leave in one write. */
  private gather(client: MqttClient): void {
    if (this.gathering === client) return;
    this.gathering = client;
    client.stream.cork();
    setImmediate(() => {
      client.stream.uncork();
      this.gathering = undefined;
    });
  }

  /** A packet above the broker's limit would make it end the connection, again and again. */
  private refuseLarge(entry: Publication): void {
    this.count('too-large');
    this.options.log(
      'warn',
      `${entry.topic}: ${entry.payload.length} characters are more than the broker takes`,
    );
    if (entry.retain) return;
    const error = {
      code: 'too-large',
      message: "the answer is larger than the broker's limit; ask for less",
      path: '',
    };
    if (entry.payload.includes('"ok":true'))
      this.queue.push({ ...entry, payload: JSON.stringify({ ok: false, error }) });
  }

  private onClose(client: MqttClient): void {
    if (client !== this.client) return;
    client.end(true);
    this.client = undefined;
    clearTimeout(this.sweep);
    this.queue.rewind();
    if (this.online) {
      this.online = false;
      if (!this.closing) {
        this.options.log('warn', `broker ${this.options.url} is gone`);
        this.options.onDisconnected();
      }
    }
    this.retry();
  }

  private retry(): void {
    if (this.closing) return;
    const { first, longest } = this.options.backoff ?? { first: 1_000, longest: 30_000 };
    const wait = Math.min(longest, first * 2 ** Math.min(this.failures, 20));
    this.failures++;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait * (0.5 + Math.random() / 2));
  }

  private problem(message: string): void {
    if (message === this.lastProblem) return;
    this.lastProblem = message;
    this.options.log('warn', `broker ${this.options.url}: ${message}`);
  }

  private count(name: LinkCounter): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
