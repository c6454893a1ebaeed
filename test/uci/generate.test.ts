// /etc/config/rollcall as YAML: a table of what a user writes and the file that it stands for, both judged by the
// configuration's own parser; what is wrong, told in UCI's words; and values that try to be more than values.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { err, ok } from '../../src/base/result.ts';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import type { ReadSecret } from '../../src/config/secrets.ts';
import { readYaml } from '../../src/config/yaml.ts';
import { yamlFromUci } from '../../src/uci/generate.ts';
import { optionsOf } from '../../src/uci/options.ts';
import { describeUciFault } from '../../src/uci/places.ts';
import { DISABLED, ENABLED, SECTIONS } from '../../src/uci/sections.ts';
import { uciOf, uciQuoted } from '../rigs/uci.ts';

const fromFile: ReadSecret = (path) => (path.includes('missing') ? err('ENOENT') : ok(`out of ${path}\n`));

const SWITCH = "config switch 'main'\n\toption id 'sw1'\n\toption bridge 'br-lan'\n";
const SERVER = "config server\n\toption address '192.0.2.10'\n\toption secret 's3'\n";
const BASE = SWITCH + SERVER;
const BASE_YAML = 'switch: {id: sw1, bridge: br-lan}\n';
const RADIUS_YAML = 'radius: {servers: [{address: 192.0.2.10, secret: s3}]}\n';

function converted(uci: string): { text: string; config: Config } {
  const made = yamlFromUci(uci, fromFile);
  if (!made.ok) throw new Error(made.error.map(describeUciFault).join('\n'));
  return made.value;
}

function parsed(yaml: string): Config {
  const result = parseConfig(yaml, fromFile);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value.config;
}

function faultsOf(uci: string): readonly string[] {
  const made = yamlFromUci(uci, fromFile);
  return made.ok ? [] : made.error.map(describeUciFault);
}

interface Case {
  /** Beside a switch and a server. */
  readonly uci: string;
  readonly yaml: string;
}

const CASES: Readonly<Record<string, Case>> = {
  'the least that there can be': { uci: '', yaml: RADIUS_YAML },
  'a port by its section name': {
    uci: "config port 'lan1'\n\toption control 'auto'",
    yaml: `${RADIUS_YAML}ports: {lan1: {control: auto}}`,
  },
  'a port by glob': {
    uci: "config port\n\toption name 'lan[1-4]'\n\toption host_mode 'single-host'",
    yaml: `${RADIUS_YAML}ports: {"lan[1-4]": {host_mode: single-host}}`,
  },
  'one section for several ports': {
    uci: "config port\n\tlist name 'lan1'\n\tlist name 'lan?'\n\toption egress 'closed'",
    yaml: `${RADIUS_YAML}ports: {lan1: {egress: closed}, "lan?": {egress: closed}}`,
  },
  'several ports in one option, as netifd takes it': {
    uci: "config port\n\toption name 'lan1 lan[2-4]'\n\toption control 'auto'",
    yaml: `${RADIUS_YAML}ports: {lan1: {control: auto}, "lan[2-4]": {control: auto}}`,
  },
  'a name that may have blanks is one name': {
    uci: "config role\n\toption name 'lan1 lan2'",
    yaml: `${RADIUS_YAML}roles: {"lan1 lan2": {}}`,
  },
  'ports of a rule in one option': {
    uci: "config role 'r'\nconfig role_rule\n\toption mac '00:00:5e'\n\toption role 'r'\n\toption ports 'lan1 lan2'",
    yaml: `${RADIUS_YAML}roles: {r: {}}\nrole_rules: [{mac: "00:00:5e", role: r, ports: [lan1, lan2]}]`,
  },
  'a section that is not disabled, in so many words': {
    uci: "config port 'a'\n\toption disabled '0'\nconfig port 'b'\n\toption disabled 'off'\nconfig port 'c'\n\toption disabled ''",
    yaml: `${RADIUS_YAML}ports: {a: {}, b: {}, c: {}}`,
  },
  'ports keep their order, as a later one wins': {
    uci: "config port\n\toption name 'lan9'\n\toption control 'off'\nconfig port\n\toption name '*'\n\toption control 'auto'\nconfig port\n\toption name '10'\n",
    yaml: `${RADIUS_YAML}ports: {lan9: {control: off}, "*": {control: auto}, "10": {}}`,
  },
  'control off is a word, not a flag': {
    uci: "config port 'lan1'\n\toption control 'off'",
    yaml: `${RADIUS_YAML}ports: {lan1: {control: "off"}}`,
  },
  'a handshake of a port': {
    uci: "config port 'lan1'\n\toption handshake_period_s '7.5'\n\toption handshake_times '5'\n\toption handshake_probe 'eap'",
    yaml: `${RADIUS_YAML}ports: {lan1: {handshake: {period_s: 7.5, times: 5, probe: eap}}}`,
  },
  'no handshake': {
    uci: "config port 'lan1'\n\toption handshake 'off'",
    yaml: `${RADIUS_YAML}ports: {lan1: {handshake: "off"}}`,
  },
  'MAC bypass, with a list': {
    uci: "config port 'lan1'\n\toption mab_enabled '1'\n\toption mab_delay_s '0'\n\tlist mab_order 'mab'\n\tlist mab_order 'dot1x'\n\toption mab_user_name 'aabbccddeeff'",
    yaml: `${RADIUS_YAML}ports: {lan1: {mab: {enabled: true, delay_s: 0, order: [mab, dot1x], user_name: aabbccddeeff}}}`,
  },
  'a list in one option, as older files have it': {
    uci: "config port 'lan1'\n\toption mab_priority ' mab\tdot1x '",
    yaml: `${RADIUS_YAML}ports: {lan1: {mab: {priority: [mab, dot1x]}}}`,
  },
  'every word for yes and no': {
    uci: "config port 'a'\n\toption in_band 'no'\n\toption portal 'disabled'\n\toption mab_enabled 'on'\n\toption mab_kernel 'false'\n\toption handshake_keep 'yes'\n\toption handshake_wake 'enabled'\n\toption mab_after_dot1x_failure 'true'",
    yaml: `${RADIUS_YAML}ports: {a: {in_band: false, portal: false, mab: {enabled: true, kernel: false, after_dot1x_failure: true}, handshake: {keep: true, wake: true}}}`,
  },
  'a VLAN by id, and by name': {
    uci: "config port 'lan1'\n\toption guest_vlan '90'\n\toption voice_vlan 'voice'\nconfig vlan 'voice'\n\toption id '40'\nconfig vlan\n\toption name 'guests & others'\n\toption id '90'",
    yaml: `${RADIUS_YAML}ports: {lan1: {guest_vlan: 90, voice_vlan: voice}}\nvlans: {voice: 40, "guests & others": 90}`,
  },
  'what is done about VLANs': {
    uci: "config vlan_policy\n\toption create '1'\n\toption uplinks '0'",
    yaml: `${RADIUS_YAML}vlan: {create: true, uplinks: false}`,
  },
  'timers of 802.1X, of all and of a port': {
    uci: "config dot1x\n\toption tx_period_s '5'\n\toption max_req '3'\nconfig port 'lan1'\n\toption dot1x_reauth_period_s '3600'",
    yaml: `${RADIUS_YAML}dot1x: {tx_period_s: 5, max_req: 3}\nports: {lan1: {dot1x: {reauth_period_s: 3600}}}`,
  },
  roles: {
    uci: "config role 'default'\n\toption session_s '3600'\n\toption heartbeat_s 'null'\nconfig role\n\toption name 'the staff'\n\toption heartbeat_s '600'\n\toption vlan '20'\n\toption handshake_keep '1'",
    yaml: `${RADIUS_YAML}roles: {default: {session_s: 3600, heartbeat_s: null}, "the staff": {heartbeat_s: 600, vlan: 20, handshake: {keep: true}}}`,
  },
  'rules for roles': {
    uci: "config role 'printer'\nconfig role_rule\n\toption mac '00:00:5e'\n\toption role 'printer'\n\tlist ports 'lan1'\nconfig role_rule\n\toption mac '0011.22'\n\toption role 'printer'",
    yaml: `${RADIUS_YAML}roles: {printer: {}}\nrole_rules: [{mac: "00:00:5e", role: printer, ports: [lan1]}, {mac: "0011.22", role: printer}]`,
  },
  'attributes that name a role': {
    uci: "config authorization\n\toption filter_rules 'ignore'\n\toption request_cui '1'\nconfig role_attribute\n\toption vendor '9'\n\toption type '1'\n\toption key 'role'",
    yaml: `${RADIUS_YAML}authorization: {filter_rules: ignore, request_cui: true, role_attributes: [{vendor: 9, type: 1, key: role}]}`,
  },
  'an attribute that names a role, without a section above': {
    uci: "config role_attribute\n\toption vendor '14823'\n\toption type '1'",
    yaml: `${RADIUS_YAML}authorization: {role_attributes: [{vendor: 14823, type: 1}]}`,
  },
  'accounting, and retransmission': {
    uci: "config radius\n\toption nas_identifier 'sw 1'\n\toption nas_ip_address '192.0.2.1'\n\toption accounting_interim_s '300'\n\toption accounting_spool_capacity '1000'\n\toption retransmission_access_irt_s '1.5'",
    yaml: 'radius: {nas_identifier: "sw 1", nas_ip_address: 192.0.2.1, accounting: {interim_s: 300, spool: {capacity: 1000}}, retransmission: {access: {irt_s: 1.5}}, servers: [{address: 192.0.2.10, secret: s3}]}',
  },
  'servers in their order, a secret in a file': {
    uci: "config server\n\toption address '2001:db8::2'\n\toption secret_file '/etc/rollcall/secret'\n\toption status_server 'auto'\nconfig server 'last'\n\toption address '192.0.2.12'\n\toption secret '1234'\n\toption status_server '0'\n\toption auth_port '1645'",
    yaml: 'radius: {servers: [{address: 192.0.2.10, secret: s3}, {address: "2001:db8::2", secret: {file: /etc/rollcall/secret}, status_server: auto}, {address: 192.0.2.12, secret: "1234", status_server: false, auth_port: 1645}]}',
  },
  'a server over TLS': {
    uci: "config server\n\toption address '192.0.2.13'\n\toption tls_ca_file '/etc/rollcall/ca.pem'\n\toption tls_cert_file '/etc/rollcall/sw.pem'\n\toption tls_key_file '/etc/rollcall/sw.key'\n\toption tls_server_name 'radius.example.net'",
    yaml: 'radius: {servers: [{address: 192.0.2.10, secret: s3}, {address: 192.0.2.13, tls: {ca_file: /etc/rollcall/ca.pem, cert_file: /etc/rollcall/sw.pem, key_file: /etc/rollcall/sw.key, server_name: radius.example.net}}]}',
  },
  'dynamic authorization': {
    uci: "config dynamic_authorization\n\toption port '3800'\n\toption allow_disable '1'\nconfig dynamic_authorization_client\n\toption address '192.0.2.10'\n\toption secret 'x'\nconfig dynamic_authorization_client\n\toption address '192.0.2.11'\n\toption secret_file '/etc/das'\n\toption require_message_authenticator 'yes'",
    yaml: 'radius: {dynamic_authorization: {port: 3800, allow_disable: true, clients: [{address: 192.0.2.10, secret: x}, {address: 192.0.2.11, secret: {file: /etc/das}, require_message_authenticator: true}]}, servers: [{address: 192.0.2.10, secret: s3}]}',
  },
  'a port on which RADIUS may not take the link down': {
    uci: "config port 'lan1'\n\toption dynamic_authorization_allow_bounce '0'",
    yaml: `${RADIUS_YAML}ports: {lan1: {dynamic_authorization: {allow_bounce: false}}}`,
  },
  'a broker': {
    uci: "config mqtt\n\toption url 'mqtts://broker.example.net:8883'\n\toption username 'sw1'\n\toption password 'no: \"quotes\" # here'\n\toption tls_ca_file '/etc/rollcall/ca.pem'\n\toption will_delay_s '60'",
    yaml: `${RADIUS_YAML}mqtt: {url: "mqtts://broker.example.net:8883", username: sw1, password: 'no: "quotes" # here', tls: {ca_file: /etc/rollcall/ca.pem}, will_delay_s: 60}`,
  },
  'the login page, with nothing said': { uci: 'config web', yaml: `${RADIUS_YAML}web: {}` },
  'the login page': {
    uci: "config web 'web'\n\tlist listen_addresses '192.0.2.1'\n\tlist listen_addresses '2001:db8::1'\n\toption port '8080'\n\toption authentication 'chap'\n\toption tls_cert_file '/a.pem'\n\toption tls_key_file '/a.key'\n\toption dns_servers '192.0.2.53'",
    yaml: `${RADIUS_YAML}web: {listen_addresses: [192.0.2.1, "2001:db8::1"], port: 8080, authentication: chap, tls: {cert_file: /a.pem, key_file: /a.key}, dns_servers: [192.0.2.53]}`,
  },
  'a section that is disabled': {
    uci: "config web\n\toption disabled '1'\n\toption port 'nonsense'\nconfig nonsense\n\toption disabled 'yes'",
    yaml: RADIUS_YAML,
  },
  'addresses behind the switch': {
    uci: "config l3\n\tlist ingress 'vpn0'\n\tlist exempt '192.0.2.77'\n\toption first_hop '1'\nconfig sso\n\toption max_users '50'\nconfig sso_client\n\toption address '192.0.2.9'\n\toption secret 'y'",
    yaml: `${RADIUS_YAML}l3: {ingress: [vpn0], exempt: [192.0.2.77], first_hop: true}\nsso: {max_users: 50, clients: [{address: 192.0.2.9, secret: y}]}`,
  },
  'certified devices': {
    uci: "config certified_devices\n\toption enabled '1'\nconfig certified_clear\n\toption every_s '86400'\n\toption first_at '03:00Z'\n\toption keep_online '1'\n\tlist roles 'default'",
    yaml: `${RADIUS_YAML}certified_devices: {enabled: true, clear: [{every_s: 86400, first_at: "03:00Z", keep_online: true, roles: [default]}]}`,
  },
  'guard, DHCP watch, log': {
    uci: "config guard\n\toption share '0.25'\n\toption minimum '4'\nconfig dhcp_watch\n\toption factor '2.5'\nconfig log\n\toption level 'warn'",
    yaml: `${RADIUS_YAML}guard: {share: 0.25, minimum: 4}\ndhcp_watch: {factor: 2.5}\nlog: {level: warn}`,
  },
  'sources of probes': {
    uci: "config handshake\n\toption rate_per_s '100'\nconfig probe_source\n\toption vlan '0'\n\toption ip '192.0.2.254'\n\toption mac '00:00:5e:00:01:01'\nconfig probe_source '7'\n\toption ipv6 'fe80::1'",
    yaml: `${RADIUS_YAML}handshake: {rate_per_s: 100, sources: {0: {ip: 192.0.2.254, mac: "00:00:5e:00:01:01"}, 7: {ipv6: "fe80::1"}}}`,
  },
  'devices that sleep': {
    uci: "config silent_device\n\toption mac '00:00:5e:00:53:01'\n\toption handshake_period_s '300'\nconfig silent_device\n\toption mac '00:00:5f'\n\toption handshake 'off'",
    yaml: `${RADIUS_YAML}silent_devices: [{mac: "00:00:5e:00:53:01", handshake: {period_s: 300}}, {mac: "00:00:5f", handshake: "off"}]`,
  },
  'an empty option is one that is not there': {
    uci: "config port 'lan1'\n\toption role ''\n\tlist mab_order ''\n\toption mab_delay_s \"\"",
    yaml: `${RADIUS_YAML}ports: {lan1: {}}`,
  },
};

describe('what a user writes', () => {
  it.each(Object.entries(CASES))('%s', (_, { uci, yaml }) => {
    expect(converted(`${BASE}${uci}\n`).config).toEqual(parsed(`${BASE_YAML}${yaml}`));
  });

  it('is a table of 30 cases and more', () => expect(Object.keys(CASES).length).toBeGreaterThanOrEqual(30));

  it('the whole switch, with what stands beside it', () => {
    const uci = `package rollcall\n\nconfig switch\n\toption enabled '1'\n\toption id 'sw.1'\n\toption bridge 'br-lan'\n\tlist uplinks 'wan'\n\tlist uplinks 'lan[78]'\n\toption backend 'sim'\n\toption state_dir '/etc/rollcall/state'\n\toption control_socket '/var/run/rollcall/control.sock'\n${SERVER}`;
    expect(converted(uci).config).toEqual(
      parsed(
        `switch: {id: sw.1, bridge: br-lan, uplinks: [wan, "lan[78]"]}\nbackend: sim\nstate_dir: /etc/rollcall/state\ncontrol_socket: /var/run/rollcall/control.sock\n${RADIUS_YAML}`,
      ),
    );
  });

  it('every key of the reference can be said', () => {
    const text = readFileSync(new URL('../../docs/rollcall.reference.yaml', import.meta.url), 'utf8');
    const yaml = readYaml(text);
    const uci = uciOf(yaml.ok ? yaml.value.value : undefined);
    expect(converted(uci).config).toEqual(parsed(text));
  });
});

describe('the language of UCI', () => {
  const secretOf = (line: string) =>
    converted(`${SWITCH}config server\n\toption address 192.0.2.10\n\toption secret ${line}\n`).config.radius
      .servers[0];
  const same = (line: string, secret: string) => expect(secretOf(line)).toEqual(secretOf(uciQuoted(secret)));

  it.each([
    ['plain', 'plain'],
    ['"double"', 'double'],
    ['"a \\" and a \\\\"', 'a " and a \\'],
    ["'it'\\''s'", "it's"],
    ['one"two"\'three\'\\ four', 'onetwothree four'],
    ['cut#off', 'cut'],
    ['"no#cut;here"', 'no#cut;here'],
    ["'two\nlines'", 'two\nlines'],
    ["'x' # 'y", 'x'],
  ])('%s', (line, secret) => same(line, secret));

  it('takes several statements in a line', () => {
    const uci =
      "config switch;option id sw1;option bridge br-lan\nconfig server;option address '192.0.2.10';option secret s3";
    expect(converted(uci).config).toEqual(parsed(BASE_YAML + RADIUS_YAML));
  });

  it('of an option that is there twice the last counts', () => {
    expect(
      converted(`${BASE}config log\n\toption level 'warn'\n\toption level 'debug'\n`).config.log.level,
    ).toBe('debug');
  });
});

describe('what is wrong', () => {
  it.each<[string, string, readonly string[]]>([
    [
      'nothing at all',
      '',
      [
        "rollcall: sections of type switch: the key 'id' is missing in the switch",
        "rollcall: sections of type switch: the key 'bridge' is missing in the switch",
        'rollcall: sections of type server: the list is empty: it has to be a list of 1 to 16 servers',
      ],
    ],
    [
      'a number that is none',
      `${BASE}config port 'lan1'\n\toption mab_delay_s 'soon'`,
      ["rollcall.lan1.mab_delay_s: 'soon' is not 0..3600 seconds"],
    ],
    [
      'a number out of its range',
      `${BASE}config server\n\toption address '192.0.2.11'\n\toption secret 'x'\n\toption auth_port '70000'`,
      ["rollcall.@server[1].auth_port: '70000' is not a port number 1..65535"],
    ],
    [
      'a flag that is none',
      `${BASE}config port\n\toption name 'lan[1-4]'\n\toption mab_enabled 'maybe'`,
      ["rollcall.@port[0].mab_enabled: 'maybe' is not true or false"],
    ],
    [
      'disabled, in a word that is neither yes nor no',
      `${BASE}config port 'lan1'\n\toption disabled 'ture'\nconfig web\n\tlist disabled '1'`,
      [
        "rollcall.lan1.disabled: 'ture' is neither yes nor no: it is 1 or 0",
        "rollcall.@web[0].disabled: '1' is neither yes nor no: it is 1 or 0",
      ],
    ],
    [
      'an option that there is not',
      `${BASE}config mqtt 'broker'\n\toption ur 'mqtt://x'`,
      ['rollcall.broker.ur: a section of type mqtt has no such option; did you mean url?'],
    ],
    [
      'a section that there is not',
      `${BASE}config sever 'a'`,
      ['rollcall.a: there is no section of type sever; did you mean server?'],
    ],
    [
      'a list where one value belongs',
      `${BASE}config port 'a'\n\tlist control 'auto'`,
      ['rollcall.a.control: a list stands here; it is an option, with one value'],
    ],
    [
      'two sections of which there is one',
      `${BASE}config web 'a'\nconfig web 'b'`,
      ['rollcall.b: there is more than one section of type web'],
    ],
    [
      'two sections for one port',
      `${BASE}config port 'a'\nconfig port\n\toption name 'a'`,
      ['rollcall.@port[1]: another section has the name a'],
    ],
    [
      'a port without a name',
      `${BASE}config port`,
      ['rollcall.@port[0]: an option name is needed, or a name'],
    ],
    [
      'a VLAN without an id',
      `${BASE}config vlan 'v'\n\toption number '4'`,
      ['rollcall.v.number: a section of type vlan has no such option', 'rollcall.v: an option id is needed'],
    ],
    [
      'an option that contradicts another',
      `${BASE}config port 'a'\n\toption handshake 'off'\n\toption handshake_times '4'`,
      ['rollcall.a.handshake_times: another option of this section says something else of the same'],
    ],
    [
      'a secret and its file',
      `${SWITCH}config server\n\toption address '192.0.2.10'\n\toption secret 'geheim'\n\toption secret_file '/f'`,
      ['rollcall.@server[0].secret_file: another option of this section says something else of the same'],
    ],
    [
      'a file that is not there',
      `${SWITCH}config server\n\toption address '192.0.2.10'\n\toption secret_file '/missing'`,
      ['rollcall.@server[0].secret_file: cannot read /missing: ENOENT'],
    ],
    [
      'a value of a list',
      `${SWITCH}\tlist uplinks 'lan1'\n\tlist uplinks 'lan 2'\n${SERVER}`,
      ["rollcall.main.uplinks: 'lan 2' is not a port name or glob"],
    ],
    [
      'what only makes no sense together',
      `${BASE}config port 'a'\n\toption role 'nobody'`,
      ["rollcall.a.role: there is no role 'nobody'; there are: default"],
    ],
    [
      'a quote that is not closed',
      `${BASE}config log\n\toption level 'warn\n`,
      ['rollcall (line 8): a quote is not closed'],
    ],
    [
      'a word too many',
      `${BASE}config port lan1 lan2`,
      ['rollcall (line 7): there are more words than can be; a value with blanks needs quotes'],
    ],
    [
      'an option before any section',
      "option a 'b'",
      ['rollcall (line 1): option stands before the first section'],
    ],
    [
      'another language',
      '{"switch": {}}',
      ['rollcall (line 1): a line begins with config, option, list or package'],
    ],
    [
      'two sections of one name',
      `${BASE}config port 'main'`,
      ['rollcall (line 7): there are two sections named main'],
    ],
    [
      'octets that are no text',
      `${BASE}config log\n\toption level 'w\ufffd'`,
      ['rollcall: it is not all UTF-8'],
    ],
  ])('%s', (_, uci, faults) => expect(faultsOf(uci)).toEqual(faults));

  it('no fault shows a secret', () => {
    const uci = `${SWITCH}config server\n\toption address '192.0.2.10'\n\toption secret '${'x'.repeat(300)}'\n`;
    expect(faultsOf(uci)).toHaveLength(1);
    expect(faultsOf(uci).join()).not.toContain('xxx');
  });
});

describe('hostile values', () => {
  const HOSTILE = [
    'a"\nswitch: {id: evil}',
    "'\n- x",
    '*alias',
    '&anchor x',
    '!!binary x',
    '<<: *x',
    '{file: /etc/shadow}',
    '[1, 2]',
    '# no comment',
    'x: y',
    '\\u0000\\x41',
    '%YAML 1.1',
    '---\n...',
    'null',
    '~',
    'true',
    '0x1f',
    '1e3',
    '\u0085\u2028\u2029\u00a0\ufeff',
    'grüße 🔑',
    '\t\b\u0007',
    '|\n  block',
  ];

  it.each(HOSTILE.map((value) => [value]))('%j stays a secret', (value) => {
    const uci = `${SWITCH}config server\n\toption address '192.0.2.10'\n\toption secret ${uciQuoted(value)}\n`;
    const yaml = `${BASE_YAML}radius: {servers: [{address: 192.0.2.10, secret: ${JSON.stringify(value)}}]}`;
    expect(converted(uci).config).toEqual(parsed(yaml));
  });

  it('any text stays what it is, as a value and as a name', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((t) => !t.includes('\ufffd'));
    fc.assert(
      fc.property(text, text, (secret, name) => {
        const uci = `${BASE}config mqtt\n\toption password ${uciQuoted(secret)}\nconfig role\n\toption name ${uciQuoted(name)}\n`;
        const yaml = `${BASE_YAML}${RADIUS_YAML}mqtt: {password: ${JSON.stringify(secret)}}\nroles: {${JSON.stringify(name)}: {}}`;
        const made = yamlFromUci(uci, fromFile);
        const wanted = parseConfig(yaml, fromFile);
        expect(made.ok ? made.value.config : 'refused').toEqual(wanted.ok ? wanted.value.config : 'refused');
      }),
    );
  });

  it('whatever the file holds, there is an answer', () => {
    const word = fc.constantFrom(
      'config',
      'option',
      'list',
      'port',
      'name',
      "'a'",
      '"',
      "'",
      '\\',
      '#',
      ';',
      '\n',
      ' ',
      '__proto__',
      'switch',
      'constructor',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        expect(faultsOf(words.join(' ')).length).toBeGreaterThan(0);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the table of sections', () => {
  it('no two options of a section have one name, and none that is taken', () => {
    for (const kind of SECTIONS) {
      const names = [...optionsOf(kind).values()].map(({ path }) => path.join('_'));
      expect(new Set(names).size).toBe(names.length);
      for (const taken of [
        DISABLED,
        ...(kind.type === 'switch' ? [ENABLED] : []),
        ...(kind.key === undefined ? [] : [kind.key]),
      ])
        expect([...optionsOf(kind).keys()]).not.toContain(taken);
    }
  });
});
