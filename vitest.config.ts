import { defineConfig } from 'vitest/config';
import { patience } from './test/rigs/lab/patience.ts';

// Rights of files are judged in places, whatever whoever runs this has set.
process.umask(0o022);

// Three projects, one after the other: `unit`; the lab (real namespaces and peers, as root); `qemu` (a switch that is booted; of it
// `make test` plays a part, `make qemu-test` all). The lab's are two, `lab` and `lab-pairs`: --project 'lab*' is both.
const QEMU_FILES = process.env.ROLLCALL_QEMU === 'all' ? '*' : 'quick';

/**
 * Files of the lab that mostly wait, and judge nothing in milliseconds: two of them are played at a time. All others are played alone,
 * since they measure, flood, or make the machine short of something.
 */
const PAIRS = ['cli', 'methods', 'secrets', 'servers', 'sso'].map((name) => `test/lab/${name}.test.ts`);

const LAB = {
  globalSetup: ['test/rigs/lab/global-setup.ts'],
  setupFiles: ['test/rigs/lab/contract-setup.ts'],
  pool: 'forks',
} as const;

const LAB_PATIENCE = { testTimeout: patience(60_000), hookTimeout: patience(60_000) };

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
          // By itself vitest leaves one core idle: of two, half.
          maxWorkers: '100%',
          // A watchdog, no measure: some play thousands of sessions, on machines that are busy.
          testTimeout: 30_000,
          // Of some files that make the native library first: nothing to do, mostly, but on a busy machine that takes seconds, too.
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...LAB,
          ...LAB_PATIENCE,
          name: 'lab-pairs',
          include: PAIRS,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...LAB,
          ...LAB_PATIENCE,
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: PAIRS,
          fileParallelism: false,
          // Scenarios, which mostly wait, on switches of their own.
          maxConcurrency: 6,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...LAB,
          name: 'qemu',
          include: [`test/qemu/${QEMU_FILES}.test.ts`],
          fileParallelism: false,
          // An emulated processor (test/rigs/lab/patience.ts).
          env: { ROLLCALL_LAB_SLOWER: '2' },
          testTimeout: 300_000,
          // The image may have to be made.
          hookTimeout: 900_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
