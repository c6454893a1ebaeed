// Somebody comes, and leaves by an act of its own; or somebody else comes in its place.

import assert from 'node:assert/strict';
import { enter, expectEnd, expectIn, expectOut, expectRecords } from './expectations.ts';
import { begunSessions, PASSWORD, type Scenario } from './stage.ts';

const SOON_MS = 15_000;

const logoff: Scenario = {
  name: 'supplicant-logoff: out at once',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    assert.equal(await stage.passes(machine), false, 'shut before the login');
    const session = await stage.login(machine);
    assert.equal(session.user_name, 'u1');
    assert.equal(await stage.passes(machine), true, 'open after it');
    await expectIn(stage, machine, session);
    await stage.pass(3_000);
    await stage.logoff(machine);
    const end = await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    assert.ok(end.session_time_s >= 3 && end.session_time_s <= 8, `lasted ${end.session_time_s} s`);
    await expectOut(stage, machine);
  },
};

const restart: Scenario = {
  name: 'supplicant-restart: another user at the same machine ends the first session and begins a new one',
  setting: () => ({ machines: 2 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.pass(2_000);
    await stage.become(machine, 'u2');
    await expectEnd(stage, session, { cause: 'supplicant-restart', withinMs: SOON_MS, goesOn: true });
    const second = await stage.until(
      'the second session',
      () => begunSessions(stage).find(({ user_name }) => user_name === 'u2'),
      SOON_MS,
    );
    assert.notEqual(second.session_id, session.session_id);
    await stage.until(
      'its retained state',
      async () => (await stage.retained(machine.mac))?.session_id === second.session_id,
      SOON_MS,
    );
    await expectIn(stage, machine, second);
    assert.equal(await stage.passes(machine), true);
  },
};

const bareStart: Scenario = {
  name: 'a bare EAPOL-Start only reauthenticates',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.pass(3_000);
    await stage.restartSupplicant(machine);
    await stage.until('a second Accept', () => accepted(stage, machine.mac, 2), SOON_MS);
    await stage.pass(1_000);
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
  },
};

const wrongPassword: Scenario = {
  name: 'a wrong password: auth-failed, no session, shut',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await stage.attempt(machine, { user: 'u1', password: 'wrong' });
    const failed = await stage.until('auth-failed', () => stage.events('auth-failed')[0], SOON_MS);
    assert.equal(failed.mac, machine.mac);
    assert.equal(failed.reason, 'access-reject');
    assert.equal(stage.events('session-start').length, 0);
    await expectOut(stage, machine);
  },
};

const several: Scenario = {
  name: 'several clients on one port: each by itself',
  setting: () => ({ machines: 3, onePort: true }),
  play: async (stage) => {
    const [first, second, stranger] = [stage.machine(1), stage.machine(2), stage.machine(3)];
    const sessions = [await enter(stage, first), await enter(stage, second)] as const;
    assert.equal(await stage.passes(first), true);
    assert.equal(await stage.passes(stranger), false, 'a third one is not let in by the two');
    await stage.logoff(first);
    await expectEnd(stage, sessions[0], { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectOut(stage, first);
    await expectIn(stage, second, sessions[1]);
    assert.equal(await stage.passes(second), true);
  },
};

const singleHost: Scenario = {
  name: 'single-host: a second client is refused until the first has left',
  setting: () => ({
    machines: 2,
    onePort: true,
    config: { ports: { p1: { host_mode: 'single-host' } } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const session = await enter(stage, first);
    await assert.rejects(stage.login(second), /u2 in/);
    await expectIn(stage, first, session);
    assert.equal(await stage.passes(second), false);
    await stage.killSupplicant(second);
    await stage.logoff(first);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    const next = await stage.login(second);
    await expectIn(stage, second, next);
    await expectRecords(stage, next, ['Start']);
  },
};

const reauthFailed: Scenario = {
  name: 'reauth-failed: the password has changed, the reauthentication ends the session',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.setPassword('u1', 'changed');
    await stage.ask('reauthenticate', { user: 'u1' });
    await expectEnd(stage, session, { cause: 'reauth-failed', withinMs: SOON_MS });
    await expectOut(stage, machine);
    await stage.setPassword('u1', PASSWORD);
  },
};

/** True once the server has accepted this MAC so many times, as `explain` tells. */
export async function accepted(
  stage: { ask: (verb: string, request: object) => Promise<unknown> },
  mac: string,
  times: number,
): Promise<boolean> {
  const story = (await stage.ask('explain', { mac })) as { readonly decisions: readonly { what: string }[] };
  return story.decisions.filter(({ what }) => what === 'accepted').length >= times;
}

export const LEAVING: readonly Scenario[] = [
  logoff,
  restart,
  bareStart,
  wrongPassword,
  reauthFailed,
  several,
  singleHost,
];
