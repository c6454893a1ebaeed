// Who is on a port beside whom, and what of a server's word can be done: on a bridge that does not filter VLANs.

import assert from 'node:assert/strict';
import { decisions, enter, expectEnd, expectIn, expectOut } from './expectations.ts';
import { type Machine, PASSWORD, type Scenario, type Stage } from './stage.ts';

const SOON_MS = 15_000;

function three(stage: Stage): readonly [Machine, Machine, Machine] {
  return [stage.machine(1), stage.machine(2), stage.machine(3)];
}

async function isLocked(stage: Stage, port: string): Promise<boolean> {
  const { ports } = (await stage.ask('ports', { port })) as {
    readonly ports: readonly { locked: boolean }[];
  };
  return ports[0]?.locked ?? false;
}

/** `why`: the event has it; undefined: it is the server's word. */
async function expectRefusal(stage: Stage, machine: Machine, user: string, why?: RegExp): Promise<void> {
  const before = stage.events('auth-failed').length;
  await stage.attempt(machine, { user, password: PASSWORD });
  const failed = await stage.until(
    'the event of it',
    () =>
      stage
        .events('auth-failed')
        .slice(before)
        .find(({ mac }) => mac === machine.mac),
    SOON_MS,
  );
  assert.equal(failed.reason, why === undefined ? 'access-reject' : 'grant-failed');
  if (why !== undefined) assert.match(failed.detail ?? '', why);
  assert.ok((await decisions(stage, machine.mac)).includes('refused'), 'explain says so');
  assert.equal(await stage.isGranted(machine.mac, machine.port), false);
}

const multiHost: Scenario = {
  name: 'multi-host: the first one opens the port for all; at its logoff it is shut, and nothing learnt is left',
  setting: () => ({
    machines: 3,
    onePort: true,
    config: { ports: { 'p*': { host_mode: 'multi-host' } } },
  }),
  play: async (stage) => {
    const [first, second, third] = three(stage);
    assert.equal(await isLocked(stage, 'p1'), true);
    assert.equal(await stage.passes(second), false);
    const session = await enter(stage, first);
    assert.equal(await stage.passes(second), true, 'the second passes');
    assert.equal(await stage.passes(third), true, 'the third passes');
    await stage.until('the port to be told open', async () => !(await isLocked(stage, 'p1')), 5_000);
    await expectIn(stage, first, session);
    await stage.logoff(first);
    await expectEnd(stage, session, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    for (const machine of [first, second, third]) await expectOut(stage, machine);
    assert.equal(await isLocked(stage, 'p1'), true);
    const next = await enter(stage, second);
    assert.equal(await stage.passes(first), true);
    // It would answer the port's next Request/Identity, and be in again.
    await stage.killSupplicant(second);
    await stage.ask('disconnect', { user: next.user_name });
    await expectEnd(stage, next, { cause: 'admin-reset', withinMs: SOON_MS });
    await expectOut(stage, first);
  },
};

const multiHostSilent: Scenario = {
  name: 'multi-host: when the first one falls silent the port is shut, however busy the others are',
  setting: () => ({
    machines: 2,
    onePort: true,
    config: { ports: { 'p*': { host_mode: 'multi-host' } } },
  }),
  play: async (stage) => {
    const { periodS, times } = stage.timing;
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const session = await enter(stage, first);
    await stage.talk(second, 500);
    await stage.silence(first);
    await expectEnd(stage, session, {
      cause: 'handshake-timeout',
      withinMs: (times + 3) * periodS * 1000,
    });
    await stage.pass(1_000);
    assert.equal(await stage.passes(second), false);
    assert.equal(await stage.entries(second.mac), 0);
    await stage.talk(second, 0);
  },
};

const multiHostOff: Scenario = {
  name: 'multi-host: who takes an open port out of our hands has it locked first, and everybody is out',
  setting: () => ({
    machines: 2,
    onePort: true,
    config: { ports: { 'p*': { host_mode: 'multi-host' } } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const session = await enter(stage, first);
    assert.equal(await stage.passes(second), true);
    await stage.ask('port', { port: 'p1', control: 'off' });
    await expectEnd(stage, session, { cause: 'port-reinit', withinMs: SOON_MS });
    assert.equal(await isLocked(stage, 'p1'), true);
    for (const machine of [first, second]) await expectOut(stage, machine);
  },
};

const multiHostReloaded: Scenario = {
  name: 'multi-host: another host mode and MAB in one reload shut the open port, and it stays shut',
  setting: () => ({
    machines: 2,
    onePort: true,
    config: { ports: { 'p*': { host_mode: 'multi-host', mab: { enabled: false } } } },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const session = await enter(stage, first);
    await stage.killSupplicant(first);
    const { text } = (await stage.ask('config', { get: true })) as { readonly text: string };
    await stage.ask('config', {
      apply: text
        .replace(/secret: .*/g, 'secret: testing123')
        .replace('host_mode: multi-host', 'host_mode: multi-auth')
        .replace('enabled: false', 'enabled: true'),
    });
    await expectEnd(stage, session, { cause: 'port-reinit', withinMs: SOON_MS });
    assert.equal(await stage.passes(second), false);
  },
};

const multiDomain: Scenario = {
  name: 'multi-domain: one data and one voice device; a second one of either kind is refused',
  setting: () => ({
    machines: 3,
    onePort: true,
    users: ['u4'],
    config: { ports: { 'p*': { host_mode: 'multi-domain', dot1x: { quiet_period_s: 0 } } } },
    replies: { u2: { voice: true }, u4: { voice: true } },
  }),
  play: async (stage) => {
    const [data, phone, third] = three(stage);
    const one = await enter(stage, data);
    assert.equal(one.domain, 'data');
    await expectRefusal(stage, third, 'u3', /multi-domain: the port has its data device/);
    const two = await enter(stage, phone);
    assert.equal(two.domain, 'voice');
    await stage.logoff(data);
    await expectEnd(stage, one, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await expectRefusal(stage, third, 'u4', /multi-domain: the port has its voice device/);
    await expectIn(stage, phone, two);
  },
};

const vlanWithoutFiltering: Scenario = {
  name: 'a VLAN of the server on a bridge that does not filter VLANs: refused, and nobody is put elsewhere',
  setting: () => ({
    machines: 1,
    users: ['u2'],
    config: { dot1x: { quiet_period_s: 0 } },
    replies: { u1: { vlan: '30' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await expectRefusal(stage, machine, 'u1', /VLAN "30" is wanted, and the bridge does not filter VLANs/);
    assert.equal(await stage.passes(machine), false);
    assert.deepEqual(
      (await stage.accounting()).filter(({ status }) => status === 'Start'),
      [],
    );
    await stage.login(machine, { user: 'u2', password: PASSWORD });
    assert.equal(await stage.passes(machine), true);
  },
};

const filterRules: Scenario = {
  name: 'filter rules of the server cannot be enforced: refused; by setting, shown and not enforced',
  setting: () => ({
    machines: 2,
    config: { dot1x: { quiet_period_s: 0 } },
    replies: { u1: { filterRule: 'deny in ip from any to any', filterId: 'nobody' } },
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    await expectRefusal(stage, machine, 'u1', /1 filter rules \(NAS-Filter-Rule\), which cannot be enforced/);
    await stage.login(stage.machine(2));
  },
};

const otherService: Scenario = {
  name: 'an Accept for another service than network access is a refusal (RFC 2865 §5.6)',
  setting: () => ({
    machines: 2,
    config: { dot1x: { quiet_period_s: 0 } },
    replies: { u1: { serviceType: 'NAS-Prompt-User' }, u2: { serviceType: 'Framed-User' } },
  }),
  play: async (stage) => {
    await expectRefusal(stage, stage.machine(1), 'u1');
    assert.equal(await stage.passes(stage.machine(1)), false);
    await stage.login(stage.machine(2));
  },
};

const filterRulesShown: Scenario = {
  name: 'filter rules that are to be ignored are shown with the session, and so is what nobody understands',
  setting: () => ({
    machines: 1,
    config: { authorization: { filter_rules: 'ignore' } },
    replies: { u1: { filterRule: 'deny in ip from any to any', filterId: 'nobody', voice: true } },
  }),
  play: async (stage) => {
    const session = await stage.login(stage.machine(1));
    assert.deepEqual(session.filter_rules, ['deny in ip from any to any']);
    assert.equal(session.filter_id, 'nobody');
    assert.equal(session.role, 'default');
    assert.ok(
      session.attributes?.some(
        ({ name, value }) => name === 'Cisco-AVPair' && value === 'device-traffic-class=voice',
      ),
    );
  },
};

const criticalSetting =
  (critical: 'deny' | 'keep'): Scenario['setting'] =>
  ({ periodS }) => ({
    machines: 2,
    config: {
      ports: { 'p*': { critical, dot1x: { server_timeout_s: 3 } } },
      radius: { retransmission: { access: { irt_s: 1, mrd_s: 2 } } },
    },
    replies: { u1: { sessionTimeoutS: 3 * periodS, terminationAction: 1 } },
  });

const criticalDeny: Scenario = {
  name: 'critical deny: no server answers the reauthentication, and the session ends; newcomers are denied',
  setting: (timing) => ({
    ...criticalSetting('deny')(timing),
    excuses: { records: 'no server answers to the end' },
  }),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    await enter(stage, first);
    await stage.talk(first, 500);
    await stage.serverSilent(true);
    await stage.attempt(second, { user: 'u2', password: PASSWORD });
    const ended = () => stage.events('session-end').find(({ mac }) => mac === first.mac);
    const end = await stage.until('its end', ended, 60_000);
    assert.equal(end.cause, 'reauth-failed');
    assert.equal(await stage.passes(first), false);
    assert.equal(await stage.isGranted(first.mac, first.port), false);
    assert.ok((await decisions(stage, first.mac)).includes('session ended'));
  },
};

const criticalKeep: Scenario = {
  name: 'critical keep: sessions go on while no server answers; newcomers are denied',
  setting: criticalSetting('keep'),
  play: async (stage) => {
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const session = await enter(stage, first);
    await stage.talk(first, 500);
    await stage.serverSilent(true);
    await stage.attempt(second, { user: 'u2', password: PASSWORD });
    await stage.pass(4 * stage.timing.periodS * 1000);
    assert.equal(await stage.passes(first), true);
    assert.equal(await stage.isGranted(second.mac, second.port), false);
    await stage.serverSilent(false);
    await expectIn(stage, first, session);
  },
};

export const HOSTS: readonly Scenario[] = [
  multiHost,
  multiHostSilent,
  multiHostOff,
  multiDomain,
  vlanWithoutFiltering,
  filterRules,
  otherService,
  filterRulesShown,
  criticalDeny,
  criticalKeep,
];

/** Where nobody else's secrets are in the configuration. */
export const HOSTS_SIMULATED: readonly Scenario[] = [multiHostReloaded];
