import { expect, it } from 'vitest';
import type { Result } from '../../src/base/result.ts';
import { nft } from '../../src/io/dataplane/nft.ts';

it('a program that cannot even be begun is told of as any failure: once, and later', async () => {
  const told: Result<string, string>[] = [];
  // Node throws for this at once, as it does where there is no memory for another process.
  const over = new Promise<void>((resolve) => {
    nft(['\0'], '', (result) => {
      told.push(result);
      resolve();
    });
  });
  expect(told).toEqual([]);
  await over;
  expect(told).toMatchObject([{ ok: false, error: expect.stringMatching(/^nft: ./) }]);
});
