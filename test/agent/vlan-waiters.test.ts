// Somebody is on the way into a port's VLAN, and the data plane takes its time over the entry; who waits for that VLAN
// meanwhile has an answer as soon as there is a session to judge.

import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { sendVlan, WITH_DYNAUTH } from '../rigs/sim/dynamic-authorization.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import type { Machine } from '../scenarios/stage.ts';

const P1 = 'p1' as PortName;
const CONFIG = { ...WITH_DYNAUTH, ports: { 'p*': { auth_fail_vlan: 30 } } };

interface Scene {
  readonly stage: SimulatedStage;
  readonly one: Machine;
  readonly two: Machine;
}

const sceneOf = (replies: Readonly<Record<string, { readonly vlan: string }>>): Scene => {
  const stage = new SimulatedStage({
    machines: 2,
    onePort: true,
    vlans: { onUplink: [30, 40] },
    replies,
    config: CONFIG,
  });
  return { stage, one: stage.machine(1), two: stage.machine(2) };
};

const standing = ({ stage }: Scene, { mac }: Machine) =>
  stage.invariants.core.parts.supplicants.standing(mac as Mac, P1);
const vlanOf = ({ stage }: Scene, { mac }: Machine) =>
  stage.invariants.core.sessions.ofMac(mac as Mac)?.session.vlans?.untagged;

describe('beside a session, another client is on its way into the same VLAN', () => {
  async function waiting(): Promise<Scene> {
    const scene = sceneOf({ u1: { vlan: '30' }, u2: { vlan: '30' } });
    const { stage, one, two } = scene;
    await stage.login(one);
    stage.net.holdGrants(true);
    await stage.begin(two);
    await stage.pass(1_000);
    expect(standing(scene, two)).toBe('granting');
    return scene;
  }

  it('a CoA-Request for another VLAN is answered once both are in, and both stay', async () => {
    const scene = await waiting();
    const { stage, one, two } = scene;
    const answer = sendVlan(stage, 'u1', '40');
    await stage.pass(200);
    expect(answer()).toBeUndefined();
    stage.net.holdGrants(false);
    await stage.pass(1_000);
    expect(answer()?.code).toBe('CoA-NAK');
    expect([vlanOf(scene, one), vlanOf(scene, two)]).toEqual([30, 30]);
  });

  it('a reauthentication into another VLAN has its end, too', async () => {
    const scene = await waiting();
    const { stage, one } = scene;
    await stage.setReply('u1', { vlan: '40' });
    await stage.ask('reauthenticate', { mac: one.mac });
    await stage.pass(200);
    expect(standing(scene, one)).toBe('granting');
    stage.net.holdGrants(false);
    await stage.pass(1_000);
    expect(standing(scene, one)).not.toBe('granting');
  });
});

it('a login that only a fallback on its way is in the way of gets in', async () => {
  const scene = sceneOf({ u1: { vlan: '40' } });
  const { stage, one, two } = scene;
  const { core } = stage.invariants;
  stage.net.holdGrants(true);
  core.now = stage.net.world.clocks;
  core.parts.fallback.failed(two.mac as Mac, P1, { by: 'dot1x', failure: 'access-reject' });
  stage.net.post({ type: 'tick' });
  await stage.pass(1_000);
  await stage.begin(one);
  await stage.pass(500);
  expect(standing(scene, one)).toBe('granting');
  stage.net.holdGrants(false);
  await stage.pass(2_000);
  expect(vlanOf(scene, one)).toBe(40);
  expect(vlanOf(scene, two)).toBeUndefined();
});
