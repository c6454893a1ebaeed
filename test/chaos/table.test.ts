// What is wrong at the end of a run of chaos is told, whatever form it has.

import { expect, it } from 'vitest';
import type { Run } from './run.ts';
import { breachesOf } from './table.ts';
import type { Verdict } from './verdict.ts';

const NOTHING: Verdict = {
  falseLogouts: [],
  unaddressed: [],
  missedLogouts: [],
  lostRecords: [],
  forgotten: [],
  unwritten: ['session s1 has no Stop'],
  doubledRecords: [],
  lostEvents: [],
  trespasses: [],
  untold: [],
  beforeLockMs: [],
  vanishedMs: [],
};

const broken = (invariants: string): readonly string[] =>
  breachesOf({ invariants, deaths: [], mishaps: [] } as unknown as Run, NOTHING).flatMap(
    ({ found }) => found,
  );

it('of what is broken each line is told, but of records that are counted apart', () => {
  expect(broken('')).toEqual([]);
  const grant = 'grants: m1 on p1, VLAN 0 is granted, and nobody has a session for it';
  const record = 'records: session s1 has 1 Starts and 0 Stops';
  const published = 'retained: published is {"session_id":"s1"}, and it is {"session_id":"s2"}';
  expect(broken(`invariants at the end:\n${grant}\n${record}\n${published}`)).toEqual([grant, published]);
});

it('that nothing could be asked is told', () => {
  expect(broken('no answer')).toEqual(['no answer']);
});
