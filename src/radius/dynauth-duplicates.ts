// What was answered, for as long as the same packet could come again (RFC 5176 §2.3, §6.3): a duplicate gets the first
// answer, and nothing is done twice.
//
// The key is the Request Authenticator, a digest of the whole packet and the secret. Only verified packets come in here, so a
// forger cannot fill it. Of one with an Event-Timestamp source address and port, which a replay chooses freely, say nothing, and an
// entry is kept for two windows and a little at least: one that was stamped a window ahead of our clock can come until then. After
// that it goes when its room is needed.
// One without is a duplicate for one window, and from the same port only, as §2.3 has it: after that, or from another port, it may
// as well be somebody's who asks the same once more, with an Identifier that is the same by chance, and who would take the old
// answer for a new one.
// Bound: `CAPACITY` entries of a few hundred octets. None is pushed out before its time; a full cache refuses. Half of the
// room is shared out among the listed clients, each of which has its share whatever the others send; the other half is for
// whoever comes first.

import { toHex } from '../base/bytes.ts';
import type { Ip } from '../base/ip.ts';
import { after, type Instant, type Millis, seconds } from '../base/time.ts';

export const CAPACITY = 16_384;

/** The window is of the wall clock, in whole seconds and adjusted; this is of the other. */
const MARGIN = seconds(10);

interface Entry {
  readonly at: Instant;
  readonly port: number;
  /** Undefined while what was asked is being done. */
  reply: Uint8Array | undefined;
}

export type Known = 'new' | 'pending' | Uint8Array;

/** A packet, as far as duplicates are concerned. */
export interface Asking {
  readonly key: string;
  /** Where it came from. */
  readonly port: number;
  /** It has an Event-Timestamp. */
  readonly isStamped: boolean;
}

export class Duplicates {
  /** Of each client in the order of their coming, which is that of their going. */
  private readonly byClient = new Map<Ip, Map<string, Entry>>();
  /** By the longest window that was ever in force. */
  private lifetime: Millis = MARGIN;
  private window: Millis = MARGIN;
  private clients = 1;

  constructor(private readonly capacity = CAPACITY) {}

  /** One that is still being done is the same, however old, and wherever from. */
  look({ key, port, isStamped }: Asking, now: Instant): Known {
    for (const entries of this.byClient.values()) {
      const entry = entries.get(key);
      if (entry === undefined) continue;
      if (entry.reply === undefined) return 'pending';
      if (isStamped || (entry.port === port && after(entry.at, this.window) >= now)) return entry.reply;
      entries.delete(key);
    }
    return 'new';
  }

  /** No room is left for this client, and none can be made at this time. */
  isFull(client: Ip, now: Instant): boolean {
    if (!this.lacksRoom(client)) return false;
    for (const [of, entries] of this.byClient) this.forgetOld(of, entries, now);
    return this.lacksRoom(client);
  }

  /** Before anything is remembered, and when the window or the number of listed clients changes. */
  configure(window: Millis, clients: number): void {
    this.window = window;
    this.lifetime = Math.max(this.lifetime, 2 * window + MARGIN) as Millis;
    this.clients = Math.max(1, clients);
  }

  begin(client: Ip, { key, port }: Asking, now: Instant): void {
    const entries = this.byClient.get(client) ?? new Map<string, Entry>();
    this.byClient.set(client, entries);
    entries.set(key, { at: now, port, reply: undefined });
  }

  answered(key: string, reply: Uint8Array): void {
    for (const entries of this.byClient.values()) {
      const entry = entries.get(key);
      if (entry !== undefined) entry.reply = reply;
    }
  }

  private lacksRoom(client: Ip): boolean {
    const common = Math.floor(this.capacity / 2);
    const share = Math.floor((this.capacity - common) / this.clients);
    if ((this.byClient.get(client)?.size ?? 0) < share) return false;
    let taken = 0;
    for (const { size } of this.byClient.values()) taken += Math.max(0, size - share);
    return taken >= common;
  }

  private forgetOld(client: Ip, entries: Map<string, Entry>, now: Instant): void {
    for (const [key, { at }] of entries) {
      if (after(at, this.lifetime) >= now) return;
      entries.delete(key);
    }
    this.byClient.delete(client);
  }
}

export function duplicateKey(authenticator: Uint8Array): string {
  return toHex(authenticator);
}
