// What rollcall-lock is given: native/test/lock_test.c has how it reads it.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { lockFile, readLockFile } from '../../src/config/lock-file.ts';
import { parseConfig } from '../../src/config/parse.ts';

const NO_SECRETS = () => ({ ok: false, error: 'none' }) as const;

function textOf(backend: string): string {
  return `
switch: {id: sw1, bridge: br0, uplinks: [up0, "eth[12]"]}
backend: ${backend}
state_dir: /var/lib/rollcall
control_socket: /run/rollcall.sock
ports:
  "p*": {host_mode: multi-auth}
  p5: {control: off}
  p6: {control: force-unauthorized}
radius: {nas_identifier: sw1, nas_ip_address: 192.0.2.1, servers: [{address: 127.0.0.1, secret: testing123}]}
`;
}

function madeOf(backend: string): string {
  const text = textOf(backend);
  const parsed = parseConfig(text, NO_SECRETS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return lockFile(parsed.value.config, text);
}

test('the bridge, its uplinks, and the patterns of ports in their order with what they say of control', () => {
  expect(madeOf('switchdev').split('\n').slice(1, -2)).toEqual([
    'bridge br0',
    'uplink up0',
    'uplink eth[12]',
    'port p*',
    'port p5 off',
    'port p6 force-unauthorized',
  ]);
});

test('it says last which text it was made of, as sha256sum would', () => {
  const sum = execFileSync('sha256sum', { input: textOf('switchdev'), encoding: 'utf8' }).split(' ')[0];
  expect(madeOf('switchdev').split('\n').at(-2)).toBe(`# sha256 of the configuration: ${sum}`);
});

test('no bridge where the data plane is another', () => {
  expect(madeOf('sim')).not.toMatch(/^bridge/m);
});

/** As rollcall-lock does: native/test/lock_test.c has the same cases. */
test('it is read back: a later line wins, an uplink over all', () => {
  const { bridge, locks } = readLockFile(
    '# ours\nbridge br0\nuplink up*\n\nport *\nport p5 off\nport p6 force-authorized\nport p[67] force-unauthorized\nport p7\n',
  );
  expect(bridge).toBe('br0');
  expect(['p1', 'p5', 'p6', 'p7', 'up0'].map(locks)).toEqual([true, false, true, true, false]);
  const later = readLockFile('bridge br0\nport p1 off\nport p*\n');
  expect(['p1', 'p2', 'eth0'].map(later.locks)).toEqual([false, true, false]);
  expect(readLockFile('').bridge).toBeUndefined();
  expect(readLockFile('').locks('p1')).toBe(false);
});

test('what is written is read as it was meant', () => {
  const { bridge, locks } = readLockFile(madeOf('switchdev'));
  expect(bridge).toBe('br0');
  expect(['p1', 'p5', 'p6', 'up0', 'eth1', 'lan1'].map(locks)).toEqual([
    true,
    false,
    true,
    false,
    false,
    false,
  ]);
  expect(readLockFile(madeOf('sim')).bridge).toBeUndefined();
});
