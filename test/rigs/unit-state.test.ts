// Whether the agent in the booted switch has ended, by the words of its service manager.

import { expect, it } from 'vitest';
import { endOf, STARTED_AGAIN } from './qemu/unit-state.ts';

const shown = (active: string, sub: string, restarts: number, status: number): string =>
  `ActiveState=${active}\nSubState=${sub}\nNRestarts=${restarts}\nExecMainStatus=${status}\n`;

it.each([
  ['runs', shown('active', 'running', 0, 0), null],
  ['is starting', shown('activating', 'start', 0, 0), null],
  ['has drained', shown('inactive', 'dead', 0, 0), 0],
  ['has failed for good', shown('failed', 'failed', 0, 78), 78],
  ['was killed, and waits to be started again', shown('activating', 'auto-restart', 0, 9), 9],
  ['runs again', shown('active', 'running', 1, 0), STARTED_AGAIN],
  ['starts again', shown('activating', 'start', 1, 0), STARTED_AGAIN],
])('one that %s', (_, words, ended) => expect(endOf(words, 0)).toBe(ended));

it('one that we have killed runs again; one more is its own', () => {
  expect(endOf(shown('active', 'running', 1, 0), 1)).toBe(null);
  expect(endOf(shown('active', 'running', 2, 0), 1)).toBe(STARTED_AGAIN);
});
