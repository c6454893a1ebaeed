// What a visitor of the web pages wants, as the shell has it from HTTP. Everything here but `visitor` is hostile.

import type { Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';

/**
 * Who is there, by what the kernel knows and nobody can simply say: the address that the TCP connection has been made
 * from, and the MAC that the frame which opened it came from. `mac`: the address is on the bridge's link, and answers go to
 * that MAC. `router`: it is not, and that MAC has passed it on. Neither: it did not come in an Ethernet frame.
 */
export interface Visitor {
  readonly ip: Ip;
  readonly mac?: Mac;
  readonly router?: Mac;
}

/** Whom a visitor is counted with where there are bounds. */
export interface Standing {
  /** The port; one word for all who are on none. */
  readonly place: string;
  /** Has a session, and not that of a stranger. */
  readonly isIn: boolean;
}

export type Wish =
  | { readonly type: 'look' }
  | {
      readonly type: 'login';
      readonly userName: string;
      /** UTF-8. Never logged, and in no field of what is reported. */
      readonly password: Uint8Array;
      readonly formToken: string;
    }
  | { readonly type: 'logout'; readonly formToken: string };

export interface Visit {
  readonly visitor: Visitor;
  readonly wish: Wish;
}
