// What upstream is told, and when no more of it is to come.

import { describe, expect, it } from 'vitest';
import { answering } from '../../src/agent/told/standing.ts';
import { utf8 } from '../../src/base/bytes.ts';
import type { Mac } from '../../src/base/mac.ts';
import { macToKey } from '../../src/base/mac.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

describe("a port's topic, told once a second at most", () => {
  it('leaves nothing to do behind it when the broker came back meanwhile', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const machine = stage.machine(1);
    await stage.pass(2_000);
    await stage.unplug(machine);
    await stage.pass(200);
    await stage.plug(machine);
    await stage.brokerAway(true);
    await stage.brokerAway(false);
    await stage.pass(3_000);
    expect(stage.net.agent.pollAt() - stage.now()).toBeGreaterThan(1_000);
  });

  it('is told at last before a drain ends the agent', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    await stage.pass(2_000);
    const session = await stage.login(stage.machine(1));
    await stage.pass(200);
    expect(stage.net.retained.get('rollcall/v1/sw1/port/p1')).toMatchObject({ sessions: [session.key] });
    await stage.ask('drain');
    await stage.until('the end', () => stage.net.drained, 5_000);
    expect(stage.net.retained.get('rollcall/v1/sw1/port/p1')).toMatchObject({ sessions: [] });
  });
});

describe('sessions of other switches', () => {
  it('are followed no more when nobody here has that MAC: the broker remembers what we forgot', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const key = macToKey('02:99:00:00:00:77' as Mac);
    const topic = `rollcall/v1/sw2/session/${key}`;
    stage.net.post({ type: 'followed', topic, payload: utf8('{"started":"2025-01-31T00:00:00.000Z"}') });
    expect(stage.net.performed.map(({ effect }) => effect)).toContainEqual({
      type: 'unfollow',
      topic: `rollcall/v1/+/session/${key}`,
    });
  });

  it.each([
    ['a user', true, 0],
    ['a stranger at its login page, whose MAC anybody may bear,', false, 1],
  ])('%s elsewhere: a session here whose client is silent goes, or stays', async (_, authenticated, left) => {
    const stage = new SimulatedStage({ machines: 1 });
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.silence(machine);
    await stage.pass(1_000);
    const tell = (what: string, body: object) =>
      stage.net.post({
        type: 'followed',
        topic: `rollcall/v1/sw2/${what}`,
        payload: utf8(JSON.stringify(body)),
      });
    tell('availability', { state: 'online' });
    const started = new Date(Date.parse('2100-01-01')).toISOString();
    tell(`session/${macToKey(machine.mac as Mac)}`, { started, authenticated });
    await stage.pass(5_000);
    expect(await stage.ask('sessions')).toMatchObject({ sessions: Array(left).fill({}) });
  });
});

describe('how things stand, in one sentence', () => {
  const WATCHED = '1 of 1 controlled ports set and watched';

  it('says of RADIUS that it answers, and that it does not', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const stands = () => stage.net.agent.standing();
    await stage.login(stage.machine(1));
    expect(stands()).toBe(`${WATCHED}, 1 session, RADIUS answers, broker connected`);
    await stage.serverSilent(true);
    await stage.ask('reauthenticate', { all: true });
    await stage.until('it to be missed', () => stands().includes('no RADIUS server answers'), 300_000);
  });

  it.each([
    ['nobody has answered yet', [{ up: true }, { up: false }], 'RADIUS has not answered yet'],
    ['one has, and was lost', [{ up: false, roundTripMs: 3 }, { up: true }], 'RADIUS has not answered yet'],
    ['one does', [{ up: false }, { up: true, roundTripMs: 3 }], 'RADIUS answers'],
    ['none', [{ up: false, roundTripMs: 3 }], 'no RADIUS server answers'],
  ])('%s', (_, servers, said) => expect(answering(servers)).toBe(said));
});
