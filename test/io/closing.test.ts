import { expect, it } from 'vitest';
import { closeAll } from '../../src/io/closing.ts';

it('waits for each that ends, no longer than its time for one that does not, and tells of that one', async () => {
  const ended: string[] = [];
  const told: string[] = [];
  const after = (name: string, ms: number) => ({
    name,
    close: () =>
      new Promise<void>((resolve) =>
        setTimeout(() => {
          ended.push(name);
          resolve();
        }, ms),
      ),
  });
  const closers = [
    { name: 'never', close: () => new Promise<void>(() => undefined) },
    {
      name: 'throws',
      close: () => {
        throw new Error('EIO');
      },
    },
    { name: 'rejects', close: () => Promise.reject(new Error('EPIPE')) },
    { name: 'at once', close: () => void ended.push('at once') },
    after('later', 20),
  ];
  const begun = performance.now();
  await closeAll(closers, 300, (message) => told.push(message));
  expect(performance.now() - begun).toBeLessThan(2_000);
  expect(ended).toEqual(['at once', 'later']);
  expect(told).toEqual([
    'throws did not end: EIO',
    'rejects did not end: EPIPE',
    'never did not end within 300 ms',
  ]);
});
