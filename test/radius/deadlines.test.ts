import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
