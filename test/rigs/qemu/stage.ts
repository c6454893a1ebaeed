// The lab's stage, played on a machine that was booted: the same scenarios, the same clients, another house.

import type { Scenario, VlanStage } from '../../scenarios/stage.ts';
import { type Hub, hubBehind } from '../lab/hub.ts';
import { keepNeighbours } from '../lab/machine.ts';
import { configOf, devicesOf, LAB_TIMING, LabStage, usersOf } from '../lab/stage.ts';
import { LabVlanStage, spreadUplink } from '../lab/vlan-stage.ts';
import { QemuHouse } from './house.ts';
import type { Machine } from './machine.ts';

/** Plays it, looks at what must hold at the end of every one, and leaves the machine for the next. */
export async function play(machine: Machine, scenario: Scenario<VlanStage>): Promise<void> {
  const setting = scenario.setting(LAB_TIMING);
  const { onePort = false, vlans } = setting;
  const users = usersOf(setting);
  const house = await QemuHouse.open(machine, {
    ports: onePort ? 1 : setting.machines,
    users: [...users, ...devicesOf(setting)],
    config: configOf(setting),
    ...(vlans === undefined ? {} : { vlans: vlans.onUplink }),
  });
  let machines = house.lab.clients;
  const [first] = machines;
  if (onePort && first !== undefined) {
    const hub: Hub = await hubBehind(first, setting.machines);
    house.atClose(() => hub.close());
    for (const { netns } of hub.hosts) await keepNeighbours(netns);
    machines = hub.hosts;
  }
  if (vlans !== undefined) await spreadUplink(house.lab.uplink, vlans.onUplink);
  await LabStage.playOn(scenario, new LabVlanStage({ house, machines, users }));
}
