// The lab's stage on a bridge that filters VLANs, where the kernel can: this one may not (see test/other-kernel.sh).
//
// The uplink's far end is in all VLANs with one address: a bridge over eth0 and a VLAN interface each, whose ports are isolated
// from each other, so that it answers everybody and carries nothing from one VLAN into another.

import { ERROR_CAUSES, type ErrorCause } from '../../../src/radius/error-cause.ts';
import type {
  HandSet,
  Machine,
  PortVlans,
  Reply,
  Scenario,
  Setting,
  VlanStage,
} from '../../scenarios/stage.ts';
import { replyAttributes } from './accounting-row.ts';
import type { FdbEntry } from './bridge.ts';
import { giveAddress, type LabSwitch, Netns, UPLINK_IPV4, UPLINK_IPV6 } from './netns.ts';
import { LAB_TIMING, LabStage, type StageParts } from './stage.ts';
import { addVlanDevices } from './vlan-devices.ts';

/** Of what is not tagged on the uplink. */
const NATIVE = 1;

interface ShownVlan {
  readonly vlan: number;
  readonly vlanEnd?: number;
  readonly flags?: readonly string[];
}

/** Whether bridges of this kernel filter VLANs. */
export async function kernelFiltersVlans(): Promise<boolean> {
  const netns = await Netns.create();
  try {
    await netns.ip('link add br0 type bridge');
    return (
      (await netns.run(['ip', 'link', 'set', 'br0', 'type', 'bridge', 'vlan_filtering', '1'])).code === 0
    );
  } finally {
    await netns.close();
  }
}

export class LabVlanStage extends LabStage implements VlanStage {
  static override async play(scenario: Scenario<VlanStage>): Promise<void> {
    await LabStage.playOn(scenario, await LabVlanStage.openVlans(scenario.setting(LAB_TIMING)));
  }

  private static async openVlans(setting: Setting): Promise<LabVlanStage> {
    const parts = await LabStage.parts(setting, (lab) => filterVlans(lab, setting.vlans?.onUplink ?? []));
    return new LabVlanStage(parts);
  }

  constructor(private readonly parts: StageParts) {
    super(parts);
  }

  async vlansOf(port: string): Promise<PortVlans> {
    const device = port === '' ? 'br0' : port;
    const [shown] = JSON.parse(
      await this.parts.house.lab.netns.must(['bridge', '-j', 'vlan', 'show', 'dev', device]),
    ) as readonly { readonly vlans: readonly ShownVlan[] }[];
    const vlans = (shown?.vlans ?? []).flatMap(({ vlan, vlanEnd = vlan, flags = [] }) =>
      Array.from({ length: vlanEnd - vlan + 1 }, (_, i) => ({ vlan: vlan + i, flags })),
    );
    const untagged = vlans.filter(({ flags }) => flags.includes('Egress Untagged'));
    return {
      pvid: vlans.find(({ flags }) => flags.includes('PVID'))?.vlan,
      untagged: untagged.map(({ vlan }) => vlan),
      tagged: vlans.filter((each) => !untagged.includes(each)).map(({ vlan }) => vlan),
    };
  }

  async setVlan(port: string, vlan: number, how: HandSet): Promise<void> {
    const flags = { own: ['pvid', 'untagged'], untagged: ['untagged'], tagged: [], none: [] }[how];
    const what = ['bridge', 'vlan', how === 'none' ? 'del' : 'add', 'dev', port, 'vid', String(vlan)];
    await this.parts.house.lab.netns.must([...what, ...flags]);
  }

  async grantedVlans(mac: string): Promise<readonly number[]> {
    const entries = (await this.parts.house.lab.fdb(mac)).filter(({ state }) => state === 'static');
    return entries.map(({ vlan = 0 }) => vlan).sort((a, b) => a - b);
  }

  /** By the last frame of it that the far end has learnt from. */
  async heardIn({ mac }: Machine): Promise<number | undefined> {
    const table = await this.parts.house.lab.uplink.must(['bridge', '-j', 'fdb', 'show', 'br', 'far0']);
    const entry = (JSON.parse(table) as readonly FdbEntry[]).find((each) => each.mac === mac);
    return entry === undefined ? undefined : Number(entry.ifname.split('.')[1] ?? NATIVE);
  }

  async changeAuthorization(user: string, change: Reply): Promise<'CoA-ACK' | number | undefined> {
    const given = Object.entries(replyAttributes(change)).flatMap(([name, value]) =>
      (typeof value === 'object' ? value : [value]).map((each) => `${name} = ${each}`),
    );
    const attributes = [`User-Name = "${user}"`, ...given];
    const { code, errorCause, output } = await this.parts.house.radclient({ send: 'coa', attributes });
    if (code === 'none') throw new Error(`no answer to a CoA-Request:\n${output}`);
    return code === 'CoA-ACK' ? code : ERROR_CAUSES[errorCause as ErrorCause];
  }

  async setReply(user: string, reply: Reply): Promise<void> {
    await this.changeUser(user, { reply: replyAttributes(reply) });
  }

  /** It asks for somebody: an ARP request, as a host sends it first of all. */
  async announce(machine: Machine): Promise<void> {
    await this.passes(machine);
  }

  async begin(machine: Machine): Promise<void> {
    await this.start(machine);
  }

  async tag(machine: Machine, vlan: number | undefined): Promise<void> {
    await this.tagOf(machine, vlan);
  }
}

async function filterVlans(lab: LabSwitch, vlans: readonly number[]): Promise<void> {
  await lab.netns.ip('link set br0 type bridge vlan_filtering 1');
  for (const vlan of vlans)
    await lab.netns.must(['bridge', 'vlan', 'add', 'dev', 'up0', 'vid', String(vlan)]);
  await spreadUplink(lab.uplink, vlans);
}

/** Its far end is in these VLANs, too. */
export async function spreadUplink(uplink: Netns, vlans: readonly number[]): Promise<void> {
  await uplink.ip('addr flush dev eth0');
  await uplink.ip('link add far0 type bridge');
  await uplink.ip('link set far0 up');
  const { names } = await addVlanDevices(uplink, vlans, { untagged: true });
  for (const name of names) {
    await uplink.ip(`link set ${name} master far0`);
    await uplink.must(['bridge', 'link', 'set', 'dev', name, 'isolated', 'on']);
    await uplink.ip(`link set ${name} up`);
  }
  await giveAddress(uplink, 'far0', { ipv4: UPLINK_IPV4, ipv6: UPLINK_IPV6 });
}
