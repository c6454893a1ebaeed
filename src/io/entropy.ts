// The system's randomness, drawn by the block: sixteen octets at a time cost forty times what a slice of a block does.

import { randomFillSync } from 'node:crypto';
import type { Entropy } from '../base/entropy.ts';

const BLOCK = 4096;

export function systemEntropy(): Entropy {
  const block = new Uint8Array(BLOCK);
  let at = BLOCK;
  return {
    bytes: (count) => {
      if (count > BLOCK) return randomFillSync(new Uint8Array(count));
      if (at + count > BLOCK) {
        randomFillSync(block);
        at = 0;
      }
      const octets = block.slice(at, at + count);
      // What was handed out is nobody else's to read again.
      block.fill(0, at, at + count);
      at += count;
      return octets;
    },
    fraction: () => Math.random(),
  };
}
