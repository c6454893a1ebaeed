// The configuration that the package ships, and what an administrator of the lab's switch makes of it.

import assert from 'node:assert/strict';

export const CONFIG = '/etc/rollcall/rollcall.yaml';
export const LOCK_FILE = '/var/lib/rollcall/lock.conf';

const EDITS: readonly (readonly [string, string])[] = [
  ['  bridge: bridge ', '  bridge: br0 '],
  ['  uplinks: [swp49] ', '  uplinks: [up0] '],
  ['"swp*": {control: auto}', '"p*": {control: auto}'],
  ['  servers: []', `  servers:\n    - {address: 127.0.0.1, secret: {file: /etc/rollcall/radius.secret}}`],
];

export function configured(shipped: string): string {
  return EDITS.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, shipped);
}
