// The agent is killed, or stopped, under people who are at work, and started again on what is in the store and in the table.

import { describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { MachineTime } from '../../src/base/time.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { keepingLogin } from '../../src/radius/sso-login-codec.ts';
import { text } from '../../src/wire/radius-attributes.ts';
import { judge } from '../rigs/accounting-judge.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { dynamicRequest } from '../rigs/dynauth.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import type { Machine, PortSession, Setting } from '../scenarios/stage.ts';

const DOWN_MS = 2_000;
const MAB = { enabled: true, delay_s: 0, authentication: 'eap-md5' };
const EVIDENCE: ConfigPart = { radius: { accounting: { spool: { evidence_s: 10 } } } };

/** What a client, a server or the kernel would notice. */
const NOTICED = ['grant', 'revoke', 'set-vlans', 'inject', 'send-datagram', 'set-link'];

function noticed(stage: SimulatedStage, from: number): readonly string[] {
  return stage.net.performed
    .slice(from)
    .map(({ effect }) => effect.type)
    .filter((type) => NOTICED.includes(type));
}

interface Restart {
  readonly stopped?: boolean;
  readonly downMs?: number;
  readonly while?: () => Promise<void> | void;
}

/** Returns where what the new agent has performed begins. */
async function restart(
  stage: SimulatedStage,
  { stopped = false, downMs = DOWN_MS, while: meanwhile = () => undefined }: Restart = {},
): Promise<number> {
  const { net } = stage;
  if (stopped) net.post({ type: 'stopping' });
  stage.invariants.restarted();
  stage.invariants.excuse(downMs + 60_000);
  net.dead = true;
  await meanwhile();
  const from = net.performed.length;
  net.killAgent(downMs);
  return from;
}

async function goesOn(stage: SimulatedStage, machine: Machine, before: PortSession): Promise<PortSession> {
  const now = await stage.retained(machine.mac);
  expect(now).toMatchObject({
    session_id: before.session_id,
    multi_session_id: before.multi_session_id,
    started: before.started,
    method: before.method,
    role: before.role,
    vlan: before.vlan,
    user_name: before.user_name,
  });
  return now as PortSession;
}

async function fresh(setting: Partial<Setting> = {}): Promise<SimulatedStage> {
  return new SimulatedStage({ machines: 1, ...setting, config: { ...EVIDENCE, ...setting.config } });
}

/** The file, for the next start. */
function edit(stage: SimulatedStage, config: ConfigPart): void {
  stage.net.file = simFile(config);
}

function rows(stage: SimulatedStage) {
  return stage.net.servers.flatMap((server) => server.rows);
}

describe('a session by 802.1X', () => {
  it.each([true, false])(
    'stopped in order: %s; nobody notices, and it is the same session',
    async (stopped) => {
      const stage = await fresh();
      const machine = stage.machine(1);
      const session = await stage.login(machine);
      await stage.talk(machine, 1_000);
      await stage.pass(20_000);
      const heard = rows(stage).length;
      const from = await restart(stage, { stopped });
      await stage.pass(0);
      expect(noticed(stage, from)).toEqual([]);
      await stage.pass(60_000);
      expect(noticed(stage, from)).toEqual([]);
      expect(rows(stage)).toHaveLength(heard);
      await goesOn(stage, machine, session);
      expect(stage.events('session-end')).toEqual([]);
      expect(stage.events('session-start')).toHaveLength(1);
      expect(stage.events('warning')).toEqual([]);
      await stage.logoff(machine);
      await stage.pass(1_000);
      const stop = rows(stage).at(-1);
      expect(stop).toMatchObject({ status: 'Stop', sessionId: session.session_id, terminateCause: 1 });
      expect(Math.abs((stop?.sessionTimeS ?? 0) - 82)).toBeLessThanOrEqual(1);
      expect(judge(rows(stage))).toEqual([]);
      expect([...stage.net.disk.keys()]).toEqual([]);
    },
  );

  it('is reauthenticated by its own timer, counted from its login', async () => {
    const stage = await fresh({ config: { dot1x: { reauth_period_s: 100 } } });
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.talk(machine, 1_000);
    await stage.pass(60_000);
    const asked = stage.net.servers[0]?.questions ?? 0;
    await restart(stage, { downMs: 30_000 });
    await stage.pass(5_000);
    expect(stage.net.servers[0]?.questions).toBe(asked);
    await stage.pass(10_000);
    expect(stage.net.servers[0]?.questions).toBeGreaterThan(asked);
    await goesOn(stage, machine, session);
  });

  it('whose client is gone is out after a fresh count, and not before', async () => {
    const stage = await fresh();
    const machine = stage.machine(1);
    const { timing } = stage;
    await stage.login(machine);
    await stage.pass(5_000);
    await stage.silence(machine);
    await restart(stage, { downMs: 100_000 });
    await stage.pass(timing.times * timing.periodS * 1_000 - 100);
    expect(stage.events('session-end')).toEqual([]);
    await stage.pass(2 * timing.periodS * 1_000 + 1_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'handshake-timeout' }]);
  });

  it('finds itself in the questions of a server and of an administrator', async () => {
    const stage = await fresh({ coa: true });
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await restart(stage);
    expect(await stage.changeAuthorization('u1', { sessionTimeoutS: 500 })).toBe('CoA-ACK');
    await goesOn(stage, machine, session);
    await restart(stage);
    expect(await stage.retained(machine.mac)).toMatchObject({ session_timeout_s: 500 });
    await stage.ask('disconnect', { session_id: session.session_id });
    await stage.pass(1_000);
    expect(stage.events('session-end')).toMatchObject([
      { cause: 'admin-reset', session_id: session.session_id },
    ]);
  });
});

describe('timers', () => {
  const at = async (reply: object, config: ConfigPart = {}) => {
    const stage = await fresh({ replies: { u1: reply }, config });
    await stage.login(stage.machine(1));
    return stage;
  };
  const endOf = (stage: SimulatedStage) => stage.events('session-end')[0];

  it.each([0, -3_600_000, 3_600_000])(
    'count on while nobody runs, by a clock that is set by %i ms',
    async (step) => {
      const stage = await at({ sessionTimeoutS: 100 });
      await stage.talk(stage.machine(1), 1_000);
      await stage.pass(50_000);
      const setClock = (): void => {
        stage.net.world.wallOffset += step;
      };
      await restart(stage, { downMs: 30_000, while: setClock });
      await stage.pass(18_000);
      expect(endOf(stage)).toBeUndefined();
      await stage.pass(4_000);
      expect(endOf(stage)).toMatchObject({ cause: 'session-timeout' });
      expect(Math.abs((endOf(stage)?.session_time_s ?? 0) - 100)).toBeLessThanOrEqual(2);
    },
  );

  it('that ran out while nobody ran end it at the start', async () => {
    const stage = await at({ sessionTimeoutS: 100 });
    await restart(stage, { downMs: 200_000 });
    await stage.pass(500);
    expect(endOf(stage)).toMatchObject({ cause: 'session-timeout' });
  });

  it.each([
    [45, 2_000],
    [45, 20_000],
    [45, 30_000],
    [45, 40_000],
    [60, 30_000],
    [60, 40_000],
  ])('of a heartbeat of %i s wait for the handshake to ask, after %i ms', async (heartbeat, downMs) => {
    const handshake = { period_s: 15, times: 3 };
    const stage = await fresh({ config: { roles: { default: { heartbeat_s: heartbeat, handshake } } } });
    const quiet = stage.machine(1);
    await stage.login(quiet);
    await stage.announce(quiet);
    for (let phase = 0; phase < 5; phase++) {
      await stage.pass(60_000 + phase * 3_000);
      await restart(stage, { downMs });
      await stage.pass(90_000);
    }
    expect(stage.events('session-end')).toEqual([]);
  });

  it('of the heartbeat ask once more, and cut who does not answer', async () => {
    const config = { roles: { default: { heartbeat_s: 60, handshake: 'off' } } };
    const stage = await fresh({ machines: 2, config });
    await stage.login(stage.machine(1));
    const [present, away] = [stage.machine(1), stage.machine(2)];
    await stage.login(away);
    await stage.announce(present);
    await stage.announce(away);
    await stage.pass(1_000);
    await stage.silence(away);
    await restart(stage, { downMs: 300_000 });
    await stage.pass(15_000);
    expect(stage.events('session-end')).toEqual([]);
    await stage.pass(15_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'heartbeat-timeout', mac: away.mac }]);
    await stage.pass(60_000);
    expect(stage.events('session-end')).toHaveLength(1);
  });

  it('of Idle-Timeout know from the table when the client was heard', async () => {
    const stage = await at({ idleTimeoutS: 60 });
    const machine = stage.machine(1);
    await stage.talk(machine, 1_000);
    await stage.pass(10_000);
    await restart(stage, { downMs: 40_000, while: () => stage.talk(machine, 0) });
    await stage.pass(15_000);
    expect(endOf(stage)).toBeUndefined();
    await stage.pass(8_000);
    expect(endOf(stage)).toMatchObject({ cause: 'idle-timeout' });
  });

  it('of interims: none is lost, and none comes before its time', async () => {
    const stage = await at({}, { radius: { accounting: { interim_s: 100 } } });
    await stage.talk(stage.machine(1), 1_000);
    const interims = () => rows(stage).filter(({ status }) => status === 'Interim-Update');
    await stage.pass(60_000);
    await restart(stage);
    await stage.pass(20_000);
    expect(interims()).toHaveLength(0);
    await stage.pass(35_000);
    expect(interims()).toHaveLength(1);
  });
});

describe('a link that may be down for a while', () => {
  const config: ConfigPart = { ports: { 'p*': { control: 'auto', link_down_delay_s: 5 } } };
  const cable = (stage: SimulatedStage, there: boolean) => stage.net.bridge.setCable('p1', there);

  async function talking(): Promise<{ stage: SimulatedStage; machine: Machine; session: PortSession }> {
    const stage = await fresh({ config });
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.talk(machine, 1_000);
    await stage.pass(20_500);
    return { stage, machine, session };
  }

  it('down at the start and back in time: it goes on; not back: it ends', async () => {
    for (const back of [true, false]) {
      const { stage, machine, session } = await talking();
      await restart(stage, { while: () => cable(stage, false) });
      await stage.pass(4_000);
      await goesOn(stage, machine, session);
      if (back) cable(stage, true);
      await stage.pass(3_000);
      const ends = back ? [] : [{ cause: 'port-down', session_id: session.session_id }];
      expect(stage.events('session-end')).toMatchObject(ends);
    }
  });

  it('down for longer than that before the start: it ends at once', async () => {
    const { stage } = await talking();
    await restart(stage, { downMs: 6_000, while: () => cable(stage, false) });
    await stage.pass(500);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'port-down' }]);
  });

  it('down and back while the agent ran is no news to the next one; back while it did not run is', async () => {
    const { stage, machine, session } = await talking();
    cable(stage, false);
    await stage.pass(2_000);
    cable(stage, true);
    await stage.pass(2_000);
    await restart(stage);
    await stage.pass(500);
    await goesOn(stage, machine, session);
    cable(stage, false);
    await stage.pass(1_000);
    await restart(stage, { while: () => cable(stage, true) });
    await stage.pass(500);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'port-down' }]);
  });
});

describe('a session by another method', () => {
  it('MAB: nobody is asked about it', async () => {
    const config = { ports: { 'p*': { mab: MAB } } };
    const stage = await fresh({ devices: [1], config });
    const machine = stage.machine(1);
    await stage.announce(machine);
    await stage.talk(machine, 1_000);
    await stage.pass(10_000);
    const session = await stage.retained(machine.mac);
    expect(session?.method).toBe('mab');
    const asked = stage.net.servers[0]?.questions;
    const from = await restart(stage);
    await stage.pass(60_000);
    expect(stage.net.servers[0]?.questions).toBe(asked);
    expect(noticed(stage, from)).toEqual([]);
    await goesOn(stage, machine, session as PortSession);
  });

  it('MAB that is switched off meanwhile: it ends as by a reload', async () => {
    const config = { ports: { 'p*': { mab: MAB } } };
    const stage = await fresh({ devices: [1], config });
    await stage.announce(stage.machine(1));
    await stage.pass(10_000);
    edit(stage, EVIDENCE);
    await restart(stage);
    await stage.pass(500);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'port-reinit', method: 'mab' }]);
    expect(await stage.isGranted(stage.machine(1).mac, 'p1')).toBe(false);
  });

  it('guest: in its VLAN still, and out where the port has none any more', async () => {
    const config = { ports: { 'p*': { guest_vlan: 90 } }, dot1x: { tx_period_s: 1 } };
    const stage = await fresh({ vlans: { onUplink: [90] }, config });
    const machine = stage.machine(1);
    await stage.announce(machine);
    await stage.pass(10_000);
    const session = await stage.retained(machine.mac);
    expect(session).toMatchObject({ method: 'guest', vlan: 90 });
    await restart(stage);
    await stage.pass(0);
    await goesOn(stage, machine, session as PortSession);
    expect(await stage.grantedVlans(machine.mac)).toEqual([90]);
    edit(stage, EVIDENCE);
    await restart(stage);
    await stage.pass(1_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'authorization-changed', method: 'guest' }]);
    expect([...stage.net.disk.keys()].filter((key) => key.startsWith('u'))).toEqual([]);
  });
});

describe('VLANs', () => {
  const vlans = { onUplink: [10, 20] };

  it('are held over the restart, and go back to what was found with the session', async () => {
    const stage = await fresh({ vlans, replies: { u1: { vlan: '10', egress: ['120'] } } });
    const machine = stage.machine(1);
    const found = await stage.vlansOf('p1');
    const session = await stage.login(machine);
    const held = await stage.vlansOf('p1');
    expect(held).not.toEqual(found);
    const from = await restart(stage);
    await stage.pass(5_000);
    expect(noticed(stage, from).filter((type) => type !== 'inject')).toEqual([]);
    expect(await stage.vlansOf('p1')).toEqual(held);
    await goesOn(stage, machine, session);
    await stage.logoff(machine);
    await stage.pass(1_000);
    expect(await stage.vlansOf('p1')).toEqual(found);
  });

  it('are held while the table cannot be read, whatever else goes from the port', async () => {
    const stage = await fresh({ vlans, replies: { u1: { vlan: '10' } } });
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.killSupplicant(machine);
    await stage.talk(machine, 1_000);
    const held = await stage.vlansOf('p1');
    stage.failDumps(3);
    await restart(stage);
    const stranger = '02:00:00:00:99:99' as Mac;
    stage.net.bridge.learnOpen(stranger, 'p1', 'told');
    await stage.pass(200);
    expect(stage.net.bridge.entriesOf(stranger)).toEqual([]);
    expect(await stage.vlansOf('p1')).toEqual(held);
    await stage.pass(5_000);
    expect(await stage.vlansOf('p1')).toEqual(held);
  });

  it('of a role that has another one by now: the session is moved, as by a reload', async () => {
    const role = (vlan: number): ConfigPart => ({ ...EVIDENCE, roles: { default: { vlan } } });
    const stage = await fresh({ vlans, config: role(10) });
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    expect(session.vlan).toBe(10);
    edit(stage, role(20));
    await restart(stage);
    await stage.pass(1_000);
    expect(await stage.retained(machine.mac)).toMatchObject({ session_id: session.session_id, vlan: 20 });
    expect(await stage.grantedVlans(machine.mac)).toEqual([20]);
  });

  it('of which somebody has taken one entry away: it is written again', async () => {
    const stage = await fresh({ vlans, replies: { u1: { vlan: '10', egress: ['120'] } } });
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    expect(await stage.grantedVlans(machine.mac)).toEqual([10, 20]);
    await restart(stage, {
      while: () => {
        for (const [key, { vlan }] of stage.net.bridge.table)
          if (vlan === 20) stage.net.bridge.table.delete(key);
      },
    });
    await stage.pass(500);
    await goesOn(stage, machine, session);
    expect(await stage.grantedVlans(machine.mac)).toEqual([10, 20]);
  });
});

describe('what does not match', () => {
  const cases: readonly (readonly [
    what: string,
    cause: string,
    meanwhile: (stage: SimulatedStage, machine: Machine) => Promise<void> | void,
  ])[] = [
    ['its entry is gone', 'nas-reboot', (stage) => stage.net.bridge.table.clear()],
    ['its port is gone', 'port-removed', (stage) => stage.removePort('p1')],
    ['its link is down', 'port-down', (stage, machine) => stage.unplug(machine)],
    [
      'its cable was pulled and put back',
      'port-down',
      (stage) => {
        stage.net.bridge.setCable('p1', false);
        stage.net.bridge.setCable('p1', true);
      },
    ],
    ['its port is down', 'port-disabled', (stage) => stage.setPort('p1', 'down')],
    [
      'its port is closed by the file',
      'force-unauthorized',
      (stage) => edit(stage, { ports: { 'p*': { control: 'force-unauthorized' } } }),
    ],
    [
      'its port is an uplink by the file',
      'port-reinit',
      (stage) => edit(stage, { switch: { uplinks: ['up0', 'p1'] } }),
    ],
  ];

  it.each(cases)('%s: its Stop says %s, once, and nothing of it is left', async (_, cause, meanwhile) => {
    const stage = await fresh();
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.talk(machine, 1_000);
    await stage.pass(20_000);
    await stage.killSupplicant(machine);
    await restart(stage, { downMs: 60_000, while: () => meanwhile(stage, machine) });
    await stage.pass(2_000);
    expect(stage.events('session-end')).toMatchObject([{ cause, session_id: session.session_id }]);
    // Its entry is its own until it is gone.
    expect(stage.events('warning').filter(({ code }) => code === 'foreign-entry')).toEqual([]);
    const stops = rows(stage).filter(({ status }) => status === 'Stop');
    expect(stops).toHaveLength(1);
    // At its last evidence, as far as that was known, and not at the start.
    expect(stops[0]?.sessionTimeS).toBeLessThanOrEqual(82);
    expect(await stage.retained(machine.mac)).toBeUndefined();
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(false);
    expect([...stage.net.disk.keys()]).toEqual([]);
    expect(judge(rows(stage))).toEqual([]);
  });

  it('its entry is gone, and its client, let in anew, says nothing: it is asked where it was, and stays', async () => {
    const stage = await fresh();
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.passes(machine);
    await stage.pass(20_000);
    await restart(stage, { while: () => stage.net.bridge.table.clear() });
    const [client] = stage.net.clients;
    if (client === undefined) throw new Error('nobody is there');
    client.announce = () => {};
    const again = await stage.login(machine);
    await stage.pass(120_000);
    expect((await stage.retained(machine.mac))?.session_id).toBe(again.session_id);
  });

  it('a grant of nobody is removed, and told of', async () => {
    const stage = await fresh({ machines: 2 });
    const session = await stage.login(stage.machine(1));
    const stranger = '02:99:00:00:00:77';
    await restart(stage, { while: () => stage.writeForeignGrant(stranger, 'p2') });
    await stage.pass(1_000);
    expect(await stage.isGranted(stranger, 'p2')).toBe(false);
    expect(stage.events('warning')).toMatchObject([{ code: 'foreign-entry' }]);
    await goesOn(stage, stage.machine(1), session);
  });

  it('a store that is lost: whoever was in is out, and comes in anew', async () => {
    const stage = await fresh();
    const machine = stage.machine(1);
    const before = await stage.login(machine);
    await stage.killSupplicant(machine);
    await restart(stage, { while: () => stage.net.disk.clear() });
    await stage.pass(500);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(false);
    expect(await stage.retained(machine.mac)).toBeUndefined();
    const again = await stage.login(machine);
    expect(again.session_id).not.toBe(before.session_id);
  });

  it('is a login at a concentrator of which nothing can be read, or that is of another boot: it is erased', async () => {
    const stage = await fresh();
    const login = {
      boot: 'another',
      client: '192.0.2.10' as Ip,
      nas: {},
      sessionId: 's1',
      userName: 'alice',
      classes: [],
      addresses: [],
      startedAt: 1 as MachineTime,
      heardAt: 1 as MachineTime,
    };
    await restart(stage, {
      while: () => {
        stage.net.disk.set('lbroken', Uint8Array.of(1));
        stage.net.disk.set('lold', keepingLogin('old', login).value ?? new Uint8Array());
      },
    });
    await stage.pass(500);
    expect([...stage.net.disk.keys()].filter((key) => key.startsWith('l'))).toEqual([]);
  });

  it('is new to the store at its first writing only, so that one that could not be written leaves nothing', async () => {
    const stage = await fresh();
    const newOnes = (from = 0) =>
      stage.net.performed
        .slice(from)
        .flatMap(({ effect }) =>
          effect.type === 'session-store'
            ? effect.changes.filter(({ isNew }) => isNew).map(({ key }) => key)
            : [],
        );
    const { session_id: id } = await stage.login(stage.machine(1));
    await stage.pass(5_000);
    expect(newOnes()).toEqual([`u${id}`]);
    const from = await restart(stage);
    await stage.pass(60_000);
    expect(newOnes(from)).toEqual([]);
  });

  it('what is kept of it is damaged: its Stop, a warning, and its user comes in anew', async () => {
    const stage = await fresh({ machines: 2 });
    const [first, second] = [stage.machine(1), stage.machine(2)];
    const [damaged, whole] = [await stage.login(first), await stage.login(second)];
    await stage.killSupplicant(first);
    await restart(stage, {
      while: () => {
        const key = `u${damaged.session_id}`;
        stage.net.disk.get(key)?.set([0xff], 20);
      },
    });
    await stage.pass(500);
    expect(stage.events('session-end')).toMatchObject([
      { cause: 'nas-reboot', session_id: damaged.session_id },
    ]);
    expect(stage.events('warning')).toMatchObject([{ code: 'spool' }, { code: 'foreign-entry' }]);
    await goesOn(stage, second, whole);
    expect(await stage.isGranted(first.mac, 'p1')).toBe(false);
  });

  it('a program of before that has stopped it: nothing of it is believed', async () => {
    const stage = await fresh();
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.killSupplicant(machine);
    await restart(stage, { while: () => void stage.net.disk.delete(`s${session.session_id}`) });
    await stage.pass(500);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(false);
    expect([...stage.net.disk.keys()]).toEqual([]);
  });
});

it('a bridge that is not there at the start: whoever was in is out at once, and nothing waits', async () => {
  const stage = await fresh();
  const machine = stage.machine(1);
  const session = await stage.login(machine);
  await restart(stage, { while: () => stage.net.bridge.vanish() });
  expect(await stage.ask('disconnect', { all: true })).toMatchObject({ disconnected: 0 });
  await stage.pass(1_000);
  expect(stage.events('session-end')).toMatchObject([
    { cause: 'port-removed', session_id: session.session_id },
  ]);
  expect(judge(rows(stage))).toEqual([]);
});

describe('while it is not known yet who is in', () => {
  const BUSY = /busy.*sessions of the earlier run are still being found/;

  /** The table cannot be read at first. */
  async function undecided(setting: Partial<Setting> = {}) {
    const stage = await fresh(setting);
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    await stage.killSupplicant(machine);
    await stage.talk(machine, 1_000);
    stage.failDumps(1);
    await restart(stage);
    await stage.pass(200);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(true);
    return { stage, machine, session };
  }

  it.each([
    ['disconnect', { all: true }],
    ['disconnect', { mac: '02:00:00:00:00:01' }],
    ['disconnect', { all: true, dry_run: true }],
    ['reauthenticate', { all: true }],
    ['probe', { all: true }],
  ])('%s %j is refused, and changes nothing', async (verb, request) => {
    const { stage, machine, session } = await undecided();
    await expect(stage.ask(verb, request)).rejects.toThrow(BUSY);
    await stage.pass(5_000);
    await goesOn(stage, machine, session);
    await stage.ask('disconnect', { all: true });
    await stage.pass(1_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'admin-reset' }]);
  });

  it('its client logs in anew: the session goes on', async () => {
    const { stage, machine, session } = await undecided();
    stage.failDumps(50);
    await stage.become(machine, 'u1');
    await stage.pass(3_000);
    await goesOn(stage, machine, session);
    stage.failDumps(0);
    await stage.pass(5_000);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(true);
    await stage.logoff(machine);
    await stage.pass(1_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'supplicant-logoff' }]);
    expect(judge(rows(stage))).toEqual([]);
    expect([...stage.net.disk.keys()]).toEqual([]);
  });

  it('its client is asked in vain: it is no guest, and its session goes on', async () => {
    const config = { ports: { 'p*': { guest_vlan: 91 } } };
    const { stage, machine, session } = await undecided({ config, vlans: { onUplink: [91] } });
    const { core } = stage.invariants;
    core.now = stage.net.world.clocks;
    core.parts.fallback.failed(machine.mac as Mac, 'p1' as PortName, {
      by: 'dot1x',
      failure: 'client-silent',
    });
    await stage.pass(5_000);
    await goesOn(stage, machine, session);
    expect(stage.events('session-start')).toHaveLength(1);
  });

  it('as another user: the one before ends by that', async () => {
    const { stage, machine, session } = await undecided({ machines: 2 });
    stage.failDumps(50);
    await stage.become(machine, 'u2');
    await stage.pass(3_000);
    expect(stage.events('session-end')).toMatchObject([
      { cause: 'supplicant-restart', session_id: session.session_id },
    ]);
    stage.failDumps(0);
    await stage.pass(5_000);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(true);
    await stage.logoff(machine);
    await stage.pass(1_000);
    expect(judge(rows(stage))).toEqual([]);
  });

  it('and is refused: it ends by that, and its client hears one failure', async () => {
    const { stage, machine, session } = await undecided();
    stage.failDumps(50);
    await stage.setPassword('u1', 'another');
    await stage.become(machine, 'u1');
    await stage.pass(3_000);
    expect(stage.events('session-end')).toMatchObject([
      { cause: 'reauth-failed', session_id: session.session_id },
    ]);
    expect(stage.net.clients[0]?.supplicant.failures).toBe(1);
    stage.failDumps(0);
    await stage.pass(5_000);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(false);
    expect(await stage.retained(machine.mac)).toBeUndefined();
    expect(judge(rows(stage))).toEqual([]);
  });

  it('and what the server says cannot be done: it ends by that, as one that is reauthenticated', async () => {
    const { stage, machine, session } = await undecided({ vlans: { onUplink: [10] } });
    stage.failDumps(50);
    await stage.setReply('u1', { vlan: 'unknown' });
    await stage.become(machine, 'u1');
    await stage.pass(3_000);
    expect(stage.events('session-end')).toMatchObject([
      { cause: 'nas-error', session_id: session.session_id },
    ]);
    expect(stage.net.clients[0]?.supplicant.failures).toBe(1);
    stage.failDumps(0);
    await stage.pass(5_000);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(false);
    expect(judge(rows(stage))).toEqual([]);
  });

  it('its client is about to log in as the table is read: that goes on, with the session', async () => {
    const { stage, machine, session } = await undecided();
    await stage.serverSilent(true);
    await stage.become(machine, 'u1');
    await stage.pass(100);
    const { supplicants } = stage.invariants.core.parts;
    const standing = () => supplicants.describe(machine.mac as Mac);
    expect(standing()).toMatch(/AUTHENTICATING [^,]*, next/);
    await stage.pass(1_500);
    expect(standing()).toMatch(/AUTHENTICATING .*has a session/);
    await stage.serverSilent(false);
    await stage.pass(10_000);
    expect(standing()).toMatch(/AUTHENTICATED .*has a session/);
    expect(stage.net.clients[0]?.supplicant.authorized).toBe(true);
    await goesOn(stage, machine, session);
    await stage.setPassword('u1', 'another');
    await stage.become(machine, 'u1');
    await stage.pass(3_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'reauth-failed' }]);
  });

  it('its client logs in anew on a port of the host mode multi-host: the port is open again', async () => {
    const { stage, machine, session } = await undecided({
      config: { ports: { 'p*': { host_mode: 'multi-host' } } },
    });
    expect(stage.net.bridge.port('p1').locked).toBe(true);
    stage.failDumps(50);
    await stage.become(machine, 'u1');
    await stage.pass(3_000);
    await goesOn(stage, machine, session);
    expect(stage.net.bridge.port('p1').locked).toBe(false);
    stage.failDumps(0);
    await stage.logoff(machine);
    await stage.pass(1_000);
    expect(stage.net.bridge.port('p1').locked).toBe(true);
  });

  it('its client logs in on another port: nothing is claimed, and what it had is over when the table is read', async () => {
    const { stage, machine, session } = await undecided({ machines: 2 });
    stage.failDumps(50);
    const there = await stage.impersonate(2, machine);
    await stage.become(there, 'u2');
    await stage.pass(3_000);
    const now = await stage.retained(machine.mac);
    expect(now).toMatchObject({ port: 'p2', user_name: 'u2' });
    expect(stage.events('session-end')).toEqual([]);
    stage.failDumps(0);
    await stage.pass(5_000);
    expect(stage.events('session-end')).toMatchObject([{ session_id: session.session_id }]);
    expect(await stage.retained(machine.mac)).toMatchObject({ session_id: now?.session_id });
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(false);
    expect(await stage.isGranted(machine.mac, 'p2')).toBe(true);
    await stage.logoff(there);
    await stage.pass(1_000);
    expect(judge(rows(stage))).toEqual([]);
  });

  it('its client is accepted on another port, and cannot be let in there: its timers go on', async () => {
    const { stage, machine, session } = await undecided({
      machines: 2,
      vlans: { onUplink: [10] },
      replies: { u2: { vlan: 'unknown' } },
      config: { dot1x: { reauth_period_s: 100 } },
    });
    stage.failDumps(50);
    const there = await stage.impersonate(2, machine);
    await stage.become(there, 'u2');
    await stage.pass(3_000);
    expect(stage.events('auth-failed')).toMatchObject([{ reason: 'grant-failed' }]);
    await stage.silence(there);
    stage.failDumps(0);
    await stage.pass(5_000);
    await goesOn(stage, machine, session);
    // Nobody there answers EAPOL.
    await stage.pass(400_000);
    expect(stage.events('session-end')).toMatchObject([{ session_id: session.session_id }]);
  });

  it('a device that MAB let in is accepted by 802.1X, and cannot be let in by that: MAB knows it still', async () => {
    const stage = await fresh({
      devices: [1],
      vlans: { onUplink: [10] },
      replies: { u1: { vlan: 'unknown' } },
      config: { ports: { 'p*': { mab: MAB } } },
    });
    const machine = stage.machine(1);
    await stage.announce(machine);
    await stage.talk(machine, 1_000);
    await stage.pass(10_000);
    const session = await stage.retained(machine.mac);
    stage.failDumps(50);
    await restart(stage);
    await stage.become(machine, 'u1');
    await stage.pass(3_000);
    expect(stage.events('auth-failed')).toMatchObject([{ reason: 'grant-failed', method: 'dot1x' }]);
    stage.failDumps(0);
    await stage.pass(5_000);
    await goesOn(stage, machine, session as PortSession);
    expect(await stage.ask('reauthenticate', { mac: machine.mac })).toMatchObject({ reauthenticating: 1 });
  });

  it('a device that MAB let in is not asked about', async () => {
    const stage = await fresh({ devices: [1], config: { ports: { 'p*': { mab: MAB } } } });
    const machine = stage.machine(1);
    await stage.announce(machine);
    await stage.talk(machine, 1_000);
    await stage.pass(10_000);
    const session = await stage.retained(machine.mac);
    expect(session?.method).toBe('mab');
    stage.failDumps(3);
    const asked = stage.net.servers[0]?.questions;
    await restart(stage);
    await stage.announce(machine);
    await stage.pass(10_000);
    expect(stage.net.servers[0]?.questions).toBe(asked);
    await goesOn(stage, machine, session as PortSession);
    expect(stage.events('session-end')).toEqual([]);
  });

  it('a drain is refused, and nobody is told that all is off', async () => {
    const { stage, machine, session } = await undecided();
    await expect(stage.ask('drain')).rejects.toThrow(BUSY);
    await stage.pass(5_000);
    expect(stage.net.drained).toBe(false);
    expect(rows(stage).map(({ status }) => status)).not.toContain('Accounting-Off');
    await goesOn(stage, machine, session);
    expect(await stage.ask('drain')).toEqual({ draining: 1 });
  });

  it('a certified device is not taken off the list', async () => {
    const { stage } = await undecided({ config: { certified_devices: { enabled: true } } });
    await expect(stage.ask('certified', { clear: true, all: true })).rejects.toThrow(BUSY);
  });

  it('a rule that clears the list waits, and logs off whom it finds', async () => {
    const clear = [{ every_s: 60 }];
    const stage = await fresh({ config: { certified_devices: { enabled: true, clear } } });
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.killSupplicant(machine);
    await stage.talk(machine, 1_000);
    await stage.pass(30_000);
    stage.failDumps(1);
    await restart(stage, { downMs: 40_000 });
    await stage.pass(5_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'certified-device-cleared' }]);
  });

  it('a server has no answer, and has it when it asks again', async () => {
    const { stage, machine, session } = await undecided({ coa: true });
    const { net } = stage;
    const attributes = [text('User-Name', 'u1')];
    const bytes = dynamicRequest({ code: 'Disconnect-Request', attributes });
    const datagrams = [{ address: '192.0.2.1', port: 40_000, bytes }];
    const ask = () => net.post({ type: 'dynamic-requests', datagrams });
    ask();
    await stage.pass(100);
    expect(net.dynamicReplies).toEqual([]);
    await stage.pass(5_000);
    await goesOn(stage, machine, session);
    ask();
    await stage.pass(1_000);
    expect(net.dynamicReplies).toHaveLength(1);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(false);
  });
});

it('a Stop at the start does not say less than an interim has said', async () => {
  const stage = await fresh({
    config: { radius: { accounting: { interim_s: 60 } }, roles: { default: { handshake: 'off' } } },
  });
  const machine = stage.machine(1);
  await stage.login(machine);
  await stage.pass(370_000);
  await restart(stage, { stopped: true, downMs: 60_000, while: () => stage.unplug(machine) });
  await stage.pass(2_000);
  const [stop, interim] = [...rows(stage)].reverse();
  expect(interim).toMatchObject({ status: 'Interim-Update' });
  expect(stop).toMatchObject({ status: 'Stop' });
  expect(stop?.sessionTimeS).toBeGreaterThanOrEqual(370);
  expect(stop?.sessionTimeS).toBeLessThanOrEqual(372);
});

describe('a port of the host mode multi-host', () => {
  const mode = (host_mode: string): ConfigPart => ({ ...EVIDENCE, ports: { 'p*': { host_mode } } });
  const opened = (stage: SimulatedStage, from: number) =>
    stage.net.performed
      .slice(from)
      .some(({ effect }) => effect.type === 'set-port' && effect.port === 'p1' && !effect.setting.locked);

  it('is open again for its client, which goes on, restart after restart', async () => {
    const stage = await fresh({ config: mode('multi-host') });
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    for (let i = 0; i < 2; i++) {
      await restart(stage);
      await stage.pass(1_000);
      await goesOn(stage, machine, session);
      expect(stage.net.bridge.port('p1').locked).toBe(false);
    }
  });

  it('is not opened for one that ends', async () => {
    const stage = await fresh({ config: mode('multi-host') });
    const machine = stage.machine(1);
    await stage.login(machine);
    const from = await restart(stage, { while: () => stage.unplug(machine) });
    await stage.pass(2_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'port-down' }]);
    expect(opened(stage, from)).toBe(false);
    expect(stage.net.bridge.port('p1').locked).toBe(true);
  });

  it('by the file only since: it stays shut, as by a reload', async () => {
    const stage = await fresh({ config: mode('multi-auth') });
    const machine = stage.machine(1);
    const session = await stage.login(machine);
    edit(stage, mode('multi-host'));
    const from = await restart(stage);
    await stage.pass(2_000);
    await goesOn(stage, machine, session);
    expect(opened(stage, from)).toBe(false);
  });
});

describe('killed at any write, and started on what there is', () => {
  const story = async (stage: SimulatedStage): Promise<void> => {
    const [a, b] = [stage.machine(1), stage.machine(2)];
    const steps: readonly (() => Promise<unknown> | unknown)[] = [
      () => stage.begin(a),
      () => stage.talk(a, 1_000),
      () => stage.pass(3_000),
      () => stage.begin(b),
      () => stage.talk(b, 1_000),
      () => stage.pass(25_000),
      () => stage.logoff(a),
      () => stage.pass(3_000),
      () => stage.begin(a),
      () => stage.pass(3_000),
      () => stage.silence(b),
      () => stage.pass(80_000),
    ];
    for (const step of steps) await step();
  };

  it('each session has one Start and one Stop, and whoever is in the table has a session', async () => {
    const whole = await fresh({ machines: 2 });
    await story(whole);
    const { writes } = whole.net;
    expect(writes).toBeGreaterThan(12);
    for (let write = 1; write <= writes; write++) {
      const stage = await fresh({ machines: 2 });
      stage.invariants.excuse(1e9);
      const { net } = stage;
      let restarted = 0;
      net.diesAtWrite = write;
      const { afterTurn } = net;
      net.afterTurn = () => {
        if (!net.dead) afterTurn();
        if (!net.dead || restarted > 0) return;
        restarted++;
        net.world.in(1_500, () => {
          stage.invariants.restarted();
          net.killAgent();
          net.afterTurn = afterTurn;
        });
      };
      await story(stage);
      await stage.pass(10_000);
      const verdict = judge(rows(stage).filter(({ status }) => status !== 'Accounting-On'));
      const both = [stage.machine(1), stage.machine(2)];
      const living = await Promise.all(both.map(async ({ mac }) => (await stage.retained(mac))?.session_id));
      // Of whoever is in there is no Stop yet.
      const faults = verdict.filter((fault) => !living.some((id) => id !== undefined && fault.includes(id)));
      expect(faults, `killed at write ${write} of ${writes}`).toEqual([]);
      for (const { mac, port } of both)
        expect(await stage.isGranted(mac, port), `${mac}, killed at write ${write}`).toBe(
          (await stage.retained(mac)) !== undefined,
        );
    }
  }, 60_000);
});

it('counters of a port go on from where they were at the login', async () => {
  const stage = await fresh();
  const machine = stage.machine(1);
  const { counters } = stage.net.bridge.port('p1');
  counters.inputOctets = 5_000;
  await stage.login(machine);
  const atLogin = counters.inputOctets;
  await restart(stage, {
    while: () => {
      counters.inputOctets += 2_000;
    },
  });
  await stage.pass(1_000);
  await stage.logoff(machine);
  await stage.pass(1_000);
  const [end] = stage.events('session-end');
  expect(end?.counters?.input_octets).toBe(counters.inputOctets - atLogin);
});
