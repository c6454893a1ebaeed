// Who is on the way in, and is turned back half-way: nothing of it stays behind.

import { expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import type { AuthMethod } from '../../src/model/authorization.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

it('from MAB to 802.1X where its VLAN cannot be set: out, with its entry gone and the port shut', async () => {
  const mab = { enabled: true, delay_s: 1, kernel: false, authentication: 'eap-md5', quiet_s: 30 };
  const stage = new SimulatedStage({
    machines: 2,
    onePort: true,
    devices: [1],
    vlans: { onUplink: [30] },
    replies: { u1: { vlan: '30' }, d1: { vlan: '30' } },
    config: { ports: { 'p*': { host_mode: 'multi-host', mab } } },
  });
  const [first, second] = [stage.machine(1), stage.machine(2)];
  await stage.until('a ping', () => stage.passes(first), 60_000);
  expect((await stage.retained(first.mac))?.method).toBe('mab');
  expect(await stage.passes(second)).toBe(true);
  // Somebody changes the port by hand, so that there is something to set.
  stage.net.bridge.port('p1').vlans.set(1, { pvid: false, untagged: true });
  // The repair of it, and, a second later, what is set for the newcomer.
  stage.failVlans(2);
  await stage.begin(first);
  await stage.pass(500);
  await stage.killSupplicant(first);
  await stage.pass(1_000);
  expect(stage.events('auth-failed').map(({ method, reason }) => [method, reason])).toContainEqual([
    'dot1x',
    'grant-failed',
  ]);
  expect(await stage.retained(first.mac)).toBeUndefined();
  expect(await stage.grantedVlans(first.mac)).toEqual([]);
  expect(stage.net.bridge.port('p1').locked).toBe(true);
  expect(await stage.passes(second)).toBe(false);
});

it('one of two entries cannot be written: the port keeps the VLAN of the other until that is gone, too', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    vlans: { onUplink: [30, 40] },
    replies: { u1: { vlan: '30', egress: ['140'] } },
  });
  const machine = stage.machine(1);
  const before = await stage.vlansOf(machine.port);
  stage.failGrants(1);
  await stage.begin(machine);
  await stage.pass(1_000);
  expect(stage.events('auth-failed').map(({ reason }) => reason)).toEqual(['grant-failed']);
  expect(await stage.grantedVlans(machine.mac)).toEqual([]);
  expect(await stage.vlansOf(machine.port)).toEqual(before);
});

const METHODS: readonly AuthMethod[] = ['dot1x', 'mab'];

it.each(METHODS)(
  'on its way in by %s: no fallback takes its place, here or on another port',
  async (method) => {
    const stage = new SimulatedStage({
      machines: 2,
      vlans: { onUplink: [30, 40] },
      config: { ports: { 'p*': { guest_vlan: 40 } } },
    });
    const { core } = stage.invariants;
    const mac = stage.machine(1).mac as Mac;
    const port = 'p1' as PortName;
    const authorization = {
      userName: 'x',
      classes: [],
      reauthenticateAtTimeout: false,
      server: 's',
      vlan: '30',
    };
    const sessionId = core.parts.accountant.newSessionId();
    core.now = stage.net.world.clocks;
    core.parts.life.admit({ mac, port, method, authorization, sessionId, multiId: sessionId });
    for (const place of [port, 'p2' as PortName])
      core.parts.fallback.failed(mac, place, { by: 'dot1x', failure: 'client-silent' });
    stage.net.post({ type: 'tick' });
    await stage.pass(100);
    expect(core.sessions.ofMac(mac)?.session).toMatchObject({ method, vlans: { untagged: 30 } });
    expect(stage.events('session-start')).toHaveLength(1);
  },
);

it('on its way in by a fallback: authenticated meanwhile, it is told that it stays out', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    vlans: { onUplink: [30, 40] },
    config: { ports: { 'p*': { guest_vlan: 40 } } },
  });
  const { core } = stage.invariants;
  const mac = stage.machine(1).mac as Mac;
  const port = 'p1' as PortName;
  const authorization = { userName: 'x', classes: [], reauthenticateAtTimeout: false, server: 's' };
  const sessionId = core.parts.accountant.newSessionId();
  core.now = stage.net.world.clocks;
  core.parts.fallback.failed(mac, port, { by: 'dot1x', failure: 'client-silent' });
  core.parts.life.admit({ mac, port, method: 'dot1x', authorization, sessionId, multiId: sessionId });
  stage.net.post({ type: 'tick' });
  await stage.pass(100);
  expect(core.sessions.ofMac(mac)?.session.method).toBe('dot1x');
  const said = core.decisions.about(mac).map(({ what, detail }) => [what, detail]);
  expect(said).toContainEqual(['no fallback', 'it gets in by dot1x meanwhile']);
});
