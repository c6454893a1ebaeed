// What rollcall-lock is given: native/test/lock_test.c has how it reads it.

import { expect, test } from 'vitest';
import { lockFile } from '../../src/config/lock-file.ts';
import { parseConfig } from '../../src/config/parse.ts';

const NO_SECRETS = () => ({ ok: false, error: 'none' }) as const;

function madeOf(backend: string): string {
  const parsed = parseConfig(
    `
switch: {id: sw1, bridge: br0, uplinks: [up0, "eth[12]"]}
backend: ${backend}
state_dir: /var/lib/rollcall
control_socket: /run/rollcall.sock
ports:
  "p*": {host_mode: multi-auth}
  p5: {control: off}
  p6: {control: force-unauthorized}
radius: {nas_identifier: sw1, nas_ip_address: 192.0.2.1, servers: [{address: 127.0.0.1, secret: testing123}]}
`,
    NO_SECRETS,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return lockFile(parsed.value.config);
}

test('the bridge, its uplinks, and the patterns of ports in their order with what they say of control', () => {
  expect(madeOf('switchdev').split('\n').slice(1)).toEqual([
    'bridge br0',
    'uplink up0',
    'uplink eth[12]',
    'port p*',
    'port p5 off',
    'port p6 force-unauthorized',
    '',
  ]);
});

test('no bridge where the data plane is another', () => {
  expect(madeOf('sim')).not.toMatch(/^bridge/m);
});
