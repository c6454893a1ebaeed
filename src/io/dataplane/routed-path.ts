// Performs what the agent wants of the routed path beside grants, which are written with all others (grants.ts).

import type { Input } from '../../agent/ports.ts';
import type { Ip } from '../../base/ip.ts';
import { nft } from './nft.ts';
import type { RoutedPath } from './portauth-l3.ts';
import { tableName } from './table-name.ts';

export interface Awaiting {
  readonly ip: Ip;
  readonly on: boolean;
}

/** In one call each way; the error is of the first that failed. */
export function awaitAddresses(path: RoutedPath, wanted: readonly Awaiting[]): string | undefined {
  // The last word on each address counts.
  const last = new Map(wanted.map(({ ip, on }) => [ip, on]));
  const those = (on: boolean): Ip[] => [...last.keys()].filter((ip) => last.get(ip) === on);
  const gone = those(false);
  const results = [
    ...path.add('awaited', those(true)),
    ...path.remove('awaited', gone),
    ...path.remove('heard', gone),
  ];
  const failed = results.find((result) => !result.ok);
  return failed?.ok === false ? failed.error : undefined;
}

export function readAddresses(path: RoutedPath, wanted: { readonly granted: boolean }): Input {
  const heard = path.list('heard');
  if (!heard.ok) return { type: 'addresses-failed', error: heard.error };
  // What was told once need not be told again; a packet that comes meanwhile puts it there again.
  path.remove('heard', heard.value);
  if (!wanted.granted) return { type: 'addresses', heard: heard.value };
  const granted = path.list('granted');
  if (!granted.ok) return { type: 'addresses-failed', error: granted.error };
  return { type: 'addresses', heard: heard.value, granted: new Set(granted.value) };
}

/** What an earlier run with a routed path has left, which would stay shut for ever; mostly there is nothing, and nobody waits for it. */
export function removeRoutedPath(bridge: string): void {
  nft(['delete', 'table', 'inet', tableName(bridge)], '', () => undefined);
}
