// Where clients go without a server's word, on ports that know both ways of authenticating.

import assert from 'node:assert/strict';
import type { SessionPayload } from '../../src/report/payloads.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { expectRecords } from './expectations.ts';
import { deviceName, type Machine, PASSWORD, type Scenario, type Setting, type VlanStage } from './stage.ts';

const SOON_MS = 15_000;
const LATER_MS = 120_000;
const WRONG = 'wrong';
const VLANS = { onUplink: [30, 40, 90, 91, 92] };
const ORDERS = [
  ['dot1x', 'mab'],
  ['mab', 'dot1x'],
] as const;

type Order = (typeof ORDERS)[number];

/** Every fallback there is, in VLANs of their own; machine 1 is u1 in VLAN 30, or a device in VLAN 40. */
function setting(order: Order, mab: ConfigPart = {}): Setting {
  const bypass = { enabled: true, delay_s: 1, kernel: false, authentication: 'eap-md5', quiet_s: 3, order };
  const fallbacks = { guest_vlan: 90, auth_fail_vlan: 91, critical: 'vlan', critical_vlan: 92 };
  const dot1x = { tx_period_s: 1, quiet_period_s: 3, server_timeout_s: 10 };
  return {
    machines: 3,
    vlans: VLANS,
    devices: [1],
    replies: { u1: { vlan: '30' }, u2: { vlan: '30' }, u3: { vlan: '30' }, d1: { vlan: '40' } },
    config: {
      ports: { 'p*': { ...fallbacks, dot1x, mab: { ...bypass, ...mab } } },
      radius: { dead_time_s: 5 },
      roles: { default: { handshake: { times: 20 } } },
    },
  };
}

/** Until its session is by this method, it says something now and then. */
async function becomes(
  stage: VlanStage,
  machine: Machine,
  { method, vlan, withinMs = SOON_MS }: { method: string; vlan: number; withinMs?: number },
): Promise<SessionPayload> {
  const session = await stage.until(
    `${machine.mac} by ${method}`,
    async () => {
      await stage.announce(machine);
      await stage.pass(500);
      const now = await stage.retained(machine.mac);
      return now?.method === method ? now : undefined;
    },
    withinMs,
  );
  assert.equal(session.vlan, vlan);
  assert.deepEqual(await stage.grantedVlans(machine.mac), [vlan]);
  assert.equal((await stage.vlansOf(machine.port)).pvid, vlan);
  return session;
}

/** It ended for the one that came after it, and RADIUS never heard of it. */
async function expectReplaced(stage: VlanStage, session: SessionPayload): Promise<void> {
  const ended = () => stage.events('session-end').find(({ session_id }) => session_id === session.session_id);
  assert.equal((await stage.until('its end', ended, SOON_MS)).cause, 'authorization-changed');
  assert.deepEqual(
    (await stage.accounting()).filter(({ sessionId }) => sessionId === session.session_id),
    [],
  );
}

function unknownDevice(order: Order): Scenario<VlanStage> {
  return {
    name: `${order}: a device that the server does not know is a guest, until it knows it`,
    setting: () => setting(order),
    play: async (stage) => {
      const machine = stage.machine(1);
      await stage.setPassword(deviceName(1), WRONG);
      const guest = await becomes(stage, machine, { method: 'guest', vlan: 90, withinMs: 60_000 });
      await stage.pass(20_000);
      assert.equal((await stage.retained(machine.mac))?.session_id, guest.session_id, 'and stays it');
      await stage.setPassword(deviceName(1), deviceName(1));
      const known = await becomes(stage, machine, { method: 'mab', vlan: 40, withinMs: LATER_MS });
      await expectReplaced(stage, guest);
      await expectRecords(stage, known as Parameters<typeof expectRecords>[1], ['Start']);
    },
  };
}

function refused(order: Order, after: boolean): Scenario<VlanStage> {
  return {
    name: `${order}, after_dot1x_failure ${after}: who is refused by 802.1X and has no MAC of note is auth-fail`,
    setting: () => setting(order, { after_dot1x_failure: after }),
    play: async (stage) => {
      const machine = stage.machine(1);
      await stage.setPassword(deviceName(1), WRONG);
      await stage.setPassword('u1', WRONG);
      await stage.begin(machine);
      const failed = await becomes(stage, machine, { method: 'auth-fail', vlan: 91, withinMs: 60_000 });
      await stage.setPassword('u1', PASSWORD);
      await becomes(stage, machine, { method: 'dot1x', vlan: 30, withinMs: LATER_MS });
      await expectReplaced(stage, failed);
    },
  };
}

const knownByMac: Scenario<VlanStage> = {
  name: 'after_dot1x_failure: who is refused by 802.1X and is known by MAC is in by that, and in no fallback',
  setting: () => setting(ORDERS[0], { after_dot1x_failure: true }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await stage.setPassword('u1', WRONG);
    await stage.begin(machine);
    await becomes(stage, machine, { method: 'mab', vlan: 40, withinMs: 60_000 });
    assert.deepEqual(
      stage.events('session-start').map(({ session }) => session.method),
      ['mab'],
    );
  },
};

const notByMac: Scenario<VlanStage> = {
  name: 'without after_dot1x_failure who is refused by 802.1X is auth-fail at once, whatever its MAC is',
  setting: () => setting(ORDERS[0]),
  play: async (stage) => {
    const machine = stage.machine(1);
    await stage.setPassword('u1', WRONG);
    await stage.begin(machine);
    await stage.until('a session', () => stage.retained(machine.mac), 2_000);
    await becomes(stage, machine, { method: 'auth-fail', vlan: 91, withinMs: 2_000 });
  },
};

function outage(order: Order): Scenario<VlanStage> {
  return {
    name: `${order}: no server answers: all are in critical_vlan, and each gets in by its own way afterwards`,
    setting: () => setting(order),
    play: async (stage) => {
      const [device, first, second] = [1, 2, 3].map((n) => stage.machine(n)) as [Machine, Machine, Machine];
      await stage.serverSilent(true);
      // Two ports, so that it is certain.
      await stage.begin(first);
      await stage.begin(second);
      const waiting = [
        await becomes(stage, first, { method: 'critical', vlan: 92, withinMs: LATER_MS }),
        await becomes(stage, second, { method: 'critical', vlan: 92, withinMs: LATER_MS }),
        await becomes(stage, device, { method: 'critical', vlan: 92, withinMs: SOON_MS }),
      ];
      await stage.pass(60_000);
      assert.deepEqual(stage.events('session-end'), [], 'they stay there');
      await stage.serverSilent(false);
      await becomes(stage, first, { method: 'dot1x', vlan: 30, withinMs: LATER_MS });
      await becomes(stage, second, { method: 'dot1x', vlan: 30, withinMs: LATER_MS });
      await becomes(stage, device, { method: 'mab', vlan: 40, withinMs: LATER_MS });
      for (const session of waiting) await expectReplaced(stage, session);
    },
  };
}

const refusedAfterOutage: Scenario<VlanStage> = {
  name: 'critical, and then refused by both ways: auth-fail',
  setting: () => setting(ORDERS[0], { after_dot1x_failure: true }),
  play: async (stage) => {
    const [machine, other] = [stage.machine(1), stage.machine(2)];
    await stage.setPassword(deviceName(1), WRONG);
    await stage.setPassword('u1', WRONG);
    await stage.serverSilent(true);
    await stage.begin(machine);
    await stage.begin(other);
    const critical = await becomes(stage, machine, { method: 'critical', vlan: 92, withinMs: LATER_MS });
    await stage.serverSilent(false);
    await becomes(stage, machine, { method: 'auth-fail', vlan: 91, withinMs: LATER_MS });
    await expectReplaced(stage, critical);
  },
};

export const BYPASS_FALLBACKS: readonly Scenario<VlanStage>[] = [
  ...ORDERS.map(unknownDevice),
  ...ORDERS.flatMap((order) => [refused(order, false), refused(order, true)]),
  knownByMac,
  notByMac,
  ...ORDERS.map(outage),
  refusedAfterOutage,
];
