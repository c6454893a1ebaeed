// Who is on the way in, and is turned back half-way: nothing of it stays behind.

import { expect, it } from 'vitest';
import { SimulatedStage } from '../rigs/sim/stage.ts';

it('from MAB to 802.1X where its VLAN cannot be set: out, with its entry gone and the port shut', async () => {
  const mab = { enabled: true, delay_s: 1, kernel: false, authentication: 'eap-md5', quiet_s: 30 };
  const stage = new SimulatedStage({
    machines: 2,
    onePort: true,
    devices: [1],
    vlans: { onUplink: [30] },
    replies: { u1: { vlan: '30' }, d1: { vlan: '30' } },
    config: { ports: { 'p*': { host_mode: 'multi-host', mab } } },
  });
  const [first, second] = [stage.machine(1), stage.machine(2)];
  await stage.until('a ping', () => stage.passes(first), 60_000);
  expect((await stage.retained(first.mac))?.method).toBe('mab');
  expect(await stage.passes(second)).toBe(true);
  // Somebody changes the port by hand, so that there is something to set.
  stage.net.bridge.port('p1').vlans.set(1, { pvid: false, untagged: true });
  stage.failVlans(1);
  await stage.begin(first);
  await stage.pass(500);
  await stage.killSupplicant(first);
  await stage.pass(1_000);
  expect(stage.events('auth-failed').map(({ method, reason }) => [method, reason])).toContainEqual([
    'dot1x',
    'grant-failed',
  ]);
  expect(await stage.retained(first.mac)).toBeUndefined();
  expect(await stage.grantedVlans(first.mac)).toEqual([]);
  expect(stage.net.bridge.port('p1').locked).toBe(true);
  expect(await stage.passes(second)).toBe(false);
});
