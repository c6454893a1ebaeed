// The contract, held against what was really said: docs/asyncapi.yaml is read as a stranger's program would read it, and
// each message must have a channel in it, fit its schema, and be retained or not as it says. After each file of the lab
// `contract-setup.ts` judges everything that any listener of that file has heard.
//
// Limits: what the lab itself publishes is not judged, since tests say wrong things on purpose; nor is what went by
// while no listener was there.

import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import type { Heard, MqttMessage } from './broker.ts';

const FILE = new URL('../../../docs/asyncapi.yaml', import.meta.url);

interface Document {
  readonly channels: Readonly<Record<string, { readonly address: string }>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: { readonly messages: Readonly<Record<string, { readonly payload: object }>> };
}

interface Operation {
  readonly channel: { readonly $ref: string };
  readonly bindings: { readonly mqtt: { readonly retain: boolean } };
}

interface Channel {
  readonly name: string;
  readonly topic: RegExp;
  readonly validate: ValidateFunction;
  readonly retained: boolean;
}

/** `faults` are sentences: which topic, what is wrong, what was said. `seen`: names of channels. */
export interface Judgement {
  readonly faults: readonly string[];
  readonly seen: ReadonlySet<string>;
}

export class Contract {
  private readonly channels: readonly Channel[];

  constructor() {
    const document = parse(readFileSync(FILE, 'utf8')) as Document;
    const ajv = new Ajv({ allErrors: true, strictTypes: false });
    const retained = new Set(
      Object.values(document.operations)
        .filter(({ bindings }) => bindings.mqtt.retain)
        .map(({ channel }) => channel.$ref.replace('#/channels/', '')),
    );
    this.channels = Object.entries(document.channels).map(([name, { address }]) => ({
      name,
      topic: new RegExp(`^${address.replace(/\{\w+\}/g, '[^/]+')}$`),
      validate: ajv.compile(document.components.messages[name]?.payload ?? false),
      retained: retained.has(name),
    }));
  }

  /** Names of all channels. */
  get names(): readonly string[] {
    return this.channels.map(({ name }) => name);
  }

  /** In the order in which they were heard: a question names the topic of its answer. */
  judge(heard: readonly Heard[]): Judgement {
    const faults: string[] = [];
    const seen = new Set<string>();
    const answers = new Map<string, Channel | undefined>();
    for (const { message, own } of heard) {
      const { topic, responseTopic } = message;
      const channel = answers.get(topic) ?? this.channelOf(topic);
      if (responseTopic !== undefined) answers.set(responseTopic, this.answerTo(channel));
      // The answer to what is no verb has no channel either.
      if (own || (channel === undefined && answers.has(topic))) continue;
      if (channel !== undefined) seen.add(channel.name);
      const wrong = channel === undefined ? 'no such topic is described' : wrongWith(message, channel);
      if (wrong !== undefined) faults.push(`${topic}: ${wrong}: ${message.payload}`);
    }
    return { faults, seen };
  }

  private answerTo(question: Channel | undefined): Channel | undefined {
    const name = question?.name.replace(/^(command|query)-/, 'response-');
    return this.channels.find((channel) => channel.name === name);
  }

  private channelOf(topic: string): Channel | undefined {
    return this.channels.find((channel) => channel.topic.test(topic));
  }
}

function wrongWith(message: MqttMessage, { name, validate, retained }: Channel): string | undefined {
  if (message.qos !== 1) return `QoS ${message.qos} instead of 1`;
  if (message.retain !== retained) return message.retain ? 'retained' : 'not retained';
  // A retained state that is cleared.
  if (message.payload === '' && (name === 'session' || name === 'port')) return undefined;
  if (message.contentType !== 'application/json') return `content type ${message.contentType ?? 'missing'}`;
  if (!message.isText) return 'the payload is not marked as text';
  const payload = parseJson(message.payload);
  if (payload === undefined) return 'not JSON';
  if (validate(payload)) return undefined;
  const errors = validate.errors ?? [];
  return errors.map(({ instancePath, message: what }) => `${instancePath || 'it'} ${what}`).join(', ');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
