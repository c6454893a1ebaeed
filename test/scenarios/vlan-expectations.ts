// What the VLAN scenarios look at, and what they begin with: the far side of the uplink is in some VLANs, and in each of them
// probes have a sender, so that a client that is there is not taken for one that has gone.

import assert from 'node:assert/strict';
import { decisions } from './expectations.ts';
import { type Machine, PASSWORD, type PortVlans, type VlanStage } from './stage.ts';

export const SOON_MS = 15_000;
/** A port as every port is at first. */
export const FOUND: PortVlans = { pvid: 1, untagged: [1], tagged: [] };
export const UPLINK_VLANS = { onUplink: [30, 40, 50, 90, 91, 92] };
/** Whose address probes bear in a VLAN, since the switch has none there. */
const PROBER = { ip: '10.99.0.3', mac: '02:99:00:00:00:f3' };
export const PROBED = {
  handshake: { sources: Object.fromEntries(UPLINK_VLANS.onUplink.map((vlan) => [vlan, PROBER])) },
};
/** A refused client may try again at once; and not the whole time. */
export const IMPATIENT = { dot1x: { quiet_period_s: 1 } };

export async function expectVlans(stage: VlanStage, port: string, expected: PortVlans): Promise<void> {
  assert.deepEqual(await stage.vlansOf(port), expected, `VLANs of ${port}`);
}

/** In a while: a port changes after what is told of it. */
export async function expectVlansSoon(stage: VlanStage, port: string, expected: PortVlans): Promise<void> {
  await stage.until(
    `the VLANs of ${port} to be ${JSON.stringify(expected)}`,
    async () => JSON.stringify(await stage.vlansOf(port)) === JSON.stringify(expected),
    SOON_MS,
  );
}

export async function expectFound(stage: VlanStage, port: string): Promise<void> {
  await expectVlansSoon(stage, port, FOUND);
}

export function only(vlan: number, tagged: readonly number[] = []): PortVlans {
  return { pvid: vlan, untagged: [vlan], tagged };
}

export async function expectRefused(
  stage: VlanStage,
  machine: Machine,
  { user, why }: { readonly user: string; readonly why: RegExp },
): Promise<void> {
  const before = stage.events('auth-failed').length;
  await stage.attempt(machine, { user, password: PASSWORD });
  const failed = await stage.until(
    `auth-failed of ${user}`,
    () =>
      stage
        .events('auth-failed')
        .slice(before)
        .find(({ mac, user_name }) => mac === machine.mac && user_name === user),
    SOON_MS,
  );
  assert.equal(failed.reason, 'grant-failed');
  assert.match(failed.detail ?? '', why);
  assert.ok((await decisions(stage, machine.mac)).includes('refused'), 'explain says so');
  assert.equal(await stage.retained(machine.mac), undefined, 'no session');
}
