// The way upstream: the configured broker, or one of our own on loopback, and the link to it, which the caller starts.

import type { Agent } from '../../agent/agent.ts';
import { present } from '../../base/present.ts';
import { ok, type Result } from '../../base/result.ts';
import type { Config } from '../../config/config.ts';
import type { Closer } from '../closing.ts';
import type { Logger } from '../log.ts';
import type { Shell } from '../shell.ts';
import { MqttLink } from './mqtt.ts';
import type { MqttLinkOptions } from './mqtt-options.ts';

interface Upstream {
  readonly agent: Pick<Agent, 'isStaleTopic'>;
  readonly config: Config;
  readonly shell: Pick<Shell, 'post' | 'command'>;
  readonly log: Logger;
  readonly closers: Closer[];
}

export async function openUpstream({
  agent,
  config,
  shell,
  log,
  closers,
}: Upstream): Promise<Result<MqttLink, string>> {
  const access = await brokerAccess(config, closers);
  if (!access.ok) return access;
  const { mqtt, switch: device } = config;
  const link = new MqttLink({
    ...access.value,
    protocolVersion: mqtt.url === undefined ? 4 : 5,
    switchId: device.id,
    clientId: mqtt.clientId,
    tls: mqtt.tls,
    commands: mqtt.commands,
    willDelay: mqtt.willDelay,
    onConnected: () => shell.post({ type: 'broker', connected: true }),
    onDisconnected: () => shell.post({ type: 'broker', connected: false }),
    onCommand: (request) => shell.command(request),
    onFollowed: (topic, payload) => shell.post({ type: 'followed', topic, payload }),
    isStale: (topic, octets) => agent.isStaleTopic(topic, octets),
    log: (level, message) => log.log(level, message),
  });
  return ok(link);
}

/** Without `url` a broker of our own is started. */
async function brokerAccess(
  { mqtt }: Config,
  closers: Closer[],
): Promise<Result<Pick<MqttLinkOptions, 'url' | 'username' | 'password'>, string>> {
  const { url, embeddedPort, username, password } = mqtt;
  if (url !== undefined) return ok({ url, ...present({ username, password }) });
  const { startBroker } = await import('./broker.ts');
  const broker = await startBroker(embeddedPort);
  if (!broker.ok) return broker;
  closers.push({ name: 'the embedded broker', close: () => broker.value.close() });
  const own = broker.value;
  return ok({ url: own.url, username: own.username, password: own.password });
}
