// Topics of other switches that are followed while somebody here wants them: subscriptions that come and go, one packet
// for all that changed in a tenth of a second, since logins come by the thousand. What is wanted is the agent's to know:
// it says so anew after each connect, and nothing is kept here.

import type { MqttClient } from 'mqtt';

const SPACING_MS = 100;
const TOPICS_A_PACKET = 500;
/** No Local: our own messages on the same topics do not come back. Retained state comes first. */
const OPTIONS = { qos: 1 as const, nl: true, rap: true, rh: 0 as const };

export class Following {
  /** Wanted or not, since the last packet. */
  private changed = new Map<string, boolean>();
  private timer: NodeJS.Timeout | undefined;

  /** `client`: undefined while there is no connection. */
  constructor(private readonly client: () => MqttClient | undefined) {}

  set(topic: string, wanted: boolean): void {
    if (this.client() === undefined) return;
    this.changed.set(topic, wanted);
    this.timer ??= setTimeout(() => this.apply(), SPACING_MS).unref();
  }

  /** The connection is a new one: what was not sent on the last is of no more interest. */
  reset(): void {
    this.changed.clear();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private apply(): void {
    this.timer = undefined;
    const { changed } = this;
    this.changed = new Map();
    const those = (wanted: boolean): string[] =>
      [...changed.keys()].filter((topic) => changed.get(topic) === wanted);
    for (const topics of packets(those(true))) this.client()?.subscribe(topics, OPTIONS);
    for (const topics of packets(those(false))) this.client()?.unsubscribe(topics);
  }
}

function* packets(topics: readonly string[]): Generator<string[]> {
  for (let i = 0; i < topics.length; i += TOPICS_A_PACKET) yield topics.slice(i, i + TOPICS_A_PACKET);
}
