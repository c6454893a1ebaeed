// Who is in the middle of a login when the agent is drained stays out, whatever the login would have come to.

import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { PASSWORD } from '../scenarios/stage.ts';

const VLANS = { critical: 'vlan', critical_vlan: 92, guest_vlan: 30, auth_fail_vlan: 40 };

describe('a login under way at a drain', () => {
  it.each([
    ['would be accepted', PASSWORD, true],
    ['would be refused (auth-fail)', 'other', true],
    ['would not be answered (critical)', PASSWORD, false],
  ])('%s', async (_, password, answered) => {
    const stage = new SimulatedStage({
      machines: 1,
      vlans: { onUplink: [30, 40, 92] },
      config: {
        radius: { dead_time_s: 5 },
        ports: { 'p*': { ...VLANS, dot1x: { tx_period_s: 5, server_timeout_s: 10 } } },
      },
    });
    const machine = stage.machine(1);
    const [server] = stage.net.servers;
    if (server === undefined) throw new Error('there is no server');
    if (password !== PASSWORD) await stage.setPassword('u1', password);
    await stage.serverSilent(true);
    await stage.begin(machine);
    await stage.pass(500);
    expect(await stage.ask('drain')).toEqual({ draining: 0 });
    server.access = answered;
    // The Accounting-Off is waited for, and the agent lives on for as long.
    await stage.pass(28_000);
    expect(stage.net.drained).toBe(false);
    expect(stage.events('session-start')).toEqual([]);
    expect(await stage.grantedVlans(machine.mac)).toEqual([]);
    expect(await stage.passes(machine)).toBe(false);
    await stage.pass(5_000);
    expect(stage.net.drained).toBe(true);
  });

  it.each([
    ['goes', 2, true],
    ['will not go', 99, false],
  ])('that was turned back with its entry written, which then %s', async (_, failures, gone) => {
    const stage = new SimulatedStage({ machines: 1 });
    const { mac, port } = stage.machine(1);
    const { core } = stage.invariants;
    stage.net.bridge.writeForeign(mac as Mac, port);
    core.now = stage.net.world.clocks;
    core.parts.life.admit({
      mac: mac as Mac,
      port: port as PortName,
      method: 'mab',
      authorization: { userName: 'u1', classes: [], reauthenticateAtTimeout: false, server: '' },
      sessionId: 'late',
      multiId: 'late',
    });
    stage.failRevokes(failures);
    await stage.ask('drain');
    await stage.pass(500);
    expect(stage.net.drained).toBe(false);
    expect(stage.net.dead).toBe(false);
    await stage.pass(5_000);
    expect(stage.net.drained).toBe(gone);
    expect(await stage.isGranted(mac, port)).toBe(!gone);
    await stage.pass(26_000);
    expect(stage.net.drained).toBe(true);
    expect(stage.net.logs.some((line) => line.includes('entries could not be removed'))).toBe(!gone);
  });

  it('whoever is admitted all the same is refused', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const { mac, port } = stage.machine(1);
    const { core } = stage.invariants;
    await stage.ask('drain');
    core.parts.life.admit({
      mac: mac as Mac,
      port: port as PortName,
      method: 'mab',
      authorization: { userName: 'u1', classes: [], reauthenticateAtTimeout: false, server: '' },
      sessionId: 'late',
      multiId: 'late',
    });
    await stage.pass(1_000);
    expect(stage.events('session-start')).toEqual([]);
    expect(await stage.isGranted(mac, port)).toBe(false);
  });
});
