// Who we are, as RADIUS sees us (RFC 2865 §5.4, §5.32; RFC 3162 §2.1).

import type { Ipv4, Ipv6 } from '../base/ip.ts';

export interface NasIdentity {
  readonly identifier: string;
  readonly ipv4?: Ipv4;
  readonly ipv6?: Ipv6;
}
