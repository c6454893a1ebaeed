// What was answered, for as long as the same packet could come again (RFC 5176 §2.3, §6.3): a duplicate gets the first
// answer, and nothing is done twice.
//
// The key is the Request Authenticator, a digest of the whole packet and the secret: source address and port, which a replay
// chooses freely, say nothing. Only verified packets come in here, so a forger cannot fill it. An entry is kept for two
// windows and a little at least: one that was stamped a window ahead of our clock can come until then. After that it goes
// when its room is needed: one without a timestamp could come at any time.
// Bound: `CAPACITY` entries of a few hundred octets. None is pushed out before its time; a full cache refuses.

import { toHex } from '../base/bytes.ts';
import { after, type Instant, type Millis, seconds } from '../base/time.ts';

export const CAPACITY = 16_384;

/** The window is of the wall clock, in whole seconds and adjusted; this is of the other. */
const MARGIN = seconds(10);

interface Entry {
  readonly at: Instant;
  /** Undefined while what was asked is being done. */
  reply: Uint8Array | undefined;
}

export type Known = 'new' | 'pending' | Uint8Array;

export class Duplicates {
  /** In the order of their coming, which is that of their going. */
  private readonly entries = new Map<string, Entry>();
  /** By the longest window that was ever in force. */
  private lifetime: Millis = MARGIN;

  constructor(private readonly capacity = CAPACITY) {}

  get size(): number {
    return this.entries.size;
  }

  look(key: string): Known {
    const entry = this.entries.get(key);
    if (entry === undefined) return 'new';
    return entry.reply ?? 'pending';
  }

  /** No room is left, and none can be made at this time. */
  isFull(now: Instant): boolean {
    if (this.entries.size >= this.capacity) this.forgetOld(now);
    return this.entries.size >= this.capacity;
  }

  /** Before anything is remembered, and when the window changes. */
  keepFor(window: Millis): void {
    this.lifetime = Math.max(this.lifetime, 2 * window + MARGIN) as Millis;
  }

  begin(key: string, now: Instant): void {
    this.entries.set(key, { at: now, reply: undefined });
  }

  answered(key: string, reply: Uint8Array): void {
    const entry = this.entries.get(key);
    if (entry !== undefined) entry.reply = reply;
  }

  private forgetOld(now: Instant): void {
    for (const [key, { at }] of this.entries) {
      if (after(at, this.lifetime) >= now) return;
      this.entries.delete(key);
    }
  }
}

export function duplicateKey(authenticator: Uint8Array): string {
  return toHex(authenticator);
}
