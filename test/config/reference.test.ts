// docs/rollcall.reference.yaml has every key, and says of each the default that is really in force.

import { describe, expect, test } from 'vitest';
import { isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import type { Mac } from '../../src/base/mac.ts';
import { ok } from '../../src/base/result.ts';
import type { Config } from '../../src/config/config.ts';
import { describeFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { EffectiveSettings, portSettings } from '../../src/config/ports.ts';
import { KEYS, REFERENCE as TEXT } from '../rigs/config-keys.ts';

interface Written {
  readonly value: unknown;
  readonly comment: string;
}

/** Values of the reference by the same paths, with the comment of their line. */
function written(): Map<string, Written> {
  const out = new Map<string, Written>();
  const lines = TEXT.split('\n');
  const walk = (node: Node, path: readonly string[], names: ReadonlySet<string>): void => {
    if (isSeq(node) && node.items.every(isMap)) {
      for (const item of node.items) walk(item as Node, [...path, '*'], names);
    } else if (isMap(node) && !node.has('file')) {
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : '';
        walk(value as Node, [...path, names.has(path.join('.')) ? '*' : name], names);
      }
    } else {
      const line = TEXT.slice(0, node.range?.[0] ?? 0).split('\n').length - 1;
      const comment = / # (.*)$/.exec(lines[line] ?? '')?.[1] ?? '';
      out.set(path.join('.'), { value: isScalar(node) ? node.value : node.toJSON(), comment });
    }
  };
  walk(parseDocument(TEXT).contents as Node, [], new Set(['ports', 'roles', 'vlans', 'handshake.sources']));
  return out;
}

const WRITTEN = written();
/** Of one device: what it leaves out comes from its port or role, so it has no default of its own. */
const inherits = (path: string) => path.startsWith('silent_devices.*.handshake.');

describe('the reference file', () => {
  test('is right, but for what cannot be used together', () => {
    const parsed = parseConfig(TEXT, () => ok('a secret of 20 letters\n'));
    expect(parsed.ok ? [] : parsed.error.map(describeFault)).toEqual([]);
    expect(parsed.ok ? parsed.value.warnings.map(({ path }) => path) : []).toEqual([
      'radius.servers[1].tls.server_name',
      'mqtt.embedded_port',
      'certified_devices.clear',
      'certified_devices.clear[0].batch_every_s',
    ]);
  });

  test('has every key of the schema and no other', () => {
    expect([...WRITTEN.keys()].sort()).toEqual(KEYS.map(({ path }) => path).sort());
  });

  test.each(KEYS)('$path: says its default and its range', ({ path, schema, required }) => {
    const { value, comment } = WRITTEN.get(path) ?? { value: undefined, comment: '' };
    const range =
      /\d+\.\.\d+/.exec(schema.title ?? '')?.[0] ??
      (schema.minimum === undefined ? '' : `${schema.minimum}..${schema.maximum}`);
    expect(comment).toContain(range);
    const real = schema.default;
    if (inherits(path)) expect(comment).toMatch(/^no default/);
    else if (required) expect(comment).toMatch(/^required/);
    else if (real === undefined) expect(comment).toMatch(/^no default/);
    else {
      expect(comment).toMatch(/^default /);
      expect(/^default ([^\s;]+)/.exec(comment)?.[1]).toBe(String(real));
      expect(value).toEqual(real);
    }
  });

  test.each(KEYS.filter(({ path, schema }) => schema.default !== undefined && !inherits(path)))(
    '$path: writing the default changes nothing',
    ({ path, schema }) => {
      expect(inForce(withKey(path, schema.default))).toEqual(inForce(withKey(path, undefined)));
    },
  );

  test.each(KEYS.filter(({ path, schema }) => typeof schema.default === 'number' && !inherits(path)))(
    '$path: writing another value changes something',
    ({ path, schema }) => {
      const other =
        schema.default === schema.maximum
          ? schema.minimum
          : Math.min(schema.maximum ?? 9, (schema.default as number) + 1);
      expect(inForce(withKey(path, other))).not.toEqual(inForce(withKey(path, undefined)));
    },
  );
});

/** A small file with one key set; JSON is YAML. */
function withKey(path: string, value: unknown): string {
  const file = {
    switch: { id: 'sw1', bridge: 'br0' },
    ports: { '*': {} },
    roles: { default: {} },
    radius: {
      servers: [{ address: '127.0.0.1', secret: 'x' }],
      dynamic_authorization: { clients: [{ address: '127.0.0.1', secret: 'x' }] },
    },
    certified_devices: { clear: [{ every_s: 60 }] },
  };
  // Keys that are required beside it.
  const tls = { ca_file: '/ca', cert_file: '/cert', key_file: '/key' };
  if (path.startsWith('radius.servers.*.tls.')) Object.assign(file.radius.servers[0] ?? {}, { tls });
  const sso = { clients: [{ address: '127.0.0.1', secret: 'x' }] };
  if (/^(l3|sso)\./.test(path)) Object.assign(file, { l3: { ingress: ['vpn0'] }, sso });
  const names: Readonly<Record<string, string>> = {
    ports: '*',
    roles: 'default',
    servers: '0',
    clients: '0',
    clear: '0',
  };
  let at = file as unknown as Record<string, unknown>;
  const keys = path.split('.').map((key, i, all) => (key === '*' ? (names[all[i - 1] ?? ''] ?? key) : key));
  for (const key of keys.slice(0, -1)) {
    at[key] ??= {};
    at = at[key] as Record<string, unknown>;
  }
  if (value !== undefined) at[keys.at(-1) ?? ''] = value;
  return JSON.stringify(file);
}

function parsed(text: string): Config {
  const result = parseConfig(text, () => ok('x'));
  if (!result.ok) throw new Error(`${text}\n${result.error.map(describeFault).join('\n')}`);
  return result.value.config;
}

function inForce(text: string) {
  const { ports, roles, ...config } = parsed(text);
  const whole = { ports, roles, ...config };
  const client = { role: 'default', port: 'p1', mac: '00:00:5e:00:53:01' as Mac };
  return {
    config,
    timers: roles.get('default')?.timers,
    port: { ...portSettings(whole, 'p1'), handshake: undefined },
    handshake: new EffectiveSettings(whole).handshake(client),
    patterns: ports.map(({ pattern }) => pattern),
  };
}
