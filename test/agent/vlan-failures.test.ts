// A change of VLANs that the kernel has made in part, or made and not told of.

import { expect, it } from 'vitest';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { PASSWORD } from '../scenarios/stage.ts';
import { expectVlans, FOUND, PROBED, UPLINK_VLANS } from '../scenarios/vlan-expectations.ts';

it('whoever it was for is refused, and the port goes back without waiting for the next one', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    config: PROBED,
    vlans: UPLINK_VLANS,
    replies: { u1: { vlan: '30' } },
  });
  const machine = stage.machine(1);
  stage.net.faults.vlansUntold = 1;
  await stage.attempt(machine, { user: 'u1', password: PASSWORD });
  await stage.pass(200);
  await stage.killSupplicant(machine);
  expect(stage.events('auth-failed')).toMatchObject([{ reason: 'grant-failed' }]);
  await stage.pass(5_000);
  await expectVlans(stage, 'p1', FOUND);
  expect(stage.net.foundVlans).toEqual([]);
});
