// Slips of the pen that a check has to find, since the agent would not start with them, and what a fault says to help.

import { describe, expect, test } from 'vitest';
import { err } from '../../src/base/result.ts';
import { describeFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { MINIMAL } from './samples.ts';

function faults(text: string): string[] {
  const parsed = parseConfig(text, (path) => err(`no such file: ${path}`));
  return parsed.ok ? [] : parsed.error.map(describeFault);
}

describe("a broker's url", () => {
  const of = (url: string) => faults(`${MINIMAL}mqtt: {url: "${url}"}\n`);

  test.each([
    'mqtt://127.0.0.1:99999',
    'mqtt://127.0.0.1:18x',
    'mqtt://a:b:c',
    'mqtt://[::1',
    'mqtt://[fe80::1%eth0]',
    'mqtt://:1883',
    'mqtt://192.0.2.9:0',
    'ws://127.0.0.1:77777/x',
    'ws://300.1.1.1/',
  ])('%s is none', (url) => {
    expect(of(url)).toEqual([
      expect.stringMatching(/^mqtt\.url \(line 3\): the value is not .*\(IPv6 in brackets\).*1\.\.65535/),
    ]);
  });

  test.each([
    'mqtt://[::1]:1883',
    'mqtts://broker.example',
    'ws://192.0.2.9/mqtt?a=b',
    'wss://broker.example:443/x',
  ])('%s is one', (url) => expect(of(url)).toEqual([]));
});

describe('quotes', () => {
  const rule = (mac: string) => `${MINIMAL}roles: {a: {}}\nrole_rules: [{mac: ${mac}, role: a}]\n`;
  const MAC = 'a MAC address, or its beginning (00:50:56, 0050.56, 00:50:56:00:00:00/20)';

  test.each([
    [
      rule('000413'),
      `role_rules[0].mac (line 4): the number 413 is not ${MAC}; a text of digits needs quotes`,
    ],
    [
      rule('0026e7'),
      `role_rules[0].mac (line 4): the number 260000000 is not ${MAC}; a text of digits needs quotes`,
    ],
    [
      MINIMAL.replace('id: sw1', 'id: 12'),
      'switch.id (line 1): the number 12 is not 1 to 64 letters, digits, dots, underscores and hyphens; a text of digits needs quotes',
    ],
    [
      MINIMAL.replace('testing123', '12345'),
      'radius.servers[0].secret (line 2): the value is not a secret, or {file: PATH}; a text of digits needs quotes',
    ],
    [
      MINIMAL.replace('testing123', 'true'),
      'radius.servers[0].secret (line 2): the value is not a secret, or {file: PATH}; as a text it needs quotes',
    ],
    [
      `${MINIMAL}roles: {default: {handshake: {period_s: "15"}}}\n`,
      "roles.default.handshake.period_s (line 3): '15' is not 0 or 1..86400 seconds; write it without quotes",
    ],
    [
      `${MINIMAL}ports: {p1: {mab: {enabled: "true"}}}\n`,
      "ports.p1.mab.enabled (line 3): 'true' is not true or false; write it without quotes",
    ],
    [
      MINIMAL.replace('secret:', 'status_server: "true", secret:'),
      "radius.servers[0].status_server (line 2): 'true' is not auto, true or false; write it without quotes",
    ],
    [
      `${MINIMAL}ports: {p1: {guest_vlan: "20"}}\n`,
      "ports.p1.guest_vlan (line 3): there is no VLAN '20'; an id is written without quotes",
    ],
  ])('a fault says that they are needed, or too many (%#)', (text, fault) => {
    expect(faults(text)).toEqual([fault]);
  });

  test.each([
    [`${MINIMAL}ports: {p1: {mab: {enabled: maybe}}}\n`, "'maybe' is not true or false"],
    [`${MINIMAL}roles: {default: {session_s: x1}}\n`, "'x1' is not 0 or 1..31622400 seconds"],
  ])('they are not spoken of where they change nothing (%#)', (text, fault) => {
    expect(faults(text)).toEqual([expect.stringMatching(new RegExp(`${fault}$`))]);
  });

  test('a group is a name or a number, with quotes or without', () => {
    const groups = ['27', '"27"', 'adm'].map((group) => {
      const text = `${MINIMAL}control_socket_group: ${group}\nread_socket: /run/r.sock\nread_socket_group: ${group}\n`;
      const parsed = parseConfig(text, err);
      return parsed.ok ? [parsed.value.config.controlSocketGroup, parsed.value.config.readSocketGroup] : [];
    });
    expect(groups).toEqual([
      ['27', '27'],
      ['27', '27'],
      ['adm', 'adm'],
    ]);
    expect(faults(`${MINIMAL}control_socket_group: -1\n`)).toEqual([
      "control_socket_group (line 3): '-1' is not a group of /etc/group, or its number",
    ]);
  });
});

describe("a socket's path", () => {
  const folder = `/run/${'a'.repeat(95)}/`;

  test.each(['control_socket', 'read_socket'])('%s: 107 octets, not characters, and no more', (key) => {
    const of = (name: string) => faults(`${MINIMAL}${key}: ${folder}${name}\n`);
    expect(of('123456')).toEqual([]);
    for (const name of ['1234567', '1234ä5'])
      expect(of(name)).toEqual([
        expect.stringMatching(
          /^\w+ \(line 3\): .* is not the absolute path of a socket, of at most 107 octets$/,
        ),
      ]);
  });
});

describe('what is no YAML', () => {
  test.each([
    'ports:\n  *lan: {control: auto}\n  p1: {control: auto}\nroles: {}\n',
    'ports:\n  *: {control: auto}\nroles: {}\n',
    'ports:\n  *lan*: {control: auto}\n',
    'x: 1\nports: {*lan: {control: auto}}\n',
    'x: 1\nuplinks: [*]\n',
  ])('%j: one fault, which says that a glob needs quotes', (text) => {
    expect(faults(text)).toEqual(['line 2: not YAML: what begins with * needs quotes']);
  });

  test('is one fault for a line, and none for lines that it takes with it', () => {
    expect(faults('a: [x] y, z: {}\nb: 1\nc: 2\n')).toEqual([expect.stringMatching(/^line 1: not YAML/)]);
    expect(faults('a: "\\q \\q"\nb: "\\q"\n')).toEqual([
      expect.stringMatching(/^line 1: not YAML: an escape/),
      expect.stringMatching(/^line 2: not YAML: an escape/),
    ]);
  });
});

describe('an address that nobody has', () => {
  const server = (address: string) => faults(MINIMAL.replace('127.0.0.1', `"${address}"`));
  const L3 = 'l3: {ingress: [vpn0]}';

  test.each(['0.0.0.0', '255.255.255.255', '224.0.0.1', '::', 'ff02::1'])('%s', (address) => {
    const secret = `"a secret of 20 letters"`;
    const fault = (path: string, line: number) =>
      `${path}.address (line ${line}): ${address} is no host's address`;
    expect(server(address)).toEqual([fault('radius.servers[0]', 2)]);
    const clients = `clients: [{address: "${address}", secret: ${secret}}]`;
    expect(faults(MINIMAL.replace('radius: {', `radius: {dynamic_authorization: {${clients}}, `))).toEqual([
      fault('radius.dynamic_authorization.clients[0]', 2),
    ]);
    const key = address.includes(':') ? 'nas_ipv6_address' : 'nas_ip_address';
    expect(faults(MINIMAL.replace('radius: {', `radius: {${key}: "${address}", `))).toEqual([
      `radius.${key} (line 2): must be an address of this switch`,
    ]);
    expect(faults(`${MINIMAL}${L3}\nsso: {${clients}}\n`)).toEqual([fault('sso.clients[0]', 4)]);
  });

  test('is not ::1, however it is spelt', () => {
    expect(server('0:0:0:0:0:0:0:1')).toEqual([]);
  });

  test('is not a server on this switch, nor a link-local one, for whose zone there is no place: that is warned of', () => {
    expect(['::1', '2001:db8::1', '192.0.2.1', '127.0.0.2', 'fe80::1'].flatMap(server)).toEqual([]);
    const parsed = parseConfig(MINIMAL.replace('127.0.0.1', '"fe80::1"'), err);
    expect(parsed.ok ? parsed.value.warnings.map(describeFault) : []).toContain(
      'radius.servers[0].address (line 2): fe80::1 is link-local: the kernel chooses the interface, and it may be the wrong one',
    );
  });
});
