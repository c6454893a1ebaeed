// Warnings that need to know this switch's own addresses: who hears the probes' senders, and who would answer.

import { isOnSubnet, parseIp, withoutZone } from '../base/ip.ts';
import type { Config } from './config.ts';
import type { Fault } from './fault.ts';

/** An address of this host, as the operating system lists it. */
export interface HostAddress {
  readonly interface: string;
  readonly address: string;
  readonly prefixLength: number;
}

/** A probe's sender must be on the clients' subnet: hosts with a strict rp_filter do not answer others (RFC 3704). */
export function hostWarnings(config: Config, addresses: readonly HostAddress[]): readonly Fault[] {
  const out: Fault[] = [];
  for (const [vlan, source] of config.probeSources) {
    for (const [key, ip] of [
      ['ip', source.ipv4],
      ['ipv6', source.ipv6],
    ] as const) {
      if (ip === undefined || ip === '0.0.0.0') continue;
      const path = `handshake.sources.${vlan}.${key}`;
      if (source.mac === undefined && !addresses.some(({ address }) => parseIp(address) === ip)) {
        out.push({ path, message: `${ip} is no address of this switch; a foreign sender needs its own mac` });
      } else if (!addresses.some((host) => sameSubnet(host, ip))) {
        out.push({
          path,
          message: `${ip} is on no subnet of this switch; hosts with strict rp_filter will not answer`,
        });
      }
    }
  }
  return out;
}

function sameSubnet({ address, prefixLength }: HostAddress, text: string): boolean {
  const own = parseIp(withoutZone(address));
  const ip = parseIp(text);
  return own !== undefined && ip !== undefined && isOnSubnet(ip, { ip: own, prefixLength });
}
