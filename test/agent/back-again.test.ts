// A session moves to another VLAN and back, and the entry of the first one could not be removed in between.

import { expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

it('a session that comes back to a VLAN whose entry could not be removed leaves the other one, and so does its port', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    vlans: { onUplink: [30, 40] },
    replies: { u1: { vlan: '30' } },
  });
  const machine = stage.machine(1);
  const mac = machine.mac as Mac;
  await stage.login(machine);
  await stage.talk(machine, 5_000);
  const reauthenticate = async (vlan: string): Promise<void> => {
    await stage.setReply('u1', { vlan });
    await stage.ask('reauthenticate', { mac });
    await stage.pass(500);
  };
  stage.failRevokes(1);
  await reauthenticate('40');
  expect(await stage.grantedVlans(mac)).toEqual([30, 40]);
  await reauthenticate('30');
  await stage.pass(60_000);
  expect(await stage.grantedVlans(mac)).toEqual([30]);
  expect(await stage.vlansOf('p1')).toEqual({ pvid: 30, untagged: [30], tagged: [] });
});
