// Which address a client has, from what it says.
import type { Ip } from '../base/ip.ts';
import type { ArpPacket } from '../wire/arp.ts';
import type { DhcpMessage } from '../wire/dhcp.ts';
import type { NdMessage } from '../wire/nd.ts';
import type { Core } from './core.ts';
import type { SessionUnit } from './session-unit.ts';

/** What a frame of a client says of it. */
export type Sign =
  | { readonly kind: 'eapol' }
  | { readonly kind: 'arp'; readonly packet: ArpPacket }
  | { readonly kind: 'nd'; readonly message: NdMessage }
  | { readonly kind: 'dhcp'; readonly message: DhcpMessage };

export function learn(
  unit: SessionUnit,
  sign: Sign | { readonly kind: 'framed'; readonly ip: Ip },
  core: Core,
): boolean {
  void unit;
  void sign;
  void core;
  return false;
}
