// Which retained topics should exist: what is published anew when a broker is back, and what an earlier life left behind.
//
// A broker keeps a retained session until somebody clears it, also when the agent that published it crashed and its session
// is long gone. So after every connect the broker's own retained topics are compared with this list.

import { buildTopic, parseTopic, type Topic } from './topics.ts';

export class RetainedTopics {
  private readonly live = new Set<string>();

  constructor(private readonly switchId: string) {}

  /** Notes that the topic has state, and gives its text. */
  set(topic: Topic): string {
    const text = buildTopic(this.switchId, topic);
    this.live.add(text);
    return text;
  }

  /** Notes that the state is gone: an empty retained payload clears it at the broker. */
  clear(topic: Topic): string {
    const text = buildTopic(this.switchId, topic);
    this.live.delete(text);
    return text;
  }

  has(topic: Topic): boolean {
    return this.live.has(buildTopic(this.switchId, topic));
  }

  /** Topics to publish anew after a connect. */
  topics(): IterableIterator<string> {
    return this.live.values();
  }

  /**
   * A retained message that the broker had: true when it is a port's or a session's topic of this switch without a state
   * behind it, so that it must be cleared. Anything else, a stranger's topic included, is left alone.
   */
  isStale(text: string, payloadOctets: number): boolean {
    if (payloadOctets === 0 || this.live.has(text)) return false;
    const parsed = parseTopic(text);
    if (!parsed.ok || parsed.value.switchId !== this.switchId) return false;
    return parsed.value.topic.kind === 'session' || parsed.value.topic.kind === 'port';
  }
}
