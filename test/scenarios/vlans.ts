// VLANs: a server's word, a port's settings, what the port carries meanwhile, and that it is as it was found afterwards.

import assert from 'node:assert/strict';
import { decisions, enter, expectEnd, expectIn, expectOut, expectRecords } from './expectations.ts';
import {
  type FaultStage,
  type Machine,
  PASSWORD,
  type PortVlans,
  type Scenario,
  type VlanStage,
} from './stage.ts';

const SOON_MS = 15_000;
/** A port as every port is at first. */
const FOUND: PortVlans = { pvid: 1, untagged: [1], tagged: [] };
/** Whose address probes bear in a VLAN where the switch has none. */
const PROBER = { ip: '10.99.0.3', mac: '02:99:00:00:00:f3' };
const UPLINK_VLANS = { onUplink: [30, 40, 50, 90, 91, 92] };

async function expectVlans(stage: VlanStage, port: string, expected: PortVlans): Promise<void> {
  assert.deepEqual(await stage.vlansOf(port), expected, `VLANs of ${port}`);
}

/** In a while: a port goes back after its last session's end is told. */
async function expectFound(stage: VlanStage, port: string): Promise<void> {
  await stage.until(
    `${port} to be as it was found`,
    async () => JSON.stringify(await stage.vlansOf(port)) === JSON.stringify(FOUND),
    SOON_MS,
  );
}

function in_(vlan: number, tagged: readonly number[] = []): PortVlans {
  return { pvid: vlan, untagged: [vlan], tagged };
}

async function expectRefused(
  stage: VlanStage,
  machine: Machine,
  { user, why }: { readonly user: string; readonly why: RegExp },
): Promise<void> {
  const before = stage.events('auth-failed').length;
  await stage.attempt(machine, { user, password: PASSWORD });
  const failed = stage
    .events('auth-failed')
    .slice(before)
    .find(({ mac }) => mac === machine.mac);
  assert.equal(failed?.reason, 'grant-failed');
  assert.match(failed?.detail ?? '', why);
  assert.ok((await decisions(stage, machine.mac)).includes('refused'), 'explain says so');
  assert.equal(await stage.retained(machine.mac), undefined, 'no session');
}

const native: Scenario<VlanStage> = {
  name: "without a VLAN of the server: in the port's own, which nothing changes",
  setting: () => ({ machines: 1, vlans: UPLINK_VLANS }),
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
    config: { vlans: { staff: 30 } },
    replies: { u1: { vlan: '40' }, u2: { vlan: 'staff' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const sessions = [await enter(stage, first), await enter(stage, second)];
    assert.deepEqual(
      sessions.map(({ vlan }) => vlan),
      [40, 30],
    );
    await expectVlans(stage, 'p1', in_(40));
    await expectVlans(stage, 'p2', in_(30));
    assert.deepEqual(await stage.grantedVlans(first.mac), [40]);
    await stage.logoff(first);
    assert.ok(sessions[0] && sessions[1]);
    await expectEnd(stage, sessions[0], { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectOut(stage, first);
    await expectFound(stage, 'p1');
    await expectVlans(stage, 'p2', in_(30));
    await stage.ask('disconnect', { user: 'u2' });
    await expectEnd(stage, sessions[1], { cause: 'admin-reset', withinMs: SOON_MS });
    await expectFound(stage, 'p2');
  },
};

const silentInVlan: Scenario<VlanStage> = {
  name: 'who falls silent in a VLAN of the server is out of it, and the port is as it was found',
  setting: () => ({ machines: 1, vlans: UPLINK_VLANS, replies: { u1: { vlan: '30' } } }),
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
    replies: { u1: { vlan: '77' }, u2: { vlan: 'nowhere' }, u3: { vlan: '4095' }, u4: { vlan: '' } },
    users: ['u2', 'u3', 'u4', 'u5'],
    config: { dot1x: { quiet_period_s: 0 } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await expectRefused(stage, machine, { user: 'u1', why: /VLAN 77 is not on the bridge/ });
    await expectRefused(stage, machine, { user: 'u2', why: /no VLAN is called "nowhere"/ });
    await expectRefused(stage, machine, { user: 'u3', why: /"4095" is no VLAN/ });
    await expectRefused(stage, machine, { user: 'u4', why: /no VLAN is called ""/ });
    await expectOut(stage, machine);
    await expectVlans(stage, 'p1', FOUND);
    const info = (await stage.ask('info')) as { readonly counters: Readonly<Record<string, number>> };
    assert.equal(info.counters['vlan-absent'], 1);
    await stage.login(machine, { user: 'u5', password: PASSWORD });
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
    config: { vlan: { create: true } },
    replies: { u1: { vlan: '77' }, u2: { vlan: '77' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    // Nobody is there on the far side of the uplink to answer.
    const one = await stage.login(first);
    await stage.login(second);
    await expectVlans(stage, 'p2', in_(77));
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
    config: { dot1x: { quiet_period_s: 0 } },
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
    await expectVlans(stage, 'p1', in_(40));
    assert.equal(await stage.passes(second), true);
  },
};

const sameVlan: Scenario<VlanStage> = {
  name: 'several in one VLAN of one port: it stays until the last of them is out',
  setting: () => ({
    machines: 2,
    onePort: true,
    vlans: UPLINK_VLANS,
    replies: { u1: { vlan: '30' }, u2: { vlan: '30' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const one = await enter(stage, first);
    const two = await enter(stage, second);
    await stage.logoff(first);
    await expectEnd(stage, one, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectVlans(stage, 'p1', in_(30));
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
    await expectVlans(stage, 'p1', in_(40));
  },
};

const changed: Scenario<VlanStage> = {
  name: 'a reauthentication with another VLAN: the session goes on there, without a Stop',
  setting: ({ periodS }) => ({
    machines: 1,
    vlans: UPLINK_VLANS,
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
    await expectVlans(stage, 'p1', in_(40));
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
    config: { vlans: { cameras: 50 } },
    replies: { u1: { vlan: '30', egress: ['140', '1cameras'] }, u2: { egress: ['230'] } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const one = await enter(stage, first);
    assert.deepEqual(one.tagged_vlans, [40, 50]);
    await expectVlans(stage, 'p1', in_(30, [40, 50]));
    assert.deepEqual(await stage.grantedVlans(first.mac), [30, 40, 50]);
    await stage.tag(first, 40);
    assert.equal(await stage.passes(first), true, 'tagged');
    await enter(stage, second);
    await stage.tag(second, 40);
    assert.equal(await stage.passes(second), false, 'it has no entry in that VLAN');
    await stage.logoff(first);
    await expectEnd(stage, one, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectVlans(stage, 'p1', in_(30));
  },
};

const removedPort: Scenario<VlanStage> = {
  name: 'a port that is removed and comes back knows nothing of the VLAN that it was in',
  setting: () => ({ machines: 1, vlans: UPLINK_VLANS, replies: { u1: { vlan: '30' } } }),
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
    await expectVlans(stage, 'p1', in_(30));
  },
};

const guest: Scenario<VlanStage> = {
  name: 'guest: who does not answer EAPOL is in the guest VLAN, visible and watched, until it authenticates',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: { ports: { 'p*': { guest_vlan: 90, dot1x: { tx_period_s: 1 } } } },
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
    await expectVlans(stage, 'p1', in_(90));
    const started = await stage.login(machine);
    assert.equal(started.vlan, 30);
    const end = stage.events('session-end').find(({ session_id }) => session_id === session.session_id);
    assert.equal(end?.cause, 'authorization-changed');
    await expectVlans(stage, 'p1', in_(30));
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
    config: {
      ports: { 'p*': { auth_fail_vlan: 91 } },
      radius: { accounting: { interim_s: 2 } },
    },
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
    config: { ports: { 'p*': { auth_fail_vlan: 91 } } },
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
    await expectVlans(stage, 'p1', in_(30));
    assert.equal(await stage.passes(first), false);
  },
};

const critical: Scenario<VlanStage> = {
  name: 'critical VLAN: newcomers while no server answers; as soon as one does they authenticate',
  setting: () => ({
    machines: 2,
    vlans: UPLINK_VLANS,
    config: {
      // Long enough for the server to be judged dead.
      ports: { 'p*': { critical: 'vlan', critical_vlan: 92, dot1x: { server_timeout_s: 10 } } },
      radius: { dead_time_s: 5 },
    },
    replies: { u1: { vlan: '30' }, u2: { vlan: '40' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const running = await enter(stage, first);
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
    await expectVlans(stage, 'p2', in_(40));
    await expectRecords(stage, session, []);
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
      ports: { 'p*': { host_mode: 'multi-domain', voice_vlan: 40, dot1x: { quiet_period_s: 0 } } },
      handshake: { sources: { 30: PROBER, 40: PROBER } },
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
    await expectVlans(stage, 'p1', in_(30, [40]));
    await stage.tag(phone, 40);
    assert.equal(await stage.passes(phone), true);
    // Asked in its VLAN, it answers.
    await stage.pass(6 * stage.timing.periodS * 1000);
    await expectIn(stage, phone, two);
    await expectIn(stage, data, one);
    await stage.logoff(phone);
    await expectEnd(stage, two, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectVlans(stage, 'p1', in_(30));
  },
};

/** What only a simulated switch can be ordered to do. */
const killed: Scenario<FaultStage> = {
  name: 'killed while sessions are in VLANs: the next agent puts every port back as it was found before',
  setting: () => ({
    machines: 2,
    vlans: UPLINK_VLANS,
    config: { vlan: { create: true } },
    replies: { u1: { vlan: '30', egress: ['140'] }, u2: { vlan: '77' } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    await enter(stage, first);
    await enter(stage, second);
    await expectVlans(stage, 'p1', in_(30, [40]));
    await stage.killSupplicant(first);
    await stage.killSupplicant(second);
    await stage.killAgent();
    await expectFound(stage, 'p1');
    await expectFound(stage, 'p2');
    assert.deepEqual((await stage.vlansOf('up0')).tagged, UPLINK_VLANS.onUplink);
    await expectVlans(stage, '', FOUND);
    await stage.pass(1_000);
    await expectOut(stage, first);
    assert.equal((await stage.login(first)).vlan, 30);
    await expectVlans(stage, 'p1', in_(30, [40]));
  },
};

const failing: Scenario<FaultStage> = {
  name: 'a VLAN that the data plane does not set: refused with its words; one that it does not take back: tried again',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: { dot1x: { quiet_period_s: 0 } },
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
    config: { dot1x: { quiet_period_s: 0 } },
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
    await expectVlans(stage, 'p1', in_(40));
  },
};

const backAgain: Scenario<FaultStage> = {
  name: 'a client that is back before its former entry would go: after its logoff the port is as it was found',
  setting: () => ({
    machines: 2,
    onePort: true,
    vlans: UPLINK_VLANS,
    config: { dot1x: { quiet_period_s: 0 } },
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
    await expectVlans(stage, 'p1', in_(30));
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

const uplinkUnread: Scenario<FaultStage> = {
  name: 'an uplink that joins while the VLANs cannot be read gets its VLANs when they can be',
  setting: uplinkBack.setting,
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.removePort('up0');
    await stage.pass(1_000);
    stage.failVlanReads(3);
    stage.rejoinUplink();
    await stage.pass(500);
    assert.deepEqual((await stage.vlansOf('up0')).tagged, [], 'not yet');
    await stage.until(
      'the uplink to have it again',
      async () => (await stage.vlansOf('up0')).tagged.includes(30),
      SOON_MS,
    );
    await expectIn(stage, machine, session);
    await stage.logoff(machine);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
    assert.deepEqual((await stage.vlansOf('up0')).tagged, []);
  },
};

const bridgeBack: Scenario<FaultStage> = {
  name: 'the bridge is deleted and made anew: everybody is out, and the next session finds its VLAN made as the first did',
  setting: () => ({
    machines: 2,
    vlans: { onUplink: [] },
    config: { vlan: { create: true } },
    replies: { u1: { vlan: '30' }, u2: { vlan: '30' } },
  }),
  play: async (stage) => {
    const machines = [stage.machine(1), stage.machine(2)];
    for (const machine of machines) {
      assert.equal((await stage.login(machine)).vlan, 30);
      await stage.killSupplicant(machine);
    }
    stage.removeBridge();
    await stage.until('two ends', () => stage.events('session-end').length === 2, SOON_MS);
    assert.deepEqual(
      stage.events('session-end').map(({ cause }) => cause),
      ['port-removed', 'port-removed'],
    );
    assert.ok(stage.events('warning').some(({ code }) => code === 'bridge-gone'));
    await stage.pass(2_000);
    stage.restoreBridge();
    await stage.pass(5_000);
    await expectVlans(stage, '', FOUND);
    await expectVlans(stage, 'p1', FOUND);
    const [first] = machines;
    assert.ok(first);
    const again = await stage.login(first);
    assert.equal(again.vlan, 30);
    await expectVlans(stage, 'p1', in_(30));
    assert.ok((await stage.vlansOf('up0')).tagged.includes(30));
    await stage.logoff(first);
    await expectEnd(stage, again, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectFound(stage, 'p1');
    await expectFound(stage, '');
    assert.deepEqual((await stage.vlansOf('up0')).tagged, []);
  },
};

const reconfigured: Scenario<VlanStage> = {
  name: 'a guest VLAN that the configuration does not have any more: its guests are out of it',
  setting: () => ({
    machines: 1,
    vlans: UPLINK_VLANS,
    config: { ports: { 'p*': { auth_fail_vlan: 91 } } },
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
    const end = stage.events('session-end').find(({ session_id }) => session_id === session.session_id);
    assert.equal(end?.cause, 'authorization-changed');
    await expectFound(stage, 'p1');
  },
};

export const VLANS_SIMULATED: readonly Scenario<FaultStage>[] = [
  killed,
  failing,
  stuck,
  backAgain,
  uplinkBack,
  uplinkUnread,
  bridgeBack,
  reconfigured,
];

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
  taggedToo,
  removedPort,
  guest,
  authFail,
  yields,
  critical,
  voice,
];
