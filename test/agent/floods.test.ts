// A port at line rate beside users who must not notice, in the simulated switch: what the capture is told, what is counted,
// what upstream hears, and that it all ends.

import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/base/bytes.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName, VlanId } from '../../src/model/dataplane.ts';
import { CALM, FLOOD_LIMITS } from '../../src/pae/flood-gate.ts';
import { SIM_CAPABILITIES } from '../rigs/sim/simulated-switch.ts';
import { SIM_TIMING, SimulatedStage } from '../rigs/sim/stage.ts';

const P2 = 'p2' as PortName;

function start(source: string): Uint8Array {
  return fromHex(`0180c2000003${source}888e02010000`) as Uint8Array;
}

async function info(stage: SimulatedStage): Promise<Readonly<Record<string, number>>> {
  return ((await stage.ask('info')) as { readonly counters: Readonly<Record<string, number>> }).counters;
}

function warnings(stage: SimulatedStage, code: string): number {
  return stage.net.events.filter((event) => event.type === 'warning' && event.code === code).length;
}

/** So many frames a millisecond, each of a MAC of its own or all of one. */
async function flood(stage: SimulatedStage, ms: number, source?: string): Promise<void> {
  for (let at = 0; at < ms; at += 10) {
    for (let n = 0; n < 500; n++) {
      const mac = source ?? `06${((at * 500 + n) % 2 ** 32).toString(16).padStart(10, '0')}`;
      stage.net.bridge.receive(P2, start(mac));
    }
    await stage.pass(10);
  }
}

describe('a port that is flooded', () => {
  it('costs its share; users beside it and on it stay; upstream is told twice, whatever comes', async () => {
    const stage = new SimulatedStage({ machines: 2 });
    stage.net.record = false;
    const [beside, inside] = [stage.machine(1), stage.machine(2)];
    const session = await stage.login(inside);
    await flood(stage, 3_000);
    expect(await stage.login(beside)).toBeDefined();
    const counters = await info(stage);
    const looked = counters['eapol-too-many-newcomers'] ?? 0;
    expect(looked).toBeLessThan(FLOOD_LIMITS.framesBurst + 3 * FLOOD_LIMITS.framesPerSecond + 100);
    expect(counters['port-flooded']).toBeGreaterThan(0);
    expect((await stage.retained(inside.mac))?.session_id).toBe(session.session_id);
    expect(warnings(stage, 'port-flooded')).toBe(1);
    await stage.pass(CALM + 1_000);
    expect(warnings(stage, 'port-flood-over')).toBe(1);
    expect(stage.net.bridge.port(P2).heard).toBeUndefined();
  });

  it('with the MAC of its own user: that one is heard less, and stays', async () => {
    const stage = new SimulatedStage({ machines: 2 });
    stage.net.record = false;
    const inside = stage.machine(2);
    const session = await stage.login(inside);
    await flood(stage, 2_000, inside.mac.replaceAll(':', ''));
    expect((await stage.retained(inside.mac))?.session_id).toBe(session.session_id);
    expect((await info(stage))['mac-flooded']).toBeGreaterThan(0);
  });

  it.each([
    ['that it does not say', {}, 40, 40],
    ['of 128 KiB', { optmemMax: 131_072 }, 60, 256],
  ])(
    'names no more MACs than the kernel has room for, by an optmem_max %s',
    async (_, kernel, named, most) => {
      const setting = { machines: 60, onePort: true };
      const stage = new SimulatedStage(setting, SIM_TIMING, SIM_CAPABILITIES, kernel);
      stage.net.record = false;
      for (let n = 1; n <= 60; n++) await stage.login(stage.machine(n));
      const port = stage.machine(1).port as PortName;
      for (let n = 0; n <= FLOOD_LIMITS.framesBurst; n++)
        stage.net.bridge.receive(port, start(`06${n.toString(16).padStart(10, '0')}`));
      await stage.pass(10);
      const heard = stage.net.bridge.port(port).heard ?? new Set();
      // Beside them there may be strangers who were about to log in.
      expect(stage.net.clients.filter(({ mac }) => heard.has(mac))).toHaveLength(named);
      expect(heard.size).toBeLessThanOrEqual(most);
    },
  );

  it('is forgotten with the port', async () => {
    const stage = new SimulatedStage({ machines: 2 });
    stage.net.record = false;
    await flood(stage, 200);
    await stage.removePort(P2);
    await stage.pass(CALM + 1_000);
    expect(warnings(stage, 'port-flood-over')).toBe(0);
  });
});

describe('a stranger who knows many MACs', () => {
  it('has no more than some of their sessions probed, and ends none', async () => {
    const stage = new SimulatedStage({ machines: 90 });
    stage.net.record = false;
    const users = Array.from({ length: 89 }, (_, n) => stage.machine(n + 1));
    for (const user of users) await stage.login(user);
    const before = stage.net.events.length;
    for (const { mac } of users) stage.net.bridge.receive('p90' as PortName, start(mac.replaceAll(':', '')));
    await stage.pass(100);
    const counters = await info(stage);
    expect(counters['mac-of-session-elsewhere']).toBe(89);
    expect(counters['too-many-sightings']).toBe(89 - 64);
    await stage.pass(5_000);
    expect(stage.net.events.slice(before).filter(({ type }) => type === 'session-end')).toEqual([]);
  });
});

describe('a client that answers without end', () => {
  it('is heard at its pace: the server is asked no more often', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      config: { ports: { 'p*': { limits: { client_responses_per_s: 5 } } } },
    });
    await stage.login(stage.machine(1));
    const { mac } = stage.machine(1);
    const response = fromHex(
      `0180c2000003${mac.replaceAll(':', '')}888e0200000602630006${'0d40'}`,
    ) as Uint8Array;
    for (let n = 0; n < 1_000; n++) stage.net.bridge.receive('p1' as PortName, response);
    await stage.pass(100);
    expect((await info(stage))['eap-too-many-responses']).toBeGreaterThan(700);
  });
});

describe('a port on which the kernel reports unknown MACs', () => {
  it('is taken off the reports by a flood of them, told of once, and gets them back after a calm', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      config: { ports: { 'p*': { mab: { enabled: true, delay_s: 3600 } } } },
    });
    stage.net.record = false;
    const port = 'p1' as PortName;
    const vlan = 0 as VlanId;
    expect(stage.net.bridge.port(port).mab).toBe(true);
    for (let n = 0; n < 3_000; n++) {
      const mac = `06:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`;
      stage.net.post({
        type: 'dataplane',
        event: { type: 'mab-candidate', key: { mac: mac as Mac, port, vlan } },
      });
    }
    expect(stage.net.bridge.port(port)).toMatchObject({ mab: false, locked: true });
    expect((await info(stage))['mab-flooded']).toBe(3_000 - 1_024);
    expect(warnings(stage, 'mab-flooded')).toBe(1);
    await stage.pass(CALM + 100);
    expect(stage.net.bridge.port(port)).toMatchObject({ mab: true, locked: true });
  });

  it('loses notices: the table is read once a second, and upstream hears of it once a minute', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const dumps = (): number =>
      stage.net.performed.filter(({ effect }) => effect.type === 'read-ports').length;
    await stage.pass(2_000);
    const before = dumps();
    for (let n = 0; n < 500; n++) {
      stage.net.post({ type: 'dataplane', event: { type: 'overrun' } });
      await stage.pass(10);
    }
    await stage.pass(2_000);
    expect(dumps() - before).toBeGreaterThanOrEqual(5);
    expect(dumps() - before).toBeLessThanOrEqual(7);
    expect(warnings(stage, 'overrun')).toBe(1);
    expect((await info(stage))['dataplane-overrun']).toBe(500);
  });
});

it('a capture that ends by itself, on a port that is up all the while, is made anew: who comes is heard', async () => {
  const stage = new SimulatedStage({ machines: 2 });
  stage.net.bridge.port(P2).captured = false;
  stage.net.post({ type: 'capture-ended', port: P2 });
  await stage.pass(1_500);
  expect(stage.net.bridge.port(P2).captured).toBe(true);
  expect(await stage.login(stage.machine(2))).toBeDefined();
  expect(warnings(stage, 'port')).toBe(0);
});
