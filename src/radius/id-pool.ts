// The identifiers of one server and kind: which (socket, identifier) may go out next.
//
// RFC 5080 §2.2.2: an Identifier is not used again on a source port until its request was answered or has timed
// out, and allocation is least-recently-used. One source port has 256, so the pool opens further sockets as they
// are needed, and only then. A slot is `n * 256 + identifier`, where `n` is the socket.
// Trade: sockets are never given back; with a cap of 64 that is at most 16,384 slots and 128 kB a pool.

/** `n * 256 + identifier`. */
export type Slot = number;

export const IDS_PER_SOCKET = 256;
export const MAX_SOCKETS = 64;

export function socketOf(slot: Slot): number {
  return slot >>> 8;
}

export function identifierOf(slot: Slot): number {
  return slot & 0xff;
}

export class IdPool {
  /** A ring of free slots, the one that was freed longest ago at `head`. */
  private ring = new Int32Array(0);
  private head = 0;
  private free = 0;
  private busy = new Uint8Array(0);

  /** `reserved`: identifiers of each socket, from 0, that are never handed out. */
  constructor(
    private readonly maxSockets = MAX_SOCKETS,
    private readonly reserved = 0,
  ) {}

  /** Sockets opened so far. */
  get sockets(): number {
    return this.busy.length / IDS_PER_SOCKET;
  }

  /** The slot that has been free the longest; undefined when every identifier of every allowed socket is taken. */
  acquire(): Slot | undefined {
    if (this.free === 0 && !this.openSocket()) return undefined;
    const slot = this.ring[this.head] as Slot;
    this.head = (this.head + 1) % this.ring.length;
    this.free--;
    this.busy[slot] = 1;
    return slot;
  }

  /** To be called when the request was answered or has timed out. A slot that is not taken is left alone. */
  release(slot: Slot): void {
    if (this.busy[slot] !== 1) return;
    this.busy[slot] = 0;
    this.ring[(this.head + this.free) % this.ring.length] = slot;
    this.free++;
  }

  private openSocket(): boolean {
    const first = this.busy.length;
    if (first >= this.maxSockets * IDS_PER_SOCKET) return false;
    const busy = new Uint8Array(first + IDS_PER_SOCKET);
    busy.set(this.busy);
    this.busy = busy;
    // Only ever called with nothing free, so the old ring holds nothing worth copying.
    this.ring = new Int32Array(busy.length);
    this.head = 0;
    this.free = IDS_PER_SOCKET - this.reserved;
    for (let i = 0; i < this.free; i++) this.ring[i] = first + this.reserved + i;
    return true;
  }
}
