// What every end of a session must show, seen from outside: the table, the wire, the accounting server, the broker.

import assert from 'node:assert/strict';
import { AcctTerminateCause, END_CAUSES, type EndCause } from '../../src/model/cause.ts';
import { withoutRepeats } from '../rigs/accounting-judge.ts';
import type { EventOf, Machine, PortSession, Stage } from './stage.ts';

export type SessionEnd = EventOf<'session-end'>;

export interface ExpectedEnd {
  readonly cause: EndCause;
  readonly withinMs: number;
  /** The same MAC has a session again already, so its topic and its entry stay. */
  readonly goesOn?: boolean;
  /** False: the entry could not be removed at first. */
  readonly verified?: boolean;
}

/** Of the session: one end, with this cause, the same in MQTT and RADIUS; and nothing of it is left. */
export async function expectEnd(
  stage: Stage,
  session: PortSession,
  expected: ExpectedEnd,
): Promise<SessionEnd> {
  const { cause, withinMs, goesOn = false, verified = true } = expected;
  const ended = (): readonly SessionEnd[] =>
    stage.events('session-end').filter(({ session_id }) => session_id === session.session_id);
  const end = await stage.until(`session-end of ${session.user_name}`, () => ended()[0], withinMs);
  assert.equal(end.cause, cause);
  assert.equal(end.acct_terminate_cause, AcctTerminateCause[END_CAUSES[cause]]);
  assert.equal(end.relock.verified, verified);
  const stop = await stage.until(
    'the Stop',
    async () =>
      (await stage.accounting()).find(
        ({ status, sessionId }) => status === 'Stop' && sessionId === session.session_id,
      ),
    15_000,
  );
  assert.equal(stop.terminateCause, end.acct_terminate_cause);
  assert.equal(stop.sessionTimeS, end.session_time_s);
  assert.equal(stop.userName, session.user_name);
  if (!goesOn) {
    assert.equal(await stage.retained(session.mac), undefined, 'the retained session is cleared');
    if (verified) assert.equal(await stage.isGranted(session.mac, session.port), false, 'the grant is gone');
  }
  assert.equal(ended().length, 1, 'one session-end');
  await expectRecords(stage, session, ['Start', 'Stop']);
  return end;
}

/** These records and no others, in this order, however often one was sent. A record that was sent a moment ago may still be on its way. */
export async function expectRecords(
  stage: Stage,
  { session_id }: PortSession,
  statuses: readonly string[],
): Promise<void> {
  const written = async (): Promise<readonly string[]> =>
    withoutRepeats(await stage.accounting())
      .filter(({ sessionId }) => sessionId === session_id)
      .map(({ status }) => status);
  const rows = async (): Promise<boolean> => (await written()).length >= statuses.length;
  await stage.until(`${statuses.join(', ')} of ${session_id}`, rows, 2_000);
  assert.deepEqual(await written(), statuses);
}

/** In, and through. Its address is known from now on, so it is asked when nothing is heard of it, and answers. */
export async function enter(stage: Stage, machine: Machine): Promise<PortSession> {
  const session = await stage.login(machine);
  assert.equal(await stage.passes(machine), true, `${machine.port} is open`);
  return session;
}

/** Nothing of this machine gets through, and there is no entry of it. */
export async function expectOut(stage: Stage, machine: Machine): Promise<void> {
  await stage.killSupplicant(machine);
  assert.equal(await stage.passes(machine), false, `${machine.port} is shut`);
  assert.equal(await stage.entries(machine.mac), 0, `no entry of ${machine.mac}`);
}

/** The session goes on as it was: no end, no second start, its frames get through. */
export async function expectIn(stage: Stage, machine: Machine, session: PortSession): Promise<void> {
  const retained = await stage.retained(machine.mac);
  assert.equal(retained?.session_id, session.session_id, 'the same session is published');
  assert.equal(await stage.isGranted(machine.mac, session.port), true, 'the grant stands');
  const ends = stage.events('session-end').filter(({ session_id }) => session_id === session.session_id);
  assert.deepEqual(ends, [], 'no session-end');
  await expectRecords(stage, session, ['Start']);
}

/** In seconds: how long the session lasted by its own account. */
export function lasted(end: SessionEnd): number {
  return (Date.parse(end.decided) - Date.parse(end.started)) / 1000;
}

/** In milliseconds: from the last sign of life to the decision. */
export function silentFor(end: SessionEnd): number {
  return Date.parse(end.decided) - Date.parse(end.evidence.last_seen);
}

export function assertBetween(what: string, value: number, range: readonly [number, number]): void {
  assert.ok(
    value >= range[0] && value <= range[1],
    `${what}: ${value} is not within ${range[0]} to ${range[1]}`,
  );
}

/** Of the table, the wire and the decisions: why somebody is where it is. */
export async function decisions(stage: Stage, mac: string): Promise<readonly string[]> {
  const story = (await stage.ask('explain', { mac })) as { readonly decisions: readonly { what: string }[] };
  return story.decisions.map(({ what }) => what);
}
