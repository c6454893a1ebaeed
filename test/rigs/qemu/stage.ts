// The lab's stage, played on a machine that was booted: the same scenarios, the same clients, another house. And what only a
// machine of one's own can have: it is started anew, or its plug is pulled.

import type { Scenario, Setting, VlanStage } from '../../scenarios/stage.ts';
import { hubBehind } from '../lab/hub.ts';
import { keepNeighbours } from '../lab/machine.ts';
import { TOPIC_BASE } from '../lab/scene.ts';
import {
  configOf,
  devicesOf,
  excusesOf,
  LAB_TIMING,
  LabStage,
  type StageParts,
  usersOf,
} from '../lab/stage.ts';
import { LabVlanStage, spreadUplink } from '../lab/vlan-stage.ts';
import { QemuHouse } from './house.ts';
import type { Machine } from './machine.ts';

const ONLINE_WITHIN_MS = 120_000;
/** Its clock is set by one that counts whole seconds, and an emulated processor is late. */
const CLOCK_SLACK_MS = 2_000;

/** Plays it, looks at what must hold at the end of every one, and leaves the machine for the next. */
export async function play<S extends Scenario<VlanStage> | PoweredScenario>(
  machine: Machine,
  scenario: S,
): Promise<void> {
  await LabStage.playOn(
    scenario as PoweredScenario,
    await PoweredStage.openOn(machine, scenario.setting(LAB_TIMING)),
  );
}

export type PoweredScenario = Scenario<PoweredStage>;

interface PoweredParts extends StageParts {
  readonly house: QemuHouse;
}

export class PoweredStage extends LabVlanStage {
  readonly house: QemuHouse;
  readonly #switch: Machine;

  private constructor(parts: PoweredParts) {
    super(parts);
    this.house = parts.house;
    this.#switch = parts.house.machine;
  }

  static async openOn(machine: Machine, setting: Setting): Promise<PoweredStage> {
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
      const hub = await hubBehind(first, setting.machines);
      house.atClose(() => hub.close());
      for (const { netns } of hub.hosts) await keepNeighbours(netns);
      machines = hub.hosts;
    }
    if (vlans !== undefined) await spreadUplink(house.lab.uplink, vlans.onUplink);
    return new PoweredStage({ house, machines, users, clockSlackMs: CLOCK_SLACK_MS, ...excusesOf(setting) });
  }

  /** Down in order and up again; the agent is online again when this returns. */
  async reboot(): Promise<void> {
    await this.#back(async () => {
      await this.#switch.powerOff();
      await this.#switch.powerOn();
    });
  }

  /** Nothing more is done or written from this moment on; then it is switched on again. The agent is online again at the end. */
  async powerCut(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.#back(async () => {
      await this.#switch.powerCut();
      await meanwhile();
      await this.#switch.powerOn();
    });
  }

  async #back(act: () => Promise<void>): Promise<void> {
    const infos = (): number => this.house.upstream.ofTopic(`${TOPIC_BASE}/info`).length;
    const before = infos();
    const from = Date.now();
    await act();
    await this.#switch.up();
    await this.until('the agent online again', () => infos() > before, ONLINE_WITHIN_MS);
    this.paused(from);
  }
}
