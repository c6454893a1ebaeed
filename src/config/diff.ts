// What another configuration changes. Which keys take a restart stands here; of all others each port, client and
// session compares for itself what held for it with what holds now.

import type { Config } from './config.ts';

/** Keys that are read at start and never again. */
const AT_START: readonly (readonly [path: string, value: (config: Config) => unknown])[] = [
  ['switch.id', (config) => config.switch.id],
  ['switch.bridge', (config) => config.switch.bridge],
  ['switch.uplinks', (config) => config.switch.uplinks],
  ['backend', (config) => config.backend],
  ['state_dir', (config) => config.stateDir],
  ['control_socket', (config) => config.controlSocket],
  ['control_socket_group', (config) => config.controlSocketGroup],
  ['read_socket', (config) => config.readSocket],
  ['read_socket_group', (config) => config.readSocketGroup],
  ['radius.nas_identifier', (config) => config.nas.identifier],
  ['radius.nas_ip_address', (config) => config.nas.ipv4],
  ['radius.nas_ipv6_address', (config) => config.nas.ipv6],
  ['radius.dynamic_authorization.port', (config) => config.dynamicAuthorization?.port],
  ['radius.dynamic_authorization.listen_address', (config) => config.dynamicAuthorization?.listenAddress],
  ['radius.accounting.spool', (config) => config.accounting.spool],
  ['web.listen_addresses', (config) => config.web?.listenAddresses],
  ['web.port', (config) => config.web?.port],
  ['web.tls', (config) => config.web?.tls],
  ['web.names', (config) => config.web?.names],
  ['web.dns_servers', (config) => config.web?.dnsServers],
  ['web.max_connections', (config) => config.web?.maxConnections],
  ['certified_devices.enabled', (config) => config.certifiedDevices.enabled],
  ['certified_devices.capacity', (config) => config.certifiedDevices.capacity],
  ['l3', (config) => config.l3],
  ['sso.port', (config) => config.sso?.port],
  ['sso.listen_address', (config) => config.sso?.listenAddress],
  ['mqtt.url', (config) => config.mqtt.url],
  ['mqtt.username', (config) => config.mqtt.username],
  ['mqtt.password', (config) => config.mqtt.password],
  ['mqtt.tls', (config) => config.mqtt.tls],
  ['mqtt.commands', (config) => config.mqtt.commands],
  ['mqtt.client_id', (config) => config.mqtt.clientId],
  ['mqtt.will_delay_s', (config) => config.mqtt.willDelay],
  ['mqtt.embedded_port', (config) => config.mqtt.embeddedPort],
];

/** Of the keys that take a restart, those whose value is another one. */
export function restartPaths(before: Config, after: Config): readonly string[] {
  return AT_START.filter(([, value]) => !same(value(before), value(after))).map(([path]) => path);
}

/** Equality of plain data, maps and octets; key order does not count. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array) {
    return b instanceof Uint8Array && a.length === b.length && a.every((octet, i) => octet === b[i]);
  }
  if (a instanceof Map) {
    return (
      b instanceof Map &&
      a.size === b.size &&
      [...a].every(([key, value]) => b.has(key) && same(value, b.get(key)))
    );
  }
  const left = Object.entries(a);
  return (
    left.length === Object.keys(b).length &&
    left.every(([key, value]) => Object.hasOwn(b, key) && same(value, (b as Record<string, unknown>)[key]))
  );
}
