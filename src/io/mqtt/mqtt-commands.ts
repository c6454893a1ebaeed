// Commands that come by the broker: where they are heard, which of them are new, and where an answer may go.
//
// `command/<verb>` does everything, `query/<verb>` what changes nothing: two topics, so that a broker's access rules can tell
// a monitor from an operator. docs/mqtt-security.md has the rules.

import type { IPublishPacket } from 'mqtt';
import type { MqttCommands } from '../../config/config.ts';
import { TOPIC_ROOT } from '../../report/topics.ts';

/** `rollcall/`: of any version of the contract. */
const ROOT = TOPIC_ROOT.replace(/[^/]+$/, '');

/** What to subscribe to. */
export function commandTopics(base: string, commands: MqttCommands = 'full'): string[] {
  return commands === 'off' ? [] : [`${base}command/+`, `${base}query/+`];
}

/**
 * Sent to the subscription of this connection, and not to that of an earlier one. Brokers without identifiers give none: then
 * it counts for new.
 */
export function isFrom(connection: number, packet: IPublishPacket): boolean {
  const identifier = packet.properties?.subscriptionIdentifier as number | readonly number[] | undefined;
  if (identifier === undefined) return true;
  return typeof identifier === 'number' ? identifier === connection : identifier.includes(connection);
}

/** Any plain topic but those of Rollcall, this switch's `response/` excepted: an answer never poses as a state or a command. */
export function mayAnswerTo(topic: string, base: string): boolean {
  if (topic === '' || /[+#\0]/.test(topic) || topic.startsWith('$')) return false;
  return !topic.startsWith(ROOT) || topic.startsWith(`${base}response/`);
}
