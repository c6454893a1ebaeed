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

it('lets go of what is to go, wherever it stands, and keeps the order of the others', () => {
  const fifo = new Fifo<number>();
  for (let i = 0; i < 10; i++) fifo.push(i);
  fifo.shift();
  fifo.drop((i) => i % 3 === 1);
  expect(Array.from({ length: 7 }, () => fifo.shift())).toEqual([2, 3, 5, 6, 8, 9, undefined]);
});
