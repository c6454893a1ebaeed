import { expect, test } from 'vitest';
import { type Publication, PublishQueue } from '../../src/io/mqtt/publish-queue.ts';

const state = (topic: string, payload: string): Publication => ({ topic, payload, retain: true });
const event = (payload: string): Publication => ({
  topic: 'event',
  payload,
  retain: false,
  onSettled: () => undefined,
});
function queueOf(...publications: readonly Publication[]): PublishQueue {
  const queue = new PublishQueue(10);
  for (const publication of publications) queue.push(publication);
  return queue;
}

function take(queue: PublishQueue, count = Number.POSITIVE_INFINITY): readonly Publication[] {
  const taken: Publication[] = [];
  while (taken.length < count) {
    const next = queue.next();
    if (next === undefined) break;
    taken.push(next);
  }
  return taken;
}

const payloads = (publications: readonly Publication[]): readonly string[] =>
  publications.map(({ payload }) => payload);

test('what is postponed is not handed out, and counts, until it is resumed: then it is last', () => {
  const queue = queueOf(event('1'), state('a', '2'), event('3'));
  for (const publication of take(queue, 2)) queue.postpone(publication);
  expect([queue.size, queue.inFlight]).toEqual([3, 0]);
  queue.resume();
  expect(payloads(take(queue))).toEqual(['3', '1', '2']);
});

test('a state is not postponed behind a newer one of its topic, be it in flight or waiting', () => {
  const queue = queueOf(state('a', '1'));
  const [first] = take(queue) as [Publication];
  queue.push(state('a', '2'));
  queue.postpone(first);
  const [second] = take(queue) as [Publication];
  expect(second.payload).toBe('2');
  queue.push(state('a', '3'));
  const [third] = take(queue) as [Publication];
  queue.postpone(second);
  queue.settle(third);
  expect(queue.size).toBe(0);
});

test('a newer state takes the place of a postponed one', () => {
  const queue = queueOf(state('a', '1'), state('b', '1'));
  for (const publication of take(queue)) queue.postpone(publication);
  queue.push(state('a', '2'));
  queue.resume();
  expect(payloads(take(queue))).toEqual(['2', '1']);
});

test('answers that wait are bounded in characters, too: the oldest give way', () => {
  const answer = (letter: string): Publication => ({
    topic: 'r',
    payload: letter.repeat(3_000_000),
    retain: false,
  });
  const queue = queueOf(answer('a'), event('1'), answer('b'), answer('c'));
  expect(payloads(take(queue)).map((payload) => payload[0])).toEqual(['1', 'b', 'c']);
  expect(queue.dropped).toBe(1);
  for (const letter of 'defg') queue.push(answer(letter));
  expect(payloads(take(queue)).map((payload) => payload[0])).toEqual(['f', 'g']);
});

test('an answer that was in flight is not sent again: what broke the connection may have been its topic', () => {
  const queue = queueOf(
    event('1'),
    { topic: 'chosen by a stranger', payload: '2', retain: false },
    event('3'),
  );
  take(queue, 2);
  queue.rewind();
  expect(payloads(take(queue))).toEqual(['1', '3']);
  expect(queue.dropped).toBe(1);
});

test('a connection that breaks brings what was postponed back to the front', () => {
  const queue = queueOf(event('1'), event('2'), event('3'));
  const [first] = take(queue, 2) as [Publication];
  queue.postpone(first);
  queue.rewind();
  expect(payloads(take(queue))).toEqual(['1', '2', '3']);
});
