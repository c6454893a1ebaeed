// Devices that get in by their MAC, and what becomes of that when they, or others, do something else.

import assert from 'node:assert/strict';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import { decisions, expectEnd, expectIn, expectOut } from './expectations.ts';
import { begunSessions, type Machine, type PortSession, type Scenario, type Stage } from './stage.ts';

const SOON_MS = 15_000;

/** No notices of the kernel's: its locked entries would be read as something left behind. */
function mab(settings: ConfigPart = {}): ConfigPart {
  const known = { enabled: true, delay_s: 1, kernel: false, authentication: 'eap-md5', quiet_s: 3 };
  return {
    ports: { 'p*': { mab: { ...known, ...settings } } },
    roles: { default: { handshake: { times: 10 } } },
    dot1x: { quiet_period_s: 3 },
  };
}

/** It speaks, until a server has let it in. */
async function bypass(stage: Stage, machine: Machine): Promise<PortSession> {
  const before = stage.events('session-start').length;
  const session = await stage.until(
    `${machine.mac} in by its MAC`,
    async () => {
      await stage.passes(machine);
      return begunSessions(stage)
        .slice(before)
        .find(({ mac }) => mac === machine.mac);
    },
    SOON_MS,
  );
  assert.equal(session.method, 'mab');
  return session;
}

const device: Scenario = {
  name: 'in by its MAC; out with its link, and in again',
  setting: () => ({ machines: 1, devices: [1], config: mab() }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await bypass(stage, machine);
    assert.equal(session.user_name, machine.mac.replaceAll(':', ''));
    assert.equal(await stage.passes(machine), true);
    await stage.unplug(machine);
    await expectEnd(stage, session, { cause: 'port-down', withinMs: SOON_MS });
    await stage.plug(machine);
    const next = await bypass(stage, machine);
    assert.notEqual(next.session_id, session.session_id);
    await expectIn(stage, machine, next);
  },
};

const silent: Scenario = {
  name: 'a device that falls silent is out like everybody else, and hears no EAP-Failure',
  setting: ({ periodS }) => ({
    machines: 1,
    devices: [1],
    // Where EAP is to ask, a device without it is asked by its address all the same.
    config: overlay(mab(), {
      roles: { default: { handshake: { period_s: periodS, times: 3, probe: 'eap' } } },
    }),
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await bypass(stage, machine);
    assert.equal(await stage.passes(machine), true);
    await stage.silence(machine);
    const { periodS, slackMs } = stage.timing;
    const end = await expectEnd(stage, session, {
      cause: 'handshake-timeout',
      withinMs: 5 * periodS * 1000 + slackMs,
    });
    assert.equal(end.method, 'mab');
    const probes = stage.events('handshake-probe').flatMap((event) => event.probes);
    assert.ok(probes.length > 0);
    for (const { probe } of probes) assert.notEqual(probe, 'eap');
  },
};

const stranger: Scenario = {
  name: 'a MAC that the server does not know: refused, quiet, and out',
  setting: () => ({ machines: 1, config: mab() }),
  play: async (stage) => {
    const machine = stage.machine(1);
    assert.equal(await stage.passes(machine), false);
    const failed = await stage.until(
      'the refusal',
      async () => {
        await stage.passes(machine);
        return stage.events('auth-failed').find(({ method }) => method === 'mab');
      },
      SOON_MS,
    );
    assert.equal(failed.reason, 'access-reject');
    await expectOut(stage, machine);
    assert.equal(await stage.retained(machine.mac), undefined);
  },
};

const takeover: Scenario = {
  name: '802.1X takes over, and after its logoff the MAC counts again',
  setting: () => ({ machines: 1, devices: [1], config: mab() }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const first = await bypass(stage, machine);
    const second = await stage.login(machine);
    assert.equal(second.method, 'dot1x');
    assert.equal(second.multi_session_id, first.multi_session_id);
    // Handed over: there was nothing to be proven.
    const end = { cause: 'supplicant-restart', withinMs: SOON_MS, goesOn: true, verified: false } as const;
    await expectEnd(stage, first, end);
    await expectIn(stage, machine, second);
    assert.equal(await stage.passes(machine), true);
    await stage.logoff(machine);
    await expectEnd(stage, second, { cause: 'supplicant-logoff', withinMs: SOON_MS });
    await stage.killSupplicant(machine);
    await bypass(stage, machine);
  },
};

const refusedByName: Scenario = {
  name: 'refused by 802.1X, which has priority: out, though the MAC is known',
  setting: () => ({ machines: 1, devices: [1], config: mab() }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await bypass(stage, machine);
    await stage.attempt(machine, { user: 'u1', password: 'wrong' });
    await expectEnd(stage, session, { cause: 'reauth-failed', withinMs: SOON_MS });
    await expectOut(stage, machine);
  },
};

const preferred: Scenario = {
  name: 'where MAB has priority, 802.1X is not heard while the MAC is in',
  setting: () => ({ machines: 1, devices: [1], config: mab({ priority: ['mab', 'dot1x'] }) }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await bypass(stage, machine);
    await stage.become(machine, 'u1');
    await stage.pass(4_000);
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
  },
};

const moved: Scenario = {
  name: 'a device moves: heard there no more and here again, the server is asked, and the old session ends',
  setting: () => ({ machines: 2, devices: [1], config: mab() }),
  play: async (stage) => {
    const old = stage.machine(1);
    const first = await bypass(stage, old);
    await stage.silence(old);
    const elsewhere = await stage.impersonate(2, old);
    const second = await bypass(stage, elsewhere);
    assert.equal(second.port, elsewhere.port);
    assert.equal(second.multi_session_id, first.multi_session_id);
    await expectEnd(stage, first, { cause: 'moved', withinMs: SOON_MS, goesOn: true });
    assert.equal(await stage.isGranted(old.mac, old.port), false);
    assert.equal(await stage.passes(elsewhere), true);
  },
};

const borrowed: Scenario = {
  name: 'frames with a borrowed MAC on another port end nothing, though the server would accept it there',
  setting: () => ({ machines: 2, devices: [1], config: mab() }),
  play: async (stage) => {
    const owner = stage.machine(1);
    const session = await bypass(stage, owner);
    assert.equal(await stage.passes(owner), true);
    const thief = await stage.impersonate(2, owner);
    for (let n = 0; n < 4; n++) {
      await stage.passes(thief);
      await stage.pass(500);
    }
    await stage.until(
      'the verdict',
      async () => (await decisions(stage, owner.mac)).includes('not-moved'),
      SOON_MS,
    );
    await expectIn(stage, owner, session);
    assert.equal(await stage.passes(owner), true);
    assert.equal(await stage.isGranted(owner.mac, thief.port), false);
  },
};

const renewed: Scenario = {
  name: 'reauthenticated at the end of Session-Timeout, also when the server is away for a while',
  setting: () => ({
    machines: 1,
    devices: [1],
    replies: { d1: { sessionTimeoutS: 4, terminationAction: 1 } },
    config: mab(),
  }),
  play: async (stage) => {
    const machine = stage.machine(1);
    const session = await bypass(stage, machine);
    await stage.talk(machine, 1_000);
    await stage.pass(6_000);
    await expectIn(stage, machine, session);
    await stage.serverSilent(true);
    await stage.pass(6_000);
    await stage.serverSilent(false);
    await expectIn(stage, machine, session);
    assert.equal(await stage.passes(machine), true);
  },
};

export const BYPASS: readonly Scenario[] = [
  device,
  silent,
  stranger,
  takeover,
  refusedByName,
  preferred,
  moved,
  borrowed,
  renewed,
];
