// Acct-Session-Time is counted in one way, wherever it is told: in whole seconds that are over.

import { expect, it } from 'vitest';
import type { SessionPayload } from '../../src/report/payloads.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

it('an answer and the end of a session at the same moment say the same, in MQTT and RADIUS', async () => {
  const stage = new SimulatedStage({ machines: 1 });
  const machine = stage.machine(1);
  await stage.login(machine);
  const started = Date.parse((await stage.retained(machine.mac))?.started ?? '');
  const lasts = 10_600;
  await stage.pass(lasts - (stage.net.world.clocks.wall - started));
  const { sessions } = (await stage.ask('sessions')) as { readonly sessions: readonly SessionPayload[] };
  await stage.ask('disconnect', { mac: machine.mac });
  await stage.pass(500);
  const stop = (await stage.accounting()).find(({ status }) => status === 'Stop');
  expect(stage.net.world.clocks.wall - started).toBe(lasts + 500);
  expect(sessions[0]?.session_time_s).toBe(10);
  expect(stage.events('session-end')).toMatchObject([{ session_time_s: 10 }]);
  expect(stop?.sessionTimeS).toBe(10);
});
