// Another configuration for a running agent: who is touched by it and who is not, and what is refused as a whole.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import { err, ok } from '../../src/base/result.ts';
import { HIDDEN } from '../../src/config/secrets.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { Answer } from '../../src/report/answers.ts';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import { type Performed, SimulatedSwitch } from '../rigs/sim/simulated-switch.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import { accountingRequest, SSO_SECRET } from '../rigs/sso.ts';

const SECRET = 'sixteen-octets-or-more';

/** Machine 1 is in role `default`, machine 2 in `staff`. */
const BASE: ConfigPart = {
  radius: { servers: [{ address: '192.0.2.1', secret: SECRET }] },
  ports: { 'p*': { control: 'auto' }, p2: { role: 'staff' } },
  roles: {
    default: { handshake: { period_s: 15, times: 3 } },
    staff: { handshake: { period_s: 15, times: 3 } },
  },
};

const file = (change: ConfigPart = {}): string => simFile(overlay(BASE, change));

async function twoUsers(): Promise<SimulatedStage> {
  const stage = new SimulatedStage({ machines: 3, config: BASE });
  for (const n of [1, 2]) {
    await stage.login(stage.machine(n));
    await stage.passes(stage.machine(n));
  }
  return stage;
}

const config = (stage: SimulatedStage, request: object) =>
  stage.net.command('config', request) as Answer<'config'>;

/** What was retained of a machine and sent to it. When a probe goes out within its period depends on the dumps. */
function traces({ net: { performed } }: SimulatedStage, n: number): readonly unknown[] {
  const about = (effect: Performed['effect']): boolean => {
    if (effect.type === 'inject') return effect.port === `p${n}`;
    return effect.type === 'publish' && effect.topic.endsWith(`/session/02-99-00-00-00-0${n}`);
  };
  return performed.map(({ effect }) => effect).filter(about);
}

/** The handshake of a machine's session, and when anything of it is due. */
function watch({ invariants: { core } }: SimulatedStage, n: number): unknown {
  const unit = [...core.sessions.onPort(`p${n}` as PortName)][0];
  return { ...unit?.handshake.view(), due: unit?.pollAt() };
}

describe('taken over while running', () => {
  let stage: SimulatedStage;
  beforeEach(async () => {
    stage = await twoUsers();
  });

  const apply = async (change: ConfigPart) => stage.ask('config', { apply: file(change) });
  const role = (name: string, handshake: ConfigPart): ConfigPart => ({ roles: { [name]: { handshake } } });

  it('T of one role: its sessions follow; the others keep their phase, their probes and their topics', async () => {
    const untouched = await twoUsers();
    await stage.pass(7_000);
    await untouched.pass(7_000);
    const phase = watch(stage, 1);
    expect(await apply(role('staff', { period_s: 5, times: 4 }))).toEqual({
      applied: true,
      warnings: [],
      ports: [],
      sessions: 1,
    });
    expect((await stage.retained(stage.machine(2).mac))?.handshake).toMatchObject({ period_s: 5, times: 4 });
    expect(watch(stage, 1)).toEqual(phase);
    for (const { net } of [stage, untouched]) net.advance(60_000);
    expect(traces(stage, 1)).toEqual(traces(untouched, 1));
    expect(traces(stage, 2)).not.toEqual(traces(untouched, 2));
    expect(stage.events('session-end')).toEqual([]);
  });

  it('the same once more changes nothing at all', async () => {
    const before = stage.net.performed.length;
    expect(await apply({})).toMatchObject({ ports: [], sessions: 0 });
    expect(stage.net.performed.slice(before).map(({ effect }) => effect.type)).toEqual(['answer']);
  });

  it('what is told of a session beside its timers, too: out of band, and in the same role by another word', async () => {
    const roles = {
      roles: { default: { handshake: { period_s: 0 } }, staff: { handshake: { period_s: 0 } } },
    };
    await apply(roles);
    const told = async () => stage.retained(stage.machine(2).mac);
    expect(await told()).toMatchObject({ in_band: true, role: 'staff', role_by: 'port' });
    expect(await apply({ ...roles, ports: { p2: { in_band: false } } })).toMatchObject({ sessions: 1 });
    expect(await told()).toMatchObject({ in_band: false });
    const role_rules = [{ mac: stage.machine(2).mac, role: 'staff' }];
    expect(await apply({ ...roles, role_rules })).toMatchObject({ sessions: 1 });
    expect(await told()).toMatchObject({ in_band: true, role: 'staff', role_by: 'rule' });
  });

  it('what an administrator set meanwhile is not undone by a change elsewhere', async () => {
    await stage.ask('timers', { role: 'default', period_s: 3 });
    await stage.ask('timers', { port: 'p2', times: 5 });
    await stage.ask('port', { port: 'p1', control: 'force-unauthorized' });
    await stage.ask('port', { port: 'p3', control: 'force-authorized' });
    await stage.pass(100);
    stage.net.post({ type: 'reload', text: file({ log: { level: 'debug' } }) });
    expect(stage.net.logs.at(-1)).toMatch(/taken over.*"ports":"","sessions":0/);
    expect(await apply(role('staff', { period_s: 20 }))).toMatchObject({ ports: [], sessions: 1 });
    expect(['p1', 'p3'].map((port) => stage.net.bridge.port(port as PortName).locked)).toEqual([true, false]);
    await expect(stage.login(stage.machine(1))).rejects.toThrow();
    expect((await stage.retained(stage.machine(2).mac))?.handshake).toMatchObject({ period_s: 20, times: 5 });
    expect(stage.invariants.core.config.roles.get('default')?.handshake).toMatchObject({ period: 3_000 });
  });

  it('what it says otherwise than before wins over an administrator', async () => {
    await stage.ask('timers', { role: 'default', period_s: 3 });
    await stage.ask('timers', { port: 'p2', period_s: 4, times: 5 });
    await stage.ask('port', { port: 'p3', control: 'force-authorized' });
    expect(
      await apply({
        ...role('default', { times: 4 }),
        ports: { p2: { handshake: { times: 2 } }, p3: { control: 'force-unauthorized' } },
      }),
    ).toMatchObject({ ports: ['p2', 'p3'], sessions: 2 });
    const handshakes = [1, 2].map(async (n) => (await stage.retained(stage.machine(n).mac))?.handshake);
    expect(await Promise.all(handshakes)).toMatchObject([
      { period_s: 15, times: 4 },
      { period_s: 15, times: 2 },
    ]);
    expect(stage.net.bridge.port('p3' as PortName).locked).toBe(true);
  });

  it('a port that is ours no more is not kept by its timers', async () => {
    await stage.ask('timers', { port: 'p2', times: 5 });
    const text = file()
      .replace('p*:', 'p[!2]:')
      .replace(/\n +p2:\n +role: staff\n/, '\n');
    expect(await stage.ask('config', { apply: text })).toMatchObject({ ports: ['p2'] });
    expect(JSON.stringify(await stage.ask('ports', { port: 'p2' }))).toContain('"control":"off"');
  });

  it("a port's control and role: who is on it goes, or follows; nobody else", async () => {
    const before = await stage.retained(stage.machine(2).mac);
    expect(await apply({ ports: { p1: { control: 'force-unauthorized' } } })).toMatchObject({
      ports: ['p1'],
    });
    await stage.pass(100);
    expect(stage.events('session-end').map(({ mac, cause }) => [mac, cause])).toEqual([
      [stage.machine(1).mac, 'force-unauthorized'],
    ]);
    expect(await stage.retained(stage.machine(2).mac)).toEqual(before);
    expect(await apply({ ports: { p1: { control: 'auto' }, p2: { role: 'default' } } })).toMatchObject({
      ports: ['p1', 'p2'],
      sessions: 1,
    });
    expect(await stage.retained(stage.machine(2).mac)).toMatchObject({ role: 'default' });
    expect(await stage.isGranted(stage.machine(2).mac, 'p2')).toBe(true);
  });

  it('host mode: who is in stays, the next one is not let in', async () => {
    stage = new SimulatedStage({ machines: 2, onePort: true, config: BASE });
    await stage.login(stage.machine(1));
    expect(await apply({ ports: { p1: { host_mode: 'single-host' } } })).toMatchObject({ ports: ['p1'] });
    await stage.pass(1_100);
    const ports = JSON.stringify(await stage.ask('ports', { port: 'p1' }));
    expect(ports).toContain('"host_mode":"single-host"');
    expect(await stage.isGranted(stage.machine(1).mac, 'p1')).toBe(true);
    await expect(stage.login(stage.machine(2))).rejects.toThrow();
  });

  it('session and heartbeat timers, also of those who are in', async () => {
    await apply({ roles: { staff: { session_s: 60, heartbeat_s: 30 } } });
    expect(await stage.retained(stage.machine(2).mac)).toMatchObject({
      session_timeout_s: 60,
      heartbeat_s: 30,
    });
    await stage.pass(61_000);
    expect(stage.events('session-end')).toMatchObject([
      { mac: stage.machine(2).mac, cause: 'session-timeout' },
    ]);
  });

  it("the authenticators' timers, also of those who are in", async () => {
    await apply({ ports: { p1: { dot1x: { reauth_period_s: 60 } } } });
    await stage.pass(61_000);
    expect(JSON.stringify(await stage.ask('explain', { mac: stage.machine(1).mac }))).toContain(
      '"began","detail":"reAuthenticate"',
    );
  });

  it('interims, the guard, probes and the log', async () => {
    await apply({
      radius: { accounting: { interim_s: 60 } },
      guard: { share: 0.5, minimum: 2 },
      handshake: { rate_per_s: 1 },
      log: { level: 'debug' },
    });
    expect(stage.net.logLevel).toBe('debug');
    await stage.pass(70_000);
    const interims = (await stage.accounting()).filter(({ status }) => status === 'Interim-Update');
    expect(new Set(interims.map(({ userName }) => userName))).toEqual(new Set(['u1', 'u2']));
    // Both fall silent at once: enough for the guard now.
    stage.invariants.excuse(60_000);
    for (const n of [1, 2]) await stage.silence(stage.machine(n));
    await stage.pass(60_000);
    expect(stage.events('guard')).toMatchObject([{ state: 'raised', reason: 'mass-silence' }]);
  });

  it('a device that sleeps is named: it alone is treated so', async () => {
    const { mac } = stage.machine(1);
    expect(await apply({ silent_devices: [{ mac, handshake: { keep: true } }] })).toMatchObject({
      sessions: 1,
    });
    for (const n of [1, 2]) await stage.silence(stage.machine(n));
    await stage.pass(120_000);
    expect(stage.events('session-end').map((end) => end.mac)).toEqual([stage.machine(2).mac]);
  });

  it('a file that was read anew is taken over the same way, and the log says so', async () => {
    stage.net.post({ type: 'reload', text: file(role('staff', { period_s: 5 })) });
    expect((await stage.retained(stage.machine(2).mac))?.handshake).toMatchObject({ period_s: 5 });
    expect(stage.net.logs.at(-1)).toMatch(/taken over.*"sessions":1/);
  });
});

describe('asked whom it would touch', () => {
  const staff = (change: ConfigPart) => ({ roles: { staff: change } });
  const cases: readonly (readonly [
    what: string,
    change: ConfigPart,
    ports: string[],
    sessions: number,
    ended: number,
  ])[] = [
    ['nothing else', {}, [], 0, 0],
    ['the log', { log: { level: 'debug' } }, [], 0, 0],
    ['T of a role', staff({ handshake: { period_s: 5 } }), [], 1, 0],
    ['a session timer', { roles: { default: { session_s: 60 } } }, [], 1, 0],
    ['the role of a port', { ports: { p2: { role: 'default' } } }, ['p2'], 1, 0],
    ['a port of nobody', { ports: { p3: { host_mode: 'single-host' } } }, ['p3'], 0, 0],
    ['a port that is closed', { ports: { p1: { control: 'force-unauthorized' } } }, ['p1'], 0, 1],
    ['all ports', { ports: { 'p*': { dot1x: { max_req: 3 } } } }, ['p1', 'p2', 'p3'], 0, 0],
  ];

  it.each(cases)(
    '%s: it says so, changes nothing, and then does that',
    async (_, change, ports, sessions, ended) => {
      const stage = await twoUsers();
      const before = stage.net.performed.length;
      const text = file(change);
      expect(await stage.ask('config', { check: text })).toEqual({
        warnings: [],
        restart_needed: [],
        ports,
        sessions,
        ended,
      });
      expect(stage.net.performed.slice(before).map(({ effect }) => effect.type)).toEqual(['answer']);
      expect(await stage.ask('config', { apply: text })).toEqual({
        applied: true,
        warnings: [],
        ports,
        sessions,
      });
      await stage.pass(1_000);
      expect(stage.events('session-end')).toHaveLength(ended);
      expect(await stage.ask('config', { check: text })).toMatchObject({ ports: [], sessions: 0, ended: 0 });
    },
  );

  const QUICK = { dot1x: { tx_period_s: 1, reauth_max: 1, server_timeout_s: 10 } };
  const MAB = { enabled: true, delay_s: 0, authentication: 'eap-md5' };
  const VPN = '192.0.2.10';
  const ASKED = { radius: { servers: [{ address: '192.0.2.1', secret: SECRET, status_server: true }] } };
  interface Way {
    readonly method: string;
    readonly config: ConfigPart;
    readonly without: ConfigPart;
    readonly cause: string;
    /** Absent: machine 2 says something. */
    readonly enter?: (stage: SimulatedStage) => Promise<void> | void;
  }
  const ways: readonly Way[] = [
    {
      method: 'mab',
      config: { ports: { p2: { mab: MAB } } },
      without: { ports: { p2: { mab: { enabled: false } } } },
      cause: 'port-reinit',
    },
    {
      method: 'guest',
      config: { ports: { p2: { guest_vlan: 91 } } },
      without: { ports: { p2: {} } },
      cause: 'authorization-changed',
    },
    {
      method: 'portal',
      config: { web: {}, ports: { p2: { portal: true } } },
      without: { web: {}, ports: { p2: { portal: false } } },
      cause: 'authorization-changed',
    },
    {
      method: 'critical',
      config: { ...ASKED, ports: { p2: { critical: 'vlan', critical_vlan: 92 } } },
      without: { ...ASKED, ports: { p2: { critical: 'keep', critical_vlan: 92 } } },
      cause: 'authorization-changed',
      enter: async (stage) => {
        await stage.serverSilent(true);
        await stage.become(stage.machine(2), 'u2');
      },
    },
    {
      method: 'sso',
      config: { l3: { ingress: ['vpn0'] }, sso: { clients: [{ address: VPN, secret: SSO_SECRET }] } },
      without: {
        l3: { ingress: ['vpn0'] },
        sso: { clients: [{ address: '192.0.2.11', secret: SSO_SECRET }] },
      },
      cause: 'authorization-changed',
      enter: ({ net }) => {
        const bytes = accountingRequest('start', { session: 's1', user: 'alice', ips: ['10.0.0.1' as Ip] });
        net.post({ type: 'sso-requests', datagrams: [{ address: VPN, port: 40_000, bytes }] });
      },
    },
  ];

  it.each(ways)(
    'whoever is in by $method where that is switched off: it says so, and then does that',
    async ({ method, config, without, cause, enter }) => {
      const stage = new SimulatedStage({
        machines: 3,
        devices: [2],
        vlans: { onUplink: [91, 92] },
        config: overlay({ ...BASE, ...QUICK }, config),
      });
      const text = simFile(overlay({ ...BASE, ...QUICK }, without));
      await stage.login(stage.machine(1));
      if (enter === undefined) await stage.announce(stage.machine(2));
      else await enter(stage);
      const begun = () =>
        [...stage.invariants.core.sessions.all()].find((unit) => unit.session.method === method);
      await stage.until(`a session by ${method}`, begun, 120_000);
      const before = stage.net.performed.length;
      expect(await stage.ask('config', { check: text })).toMatchObject({ sessions: 0, ended: 1 });
      expect(stage.net.performed.slice(before).map(({ effect }) => effect.type)).toEqual(['answer']);
      expect(await stage.ask('config', { apply: text })).toMatchObject({ applied: true, sessions: 0 });
      await stage.pass(100);
      expect(stage.events('session-end')).toMatchObject([{ method, cause }]);
      expect(await stage.ask('config', { check: text })).toMatchObject({ sessions: 0, ended: 0 });
    },
  );
});

it('a name that means another VLAN: who is in by it is moved, and nobody else', async () => {
  const vlans = (staff: number): ConfigPart => ({ vlans: { staff }, roles: { staff: { vlan: 'staff' } } });
  const stage = new SimulatedStage({
    machines: 2,
    vlans: { onUplink: [20, 30] },
    config: overlay(BASE, vlans(20)),
  });
  for (const n of [1, 2]) await stage.login(stage.machine(n));
  const before = await stage.retained(stage.machine(1).mac);
  expect(await stage.retained(stage.machine(2).mac)).toMatchObject({ vlan: 20 });
  const text = simFile(overlay(BASE, vlans(30)));
  expect(await stage.ask('config', { check: text })).toMatchObject({ sessions: 1, ended: 0 });
  expect(await stage.ask('config', { apply: text })).toMatchObject({ sessions: 1 });
  await stage.pass(1_000);
  expect(await stage.retained(stage.machine(2).mac)).toMatchObject({ vlan: 30 });
  expect(await stage.retained(stage.machine(1).mac)).toEqual(before);
  expect(stage.events('session-end')).toEqual([]);
});

describe('another list of RADIUS servers', () => {
  const first = { address: '192.0.2.1', secret: SECRET };
  const second = { address: '192.0.2.2', secret: SECRET };
  const both = { radius: { servers: [first, second] } };
  const askedSince = ({ net: { performed } }: SimulatedStage, from: number): string[] =>
    performed
      .slice(from)
      .flatMap(({ effect }) =>
        effect.type === 'send-datagram' && effect.socket.kind === 'access' ? [effect.address] : [],
      );

  it('holds from the next request on: order, what is gone, what is back; sessions are not touched', async () => {
    const stage = new SimulatedStage({ machines: 3, config: overlay(BASE, both) });
    const apply = (servers: readonly (typeof first)[]) =>
      stage.ask('config', { apply: file({ radius: { servers } }) });
    await stage.login(stage.machine(1));
    const before = await stage.retained(stage.machine(1).mac);
    expect(before?.server).toBe('192.0.2.1:1812');
    expect(await apply([second, first])).toMatchObject({ applied: true, ports: [], sessions: 0 });
    let from = stage.net.performed.length;
    expect((await stage.login(stage.machine(2))).server).toBe('192.0.2.2:1812');
    expect(new Set(askedSince(stage, from))).toEqual(new Set(['192.0.2.2']));
    await apply([first]);
    from = stage.net.performed.length;
    expect((await stage.login(stage.machine(3))).server).toBe('192.0.2.1:1812');
    expect(new Set(askedSince(stage, from))).toEqual(new Set(['192.0.2.1']));
    expect(await stage.retained(stage.machine(1).mac)).toEqual(before);
    expect(stage.events('radius-server')).toEqual([]);
    expect(stage.events('session-end')).toEqual([]);
  });
});

describe('refused as a whole', () => {
  let stage: SimulatedStage;
  let shown: string | undefined;
  beforeEach(async () => {
    stage = await twoUsers();
    shown = ((await stage.ask('config', { get: true })) as { readonly text?: string }).text;
  });

  /** Nothing is changed: neither what is in force nor any session. */
  async function unchanged(): Promise<void> {
    expect(await stage.ask('config', { get: true })).toEqual({ text: shown });
    for (const n of [1, 2])
      expect((await stage.retained(stage.machine(n).mac))?.handshake).toMatchObject({
        period_s: 15,
        times: 3,
      });
  }

  const FAULTY: ConfigPart = {
    roles: { default: { handshake: { period_s: 0.5 } }, staff: { handshake: { times: 9 } } },
    guard: { share: 7 },
  };

  it.each(['check', 'apply'])('%s: every fault at once, each with its place', async (action) => {
    const answer = config(stage, { id: 1, [action]: file(FAULTY) });
    expect(answer).toMatchObject({
      id: 1,
      ok: false,
      error: {
        code: 'bad-value',
        path: 'roles.default.handshake.period_s',
        faults: [
          { path: 'roles.default.handshake.period_s', line: expect.any(Number) },
          { path: 'guard.share', line: expect.any(Number) },
        ],
      },
    });
    await unchanged();
  });

  it('keys that take a restart: all of them are named, and what could be changed is not', async () => {
    const text = file({
      switch: { bridge: 'br1' },
      backend: 'sim',
      radius: {
        nas_identifier: 'another',
        servers: [{ address: '192.0.2.2', secret: 'another-sixteen-octets' }],
      },
      roles: { staff: { handshake: { times: 9 } } },
    });
    const paths = ['switch.bridge', 'backend', 'radius.nas_identifier'];
    expect(await stage.ask('config', { check: text })).toEqual({ warnings: [], restart_needed: paths });
    const answer = config(stage, { apply: text });
    expect(answer).toMatchObject({
      ok: false,
      error: { code: 'refused', faults: paths.map((path) => ({ path })) },
    });
    for (const path of paths) expect(answer.ok ? '' : answer.error.message).toContain(path);
    expect(JSON.stringify(answer)).not.toContain('another-sixteen-octets');
    await unchanged();
  });

  it('what `get` shows: its secrets are not there, and the agent does not take it back as it is', async () => {
    expect(shown).toContain(`secret: ${HIDDEN}`);
    const answer = config(stage, { apply: shown ?? '' });
    expect(answer).toMatchObject({ ok: false, error: { faults: [{ path: 'radius.servers[0].secret' }] } });
    await unchanged();
  });

  it('a file that was read anew: the log has every fault, upstream a warning has the places', async () => {
    stage.net.post({ type: 'reload', text: file(FAULTY) });
    expect(stage.net.logs.filter((line) => line.startsWith('error'))).toEqual([
      expect.stringMatching(/period_s \(line \d+\): '0\.5' is not/),
      expect.stringMatching(/guard\.share \(line \d+\): '7' is not/),
    ]);
    const places = /: 2 faults: roles\.default\.handshake\.period_s \(line \d+\), guard\.share \(line \d+\)$/;
    expect(stage.events('warning')).toMatchObject([
      { code: 'config', message: expect.stringMatching(places) },
    ]);
    await unchanged();
  });

  it('a file with very many faults: the warning names the first ones', () => {
    const many = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`colour${i}`, 'red']));
    stage.net.post({ type: 'reload', text: file(many) });
    const [warning] = stage.events('warning');
    expect(warning?.message).toMatch(/: 90 faults: colour0 \(.*, colour9 \(line \d+\), 80 more$/);
  });

  it('a file that was read anew, and takes a restart: the warning says so', () => {
    stage.net.post({ type: 'reload', text: file({ switch: { bridge: 'br1' } }) });
    expect(stage.events('warning')).toMatchObject([
      { message: expect.stringMatching(/a restart is needed to change switch\.bridge/) },
    ]);
  });

  it('no answer and no log line has a secret in it', async () => {
    const wrong = file({
      radius: { servers: [{ address: '192.0.2.1', secret: `${SECRET}${'x'.repeat(300)}` }] },
    });
    const texts = [file(), file(FAULTY), file({ backend: 'sim' }), wrong, `${file()}: ${SECRET}`];
    const requests = [{ get: true }, ...texts.flatMap((text) => [{ check: text }, { apply: text }])];
    const answers = requests.map((request) => JSON.stringify(config(stage, request)));
    for (const text of texts) stage.net.post({ type: 'reload', text });
    expect(texts.every((text) => text.includes(SECRET))).toBe(true);
    expect(
      [...answers, ...stage.net.logs, ...stage.events('warning').map(({ message }) => message)].filter(
        (line) => line.includes(SECRET),
      ),
    ).toEqual([]);
  });
});

describe('files of secrets', () => {
  const FILES = new Map([
    ['/etc/rollcall/radius', SECRET],
    ['/etc/rollcall/other', SECRET],
    ['/etc/hostile', 'root:x:0:0\ndaemon:x:1:1\n'],
  ]);
  const text = (path: string): string =>
    file({ radius: { servers: [{ address: '192.0.2.1', secret: { file: path } }] } });
  let opened: string[];
  let net: SimulatedSwitch;

  beforeEach(() => {
    opened = [];
    const readSecret = (path: string) => {
      opened.push(path);
      const found = FILES.get(path);
      return found === undefined ? err('ENOENT') : ok(found);
    };
    net = new SimulatedSwitch({ config: text('/etc/rollcall/radius'), ports: ['p1'], readSecret });
    net.boot();
    opened = [];
  });

  it.each(['check', 'apply'])('%s: one that the configuration in force names is read', (action) => {
    expect(net.command('config', { [action]: text('/etc/rollcall/radius') })).toMatchObject({ ok: true });
    expect(opened).toEqual(['/etc/rollcall/radius']);
  });

  it.each(['check', 'apply'])('%s: no other one is opened, nor is it told whether there is one', (action) => {
    const others = ['/etc/rollcall/other', '/etc/hostile', '/etc/missing', '/etc/rollcall/./radius'];
    const answers = others.map((path) => JSON.stringify(net.command('config', { [action]: text(path) })));
    expect(opened).toEqual([]);
    expect(new Set(answers.map((answer, i) => answer.replaceAll(others[i] ?? '', 'PATH'))).size).toBe(1);
    expect(answers[0]).toContain('can be used after a restart or SIGHUP only');
  });

  it('a file that was read anew may name another one, which commands may name from then on', () => {
    net.post({ type: 'reload', text: text('/etc/rollcall/other') });
    expect(net.logs.at(-1)).toMatch(/taken over/);
    expect(net.command('config', { check: text('/etc/rollcall/other') })).toMatchObject({ ok: true });
    expect(net.command('config', { check: text('/etc/rollcall/radius') })).toMatchObject({ ok: false });
  });
});

it('`get` shows whatever is in force', async () => {
  const stage = new SimulatedStage({ machines: 1, config: BASE });
  const text = file().replace('ports:\n', 'ports:\n  1: {role: default}\n  01: {role: staff}\n');
  expect(await stage.ask('config', { apply: text })).toMatchObject({ applied: true });
  const { text: shown } = (await stage.ask('config', { get: true })) as { readonly text: string };
  expect(shown).toMatch(/ "1": { role: default }\n +"01": { role: staff }/);
});

describe('timers of a port', () => {
  it.each(['p9', 'up0'])('%s is none of ours: refused', async (port) => {
    const stage = await twoUsers();
    expect(stage.net.command('timers', { port, times: 2 })).toMatchObject({ error: { code: 'not-found' } });
  });

  it('a later one takes the place of an earlier one, key by key, and adds nothing to the configuration', async () => {
    const stage = await twoUsers();
    const { core } = stage.invariants;
    const rules = core.config.ports.length;
    await stage.ask('timers', { port: 'p1', period_s: 7 });
    for (const times of [2, 4, 2, 5]) await stage.ask('timers', { port: 'p1', times });
    expect(core.config.ports).toHaveLength(rules + 1);
    const handshakes = [1, 2].map(async (n) => (await stage.retained(stage.machine(n).mac))?.handshake);
    expect(await Promise.all(handshakes)).toMatchObject([
      { period_s: 7, times: 5 },
      { period_s: 15, times: 3 },
    ]);
  });
});
