import { ErrorWithReasonCode } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Publication, PublishQueue } from '../../src/io/mqtt/publish-queue.ts';
import { Refusals } from '../../src/io/mqtt/refusals.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const STATE: Publication = { topic: 'port/a', payload: '1', retain: true };
const ANSWER: Publication = { topic: 'response', payload: '', retain: false };
function event(topic = 'event/warning', onSettled = () => {}): Publication {
  return { topic, payload: '', retain: false, onSettled };
}

/** A broker that refuses as it is told. */
class Broker {
  readonly queue = new PublishQueue(10);
  readonly counts: string[] = [];
  readonly said: string[] = [];
  /** When something was published, in seconds since the start. */
  readonly at: number[] = [];
  reason: number | undefined;
  private readonly start = Date.now();
  readonly refusals = new Refusals({
    queue: this.queue,
    count: (name) => this.counts.push(name),
    say: (message) => this.said.push(message),
    onAgain: () => this.pump(),
  });

  give(...publications: readonly Publication[]): this {
    for (const publication of publications) this.queue.push(publication);
    this.pump();
    return this;
  }

  private pump(): void {
    for (let next = this.queue.next(); next !== undefined; next = this.queue.next()) {
      this.at.push((Date.now() - this.start) / 1000);
      if (this.reason === undefined) {
        this.refusals.taken(next);
        this.queue.settle(next);
      } else this.refusals.refused(next, new ErrorWithReasonCode('because', this.reason));
    }
  }
}

function refusing(reason: number): Broker {
  const broker = new Broker();
  broker.reason = reason;
  return broker;
}

describe('a broker that refuses', () => {
  it.each([
    ['an event, no room', event(), 0x97, 'postponed'],
    ['a state, unspecified', STATE, 0x80, 'postponed'],
    ['a state, not authorized', STATE, 0x87, 'refused'],
    ['an event, topic invalid', event(), 0x90, 'refused'],
    ['an answer, no room', ANSWER, 0x97, 'refused'],
  ])('%s', (_, publication, reason, what) => {
    const { counts, queue } = refusing(reason).give(publication);
    expect(counts).toEqual([what]);
    expect(queue.size).toBe(what === 'postponed' ? 1 : 0);
  });

  it('is asked again with waits that double up to a minute, for as long as it has no room', () => {
    const broker = refusing(0x97).give(event());
    vi.advanceTimersByTime(300_000);
    expect(broker.at).toEqual([0, 5, 15, 35, 75, 135, 195, 255]);
  });

  it('and anew from the first wait when it has taken what it refused', () => {
    const broker = refusing(0x97).give(event());
    vi.advanceTimersByTime(20_000);
    broker.reason = undefined;
    vi.advanceTimersByTime(20_000);
    expect(broker.queue.size).toBe(0);
    broker.reason = 0x97;
    broker.give(event());
    vi.advanceTimersByTime(6_000);
    expect(broker.at).toEqual([0, 5, 15, 35, 40, 45]);
  });

  it('for what may be for good is asked a few times, and the message is settled then', () => {
    let settled = 0;
    const broker = refusing(0x83).give(event('event/warning', () => settled++));
    vi.advanceTimersByTime(3_600_000);
    expect(broker.counts).toEqual([...Array(4).fill('postponed'), 'refused']);
    expect([settled, broker.queue.size]).toEqual([1, 0]);
  });

  it('is told of once for each reason and connection, whatever the topics are', () => {
    const broker = refusing(0x97).give(event('event/a'), event('event/b'), STATE, ANSWER, ANSWER);
    vi.advanceTimersByTime(60_000);
    expect(broker.said).toEqual([
      'it does not take event/a for now: because',
      'it does not take response: because',
    ]);
    broker.refusals.connected();
    vi.advanceTimersByTime(60_000);
    expect(broker.said).toHaveLength(3);
  });

  it('leaves nothing armed at the end', () => {
    refusing(0x97).give(event()).refusals.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
