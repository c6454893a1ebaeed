// What a reload changes. Only what is named here is touched; a port, role or server that is not named goes on as it was.

import type { Config } from './config.ts';
import { portSettings } from './ports.ts';

export interface ConfigDiff {
  /** Of the ports asked about: those whose merged settings changed. */
  readonly ports: readonly string[];
  /** Roles that are new, gone or different. */
  readonly roles: readonly string[];
  /** Servers by `address:auth_port`. */
  readonly servers: ListDiff;
  /** Dynamic authorization clients by address. */
  readonly clients: ListDiff;
  /** MACs of silent devices that are new, gone or different. */
  readonly silentDevices: readonly string[];
  /** Other top keys that changed and can be taken over while running. */
  readonly settings: readonly ('nas' | 'radius' | 'accounting' | 'mqtt' | 'probe' | 'guard' | 'log')[];
  /** Keys that take a restart. */
  readonly restart: readonly string[];
}

export interface ListDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export function configDiff(before: Config, after: Config, ports: readonly string[]): ConfigDiff {
  const settings = (['nas', 'accounting', 'mqtt', 'probe', 'guard', 'log'] as const).filter(
    (key) => !same(before[key], after[key]),
  );
  const { servers: serversBefore, ...radiusBefore } = before.radius;
  const { servers: serversAfter, ...radiusAfter } = after.radius;
  const radiusChanged = !same(radiusBefore, radiusAfter) || !same(serversBefore, serversAfter);
  return {
    ports: ports.filter((port) => !same(portSettings(before, port), portSettings(after, port))),
    roles: touched(mapDiff(before.roles, after.roles)),
    servers: mapDiff(serverMap(before), serverMap(after)),
    clients: mapDiff(clientMap(before), clientMap(after)),
    silentDevices: touched(mapDiff(before.silentDevices, after.silentDevices)),
    settings: [
      ...settings,
      ...(radiusChanged ? (['radius'] as const) : []),
      ...(same(before.probeSources, after.probeSources) || settings.includes('probe')
        ? []
        : (['probe'] as const)),
    ],
    restart: [
      ...(before.switch.id === after.switch.id ? [] : ['switch.id']),
      ...(before.switch.bridge === after.switch.bridge ? [] : ['switch.bridge']),
      ...(before.backend === after.backend ? [] : ['backend']),
      ...(before.stateDir === after.stateDir ? [] : ['state_dir']),
      ...(before.controlSocket === after.controlSocket ? [] : ['control_socket']),
      ...(before.dynamicAuthorization?.port === after.dynamicAuthorization?.port
        ? []
        : ['radius.dynamic_authorization.port']),
    ],
  };
}

function serverMap(config: Config): ReadonlyMap<string, unknown> {
  return new Map(config.radius.servers.map((server) => [`${server.address}:${server.authPort}`, server]));
}

function clientMap(config: Config): ReadonlyMap<string, unknown> {
  return new Map((config.dynamicAuthorization?.clients ?? []).map((client) => [client.address, client]));
}

function mapDiff(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): ListDiff {
  const both = [...before.keys()].filter((key) => after.has(key));
  return {
    added: [...after.keys()].filter((key) => !before.has(key)),
    removed: [...before.keys()].filter((key) => !after.has(key)),
    changed: both.filter((key) => !same(before.get(key), after.get(key))),
  };
}

function touched({ added, removed, changed }: ListDiff): readonly string[] {
  return [...added, ...removed, ...changed].sort();
}

/** Equality of plain data, Maps and octets; key order does not count. */
function same(a: unknown, b: unknown): boolean {
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
