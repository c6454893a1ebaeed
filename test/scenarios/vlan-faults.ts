// VLANs when things go wrong, which only a simulated switch can be ordered to do.

import assert from 'node:assert/strict';
import { enter, expectEnd, expectOut } from './expectations.ts';
import type { FaultStage, Scenario } from './stage.ts';
import {
  expectFound,
  expectRefused,
  expectVlans,
  FOUND,
  IMPATIENT,
  only,
  PROBED,
  SOON_MS,
  UPLINK_VLANS,
} from './vlan-expectations.ts';

const killed: Scenario<FaultStage> = {
  name: 'killed while sessions are in VLANs: the next agent, which knows of none, puts every port back as it was found before',
  setting: () => ({
    machines: 2,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, vlan: { create: true } },
    replies: { u1: { vlan: '30', egress: ['140'] }, u2: { vlan: '77' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    await enter(stage, first);
    await enter(stage, second);
    await expectVlans(stage, 'p1', only(30, [40]));
    await stage.killSupplicant(first);
    await stage.killSupplicant(second);
    await stage.killAgent('its store is lost');
    await expectFound(stage, 'p1');
    await expectFound(stage, 'p2');
    assert.deepEqual((await stage.vlansOf('up0')).tagged, UPLINK_VLANS.onUplink);
    await expectVlans(stage, '', FOUND);
    await stage.pass(1_000);
    await expectOut(stage, first);
    assert.equal((await stage.login(first)).vlan, 30);
    await expectVlans(stage, 'p1', only(30, [40]));
  },
};

const failing: Scenario<FaultStage> = {
  name: 'a VLAN that the data plane does not set: refused with its words; one that it does not take back: tried again',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, ...IMPATIENT },
    replies: { u1: { vlan: '30' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    stage.failVlans(1);
    await expectRefused(stage, machine, { user: 'u1', why: /vlans fail by order/ });
    await expectFound(stage, 'p1');
    const session = await enter(stage, machine);
    stage.failVlans(2);
    await stage.logoff(machine);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
    const warned = stage.events('warning').filter(({ code }) => code === 'vlan');
    assert.equal(warned.length, 2);
    await expectOut(stage, machine);
  },
};

const stuck: Scenario<FaultStage> = {
  name: 'an entry that will not go holds its VLAN: the next one is refused, and gets in when it has gone',
  setting: () => ({
    machines: 2,
    onePort: true,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, ...IMPATIENT },
    replies: { u1: { vlan: '30' }, u2: { vlan: '40' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const session = await enter(stage, first);
    stage.failRevokes(3);
    await stage.logoff(first);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS, verified: false });
    await expectRefused(stage, second, { user: 'u2', why: /for 02:.*, whose entry cannot be removed/ });
    // It tries again and again, and the removal is tried again, too.
    await stage.until('VLAN 40', async () => (await stage.retained(second.mac))?.vlan === 40, SOON_MS);
    await expectVlans(stage, 'p1', only(40));
  },
};

const backAgain: Scenario<FaultStage> = {
  name: 'a client that is back before its former entry would go: after its logoff the port is as it was found',
  setting: () => ({
    machines: 2,
    onePort: true,
    vlans: UPLINK_VLANS,
    config: { ...PROBED, ...IMPATIENT },
    replies: { u1: { vlan: '30' }, u2: { vlan: '40' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const session = await enter(stage, first);
    stage.failRevokes(3);
    await stage.logoff(first);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS, verified: false });
    const again = await stage.login(first);
    stage.failRevokes(0);
    await stage.logoff(first);
    await expectEnd(stage, again, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
    assert.equal((await stage.login(second)).vlan, 40);
  },
};

const uplinkBack: Scenario<FaultStage> = {
  name: 'an uplink that leaves the bridge and comes back gets the VLAN that was made for a session again',
  setting: () => ({
    machines: 1,
    vlans: { onUplink: [] },
    config: { vlan: { create: true } },
    replies: { u1: { vlan: '30' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.removePort('up0');
    await stage.pass(1_000);
    await expectVlans(stage, 'p1', only(30));
    assert.ok((await stage.vlansOf('')).tagged.includes(30), 'the bridge keeps it');
    stage.rejoinUplink();
    await stage.pass(1_000);
    assert.ok((await stage.vlansOf('up0')).tagged.includes(30), 'the uplink has it again');
    await stage.logoff(machine);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
    assert.deepEqual((await stage.vlansOf('up0')).tagged, []);
    await expectVlans(stage, '', FOUND);
  },
};

const unreadUplink: Scenario<FaultStage> = {
  name: 'an uplink that is back and whose VLANs cannot be read at first: it gets what was made for a session all the same',
  setting: () => ({
    machines: 1,
    vlans: { onUplink: [] },
    config: { vlan: { create: true } },
    replies: { u1: { vlan: '30' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.removePort('up0');
    await stage.pass(1_000);
    stage.failVlanReads(3);
    stage.rejoinUplink();
    await stage.until(
      'VLAN 30 on the uplink',
      async () => (await stage.vlansOf('up0')).tagged.includes(30),
      SOON_MS,
    );
    await expectVlans(stage, 'p1', only(30));
  },
};

const bridgeLost: Scenario<FaultStage> = {
  name: 'the bridge is deleted and made anew: nothing of the former one is put back onto it, and logins go on',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: { vlan: { create: true } },
    replies: { u1: { vlan: '77' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.killSupplicant(machine);
    stage.loseBridge();
    await expectEnd(stage, session, { cause: 'port-removed', withinMs: SOON_MS });
    stage.restoreBridge();
    await stage.pass(1_000);
    for (const port of ['p1', 'up0', '']) await expectVlans(stage, port, FOUND);
    // Nor by the next agent.
    await stage.killAgent();
    await stage.pass(1_000);
    for (const port of ['p1', 'up0', '']) await expectVlans(stage, port, FOUND);
    assert.equal((await stage.login(machine)).vlan, 77);
    await expectVlans(stage, 'p1', only(77));
  },
};

export const VLAN_FAULTS: readonly Scenario<FaultStage>[] = [
  killed,
  failing,
  stuck,
  backAgain,
  uplinkBack,
  unreadUplink,
  bridgeLost,
];
