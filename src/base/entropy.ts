// Randomness is an input like time: the shell hands in the system's, a test hands in a seeded one.

export interface Entropy {
  /** `count` fresh random octets, fit for a Request Authenticator (RFC 2865 §3). */
  bytes(count: number): Uint8Array;
  /** Uniform in [0, 1), for jitter only. */
  fraction(): number;
}
