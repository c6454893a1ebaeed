// What an accounting server heard, judged: of each session one Start and one Stop.
//
// A record whose answer was lost is sent again, as RFC 5080 §2.2.1 wants it: with another Identifier and a larger
// Acct-Delay-Time, and with everything else as it was. So records are the same if their content but for the delay is,
// Event-Timestamp included; two Stops of a session that differ in anything else are two Stops.

import type { AccountingRow } from '../scenarios/stage.ts';

/** By session, in the order of arrival. */
export function bySession(rows: readonly AccountingRow[]): ReadonlyMap<string, readonly AccountingRow[]> {
  const sessions = new Map<string, AccountingRow[]>();
  for (const row of rows) {
    if (row.status === 'Accounting-On' || row.status === 'Accounting-Off') continue;
    const known = sessions.get(row.sessionId);
    if (known === undefined) sessions.set(row.sessionId, [row]);
    else known.push(row);
  }
  return sessions;
}

/** The records of one kind that differ in more than their delay. */
export function distinct(
  rows: readonly AccountingRow[],
  status: AccountingRow['status'],
): readonly AccountingRow[] {
  return withoutRepeats(rows).filter((row) => row.status === status);
}

/** Where each was heard first: what no acknowledgement came for in time is sent again, and says the same. */
export function withoutRepeats(rows: readonly AccountingRow[]): readonly AccountingRow[] {
  const found = new Map<string, AccountingRow>();
  for (const row of rows) {
    const { status, sessionId, userName, eventS, sessionTimeS, terminateCause } = row;
    found.set(JSON.stringify([status, sessionId, userName, eventS, sessionTimeS, terminateCause]), row);
  }
  return [...found.values()];
}

/** Of each session one Start and one Stop, whatever else they say: for plays in which the wall clock is stepped. */
export function judgeCounts(rows: readonly AccountingRow[]): readonly string[] {
  return [...bySession(rows)].flatMap(([id, ofSession]) => {
    const starts = distinct(ofSession, 'Start').length;
    const stops = distinct(ofSession, 'Stop').length;
    return starts === 1 && stops === 1 ? [] : [`session ${id} has ${starts} Starts and ${stops} Stops`];
  });
}

/** What is wrong, a sentence each. */
export function judge(rows: readonly AccountingRow[]): readonly string[] {
  return [...bySession(rows)].flatMap(([id, ofSession]) =>
    judgeSession(ofSession).map((what) => `session ${id} ${what}`),
  );
}

function judgeSession(rows: readonly AccountingRow[]): readonly string[] {
  const starts = distinct(rows, 'Start');
  const stops = distinct(rows, 'Stop');
  const [start] = starts;
  const [stop] = stops;
  if (start === undefined || stop === undefined || starts.length > 1 || stops.length > 1)
    return [`has ${starts.length} Starts and ${stops.length} Stops: ${JSON.stringify(rows)}`];
  const broken: string[] = [];
  const lasted = stop.eventS - start.eventS;
  if (Math.abs(lasted - (stop.sessionTimeS ?? Number.NaN)) > 1 || lasted < 0)
    broken.push(`lasted ${lasted} s by its times, and ${stop.sessionTimeS} s by its Stop`);
  const kinds = rows.map(({ status }) => status);
  if (kinds.indexOf('Stop') < kinds.indexOf('Start')) broken.push(`was stopped first: ${kinds.join(' ')}`);
  return broken;
}
