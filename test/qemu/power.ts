// A switch is started anew, or its plug is pulled: what becomes of its sessions, its locks, and its accounting. Whatever it is,
// each session that a server has heard of is closed once in the end, and nobody is on a port who has not been let in.

import assert from 'node:assert/strict';
import { distinct } from '../rigs/accounting-judge.ts';
import { darken } from '../rigs/lab/darkness.ts';
import type { PoweredScenario, PoweredStage } from '../rigs/qemu/stage.ts';
import { enter, expectEnd, expectIn, expectOut } from '../scenarios/expectations.ts';
import { type AccountingRow, PASSWORD } from '../scenarios/stage.ts';

const ACCT_PORT = 1813;
const SOON_MS = 60_000;

async function rows(stage: PoweredStage, status: AccountingRow['status']): Promise<readonly AccountingRow[]> {
  return (await stage.accounting()).filter((row) => row.status === status);
}

/**
 * Each session that has a Start has a Stop, and no other has one. What a server has written down and could not tell the
 * switch any more may come again, as the same record.
 */
async function expectClosed(stage: PoweredStage): Promise<void> {
  const started = new Set((await rows(stage, 'Start')).map(({ sessionId }) => sessionId));
  await stage.until(
    'a Stop for each Start',
    async () => {
      const stopped = new Set((await rows(stage, 'Stop')).map(({ sessionId }) => sessionId));
      return [...started].every((id) => stopped.has(id));
    },
    SOON_MS,
  );
  const stops = await rows(stage, 'Stop');
  for (const stop of stops) {
    assert.ok(started.has(stop.sessionId), `a Stop of ${stop.sessionId}, which has not begun`);
    for (const other of stops.filter(({ sessionId }) => sessionId === stop.sessionId)) {
      const { delayS: _, ...said } = stop;
      const { delayS: __, ...again } = other;
      assert.deepEqual(again, said, 'the same Stop');
    }
  }
}

async function expectLocked(stage: PoweredStage): Promise<void> {
  for (const { port } of stage.house.lab.clients)
    assert.equal((await stage.house.lab.portFlags(port)).locked, true, `${port} is locked`);
}

const reboot: PoweredScenario = {
  name: 'it is started anew: ports are locked, nobody is through unasked, no accounting is open or lost',
  setting: () => ({ machines: 2 }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    await enter(stage, first);
    await expectLocked(stage);
    await stage.killSupplicant(first);
    await stage.reboot();
    await expectLocked(stage);
    assert.equal(await stage.passes(second), false);
    const session = await stage.login(first);
    assert.equal(await stage.passes(first), true);
    await expectIn(stage, first, session);
    await stage.logoff(first);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectOut(stage, first);
    await expectClosed(stage);
  },
};

const cutInLogin: PoweredScenario = {
  name: 'power is cut in the middle of a login: the client gets in afterwards, and no accounting is left open',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await stage.begin(machine);
    await stage.until('the server to let it in', () => /Login OK/.test(stage.house.radius.output), SOON_MS);
    await stage.powerCut(() => stage.killSupplicant(machine));
    await expectLocked(stage);
    const session = await enter(stage, machine);
    await expectIn(stage, machine, session);
    await stage.logoff(machine);
    await expectClosed(stage);
    await expectOut(stage, machine);
  },
};

const cutInStop: PoweredScenario = {
  name: 'power is cut when the Stop is on its way: it comes once, with its cause, when the switch is back',
  setting: () => ({ machines: 2 }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const ended = await enter(stage, first);
    const other = await enter(stage, second);
    const lift = await darken(stage.house.services, 'udp', [ACCT_PORT]);
    await stage.logoff(first);
    await stage.until('its end', () => stage.events('session-end').length === 1, SOON_MS);
    await stage.powerCut(async () => {
      for (const machine of [first, second]) await stage.killSupplicant(machine);
      await lift();
    });
    await expectLocked(stage);
    const stop = await stage.until(
      'the Stop',
      async () => (await rows(stage, 'Stop')).find(({ sessionId }) => sessionId === ended.session_id),
      SOON_MS,
    );
    assert.equal(stop.terminateCause, 1, 'User-Request');
    assert.ok(stop.delayS > 0, 'Acct-Delay-Time tells how late it is');
    // The one that was in when it went dark.
    await stage.attempt(second, { user: 'u2', password: `not ${PASSWORD}` });
    await expectClosed(stage);
    // One whose answer was late is sent again: the same, but for its delay.
    const stops = distinct(await rows(stage, 'Stop'), 'Stop');
    assert.deepEqual(
      stops.map(({ sessionId }) => sessionId).sort(),
      [ended.session_id, other.session_id].sort(),
    );
  },
};

export const POWER: readonly PoweredScenario[] = [reboot, cutInLogin, cutInStop];
