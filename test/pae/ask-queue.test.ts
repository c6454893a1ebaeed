import { describe, expect, it } from 'vitest';
import { instant } from '../../src/base/time.ts';
import { AskQueue } from '../../src/pae/ask-queue.ts';

function drain<T>(queue: AskQueue<T>, now: number): T[] {
  const taken: T[] = [];
  for (let item = queue.take(instant(now)); item !== undefined; item = queue.take(instant(now)))
    taken.push(item);
  return taken;
}

describe('turns', () => {
  it('three seconds of the rate at once, then one by one, and pollAt says when', () => {
    const queue = new AskQueue<number>(10);
    for (let n = 0; n < 35; n++) queue.add(n, 2);
    expect(drain(queue, 0)).toHaveLength(30);
    expect(queue.pollAt()).toBe(100);
    expect(drain(queue, 99)).toEqual([]);
    expect(drain(queue, 100)).toEqual([30]);
    expect(drain(queue, 500)).toEqual([31, 32, 33, 34]);
    expect(queue.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('sessions first, then who was seen again, however many came before', () => {
    const queue = new AskQueue<string>(1);
    for (let n = 0; n < 100; n++) queue.add(`flood ${n}`, 2);
    queue.add('printer', 2);
    queue.add('printer', 1);
    queue.add('session', 0);
    expect(drain(queue, 0)).toEqual(['session', 'printer', 'flood 0']);
  });

  it('a better rank is kept, and who is taken out has no turn', () => {
    const queue = new AskQueue<string>(1);
    queue.add('a', 1);
    queue.add('a', 2);
    queue.add('b', 1);
    queue.remove('b');
    expect(drain(queue, 0)).toEqual(['a']);
    expect(queue.has('a')).toBe(false);
  });

  it('a lower rate holds from now, and a pause saves up no more than the burst', () => {
    const queue = new AskQueue<number>(10);
    queue.configure(1);
    for (let n = 0; n < 10; n++) queue.add(n, 2);
    expect(drain(queue, 3_600_000)).toHaveLength(3);
  });
});
