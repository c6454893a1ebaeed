// VLANs that a server gives, by the Accept or by a CoA-Request: what the port carries meanwhile, and that it is as it was
// found afterwards.

import assert from 'node:assert/strict';
import { enter, expectEnd, expectIn, expectOut } from './expectations.ts';
import { type Machine, PASSWORD, type Scenario, type VlanStage } from './stage.ts';
import {
  expectFound,
  expectRefused,
  expectVlans,
  expectVlansSoon,
  FOUND,
  IMPATIENT,
  only,
  PROBED,
  SOON_MS,
  UPLINK_VLANS,
} from './vlan-expectations.ts';

const native: Scenario<VlanStage> = {
  name: "without a VLAN of the server: in the port's own, which nothing changes",
  setting: () => ({ machines: 1, vlans: UPLINK_VLANS, config: PROBED }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    assert.equal(session.vlan, 1);
    assert.deepEqual(await stage.grantedVlans(machine.mac), [1]);
    await expectVlans(stage, 'p1', FOUND);
    await stage.logoff(machine);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectOut(stage, machine);
    await expectVlans(stage, 'p1', FOUND);
  },
};

const dynamic: Scenario<VlanStage> = {
  name: 'a VLAN of the server, by id and by name: the port is in it as long as the session lasts',
  setting: () => ({
    machines: 2,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, vlans: { staff: 30 } },
    replies: { u1: { vlan: '40' }, u2: { vlan: 'staff' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const sessions = [await enter(stage, first), await enter(stage, second)];
    assert.deepEqual(
      sessions.map(({ vlan }) => vlan),
      [40, 30],
    );
    await expectVlans(stage, 'p1', only(40));
    await expectVlans(stage, 'p2', only(30));
    assert.deepEqual(await stage.grantedVlans(first.mac), [40]);
    assert.deepEqual([await stage.heardIn(first), await stage.heardIn(second)], [40, 30]);
    await stage.logoff(first);
    assert.ok(sessions[0] && sessions[1]);
    await expectEnd(stage, sessions[0], { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectOut(stage, first);
    await expectFound(stage, 'p1');
    await expectVlans(stage, 'p2', only(30));
    await stage.ask('disconnect', { user: 'u2' });
    await expectEnd(stage, sessions[1], { cause: 'admin-reset', withinMs: SOON_MS });
    await expectFound(stage, 'p2');
  },
};

const silentInVlan: Scenario<VlanStage> = {
  name: 'who falls silent in a VLAN of the server is out of it, and the port is as it was found',
  setting: () => ({ machines: 1, vlans: UPLINK_VLANS, config: PROBED, replies: { u1: { vlan: '30' } } }),
  play: async (stage) => {
    const { periodS, times } = stage.timing;
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.pass(3 * periodS * 1000);
    await expectIn(stage, machine, session);
    await stage.silence(machine);
    await expectEnd(stage, session, {
      cause: 'handshake-timeout',
      withinMs: (times + 2) * periodS * 1000,
    });
    await expectFound(stage, 'p1');
  },
};

const refused: Scenario<VlanStage> = {
  name: 'a VLAN that is not there, that nobody knows, or that is none: refused, and nobody is put elsewhere',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    replies: { u1: { vlan: '77' }, u2: { vlan: 'nowhere' }, u3: { vlan: '4095' } },
    users: ['u2', 'u3', 'u4'],
    config: { ...PROBED, ...IMPATIENT },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await expectRefused(stage, machine, { user: 'u1', why: /VLAN 77 is not on the bridge/ });
    await expectRefused(stage, machine, { user: 'u2', why: /no VLAN is called "nowhere"/ });
    await expectRefused(stage, machine, { user: 'u3', why: /"4095" is no VLAN/ });
    await expectOut(stage, machine);
    await expectVlans(stage, 'p1', FOUND);
    const absent = (): number =>
      stage.events('auth-failed').filter(({ detail = '' }) => /VLAN 77/.test(detail)).length;
    const info = (await stage.ask('info')) as { readonly counters: Readonly<Record<string, number>> };
    await stage.until('every refusal', () => absent() === info.counters['vlan-absent'], SOON_MS);
    await stage.login(machine, { user: 'u4', password: PASSWORD });
    assert.deepEqual(
      await stage.accounting().then((rows) => rows.filter(({ status }) => status === 'Stop')),
      [],
    );
  },
};

const created: Scenario<VlanStage> = {
  name: 'with `create` a VLAN is made on the bridge and the uplink for its first session, and gone after its last',
  setting: () => ({
    machines: 2,
    vlans: UPLINK_VLANS,
    // They say nothing, so nobody learns an address at which to ask them.
    config: { vlan: { create: true }, roles: { default: { handshake: { period_s: 0 } } } },
    replies: { u1: { vlan: '77' }, u2: { vlan: '77' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    // Nobody is there on the far side of the uplink to answer.
    const one = await stage.login(first);
    await stage.login(second);
    await expectVlans(stage, 'p2', only(77));
    assert.ok((await stage.vlansOf('up0')).tagged.includes(77));
    assert.ok((await stage.vlansOf('')).tagged.includes(77));
    await stage.logoff(first);
    await expectEnd(stage, one, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
    assert.ok((await stage.vlansOf('up0')).tagged.includes(77));
    await stage.ask('drain');
    await expectFound(stage, 'p2');
    assert.deepEqual((await stage.vlansOf('up0')).tagged, UPLINK_VLANS.onUplink);
    await expectVlans(stage, '', FOUND);
  },
};

const rivals: Scenario<VlanStage> = {
  name: 'one untagged VLAN a port: who is to be in another one is refused while the first is there, and gets in later',
  setting: () => ({
    machines: 3,
    onePort: true,
    vlans: UPLINK_VLANS,
    replies: { u1: { vlan: '30' }, u2: { vlan: '40' } },
    config: { ...PROBED, ...IMPATIENT },
  }),
  play: async (stage) => {
    const [first, second, third] = [1, 2, 3].map((n) => stage.machine(n)) as [Machine, Machine, Machine];
    const session = await enter(stage, first);
    await expectRefused(stage, second, {
      user: 'u2',
      why: /VLAN 40 is wanted, and the port is in VLAN 30 for /,
    });
    // The port's own VLAN is another one, too.
    await expectRefused(stage, third, {
      user: 'u3',
      why: /VLAN 1 is wanted, and the port is in VLAN 30 for /,
    });
    await stage.killSupplicant(third);
    await expectIn(stage, first, session);
    await stage.logoff(first);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    // It tries again by itself, and who comes first is in.
    await stage.begin(second);
    await stage.until('VLAN 40', async () => (await stage.retained(second.mac))?.vlan === 40, SOON_MS);
    await expectVlans(stage, 'p1', only(40));
    assert.equal(await stage.passes(second), true);
  },
};

const sameVlan: Scenario<VlanStage> = {
  name: 'several in one VLAN of one port: it stays until the last of them is out',
  setting: () => ({
    machines: 2,
    onePort: true,
    vlans: UPLINK_VLANS,
    config: PROBED,
    replies: { u1: { vlan: '30' }, u2: { vlan: '30' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const one = await enter(stage, first);
    const two = await enter(stage, second);
    await stage.logoff(first);
    await expectEnd(stage, one, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectVlans(stage, 'p1', only(30));
    await expectIn(stage, second, two);
    await stage.logoff(second);
    await expectEnd(stage, two, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
  },
};

const anotherUser: Scenario<VlanStage> = {
  name: 'another user at the same machine, in another VLAN: the first one is out of the first VLAN',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: PROBED,
    users: ['u2'],
    replies: { u1: { vlan: '30' }, u2: { vlan: '40' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const first = await enter(stage, machine);
    await stage.become(machine, 'u2');
    await expectEnd(stage, first, { cause: 'supplicant-restart', withinMs: SOON_MS, goesOn: true });
    await stage.until(
      'the second user in VLAN 40',
      async () => (await stage.retained(machine.mac))?.vlan === 40,
      SOON_MS,
    );
    assert.deepEqual(await stage.grantedVlans(machine.mac), [40]);
    await expectVlans(stage, 'p1', only(40));
  },
};

const changed: Scenario<VlanStage> = {
  name: 'a reauthentication with another VLAN: the session goes on there, without a Stop',
  setting: ({ periodS }) => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: PROBED,
    replies: { u1: { vlan: '30', sessionTimeoutS: 2 * periodS, terminationAction: 1 } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.setReply('u1', { vlan: '40' });
    await stage.until(
      'VLAN 40',
      async () => (await stage.retained(machine.mac))?.vlan === 40,
      4 * stage.timing.periodS * 1000,
    );
    await stage.pass(1_000);
    await expectIn(stage, machine, session);
    await expectVlans(stage, 'p1', only(40));
    assert.deepEqual(await stage.grantedVlans(machine.mac), [40]);
    assert.equal(await stage.passes(machine), true);
    // Back into the port's own.
    await stage.setReply('u1', {});
    await stage.ask('reauthenticate', { user: 'u1' });
    await stage.until('VLAN 1', async () => (await stage.retained(machine.mac))?.vlan === 1, SOON_MS);
    await expectFound(stage, 'p1');
    await expectIn(stage, machine, session);
    // A VLAN that is not there: the Accept cannot be honoured, so it is none.
    await stage.setReply('u1', { vlan: '77' });
    await stage.ask('reauthenticate', { user: 'u1' });
    await expectEnd(stage, session, { cause: 'nas-error', withinMs: SOON_MS });
    await expectVlans(stage, 'p1', FOUND);
  },
};

const taggedToo: Scenario<VlanStage> = {
  name: 'RFC 4675: tagged VLANs beside the untagged one are the session’s own',
  setting: () => ({
    machines: 2,
    onePort: true,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, vlans: { cameras: 50 } },
    replies: { u1: { vlan: '30', egress: ['140', '1cameras'] }, u2: { egress: ['230'] } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const one = await enter(stage, first);
    assert.deepEqual(one.tagged_vlans, [40, 50]);
    await expectVlans(stage, 'p1', only(30, [40, 50]));
    assert.deepEqual(await stage.grantedVlans(first.mac), [30, 40, 50]);
    await stage.tag(first, 40);
    assert.equal(await stage.passes(first), true, 'tagged');
    await enter(stage, second);
    await stage.tag(second, 40);
    assert.equal(await stage.passes(second), false, 'it has no entry in that VLAN');
    await stage.logoff(first);
    await expectEnd(stage, one, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectVlans(stage, 'p1', only(30));
  },
};

const ordered: Scenario<VlanStage> = {
  name: 'a CoA-Request with another VLAN: the session goes on there; one that cannot be had changes nothing',
  setting: () => ({
    machines: 2,
    coa: true,
    vlans: UPLINK_VLANS,
    config: PROBED,
    replies: { u1: { vlan: '30' }, u2: { vlan: '30' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const session = await enter(stage, first);
    const other = await enter(stage, second);
    assert.equal(await stage.heardIn(first), 30);
    assert.equal(await stage.changeAuthorization('u1', { vlan: '40' }), 'CoA-ACK');
    assert.ok((await stage.grantedVlans(first.mac)).includes(40), 'acknowledged when it is in force');
    const expectMoved = async (tagged: readonly number[]): Promise<void> => {
      await expectVlansSoon(stage, 'p1', only(40, tagged));
      assert.deepEqual(await stage.grantedVlans(first.mac), [40, ...tagged]);
      assert.equal(await stage.passes(first), true);
      assert.equal((await stage.retained(first.mac))?.vlan, 40);
      await expectIn(stage, first, session);
    };
    await expectMoved([]);
    assert.equal(await stage.heardIn(first), 40);
    await stage.tag(first, 30);
    assert.equal(await stage.passes(first), false, 'the former VLAN is gone');
    await stage.tag(first, undefined);

    for (const vlan of ['77', 'nowhere', '4095'])
      assert.equal(await stage.changeAuthorization('u1', { vlan }), 407, vlan);
    await expectMoved([]);

    // What it does not name stays (docs/dynamic-authorization.md): the untagged one.
    assert.equal(await stage.changeAuthorization('u1', { egress: ['150'] }), 'CoA-ACK');
    await stage.tag(first, 50);
    await expectMoved([50]);
    // Probes ask for it in the other one, and its answers are heard there.
    await stage.until(
      'it to be heard in the tagged VLAN',
      async () => (await stage.passes(first)) && (await stage.heardIn(first)) === 50,
      SOON_MS,
    );

    await expectIn(stage, second, other);
    await expectVlans(stage, 'p2', only(30));
    await stage.logoff(first);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
  },
};

const orderedTogether: Scenario<VlanStage> = {
  name: 'a CoA-Request of two sessions on one port: both are in the new VLAN, or none where a third one is in its way',
  setting: () => ({
    machines: 3,
    onePort: true,
    coa: true,
    vlans: UPLINK_VLANS,
    config: PROBED,
    replies: { u1: { vlan: '30' }, u3: { vlan: '30' } },
  }),
  play: async (stage) => {
    const [first, second, third] = [1, 2, 3].map((n) => stage.machine(n)) as [Machine, Machine, Machine];
    const both = [first, second];
    const sessions = [
      await enter(stage, first),
      await stage.login(second, { user: 'u1', password: PASSWORD }),
    ] as const;
    const expectBoth = async (vlan: number): Promise<void> => {
      await expectVlansSoon(stage, 'p1', only(vlan));
      for (const [i, machine] of both.entries()) {
        assert.deepEqual(await stage.grantedVlans(machine.mac), [vlan]);
        assert.equal(await stage.passes(machine), true);
        assert.equal(await stage.heardIn(machine), vlan);
        await expectIn(stage, machine, sessions[i] ?? sessions[0]);
      }
    };
    assert.equal(await stage.changeAuthorization('u1', { vlan: '40' }), 'CoA-ACK');
    await expectBoth(40);
    assert.equal(await stage.changeAuthorization('u1', { vlan: '77' }), 407);
    await expectBoth(40);
    assert.equal(await stage.changeAuthorization('u1', { vlan: '30' }), 'CoA-ACK');
    await expectBoth(30);
    await enter(stage, third);
    assert.equal(await stage.changeAuthorization('u1', { vlan: '40' }), 506);
    await expectBoth(30);
  },
};

const byRole: Scenario<VlanStage> = {
  name: "a role's VLAN, where the server names none: another role by a CoA-Request is another VLAN, and the server's own wins",
  setting: () => ({
    machines: 1,
    coa: true,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, vlans: { desk: 30 }, roles: { staff: { vlan: 'desk' }, guest: { vlan: 40 } } },
    replies: { u1: { filterId: 'staff' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    assert.equal(session.vlan, 30);
    assert.equal(await stage.heardIn(machine), 30);
    assert.equal(await stage.changeAuthorization('u1', { filterId: 'guest' }), 'CoA-ACK');
    await expectVlansSoon(stage, 'p1', only(40));
    assert.equal(await stage.passes(machine), true);
    assert.equal(await stage.heardIn(machine), 40);
    assert.equal(await stage.changeAuthorization('u1', { vlan: '30' }), 'CoA-ACK');
    await expectVlansSoon(stage, 'p1', only(30));
    assert.equal((await stage.retained(machine.mac))?.role, 'guest');
    await expectIn(stage, machine, session);
    await stage.logoff(machine);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
  },
};

const removedPort: Scenario<VlanStage> = {
  name: 'a port that is removed and comes back knows nothing of the VLAN that it was in',
  setting: () => ({ machines: 1, vlans: UPLINK_VLANS, config: PROBED, replies: { u1: { vlan: '30' } } }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    await stage.removePort('p1');
    await expectEnd(stage, session, { cause: 'port-removed', withinMs: SOON_MS });
    await stage.killSupplicant(machine);
    await stage.restorePort('p1');
    await expectVlans(stage, 'p1', FOUND);
    const next = await stage.login(machine);
    assert.equal(next.vlan, 30);
    await expectVlans(stage, 'p1', only(30));
  },
};

const foreignHand: Scenario<VlanStage> = {
  name: "somebody puts the port back under its session, as ifreload does: set again, told, and frames pass; another VLAN of the port's own is what it goes back to",
  setting: () => ({ machines: 1, vlans: UPLINK_VLANS, config: PROBED, replies: { u1: { vlan: '30' } } }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await enter(stage, machine);
    const reload = async (own: number): Promise<void> => {
      await stage.setVlan('p1', 30, 'none');
      await stage.setVlan('p1', own, 'own');
      await expectVlansSoon(stage, 'p1', only(30));
    };
    await reload(1);
    await stage.until(
      'a warning',
      () => stage.events('warning').find(({ code, port }) => code === 'vlan-changed' && port === 'p1'),
      SOON_MS,
    );
    assert.equal(await stage.passes(machine), true);
    assert.equal(await stage.heardIn(machine), 30);
    await expectIn(stage, machine, session);
    await reload(40);
    assert.equal(await stage.passes(machine), true);
    await stage.logoff(machine);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectVlansSoon(stage, 'p1', only(40));
    await stage.setVlan('p1', 40, 'none');
    await stage.setVlan('p1', 1, 'own');
    await expectFound(stage, 'p1');
  },
};

export const VLANS: readonly Scenario<VlanStage>[] = [
  native,
  dynamic,
  silentInVlan,
  refused,
  created,
  rivals,
  sameVlan,
  anotherUser,
  changed,
  ordered,
  orderedTogether,
  taggedToo,
  byRole,
  removedPort,
  foreignHand,
];
