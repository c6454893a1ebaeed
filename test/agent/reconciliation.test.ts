// The kernel is otherwise than it is wanted, and no notice has told of it.

import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

const STRANGER = '02:99:00:00:00:77' as Mac;
const OTHER = '02:99:00:00:00:78' as Mac;
/** No handshake runs, and so nobody reads the table but for this. */
const QUIET = { roles: { default: { handshake: 'off' } } };
const A_MINUTE_MS = 61_000;

function open(): SimulatedStage {
  return new SimulatedStage({ machines: 2, config: QUIET });
}

/** Behind everybody's back. */
function take(stage: SimulatedStage, mac: string): void {
  const { bridge } = stage.net;
  bridge.tampered.add(mac as Mac);
  for (const [key, entry] of bridge.table) if (entry.mac === mac) bridge.table.delete(key);
}

async function repairs(stage: SimulatedStage): Promise<unknown> {
  return ((await stage.ask('info')) as { readonly repairs: unknown }).repairs;
}

const codes = (stage: SimulatedStage) => stage.events('warning').map(({ code }) => code);

const WAYS = [
  ['within a minute', (stage: SimulatedStage) => stage.pass(A_MINUTE_MS)],
  [
    'at once, after notices were lost',
    async (stage: SimulatedStage) => {
      stage.net.post({ type: 'dataplane', event: { type: 'overrun' } });
      await stage.pass(200);
    },
  ],
] as const;

describe.each(WAYS)('%s', (_, passes) => {
  it('an entry that nobody was given is removed', async () => {
    const stage = open();
    await stage.login(stage.machine(1));
    await stage.writeForeignGrant(STRANGER, 'p2');
    await passes(stage);
    expect(await stage.isGranted(STRANGER, 'p2')).toBe(false);
    expect(codes(stage)).toContain('foreign-entry');
    expect(await repairs(stage)).toEqual({ 'foreign-entries-removed': 1 });
  });

  it('one that cannot be removed at first is alarmed, once, and told of when it is gone', async () => {
    const stage = open();
    stage.net.faults.revokes = 3;
    await stage.writeForeignGrant(STRANGER, 'p2');
    await passes(stage);
    await stage.pass(30_000);
    expect(await stage.isGranted(STRANGER, 'p2')).toBe(false);
    const alarms = codes(stage).filter((code) => code?.startsWith('relock-'));
    expect(alarms).toEqual(['relock-failed', 'relock-recovered']);
  });

  it('one of a session that is gone is written again, and the session goes on', async () => {
    const stage = open();
    const { mac } = stage.machine(1);
    await stage.login(stage.machine(1));
    take(stage, mac);
    await passes(stage);
    expect(await stage.isGranted(mac, 'p1')).toBe(true);
    expect(codes(stage)).toContain('grant-lost');
    expect(await repairs(stage)).toEqual({ 'grants-written-again': 1 });
    expect(stage.events('session-end')).toEqual([]);
  });

  it('a port that is open is locked', async () => {
    const stage = open();
    stage.net.bridge.port('p2').locked = false;
    await passes(stage);
    expect(stage.net.bridge.port('p2').locked).toBe(true);
    expect(codes(stage)).toContain('port-open');
    expect(await repairs(stage)).toEqual({ 'ports-locked-again': 1 });
  });

  it('ports that have each other’s name are looked after by it', async () => {
    const stage = open();
    const { bridge } = stage.net;
    bridge.rename('p1', 'p0');
    bridge.rename('p2', 'p1');
    bridge.rename('p0', 'p2');
    await stage.writeForeignGrant(STRANGER, 'p1');
    await stage.writeForeignGrant(OTHER, 'p2');
    await passes(stage);
    expect(await stage.isGranted(STRANGER, 'p1')).toBe(false);
    expect(await stage.isGranted(OTHER, 'p2')).toBe(false);
  });

  it('a port that has gone takes its sessions along', async () => {
    const stage = open();
    await stage.login(stage.machine(1));
    const port = stage.net.bridge.port('p1');
    port.present = false;
    take(stage, stage.machine(1).mac);
    await passes(stage);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'port-removed' }]);
  });
});

it('a foreign entry on a port that is closed for all is removed, too', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    config: { ports: { 'p*': { control: 'force-unauthorized' } } },
  });
  await stage.writeForeignGrant(STRANGER, 'p1');
  await stage.pass(A_MINUTE_MS);
  expect(await stage.isGranted(STRANGER, 'p1')).toBe(false);
});

it('what is as it should be is left alone, however often it is looked at', async () => {
  const stage = open();
  await stage.login(stage.machine(1));
  await stage.talk(stage.machine(1), 1_000);
  await stage.pass(5_000);
  const from = stage.net.performed.length;
  await stage.pass(10 * A_MINUTE_MS);
  const types = new Set(stage.net.performed.slice(from).map(({ effect }) => effect.type));
  for (const type of ['grant', 'revoke', 'set-port', 'set-vlans'] as const) expect(types).not.toContain(type);
  expect(codes(stage)).toEqual([]);
  expect(await stage.isGranted(stage.machine(1).mac, 'p1' as PortName)).toBe(true);
});
