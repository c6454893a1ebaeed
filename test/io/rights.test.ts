// What /proc/self/status says, against what a configuration needs.

import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { rightsFrom } from '../../src/io/host/rights.ts';
import { SMALLEST } from '../config/samples.ts';

const status = (uid: number, effective: string, noNew = 0): string =>
  `Name:\tnode\nUid:\t0\t${uid}\t0\t0\nCapEff:\t${effective}\nNoNewPrivs:\t${noNew}\n`;

function config(more = '') {
  const parsed = parseConfig(`${SMALLEST}${more}`, () => ({ ok: true, value: 'x' }));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.config;
}

test.each([
  ['the two that it needs', 999, '0000000000003000', ['CAP_NET_ADMIN', 'CAP_NET_RAW'], [], []],
  ['none', 999, '0000000000000000', [], ['CAP_NET_ADMIN', 'CAP_NET_RAW'], []],
  ['one too few', 999, '0000000000001000', ['CAP_NET_ADMIN'], ['CAP_NET_RAW'], []],
  [
    'one too many',
    999,
    '0000000000003002',
    ['CAP_DAC_OVERRIDE', 'CAP_NET_ADMIN', 'CAP_NET_RAW'],
    [],
    ['CAP_DAC_OVERRIDE'],
  ],
  [
    'one that is not known yet',
    0,
    '0000080000003000',
    ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_43'],
    [],
    ['CAP_43'],
  ],
] as const)('%s', (_, uid, mask, capabilities, missing, needless) => {
  const rights = rightsFrom(status(uid, mask, 1), config(), 1024);
  expect(rights).toMatchObject({ user: uid, capabilities, needless, no_new_privileges: true });
  expect(rights.missing.map((sentence) => /CAP_\w+/.exec(sentence)?.[0])).toEqual(missing);
});

test.each([
  [
    1024,
    [
      'The right CAP_NET_BIND_SERVICE is missing: the agent cannot listen on web.port 80; sysctl net.ipv4.ip_unprivileged_port_start=80 would do, too.',
    ],
  ],
  [80, []],
])('a login page on port 80, where everybody may listen from %d', (from, missing) => {
  expect(rightsFrom(status(999, '3000'), config('web: {}\n'), from).missing).toEqual(missing);
});

test('root has all that there are, for nothing but two', () => {
  const {
    user,
    missing,
    needless,
    no_new_privileges: none,
  } = rightsFrom(status(0, '000001ffffffffff'), config(), 1024);
  expect([user, missing, none]).toEqual([0, [], false]);
  expect(needless).toHaveLength(41 - 2);
});
