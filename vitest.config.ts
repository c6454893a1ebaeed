import { defineConfig } from 'vitest/config';
import { patience } from './test/rigs/lab/patience.ts';

// Three projects: `unit` in parallel, then `lab` (real namespaces and peers, as root), one file after the other, then `qemu` (a
// switch that is booted; of it `make test` plays a part, `make qemu-test` all).
const QEMU_FILES = process.env.ROLLCALL_QEMU === 'all' ? '*' : 'quick';

export default defineConfig({
  test: {
    // What failed is told whole, also where only a few lines are kept.
    chaiConfig: { truncateThreshold: 1000 },
    reporters: ['default', './test/rigs/failures-last.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/qemu/**', 'node_modules/**'],
          // A watchdog, no measure: some play thousands of sessions, on machines that are busy.
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          globalSetup: ['test/rigs/lab/global-setup.ts'],
          setupFiles: ['test/rigs/lab/contract-setup.ts'],
          pool: 'forks',
          fileParallelism: false,
          // Scenarios, which mostly wait, on switches of their own.
          maxConcurrency: 6,
          testTimeout: patience(60_000),
          hookTimeout: patience(60_000),
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'qemu',
          include: [`test/qemu/${QEMU_FILES}.test.ts`],
          globalSetup: ['test/rigs/lab/global-setup.ts'],
          setupFiles: ['test/rigs/lab/contract-setup.ts'],
          pool: 'forks',
          fileParallelism: false,
          // An emulated processor (test/rigs/lab/patience.ts).
          env: { ROLLCALL_LAB_SLOWER: '2' },
          testTimeout: 300_000,
          // The image may have to be made.
          hookTimeout: 900_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
