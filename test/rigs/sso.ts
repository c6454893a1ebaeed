// What a VPN concentrator sends, and what it gets: for unit tests.

import { utf8 } from '../../src/base/bytes.ts';
import { type Ip, isIpv4 } from '../../src/base/ip.ts';
import { encodeAccountingRequest } from '../../src/wire/radius.ts';
import { ip, type OutgoingAttribute, octets, text, u32 } from '../../src/wire/radius-attributes.ts';

export const SSO_SECRET = 'a-secret-of-some-length';
const STATUS = { start: 1, stop: 2, interim: 3, on: 7, off: 8 } as const;

export interface Said {
  readonly session?: string;
  readonly user?: string;
  readonly ips?: readonly string[];
  readonly filterId?: string;
  readonly className?: string;
  /** Acct-Session-Time and Acct-Delay-Time, in seconds. */
  readonly timeS?: number;
  readonly delayS?: number;
  readonly cause?: number;
  readonly secret?: string;
  readonly more?: readonly OutgoingAttribute[];
  /** The next one if left out. */
  readonly identifier?: number;
}

let identifier = 0;

/** A new packet each time, as after a retransmission with another Acct-Delay-Time. */
export function accountingRequest(status: keyof typeof STATUS | number, said: Said = {}): Uint8Array {
  const { session, user, ips = [], filterId, className, timeS, delayS, cause, secret = SSO_SECRET } = said;
  identifier = (identifier + 1) & 0xff;
  const encoded = encodeAccountingRequest({
    identifier: said.identifier ?? identifier,
    secret: utf8(secret),
    attributes: [
      u32('Acct-Status-Type', typeof status === 'number' ? status : STATUS[status]),
      ...(session === undefined ? [] : [text('Acct-Session-Id', session)]),
      ...(user === undefined ? [] : [text('User-Name', user)]),
      ...ips.map((each) => ip(isIpv4(each as Ip) ? 'Framed-IP-Address' : 'Framed-IPv6-Address', each as Ip)),
      ...(filterId === undefined ? [] : [text('Filter-Id', filterId)]),
      ...(className === undefined ? [] : [octets('Class', utf8(className))]),
      ...(timeS === undefined ? [] : [u32('Acct-Session-Time', timeS)]),
      ...(delayS === undefined ? [] : [u32('Acct-Delay-Time', delayS)]),
      ...(cause === undefined ? [] : [u32('Acct-Terminate-Cause', cause)]),
      ...(said.more ?? []),
    ],
  });
  if (!encoded.ok) throw new Error(encoded.error.detail);
  return encoded.value;
}
