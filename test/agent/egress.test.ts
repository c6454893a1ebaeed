// What a port is flooded with while nobody is in (`egress`), from the configuration to the bridge.

import { describe, expect, it } from 'vitest';
import type { PortName } from '../../src/model/dataplane.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

function stageOf(egress: 'open' | 'closed'): SimulatedStage {
  return new SimulatedStage({ machines: 2, onePort: true, config: { ports: { 'p*': { egress } } } });
}
const unflooded = (stage: SimulatedStage) => stage.net.bridge.port('p1').unflooded;

describe('a port with egress closed', () => {
  it('is flooded from before the first client has its entry until the last one is out', async () => {
    const stage = stageOf('closed');
    const [one, two] = [stage.machine(1), stage.machine(2)];
    await stage.pass(100);
    expect(unflooded(stage)).toBe(true);
    stage.net.holdGrants(true);
    await stage.begin(one);
    await stage.pass(500);
    expect(await stage.grantedVlans(one.mac)).toEqual([]);
    expect(unflooded(stage)).toBe(false);
    stage.net.holdGrants(false);
    await stage.login(two);
    await stage.logoff(one);
    await stage.pass(200);
    expect(unflooded(stage)).toBe(false);
    await stage.logoff(two);
    await stage.pass(200);
    expect(unflooded(stage)).toBe(true);
  });

  it.each([
    [
      'an administrator shuts it',
      (stage: SimulatedStage) => {
        const { core } = stage.invariants;
        core.now = stage.net.world.clocks;
        core.parts.ports.control('p1' as PortName, 'force-unauthorized');
      },
    ],
    [
      'one notice says that it is down and open',
      (stage: SimulatedStage) => {
        stage.net.bridge.port('p1').locked = false;
        stage.net.bridge.setAdmin('p1', false);
      },
    ],
  ])('is unflooded when everybody is out at once: %s', async (_, happens) => {
    const stage = stageOf('closed');
    await stage.pass(100);
    await stage.login(stage.machine(1));
    happens(stage);
    stage.net.post({ type: 'tick' });
    await stage.pass(500);
    expect(unflooded(stage)).toBe(true);
    expect(stage.net.bridge.port('p1').locked).toBe(true);
  });

  it('is flooded for whoever gets in while the table of a restarted agent cannot be read yet', async () => {
    const stage = stageOf('closed');
    await stage.pass(100);
    stage.failDumps(50);
    stage.invariants.restarted();
    stage.invariants.excuse(100_000);
    stage.net.dead = true;
    stage.net.killAgent(2_000);
    await stage.pass(500);
    await stage.begin(stage.machine(1));
    await stage.pass(10_000);
    expect(stage.invariants.core.parts.restoration.settled).toBe(false);
    expect(stage.invariants.core.sessions.countOnPort('p1' as PortName)).toBe(1);
    expect(unflooded(stage)).toBe(false);
  });

  it('is unflooded again when whoever was on the way in is turned back', async () => {
    const stage = stageOf('closed');
    const { core } = stage.invariants;
    await stage.pass(100);
    stage.net.holdGrants(true);
    await stage.begin(stage.machine(1));
    await stage.pass(500);
    expect(unflooded(stage)).toBe(false);
    core.now = stage.net.world.clocks;
    core.parts.life.cancelAdmissions('p1' as PortName);
    stage.net.post({ type: 'tick' });
    stage.net.holdGrants(false);
    await stage.pass(500);
    expect(unflooded(stage)).toBe(true);
  });
});

it('a port with egress open is left as it is', async () => {
  const stage = stageOf('open');
  await stage.pass(100);
  expect(unflooded(stage)).toBe(false);
  await stage.login(stage.machine(1));
  await stage.logoff(stage.machine(1));
  await stage.pass(200);
  expect(unflooded(stage)).toBe(false);
  expect(stage.net.performed.filter(({ effect }) => effect.type === 'set-port')).toHaveLength(1);
});
