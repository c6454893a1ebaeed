// Topics of other switches that are followed while somebody here wants them: subscriptions that come and go, one packet
// for all that changed in a tenth of a second, since logins come by the thousand. Kept over reconnects.

import type { MqttClient } from 'mqtt';

const SPACING_MS = 100;
const TOPICS_A_PACKET = 500;
/** No Local: our own messages on the same topics do not come back. Retained state comes first. */
const OPTIONS = { qos: 1 as const, nl: true, rap: true, rh: 0 as const };

export class Following {
  private readonly wanted = new Set<string>();
  private readonly changed = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  /** `client`: undefined while there is no connection. */
  constructor(private readonly client: () => MqttClient | undefined) {}

  add(topic: string): void {
    if (this.wanted.has(topic)) return;
    this.wanted.add(topic);
    this.touch(topic);
  }

  remove(topic: string): void {
    if (this.wanted.delete(topic)) this.touch(topic);
  }

  /** After a connect: everything anew. */
  renew(): void {
    this.changed.clear();
    this.subscribe([...this.wanted]);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private touch(topic: string): void {
    this.changed.add(topic);
    this.timer ??= setTimeout(() => this.apply(), SPACING_MS).unref();
  }

  private apply(): void {
    this.timer = undefined;
    const changed = [...this.changed];
    this.changed.clear();
    this.subscribe(changed.filter((topic) => this.wanted.has(topic)));
    const gone = changed.filter((topic) => !this.wanted.has(topic));
    for (const topics of packets(gone)) this.client()?.unsubscribe(topics);
  }

  private subscribe(topics: readonly string[]): void {
    for (const some of packets(topics)) this.client()?.subscribe(some, OPTIONS);
  }
}

function* packets(topics: readonly string[]): Generator<string[]> {
  for (let i = 0; i < topics.length; i += TOPICS_A_PACKET) yield topics.slice(i, i + TOPICS_A_PACKET);
}
