// The VLAN scenarios of the simulated switch on a real bridge: the same bodies. Only where the kernel's bridges filter VLANs;
// elsewhere: test/other-kernel.sh KERNEL.deb node_modules/.bin/vitest run --project lab test/lab/vlan.test.ts

import { describe, it } from 'vitest';
import { kernelFiltersVlans, LabVlanStage } from '../rigs/lab/vlan-stage.ts';
import { VLANS } from '../scenarios/vlans.ts';

const PLAYED_WITHIN_MS = 300_000;

describe.skipIf(!(await kernelFiltersVlans()))('in a VLAN, really', () => {
  it.each(VLANS.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    (_name, scenario) => LabVlanStage.play(scenario),
    PLAYED_WITHIN_MS,
  );
});
