// A MAC turns up on another port: the client itself has moved, or somebody pretends to be it.

import assert from 'node:assert/strict';
import { enter, expectEnd, expectIn, expectOut } from './expectations.ts';
import type { Scenario } from './stage.ts';

const SOON_MS = 15_000;
/** Who moves is silent on the way, for longer than a short T allows. */
const PATIENT = { roles: { default: { handshake: { times: 10 } } } };

const moved: Scenario = {
  name: 'moved: the old session ends only after the new Accept, and nothing of it is left on the old port',
  setting: () => ({ machines: 2, config: PATIENT }),
  play: async (stage) => {
    const old = stage.machine(1);
    const session = await stage.login(old);
    await stage.silence(old);
    const elsewhere = await stage.impersonate(2, old);
    const next = await stage.login(elsewhere, { user: 'u1', password: 'wonder' });
    await expectEnd(stage, session, { cause: 'moved', withinMs: SOON_MS, goesOn: true });
    assert.notEqual(next.session_id, session.session_id);
    assert.equal(next.multi_session_id, session.multi_session_id, 'one user, one multi-session');
    assert.equal(next.port, elsewhere.port);
    await expectIn(stage, elsewhere, next);
    assert.equal(await stage.isGranted(old.mac, old.port), false);
    assert.equal(await stage.passes(elsewhere), true);
    const move = await stage.until('session-move', () => stage.events('session-move')[0], SOON_MS);
    assert.deepEqual([move.from.port, move.to.port], [old.port, elsewhere.port]);
    assert.deepEqual([move.old_session_id, move.new_session_id], [session.session_id, next.session_id]);
    // Upstream hears of the new place: the topic is the new session's, whatever came first.
    assert.equal((await stage.retained(old.mac))?.port, elsewhere.port);
  },
};

const sighted: Scenario = {
  name: 'a mere sighting on another port ends nothing, and nothing gets through there',
  setting: () => ({ machines: 2 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    assert.equal(await stage.passes(machine), true);
    const stranger = await stage.impersonate(2, machine);
    await stage.say(stranger);
    assert.equal(await stage.passes(stranger), false);
    await stage.pass(3_000);
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
  },
};

const impostor: Scenario = {
  name: 'a failed authentication with a borrowed MAC ends nothing',
  setting: () => ({ machines: 2 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    const stranger = await stage.impersonate(2, machine);
    await stage.attempt(stranger, { user: 'u2', password: 'wrong' });
    await stage.pass(3_000);
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
    await stage.killSupplicant(stranger);
    assert.equal(await stage.passes(stranger), false);
    assert.equal(await stage.isGranted(machine.mac, stranger.port), false);
  },
};

const backAgain: Scenario = {
  name: 'there and back: each move ends the one before, the last stands',
  setting: () => ({ machines: 2, config: PATIENT }),
  play: async (stage) => {
    const here = stage.machine(1);
    const first = await stage.login(here);
    await stage.silence(here);
    const there = await stage.impersonate(2, here);
    const second = await stage.login(there, { user: 'u1', password: 'wonder' });
    await expectEnd(stage, first, { cause: 'moved', withinMs: SOON_MS, goesOn: true });
    await stage.silence(there);
    await stage.speakAgain(here);
    await stage.killSupplicant(here);
    const third = await stage.login(here);
    await expectEnd(stage, second, { cause: 'moved', withinMs: SOON_MS, goesOn: true });
    await expectIn(stage, here, third);
    assert.equal(await stage.passes(here), true);
    await stage.logoff(here);
    await expectEnd(stage, third, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectOut(stage, here);
  },
};

export const MOVING: readonly Scenario[] = [moved, sighted, impostor, backAgain];
