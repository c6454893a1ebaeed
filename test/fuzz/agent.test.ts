// The whole pure agent under random events and time (acts.ts), and the invariants after each. A short run, the same each time;
// `make fuzz` plays longer and otherwise. A failure tells the fewest acts that lead to it, and how to play it again.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { play, plays } from './play.ts';

const SEED = 20_261_126;
const RUNS = 35;
const ACTS = 200;

/** What the plays must have come to, or they have shown nothing. */
const WAYS_IN = ['dot1x', 'mab', 'web', 'portal', 'sso'];
const WAYS_OUT = [
  ...['admin-reset', 'authorization-changed', 'drain', 'force-unauthorized', 'handshake-timeout'],
  ...[
    'heartbeat-timeout',
    'idle-timeout',
    'moved',

    'port-disabled',
    'port-down',
    'port-reinit',
  ],
  ...['port-removed', 'radius-disconnect', 'session-timeout', 'sso-stop', 'supplicant-logoff'],
];

it(`${RUNS} plays of up to ${ACTS} acts in the town`, { timeout: 150_000 }, () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(plays(ACTS), (each) => play(each, seen)),
    { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: 120_000 },
  );
  const wanted = [...WAYS_IN.map((way) => `by ${way}`), ...WAYS_OUT];
  expect(wanted.filter((what) => !seen.has(what))).toEqual([]);
});
