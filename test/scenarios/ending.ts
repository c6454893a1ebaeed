// Somebody is put out: by a timer, an administrator, the port, or the agent's own end.

import assert from 'node:assert/strict';
import { assertBetween, enter, expectEnd, expectIn, expectOut, lasted } from './expectations.ts';
import { accepted } from './leaving.ts';
import type { Machine, Scenario } from './stage.ts';

const SOON_MS = 15_000;
const DELAY_S = 5;
/** N, where the handshake is not to be sooner than what the scenario is about, however short T is. */
const PATIENT = 10;

const sessionTimeout: Scenario = {
  name: 'session-timeout with Termination-Action 0: out at its end, however busy',
  setting: ({ periodS }) => ({
    machines: 1,
    replies: { u1: { sessionTimeoutS: 4 * periodS, terminationAction: 0 } },
  }),
  play: async (stage) => {
    const timeoutMs = 4 * stage.timing.periodS * 1000;
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    assert.equal(session.session_timeout_s, timeoutMs / 1000);
    await stage.talk(machine, 500);
    const end = await expectEnd(stage, session, { cause: 'session-timeout', withinMs: timeoutMs + 3_000 });
    assertBetween('session', lasted(end) * 1000, [timeoutMs, timeoutMs + stage.timing.slackMs]);
    await expectOut(stage, machine);
  },
};

const sessionTimeoutReauth: Scenario = {
  name: 'session-timeout with Termination-Action 1: reauthenticated without interruption, again and again',
  setting: ({ periodS }) => ({
    machines: 1,
    replies: { u1: { sessionTimeoutS: 3 * periodS, terminationAction: 1 } },
  }),
  play: async (stage) => {
    const timeoutMs = 3 * stage.timing.periodS * 1000;
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.until('the third Accept', () => accepted(stage, machine.mac, 3), 3 * timeoutMs);
    await stage.pass(1_000);
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
  },
};

const roleTimer: Scenario = {
  name: "the role's session timer ends a session for which the server says nothing",
  setting: ({ periodS }) => ({
    machines: 1,
    config: { roles: { default: { session_s: 2 * periodS } } },
  }),
  play: async (stage) => {
    // Shorter than the silence that would end it.
    const timeoutMs = 2 * stage.timing.periodS * 1000;
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    const end = await expectEnd(stage, session, { cause: 'session-timeout', withinMs: timeoutMs + 3_000 });
    assertBetween('session', lasted(end) * 1000, [timeoutMs, timeoutMs + stage.timing.slackMs]);
  },
};

const adminReset: Scenario = {
  name: 'admin-reset by MAC, address, session id, user, port, and all',
  setting: () => ({ machines: 6 }),
  play: async (stage) => {
    const machines = [1, 2, 3, 4, 5, 6].map((n) => stage.machine(n));
    const sessions = [];
    for (const machine of machines) sessions.push(await enter(stage, machine));
    const address = await stage.until(
      'its address',
      async () => (await stage.retained(stage.machine(2).mac))?.ipv4 ?? undefined,
      5_000,
    );
    const selectors: readonly object[] = [
      { mac: machines[0]?.mac.toUpperCase().replaceAll(':', '-') },
      { ip: address },
      { session_id: sessions[2]?.session_id },
      { user: 'u4' },
      { port: 'p5' },
      { all: true },
    ];
    for (const [i, selector] of selectors.entries()) {
      const [machine, session] = [machines[i] as Machine, sessions[i]];
      assert.ok(session);
      const result = (await stage.ask('disconnect', selector)) as { readonly disconnected: number };
      assert.equal(result.disconnected, 1, JSON.stringify(selector));
      await expectEnd(stage, session, { cause: 'admin-reset', withinMs: SOON_MS });
      await expectOut(stage, machine);
      for (let j = i + 1; j < machines.length; j++) {
        const other = sessions[j];
        assert.ok(other);
        await expectIn(stage, machines[j] as Machine, other);
      }
    }
  },
};

const forceUnauthorized: Scenario = {
  name: 'force-unauthorized: everybody on the port is out, and nobody gets in until it is auto again',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.ask('port', { port: 'p1', control: 'force-unauthorized' });
    await expectEnd(stage, session, { cause: 'force-unauthorized', withinMs: SOON_MS });
    await expectOut(stage, machine);
    await stage.ask('port', { port: 'p1', control: 'auto' });
    const next = await stage.login(machine);
    await expectIn(stage, machine, next);
    assert.equal(await stage.passes(machine), true);
  },
};

const portDown: Scenario = {
  name: 'port-down without delay: out with the link',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.unplug(machine);
    await expectEnd(stage, session, { cause: 'port-down', withinMs: SOON_MS });
    await stage.killSupplicant(machine);
    await stage.plug(machine);
    await expectOut(stage, machine);
  },
};

const portDownDelayed: Scenario = {
  name: 'port-down with a delay: a link that is back in time keeps the session, a later one does not',
  setting: () => ({
    machines: 1,
    config: { ports: { p1: { link_down_delay_s: DELAY_S, handshake: { times: PATIENT } } } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.unplug(machine);
    await stage.pass((DELAY_S - 2) * 1000);
    await stage.plug(machine);
    await stage.pass((DELAY_S + 1) * 1000);
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
    const unplugged = stage.now();
    await stage.unplug(machine);
    await expectEnd(stage, session, { cause: 'port-down', withinMs: SOON_MS });
    assert.ok(stage.now() - unplugged >= DELAY_S * 1000, 'not before the delay is over');
    await stage.killSupplicant(machine);
    await stage.plug(machine);
    await expectOut(stage, machine);
  },
};

const portDisabled: Scenario = {
  name: 'port-disabled: administratively down ends the session at once, delay or not; up again, a login works',
  setting: () => ({ machines: 1, config: { ports: { p1: { link_down_delay_s: DELAY_S } } } }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.setPort('p1', 'down');
    await expectEnd(stage, session, { cause: 'port-disabled', withinMs: SOON_MS });
    await stage.killSupplicant(machine);
    await stage.setPort('p1', 'up');
    await expectOut(stage, machine);
    await expectIn(stage, machine, await stage.login(machine));
    assert.equal(await stage.passes(machine), true);
  },
};

const portRemoved: Scenario = {
  name: 'port-removed: out with the port; back in the bridge it is locked again, and a login works',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.removePort('p1');
    await expectEnd(stage, session, { cause: 'port-removed', withinMs: SOON_MS });
    await stage.killSupplicant(machine);
    await stage.restorePort('p1');
    await expectOut(stage, machine);
    await expectIn(stage, machine, await stage.login(machine));
    assert.equal(await stage.passes(machine), true);
  },
};

const drain: Scenario = {
  name: 'drain: everybody is out, Accounting-Off comes last, nobody gets in',
  setting: () => ({ machines: 3 }),
  play: async (stage) => {
    const machines = [1, 2, 3].map((n) => stage.machine(n));
    const sessions = [];
    for (const machine of machines) sessions.push(await enter(stage, machine));
    await stage.ask('drain');
    for (const session of sessions) await expectEnd(stage, session, { cause: 'drain', withinMs: SOON_MS });
    await stage.until(
      'Accounting-Off',
      async () => (await stage.accounting()).at(-1)?.status === 'Accounting-Off',
      SOON_MS,
    );
    for (const machine of machines) await expectOut(stage, machine);
  },
};

export const ENDING: readonly Scenario[] = [
  sessionTimeout,
  sessionTimeoutReauth,
  roleTimer,
  adminReset,
  forceUnauthorized,
  portDown,
  portDownDelayed,
  portDisabled,
  portRemoved,
  drain,
];
