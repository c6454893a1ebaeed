import { expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { MachineTime } from '../../src/base/time.ts';
import { type KeptLogin, keepingLogin, readLogins } from '../../src/radius/sso-login-codec.ts';

const LOGIN: KeptLogin = {
  boot: 'b007',
  client: '192.0.2.10' as Ip,
  nas: { identifier: '"'.repeat(253) },
  sessionId: '\u0001'.repeat(253),
  userName: 'alice',
  classes: [],
  addresses: ['10.0.0.1' as Ip],
  startedAt: 1000 as MachineTime,
  heardAt: 2000 as MachineTime,
};

it('of names of any length stands under a key that the store takes, and each under its own', () => {
  const keys = ['short', 'x'.repeat(3000), `${'x'.repeat(2999)}y`].map((key) => keepingLogin(key, LOGIN).key);
  expect(keys[0]).toBe('lshort');
  expect(new Set(keys).size).toBe(3);
  expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(300);
  expect(keepingLogin('x'.repeat(3000), undefined)).toEqual({ key: keys[1], value: null });
});

it('comes back as it was, and one that cannot be read by its key', () => {
  const { key, value } = keepingLogin('x'.repeat(3000), LOGIN);
  const read = readLogins([
    [key, value ?? new Uint8Array()],
    ['lbroken', Uint8Array.of(1, 2, 3)],
    ['r0001', Uint8Array.of(1)],
  ]);
  expect(read).toEqual([
    { key, login: LOGIN },
    { key: 'lbroken', login: undefined },
  ]);
});
