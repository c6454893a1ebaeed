// RADIUS packets in a stream of octets (RFC 6613 §2.1): each says its own length, and nothing stands between them.
//
// A length that no packet can have (under 20, over 4096) means that the boundaries are lost: nothing behind it can be
// believed, and the connection has to be closed (RFC 6613 §2.6.4). Holds at most one unfinished packet.

import { concatBytes } from '../base/bytes.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';

const LENGTH_AT = 2;
const LENGTH_END = 4;
const SHORTEST = 20;
const LONGEST = 4096;

export class RadiusFramer {
  private rest: Uint8Array = new Uint8Array(0);
  private broken = false;

  /** Whole packets, in their order; what is left waits for the next chunk. After a refusal nothing is taken any more. */
  push(chunk: Uint8Array): Decoded<readonly Uint8Array[]> {
    if (this.broken) return malformed('length', 'the boundaries of packets are lost');
    const bytes = this.rest.length === 0 ? chunk : concatBytes([this.rest, chunk]);
    const packets: Uint8Array[] = [];
    let at = 0;
    while (bytes.length - at >= LENGTH_END) {
      const length = ((bytes[at + LENGTH_AT] ?? 0) << 8) | (bytes[at + LENGTH_AT + 1] ?? 0);
      if (length < SHORTEST || length > LONGEST) {
        this.broken = true;
        this.rest = new Uint8Array(0);
        return malformed('length', `a packet of ${length} octets in the stream`);
      }
      if (bytes.length - at < length) break;
      packets.push(bytes.slice(at, at + length));
      at += length;
    }
    // A copy: the chunk belongs to the socket.
    this.rest = bytes.slice(at);
    return ok(packets);
  }
}
