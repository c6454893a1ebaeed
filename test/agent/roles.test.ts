// Roles on the simulated switch: who is in which, what follows from it, and who is judged by silence.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { Instant } from '../../src/base/time.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { Answer } from '../../src/report/answers.ts';
import { type OutgoingAttribute, text, vendor } from '../../src/wire/radius-attributes.ts';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import { DYNAUTH_SECRET, dynamicRequest, readReply } from '../rigs/dynauth.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import type { Reply, Setting } from '../scenarios/stage.ts';

const SERVER = '192.0.2.9';
const BASE: ConfigPart = {
  radius: { dynamic_authorization: { clients: [{ address: SERVER, secret: DYNAUTH_SECRET }] } },
  authorization: { role_attributes: [{ vendor: 14_823, type: 1 }] },
  roles: { staff: {}, guest: {}, phone: {} },
};

async function switchOf(setting: Partial<Setting> & { readonly machines: number }): Promise<SimulatedStage> {
  const stage = new SimulatedStage({ ...setting, config: overlay(BASE, setting.config ?? {}) });
  for (let n = 1; n <= setting.machines; n++) await stage.login(stage.machine(n));
  return stage;
}

const retained = (stage: SimulatedStage, n: number) => stage.retained(stage.machine(n).mac);
const probesTo = (stage: SimulatedStage, n: number) =>
  stage
    .events('handshake-probe')
    .flatMap(({ probes }) => probes)
    .filter(({ mac }) => mac === stage.machine(n).mac).length;
const roleOf = async (stage: SimulatedStage, n: number) => {
  const { role, role_by: by } = (await retained(stage, n)) ?? {};
  return [role, by];
};

describe('how a role is chosen', () => {
  const rules: ConfigPart = {
    role_rules: [
      { mac: '02:99', role: 'guest' },
      { mac: '0299.0000.0003', ports: ['p[3-9]'], role: 'phone' },
      { mac: '02-99-00-00-00-04', ports: ['p1'], role: 'phone' },
    ],
  };

  it.each<readonly [string, Reply, ConfigPart, readonly [string, string]]>([
    ['the port', {}, { ports: { p1: { role: 'staff' } } }, ['staff', 'port']],
    ['a rule', {}, { ...rules, ports: { p1: { role: 'staff' } } }, ['guest', 'rule']],
    ['the vendor', { userRole: 'staff' }, rules, ['staff', 'vendor-attribute']],
    ['Filter-Id', { filterId: 'phone', userRole: 'staff' }, rules, ['phone', 'filter-id']],
    ['an unknown Filter-Id', { filterId: 'x', userRole: 'staff' }, rules, ['staff', 'vendor-attribute']],
    ['an unknown one of the vendor', { userRole: 'x' }, rules, ['guest', 'rule']],
  ])('%s', async (_, reply, config, role) => {
    const stage = await switchOf({ machines: 1, replies: { u1: reply }, config });
    expect(await roleOf(stage, 1)).toEqual(role);
  });

  it('the longest beginning of a MAC, on its ports only', async () => {
    const stage = await switchOf({ machines: 4, config: rules });
    expect(await roleOf(stage, 3)).toEqual(['phone', 'rule']);
    expect(await roleOf(stage, 4)).toEqual(['guest', 'rule']);
  });

  it.each<readonly [string, Reply]>([
    ['Filter-Id', { filterId: 'x', userRole: 'staff' }],
    ['the vendor', { userRole: 'x' }],
  ])('a name of %s that no role has is refused, if that is wanted', async (_, reply) => {
    const config = { authorization: { unknown_filter_id: 'refuse' } };
    await expect(switchOf({ machines: 1, replies: { u1: reply }, config })).rejects.toThrow();
  });

  it('rules and ports of another configuration hold at once, for whom they concern', async () => {
    const stage = await switchOf({ machines: 3 });
    const phone: ConfigPart = { role_rules: [{ mac: '02:99:00:00:00:02', role: 'phone' }] };
    const apply = { apply: simFile(overlay(overlay(withHandshake(), BASE), phone)) };
    expect(await stage.ask('config', apply)).toMatchObject({ sessions: 1 });
    expect(await roleOf(stage, 2)).toEqual(['phone', 'rule']);
    expect(await roleOf(stage, 1)).toEqual(['default', 'port']);
  });
});

describe('a CoA-Request that names a role', () => {
  const coa = (stage: SimulatedStage, ...attributes: readonly OutgoingAttribute[]) => {
    const bytes = dynamicRequest({
      code: 'CoA-Request',
      attributes: [text('User-Name', 'u1'), ...attributes],
    });
    stage.net.dynamicReplies.length = 0;
    stage.net.post({ type: 'dynamic-requests', datagrams: [{ address: SERVER, port: 40_000, bytes }] });
    const [reply] = stage.net.dynamicReplies;
    return reply === undefined ? undefined : readReply(bytes, reply.bytes);
  };
  const userRole = (name: string) => vendor(14_823, 1, utf8(name));

  it('by either attribute takes the place of what the server named before', async () => {
    const stage = await switchOf({ machines: 1, replies: { u1: { filterId: 'staff' } } });
    expect(coa(stage, userRole('guest'))?.code).toBe('CoA-ACK');
    expect(await roleOf(stage, 1)).toEqual(['guest', 'vendor-attribute']);
    expect(coa(stage, text('Filter-Id', 'phone'))?.code).toBe('CoA-ACK');
    expect(await roleOf(stage, 1)).toEqual(['phone', 'filter-id']);
    expect(coa(stage, userRole('guest'), text('Filter-Id', 'staff'))?.code).toBe('CoA-ACK');
    expect(await roleOf(stage, 1)).toEqual(['staff', 'filter-id']);
  });

  it.each([
    ['that there is none of', 'x', 407],
    ['that is empty', '', 407],
  ])('%s is refused', async (_, name, errorCause) => {
    const stage = await switchOf({ machines: 1, replies: { u1: { filterId: 'staff' } } });
    expect(coa(stage, userRole(name))).toMatchObject({ code: 'CoA-NAK', errorCause });
    expect(await roleOf(stage, 1)).toEqual(['staff', 'filter-id']);
  });

  it('by an attribute that is not configured is refused', async () => {
    const stage = await switchOf({ machines: 1, config: { authorization: { role_attributes: [] } } });
    expect(coa(stage, userRole('staff'))).toMatchObject({ code: 'CoA-NAK', errorCause: 401 });
  });
});

describe("a role's VLAN", () => {
  const vlans = { onUplink: [30, 40, 50] };
  const config: ConfigPart = { vlans: { desk: 30 }, roles: { staff: { vlan: 'desk' }, guest: { vlan: 40 } } };
  const vlanOf = async (stage: SimulatedStage) => (await retained(stage, 1))?.vlan;

  it.each<readonly [string, Reply, number]>([
    ['holds where the server names none', { filterId: 'staff' }, 30],
    ['gives way to the server', { filterId: 'staff', vlan: '50' }, 50],
    ['is none in another role', {}, 1],
  ])('%s', async (_, reply, vlan) => {
    const stage = await switchOf({ machines: 1, vlans, replies: { u1: reply }, config });
    expect(await vlanOf(stage)).toBe(vlan);
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([vlan]);
  });

  it('another role, another VLAN: by CoA, and by another configuration, without a new session', async () => {
    const replies = { u1: { filterId: 'staff' } };
    const stage = await switchOf({ machines: 1, vlans, replies, config });
    const before = await retained(stage, 1);
    const bytes = dynamicRequest({
      code: 'CoA-Request',
      attributes: [text('User-Name', 'u1'), text('Filter-Id', 'guest')],
    });
    stage.net.post({ type: 'dynamic-requests', datagrams: [{ address: SERVER, port: 40_000, bytes }] });
    await stage.pass(200);
    expect(await vlanOf(stage)).toBe(40);
    const changed = overlay(overlay(withHandshake(), overlay(BASE, config)), {
      roles: { guest: { vlan: 50 } },
    });
    expect(await stage.ask('config', { apply: simFile(changed) })).toMatchObject({ sessions: 1 });
    await stage.pass(200);
    expect(await retained(stage, 1)).toMatchObject({ vlan: 50, session_id: before?.session_id });
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([50]);
    expect(stage.events('session-end')).toEqual([]);
  });

  it('that cannot be had: the session stays where it is, and a warning says so', async () => {
    const replies = { u1: { filterId: 'staff' } };
    const stage = await switchOf({ machines: 1, vlans, replies, config });
    const changed = overlay(overlay(withHandshake(), overlay(BASE, config)), {
      roles: { staff: { vlan: 99 } },
    });
    await stage.ask('config', { apply: simFile(changed) });
    await stage.pass(200);
    expect(await vlanOf(stage)).toBe(30);
    expect(stage.events('warning').at(-1)).toMatchObject({ code: 'vlan', message: /VLAN 99/ });
  });
});

describe('out of band', () => {
  it.each<readonly [string, ConfigPart]>([
    ['by the role', { roles: { default: { in_band: false } } }],
    ['by the port', { ports: { p1: { in_band: false } } }],
  ])('%s: no silence ends it, nobody asks, and the session timer runs', async (_, where) => {
    const config = overlay(where, { roles: { default: { session_s: 600, heartbeat_s: 60 } } });
    const stage = await switchOf({ machines: 1, replies: { u1: { idleTimeoutS: 30 } }, config });
    expect(await retained(stage, 1)).toMatchObject({
      in_band: false,
      heartbeat_s: null,
      idle_timeout_s: null,
      session_timeout_s: 600,
      handshake: { period_s: 0 },
    });
    await stage.passes(stage.machine(1));
    await stage.silence(stage.machine(1));
    await stage.pass(590_000);
    expect(stage.events('session-end')).toEqual([]);
    expect(probesTo(stage, 1)).toBe(0);
    await stage.pass(15_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'session-timeout', session_time_s: 600 }]);
  });

  it('back in band: judged again, from then on', async () => {
    const stage = await switchOf({ machines: 1, config: { roles: { default: { in_band: false } } } });
    await stage.silence(stage.machine(1));
    await stage.pass(300_000);
    stage.invariants.excuse(0);
    await stage.ask('config', { apply: simFile(overlay(withHandshake(), BASE)) });
    await stage.pass(40_000);
    expect(stage.events('session-end')).toEqual([]);
    await stage.pass(30_000);
    expect(stage.events('session-end')).toMatchObject([{ cause: 'handshake-timeout' }]);
  });
});

describe('the timers of a role beside those of a server', () => {
  // Who is silent sends nothing from 1 s after login on; who talks says something every 5 s.
  it.each<readonly [string, ConfigPart, Reply, 'silent' | 'talks', string | undefined, number]>([
    ['neither', {}, {}, 'silent', undefined, 0],
    ['heartbeat', { heartbeat_s: 60 }, {}, 'silent', 'heartbeat-timeout', 60],
    ['heartbeat, and it talks', { heartbeat_s: 60 }, {}, 'talks', undefined, 0],
    ['session', { session_s: 90 }, {}, 'talks', 'session-timeout', 90],
    ['session, and it is silent', { session_s: 90 }, {}, 'silent', 'session-timeout', 90],
    ['both, heartbeat first', { session_s: 90, heartbeat_s: 60 }, {}, 'silent', 'heartbeat-timeout', 60],
    ['both, session first', { session_s: 40, heartbeat_s: 60 }, {}, 'silent', 'session-timeout', 40],
    ['both, and it talks', { session_s: 90, heartbeat_s: 60 }, {}, 'talks', 'session-timeout', 90],
    ['a shorter Session-Timeout', { session_s: 90 }, { sessionTimeoutS: 40 }, 'talks', 'session-timeout', 40],
    ['a longer one wins, too', { session_s: 40 }, { sessionTimeoutS: 90 }, 'talks', 'session-timeout', 90],
    [
      'Termination-Action 0',
      {},
      { sessionTimeoutS: 40, terminationAction: 0 },
      'talks',
      'session-timeout',
      40,
    ],
    [
      'Termination-Action 1',
      { session_s: 90 },
      { sessionTimeoutS: 40, terminationAction: 1 },
      'talks',
      undefined,
      0,
    ],
    ['Idle-Timeout', {}, { idleTimeoutS: 50 }, 'silent', 'idle-timeout', 50],
    [
      'Idle-Timeout after the heartbeat',
      { heartbeat_s: 40 },
      { idleTimeoutS: 50 },
      'silent',
      'heartbeat-timeout',
      40,
    ],
    ['Idle-Timeout before it', { heartbeat_s: 60 }, { idleTimeoutS: 50 }, 'silent', 'idle-timeout', 50],
    [
      'all three',
      { session_s: 30, heartbeat_s: 40 },
      { idleTimeoutS: 50, sessionTimeoutS: 35 },
      'silent',
      'session-timeout',
      35,
    ],
  ])('%s', async (_, timers, reply, client, cause, afterS) => {
    const config = { roles: { default: { ...timers, handshake: 'off' } } };
    const stage = await switchOf({ machines: 1, replies: { u1: reply }, config });
    const before = await retained(stage, 1);
    await stage.passes(stage.machine(1));
    if (client === 'silent') await stage.silence(stage.machine(1));
    else await stage.talk(stage.machine(1), 5_000);
    await stage.pass(300_000);
    // Who talks has logged on again since.
    const [end] = stage.events('session-end');
    expect(end?.cause).toBe(cause);
    if (end === undefined) expect((await retained(stage, 1))?.session_id).toBe(before?.session_id);
    else expect(Math.abs(end.session_time_s - afterS)).toBeLessThanOrEqual(1);
  });
});

describe('devices that sleep', () => {
  it('by the beginning of the MAC, the longest counts; kept whatever the heartbeat timer says', async () => {
    const config: ConfigPart = {
      roles: { default: { heartbeat_s: 300, handshake: { period_s: 20 } } },
      silent_devices: [
        { mac: '02:99', handshake: { keep: true } },
        { mac: '02:99:00:00:00:02', handshake: { period_s: 30 } },
      ],
    };
    const stage = await switchOf({ machines: 2, config });
    expect((await retained(stage, 1))?.handshake).toMatchObject({ period_s: 20, keep: true });
    expect((await retained(stage, 2))?.handshake).toMatchObject({ period_s: 30, keep: false });
    for (const n of [1, 2]) {
      await stage.passes(stage.machine(n));
      await stage.silence(stage.machine(n));
    }
    await stage.pass(1_000_000);
    expect(stage.events('session-end').map(({ mac, cause }) => [mac, cause])).toEqual([
      [stage.machine(2).mac, 'handshake-timeout'],
    ]);
    expect(probesTo(stage, 1)).toBeGreaterThan(10);
  });
});

describe('timers that are set while it runs', () => {
  /** When everything of a machine's session is due, and what was said of it. */
  const standing = (stage: SimulatedStage, n: number) => {
    const [unit] = [...stage.invariants.core.sessions.onPort(`p${n}` as PortName)];
    const topic = `/session/02-99-00-00-00-0${n}`;
    const said = stage.net.performed.filter(
      ({ effect }) => effect.type === 'publish' && effect.topic.endsWith(topic),
    ).length;
    return { ...unit?.handshake.view(), due: unit?.pollAt() as Instant | undefined, said };
  };

  it('whoever is in another role keeps the phase of the handshake, the timers and the topic', async () => {
    const timers = { session_s: 3600, heartbeat_s: 100 };
    const config: ConfigPart = {
      roles: { default: timers, staff: timers },
      ports: { p2: { role: 'staff' } },
    };
    const stage = await switchOf({ machines: 3, config });
    await stage.pass(7_000);
    const before = [1, 3].map((n) => standing(stage, n));
    const changes = [
      { session_s: 1800 },
      { heartbeat_s: 40 },
      { heartbeat_s: null },
      { period_s: 5, times: 4 },
      { keep: true },
      { wake: true },
      { probe: 'eap' },
    ];
    for (const change of changes)
      expect(await stage.ask('timers', { role: 'staff', ...change })).toEqual({ sessions: 1 });
    expect([1, 3].map((n) => standing(stage, n))).toEqual(before);
    expect(await retained(stage, 2)).toMatchObject({
      session_timeout_s: 1800,
      heartbeat_s: null,
      handshake: { period_s: 5, times: 4, keep: true, wake: true, probe: 'eap' },
    });
    const same = { role: 'staff', ...Object.assign({}, ...changes) };
    expect(await stage.ask('timers', same)).toEqual({ sessions: 0 });
  });

  it('of a port: its handshake alone', async () => {
    const stage = await switchOf({ machines: 2 });
    expect(await stage.ask('timers', { port: 'p2', keep: true })).toEqual({ sessions: 1 });
    expect((await retained(stage, 2))?.handshake).toMatchObject({ keep: true });
    expect((await retained(stage, 1))?.handshake).toMatchObject({ keep: false });
    const refused = stage.net.command('timers', { port: 'p2', session_s: 5 }) as Answer<'timers'>;
    expect(refused).toMatchObject({ ok: false, error: { path: 'session_s' } });
  });
});

/** As the stage has it. */
function withHandshake(): ConfigPart {
  return { roles: { default: { handshake: { period_s: 15, times: 3 } } } };
}
