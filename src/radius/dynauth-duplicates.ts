// What was answered, for as long as the same packet could come again (RFC 5176 §2.3, §6.3): a duplicate gets the first
// answer, and nothing is done twice.
//
// The key is the client's address and the Request Authenticator, which is a digest of the whole packet and the secret:
// the source port, which a replay chooses freely, says nothing. Only verified packets come in here, so a forger cannot fill
// it. An entry lives for two windows and a little: one that was stamped a window ahead of our clock can come until then.
// Bound: `CAPACITY` entries of a few hundred octets. None is pushed out before its time; a full cache refuses.

import { toHex } from '../base/bytes.ts';
import type { Ip } from '../base/ip.ts';
import { after, type Instant, type Millis, seconds } from '../base/time.ts';

export const CAPACITY = 16_384;

/** The window is of the wall clock, in whole seconds and adjusted; this is of the other. */
const MARGIN = seconds(10);

interface Entry {
  readonly until: Instant;
  /** Undefined while what was asked is being done. */
  reply: Uint8Array | undefined;
}

export type Known = 'new' | 'pending' | Uint8Array;

export class Duplicates {
  /** In the order of their coming, which is that of their going. */
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly capacity = CAPACITY) {}

  get size(): number {
    return this.entries.size;
  }

  look(key: string, now: Instant): Known {
    this.forgetOld(now);
    const entry = this.entries.get(key);
    if (entry === undefined) return 'new';
    return entry.reply ?? 'pending';
  }

  get isFull(): boolean {
    return this.entries.size >= this.capacity;
  }

  begin(key: string, now: Instant, window: Millis): void {
    this.entries.set(key, { until: after(now, (2 * window + MARGIN) as Millis), reply: undefined });
  }

  answered(key: string, reply: Uint8Array): void {
    const entry = this.entries.get(key);
    if (entry !== undefined) entry.reply = reply;
  }

  private forgetOld(now: Instant): void {
    for (const [key, { until }] of this.entries) {
      if (until > now) return;
      this.entries.delete(key);
    }
  }
}

export function duplicateKey(client: Ip, authenticator: Uint8Array): string {
  return `${client} ${toHex(authenticator)}`;
}
