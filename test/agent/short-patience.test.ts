// A `server_timeout_s` that is shorter than the first visit to a server: silence counts all the same, at the end of the
// client's own patience.

import { describe, expect, it } from 'vitest';
import type { ConfigPart } from '../rigs/config-part.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

const FIRST = { address: '192.0.2.1', secret: 'testing123' };
const SECOND = { address: '192.0.2.2', secret: 'testing123' };

function stageWith(servers: readonly ConfigPart[], ports: ConfigPart): SimulatedStage {
  return new SimulatedStage({
    machines: 2,
    vlans: { onUplink: [92] },
    config: { radius: { servers }, ports: { 'p*': { ...ports, dot1x: { server_timeout_s: 5 } } } },
  });
}

describe('a server_timeout_s of 5 s', () => {
  it('the first server is silent: the next attempt goes to the second one, and everybody after it', async () => {
    const stage = stageWith([FIRST, SECOND], {});
    stage.net.servers[0]!.access = false;
    await stage.begin(stage.machine(1));
    await stage.until('in by the second server', () => stage.retained(stage.machine(1).mac), 30_000);
    expect(stage.events('radius-server')).toMatchObject([
      { server: '192.0.2.1:1812', state: 'down', because: 'no answer' },
    ]);
    await stage.login(stage.machine(2));
  });

  it('no server answers clients of two ports: critical', async () => {
    const stage = stageWith([FIRST], { critical: 'vlan', critical_vlan: 92 });
    stage.net.servers[0]!.access = false;
    for (const n of [1, 2]) await stage.begin(stage.machine(n));
    await stage.until('critical', () => stage.retained(stage.machine(2).mac), 60_000);
    expect(stage.events('radius-server')).toMatchObject([{ state: 'down' }]);
    expect(stage.events('session-start').map(({ session }) => session.method)).toContain('critical');
  });

  it('a client that begins anew by itself says nothing about a server', async () => {
    const stage = stageWith([FIRST], {});
    stage.net.servers[0]!.access = false;
    await stage.begin(stage.machine(1));
    await stage.pass(4_000);
    await stage.unplug(stage.machine(1));
    await stage.pass(20_000);
    expect(stage.events('radius-server')).toEqual([]);
  });
});
