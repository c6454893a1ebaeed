// The VLAN scenarios of the simulated switch on a real bridge: the same bodies. Only where the kernel's bridges filter VLANs;
// elsewhere: test/other-kernel.sh KERNEL.deb node_modules/.bin/vitest run --project lab test/lab/vlan.test.ts

import { describe, it } from 'vitest';
import { patience } from '../rigs/lab/patience.ts';
import { kernelFiltersVlans, LabVlanStage } from '../rigs/lab/vlan-stage.ts';
import { VLAN_FALLBACKS } from '../scenarios/vlan-fallbacks.ts';
import { VLANS } from '../scenarios/vlans.ts';

const PLAYED_WITHIN_MS = 120_000;

describe.skipIf(!(await kernelFiltersVlans()))('in a VLAN, really', () => {
  it.concurrent.each([...VLANS, ...VLAN_FALLBACKS].map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    (_name, scenario) => LabVlanStage.play(scenario),
    patience(PLAYED_WITHIN_MS),
  );
});
