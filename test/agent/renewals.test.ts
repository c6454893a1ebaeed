// A newer word for a session while its change of VLANs is still under way: the session goes on under the newer one.

import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { sendVlan, WITH_DYNAUTH } from '../rigs/sim/dynamic-authorization.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { deviceName, PASSWORD } from '../scenarios/stage.ts';

const P1 = 'p1' as PortName;
describe('while somebody else leaves the port, slowly', () => {
  let stage: SimulatedStage;

  /** The first client is in VLAN 30 beside a fallback there, whose entry cannot be removed at once. */
  async function begin(method: 'dot1x' | 'mab'): Promise<void> {
    const mab = { enabled: method === 'mab', delay_s: 1, kernel: false, authentication: 'eap-md5' };
    stage = new SimulatedStage({
      machines: 2,
      onePort: true,
      vlans: { onUplink: [30, 40, 50] },
      devices: [1],
      replies: { u1: { vlan: '30' }, d1: { vlan: '30' } },
      config: {
        ...WITH_DYNAUTH,
        ports: { 'p*': { auth_fail_vlan: 30, mab } },
      },
    });
    const machine = stage.machine(1);
    if (method === 'dot1x') await stage.login(machine);
    else {
      await stage.until('a ping', () => stage.passes(machine), 60_000);
    }
    const other = stage.machine(2);
    const { core } = stage.invariants;
    core.now = stage.net.world.clocks;
    core.parts.fallback.failed(other.mac as Mac, P1, { by: method, failure: 'access-reject' });
    stage.net.post({ type: 'tick' });
    await stage.until('a fallback', () => stage.retained(other.mac), 60_000);
  }

  beforeEach(() => begin('dot1x'));

  const mac = '02:99:00:00:00:01' as Mac;
  const session = () => stage.invariants.core.sessions.ofMac(mac)?.session;

  /** The data plane takes its time to remove the other one's entry; what lets it answer. */
  function slowly(): () => void {
    const { core } = stage.invariants;
    const { life } = core.parts;
    const answer = life.tableDone.bind(life);
    const held: Parameters<typeof answer>[0][] = [];
    const spy = vi.spyOn(life, 'tableDone').mockImplementation((result) => {
      if ('mac' in result.key && result.key.mac === stage.machine(2).mac) held.push(result);
      else answer(result);
    });
    return () => {
      expect(held).toHaveLength(1);
      spy.mockRestore();
      core.now = stage.net.world.clocks;
      for (const result of held) answer(result);
      stage.net.post({ type: 'tick' });
    };
  }

  async function reauthenticate(vlan: string): Promise<void> {
    await stage.setReply('u1', { vlan });
    await stage.ask('reauthenticate', { mac });
    await stage.pass(500);
  }

  async function expectIn(vlan: number, id: string | undefined): Promise<void> {
    await stage.pass(20_000);
    expect(session()?.id).toBe(id);
    expect(session()?.vlans.untagged).toBe(vlan);
    expect(await stage.grantedVlans(mac)).toEqual([vlan]);
    expect((await stage.vlansOf('p1')).pvid).toBe(vlan);
  }

  it('a CoA-Request after a reauthentication: in its VLAN, and both are done', async () => {
    const id = session()?.id;
    const answered = slowly();
    await reauthenticate('40');
    expect(session()?.vlans.untagged).toBe(30);
    const answer = sendVlan(stage, 'u1', '50');
    answered();
    await expectIn(50, id);
    expect(answer()?.code).toBe('CoA-ACK');
    // The reauthentication has come to its end: another one can be.
    await reauthenticate('50');
    await expectIn(50, id);
    expect(stage.invariants.core.parts.supplicants.standing(mac, P1)).toBe('talking');
  });

  it('a reauthentication after a CoA-Request: in its VLAN, and the request is refused', async () => {
    const id = session()?.id;
    const answered = slowly();
    const answer = sendVlan(stage, 'u1', '40');
    await reauthenticate('50');
    answered();
    await expectIn(50, id);
    expect(answer()?.code).toBe('CoA-NAK');
  });

  it('no renewal of a session is begun in the midst of another one', async () => {
    const { life } = stage.invariants.core.parts;
    const renew = life.renew.bind(life);
    const depths: number[] = [];
    let depth = 0;
    vi.spyOn(life, 'renew').mockImplementation((unit, ...word) => {
      if (unit.session.key === session()?.key) depths.push(depth);
      depth++;
      const renewal = renew(unit, ...word);
      depth--;
      return renewal;
    });
    const answered = slowly();
    sendVlan(stage, 'u1', '40');
    await reauthenticate('50');
    answered();
    await stage.pass(20_000);
    expect(depths).toEqual([0, 0]);
    expect(session()?.vlans.untagged).toBe(50);
  });

  it('a reauthentication back to where it is: nothing has changed', async () => {
    const id = session()?.id;
    const answered = slowly();
    const answer = sendVlan(stage, 'u1', '40');
    await reauthenticate('30');
    answered();
    await expectIn(30, id);
    expect(answer()?.code).toBe('CoA-NAK');
  });

  it('a CoA-Request that cannot be done: the reauthentication is refused with it, and the session is over', async () => {
    const answered = slowly();
    await reauthenticate('40');
    const answer = sendVlan(stage, 'u1', '77');
    await stage.pass(200);
    expect(answer()?.code).toBe('CoA-NAK');
    expect(session()).toBeUndefined();
    expect(stage.events('session-end').map(({ cause }) => cause)).toContain('nas-error');
    await stage.killSupplicant(stage.machine(1));
    answered();
    await stage.pass(20_000);
    expect(await stage.grantedVlans(mac)).toEqual([]);
  });

  it('by MAB as well: two reauthentications and a CoA-Request', async () => {
    await begin('mab');
    const id = session()?.id;
    expect(session()?.method).toBe('mab');
    const answered = slowly();
    for (const vlan of ['40', '50']) {
      await stage.setReply(deviceName(1), { vlan });
      await stage.ask('reauthenticate', { mac });
      await stage.pass(500);
    }
    const answer = sendVlan(stage, deviceName(1), '40');
    answered();
    await expectIn(40, id);
    expect(answer()?.code).toBe('CoA-ACK');
  });

  it('whose entry cannot be removed: a CoA-Request is refused, and the session stays where it is', async () => {
    const id = session()?.id;
    stage.failRevokes(3);
    const answer = sendVlan(stage, 'u1', '40');
    await stage.pass(200);
    expect(answer()?.code).toBe('CoA-NAK');
    expect(session()?.vlans.untagged).toBe(30);
    await stage.pass(10_000);
    expect(sendVlan(stage, 'u1', '40')()?.code).toBe('CoA-ACK');
    await expectIn(40, id);
  });
});

it('in the way is somebody who was turned back, and whose entry cannot be removed: refused at once', async () => {
  const stage = new SimulatedStage({
    machines: 2,
    onePort: true,
    vlans: { onUplink: [30, 40] },
    replies: { u1: { vlan: '30' }, u2: { vlan: '30' } },
    config: WITH_DYNAUTH,
  });
  const [one, two] = [stage.machine(1), stage.machine(2)];
  await stage.login(one);
  stage.net.holdGrants(true);
  await stage.begin(two);
  await stage.pass(1_000);
  stage.failRevokes(1_000_000);
  await stage.killSupplicant(two);
  await stage.ask('disconnect', { mac: two.mac });
  stage.net.holdGrants(false);
  await stage.pass(500);
  const answer = sendVlan(stage, 'u1', '40');
  await stage.pass(100);
  expect(answer()).toMatchObject({ code: 'CoA-NAK', errorCause: 506 });
  const [event] = stage.events('dynamic-authorization');
  expect(event?.detail).toContain(`for ${two.mac}, whose entry cannot be removed`);
});

describe('a CoA-Request of two sessions on one port', () => {
  it.each([0, 1])('the entry of one cannot be written (%d): both are where they were', async (nth) => {
    const stage = new SimulatedStage({
      machines: 2,
      onePort: true,
      vlans: { onUplink: [30, 40] },
      replies: { u1: { vlan: '30' } },
      config: WITH_DYNAUTH,
    });
    const machines = [1, 2].map((n) => stage.machine(n));
    for (const machine of machines) await stage.login(machine, { user: 'u1', password: PASSWORD });
    let count = 0;
    Object.defineProperty(stage.net.faults, 'grants', {
      get: () => (count++ === nth ? 1 : 0),
      set: () => {},
    });
    const answer = sendVlan(stage, 'u1', '40');
    await stage.pass(1_000);
    expect(count).toBeGreaterThan(nth);
    expect(answer()?.code).toBe('CoA-NAK');
    expect(await stage.vlansOf('p1')).toEqual({ pvid: 30, untagged: [30], tagged: [] });
    for (const machine of machines) {
      expect(await stage.grantedVlans(machine.mac)).toEqual([30]);
      expect(await stage.passes(machine)).toBe(true);
    }
    expect(stage.events('session-end')).toEqual([]);
  });
});
