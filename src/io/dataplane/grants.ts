// What lets sessions pass, written and taken away: entries of the bridge's table and addresses of the routed path, each kind
// of a batch in one call.

import type { Ip } from '../../base/ip.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type Grant, type GrantKey, isAddress } from '../../model/dataplane.ts';
import type { PortAuth } from './portauth.ts';
import type { RoutedPath } from './portauth-l3.ts';

type Results = readonly Result<void, string>[];

export class Grants {
  /** Undefined while there is none. */
  routed: RoutedPath | undefined;

  constructor(private readonly portauth: PortAuth) {}

  /** A result each, in order; so `revoke`. */
  grant(grants: readonly Grant[]): Results {
    return split(grants, {
      entries: (keys) => this.portauth.grant(keys),
      addresses: (ips) => this.routed?.add('granted', ips) ?? ips.map(notRouted),
    });
  }

  /** Proven. */
  revoke(grants: readonly Grant[]): Results {
    return split(grants, {
      entries: (keys) => this.portauth.revoke(keys),
      addresses: (ips) => this.routed?.remove('granted', ips) ?? ips.map(notRouted),
    });
  }
}

function split(
  grants: readonly Grant[],
  by: {
    readonly entries: (keys: readonly GrantKey[]) => Results;
    readonly addresses: (ips: readonly Ip[]) => Results;
  },
): Results {
  const keys = grants.filter((grant): grant is GrantKey => !isAddress(grant));
  const entries = by.entries(keys);
  if (keys.length === grants.length) return entries;
  const addresses = by.addresses(grants.filter(isAddress).map(({ ip }) => ip));
  const taken = { entries: 0, addresses: 0 };
  return grants.map(
    (grant) => (isAddress(grant) ? addresses[taken.addresses++] : entries[taken.entries++]) ?? ok(undefined),
  );
}

function notRouted(ip: Ip): Result<void, string> {
  return err(`${ip}: the routed path is not ours`);
}
