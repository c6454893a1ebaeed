// The secret of a form: what another site cannot know, so that a browser cannot be made to send the form for it.
//
// HMAC-SHA-256 under a key of this run, over what the form does, for whom (MAC or address), and when it was made. No
// cookie: a visitor is known by what the kernel has seen of it, so a token that somebody else was given is of no use here.

import { fromHex, toHex, utf8 } from '../base/bytes.ts';
import { digestsEqual, hmacSha256 } from '../base/hash.ts';
import { type Instant, type Millis, millis } from '../base/time.ts';

/** Octets of the digest that are kept: 2^-128 for a guess. */
const KEPT = 16;
const TOKEN = /^([0-9a-z]{1,12})-([0-9a-f]{32})$/;

export class FormTokens {
  constructor(
    private readonly key: Uint8Array,
    private readonly lifetime: Millis,
  ) {}

  /** `purpose`: what the form does and for whom; equal texts have equal rights. */
  issue(purpose: string, now: Instant): string {
    const madeAt = Math.max(0, Math.floor(now / 1000)).toString(36);
    return `${madeAt}-${toHex(this.digest(purpose, madeAt))}`;
  }

  isValid(token: string, purpose: string, now: Instant): boolean {
    const [, madeAt, digest] = TOKEN.exec(token) ?? [];
    if (madeAt === undefined || digest === undefined) return false;
    const age = millis(now - Number.parseInt(madeAt, 36) * 1000);
    const octets = fromHex(digest);
    if (octets === undefined || !digestsEqual(octets, this.digest(purpose, madeAt))) return false;
    return age >= 0 && age <= this.lifetime;
  }

  private digest(purpose: string, madeAt: string): Uint8Array {
    return hmacSha256(this.key, utf8(`${madeAt} ${purpose}`)).subarray(0, KEPT);
  }
}
