// What an Access-Accept grants, in our words. Made in radius/accept.ts, read by everything after it.

import type { Ip } from '../base/ip.ts';
import type { Millis } from '../base/time.ts';

/** Nobody answered EAPOL; the server refused; no server answered; let in as far as the login page, in place of the first two. */
export const FALLBACK_METHODS = ['guest', 'auth-fail', 'critical', 'portal'] as const;
export type FallbackMethod = (typeof FALLBACK_METHODS)[number];

/** The fallbacks are nobody's word but a port's setting: who is in by them is not authenticated. */
export const AUTH_METHODS = ['dot1x', 'mab', 'web', 'sso', ...FALLBACK_METHODS] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

export function isFallback(method: AuthMethod): method is FallbackMethod {
  return FALLBACK_METHODS.some((each) => each === method);
}

/** By which a device proves itself. */
export const CERTIFYING_METHODS = ['dot1x', 'mab', 'web'] as const satisfies readonly AuthMethod[];
export type CertifyingMethod = (typeof CERTIFYING_METHODS)[number];

/** Of a word that comes from elsewhere. */
export function isAuthMethod(word: string | undefined): word is AuthMethod {
  return AUTH_METHODS.some((each) => each === word);
}

/**
 * Why nobody waits for the servers' answer to a question any more. `unanswered`: the time that whoever asked gives them is
 * over, which speaks against the one that was asked. `void`: the question itself is, by no fault of theirs.
 */
export type CancelReason = 'unanswered' | 'void';

/** An attribute that has no meaning here, as it can be shown. */
export interface KeptAttribute {
  /** The dictionary's name, `Attribute-<n>`, or `Vendor-<id>-<n>`. */
  readonly name: string;
  /** Text as it came where it is printable, else `0x` and hexadecimal digits; cut when long. */
  readonly value: string;
}

export interface Authorization {
  /** User-Name of the Accept (RFC 2865 §5.1), else the identity that the client gave. */
  readonly userName: string;
  /** Class, echoed in all accounting of the session, in order (RFC 2865 §5.25). */
  readonly classes: readonly Uint8Array[];
  /** Session-Timeout (RFC 2865 §5.27); absent = the role's session timer. */
  readonly sessionTimeout?: Millis;
  /** Termination-Action (RFC 2865 §5.29): true = RADIUS-Request, reauthenticate at Session-Timeout. */
  readonly reauthenticateAtTimeout: boolean;
  /** Idle-Timeout (RFC 2865 §5.28). */
  readonly idleTimeout?: Millis;
  /** Acct-Interim-Interval (RFC 2869 §5.16). */
  readonly interimInterval?: Millis;
  /** Filter-Id (RFC 2865 §5.11): the name of a role. */
  readonly filterId?: string;
  /** Of the vendor's attribute that the configuration takes for the name of a role. */
  readonly vendorRole?: string;
  /** Tunnel-Private-Group-Id with Tunnel-Type VLAN and Medium 802 (RFC 3580 §3.31): an id or a name. */
  readonly vlan?: string;
  /** Egress-VLANID and Egress-VLAN-Name (RFC 4675 §2.1, §2.3): ids in digits, or names. */
  readonly egress?: { readonly tagged: readonly string[]; readonly untagged: readonly string[] };
  /** Cisco-AVPair device-traffic-class=voice. */
  readonly voice?: true;
  /** NAS-Filter-Rule (RFC 4849): one rule each. */
  readonly filterRules?: readonly string[];
  /** State of the Accept, to be sent back when Termination-Action reauthenticates (RFC 2865 §5.24). */
  readonly state?: Uint8Array;
  /** What else was in the Accept: at most 32. */
  readonly others?: readonly KeptAttribute[];
  readonly framedIp?: Ip;
  readonly replyMessage?: string;
  /** Chargeable-User-Identity (RFC 4372). */
  readonly cui?: Uint8Array;
  /** The server that accepted, as `address:port`. */
  readonly server: string;
}
