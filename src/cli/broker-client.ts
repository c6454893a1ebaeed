// An agent anywhere, over the broker: MQTT 5 with a Response Topic of our own. A switch that the broker says is offline is
// not waited for.

import { randomBytes } from 'node:crypto';
import mqtt, {
  type MqttClient,
  type OnCloseCallback,
  type OnMessageCallback,
  type OnPacketCallback,
} from 'mqtt';
import { fromUtf8 } from '../base/bytes.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Answer } from '../report/answers.ts';
import type { Verb } from '../report/command-schemas.ts';
import { commandFrom, isChanging } from '../report/commands.ts';
import type { EventPayload } from '../report/event-payloads.ts';
import { baseTopic } from '../report/topics.ts';
import type { AgentClient, NoAgent } from './client.ts';

export interface BrokerClientOptions {
  readonly url: string;
  readonly switchId: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM, for mqtts:// and wss://. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly timeoutMs: number;
}

/** PUBACK: nobody has subscribed to the command (MQTT 5 §3.4.2.1). */
const NO_MATCHING_SUBSCRIBERS = 0x10;

export class BrokerClient implements AgentClient {
  private client: MqttClient | undefined;
  private readonly base: string;

  constructor(private readonly options: BrokerClientOptions) {
    this.base = baseTopic(options.switchId);
  }

  async request<V extends Verb>(verb: V, request: object): Promise<Result<Answer<V>, NoAgent>> {
    const client = await this.connected();
    return client.ok ? this.ask(client.value, verb, request) : client;
  }

  async listen(onEvent: (event: EventPayload) => void, signal: AbortSignal): Promise<Result<void, NoAgent>> {
    const client = await this.connected();
    if (!client.ok) return client;
    // A switch that is not there would be listened to for ever.
    const there = await this.ask(client.value, 'info', {});
    if (!there.ok) return there;
    return new Promise((resolve) => {
      client.value.subscribe([`${this.base}event/+`, `${this.base}availability`], { qos: 1 }, (failed) => {
        if (failed) resolve(err(`the broker refuses the subscription: ${failed.message}`));
      });
      client.value.on('message', (_topic, payload) => {
        const message = parse(payload);
        if (message !== undefined && 'seq' in message) onEvent(message as EventPayload);
        else if (isOffline(message)) resolve(err(`switch ${this.options.switchId} is offline`));
      });
      client.value.on('close', () =>
        resolve(signal.aborted ? ok(undefined) : err('the broker closed the connection')),
      );
      signal.addEventListener('abort', () => resolve(ok(undefined)), { once: true });
      if (signal.aborted) resolve(ok(undefined));
    });
  }

  async close(): Promise<void> {
    await this.client?.endAsync(true);
  }

  /** By the connection that there is, or a new one. */
  private connected(): Promise<Result<MqttClient, NoAgent>> {
    const { client: there } = this;
    if (there?.connected === true) return Promise.resolve(ok(there));
    const { url, username, password, tls, timeoutMs } = this.options;
    return new Promise((resolve) => {
      const client = mqtt.connect(url, {
        protocolVersion: 5,
        reconnectPeriod: 0,
        connectTimeout: timeoutMs,
        ...tls,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
      });
      this.client = client;
      let reason = 'no answer';
      client.on('error', (error) => {
        reason = error.message || String((error as NodeJS.ErrnoException).code ?? reason);
      });
      client.once('connect', () => resolve(ok(client)));
      client.once('close', () =>
        resolve(
          err(
            reason.includes('Unacceptable protocol version')
              ? `the broker ${url} does not speak MQTT 5. An agent's own does not: ask on the switch, without --broker`
              : `cannot reach the broker ${url}: ${reason}`,
          ),
        ),
      );
    });
  }

  private async ask<V extends Verb>(
    client: MqttClient,
    verb: V,
    request: object,
  ): Promise<Result<Answer<V>, NoAgent>> {
    const { switchId, timeoutMs } = this.options;
    const mark = randomBytes(8);
    const responseTopic = `${this.base}response/cli-${mark.toString('hex')}`;
    const availability = `${this.base}availability`;
    return new Promise((settle) => {
      const resolve = (result: Result<Answer<V>, NoAgent>): void => {
        clearTimeout(late);
        client.off('close', closed).off('packetreceive', received).off('message', heard);
        if (client.connected) client.unsubscribe([responseTopic, availability]);
        settle(result);
      };
      const late = setTimeout(
        () => resolve(err(`no answer from switch ${switchId} within ${timeoutMs / 1000} s`)),
        timeoutMs,
      ).unref();
      const closed: OnCloseCallback = () => resolve(err('the broker closed the connection'));
      // mqtt.js gives a publish's callback no packet, so the acknowledgement is looked at as it comes.
      const received: OnPacketCallback = (packet) => {
        if (packet.cmd === 'puback' && packet.reasonCode === NO_MATCHING_SUBSCRIBERS) {
          resolve(err(`no agent of switch ${switchId} is connected to the broker`));
        }
      };
      const heard: OnMessageCallback = (topic, payload, packet) => {
        const message = parse(payload);
        if (topic === availability && isOffline(message)) resolve(err(`switch ${switchId} is offline`));
        if (topic !== responseTopic || packet.properties?.correlationData?.equals(mark) !== true) return;
        resolve(
          message === undefined
            ? err('the agent answered with something that is not JSON')
            : ok(message as Answer<V>),
        );
      };
      client.on('close', closed).on('packetreceive', received).on('message', heard);
      const properties = {
        responseTopic,
        correlationData: mark,
        messageExpiryInterval: Math.ceil(timeoutMs / 1000),
        contentType: 'application/json',
        payloadFormatIndicator: true,
      };
      client.subscribe([responseTopic, availability], { qos: 1 }, (failed) => {
        if (failed) resolve(err(`the broker refuses the subscription: ${failed.message}`));
        else {
          client.publish(
            `${this.base}${isReading(verb, request) ? 'query' : 'command'}/${verb}`,
            JSON.stringify(request),
            { qos: 1, properties },
            (error) => {
              if (error) resolve(err(`the broker refuses the command: ${error.message}`));
            },
          );
        }
      });
    });
  }
}

/** Whoever may only read may ask this. */
function isReading(verb: Verb, request: object): boolean {
  const command = commandFrom(verb, JSON.parse(JSON.stringify(request)));
  return command.ok && !isChanging(command.value);
}

function isOffline(message: object | undefined): boolean {
  return message !== undefined && 'state' in message && message.state === 'offline';
}

function parse(payload: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(fromUtf8(payload));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
