// mosquitto, speaking MQTT 5 on the switch's loopback, and clients beside it: the test process is outside the namespace.

import { randomUUID } from 'node:crypto';
import { LabFolder } from './folder.ts';
import type { Netns } from './netns.ts';
import type { LabProcess } from './process.ts';
import { until } from './process.ts';

export interface MqttMessage {
  readonly topic: string;
  /** Text; empty where a retained message was cleared. */
  readonly payload: string;
  /** As it was published. */
  readonly retain: boolean;
  readonly qos: number;
  readonly contentType?: string;
  /** Its Payload Format Indicator says UTF-8. */
  readonly isText: boolean;
  readonly responseTopic?: string;
}

export interface Heard {
  readonly message: MqttMessage;
  /** Said by the lab itself. */
  readonly own: boolean;
}

/** Of this process: what each listener hears, and each request that was answered. */
const ears: (() => readonly Heard[])[] = [];

/** By listener, in the order of arrival. */
export function everythingHeard(): readonly (readonly Heard[])[] {
  return ears.map((heard) => heard());
}

const MARK = 'lab/mark';

/** From the agent's port to the one for the lab's own clients: what shuts the agent out leaves them alone. */
const WITNESS_OFFSET = 10_000;

export class Broker {
  readonly port: number;
  readonly #netns: Netns;
  readonly #folder: LabFolder;
  /** What the lab itself has published: topic and payload. */
  readonly #own = new Set<string>();
  #process: LabProcess | null = null;

  private constructor(netns: Netns, folder: LabFolder, port: number) {
    this.#netns = netns;
    this.#folder = folder;
    this.port = port;
  }

  /** `address`: where the agent finds it; the lab's own clients are on the loopback always. */
  static async start(netns: Netns, port = 1883, address = '127.0.0.1'): Promise<Broker> {
    const folder = new LabFolder('mosquitto');
    folder.write(
      'mosquitto.conf',
      `listener ${port} ${address}\nlistener ${port + WITNESS_OFFSET} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\nlog_dest stderr\nlog_type all\n`,
    );
    const broker = new Broker(netns, folder, port);
    await broker.start();
    return broker;
  }

  get #witnessPort(): number {
    return this.port + WITNESS_OFFSET;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Starts it again after `stop`; it has forgotten its retained messages. */
  async start(): Promise<void> {
    this.#process = this.#netns.start({
      name: 'mosquitto',
      argv: ['mosquitto', '-c', this.#folder.file('mosquitto.conf')],
    });
    await this.#process.waitForLine(/mosquitto version .* running/);
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.#process?.stop();
    this.#process = null;
  }

  /** It hangs: connections stand, and nothing is answered until `thaw`. */
  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
  }

  /**
   * Hears everything under `filter` from now on, retained messages first. `asPublished`: `retain` of a message is what its
   * sender said, not whether the broker had it in store (MQTT 5 §3.8.3.1).
   */
  async subscribe(filter = '#', options: { readonly asPublished?: boolean } = {}): Promise<Subscriber> {
    // mosquitto_sub keeps what it says to itself until the first message: the broker's log tells when it has subscribed.
    const id = `lab-${randomUUID()}`;
    const argv = [
      'mosquitto_sub',
      '-V',
      '5',
      '-p',
      `${this.#witnessPort}`,
      '-i',
      id,
      '-q',
      '1',
      '-t',
      filter,
      '--retain-as-published',
      '-F',
      '%j',
      ...(options.asPublished === true ? ['--retain-as-published'] : []),
    ];
    const process = this.#netns.start({ name: `mosquitto_sub ${filter}`, argv });
    await this.#process?.waitForLine(new RegExp(`Sending SUBACK to ${id}`));
    const subscriber = new Subscriber(process, id);
    ears.push(() => subscriber.messages.map((message) => ({ message, own: this.#isOwn(message) })));
    return subscriber;
  }

  /** What it keeps under `filter`, for whoever asks. */
  async stored(filter: string): Promise<readonly MqttMessage[]> {
    // What is kept comes in the order of the filters, and nothing says that it was all: the mark does.
    await this.publish({ topic: MARK, payload: 'all', retain: true });
    const asked = this.#netns.start({
      name: `mosquitto_sub ${filter}, what is stored`,
      argv: [
        ...['mosquitto_sub', '-V', '5', '-p', `${this.#witnessPort}`, '-q', '1', '-t', filter, '-t', MARK],
        ...['--retained-only', '--retain-as-published', '-F', '%j'],
      ],
    });
    await asked.waitForLine(new RegExp(`"topic":"${MARK}"`));
    await asked.stop();
    return asked.lines
      .filter((line) => line.startsWith('{'))
      .map(decodeLine)
      .filter(({ topic }) => topic !== MARK);
  }

  /** After a new start: this listener is back, and hears everything from now on. */
  async hearAgain({ id }: Subscriber): Promise<void> {
    await this.#process?.waitForLine(new RegExp(`Sending SUBACK to ${id}`), { timeoutMs: 40_000 });
  }

  /** A client that is connected, and whose last will the broker sends so long after its death. */
  async leaveWill(topic: string, delayS: number): Promise<{ readonly kill: () => Promise<void> }> {
    const payload = 'gone';
    this.#says({ topic, payload });
    const id = `lab-${randomUUID()}`;
    const client = this.#netns.start({
      name: 'mosquitto_sub, which leaves a will',
      argv: [
        ...['mosquitto_sub', '-V', '5', '-p', `${this.#witnessPort}`, '-i', id, '-t', 'lab/nothing'],
        ...['--will-topic', topic, '--will-payload', payload, '-q', '1', '--will-qos', '1'],
        ...['-D', 'will', 'will-delay-interval', `${delayS}`],
        // Its session is kept: a will comes at a session's end at the latest.
        '-c',
      ],
    });
    await this.#process?.waitForLine(new RegExp(`Sending SUBACK to ${id}`));
    return {
      kill: async () => {
        client.signal('SIGKILL');
        await client.exited;
      },
    };
  }

  async publish(message: {
    readonly topic: string;
    readonly payload: string;
    readonly retain?: boolean;
  }): Promise<void> {
    this.#says(message);
    const retain = message.retain === true ? ['-r'] : [];
    const argv = [
      'mosquitto_pub',
      '-V',
      '5',
      '-p',
      `${this.#witnessPort}`,
      '-q',
      '1',
      '-t',
      message.topic,
      ...retain,
    ];
    await this.#netns.must(message.payload === '' ? [...argv, '-n'] : [...argv, '-m', message.payload]);
  }

  /** Of one client, as fast as the broker takes them. */
  async publishAll(topic: string, payloads: readonly string[]): Promise<void> {
    for (const payload of payloads) this.#says({ topic, payload });
    const argv = ['mosquitto_pub', '-V', '5', '-p', `${this.#witnessPort}`, '-q', '1', '-t', topic, '-l'];
    await this.#netns.must(argv, { input: payloads.join('\n') });
  }

  /** A request with a Response Topic and Correlation Data; resolves to the payload of the answer. */
  async request(request: {
    readonly topic: string;
    readonly payload: string;
    readonly responseTopic: string;
    readonly timeoutS?: number;
  }): Promise<string> {
    this.#says(request);
    const said = await this.#netns.must([
      ...[
        'mosquitto_rr',
        '-V',
        '5',
        '-p',
        `${this.#witnessPort}`,
        '-q',
        '1',
        '-t',
        request.topic,
        '-e',
        request.responseTopic,
      ],
      ...[
        '-D',
        'publish',
        'correlation-data',
        `lab-${request.topic}`,
        '-W',
        `${request.timeoutS ?? 5}`,
        '-m',
        request.payload,
        '-F',
        '%j',
      ],
    ]);
    const answer = decodeLine(said);
    const question = { ...answer, ...request };
    ears.push(() => [
      { message: question, own: true },
      { message: answer, own: this.#isOwn(answer) },
    ]);
    return answer.payload;
  }

  #says({ topic, payload }: Pick<MqttMessage, 'topic' | 'payload'>): void {
    this.#own.add(`${topic} ${payload}`);
  }

  #isOwn({ topic, payload }: MqttMessage): boolean {
    return this.#own.has(`${topic} ${payload}`);
  }

  async close(): Promise<void> {
    await this.stop();
    this.#folder.remove();
  }
}

export class Subscriber {
  readonly #process: LabProcess;

  constructor(
    process: LabProcess,
    /** Its client identifier. */
    readonly id: string,
  ) {
    this.#process = process;
  }

  /** All so far, in the order of arrival. */
  get messages(): readonly MqttMessage[] {
    return this.#process.lines.filter((line) => line.startsWith('{')).map(decodeLine);
  }

  ofTopic(topic: string): readonly MqttMessage[] {
    return this.messages.filter((message) => message.topic === topic);
  }

  waitFor(what: string, wanted: (message: MqttMessage) => boolean, timeoutMs = 10_000): Promise<MqttMessage> {
    return until(`an MQTT message: ${what}`, () => this.messages.find(wanted) ?? null, timeoutMs);
  }

  async close(): Promise<void> {
    await this.#process.stop();
  }
}

function decodeLine(line: string): MqttMessage {
  const said = JSON.parse(line) as {
    readonly topic: string;
    readonly payload?: string | null;
    readonly retain: number;
    readonly qos: number;
    readonly properties?: Readonly<
      Partial<Record<'response-topic' | 'content-type', string> & Record<'payload-format-indicator', number>>
    >;
  };
  const responseTopic = said.properties?.['response-topic'];
  const contentType = said.properties?.['content-type'];
  return {
    topic: said.topic,
    payload: said.payload ?? '',
    retain: said.retain === 1,
    qos: said.qos,
    isText: said.properties?.['payload-format-indicator'] === 1,
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
  };
}
