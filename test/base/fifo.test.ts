import { expect, it } from 'vitest';
import { Fifo } from '../../src/base/fifo.ts';

it('keeps the order over many thousands, pushes and shifts mixed', () => {
  const fifo = new Fifo<number>();
  let next = 0;
  let expected = 0;
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 100; i++) fifo.push(next++);
    for (let i = 0; i < (round % 3) * 60; i++) {
      expect(fifo.shift()).toBe(expected < next ? expected++ : undefined);
    }
    expect(fifo.first).toBe(expected < next ? expected : undefined);
  }
  while (expected < next) expect(fifo.shift()).toBe(expected++);
  expect(fifo.shift()).toBeUndefined();
});
