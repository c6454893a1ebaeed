import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../src/base/fifo.ts';
import { instant, NEVER } from '../../src/base/time.ts';
import { DeadlineHeap, newDeadline } from '../../src/radius/deadlines.ts';

describe('deadlines', () => {
  it('come out in order whatever was armed, moved and removed (against a sorted list)', () => {
    const step = fc.record({
      item: fc.integer({ min: 0, max: 30 }),
      at: fc.option(fc.integer({ min: 0, max: 100 }), { freq: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 0, max: 100 }), (steps, now) => {
        const heap = new DeadlineHeap<{ id: number; deadline: ReturnType<typeof newDeadline> }>();
        const items = Array.from({ length: 31 }, (_, id) => ({ id, deadline: newDeadline() }));
        const model = new Map<number, number>();
        for (const { item, at } of steps) {
          const target = items[item]!;
          if (at === null) {
            heap.remove(target);
            model.delete(item);
          } else {
            heap.set(target, instant(at));
            model.set(item, at);
          }
          expect(heap.size).toBe(model.size);
          expect(heap.next).toBe(model.size === 0 ? NEVER : Math.min(...model.values()));
        }
        const due: number[] = [];
        for (let item = heap.popDue(instant(now)); item; item = heap.popDue(instant(now))) {
          due.push(item.deadline.at);
        }
        expect(due).toEqual([...model.values()].filter((at) => at <= now).sort((a, b) => a - b));
      }),
    );
  });
});

describe('queue', () => {
  it('keeps the order over many thousands, pushes and shifts mixed', () => {
    const fifo = new Fifo<number>();
    let next = 0;
    let expected = 0;
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 100; i++) fifo.push(next++);
      for (let i = 0; i < (round % 3) * 60; i++) {
        const before = fifo.length;
        expect(fifo.shift()).toBe(before > 0 ? expected++ : undefined);
      }
      expect(fifo.length).toBe(next - expected);
      expect(fifo.first).toBe(fifo.length === 0 ? undefined : expected);
    }
    while (fifo.length > 0) expect(fifo.shift()).toBe(expected++);
    expect(fifo.shift()).toBeUndefined();
    expect(expected).toBe(next);
  });
});
