// VLANs that a port has for those whom no server has let in (guest, auth-fail, critical), and for voice.

import assert from 'node:assert/strict';
import { enter, expectEnd, expectIn, expectRecords } from './expectations.ts';
import type { Machine, Scenario, VlanStage } from './stage.ts';
import {
  expectFound,
  expectRefused,
  expectVlans,
  only,
  PROBED,
  SOON_MS,
  UPLINK_VLANS,
} from './vlan-expectations.ts';

const guest: Scenario<VlanStage> = {
  name: 'guest: who does not answer EAPOL is in the guest VLAN, visible and watched, until it authenticates',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, ports: { 'p*': { guest_vlan: 90, dot1x: { tx_period_s: 1 } } } },
    replies: { u1: { vlan: '30' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await stage.announce(machine);
    const session = await stage.until(
      'a guest',
      async () => (await stage.retained(machine.mac)) ?? undefined,
      60_000,
    );
    assert.equal(session.method, 'guest');
    assert.equal(session.authenticated, false);
    assert.equal(session.vlan, 90);
    assert.equal(await stage.passes(machine), true);
    await expectVlans(stage, 'p1', only(90));
    const started = await stage.login(machine);
    assert.equal(started.vlan, 30);
    const end = stage.events('session-end').find(({ session_id }) => session_id === session.session_id);
    assert.equal(end?.cause, 'authorization-changed');
    await expectVlans(stage, 'p1', only(30));
    await expectRecords(stage, session, []);
    await expectRecords(stage, started, ['Start']);
    await stage.logoff(machine);
    await expectEnd(stage, started, { cause: 'supplicant-logoff', withinMs: SOON_MS });
  },
};

const authFail: Scenario<VlanStage> = {
  name: 'auth-fail: whom the server refuses is in that VLAN, is out when it falls silent, and RADIUS hears nothing',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, ports: { 'p*': { auth_fail_vlan: 91 } }, radius: { accounting: { interim_s: 2 } } },
  }),
  play: async (stage) => {
    const { periodS, times } = stage.timing;
    const machine = stage.machine(1);
    await stage.attempt(machine, { user: 'u1', password: 'wrong' });
    const session = await stage.until('a session', () => stage.retained(machine.mac), SOON_MS);
    assert.equal(session.method, 'auth-fail');
    assert.equal(session.vlan, 91);
    assert.equal(await stage.passes(machine), true);
    // Longer than between two Interim-Updates.
    await stage.pass(5_000);
    await stage.silence(machine);
    const end = await stage.until(
      'its end',
      () => stage.events('session-end').find(({ session_id }) => session_id === session.session_id),
      (times + 2) * periodS * 1000,
    );
    assert.equal(end.cause, 'handshake-timeout');
    await expectFound(stage, 'p1');
    assert.equal(await stage.retained(machine.mac), undefined);
    await expectRecords(stage, session, []);
  },
};

const yields: Scenario<VlanStage> = {
  name: 'a guest in the way of an authenticated client is out of its VLAN, and the client is in',
  setting: () => ({
    machines: 2,
    onePort: true,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, ports: { 'p*': { auth_fail_vlan: 91 } } },
    replies: { u2: { vlan: '30' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    await stage.attempt(first, { user: 'u1', password: 'wrong' });
    const session = await stage.until('a session', () => stage.retained(first.mac), SOON_MS);
    await stage.killSupplicant(first);
    const next = await enter(stage, second);
    assert.equal(next.vlan, 30);
    const end = stage.events('session-end').find(({ session_id }) => session_id === session.session_id);
    assert.equal(end?.cause, 'authorization-changed');
    await expectVlans(stage, 'p1', only(30));
    assert.equal(await stage.passes(first), false);
  },
};

const critical: Scenario<VlanStage> = {
  name: 'critical VLAN: newcomers while no server answers; as soon as one does they authenticate',
  setting: () => ({
    machines: 2,
    vlans: UPLINK_VLANS,
    config: {
      ...PROBED,
      // Long enough for the server to be judged dead.
      ports: { 'p*': { critical: 'vlan', critical_vlan: 92, dot1x: { server_timeout_s: 10 } } },
      radius: { dead_time_s: 5 },
    },
    replies: { u1: { vlan: '30' }, u2: { vlan: '40' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const running = await enter(stage, first);
    await expectRecords(stage, running, ['Start']);
    await stage.serverSilent(true);
    await stage.begin(second);
    // One client alone does not make a server dead that may know no Status-Server.
    await stage.ask('reauthenticate', { mac: first.mac });
    const session = await stage.until('a session', () => stage.retained(second.mac), 60_000);
    assert.equal(session.method, 'critical');
    assert.equal(session.vlan, 92);
    assert.equal(await stage.passes(second), true);
    await expectIn(stage, first, running);
    await stage.serverSilent(false);
    await stage.until(
      'authenticated',
      async () => (await stage.retained(second.mac))?.method === 'dot1x',
      120_000,
    );
    assert.equal((await stage.retained(second.mac))?.vlan, 40);
    await expectVlans(stage, 'p2', only(40));
    await expectRecords(stage, session, []);
  },
};

const byMac: Scenario<VlanStage> = {
  name: 'with MAB: a known device is in the VLAN of its Accept, a stranger is a guest, who failed 802.1X is in auth-fail',
  setting: () => ({
    machines: 4,
    vlans: UPLINK_VLANS,
    devices: [1],
    config: {
      ...PROBED,
      ports: {
        'p*': {
          // Without notices of the kernel's, whose locked entries would be read as something left behind.
          mab: { enabled: true, delay_s: 1, kernel: false, authentication: 'eap-md5' },
          dot1x: { tx_period_s: 1 },
          guest_vlan: 90,
          auth_fail_vlan: 91,
        },
        p4: { mab: { after_dot1x_failure: true } },
      },
    },
    replies: { d1: { vlan: '30' } },
  }),
  play: async (stage) => {
    const [device, stranger, refused, twice] = [1, 2, 3, 4].map((n) => stage.machine(n)) as [
      Machine,
      Machine,
      Machine,
      Machine,
    ];
    for (const machine of [refused, twice])
      await stage.attempt(machine, { user: `u${machine.n}`, password: 'wrong' });
    for (const [machine, method, vlan] of [
      [device, 'mab', 30],
      [stranger, 'guest', 90],
      [refused, 'auth-fail', 91],
      [twice, 'auth-fail', 91],
    ] as const) {
      const session = await stage.until(
        `${machine.port} in by ${method}`,
        async () => {
          // It speaks until it is heard.
          await stage.passes(machine);
          return stage.retained(machine.mac);
        },
        60_000,
      );
      assert.deepEqual([session.method, session.vlan], [method, vlan]);
      await expectVlans(stage, machine.port, only(vlan));
      assert.equal(await stage.passes(machine), true);
      assert.equal(await stage.heardIn(machine), vlan);
      await expectRecords(stage, session, method === 'mab' ? ['Start'] : []);
    }
    const tried = ({ mac }: Machine): readonly string[] => [
      ...new Set(stage.events('auth-failed').flatMap((event) => (event.mac === mac ? [event.method] : []))),
    ];
    assert.deepEqual([tried(refused), tried(twice)], [['dot1x'], ['dot1x', 'mab']]);
    await stage.ask('drain');
    for (const { port } of [device, stranger, refused, twice]) await expectFound(stage, port);
  },
};

const voice: Scenario<VlanStage> = {
  name: 'multi-domain: one data and one voice device, each in its VLAN; a second of a kind is refused',
  setting: () => ({
    machines: 3,
    onePort: true,
    vlans: UPLINK_VLANS,
    users: ['phone2'],
    config: {
      ...PROBED,
      ports: { 'p*': { host_mode: 'multi-domain', voice_vlan: 40, dot1x: { quiet_period_s: 1 } } },
    },
    replies: { u1: { vlan: '30' }, u2: { voice: true }, phone2: { voice: true } },
  }),
  play: async (stage) => {
    const [data, phone, third] = [1, 2, 3].map((n) => stage.machine(n)) as [Machine, Machine, Machine];
    const one = await enter(stage, data);
    await expectRefused(stage, third, { user: 'u3', why: /multi-domain: the port has its data device/ });
    const two = await stage.login(phone);
    assert.equal(two.domain, 'voice');
    assert.equal(two.vlan, 40);
    await expectVlans(stage, 'p1', only(30, [40]));
    await stage.tag(phone, 40);
    assert.equal(await stage.passes(phone), true);
    // Asked in its VLAN, it answers.
    await stage.pass(6 * stage.timing.periodS * 1000);
    await expectIn(stage, phone, two);
    await expectIn(stage, data, one);
    await stage.logoff(phone);
    await expectEnd(stage, two, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectVlans(stage, 'p1', only(30));
  },
};

const reconfigured: Scenario<VlanStage> = {
  name: 'a guest VLAN that the configuration does not have any more: its guests are out of it',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, ports: { 'p*': { auth_fail_vlan: 91 } } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await stage.attempt(machine, { user: 'u1', password: 'wrong' });
    const session = await stage.until('a session', () => stage.retained(machine.mac), SOON_MS);
    await stage.killSupplicant(machine);
    const { text } = (await stage.ask('config', { get: true })) as { readonly text: string };
    const plain = text
      .replace(/secret: .*/g, 'secret: testing123')
      .replace('auth_fail_vlan: 91', 'auth_fail_vlan: 92');
    await stage.ask('config', { apply: plain });
    const end = await stage.until(
      'its end',
      () => stage.events('session-end').find(({ session_id }) => session_id === session.session_id),
      SOON_MS,
    );
    assert.equal(end.cause, 'authorization-changed');
    await expectFound(stage, 'p1');
  },
};

export const VLAN_FALLBACKS: readonly Scenario<VlanStage>[] = [
  guest,
  authFail,
  yields,
  critical,
  byMac,
  voice,
  reconfigured,
];
