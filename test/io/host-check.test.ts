// `rollcall check` on the switch: what of the configuration fits no port that is there.

import path from 'node:path';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { ownAddresses } from '../../src/io/dataplane/own-addresses.ts';
import { PortAuth } from '../../src/io/dataplane/portauth.ts';
import { type HostFinding, hostFindings } from '../../src/io/host/host-check.ts';

const LIBRARY = path.resolve(import.meta.dirname, '../../native/build/libportauth.so');

function warnings(bridge: string, uplinks: string, ports: string): readonly string[] {
  const parsed = parseConfig(
    `switch: {id: sw1, bridge: br0, uplinks: ${uplinks}}
backend: sim
ports: ${ports}
radius: {servers: [{address: 127.0.0.1, secret: a-secret-of-16-and-more}]}
`,
    () => ({ ok: true, value: '' }),
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const portauth = PortAuth.open({ library: LIBRARY, spec: `sim:${bridge}` });
  if (!portauth.ok) throw new Error(portauth.error);
  const found = hostFindings(parsed.value.config, portauth.value, ownAddresses('br0')?.sources ?? new Map());
  portauth.value.close();
  return found.filter(({ severity }: HostFinding) => severity !== 'ok').map(({ message }) => message);
}

it('every pattern has its port: nothing is said', () => {
  expect(warnings('br0,lan1,lan2,up0', '[up0]', '{"lan*": {}, "?p0": {control: off}}')).toEqual([]);
});

it('an uplink, and a port, that none bears: where it stands, what there is, what would be right', () => {
  expect(warnings('br0,lan1,lan2,up0', '[up0, upp0]', '{"lan*": {}, lan33: {}, "swp*": {}}')).toEqual([
    "switch.uplinks[1]: no port of br0 is called 'upp0': it has lan1, lan2, up0; did you mean 'up0'?",
    "ports.lan33: no port of br0 is called 'lan33': it has lan1, lan2, up0",
    `ports."swp*": no port of br0 is called 'swp*': it has lan1, lan2, up0`,
  ]);
});

it('a bridge that has no port yet has that said, and no more', () => {
  expect(warnings('br0', '[up0]', '{"lan*": {}}')).toEqual([
    'none of the ports of br0 is controlled: it has no port',
  ]);
});
