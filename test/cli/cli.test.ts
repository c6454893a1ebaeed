// The command line against a scripted agent, near (control socket) and far (broker).

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { millis } from '../../src/base/time.ts';
import type { CommandRequest } from '../../src/io/command-request.ts';
import { type ControlSocket, openControlSocket } from '../../src/io/control/control-socket.ts';
import { MqttLink } from '../../src/io/mqtt/mqtt.ts';
import { type ResultOf, refusal } from '../../src/report/answers.ts';
import { type Command, decodeCommand } from '../../src/report/commands.ts';
import { EventLog } from '../../src/report/events.ts';
import { SMALLEST } from '../config/samples.ts';
import { startMosquitto, until } from '../io/mosquitto.ts';
import { CERTIFIED_DEVICE, EVENTS, INFO, NOW, PORT, SESSION } from '../report/samples.ts';
import { rollcall } from '../rigs/command-line.ts';
import { SERVERS } from './scripted-switch.ts';

let folder = '';
let socket = '';
const leftovers: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-cli-'));
  socket = join(folder, 'rollcall.sock');
});

afterEach(async () => {
  for (const dispose of leftovers.splice(0).reverse()) await dispose();
  rmSync(folder, { recursive: true, force: true });
});

const HOSTILE = 'eve\u001b[31m\u202e\nroot';

const RESULTS: Readonly<Record<string, object>> = {
  info: INFO,
  ports: {
    ports: [
      { ...PORT, port: 'p10', link: 'down', sessions: [] },
      PORT,
      { ...PORT, port: 'p2', control: 'off', locked: false },
    ],
  },
  sessions: {
    sessions: [
      {
        ...SESSION,
        port: 'p2',
        mac: '00:00:5e:00:53:01',
        user_name: HOSTILE,
        handshake: { period_s: 15, times: 3, silent_periods: 0 },
      },
      SESSION,
    ],
  },
  session: { session: SESSION },
  servers: SERVERS,
  disconnect: {
    disconnected: 1,
    sessions: [SESSION.key],
    unproven: [],
    superseded: [],
    turned_back: 0,
    bounced: [],
    not_bounced: [],
  },
  reauthenticate: { reauthenticating: 2, sessions: [] },
  probe: { probed: 0, sessions: [] },
  port: { port: 'p1', control: 'auto' },
  timers: { sessions: 3 },
  drain: { draining: 1 },
  config: { text: 'switch: { id: sw1 }\n' },
  explain: {
    mac: SESSION.mac,
    decisions: [
      {
        time: '2025-01-31T11:59:00.000Z',
        what: 'access-reject',
        detail: 'RADIUS said no.',
        port: 'p1',
        reply_message: 'go \u001b[5maway',
      },
    ],
  },
};

const FAULT = { path: 'guard.share', line: 7, message: "'7' is not a share 0..1" };
const BAD_CONFIG = {
  code: 'bad-value',
  message: 'guard.share and backend',
  path: 'guard.share',
  faults: [FAULT, { path: 'backend', message: 'a restart is needed to change this' }],
} as const;

/** Three devices, two to an answer. */
function certified(command: Extract<Command, { readonly verb: 'certified' }>): ResultOf<'certified'> {
  if (command.action === 'clear')
    return { cleared: 3, logged_off: 1, ...(command.dryRun ? { dry_run: true } : {}) };
  const last = { ...CERTIFIED_DEVICE, mac: 'aa:bb:cc:dd:ee:03', first_passed: '2025-01-01T00:00:00.000Z' };
  if (command.after !== undefined) return { devices: [{ ...last, online: true }], total: 3, next: null };
  const first = { ...CERTIFIED_DEVICE, mac: 'aa:bb:cc:dd:ee:01', user_name: HOSTILE };
  return { devices: [first, CERTIFIED_DEVICE], total: 3, next: CERTIFIED_DEVICE.mac };
}

class ScriptedAgent {
  readonly asked: { verb: string; request: Record<string, unknown> }[] = [];
  results = RESULTS;
  /** To a dry run. */
  foreseen: object = {};

  readonly answer = ({ verb, payload, reply }: CommandRequest): void => {
    this.asked.push({ verb, request: JSON.parse(new TextDecoder().decode(payload) || '{}') });
    const command = decodeCommand(verb, payload);
    if (!command.ok) reply(refusal(command.error));
    else if (command.value.verb === 'disconnect' && command.value.dryRun)
      reply({ ok: true, result: this.foreseen as ResultOf<'disconnect'> });
    else if (command.value.verb === 'session' && command.value.selector.ip !== undefined) {
      reply(refusal({ code: 'not-found', message: 'there is no such session', path: 'ip' }));
    } else if (command.value.verb === 'config' && command.value.action !== 'get') {
      const { text } = command.value;
      if (text === 'bad') reply(refusal(BAD_CONFIG));
      else reply({ ok: true, result: JSON.parse(text) });
    } else if (command.value.verb === 'certified') {
      reply({ ok: true, result: certified(command.value) });
    } else if (verb === 'events') {
      const log = new EventLog({ bootId: 'b' });
      reply({ ok: true, result: { events: EVENTS.map((event) => log.record(event, NOW)) } });
    } else reply({ ok: true, result: this.results[verb] ?? {} });
  };
}

async function near(): Promise<{ agent: ScriptedAgent; control: ControlSocket }> {
  const agent = new ScriptedAgent();
  const control = await openControlSocket({ path: socket, rights: 'full', onRequest: agent.answer });
  if (!control.ok) throw new Error(control.error);
  leftovers.push(() => control.value.close());
  return { agent, control: control.value };
}

const at = () => ['--socket', socket];

describe('what people read', () => {
  test('sessions: aligned, sorted by port, humane times, hostile names harmless', async () => {
    await near();
    const { code, out } = await rollcall(['sessions', ...at()]);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'MAC                USER                         PORT  ADDRESS     ROLE     METHOD  ONLINE      LAST SEEN',
        'aa:bb:cc:dd:ee:ff  alice                        p1    192.0.2.10  default  dot1x   3 min 12 s  30 s ago silent 1/3',
        '00:00:5e:00:53:01  eve\\x1b[31m\\u{202e}\\x0aroot  p2    192.0.2.10  default  dot1x   3 min 12 s  30 s ago',
        '',
        '2 sessions',
        '',
      ].join('\n'),
    );
  });

  test('ports in natural order', async () => {
    await near();
    const { out } = await rollcall(['ports', ...at()]);
    expect(out.split('\n').map((line) => line.split(/\s+/)[0])).toEqual([
      'PORT',
      'p1',
      'p2',
      'p10',
      '',
      '3',
      '',
    ]);
  });

  test('one session, the agent, an explanation', async () => {
    await near();
    expect((await rollcall(['session', 'AABB.CCDD.EEFF', ...at()])).out).toContain('idle timeout   10 min\n');
    const status = (await rollcall(['status', ...at()])).out;
    expect((await rollcall(['info', ...at()])).out).toBe(status);
    expect(status).toMatch(/^switch {6}sw1\nversion {5}0\.1\.0, up 1 h\n/);
    expect(status).toContain(
      'certified   2 of up to 10000 devices, next clearing 2025-02-01T03:00:00.000Z\n',
    );
    expect(status).toContain('accounting  2 records pending, the oldest 1 min 15 s old; 80 KiB on disk\n');
    const { out } = await rollcall(['explain', 'aa:bb:cc:dd:ee:ff', ...at()]);
    expect(out).toContain('access-reject');
    expect(out).toContain('the server says: go \\x1b[5maway');
    expect(out).not.toContain('\u001b');
  });

  test('whether the broker is there', async () => {
    const { agent } = await near();
    const { mqtt } = INFO;
    const said: string[] = [];
    for (const state of [mqtt, { ...mqtt, connected: false }, { ...mqtt, connected: undefined }]) {
      agent.results = { info: { ...INFO, mqtt: state } };
      said.push(/^MQTT +(.*)$/m.exec((await rollcall(['status', ...at()])).out)?.[1] ?? '');
    }
    const there = 'MQTT 5, will delay 30 s';
    expect(said).toEqual([there, `${there}, not connected`, there]);
  });

  test('recent events, one line each', async () => {
    await near();
    const { out } = await rollcall(['events', '--recent', '20', ...at()]);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(EVENTS.length);
    expect(lines[1]).toBe(
      '12:00:00.000  session-end      aa:bb:cc:dd:ee:ff alice on p1: handshake-timeout after 3 min 12 s, 2 probes, access gone',
    );
  });

  test('events are followed until the signal', async () => {
    const { control } = await near();
    const stop = new AbortController();
    const seen: string[] = [];
    const running = rollcall(['events', ...at()], { signal: stop.signal, out: (text) => seen.push(text) });
    await until(() => control.subscribers === 1);
    control.broadcast(
      new EventLog({ bootId: 'b' }).record(
        EVENTS.find(({ type }) => type === 'port-link') as (typeof EVENTS)[number],
        NOW,
      ),
    );
    await until(() => seen.length === 1);
    stop.abort();
    expect((await running).code).toBe(0);
    expect(seen).toEqual(['12:00:00.000  port-link        p1 is down\n']);
  });
});

describe('the list of certified devices', () => {
  const table = [
    'MAC                USER                         PORT  ROLE     METHOD  ON THE LIST  LAST PASSED  SESSION',
    'aa:bb:cc:dd:ee:03  alice                        p1    default  dot1x   30 d 12 h    1 h ago      online',
    'aa:bb:cc:dd:ee:01  eve\\x1b[31m\\u{202e}\\x0aroot  p1    default  dot1x   1 d 12 h     1 h ago      -',
    'aa:bb:cc:dd:ee:02  alice                        p1    default  dot1x   1 d 12 h     1 h ago      -',
    '',
    '3 devices',
    '',
  ].join('\n');

  test('is asked for part by part, and shown as one, the oldest first', async () => {
    const { agent } = await near();
    expect(await rollcall(['certified', 'list', '--role', 'r', ...at()])).toEqual({
      code: 0,
      out: table,
      err: '',
    });
    expect(agent.asked.map(({ request }) => request)).toEqual([
      { list: true, role: 'r' },
      { list: true, role: 'r', after: 'aa:bb:cc:dd:ee:02' },
    ]);
    const { out } = await rollcall(['certified', 'list', '--json', ...at()]);
    expect(JSON.parse(out).result.devices).toHaveLength(3);
  });

  const would = '3 devices would be off the list, 1 user would be logged off';
  const done = '3 devices are off the list, 1 user is being logged off\n';
  test.each([
    [['--all'], { clear: true, all: true, dry_run: true }, 1, `${would}; say --yes to do it\n`],
    [['--all', '--dry-run'], { clear: true, all: true, dry_run: true }, 0, `${would}\n`],
    [['--all', '--yes'], { clear: true, all: true }, 0, done],
    [['aa-bb-cc-dd-ee-ff'], { clear: true, mac: 'aa-bb-cc-dd-ee-ff' }, 0, done],
    [['--port', 'p1', '--dry-run'], { clear: true, port: 'p1', dry_run: true }, 0, `${would}\n`],
  ])('is cleared: %j', async (args, request, code, out) => {
    const { agent } = await near();
    expect(await rollcall(['certified', 'clear', ...args, ...at()])).toEqual({ code, out, err: '' });
    expect(agent.asked).toEqual([{ verb: 'certified', request }]);
  });
});

describe('what programs read', () => {
  test('--json is the answer as it is', async () => {
    await near();
    const { code, out } = await rollcall(['sessions', '--json', ...at()]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ ok: true, result: RESULTS.sessions });
  });

  test('a refusal too, with exit code 1', async () => {
    await near();
    const { code, out } = await rollcall(['session', '192.0.2.99', '--json', ...at()]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });
});

describe('what the agent is asked', () => {
  test.each([
    [
      ['disconnect', 'aa-bb-cc-dd-ee-ff'],
      'disconnect',
      { mac: 'aa:bb:cc:dd:ee:ff' },
      '1 session is ended and locked out\n',
    ],
    [
      ['disconnect', '2001:db8::1'],
      'disconnect',
      { ip: '2001:db8::1' },
      '1 session is ended and locked out\n',
    ],
    [['disconnect', '5f0e-1'], 'disconnect', { session_id: '5f0e-1' }, '1 session is ended and locked out\n'],
    [['disconnect', '--all', '--yes'], 'disconnect', { all: true }, '1 session is ended and locked out\n'],
    [
      ['disconnect', '--role', 'guest', '--port', 'p1', '--bounce'],
      'disconnect',
      { port: 'p1', role: 'guest', bounce: true },
      '1 session is ended and locked out\n',
    ],
    [['reauth', '--user', 'bob'], 'reauthenticate', { user: 'bob' }, '2 sessions authenticate again\n'],
    [['probe', '--port', 'p1'], 'probe', { port: 'p1' }, '0 sessions were probed\n'],
    [['port', 'p1', 'auto'], 'port', { port: 'p1', control: 'auto' }, 'p1 is now auto\n'],
    [
      ['timers', '--role', 'r', '--period', '5', '--heartbeat', 'none'],
      'timers',
      { role: 'r', period_s: 5, heartbeat_s: null },
      'set; 3 sessions are under them\n',
    ],
    [['config', 'get'], 'config', { get: true }, 'switch: { id: sw1 }\n'],
    [['drain'], 'drain', {}, '1 session is being ended, then the agent stops\n'],
  ])('%j', async (args, verb, request, says) => {
    const { agent } = await near();
    const { code, out, err } = await rollcall([...args, ...at()]);
    expect([code, out, err]).toEqual([0, says, '']);
    expect(agent.asked).toEqual([{ verb, request }]);
  });
});

describe('disconnect --all', () => {
  const question = '1 session would be ended. Go on?';

  test.each([
    ['yes', true, 0, 'disconnect disconnect'],
    ['no', false, 1, 'disconnect'],
  ])('asks before, and is told %s', async (_, yes, exit, verbs) => {
    const { agent } = await near();
    agent.foreseen = {
      disconnected: 0,
      sessions: [SESSION.key],
      dry_run: true,
      unproven: [],
      superseded: [],
      turned_back: 0,
      bounced: [],
      not_bounced: [],
    };
    const asked: string[] = [];
    const confirm = async (said: string): Promise<boolean> => {
      asked.push(said);
      return yes;
    };
    const { code, out } = await rollcall(['disconnect', '--all', ...at()], { confirm });
    expect([code, asked]).toEqual([exit, [question]]);
    expect(out).toBe(yes ? '1 session is ended and locked out\n' : '');
    expect(agent.asked.map(({ verb }) => verb).join(' ')).toBe(verbs);
    expect(agent.asked[0]?.request).toEqual({ all: true, dry_run: true });
  });

  test('what could not be shown is said', async () => {
    const { agent } = await near();
    agent.foreseen = {
      disconnected: 2,
      sessions: [],
      unproven: ['02-00-00-00-00-01'],
      superseded: ['02-00-00-00-00-02'],
      turned_back: 3,
      bounced: ['p1', 'p2'],
      not_bounced: ['p3'],
    };
    const { out } = await rollcall(['disconnect', '--role', 'guest', '--bounce', '--dry-run', ...at()]);
    expect(out).toBe(
      [
        '2 sessions are ended and locked out',
        'ended, and not proven to be locked out yet: 02-00-00-00-00-01',
        'ended, and the lock not proven: in again, or another client has the port open: 02-00-00-00-00-02',
        '3 users were turned back on the way in',
        'down for some seconds: p1 p2',
        'not taken down: p3\n',
      ].join('\n'),
    );
  });
});

describe('servers', () => {
  test('a line each, what is special about them below it, and who waits for them', async () => {
    await near();
    const { out } = await rollcall(['servers', ...at()]);
    expect(out).toMatch(/^\[2001:db8::1\]:1812 +authentication +udp +up +1 h +1.5 ms +7 +0 +0 +5$/m);
    expect(out).toMatch(/^192\.0\.2\.1:2083 +accounting +tls +down +30 s +- +0 +0 +0 +0$/m);
    expect(out).toMatch(/^192\.0\.2\.1:2083 accounting connection_certificate +3$/m);
    expect(out).toContain('12 reauthentications wait for a server');
  });
});

describe('config: what is sent is the text of the file', () => {
  const write = (text: string) => {
    const file = join(folder, 'other.yaml');
    writeFileSync(file, text);
    return file;
  };

  test.each([
    ['check', { warnings: [], restart_needed: [] }, 'ok: it can be taken over\n'],
    [
      'check',
      { restart_needed: [], ports: ['p1', 'p2'], sessions: 1, ended: 0 },
      'ok: it can be taken over; 2 ports and 1 session would change, 0 sessions would end\n',
    ],
    [
      'check',
      { restart_needed: [], ports: [], sessions: 0, ended: 0 },
      'ok: it can be taken over; no port and no session would change\n',
    ],
    ['check', { restart_needed: ['backend'] }, 'ok, after a restart: that is needed to change backend\n'],
    [
      'apply',
      { applied: true, warnings: [FAULT], ports: ['p1'], sessions: 2 },
      "warning: guard.share (line 7): '7' is not a share 0..1\ntaken over: 1 port and 2 sessions changed\n",
    ],
  ])('%s %j', async (action, result, says) => {
    const { agent } = await near();
    const text = JSON.stringify(result);
    expect(await rollcall(['config', action, write(text), ...at()])).toEqual({ code: 0, out: says, err: '' });
    expect(agent.asked).toEqual([{ verb: 'config', request: { [action]: text } }]);
  });

  test('the help says what is too large for a command', async () => {
    const { out } = await rollcall(['config', 'apply', '--help']);
    expect(out.replace(/\s+/g, ' ')).toContain(
      'of up to about 60,000 characters, fewer with many quotes; a larger one goes by SIGHUP',
    );
  });

  test.each([
    ['quotes, each twice in JSON', '"a": 1\n'.repeat(7_000)],
    ['letters', `# ${'x'.repeat(60_000)}\n`],
  ])('too large for a command by %s: it is not sent, and what to do is said', async (_, text) => {
    const { agent } = await near();
    const file = write(text);
    const tooLarge = (instead: string) => ({
      code: 2,
      out: '',
      err: `rollcall: ${file} is too large for a command: ${instead}\n`,
    });
    expect(await rollcall(['config', 'apply', file, ...at()])).toEqual(
      tooLarge('lay it in place and send SIGHUP (systemctl reload rollcall)'),
    );
    expect(await rollcall(['config', 'check', file, ...at()])).toEqual(
      tooLarge(`\`rollcall check -c ${file}\` on the switch takes it`),
    );
    expect(agent.asked).toEqual([]);
  });

  test('a bad one is refused, a line for each fault', async () => {
    await near();
    expect(await rollcall(['config', 'apply', write('bad'), ...at()])).toEqual({
      code: 1,
      out: '',
      err: [
        "rollcall: guard.share (line 7): '7' is not a share 0..1\n",
        'rollcall: backend: a restart is needed to change this\n',
      ].join(''),
    });
  });
});

describe('exit codes', () => {
  test.each([
    [[]],
    [['explode']],
    [['sessions', '--colour']],
    [['session']],
    [['disconnect']],
    [['disconnect', 'aa:bb:cc:dd:ee:ff', '--all']],
    [['disconnect', '--all', '--role', 'guest']],
    [['disconnect', '--all']],
    [['port', 'p1', 'on']],
    [['timers', '--period', 'x']],
    [['timers', '--period', '-1']],
    [['events', '--recent', '0']],
    [['config']],
    [['config', 'apply']],
    [['certified']],
    [['certified', 'clear']],
    [['certified', 'clear', '--all', '--port', 'p1']],
    [['config', 'apply', '/nowhere/rollcall.yaml']],
    [['status', '--broker', 'mqtt://127.0.0.1:1']],
    [['status', '--switch', 'sw1']],
    [['status', '--socket', 'x', '--broker', 'mqtt://127.0.0.1:1', '--switch', 'sw1']],
    [['status', '--broker', 'mqtt://127.0.0.1:99999', '--switch', 'sw1']],
    [['status', '--broker', 'mqtt://127.0.0.1:18x', '--switch', 'sw1']],
    [['status', '--broker', '127.0.0.1:1883', '--switch', 'sw1']],
    [['status', '--broker', 'tcp://127.0.0.1:1883', '--switch', 'sw1']],
  ])('2 for usage: %j', async (args) => {
    const { code, err, out } = await rollcall(args);
    expect(code).toBe(2);
    expect(err).not.toBe('');
    expect(out).toBe('');
  });

  const afar = ['--broker', 'mqtts://127.0.0.1:1', '--switch', 'sw1'];
  test.each([
    [['config', 'show'], 'one of get, check, apply is needed'],
    [['certified', 'delete'], 'one of list, clear is needed'],
    [['timers', '--period', '5'], 'exactly one of --role and --port is needed'],
    [['timers', '--role', 'a', '--port', 'p1'], 'exactly one of --role and --port is needed'],
    [['events', '--recent', '1001'], 'not a whole number 1..1000'],
    [['status', '--socket', ''], 'it is empty'],
    [['status', ...afar, '--cert-file', 'x'], '--cert-file and --key-file go together'],
    [['status', ...afar, '--ca-file', import.meta.filename], `cannot use ${import.meta.filename}: `],
  ])('2 for usage, and what would be right: %j', async (args, said) => {
    const { code, err } = await rollcall(args);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
  });

  test("2 for a broker's password that is not UTF-8: it would become another one", async () => {
    const password = join(folder, 'password');
    writeFileSync(password, Buffer.from('geh\xe9im\n', 'latin1'));
    const broker = ['--broker', 'mqtt://127.0.0.1:1', '--switch', 'sw1', '--username', 'x'];
    expect(await rollcall(['status', ...broker, '--password-file', password])).toEqual({
      code: 2,
      out: '',
      err: `rollcall: cannot read ${password}: it is not UTF-8 text\n`,
    });
  });

  test('0 for help and version', async () => {
    expect(await rollcall(['--version'], { version: '1.2.3' })).toMatchObject({ code: 0, out: '1.2.3\n' });
    expect((await rollcall(['disconnect', '--help'])).code).toBe(0);
    expect((await rollcall(['--help'])).out).toContain('of run: 78 the configuration has a fault');
  });

  test('1 when refused, with the sentence', async () => {
    await near();
    expect(await rollcall(['session', '192.0.2.99', ...at()])).toEqual({
      code: 1,
      out: '',
      err: 'rollcall: there is no such session\n',
    });
    expect(await rollcall(['explain', 'nonsense', ...at()])).toMatchObject({ code: 1 });
  });

  test('3 when there is no agent', async () => {
    expect(await rollcall(['status', ...at()])).toMatchObject({
      code: 3,
      err: `rollcall: no agent is running here: ${socket} does not exist\n`,
    });
    expect(await rollcall(['events', ...at()])).toMatchObject({ code: 3 });
  });

  test('3 when the agent does not answer in time', async () => {
    const control = await openControlSocket({ path: socket, rights: 'full', onRequest: () => {} });
    if (!control.ok) throw new Error(control.error);
    leftovers.push(() => control.value.close());
    expect((await rollcall(['status', '--timeout', '2147484', ...at()])).code).toBe(2);
    expect(await rollcall(['status', '--timeout', '0.1', ...at()])).toMatchObject({
      code: 3,
      err: 'rollcall: no answer from the agent within 0.1 s\n',
    });
  });

  test("run gives the agent's own code", async () => {
    const asked: string[] = [];
    const run = async ({ config }: { config: string }) => {
      asked.push(config);
      return 7;
    };
    expect((await rollcall(['run', '-c', 'x.yaml'], { run })).code).toBe(7);
    expect((await rollcall(['run'], { run })).code).toBe(7);
    expect(asked).toEqual(['x.yaml', '/etc/rollcall/rollcall.yaml']);
  });
});

describe('check', () => {
  const write = (text: string) => {
    const file = join(folder, 'rollcall.yaml');
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };

  test('a good file', async () => {
    const file = write(SMALLEST);
    expect(await rollcall(['check', '-c', file])).toEqual({ code: 0, out: `ok: ${file}\n`, err: '' });
  });

  test('every fault with file and line', async () => {
    const file = write(SMALLEST.replace('auto,', 'autoo,').replace('brid', 'bird'));
    const { code, err, out } = await rollcall(['check', '-c', file]);
    expect([code, out]).toEqual([1, '3 faults\n']);
    expect(err).toContain(`${file}:6: ports."p*".control: fault: 'autoo' is none of`);
    expect(err).toContain(`${file}:1: switch.birdge: fault: the key is not known; did you mean 'bridge'?`);
  });

  test('the switch is looked at too, unless told not to', async () => {
    const file = write(SMALLEST);
    const checkHost = async () =>
      [
        { severity: 'ok', message: 'bridge br0 is there' },
        { severity: 'fault', message: 'the kernel cannot lock ports' },
      ] as const;
    expect(await rollcall(['check', '-c', file], { checkHost })).toEqual({
      code: 1,
      out: 'ok       bridge br0 is there\nfault    the kernel cannot lock ports\n1 fault\n',
      err: '',
    });
    expect((await rollcall(['check', '--no-host', '-c', file], { checkHost })).code).toBe(0);
    const { out } = await rollcall(['check', '--json', '-c', file], { checkHost });
    expect(JSON.parse(out)).toMatchObject({ ok: false, host: [{ severity: 'ok' }, { severity: 'fault' }] });
  });

  test('what is to be locked before the agent runs is written, where it is looked for or where one says', async () => {
    const text = SMALLEST.replace('/var/lib/rollcall', join(folder, 'state'));
    const file = write(text.replace('secret: testing123}', `secret: {file: ${join(folder, 'later')}}}`));
    const checkHost = () => Promise.reject(new Error('no switch is to be looked at'));
    const { code, err } = await rollcall(['check', '--write-lock', '-c', file], { checkHost });
    // A secret that is not there yet is a fault, and says nothing of ports.
    expect([code, err]).toEqual([1, expect.stringContaining('radius.servers[0].secret: fault: ')]);
    const lock = join(folder, 'state/lock.conf');
    expect(readFileSync(lock, 'utf8')).toMatch(/^bridge br0\nuplink up0\nport p\* auto\n# sha256 of /m);
    expect(statSync(lock).mode & 0o777).toBe(0o644);
    const other = join(folder, 'other.conf');
    expect(await rollcall(['check', '--write-lock', other, '-c', write(text)], { checkHost })).toEqual({
      code: 0,
      out: `ok: ${file}\n`,
      err: '',
    });
    const before = readFileSync(other, 'utf8');
    const faulty = await rollcall(['check', '--write-lock', other, '-c', write(`${text}colour: green\n`)]);
    expect([faulty.code, faulty.err]).toEqual([
      1,
      expect.stringContaining('rollcall: the lock file is left as it is\n'),
    ]);
    expect(readFileSync(other, 'utf8')).toBe(before);
    expect(await rollcall(['check', '--write-lock', join(file, 'x'), '-c', write(text)])).toMatchObject({
      code: 1,
      err: expect.stringContaining(`rollcall: cannot write ${join(file, 'x')}: `),
    });
  });

  test('a secret is read as `run` reads it: a pipe is not waited for, a large file is none', async () => {
    const secret = join(folder, 'secret');
    const file = write(SMALLEST.replace('secret: testing123}', `secret: {file: ${secret}}}`));
    writeFileSync(secret, 'x'.repeat(5_000));
    expect((await rollcall(['check', '-c', file])).err).toContain('it has more than 4096 octets');
    rmSync(secret);
    execFileSync('mkfifo', [secret]);
    expect((await rollcall(['check', '-c', file])).err).toContain('it is no plain file');
    rmSync(secret);
    writeFileSync(secret, 'open sesame and more\n');
    expect((await rollcall(['check', '-c', file])).code).toBe(0);
  });

  test('secrets that everybody on the switch may read are warned of: of the file itself, and of those that it names', async () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'open sesame\n', { mode: 0o644 });
    const inside = write(SMALLEST);
    const warning = (path: string) => `everybody on this switch may read ${path}, which has secrets in it`;
    chmodSync(inside, 0o644);
    const { code, err } = await rollcall(['check', '-c', inside]);
    expect([code, err]).toEqual([0, expect.stringContaining(warning(inside))]);
    const outside = write(SMALLEST.replaceAll('secret: testing123', `secret: {file: ${secret}}`));
    const told = (await rollcall(['check', '-c', outside])).err;
    expect(told).toContain(warning(secret));
    expect(told).not.toContain(warning(outside));
    chmodSync(secret, 0o640);
    expect((await rollcall(['check', '-c', outside])).err).toBe('');
  });

  test('a file that is not there, and the schema', async () => {
    expect(await rollcall(['check', '-c', '/nonexistent.yaml'])).toMatchObject({ code: 1 });
    expect(JSON.parse((await rollcall(['check', '--schema'])).out)).toHaveProperty('properties.radius');
  });
});

describe('from afar, over the broker', () => {
  async function far() {
    const broker = await startMosquitto();
    leftovers.push(() => broker.dispose());
    const agent = new ScriptedAgent();
    const link = new MqttLink({
      url: broker.url,
      protocolVersion: 5,
      switchId: 'sw1',
      clientId: 'rollcall-sw1',
      willDelay: millis(500),
      onConnected: () => {},
      onDisconnected: () => {},
      onCommand: agent.answer,
      onFollowed: () => {},
      isStale: () => false,
      log: () => {},
    });
    leftovers.push(() => link.close('restart', millis(100)));
    link.start();
    await until(() => link.connected && link.pending === 0);
    return { broker, agent, link };
  }

  test('the same verbs, the same answers', async () => {
    const { broker, agent } = await far();
    const there = ['--broker', broker.url, '--switch', 'sw1'];
    const { code, out } = await rollcall(['disconnect', '--all', '--yes', ...there]);
    expect([code, out]).toEqual([0, '1 session is ended and locked out\n']);
    expect(agent.asked).toEqual([{ verb: 'disconnect', request: { all: true } }]);
    expect((await rollcall(['session', '192.0.2.99', ...there])).code).toBe(1);
  });

  test('events are followed', async () => {
    const { broker, link } = await far();
    const stop = new AbortController();
    const seen: string[] = [];
    const running = rollcall(['events', '--json', '--broker', broker.url, '--switch', 'sw1'], {
      signal: stop.signal,
      out: (text) => seen.push(text),
    });
    const log = new EventLog({ bootId: 'b' });
    await until(() => {
      link.publish({
        topic: 'rollcall/v1/sw1/event/warning',
        payload: JSON.stringify(log.record(EVENTS.at(-1) as (typeof EVENTS)[number], NOW)),
        retain: false,
      });
      return seen.length > 0;
    });
    stop.abort();
    expect((await running).code).toBe(0);
    expect(JSON.parse(seen[0] ?? '')).toMatchObject({ type: 'warning', code: 'open-entry' });
  });

  test('3: no such switch, a switch that is offline, no broker', async () => {
    const { broker, link } = await far();
    const unknown = await rollcall(['status', '--broker', broker.url, '--switch', 'sw9']);
    expect(unknown).toMatchObject({
      code: 3,
      err: 'rollcall: no agent of switch sw9 is connected to the broker\n',
    });
    await link.close('drained');
    const offline = await rollcall(['status', '--broker', broker.url, '--switch', 'sw1']);
    expect(offline.code).toBe(3);
    expect(offline.err).toMatch(/switch sw1 is offline|no agent of switch sw1/);
    await broker.stop();
    const gone = await rollcall(['status', '--broker', broker.url, '--switch', 'sw1']);
    expect(gone.code).toBe(3);
    expect(gone.err).toContain('ECONNREFUSED');
  });

  test('a broker that refuses us', async () => {
    const broker = await startMosquitto(['allow_anonymous false']);
    leftovers.push(() => broker.dispose());
    const { code, err } = await rollcall(['status', '--broker', broker.url, '--switch', 'sw1']);
    expect([code, /not authori[sz]ed/i.test(err)]).toEqual([3, true]);
  });
});
