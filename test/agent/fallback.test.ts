// Where a client goes without a server's word, and when it has to leave: the whole agent on the simulated switch.

import { describe, expect, it } from 'vitest';
import { fromUtf8 } from '../../src/base/bytes.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

const SHORT: ConfigPart = { radius: { dead_time_s: 5 } };
const CRITICAL = { critical: 'vlan', critical_vlan: 92, dot1x: { server_timeout_s: 10 } };

function stageWith(ports: ConfigPart, config: ConfigPart = SHORT): SimulatedStage {
  return new SimulatedStage({
    machines: 2,
    vlans: { onUplink: [30, 40, 91, 92] },
    config: { ...config, ports: { 'p*': ports } },
  });
}

describe('critical', () => {
  it('is not for whom a server is silent about while it answers others', async () => {
    const stage = stageWith(CRITICAL);
    const [known, dark] = [stage.machine(1), stage.machine(2)];
    await stage.login(known);
    const [server] = stage.net.servers;
    if (server === undefined) throw new Error('there is no server');
    const answer = server.receive.bind(server);
    let ignored = 0;
    server.receive = (kind, bytes, now) => {
      if (kind !== 'access' || !fromUtf8(bytes).includes('u2')) return answer(kind, bytes, now);
      ignored++;
      return undefined;
    };
    await stage.begin(dark);
    for (let i = 0; i < 60; i++) {
      await stage.ask('reauthenticate', { mac: known.mac });
      await stage.pass(1_000);
    }
    expect(ignored).toBeGreaterThan(0);
    expect(stage.events('auth-failed').map(({ reason }) => reason)).toContain('no-server');
    expect(await stage.retained(dark.mac)).toBeUndefined();
    expect(await stage.isGranted(dark.mac, dark.port)).toBe(false);
  });
});
