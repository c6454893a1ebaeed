// A question that does not fit into a RADIUS packet: refused for what it is, and no server is said to be silent.

import { expect, it } from 'vitest';
import type { Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { MabRig } from '../rigs/mab.ts';
import { SimulatedSwitch } from '../rigs/sim/simulated-switch.ts';
import { simFile } from '../rigs/sim/stage.ts';
import { PASSWORD } from '../scenarios/stage.ts';

it('802.1X: a client whose answer is too long is refused, and gets no critical VLAN', () => {
  const config = {
    ports: { 'p*': { control: 'auto', critical: 'vlan', critical_vlan: 92 } },
    vlan: { create: true },
  };
  const net = new SimulatedSwitch({ config: simFile(config), ports: ['p1'], bootId: 'b007' });
  net.servers[0]?.users.set('u1', { password: PASSWORD, reply: {} });
  const { supplicant } = net.addClient({
    mac: '02:99:00:00:00:01' as Mac,
    port: 'p1' as PortName,
    ipv4: '10.99.0.11' as Ipv4,
    user: { identity: 'u1', password: PASSWORD },
  });
  supplicant.name = new Uint8Array(4_050);
  net.boot();
  net.advance(500);
  supplicant.start();
  net.advance(2_000);
  expect(net.events.filter(({ type }) => type === 'auth-failed')).toMatchObject([{ reason: 'unencodable' }]);
  expect(net.events.filter(({ type }) => type === 'session-start')).toEqual([]);
  expect(supplicant).toMatchObject({ failures: 1, authorized: false });
  expect(net.logs).toContainEqual(
    expect.stringMatching(/^error an Access-Request does not fit .*02:99:00:00:00:01/),
  );
});

it('MAB: quiet for as long as after a refusal, and not asked about again and again', () => {
  const rig = new MabRig({ delay: 0 as never });
  rig.give({ type: 'aaa-reject', ref: rig.ref, reason: 'unencodable' });
  expect(rig.all('rejected')).toMatchObject([{ reason: 'unencodable' }]);
  rig.pass(600_000);
  expect(rig.all('ask')).toHaveLength(1);
});
