import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IDS_PER_SOCKET, IdPool, identifierOf, socketOf } from '../../src/radius/id-pool.ts';

/** The same pool as a sorted list: every free slot with the moment of its release. */
class ModelPool {
  private readonly taken = new Set<number>();
  private readonly free: number[] = [];
  private opened = 0;

  constructor(private readonly maxSockets: number) {}

  acquire(): number | undefined {
    if (this.free.length === 0 && this.opened < this.maxSockets) {
      for (let id = 0; id < IDS_PER_SOCKET; id++) this.free.push(this.opened * IDS_PER_SOCKET + id);
      this.opened++;
    }
    const slot = this.free.shift();
    if (slot !== undefined) this.taken.add(slot);
    return slot;
  }

  release(slot: number): void {
    if (this.taken.delete(slot)) this.free.push(slot);
  }
}

describe('identifiers of one server', () => {
  it('behaves as the model: least recently used, never one that is taken, sockets only when needed', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ take: fc.integer({ min: 1, max: 300 }) }),
        fc.record({ giveBack: fc.integer({ min: 0, max: 3 * IDS_PER_SOCKET }), count: fc.nat({ max: 300 }) }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (script) => {
        const pool = new IdPool(3);
        const model = new ModelPool(3);
        for (const step of script) {
          if ('take' in step) {
            for (let i = 0; i < step.take; i++) {
              const slot = pool.acquire();
              expect(slot).toBe(model.acquire());
            }
          } else {
            for (let i = 0; i < step.count; i++) {
              // Also slots that are not taken, and some that do not exist: nothing may come of it.
              pool.release(step.giveBack + i);
              model.release(step.giveBack + i);
            }
          }
        }
        // What is free is the same, too.
        for (let slot = model.acquire(); slot !== undefined; slot = model.acquire())
          expect(pool.acquire()).toBe(slot);
        expect(pool.acquire()).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it('says so when every identifier of every allowed socket is taken', () => {
    const pool = new IdPool(2);
    const slots = new Set(Array.from({ length: 512 }, () => pool.acquire()));
    expect(slots.size).toBe(512);
    expect(pool.acquire()).toBeUndefined();
    expect(pool.sockets).toBe(2);
    pool.release(300);
    expect(pool.acquire()).toBe(300);
  });

  it('a slot is a socket and an identifier', () => {
    expect([socketOf(0x2ff), identifierOf(0x2ff)]).toEqual([2, 0xff]);
  });
});
