// Things go wrong: servers, the table, the broker, the agent itself. Nobody is forgotten, nothing is told twice.

import assert from 'node:assert/strict';
import {
  assertBetween,
  decisions,
  enter,
  expectEnd,
  expectIn,
  expectOut,
  expectRecords,
  silentFor,
} from './expectations.ts';
import type { FaultStage, Machine, PortSession, Scenario, Stage } from './stage.ts';

const SOON_MS = 15_000;
const STRANGER = '02:66:00:00:00:01';

async function loginAll(
  stage: Stage,
  count: number,
): Promise<{ readonly machines: readonly Machine[]; readonly sessions: readonly PortSession[] }> {
  const machines = Array.from({ length: count }, (_, i) => stage.machine(i + 1));
  const sessions: PortSession[] = [];
  for (const machine of machines) sessions.push(await enter(stage, machine));
  return { machines, sessions };
}

const serverSilent: Scenario = {
  name: 'no server answers a reauthentication: the session stays',
  setting: () => ({ machines: 1, config: { dot1x: { server_timeout_s: 3 } } }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await expectRecords(stage, session, ['Start']);
    await stage.serverSilent(true);
    await stage.ask('reauthenticate', { user: 'u1' });
    await stage.until(
      'the attempt to be given up',
      async () => (await decisions(stage, machine.mac)).includes('no-server'),
      40_000,
    );
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
    await stage.serverSilent(false);
    await stage.pass(2_000);
    await expectIn(stage, machine, session);
  },
};

const dark: Scenario<FaultStage> = {
  name: 'accounting dark for minutes: each Stop once, with the delay that it had',
  setting: () => ({ machines: 3 }),
  play: async (stage) => {
    const { machines, sessions } = await loginAll(stage, 3);
    stage.accountingDark(true);
    const began = stage.now();
    for (const machine of machines) await stage.logoff(machine);
    await stage.until('three ends', () => stage.events('session-end').length === 3, SOON_MS);
    for (const machine of machines) await expectOut(stage, machine);
    await stage.pass(240_000);
    const stops = async () => (await stage.accounting()).filter(({ status }) => status === 'Stop');
    assert.equal((await stops()).length, 0);
    stage.accountingDark(false);
    await stage.until('the Stops', async () => (await stops()).length === 3, 120_000);
    const waited = (stage.now() - began) / 1000;
    await stage.pass(120_000);
    const rows = await stops();
    assert.deepEqual(
      rows.map(({ sessionId }) => sessionId).sort(),
      sessions.map(({ session_id }) => session_id).sort(),
    );
    for (const { delayS } of rows) assertBetween('Acct-Delay-Time', delayS, [239, Math.ceil(waited)]);
  },
};

const nasError: Scenario<FaultStage> = {
  name: 'nas-error: a grant that was lost and cannot be written again ends its session',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    stage.failGrants(1);
    await stage.deleteGrant(machine.mac, machine.port);
    await expectEnd(stage, session, { cause: 'nas-error', withinMs: SOON_MS });
    await expectOut(stage, machine);
  },
};

const grantFails: Scenario<FaultStage> = {
  name: 'a grant that cannot be written: no session, EAP-Failure, shut',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    stage.failGrants(1);
    await stage.attempt(machine, { user: 'u1', password: 'wonder' });
    assert.equal(stage.events('session-start').length, 0);
    assert.equal(stage.events('auth-failed')[0]?.reason, 'grant-failed');
    await expectOut(stage, machine);
  },
};

const relockFails: Scenario<FaultStage> = {
  name: 'a relock that fails three times: an alarm, the Stop is not withheld, retried until done',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    stage.failRevokes(3);
    await stage.logoff(machine);
    const logoffAt = stage.now();
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS, verified: false });
    assert.ok(stage.now() - logoffAt < 1_000, 'told before the first retry');
    const codes = (): readonly string[] => stage.events('warning').map(({ code }) => code);
    assert.ok(codes().includes('relock-failed'));
    await stage.until('the recovery', () => codes().includes('relock-recovered'), 20_000);
    assertBetween('1 + 2 + 4 s', stage.now() - logoffAt, [7_000, 7_500]);
    await expectOut(stage, machine);
    assert.equal(stage.events('session-end').length, 1);
  },
};

const rewritten: Scenario = {
  name: 'a grant that somebody deletes is written again, and the session goes on',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.deleteGrant(machine.mac, machine.port);
    await stage.until('the grant', () => stage.isGranted(machine.mac, 'p1'), 2_000);
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
  },
};

const rewrittenWhileSilent: Scenario = {
  name: 'a grant that is written again is no sign of life: its silent client is out in time',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const { periodS, times, slackMs } = stage.timing;
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.silence(machine);
    await stage.pass(1.5 * periodS * 1000);
    await stage.deleteGrant(machine.mac, 'p1');
    await stage.until('the grant', () => stage.isGranted(machine.mac, 'p1'), 2_000);
    const latest = (times + 1) * periodS * 1000 + slackMs;
    const end = await expectEnd(stage, session, { cause: 'handshake-timeout', withinMs: latest });
    assertBetween('silence', silentFor(end), [times * periodS * 1000 - 20, latest]);
  },
};

const returns: Scenario<FaultStage> = {
  name: 'a client that let a probe go unanswered comes back: known at once, not at the next sweep',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const { periodS } = stage.timing;
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.silence(machine);
    const asked = (): number => stage.events('handshake-probe').length;
    await stage.until('two probes', () => asked() === 2, 4 * periodS * 1000);
    // The probe itself is not heard any more.
    await stage.pass(50);
    await stage.speakAgain(machine);
    await stage.say(machine);
    await stage.pass(50);
    const told = (await stage.ask('session', { mac: machine.mac })) as { readonly session: PortSession };
    assert.equal(told.session.last_seen_by, 'activity');
    await expectIn(stage, machine, session);
  },
};

/** An open entry is found by the kernel's notice or by the sweep, whichever is sooner; a grant by the sweep. */
const FOREIGN_CODES: readonly string[] = ['foreign-entry', 'open-entry'];

const foreign: Scenario = {
  name: 'a foreign grant and an open entry are found, removed, and warned of',
  setting: () => ({ machines: 2 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    const warned = (): number =>
      stage.events('warning').filter(({ code, mac }) => FOREIGN_CODES.includes(code) && mac === STRANGER)
        .length;
    await stage.writeForeignGrant(STRANGER, 'p2');
    await stage.until('its removal', async () => (await stage.entries(STRANGER)) === 0, 5_000);
    await stage.until('a warning', () => warned() === 1, 1_000);
    await stage.learnOpenEntry(STRANGER, 'p2');
    await stage.until('its removal', async () => (await stage.entries(STRANGER)) === 0, 5_000);
    await stage.until('another warning', () => warned() > 1, 1_000);
    await expectIn(stage, machine, session);
  },
};

const massLoss: Scenario = {
  name: 'mass loss: nobody is cut in the first round, who speaks stays, the rest is cut after one more',
  // Real machines are not silenced in one moment. So that it is one to the guard, T is twice as long, and those who answered a
  // probe meanwhile may be some.
  setting: ({ periodS }) => ({
    machines: 10,
    config: { roles: { default: { handshake: { period_s: 2 * periodS } } }, guard: { minimum: 5 } },
  }),
  play: async (stage) => {
    const { periodS, times } = stage.timing;
    const round = 2 * times * periodS * 1000;
    const { machines, sessions } = await loginAll(stage, 10);
    await Promise.all(machines.map((machine) => stage.silence(machine)));
    await stage.until('the guard', () => stage.events('guard')[0]?.state === 'raised', 2 * round);
    await stage.pass(2_000);
    assert.equal(stage.events('session-end').length, 0, 'nobody is cut at once');
    const survivor = machines[0] as Machine;
    await stage.speakAgain(survivor);
    await stage.until('nine ends', () => stage.events('session-end').length === 9, 3 * round);
    for (const session of sessions.slice(1))
      await expectEnd(stage, session, { cause: 'handshake-timeout', withinMs: 1_000 });
    await expectIn(stage, survivor, sessions[0] as PortSession);
    assert.equal(await stage.passes(survivor), true);
    await stage.until(
      'the all-clear',
      () => stage.events('guard').some(({ state }) => state === 'cleared'),
      4 * round,
    );
  },
};

const stalled: Scenario = {
  name: 'the agent stood still for longer than T: it says so, and nobody who is there is cut',
  setting: () => ({ machines: 3 }),
  play: async (stage) => {
    const { periodS, times } = stage.timing;
    const { machines, sessions } = await loginAll(stage, 3);
    await stage.stall(4 * times * periodS * 1000);
    await stage.pass(2 * times * periodS * 1000);
    for (const [i, machine] of machines.entries()) await expectIn(stage, machine, sessions[i] as PortSession);
    assert.equal(stage.events('guard')[0]?.reason, 'agent-stalled');
  },
};

const dumpsFail: Scenario<FaultStage> = {
  name: 'the table cannot be read for a while: nobody is judged until it can',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const { periodS, times } = stage.timing;
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.passes(machine);
    await stage.silence(machine);
    stage.failDumps(90);
    await stage.pass((times + 2) * periodS * 1000);
    await expectIn(stage, machine, session);
    await expectEnd(stage, session, { cause: 'handshake-timeout', withinMs: 6 * periodS * 1000 });
  },
};

const brokerAway: Scenario = {
  name: 'broker away and back: events in order without gaps, retained state as it is now',
  setting: () => ({ machines: 2 }),
  play: async (stage) => {
    const { machines, sessions } = await loginAll(stage, 2);
    await stage.brokerAway(true);
    const before = stage.allEvents().length;
    await stage.logoff(machines[0] as Machine);
    await stage.pass(5_000);
    assert.equal(stage.allEvents().length, before, 'nothing is heard meanwhile');
    await stage.brokerAway(false);
    const [gone, stays] = sessions as [PortSession, PortSession];
    await expectEnd(stage, gone, { cause: 'supplicant-logoff', withinMs: 5_000 });
    await expectIn(stage, machines[1] as Machine, stays);
    // QoS 1: what was on the wire when the broker went may come twice.
    const seqs = [...new Set(stage.allEvents().map(({ seq }) => seq))];
    assert.deepEqual(
      seqs,
      seqs.map((_, i) => i + 1),
    );
    assert.ok(stage.allEvents().every(({ dropped }) => dropped === undefined));
  },
};

const tooManyEvents: Scenario<FaultStage> = {
  name: 'more events than are kept while the broker is away: the first one after the hole says how many are missing',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await stage.brokerAway(true);
    const before = stage.allEvents().at(-1)?.seq ?? 0;
    for (let i = 0; i < 5_100; i++) {
      await stage.unplug(machine);
      await stage.plug(machine);
      // So that it does not flap, of which not every change would be told.
      await stage.pass(2_500);
    }
    await stage.brokerAway(false);
    const late = stage.allEvents().filter(({ seq }) => seq > before);
    const [first, ...rest] = late;
    assert.ok(first?.dropped !== undefined);
    assert.equal(first.seq, before + first.dropped + 1, 'the hole is as long as it says');
    assert.ok(rest.every(({ dropped, seq }, i) => dropped === undefined && seq === first.seq + i + 1));
  },
};

export const FAULTS: readonly Scenario[] = [
  serverSilent,
  rewritten,
  rewrittenWhileSilent,
  foreign,
  massLoss,
  brokerAway,
  stalled,
];

export const FAULTS_SIMULATED: readonly Scenario<FaultStage>[] = [
  // Six minutes; test/lab/radius.test.ts has a darkness of seconds.
  dark,
  // No kernel refuses a write or a dump to order.
  nasError,
  grantFails,
  relockFails,
  // The kernel gives a notice of return only after its ageing time, which is minutes.
  returns,
  dumpsFail,
  // Ten thousand changes of a link.
  tooManyEvents,
];
