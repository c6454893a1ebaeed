// A configuration file as people write it, and as they get it wrong.

import { describe, expect, test } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import { err, ok } from '../../src/base/result.ts';
import type { Config } from '../../src/config/config.ts';
import { restartPaths } from '../../src/config/diff.ts';
import { describeFault } from '../../src/config/fault.ts';
import { hostWarnings } from '../../src/config/host.ts';
import { configJsonSchema, parseConfig } from '../../src/config/parse.ts';
import { EffectiveSettings, isUplink, portSettings, roleSettings } from '../../src/config/ports.ts';
import { HIDDEN, type ReadSecret, secretFiles, withoutSecrets } from '../../src/config/secrets.ts';
import { fits, schemaErrors } from '../../src/config/validate.ts';
import { readYaml } from '../../src/config/yaml.ts';
import { HANDSHAKE_DEFAULTS } from '../../src/liveness/settings.ts';
import { MINIMAL, SMALLEST } from './samples.ts';

const noSecrets: ReadSecret = (path) => err(`no such file: ${path}`);

function faults(text: string, readSecret = noSecrets): string[] {
  const parsed = parseConfig(text, readSecret);
  return parsed.ok ? [] : parsed.error.map(describeFault);
}

function config(text: string, readSecret = noSecrets): Config {
  const parsed = parseConfig(text, readSecret);
  if (!parsed.ok) throw new Error(parsed.error.map(describeFault).join('\n'));
  return parsed.value.config;
}

function warnings(text: string): string[] {
  const parsed = parseConfig(text, noSecrets);
  return parsed.ok ? parsed.value.warnings.map(describeFault) : [];
}

describe('the smallest useful file', () => {
  test('means what it says', () => {
    const it = config(SMALLEST);
    expect(it.switch).toEqual({ id: 'sw1', bridge: 'br0', uplinks: ['up0'] });
    expect(it.nas).toEqual({ identifier: 'sw1', ipv4: '192.0.2.1' });
    expect(new TextDecoder().decode(it.radius.servers[0]?.secret)).toBe('testing123');
    expect(it.dynamicAuthorization?.clients[0]?.address).toBe('127.0.0.1');
    expect(it.mqtt.url).toBe('mqtt://127.0.0.1:1883');
    expect(it.roles.get('default')?.timers).toEqual({ session: 0 });
    expect(portSettings(it, 'p1')).toMatchObject({
      control: 'auto',
      role: 'default',
      mab: { enabled: false, delay: 30_000 },
    });
    expect(warnings(SMALLEST)).toEqual([]);
  });

  test('what it leaves out is what it writes: its values are the defaults', () => {
    const long = config(SMALLEST);
    const short = config(MINIMAL);
    expect(
      portSettings(
        { ...short, ports: [{ pattern: 'p*', mab: {}, fallbacks: {}, handshake: {}, pae: {}, limits: {} }] },
        'p1',
      ),
    ).toEqual({
      ...portSettings(long, 'p1'),
    });
    const who = { role: 'default', port: 'p1', mac: 'aa:bb:cc:dd:ee:ff' as Mac };
    expect(new EffectiveSettings(long).handshake(who)).toEqual(new EffectiveSettings(short).handshake(who));
    expect(new EffectiveSettings(short).handshake(who)).toEqual(HANDSHAKE_DEFAULTS);
    expect(short.controlSocket).toBe(long.controlSocket);
    expect(short.radius).toEqual(long.radius);
  });
});

describe('a file with faults', () => {
  test('all are named at once, each with path, line, what is there and what would be right', () => {
    const text = SMALLEST.replace('auto,', 'autoo,')
      .replace('bridge:', 'brige:')
      .replace('heartbeat_s: null', 'heartbeat_s: 0')
      .replace('period_s: 15', 'period_s: 0.5')
      .replace('times: 3', 'times: 33')
      .replace('address: 127.0.0.1, auth', 'address: localhost, auth')
      .replace('acct_port: 1813', 'acct_port: 70000');
    expect(faults(text)).toEqual([
      "switch (line 1): the key 'bridge' is missing in the switch",
      "switch.brige (line 1): the key is not known; did you mean 'bridge'?",
      `ports."p*".control (line 6): 'autoo' is none of auto, force-authorized, force-unauthorized, off; did you mean 'auto'?`,
      "roles.default.heartbeat_s (line 8): '0' is not 1..31622400 seconds",
      "roles.default.handshake.period_s (line 8): '0.5' is not 0 or 1..86400 seconds",
      "roles.default.handshake.times (line 8): '33' is not a whole number 1..32",
      "radius.servers[0].address (line 13): 'localhost' is not an IPv4 or IPv6 address (names are not resolved)",
      "radius.servers[0].acct_port (line 13): '70000' is not a port number 1..65535",
    ]);
  });

  test.each([
    ['', 'the file is empty; it must be a mapping of keys to values'],
    ['# only a comment\n', 'the file is empty; it must be a mapping of keys to values'],
    ['- a\n- b\n', 'line 1: the file must be a mapping of keys to values'],
    ['just words', 'line 1: the file must be a mapping of keys to values'],
    ['switch:\n\tid: a\n', 'line 2: a tab is used for indentation; YAML allows spaces only'],
    ['a: 1\n---\nb: 2\n', 'line 2: the file holds more than one YAML document; one is allowed'],
    ['a: 1\nb: 2\na: 3\n', 'a (line 3): the key is there twice, first on line 1'],
    ['a: 1\nb: *x\n', 'b (line 2): anchors and aliases are not supported; a value with special characters'],
    ['a: &x 1\n', 'a (line 1): anchors and aliases are not supported'],
    [
      'a: !!js/function "x"\n',
      'line 1: tags are not supported; a value with special characters needs quotes',
    ],
    ['a: !x [1]\n', 'line 1: tags are not supported'],
    ['? [a, b]\n: 1\n', 'line 1: a key must be a word or a number'],
    ['a: [1, 2\n', 'line 2: not YAML'],
    ['a: .inf\n', "a (line 1): 'Infinity' is not a usable value"],
  ])('%j', (text, expected) => {
    expect(faults(text)[0]?.startsWith(expected) || faults(text)[0]).toBe(true);
  });

  test('an alias bomb and bottomless nesting are refused quickly', () => {
    const bomb = `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`)}]`).join('\n')}\n`;
    expect(faults(bomb)[0]).toMatch(/alias/);
    expect(faults(`a: ${'['.repeat(5_000)}`).length).toBeGreaterThan(0);
    expect(faults(`a: ${'['.repeat(100)}${']'.repeat(100)}`)[0]).toMatch(/nested more than/);
    expect(faults(`a: ${'x'.repeat(2_000_001)}`)[0]).toMatch(/more than 2000000 characters/);
  });

  test('a key named __proto__ is an unknown key', () => {
    expect(faults(`${MINIMAL}__proto__: {switch: 1}\n`)[0]).toMatch(
      /^__proto__ \(line \d+\): the key is not known/,
    );
  });

  test('a secret of the wrong form is not shown', () => {
    const text = SMALLEST.replaceAll('testing123', '[hunter2]');
    expect(faults(text).join()).toContain(
      'radius.servers[0].secret (line 13): the value is not a secret, or {file: PATH}',
    );
    expect(faults(text).join()).not.toContain('hunter2');
  });

  test.each([
    '*hunter2',
    '!hunter2',
    '!hunter2 x',
    '!<hunter2> x',
    '!hunter2 [x]',
    '&hunter2',
    '&hunter2 x',
    '|hunter2',
    '>hunter2',
    '@hunter2',
    '`hunter2',
    '%hunter2',
    '"\\hunter2"',
    '"\\U000hunter2"',
    '"x" hunter2',
    '{hunter2}',
    '{hunter2 x}',
    '{hunter2: x}',
    '{file: hunter2}',
    '[hunter2',
    ']hunter2',
    '}hunter2',
    'hunter2: x',
    '- hunter2',
    '? hunter2',
    `hunter2${'x'.repeat(300)}`,
  ])('a secret without the quotes that it needs is not shown: %s', (secret) => {
    for (const text of [
      SMALLEST.replace('testing123', secret),
      SMALLEST.replace('1883"}', `1883", username: u, password: ${secret}}`),
      `${MINIMAL}mqtt:\n  username: u\n  password: ${secret}\n`,
    ]) {
      expect(text).toContain('hunter2');
      expect(faults(text)).not.toEqual([]);
      expect(faults(text).join()).not.toContain('hunter2');
    }
  });

  test.each([
    '{secret:hunter2, address: 192.0.2.1}',
    '{secret=hunter2, address: 192.0.2.1}',
    '{secret: x y, address: hunter2 192.0.2.1',
  ])('nor one that a slip makes a key: %s', (server) => {
    const found = faults(`switch: {id: sw1, bridge: br0}\nradius: {servers: [${server}]}\n`);
    expect(found).not.toEqual([]);
    expect(found.join()).not.toContain('hunter2');
  });

  test.each(['mqtt://user:hunter2@192.0.2.9', 'mqtt://192.0.2.9 hunter2', 'tcp://hunter2@x'])(
    "a broker's url that is wrong is not shown: %s",
    (url) => {
      expect(faults(`${MINIMAL}mqtt: {url: "${url}"}\n`)).toEqual([
        'mqtt.url (line 3): the value is not mqtt://, mqtts://, ws:// or wss:// with a host (IPv6 in brackets), perhaps a port 1..65535, and no user or password',
      ]);
    },
  );
});

describe('keys that must agree', () => {
  test.each([
    [
      'role: default,',
      'role: defualt,',
      `ports."p*".role (line 6): there is no role 'defualt'; did you mean 'default'?`,
    ],
    ['"p*":', '"averyverylongname0":', 'has 18 octets; an interface name has at most 15'],
    [
      'nas_identifier: sw1',
      `nas_identifier: ${'ä'.repeat(127)}`,
      'radius.nas_identifier (line 10): has 254 octets; RADIUS takes at most 253',
    ],
    ['acct_port: 1813', 'acct_port: 1812', 'authentication and accounting cannot share port 1812'],
    ['mqtt: {', 'mqtt: {password: x, ', 'mqtt.password (line 16): needs a username'],
    ['mqtt: {', 'mqtt: {tls: {ca_file: /ca.pem}, ', 'needs a url that begins with mqtts:// or wss://'],
    [
      'mqtt: {',
      'handshake: {sources: {0: {ip: 0.0.0.0}}}\nmqtt: {',
      'looks like duplicate-address detection',
    ],
    ['mqtt: {', 'handshake: {sources: {4095: {ip: 192.0.2.1}}}\nmqtt: {', 'a VLAN id is 1..4094'],
    ['mqtt: {', 'handshake: {sources: {7: {mac: 00:00:5e:00:01:01}}}\nmqtt: {', 'needs ip, ipv6 or both'],
    [
      'mqtt: {',
      'handshake: {sources: {7: {ip: 192.0.2.1, mac: "01:00:5e:00:00:01"}}}\nmqtt: {',
      "is no station's address",
    ],
    [
      'mqtt: {',
      'handshake: {sources: {7: {ip: 0.1.2.3}}}\nmqtt: {',
      '0.1.2.3 cannot be the sender of a probe',
    ],
    [
      '- {address: 127.0.0.1, auth_port: 1812,',
      '- {address: 2001:db8::1, secret: testing123}\n    - {address: "2001:DB8:0::1", auth_port: 1812,',
      'radius.servers[1] (line 14): 2001:db8::1 port 1812 is servers[0] already',
    ],
    [
      'mqtt: {',
      'silent_devices: [{mac: aabb.ccdd.eeff, handshake: off}, {mac: aa-bb-cc-dd-ee-ff, handshake: off}]\nmqtt: {',
      'is silent_devices[0] already',
    ],
  ])('%s -> %s', (from, to, expected) => {
    expect(faults(SMALLEST.replace(from, to)).join('\n')).toContain(expected);
  });

  test('what is right but odd is a warning', () => {
    const text = SMALLEST.replace('ports:', 'ports:\n  up0: {control: auto}').replace(
      'secret: testing123}\n',
      'secret: testing123, require_message_authenticator: false}\n    - {address: 192.0.2.9, secret: short}\n',
    );
    expect(warnings(text)).toEqual([
      "ports.up0 (line 6): 'up0' is an uplink; uplinks win, so these settings do nothing",
      'radius.servers[0].require_message_authenticator (line 14): replies without a Message-Authenticator can be forged (CVE-2024-3596)',
      'radius.servers[1].secret (line 15): has fewer than 16 characters (RFC 2865 section 3)',
    ]);
  });

  test('a patience that is shorter than one visit to a server is a warning, where it is said', () => {
    const visit = 'one server is asked for up to 6.6 s, and an attempt that ends before that asks no other';
    const two = `${MINIMAL.replace('}]', '}, {address: 127.0.0.2, use: authentication, secret: testing123}]')}`;
    const ports = 'ports:\n  p1: {dot1x: {server_timeout_s: 6}}\n  p2: {dot1x: {server_timeout_s: 7}}\n';
    expect(warnings(`${two}${ports}dot1x: {server_timeout_s: 5}\n`)).toEqual([
      expect.stringMatching(`ports.p1.dot1x.server_timeout_s .*: is short: ${visit}`),
      expect.stringMatching(`^dot1x.server_timeout_s .*: is short: ${visit}`),
    ]);
    const slow = (irtS: number) =>
      warnings(two.replace('radius: {', `radius: {retransmission: {access: {irt_s: ${irtS}}}, `));
    expect(slow(9)).toEqual([]);
    expect(slow(10)).toEqual([expect.stringContaining('is long for a server_timeout_s of 30')]);
  });

  test('where there is one server to ask, only a patience that is shorter than one timeout is', () => {
    const one = MINIMAL.replace('}]', '}, {address: 127.0.0.2, use: accounting, secret: testing123}]');
    const patience = (timeoutS: number) => warnings(`${one}dot1x: {server_timeout_s: ${timeoutS}}\n`);
    expect(patience(2)).toEqual([]);
    expect(patience(1)).toEqual([
      "dot1x.server_timeout_s (line 3): is short: silence that is shorter than irt_s (2 s) brings nobody to 'critical'",
    ]);
  });

  test('a probe source that hosts will not answer is a warning, once the addresses of the switch are known', () => {
    const it = config(
      `${MINIMAL}handshake: {sources: {1: {ip: 192.0.2.7}, 2: {ip: 198.51.100.1, mac: 00:00:5e:00:01:01}, 3: {ip: 192.0.2.1}}}\n`,
    );
    const host = [{ interface: 'br0', address: '192.0.2.1', prefixLength: 24 }];
    expect(hostWarnings(it, host).map(describeFault)).toEqual([
      'handshake.sources.1.ip: 192.0.2.7 is no address of this switch; a foreign sender needs its own mac',
      'handshake.sources.2.ip: 198.51.100.1 is on no subnet of this switch; hosts with strict rp_filter will not answer',
    ]);
  });
});

describe('secrets in files', () => {
  const text = SMALLEST.replace('secret: testing123}\n  acc', 'secret: {file: /etc/s}}\n  acc');

  test('the one line is the secret', () => {
    const it = config(text, (path) => (path === '/etc/s' ? ok('from a file\r\n') : err('?')));
    expect(new TextDecoder().decode(it.radius.servers[0]?.secret)).toBe('from a file');
  });

  test.each([
    [err('EACCES'), 'radius.servers[0].secret (line 13): cannot read /etc/s: EACCES'],
    [ok('\n'), 'radius.servers[0].secret (line 13): /etc/s is empty'],
    [ok('a\nb\n'), 'radius.servers[0].secret (line 13): /etc/s has more than one line; a secret is one line'],
  ])('%j', (content, expected) => {
    expect(faults(text, () => content)).toEqual([expected]);
  });
});

describe('which settings hold for a port', () => {
  const it = config(`${MINIMAL}ports:
  "p*": {role: guest, mab: {enabled: true, delay_s: 5}, dot1x: {tx_period_s: 7}}
  "10": {control: force-authorized}
  "9": {control: force-unauthorized}
  p[1-3]: {mab: {delay_s: 9}, handshake: {times: 5}}
  p2: {control: off, handshake: off}
roles:
  guest: {session_s: 60, heartbeat_s: 90, handshake: {period_s: 4, times: 2}}
dot1x: {tx_period_s: 3, max_req: 4}
silent_devices: [{mac: AA-BB-CC-DD-EE-FF, handshake: {keep: true}}]
`);
  const mac = 'aa:bb:cc:dd:ee:ff' as Mac;

  test('a later match wins, key by key', () => {
    expect(portSettings(it, 'p1')).toMatchObject({
      control: 'auto',
      role: 'guest',
      mab: { enabled: true, delay: 9_000 },
    });
    expect(portSettings(it, 'p2')).toMatchObject({ control: 'off', role: 'guest' });
    expect(portSettings(it, 'p4').mab).toMatchObject({ enabled: true, delay: 5_000 });
    expect(portSettings(it, 'p1').pae).toMatchObject({ txPeriod: 7_000, maxReq: 4, quietPeriod: 60_000 });
  });

  test('the order is that of the file, for names that are numbers too', () => {
    expect(it.ports.map(({ pattern }) => pattern)).toEqual(['p*', '10', '9', 'p[1-3]', 'p2']);
  });

  test('a port that nothing matches, and an uplink, are not ours', () => {
    expect(portSettings(it, 'eth0').control).toBe('off');
    const uplink = config(SMALLEST.replace('up0', '"p4[89]"'));
    expect(isUplink(uplink, 'p48')).toBe(true);
    expect(portSettings(uplink, 'p48').control).toBe('off');
    expect(portSettings(uplink, 'p47').control).toBe('auto');
  });

  test('the handshake comes from the device, the port, the role and the defaults, in this order', () => {
    const other = '00:00:5e:00:53:01' as Mac;
    expect(new EffectiveSettings(it).handshake({ role: 'guest', port: 'p4', mac: other })).toMatchObject({
      period: 4_000,
      times: 2,
    });
    expect(new EffectiveSettings(it).handshake({ role: 'guest', port: 'p1', mac: other })).toMatchObject({
      period: 4_000,
      times: 5,
      keep: false,
    });
    expect(new EffectiveSettings(it).handshake({ role: 'guest', port: 'p2', mac })).toMatchObject({
      period: 0,
      times: 5,
      keep: true,
    });
    expect(roleSettings(it, 'nobody').name).toBe('default');
    expect(roleSettings(it, 'guest').timers).toEqual({ session: 60_000, heartbeat: 90_000 });
  });
});

describe('what takes a restart', () => {
  const before = config(SMALLEST);

  test('nothing, where nothing changed or where all of it can be taken over', () => {
    expect(restartPaths(before, config(SMALLEST))).toEqual([]);
    const after = SMALLEST.replace('control: auto', 'control: off')
      .replace('period_s: 15', 'period_s: 30')
      .replace('interim_s: 0', 'interim_s: 60')
      .concat('guard: {share: 0}\nhandshake: {rate_per_s: 10}\nlog: {level: debug}\ndot1x: {max_req: 1}\n')
      .concat('silent_devices: [{mac: "02:00:00:00:00:01", handshake: off}]\n');
    expect(restartPaths(before, config(after))).toEqual([]);
  });

  test.each([
    ['switch.id', 'id: sw1', 'id: sw2'],
    ['switch.bridge', 'br0', 'br1'],
    ['switch.uplinks', '[up0]', '[up0, up1]'],
    ['backend', 'backend: switchdev', 'backend: sim'],
    ['state_dir', '/var/lib/rollcall', '/var/lib/other'],
    ['control_socket', '/run/rollcall.sock', '/run/other.sock'],
    ['radius.nas_identifier', 'nas_identifier: sw1', 'nas_identifier: sw2'],
    ['radius.nas_ip_address', '192.0.2.1', '192.0.2.2'],
    ['radius.accounting.spool', 'interim_s: 0', 'interim_s: 0, spool: {capacity: 1000}'],
    ['radius.dynamic_authorization.port', '3799', '3800'],
    ['mqtt.url', 'mqtt://127.0.0.1', 'mqtt://127.0.0.2'],
    ['mqtt.will_delay_s', '1883"}', '1883", will_delay_s: 5}'],
  ])('%s does', (path, from, to) => {
    const text = SMALLEST.replace(from, to);
    expect(text).not.toBe(SMALLEST);
    // The client id has the switch's in it.
    const also = path === 'switch.id' ? ['mqtt.client_id'] : [];
    expect(restartPaths(before, config(text))).toEqual([path, ...also]);
  });
});

describe('a text as it is shown', () => {
  const text = SMALLEST.replace('1883"}', '1883", username: u, password: "open sesame"}')
    .replace('clients: [', 'clients: [{address: 127.0.0.9, secret: {file: /etc/rollcall/secret}}, ')
    .concat('# before: secret hunter2\n');
  const shown = withoutSecrets(text) ?? '';

  test('has none of its secrets, nor a comment, where an old one may stand', () => {
    for (const secret of ['testing123', 'open sesame', 'hunter2', '#']) {
      expect(text).toContain(secret);
      expect(shown).not.toContain(secret);
    }
    expect(shown.split(HIDDEN)).toHaveLength(4);
    expect(shown).toContain('secret: {file: /etc/rollcall/secret}'.replace('{', '{ ').replace('}', ' }'));
  });

  test('that was taken is shown, whatever its keys look like; one that is no YAML is not', () => {
    const numbers = `${MINIMAL}ports: {1: {role: default}, 01: {control: auto}, 0x1: {control: off}}\n`;
    expect(config(numbers).ports.map(({ pattern }) => pattern)).toEqual(['1', '01', '0x1']);
    expect(config((withoutSecrets(numbers) ?? '').replace(HIDDEN, 'testing123'))).toEqual(config(numbers));
    expect(withoutSecrets('a: [1')).toBe(undefined);
  });

  test('has none of the secrets of a port that is named by a number', () => {
    const mab = (secret: string) => `{mab: {password: ${secret}}}`;
    const ports = `ports: {1: ${mab('hush1')}, 01: ${mab('hush01')}, 2: ${mab('{file: /a}')}, 02: ${mab('{file: /b}')}}`;
    const numbers = `${MINIMAL}${ports}\n`;
    const hidden = withoutSecrets(numbers) ?? '';
    expect(hidden).not.toContain('hush');
    const files: ReadSecret = () => ok('in a file');
    expect(config(hidden.replaceAll(HIDDEN, 'hush'), files).ports).toEqual(
      config(numbers.replaceAll(/hush[01]+/g, 'hush'), files).ports,
    );
    expect([...secretFiles(numbers)]).toEqual(['/a', '/b']);
  });

  test('names its files', () => {
    expect([...secretFiles(text)]).toEqual(['/etc/rollcall/secret']);
  });

  test('means the same otherwise', () => {
    const filled = shown
      .replace(`password: "${HIDDEN}"`, 'password: open sesame')
      .replaceAll(HIDDEN, 'testing123');
    const read: ReadSecret = () => ok('from a file');
    expect(config(filled, read)).toEqual(config(text, read));
  });

  test('is no configuration: what is hidden is said to be missing, each by its place', () => {
    expect(faults(shown, () => ok('from a file'))).toEqual([
      expect.stringMatching(/^radius\.servers\[0\]\.secret \(line \d+\): <hidden> stands for/),
      expect.stringMatching(/^radius\.dynamic_authorization\.clients\[1\]\.secret \(line \d+\)/),
      expect.stringMatching(/^mqtt\.password \(line \d+\)/),
    ]);
  });
});

describe('the two validators', () => {
  test('agree on every mutation of a key', () => {
    const values = [
      '0',
      '1',
      '-1',
      '0.5',
      'null',
      'true',
      'x',
      '[]',
      '{}',
      '70000',
      '1e9',
      '""',
      'off',
      '192.0.2.1',
      '"::1"',
    ];
    const errors = schemaErrors();
    let wrong = 0;
    for (const match of SMALLEST.matchAll(/(\w+): ([^{}[\],\s]+)/g)) {
      for (const value of values) {
        const text = `${SMALLEST.slice(0, match.index)}${match[1]}: ${value}${SMALLEST.slice(match.index + match[0].length)}`;
        const yaml = readYaml(text);
        if (!yaml.ok) continue;
        const slow = errors(yaml.value.value).length > 0;
        if (slow) wrong++;
        expect(fits(yaml.value.value), text).toBe(!slow);
      }
    }
    expect(wrong).toBeGreaterThan(150);
  });

  test('any text at all gives faults or a configuration, never an exception', () => {
    let state = 42;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const alphabet = '{}[],:-&*!|>\'"%@` \n\t#?\u0000\u00e9ap01';
    for (let round = 0; round < 3_000; round++) {
      let text = MINIMAL;
      for (let edit = 0; edit < 4; edit++) {
        const at = random(text.length);
        text = text.slice(0, at) + alphabet[random(alphabet.length)] + text.slice(at + random(3));
      }
      const yaml = readYaml(text);
      if (!yaml.ok) expect(yaml.error.length).toBeGreaterThan(0);
    }
  });

  test('the JSON Schema is plain JSON with a title', () => {
    const schema = configJsonSchema() as { title?: string; properties?: object };
    expect(schema.title).toBe('the configuration of Rollcall');
    expect(Object.keys(schema.properties ?? {})).toContain('radius');
  });
});
