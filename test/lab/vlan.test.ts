// VLANs on a real bridge: the scenarios of the simulated switch, by the same bodies, and what `rollcall check` says. Only
// where the kernel's bridges filter VLANs; elsewhere `make lab-vlan KERNEL=linux-image-....deb` brings another kernel.

import { describe, expect, it } from 'vitest';
import { patience } from '../rigs/lab/patience.ts';
import { Scene } from '../rigs/lab/scene.ts';
import { kernelFiltersVlans, LabVlanStage } from '../rigs/lab/vlan-stage.ts';
import { VLAN_FALLBACKS } from '../scenarios/vlan-fallbacks.ts';
import { VLANS } from '../scenarios/vlans.ts';

const PLAYED_WITHIN_MS = 120_000;
const filters = await kernelFiltersVlans();
if (!filters && process.env.ROLLCALL_VLANS_WANTED !== undefined)
  throw new Error('the bridges of this kernel do not filter VLANs');

describe.skipIf(!filters)('in a VLAN, really', () => {
  it.concurrent.each([...VLANS, ...VLAN_FALLBACKS].map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    (_name, scenario) => LabVlanStage.play(scenario),
    patience(PLAYED_WITHIN_MS),
  );

  it.concurrent('`rollcall check` names the VLANs in which nobody can be asked', async () => {
    const gateway = { ip: '10.99.50.1', mac: '00:00:5e:00:01:01' };
    const scene = await Scene.open({
      ports: 1,
      radius: { users: [] },
      config: {
        vlans: { native: 1, staff: 30, cameras: 40, doors: 50 },
        ports: { 'p*': { guest_vlan: 90 } },
        handshake: { sources: { 50: gateway } },
      },
      prepare: async ({ netns }) => {
        await netns.ip('link set br0 type bridge vlan_filtering 1');
        await netns.ip('link add link br0 name br0.40 type vlan id 40');
        await netns.ip('link set br0.40 up');
        await netns.ip('addr add 10.99.40.1/24 dev br0.40');
      },
    });
    try {
      const { code, stdout } = await scene.agent.rollcall('check', '-c', scene.agent.configFile);
      const named = [...stdout.matchAll(/VLAN (\d+) \((.*)\): nobody can be asked/g)];
      expect({ code, named: named.map(([, vlan, paths]) => [vlan, paths]) }, stdout).toEqual({
        code: 0,
        named: [
          ['30', 'vlans.staff'],
          ['90', 'ports.p*.guest_vlan'],
        ],
      });
    } finally {
      await scene.close();
    }
  });
});
