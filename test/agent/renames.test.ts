// A port that is given another name while no agent runs: who was in there is out, with a Stop, and nothing of them is left in the
// table, whatever the file says of the new name.

import { expect, it } from 'vitest';
import { judge } from '../rigs/accounting-judge.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import type { Machine } from '../scenarios/stage.ts';

interface Renamed {
  readonly to: string;
  /** Beside the new name. */
  readonly meanwhile?: (stage: SimulatedStage) => void;
  readonly config?: ConfigPart;
  /** What the next agent is started with. */
  readonly next?: ConfigPart;
}

/** Its client, which says nothing since, and the stage some seconds after the next start. */
async function renamed({
  to,
  meanwhile,
  config = {},
  next = config,
}: Renamed): Promise<[SimulatedStage, Machine]> {
  const stage = new SimulatedStage({ machines: 1, config });
  const machine = stage.machine(1);
  await stage.login(machine);
  await stage.pass(5_000);
  await stage.killSupplicant(machine);
  stage.invariants.restarted();
  stage.net.dead = true;
  stage.net.rename('p1', to);
  meanwhile?.(stage);
  stage.net.file = simFile(next);
  stage.net.killAgent(2_000);
  await stage.pass(2_000);
  return [stage, machine];
}

const warnings = (stage: SimulatedStage) => stage.events('warning').map(({ code }) => code);

function expectOut(stage: SimulatedStage, { mac }: Machine): void {
  expect(stage.net.bridge.entriesOf(mac as never)).toEqual([]);
  expect(stage.events('session-end')).toMatchObject([{ cause: 'port-removed', mac }]);
  const stops = stage.net.servers.flatMap(({ rows }) => rows).filter(({ status }) => status === 'Stop');
  expect(stops).toMatchObject([{ terminateCause: 8 }]);
  expect(judge(stage.net.servers.flatMap(({ rows }) => rows))).toEqual([]);
}

it('to one that is ours, too: its entry is no stranger’s, and the client comes in anew', async () => {
  const [stage, machine] = await renamed({ to: 'p9' });
  expectOut(stage, machine);
  expect(warnings(stage)).toEqual([]);
  expect(stage.net.bridge.port('p9').locked).toBe(true);
  await stage.login(machine);
});

it('and was in a VLAN for its client: it is put back, and who comes next is not in there', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    vlans: { onUplink: [10] },
    replies: { u1: { vlan: '10' } },
  });
  const machine = stage.machine(1);
  const found = await stage.vlansOf('p1');
  await stage.login(machine);
  await stage.killSupplicant(machine);
  expect(await stage.vlansOf('p1')).not.toEqual(found);
  stage.invariants.restarted();
  stage.net.dead = true;
  stage.net.rename('p1', 'p9');
  stage.net.killAgent(2_000);
  await stage.pass(5_000);
  expectOut(stage, machine);
  expect(await stage.vlansOf('p9')).toEqual(found);
  expect(stage.net.foundVlans).toEqual([]);
});

it('to one that is nobody’s: it stays locked, and that is told', async () => {
  const [stage, machine] = await renamed({ to: 'q1' });
  expectOut(stage, machine);
  expect(stage.net.bridge.port('q1').locked).toBe(true);
  expect(stage.events('warning')).toMatchObject([
    { code: 'port', port: 'q1', message: expect.stringContaining('q1 has come locked') },
  ]);
});

it('and was open for all: it is locked, and that is told', async () => {
  const config = { ports: { p1: { host_mode: 'multi-host' } } };
  const [stage, machine] = await renamed({ to: 'q1', config });
  expectOut(stage, machine);
  expect(stage.net.bridge.port('q1').locked).toBe(true);
  expect(warnings(stage)).toEqual(['port']);
});

it('to an uplink’s: its entry goes, and it is not shut', async () => {
  const config = { ports: { p1: { host_mode: 'multi-host' } } };
  const [stage, machine] = await renamed({
    to: 'up1',
    config,
    next: { switch: { uplinks: ['up0', 'up1'] } },
  });
  expectOut(stage, machine);
  expect(stage.net.bridge.port('up1').locked).toBe(false);
  expect(warnings(stage)).toEqual([]);
});

it('to an uplink’s, where its entry will not go: the alarm is over when the uplink is gone', async () => {
  const [stage] = await renamed({
    to: 'up1',
    next: { switch: { uplinks: ['up0', 'up1'] } },
    meanwhile: ({ net }) => {
      net.faults.revokes = Number.POSITIVE_INFINITY;
    },
  });
  expect(warnings(stage)).toEqual(['port', 'relock-failed']);
  stage.net.bridge.remove('up1');
  await stage.pass(40_000);
  expect(warnings(stage)).toEqual(['port', 'relock-failed', 'relock-recovered']);
});

it('by a boot of the machine, after which another port has its ifindex: that one is not touched', async () => {
  const config = { ports: { p1: { host_mode: 'multi-host' } } };
  const [stage] = await renamed({ to: 'q1', config, meanwhile: ({ net }) => net.bootMachine() });
  expect(stage.events('session-end')).toMatchObject([{ cause: 'nas-reboot' }]);
  expect(stage.net.bridge.port('q1').locked).toBe(false);
  expect(warnings(stage)).toEqual([]);
});

it('to that of another port, which has its name now: both are out, and each comes in where it is', async () => {
  const stage = new SimulatedStage({ machines: 2 });
  const machines = [stage.machine(1), stage.machine(2)] as const;
  for (const machine of machines) await stage.login(machine);
  stage.invariants.restarted();
  stage.net.dead = true;
  stage.net.rename('p1', 'p0');
  stage.net.rename('p2', 'p1');
  stage.net.rename('p0', 'p2');
  stage.net.killAgent(2_000);
  await stage.pass(5_000);
  expect(stage.events('session-end')).toMatchObject([{ cause: 'port-removed' }, { cause: 'port-removed' }]);
  expect(warnings(stage)).toEqual([]);
  expect(await stage.isGranted(machines[0].mac, 'p2')).toBe(true);
  expect(await stage.isGranted(machines[1].mac, 'p1')).toBe(true);
});
