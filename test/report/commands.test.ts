// Requests from strangers: every valid one, every way to get it wrong, and noise.

import { describe, expect, test } from 'vitest';
import { MAX_COMMAND_OCTETS, QUERY_VERBS, VERBS } from '../../src/report/command-schemas.ts';
import { decodeCommand, isChanging } from '../../src/report/commands.ts';

const octets = (text: string) => new TextEncoder().encode(text);
const decode = (verb: string, request: unknown) => decodeCommand(verb, octets(JSON.stringify(request)));

const VALID: readonly (readonly [string, object, object])[] = [
  ['sessions', {}, { verb: 'sessions' }],
  [
    'sessions',
    { id: 'a', port: 'p1', role: 'r', user: 'u' },
    { id: 'a', verb: 'sessions', port: 'p1', role: 'r', user: 'u' },
  ],
  ['ports', { port: 'p1' }, { verb: 'ports', port: 'p1' }],
  ['info', { id: 7 }, { id: 7, verb: 'info' }],
  ['servers', {}, { verb: 'servers' }],
  ['session', { mac: 'AABB.CCDD.EEFF' }, { verb: 'session', selector: { mac: 'aa:bb:cc:dd:ee:ff' } }],
  [
    'disconnect',
    { ip: '2001:DB8:0::1' },
    { verb: 'disconnect', selector: { ip: '2001:db8::1' }, bounce: false, dryRun: false },
  ],
  [
    'disconnect',
    { user: 'bob' },
    { verb: 'disconnect', selector: { user: 'bob' }, bounce: false, dryRun: false },
  ],
  [
    'disconnect',
    { port: 'p1' },
    { verb: 'disconnect', selector: { port: 'p1' }, bounce: false, dryRun: false },
  ],
  ['disconnect', { all: true }, { verb: 'disconnect', selector: {}, bounce: false, dryRun: false }],
  [
    'disconnect',
    { role: 'guest', port: 'p1', user: 'bob', bounce: true, dry_run: true },
    {
      verb: 'disconnect',
      selector: { role: 'guest', port: 'p1', user: 'bob' },
      bounce: true,
      dryRun: true,
    },
  ],
  ['reauthenticate', { session_id: 'x1' }, { verb: 'reauthenticate', selector: { sessionId: 'x1' } }],
  ['probe', { mac: 'aa-bb-cc-dd-ee-ff' }, { verb: 'probe', selector: { mac: 'aa:bb:cc:dd:ee:ff' } }],
  [
    'port',
    { port: 'p1', control: 'force-authorized' },
    { verb: 'port', port: 'p1', control: 'force-authorized' },
  ],
  [
    'timers',
    { role: 'r', period_s: 0, times: 2 },
    { verb: 'timers', target: { role: 'r' }, change: { period: 0, times: 2 } },
  ],
  [
    'timers',
    { role: 'r', session_s: 5, heartbeat_s: null },
    { verb: 'timers', target: { role: 'r' }, change: { session: 5_000, heartbeat: null } },
  ],
  [
    'timers',
    { port: 'p1', period_s: 1.5 },
    { verb: 'timers', target: { port: 'p1' }, change: { period: 1_500 } },
  ],
  ['config', { get: true }, { verb: 'config', action: 'get' }],
  ['config', { apply: 'x' }, { verb: 'config', action: 'apply', text: 'x' }],
  ['certified', { list: true }, { verb: 'certified', action: 'list', selector: {}, limit: 500 }],
  [
    'certified',
    { list: true, role: 'r', limit: 7, after: 'AABB.CCDD.EEFF' },
    {
      verb: 'certified',
      action: 'list',
      selector: { role: 'r' },
      limit: 7,
      after: 'aa:bb:cc:dd:ee:ff',
    },
  ],
  [
    'certified',
    { clear: true, mac: 'aabbccddeeff' },
    {
      verb: 'certified',
      action: 'clear',
      selector: { mac: 'aa:bb:cc:dd:ee:ff' },
      dryRun: false,
    },
  ],
  [
    'certified',
    { clear: true, all: true, dry_run: true },
    { verb: 'certified', action: 'clear', selector: {}, dryRun: true },
  ],
  [
    'certified',
    { clear: true, port: 'p1', user: 'v' },
    { verb: 'certified', action: 'clear', selector: { port: 'p1', user: 'v' }, dryRun: false },
  ],
  [
    'certified',
    { clear: true, user: 'u' },
    { verb: 'certified', action: 'clear', selector: { user: 'u' }, dryRun: false },
  ],
  ['drain', {}, { verb: 'drain' }],
  ['explain', { mac: 'aabbccddeeff' }, { verb: 'explain', who: 'aa:bb:cc:dd:ee:ff' }],
  ['explain', { ip: '2001:DB8::1' }, { verb: 'explain', who: '2001:db8::1' }],
  ['events', {}, { verb: 'events', limit: 100 }],
];

describe('valid requests', () => {
  test.each(VALID)('%s %j', (verb, request, command) => {
    expect(decode(verb, request)).toEqual({ ok: true, value: command });
  });

  test('every verb is among them, and an empty payload is an empty request', () => {
    expect(new Set(VALID.map(([verb]) => verb))).toEqual(new Set(VERBS));
    expect(decodeCommand('info', new Uint8Array())).toEqual({ ok: true, value: { verb: 'info' } });
  });
});

test('the verbs of `query` are those with a request that changes nothing', () => {
  const reading = VALID.filter(([verb, request]) => {
    const decoded = decode(verb, request);
    return decoded.ok && !isChanging(decoded.value);
  });
  expect(new Set(reading.map(([verb]) => verb))).toEqual(new Set(QUERY_VERBS));
});

describe('requests that are refused', () => {
  test.each([
    ['explode', {}, 'unknown-verb', '', "'explode' is no verb"],
    ['constructor', {}, 'unknown-verb', '', "'constructor' is no verb"],
    ['info', { now: 1 }, 'unknown-key', 'now', "'now' is no key of info"],
    ['disconnect', {}, 'bad-value', '', 'one of mac, ip, session_id, user, port, role, all is needed'],
    ['disconnect', { mac: 'aa:bb:cc:dd:ee:ff', all: true }, 'bad-value', 'all', 'no other key'],
    ['disconnect', { all: false }, 'bad-value', 'all', 'all must be true'],
    ['disconnect', { mac: 'gg:bb:cc:dd:ee:ff' }, 'bad-value', 'mac', 'is no MAC address'],
    ['disconnect', { mac: 7 }, 'bad-value', 'mac', 'mac must be string'],
    ['disconnect', { ip: '300.1.1.1' }, 'bad-value', 'ip', 'is no IP address'],
    ['disconnect', { user: '' }, 'bad-value', 'user', 'user must'],
    ['session', { port: 'p1' }, 'unknown-key', 'port', "'port' is no key of session"],
    ['port', { port: 'p1' }, 'bad-value', 'control', "the key 'control' is missing"],
    [
      'port',
      { port: 'p1', control: 'on' },
      'bad-value',
      'control',
      'control must be one of auto, force-authorized',
    ],
    ['timers', { period_s: 1 }, 'bad-value', '', 'exactly one of role and port'],
    ['timers', { role: 'r' }, 'bad-value', '', 'there is no timer to set'],
    ['timers', { role: 'r', times: 33 }, 'bad-value', 'times', ''],
    ['timers', { role: 'r', period_s: 0.5 }, 'bad-value', 'period_s', 'period_s must be 0, or 1 and more'],
    [
      'timers',
      { role: 'r', heartbeat_s: 0 },
      'bad-value',
      'heartbeat_s',
      'heartbeat_s must be null, or 1 and more',
    ],
    ['timers', { port: 'p', session_s: 9 }, 'bad-value', 'session_s', 'is a timer of roles'],
    ['config', { get: true, check: '' }, 'bad-value', '', 'exactly one of get, check and apply'],
    ['certified', {}, 'bad-value', '', 'exactly one of list and clear'],
    ['certified', { list: true, clear: true }, 'bad-value', '', 'exactly one of list and clear'],
    ['certified', { clear: true }, 'bad-value', '', 'one of mac, user, port, role, all is needed'],
    ['certified', { clear: true, user: 'u', all: true }, 'bad-value', 'all', 'all is every'],
    ['certified', { clear: true, mac: 'x' }, 'bad-value', 'mac', 'is no MAC address'],
    ['certified', { clear: true, all: true, limit: 1 }, 'bad-value', 'limit', 'limit is no key of clear'],
    ['certified', { list: true, dry_run: true }, 'bad-value', 'dry_run', 'dry_run is no key of list'],
    ['certified', { list: true, after: 'x' }, 'bad-value', 'after', 'is no MAC address'],
    ['certified', { list: true, limit: 1001 }, 'bad-value', 'limit', 'limit must'],
    ['events', { limit: 0 }, 'bad-value', 'limit', 'limit must'],
    ['explain', {}, 'bad-value', '', 'exactly one of mac and ip must be given'],
    ['explain', { ip: 'x' }, 'bad-value', 'ip', "'x' is no IP address"],
    ['info', [], 'bad-value', '', 'a request is a JSON object'],
    ['info', null, 'bad-value', '', 'a request is a JSON object'],
    ['info', { id: { a: 1 } }, 'bad-value', 'id', 'id must'],
  ])('%s %j', (verb, request, code, path, message) => {
    const result = decode(verb, request);
    expect(result).toMatchObject({ ok: false, error: { code, path } });
    expect(result.ok ? '' : result.error.message).toContain(message);
  });

  test('the id comes back with the error', () => {
    expect(decode('disconnect', { id: 'q1' })).toMatchObject({ error: { id: 'q1' } });
    expect(decode('nothing', { id: 5 })).toMatchObject({ error: { id: 5 } });
  });

  test('octets that are no JSON, no UTF-8, or too many', () => {
    expect(decodeCommand('info', octets('{'))).toMatchObject({ error: { code: 'bad-json' } });
    expect(decodeCommand('info', Uint8Array.of(0x22, 0xff, 0x22))).toMatchObject({
      error: { code: 'bad-json' },
    });
    expect(decodeCommand('info', new Uint8Array(MAX_COMMAND_OCTETS + 1))).toMatchObject({
      error: { code: 'too-large' },
    });
    expect(decodeCommand('info', octets('['.repeat(60_000)))).toMatchObject({ error: { code: 'bad-json' } });
    expect(decodeCommand('info', octets(`${'['.repeat(30_000)}${']'.repeat(30_000)}`))).toMatchObject({
      ok: false,
    });
  });

  test('__proto__ is an unknown key, not a prototype', () => {
    const result = decodeCommand('disconnect', octets('{"__proto__": {"all": true}}'));
    expect(result).toMatchObject({ ok: false, error: { code: 'unknown-key', path: '__proto__' } });
  });

  test('control characters of a request do not come back raw', () => {
    const result = decode('explain', { mac: '\u001b[31m' });
    expect(JSON.stringify(result)).not.toContain('\u001b');
    expect(result.ok ? '' : result.error.message).not.toContain('\u001b');
  });
});

describe('bad input', () => {
  test('every truncation and 20,000 seeded mutations: a valid command or an error, nothing thrown', () => {
    let state = 20_250_131;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const samples = VALID.map(([verb, request]) => [verb, octets(JSON.stringify(request))] as const);
    const outcomes = new Map<string, number>();
    const judge = (verb: string, bytes: Uint8Array) => {
      const result = decodeCommand(verb, bytes);
      const outcome = result.ok ? 'ok' : result.error.code;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (result.ok) expect(result.value.verb).toBe(verb);
      else expect(result.error.message).not.toBe('');
    };
    for (const [verb, bytes] of samples)
      for (let end = 0; end < bytes.length; end++) judge(verb, bytes.subarray(0, end));
    for (let round = 0; round < 20_000; round++) {
      const [verb, original] = samples[random(samples.length)] as (typeof samples)[number];
      const bytes = Uint8Array.from(original);
      for (let edit = 0; edit <= random(3); edit++) {
        if (bytes.length > 0) bytes[random(bytes.length)] = random(4) === 0 ? random(256) : 0x20 + random(95);
      }
      judge(random(20) === 0 ? String.fromCharCode(97 + random(26)) : verb, bytes);
    }
    expect([...outcomes.keys()].sort()).toEqual([
      'bad-json',
      'bad-value',
      'ok',
      'unknown-key',
      'unknown-verb',
    ]);
    expect(Math.min(...outcomes.values())).toBeGreaterThan(200);
  });
});
