// Rules for roles, attributes that name them, and silent devices: what a file may say, and what is wrong with it.

import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { err } from '../../src/base/result.ts';
import { parseConfig } from '../../src/config/parse.ts';
import type { ConfigPart } from '../rigs/config-part.ts';

const ROLES = { staff: {}, guest: {} };

function parsed(part: ConfigPart) {
  const file = {
    switch: { id: 'sw1', bridge: 'br0' },
    roles: ROLES,
    radius: { servers: [{ address: '192.0.2.1', secret: 'sixteen-octets-or-more' }] },
    ...part,
  };
  return parseConfig(stringify(file), () => err('there are no files'));
}

describe('what is wrong with a file', () => {
  const rule = (mac: string, role = 'staff', more: ConfigPart = {}): ConfigPart => ({
    role_rules: [{ mac, role, ...more }],
  });

  it.each<readonly [string, ConfigPart, string, RegExp]>([
    [
      'a beginning that is none',
      rule('00:5056'),
      'role_rules[0].mac',
      /'00:5056' is not a MAC address, or its/,
    ],
    ['a mask longer than the digits', rule('00:50/24'), 'role_rules[0].mac', /is not a MAC address/],
    ['of groups', rule('01:00:5e'), 'role_rules[0].mac', /01:00:5e:00:00:00\/24 is no station's address/],
    ['a role that is none', rule('00:50:56', 'stafff'), 'role_rules[0].role', /did you mean 'staff'/],
    ['no ports', rule('00:50:56', 'staff', { ports: [] }), 'role_rules[0].ports', /./],
    ['another key', rule('00:50:56', 'staff', { port: 'p1' }), 'role_rules[0].port', /ports/],
    [
      'a silent device twice, spelt differently',
      { silent_devices: ['00:50:56', '0050.56'].map((mac) => ({ mac, handshake: 'off' })) },
      'silent_devices[1].mac',
      /is silent_devices\[0\] already/,
    ],
    [
      'a vendor of no number',
      { authorization: { role_attributes: [{ vendor: 0, type: 1 }] } },
      'authorization.role_attributes[0].vendor',
      /1\.\.16777215/,
    ],
    [
      'a key with an equals sign',
      { authorization: { role_attributes: [{ vendor: 9, type: 1, key: 'role=' }] } },
      'authorization.role_attributes[0].key',
      /without `=`/,
    ],
    [
      "a role's VLAN of no name",
      { roles: { ...ROLES, staff: { vlan: 'desk' } } },
      'roles.staff.vlan',
      /'desk'/,
    ],
  ])('%s', (_, part, path, message) => {
    const result = parsed(part);
    const faults = result.ok ? [] : result.error;
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ path, line: expect.any(Number) });
    expect(faults[0]?.message).toMatch(message);
  });
});

it.each<readonly [string, readonly ConfigPart[], number]>([
  ['the same beginning on all ports', [{ mac: '00:50:56' }, { mac: '005056' }], 1],
  ['on some ports, after all', [{ mac: '00:50:56' }, { mac: '005056', ports: ['p1'] }], 1],
  ['on some ports, before all', [{ mac: '00:50:56', ports: ['p1'] }, { mac: '005056' }], 0],
  ['a longer one', [{ mac: '00:50:56' }, { mac: '00:50:56:1' }], 0],
])('rules that never count are warned of: %s', (_, rules, count) => {
  const result = parsed({ role_rules: rules.map((rule) => ({ ...rule, role: 'staff' })) });
  const warnings = result.ok ? result.value.warnings : [];
  expect(warnings.map(({ path, message }) => [path, message])).toEqual(
    Array.from({ length: count }, () => [
      'role_rules[1].mac',
      'never counts: role_rules[0] has the same beginning',
    ]),
  );
});
