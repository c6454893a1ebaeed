// The routed path in the configuration: what is wrong with a file.

import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { err } from '../../src/base/result.ts';
import { parseConfig } from '../../src/config/parse.ts';

function faults(ingress: readonly string[]): readonly string[] {
  const file = {
    switch: { id: 'sw1', bridge: 'br0', uplinks: ['up0', 'eth*'] },
    ports: { 'p*': {}, lan5: {} },
    roles: { default: {} },
    radius: { servers: [{ address: '192.0.2.1', secret: 'sixteen-octets-or-more' }] },
    l3: { ingress },
  };
  const parsed = parseConfig(stringify(file), () => err('there are no files'));
  return parsed.ok ? [] : parsed.error.map(({ path, message }) => `${path}: ${message}`);
}

it('names an ingress interface that is a port of the bridge, and none that a glob might mean', () => {
  expect(faults(['vpn0', 'up0', 'lan5', 'ppp0', 'eth9'])).toEqual([
    "l3.ingress[1]: 'up0' is a port of the bridge: what it forwards comes in by the bridge, and would pass without a session",
    "l3.ingress[2]: 'lan5' is a port of the bridge: what it forwards comes in by the bridge, and would pass without a session",
  ]);
});
