// VLANs that were set for a session on a port that has another name since: they go back to what was found, by whichever name. The
// simplest case is in renames.test.ts.

import { expect, it } from 'vitest';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { PASSWORD } from '../scenarios/stage.ts';
import { expectVlans, FOUND, only, PROBED, UPLINK_VLANS } from '../scenarios/vlan-expectations.ts';

/** `u1` is in VLAN 30 on `p1`, and `u2` in the native one on `p2`. */
async function inVlan(): Promise<SimulatedStage> {
  const stage = new SimulatedStage({
    machines: 2,
    config: PROBED,
    vlans: UPLINK_VLANS,
    replies: { u1: { vlan: '30' } },
  });
  for (const n of [1, 2]) await stage.login(stage.machine(n));
  await expectVlans(stage, 'p1', only(30));
  return stage;
}

async function meanwhile(stage: SimulatedStage, happens: () => void): Promise<void> {
  stage.invariants.restarted();
  stage.net.dead = true;
  happens();
  stage.net.killAgent(2_000);
  await stage.pass(5_000);
}

const noted = ({ net }: SimulatedStage) =>
  net.foundVlans.filter(({ port }) => port !== undefined).map(({ port, ifindex }) => [port, ifindex]);

it('while no agent runs: to a name of nobody’s', async () => {
  const stage = await inVlan();
  await stage.killSupplicant(stage.machine(1));
  await meanwhile(stage, () => stage.net.rename('p1', 'q1'));
  await expectVlans(stage, 'q1', FOUND);
  expect(noted(stage)).toEqual([]);
});

it('while no agent runs: with the name of another port, which is left alone', async () => {
  const stage = await inVlan();
  for (const n of [1, 2]) await stage.killSupplicant(stage.machine(n));
  await meanwhile(stage, () => {
    stage.net.rename('p1', 'p0');
    stage.net.rename('p2', 'p1');
    stage.net.rename('p0', 'p2');
  });
  await expectVlans(stage, 'p1', FOUND);
  await expectVlans(stage, 'p2', FOUND);
});

it('under the agent: and what is on disk meanwhile leads back, too', async () => {
  for (const killed of [false, true]) {
    const stage = await inVlan();
    await stage.killSupplicant(stage.machine(1));
    const { index } = stage.net.bridge.port('p1');
    stage.net.faults.vlanReads = killed ? 1 : 0;
    stage.net.renameTold('p1', 'q1');
    await stage.pass(100);
    if (killed) {
      expect(noted(stage)).toEqual([
        ['p1', index],
        ['p1', index],
      ]);
      await meanwhile(stage, () => undefined);
    }
    await stage.pass(5_000);
    await expectVlans(stage, 'q1', FOUND);
    expect(noted(stage)).toEqual([]);
  }
});

it('under the agent: by way of a third name to that of another one: whoever comes in there has what is theirs', async () => {
  const stage = await inVlan();
  stage.net.renameTold('p1', 'p0');
  stage.net.renameTold('p2', 'p1');
  stage.net.renameTold('p0', 'p2');
  await stage.pass(20_000);
  await expectVlans(stage, 'p1', FOUND);
  await expectVlans(stage, 'p2', only(30));
});

it('one that has left the bridge, and was set anew by somebody else: nothing is undone', async () => {
  const stage = await inVlan();
  await stage.killSupplicant(stage.machine(1));
  stage.net.bridge.remove('p1');
  await stage.pass(100);
  const { vlans } = stage.net.bridge.port('p1');
  vlans.clear();
  vlans.set(40 as never, { pvid: true, untagged: true });
  stage.net.bridge.restore('p1');
  await stage.pass(5_000);
  await expectVlans(stage, 'p1', only(40));
  expect(noted(stage)).toEqual([]);
});

it('one that does not come back is forgotten with the next round', async () => {
  const stage = await inVlan();
  await stage.killSupplicant(stage.machine(1));
  stage.net.bridge.remove('p1');
  await stage.pass(1_000);
  expect(noted(stage)).toHaveLength(2);
  await stage.pass(61_000);
  expect(noted(stage)).toEqual([]);
});

it('the bridge itself is renamed, and gets its name back: its ports still have what we set', async () => {
  const stage = await inVlan();
  await stage.killSupplicant(stage.machine(1));
  const { bridge } = stage.net;
  const before = new Map(bridge.port('p1').vlans);
  bridge.vanish();
  await stage.pass(70_000);
  const { vlans } = bridge.port('p1');
  vlans.clear();
  for (const [vlan, member] of before) vlans.set(vlan, member);
  bridge.reappear();
  await stage.pass(5_000);
  await expectVlans(stage, 'p1', FOUND);
});

it('a kill between the change back and the end of its note: what an administrator does later on the port stays', async () => {
  const stage = await inVlan();
  await stage.killSupplicant(stage.machine(1));
  const set = (vlan: number): void => {
    const { vlans } = stage.net.bridge.port('p1');
    vlans.clear();
    vlans.set(vlan as never, { pvid: true, untagged: true });
  };
  await meanwhile(stage, () => {
    stage.net.bridge.table.clear();
    set(1);
  });
  expect(noted(stage)).toEqual([]);
  set(40);
  await meanwhile(stage, () => undefined);
  await expectVlans(stage, 'p1', only(40));
});

it('while no agent runs: an entry there will not go for a while: it is gone before its VLAN is, which nobody else gets meanwhile', async () => {
  const stage = await inVlan();
  const machine = stage.machine(1);
  await stage.killSupplicant(machine);
  const { faults, bridge } = stage.net;
  await meanwhile(stage, () => {
    stage.net.rename('p1', 'p9');
    faults.revokes = Number.POSITIVE_INFINITY;
  });
  await expectVlans(stage, 'p9', only(30));
  const failed = stage.events('auth-failed').length;
  await stage.attempt(machine, { user: 'u2', password: PASSWORD });
  await stage.pass(20_000);
  expect(stage.events('auth-failed').slice(failed)).toMatchObject([
    { reason: 'grant-failed', detail: expect.stringContaining('an entry of before is not gone') },
  ]);
  await stage.killSupplicant(machine);
  faults.revokes = 0;
  await stage.pass(40_000);
  expect(bridge.entriesOf(machine.mac as never)).toEqual([]);
  await expectVlans(stage, 'p9', FOUND);
  expect(stage.events('warning').map(({ code }) => code)).toEqual(['relock-failed', 'relock-recovered']);
  expect(noted(stage)).toEqual([]);
});
