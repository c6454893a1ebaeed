// What becomes of each key of the configuration when another file is taken over while the agent runs: docs/reload.md says it, and
// is held to it here. No key may be forgotten: neither by the table, nor by the diff, nor by whoever has read it at the start.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { ok } from '../../src/base/result.ts';
import type { Config } from '../../src/config/config.ts';
import { restartPaths, same } from '../../src/config/diff.ts';
import { describeFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/parse.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { KEYS, type Key, otherIn, REFERENCE } from '../rigs/config-keys.ts';
import { SimClient } from '../rigs/sim/client.ts';
import { differences } from '../rigs/sim/likeness.ts';
import { SIM_CAPABILITIES, SimulatedSwitch } from '../rigs/sim/simulated-switch.ts';

const DOC = readFileSync(new URL('../../docs/reload.md', import.meta.url), 'utf8');
const HOLDS = ['at once', 'for what is new', 'after a restart'] as const;
type Holds = (typeof HOLDS)[number];

/** Rows of the table: keys, or what they begin with, and when a change of them holds. */
const TABLE = new Map(
  [...DOC.matchAll(/^\| (`[^|]+) \| ([^|]+) \|/gm)].flatMap(([, keys = '', holds = '']) =>
    [...keys.matchAll(/`([^`]+)`/g)].map(([, key = '']) => [key, holds.trim() as Holds] as const),
  ),
);

const rowOf = ({ path }: Key): string | undefined =>
  [...TABLE.keys()]
    .filter((key) => path === key || path.startsWith(`${key}.`))
    .sort((a, b) => b.length - a.length)[0];
const holds = (key: Key): Holds | undefined => TABLE.get(rowOf(key) ?? '');

/** With a second role, to be named. */
const BASE = REFERENCE.replace(
  /^roles:\n(( .*)?\n)+/m,
  (roles) => `${roles.trimEnd()}\n  staff: {}\n\n`,
).replace(/^(certified_devices:\n {2}enabled:) false/m, '$1 true');
const withOther = (key: Key): string => otherIn(BASE, key);

const readSecret = () => ok('a secret of 20 letters\n');
function parsed(text: string): Config {
  const result = parseConfig(text, readSecret);
  if (!result.ok) throw new Error(result.error.map(describeFault).join('\n'));
  return result.value.config;
}

describe('the table of docs/reload.md', () => {
  it('has every key of the schema, and no other', () => {
    expect(KEYS.filter((key) => holds(key) === undefined).map(({ path }) => path)).toEqual([]);
    const used = new Set(KEYS.map(rowOf));
    expect([...TABLE.keys()].filter((key) => !used.has(key))).toEqual([]);
    expect([...TABLE.values()].filter((word) => !HOLDS.includes(word))).toEqual([]);
  });

  it.each(KEYS)(
    '$path: another value is another configuration, and takes a restart where it says so',
    (key) => {
      const [before, after] = [parsed(BASE), parsed(withOther(key))];
      expect(same(before, after)).toBe(false);
      const paths = restartPaths(before, after);
      if (holds(key) === 'after a restart')
        expect(paths.some((path) => key.path === path || key.path.startsWith(`${path}.`))).toBe(true);
      else expect(paths).toEqual([]);
    },
  );
});

describe('an agent that has taken over a change', () => {
  const taken = KEYS.filter((key) => holds(key) !== 'after a restart');
  /** Somebody is in, unless the port is nobody's. */
  const started = (config: string, login = true): SimulatedSwitch => {
    const capabilities = { ...SIM_CAPABILITIES, vlanFiltering: true };
    const net = new SimulatedSwitch({ config, ports: ['p1', 'p2'], readSecret, capabilities });
    net.bridge.filtering = true;
    for (const vlan of [20, 21, 40, 41])
      net.bridge.port('up0').vlans.set(vlan, { pvid: false, untagged: false });
    net.boot();
    net.advance(1_000);
    if (!login) return net;
    for (const { users } of net.servers) users.set('u1', { password: 'wonder', reply: {} });
    const client = new SimClient(
      {
        mac: '02:99:00:00:00:01' as Mac,
        port: 'p1' as PortName,
        ipv4: '10.99.0.1' as Ipv4,
        user: { identity: 'u1', password: 'wonder' },
      },
      { transmit: (port, bytes) => net.bridge.receive(port, bytes), in: (ms, run) => net.world.in(ms, run) },
    );
    net.clients.push(client);
    client.supplicant.start();
    net.advance(2_000);
    expect(client.supplicant.authorized).toBe(true);
    return net;
  };
  let unchanged: SimulatedSwitch;
  beforeAll(() => {
    unchanged = started(BASE);
  });

  it.each(taken)('of $path is like one that was started with it', (key) => {
    const login = key.path !== 'ports.*.control';
    const text = withOther(key);
    const changed = started(BASE, login);
    changed.post({ type: 'reload', text });
    expect(changed.logs.some((line) => line.includes('taken over'))).toBe(true);
    const fresh = started(text, login);
    for (const net of [changed, fresh]) net.advance(1_000);
    // A port that was `auto` before has an authenticator.
    const found = differences(changed, fresh);
    expect(found.filter((place) => login || !/supplicants\.ports\.p\d:/.test(place))).toEqual([]);
    expect(differences(unchanged, fresh)).not.toEqual([]);
  });
});
