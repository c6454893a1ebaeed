// Somebody falls silent, or only seems to: the handshake's rule (src/liveness/handshake.ts), and timers (docs/roles.md).

import assert from 'node:assert/strict';
import type { ProbePayload } from '../../src/report/event-payloads.ts';
import { assertBetween, expectEnd, expectIn, expectOut, type SessionEnd, silentFor } from './expectations.ts';
import type { Machine, Scenario, Stage, Timing } from './stage.ts';

/** Long enough for (N + 1) * T and whatever comes after it. */
function outWithin({ periodS, times, slackMs }: Timing): number {
  return (times + 1) * periodS * 1000 + slackMs + 2_000;
}

/** What this machine was asked so far. */
function asked(stage: Stage, { mac }: Machine): readonly ProbePayload[] {
  return stage.events('handshake-probe').flatMap(({ probes }) => probes.filter((probe) => probe.mac === mac));
}

function probes(stage: Stage, machine: Machine): number {
  return asked(stage, machine).length;
}

/** Between N and N + 1 periods after the last frame, never earlier. */
function expectInTime(end: SessionEnd, { periodS, times, slackMs }: Timing): void {
  const period = periodS * 1000;
  // What the table tells of the last frame is late by 10 ms at most.
  assertBetween('silence', silentFor(end), [times * period - 20, (times + 1) * period + slackMs]);
}

const timeout: Scenario = {
  name: 'handshake-timeout: N - 1 probes, out between N and N + 1 periods after the last frame',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const { times } = stage.timing;
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    assert.equal(await stage.passes(machine), true);
    const before = probes(stage, machine);
    await stage.silence(machine);
    const end = await expectEnd(stage, session, {
      cause: 'handshake-timeout',
      withinMs: outWithin(stage.timing),
    });
    expectInTime(end, stage.timing);
    assert.equal(probes(stage, machine) - before, times - 1);
    assert.equal(end.evidence.probes_sent, times - 1);
    assert.equal(end.evidence.probes_answered, 0);
    await stage.speakAgain(machine);
    await expectOut(stage, machine);
  },
};

const arpOnly: Scenario = {
  name: 'a client that only answers ARP stays',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const { periodS } = stage.timing;
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    assert.equal(await stage.passes(machine), true);
    await stage.pass(20 * periodS * 1000);
    await expectIn(stage, machine, session);
    // Each answer keeps it for a period, and the next silent one ends with a probe again.
    assert.ok(probes(stage, machine) >= 9, `${probes(stage, machine)} probes`);
    assert.equal(await stage.passes(machine), true);
  },
};

const ipv6Only: Scenario = {
  name: 'IPv6 only: asked by neighbour solicitation; stays, and goes when it falls silent',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const { periodS, times } = stage.timing;
    const machine = stage.machine(1);
    await stage.dropIpv4(machine);
    const session = await stage.login(machine);
    assert.equal(await stage.passes(machine), true);
    await stage.pass(8 * periodS * 1000);
    await expectIn(stage, machine, session);
    const questions = asked(stage, machine);
    assert.ok(questions.length >= 3, `${questions.length} probes`);
    assert.deepEqual([...new Set(questions.map(({ probe }) => probe))], ['nd']);
    await stage.passes(machine);
    const before = probes(stage, machine);
    await stage.silence(machine);
    const end = await expectEnd(stage, session, {
      cause: 'handshake-timeout',
      withinMs: outWithin(stage.timing),
    });
    expectInTime(end, stage.timing);
    assert.equal(probes(stage, machine) - before, times - 1);
  },
};

const addressless: Scenario = {
  name: 'no address at all: lives by what it sends, is never asked, and goes when it falls silent',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const { periodS } = stage.timing;
    const machine = stage.machine(1);
    await stage.dropAddresses(machine);
    const session = await stage.login(machine);
    await stage.talk(machine, (periodS * 1000) / 2);
    await stage.pass(8 * periodS * 1000);
    await expectIn(stage, machine, session);
    await stage.talk(machine, 0);
    const end = await expectEnd(stage, session, {
      cause: 'handshake-timeout',
      withinMs: outWithin(stage.timing),
    });
    expectInTime(end, stage.timing);
    assert.equal(probes(stage, machine), 0);
  },
};

const off: Scenario = {
  name: 'T = 0: nobody is asked, nobody is cut',
  setting: () => ({ machines: 1, config: { ports: { p1: { handshake: { period_s: 0 } } } } }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.silence(machine);
    await stage.pass(10 * stage.timing.periodS * 1000);
    await expectIn(stage, machine, session);
    assert.equal(probes(stage, machine), 0);
  },
};

const once: Scenario = {
  name: 'N = 1: no probe, out after one silent period',
  setting: () => ({ machines: 1, config: { ports: { p1: { handshake: { times: 1 } } } } }),
  play: async (stage) => {
    const machine = stage.machine(1);
    // From the first period on: there is no second one.
    await stage.talk(machine, (stage.timing.periodS * 1000) / 2);
    const session = await stage.login(machine);
    await stage.pass(4 * stage.timing.periodS * 1000);
    await expectIn(stage, machine, session);
    await stage.talk(machine, 0);
    await stage.silence(machine);
    const end = await expectEnd(stage, session, {
      cause: 'handshake-timeout',
      withinMs: outWithin(stage.timing),
    });
    expectInTime(end, { ...stage.timing, times: 1 });
    assert.equal(probes(stage, machine), 0);
  },
};

const wordInTime: Scenario = {
  name: 'a word after the last probe is enough: it stays, and the count begins anew',
  // Twice as long a T: the word has to be out before the last period is over, and it takes a real machine its time.
  setting: ({ periodS }) => ({
    machines: 1,
    config: { ports: { p1: { handshake: { period_s: 2 * periodS } } } },
  }),
  play: async (stage) => {
    const timing = { ...stage.timing, periodS: 2 * stage.timing.periodS };
    const { periodS, times } = timing;
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.passes(machine);
    await stage.silence(machine);
    const before = probes(stage, machine);
    await stage.until(
      'the last probe',
      () => probes(stage, machine) - before === times - 1,
      outWithin(timing),
    );
    await stage.speakAgain(machine);
    const spoke = stage.now();
    await stage.say(machine);
    await stage.silence(machine);
    await stage.pass(spoke + times * periodS * 1000 - 500 - stage.now());
    await expectIn(stage, machine, session);
    const end = await expectEnd(stage, session, {
      cause: 'handshake-timeout',
      withinMs: outWithin(timing),
    });
    expectInTime(end, timing);
  },
};

const heartbeat: Scenario = {
  name: 'heartbeat-timeout with T = 0: asked at each third, out when nothing comes',
  setting: ({ periodS }) => ({
    machines: 1,
    config: { roles: { default: { heartbeat_s: 3 * periodS, handshake: { period_s: 0 } } } },
  }),
  play: async (stage) => {
    const beat = 3 * stage.timing.periodS * 1000;
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.passes(machine);
    await stage.pass(3 * beat);
    await expectIn(stage, machine, session);
    const before = probes(stage, machine);
    assert.ok(before >= 5, `${before} probes: an answer to each keeps it`);
    await stage.silence(machine);
    const end = await expectEnd(stage, session, { cause: 'heartbeat-timeout', withinMs: 2 * beat });
    assertBetween('silence', silentFor(end), [beat - 20, beat + stage.timing.slackMs + 1_000]);
    assert.equal(probes(stage, machine) - before, 2);
    await stage.speakAgain(machine);
    await expectOut(stage, machine);
  },
};

const idle: Scenario = {
  name: 'idle-timeout: answers to probes are no traffic of its own',
  setting: ({ periodS }) => ({ machines: 1, replies: { u1: { idleTimeoutS: 5 * periodS } } }),
  play: async (stage) => {
    const idleMs = 5 * stage.timing.periodS * 1000;
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    assert.equal(session.idle_timeout_s, idleMs / 1000);
    assert.equal(await stage.passes(machine), true);
    const last = stage.now();
    const end = await expectEnd(stage, session, { cause: 'idle-timeout', withinMs: 2 * idleMs });
    assertBetween('idle', stage.now() - last, [idleMs - 1_100, idleMs + stage.timing.slackMs + 2_000]);
    assert.ok(end.evidence.probes_answered >= 2, 'it answered all the while');
    await expectOut(stage, machine);
  },
};

export const HANDSHAKE: readonly Scenario[] = [
  timeout,
  arpOnly,
  ipv6Only,
  addressless,
  off,
  once,
  wordInTime,
  heartbeat,
  idle,
];
