// Every key of the configuration file, by the schema; and another value for each, in a file that has them all.

import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { ConfigSchema } from '../../src/config/schema.ts';

export interface SchemaNode {
  readonly type?: string;
  readonly default?: unknown;
  readonly title?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Key {
  readonly path: string;
  readonly schema: SchemaNode;
  readonly required: boolean;
}

/** Every key that holds a value; names and list positions as `*`. */
function leaves(schema: SchemaNode, path: readonly string[] = [], required = true): Key[] {
  const options =
    schema.anyOf?.find(({ properties }) => properties !== undefined && !('file' in properties)) ?? schema;
  if (options.properties !== undefined) {
    return Object.entries(options.properties).flatMap(([key, inner]) =>
      leaves(inner, [...path, key], options.required?.includes(key) ?? false),
    );
  }
  if (schema.patternProperties !== undefined) {
    return leaves(Object.values(schema.patternProperties)[0] ?? {}, [...path, '*']);
  }
  if (schema.items?.properties !== undefined) return leaves(schema.items, [...path, '*']);
  return [{ path: path.join('.'), schema, required }];
}

export const KEYS = leaves(ConfigSchema as unknown as SchemaNode);

/** docs/rollcall.reference.yaml: every key. */
export const REFERENCE = readFileSync(new URL('../../docs/rollcall.reference.yaml', import.meta.url), 'utf8');

/** Where the schema does not say what else there could be. */
const OTHERS: Readonly<Record<string, unknown>> = {
  'switch.id': 'sw2',
  'switch.bridge': 'br1',
  'switch.uplinks': ['up0'],
  backend: 'sim',
  state_dir: '/var/lib/other',
  control_socket: '/run/other.sock',
  control_socket_group: 'others',
  read_socket: '/run/other-read.sock',
  read_socket_group: 'others',
  'ports.*.role': 'staff',
  'ports.*.mab.order': ['mab', 'dot1x'],
  'ports.*.mab.priority': ['mab', 'dot1x'],
  'ports.*.mab.user_name': 'AABBCCDDEEFF',
  'ports.*.mab.password': 'another-secret-text',
  'ports.*.guest_vlan': 80,
  'ports.*.auth_fail_vlan': 81,
  'ports.*.voice_vlan': 82,
  'ports.*.critical_vlan': 83,
  'ports.*.dot1x.reauth_period_s': 600,
  'dot1x.reauth_period_s': 600,
  'roles.*.session_s': 600,
  'roles.*.heartbeat_s': 60,
  'roles.*.vlan': 21,
  'role_rules.*.mac': '00:00:5f',
  'role_rules.*.ports': ['p1'],
  'role_rules.*.role': 'staff',
  'authorization.role_attributes.*.key': 'group',
  'radius.nas_identifier': 'another',
  'radius.nas_ip_address': '192.0.2.9',
  'radius.nas_ipv6_address': '2001:db8::9',
  'radius.servers.*.auth_port': 1912,
  'radius.servers.*.address': '127.0.0.9',
  'radius.servers.*.secret': 'another-secret-text',
  'radius.servers.*.status_server': true,
  'radius.servers.*.tls.ca_file': '/etc/other.pem',
  'radius.servers.*.tls.cert_file': '/etc/other.pem',
  'radius.servers.*.tls.key_file': '/etc/other.key',
  'radius.servers.*.tls.server_name': 'other.example.net',
  'radius.servers.*.tls.fingerprint': '1f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'radius.dynamic_authorization.listen_address': '192.0.2.9',
  'radius.dynamic_authorization.clients.*.address': '127.0.0.9',
  'radius.dynamic_authorization.clients.*.secret': 'another-secret-text',
  'l3.ingress': ['vpn1'],
  'l3.exempt': ['192.0.2.11'],
  'sso.listen_address': '192.0.2.9',
  'sso.role': 'staff',
  'sso.clients.*.address': '192.0.2.11',
  'sso.clients.*.secret': 'another-secret-text',
  'sso.clients.*.role': 'staff',
  'mqtt.url': 'mqtts://other.example.net:8883',
  'mqtt.username': 'other',
  'mqtt.password': 'another-secret-text',
  'mqtt.tls.ca_file': '/etc/other.pem',
  'mqtt.tls.cert_file': '/etc/other.pem',
  'mqtt.tls.key_file': '/etc/other.key',
  'mqtt.tls.server_name': 'other.example.net',
  'mqtt.client_id': 'other',
  'web.listen_addresses': ['192.0.2.1'],
  'web.tls.cert_file': '/etc/other.pem',
  'web.tls.key_file': '/etc/other.key',
  'web.names': ['other.example.net'],
  'web.dns_servers': ['192.0.2.54'],
  'handshake.sources.*.ip': '192.0.2.253',
  'handshake.sources.*.mac': '00:00:5e:00:01:02',
  'handshake.sources.*.ipv6': 'fe80::2',
  'certified_devices.clear.*.first_at': '04:00Z',
  'certified_devices.clear.*.roles': ['staff'],
  'certified_devices.clear.*.ports': ['p1'],
  'silent_devices.*.mac': '00:00:5e:00:53:02',
};

function otherValue({ path, schema }: Key, value: unknown): unknown {
  if (path in OTHERS) return OTHERS[path];
  if (typeof value === 'boolean') return !value;
  if (schema.enum !== undefined) return schema.enum.find((each) => each !== value);
  if (typeof value === 'number') {
    const step = (schema.maximum ?? 2) <= 1 ? 0.25 : 1;
    return value + step <= (schema.maximum ?? Number.POSITIVE_INFINITY) ? value + step : value - step;
  }
  throw new Error(`${path}: what else could it be than ${JSON.stringify(value)}?`);
}

/** The text with another value for this key, at the first place that has it. */
export function otherIn(base: string, key: Key): string {
  const document = parseDocument(base);
  const place: (string | number)[] = [];
  let at: unknown = document.contents;
  for (const part of key.path.split('.')) {
    const step = part !== '*' ? part : stepInto(at, key.path.split('.')[place.length + 1]);
    place.push(step);
    at = document.getIn(place, true);
  }
  const old = document.getIn(place);
  document.setIn(place, otherValue(key, old));
  return document.toString();
}

/** Of a list or of named things: the first one that has the key. */
function stepInto(at: unknown, next: string | undefined): string | number {
  if (isSeq(at))
    return Math.max(
      0,
      at.items.findIndex((item) => next === undefined || (isMap(item) && item.has(next))),
    );
  const first = isMap(at) ? at.items[0]?.key : undefined;
  if (isScalar(first)) return first.value as string | number;
  throw new Error('neither a list nor named things');
}
