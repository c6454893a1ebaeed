// What came of a run, for people.

import type { Run } from './run.ts';
import type { Verdict } from './verdict.ts';

interface Asked {
  readonly seed: number;
  readonly minutes: number;
  readonly clients: number;
}

/** So many of each kind of breach are told in full. */
const TOLD = 20;

export function isGood(run: Run, verdict: Verdict): boolean {
  return breachesOf(run, verdict).every(({ found }) => found.length === 0);
}

export function breachesOf(
  run: Run,
  verdict: Verdict,
): readonly { readonly what: string; readonly found: readonly string[] }[] {
  return [
    { what: 'false logouts', found: verdict.falseLogouts },
    { what: 'missed logouts', found: verdict.missedLogouts },
    { what: 'accounting records lost', found: verdict.lostRecords },
    { what: 'accounting records doubled', found: verdict.doubledRecords },
    { what: 'events lost, or out of order', found: verdict.lostEvents },
    { what: 'frames that passed without a grant', found: verdict.trespasses },
    {
      what: 'invariants broken at the end',
      found: brokenAtTheEnd(run, verdict),
    },
    { what: 'agents that ended by themselves', found: run.deaths },
    { what: 'mishaps of the rig', found: run.mishaps },
  ];
}

/** But of records that are counted apart. A line each, after the first; one that is alone says why nothing could be asked. */
function brokenAtTheEnd({ invariants }: Run, { unwritten }: Verdict): readonly string[] {
  const [first = '', ...lines] = invariants.split('\n');
  if (lines.length === 0) return first === '' ? [] : [first];
  const apart = unwritten.flatMap((what) => what.split(' ').slice(1, 2));
  return lines.filter((line) => !(line.startsWith('records: ') && apart.some((id) => line.includes(id))));
}

export function tableOf(run: Run, verdict: Verdict, { seed, minutes, clients }: Asked): string {
  const { evidence, faults } = run;
  const survived = [...faults.values()].reduce((sum, count) => sum + count, 0);
  const records = evidence.rows.filter(({ status }) => status === 'Start' || status === 'Stop').length;
  const sorted = [...verdict.vanishedMs].sort((a, b) => a - b);
  const at = (share: number): string =>
    ((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) / 1000).toFixed(1);
  const rows: readonly (readonly [string, string])[] = [
    ['seed', `${seed}`],
    ['minutes', `${minutes}`],
    ['clients', `${clients}`],
    ['faults survived', `${survived} of ${faults.size} kinds`],
    ['stays', `${evidence.stays.length}`],
    ['sessions', `${evidence.sessions.length}`],
    ['accounting records heard', `${records}`],
    ['frames of strangers', `${run.strangersFrames}`],
    ['frames that passed', `${evidence.passed.length}`],
    [`silence to logout, undisturbed (${sorted.length}): median, longest`, `${at(0.5)} s, ${at(1)} s`],
    [
      'frames through a port that had just joined, before its lock: how many, the latest',
      `${verdict.beforeLockMs.length}, ${Math.round(Math.max(0, ...verdict.beforeLockMs))} ms`,
    ],
    ['frames of users whom an agent let in that was killed before it could tell', `${verdict.untold.length}`],
    ['put out in silence before any address of theirs was known', `${verdict.unaddressed.length}`],
    ['sessions that a kill met before anything of them was on disk', `${verdict.forgotten.length}`],
    [
      'records lost or doubled of sessions that began or ended while no disk took anything',
      `${verdict.unwritten.length}`,
    ],
    ...breachesOf(run, verdict).map(({ what, found }): readonly [string, string] => [
      `${what} (goal 0)`,
      `${found.length}`,
    ]),
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  const kinds = [...faults].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => `${name} ${count}`);
  const told = breachesOf(run, verdict).flatMap(({ what, found }) =>
    found.slice(0, TOLD).map((each) => `${what}: ${each}`),
  );
  return [
    ...rows.map(([what, value]) => `${what.padEnd(width)}  ${value}`),
    `faults: ${kinds.join(', ')}`,
    ...told,
  ].join('\n');
}
