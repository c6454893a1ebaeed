// What waits to be published, in order. A retained topic is in it once, at the place of its newest payload; answers are
// bounded, the oldest dropped. Events are bounded by who publishes them: they have a queue of their own, of which a part is
// here (report/events.ts). What is in flight goes back to the front when the connection breaks, but for answers: whoever asked chose
// their topic, and a broker may end every connection for it. What the broker does not take for now waits apart.

export interface Publication {
  readonly topic: string;
  /** Empty and retained = clear the topic. */
  readonly payload: string;
  readonly retain: boolean;
  readonly correlationData?: Uint8Array;
  /** Called once, when the broker has it or does not take it; with it the message is never dropped. */
  readonly onSettled?: () => void;
}

/** Of answers that wait, together: that of `sessions` can have millions. */
const ANSWER_CHARACTERS = 8_000_000;

/** An answer: who asked will ask again. */
export function mayBeDropped({ retain, onSettled }: Publication): boolean {
  return !retain && onSettled === undefined;
}

export class PublishQueue {
  /** Insertion order is the order of the queue; a retained entry's key is its topic. */
  private waiting = new Map<string | number, Publication>();
  private cursor: Iterator<[string | number, Publication]> = this.waiting.entries();
  private readonly flying = new Set<Publication>();
  /** A retained entry's key is its topic. */
  private readonly postponed = new Map<string | Publication, Publication>();
  private lastKey = 0;
  /** Of those that wait, how many may be dropped. */
  private plain = 0;
  private plainCharacters = 0;
  private lost = 0;

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.waiting.size + this.flying.size + this.postponed.size;
  }

  get inFlight(): number {
    return this.flying.size;
  }

  get dropped(): number {
    return this.lost;
  }

  push(publication: Publication): void {
    if (publication.retain) {
      this.waiting.delete(publication.topic);
      this.waiting.set(publication.topic, publication);
      this.postponed.delete(publication.topic);
      return;
    }
    if (mayBeDropped(publication)) {
      const { length } = publication.payload;
      while (
        this.plain > 0 &&
        (this.plain >= this.limit || this.plainCharacters + length > ANSWER_CHARACTERS)
      )
        this.dropOldest();
      this.plain++;
      this.plainCharacters += length;
    }
    this.waiting.set(++this.lastKey, publication);
  }

  /** The oldest waiting one, now in flight until `settle` or `rewind`. */
  next(): Publication | undefined {
    let { value, done } = this.cursor.next();
    if (done) {
      // A finished iterator stays finished, also when the map has grown since.
      this.cursor = this.waiting.entries();
      ({ value, done } = this.cursor.next());
      if (done) return undefined;
    }
    const [key, publication] = value as [string | number, Publication];
    this.waiting.delete(key);
    if (mayBeDropped(publication)) this.noLongerWaits(publication);
    this.flying.add(publication);
    return publication;
  }

  settle(publication: Publication): void {
    this.flying.delete(publication);
    publication.onSettled?.();
  }

  /** Not taken for now: apart until `resume` or `rewind`, or dropped where a newer state of its topic is on its way. */
  postpone(publication: Publication): void {
    this.flying.delete(publication);
    if (publication.retain && this.hasStateOf(publication.topic)) return;
    this.postponed.set(publication.retain ? publication.topic : publication, publication);
  }

  /** What was postponed is last now. */
  resume(): void {
    const again = [...this.postponed.values()];
    this.postponed.clear();
    for (const publication of again) this.push(publication);
  }

  /** The connection broke: what was not acknowledged is first again, unless a newer state of its topic waits. */
  rewind(): void {
    const first = [...this.postponed.values(), ...this.flying];
    if (first.length === 0) return;
    const later = this.waiting;
    this.waiting = new Map();
    for (const publication of first) {
      if (mayBeDropped(publication)) this.lost++;
      else if (!publication.retain) this.waiting.set(++this.lastKey, publication);
      else if (!later.has(publication.topic)) {
        this.waiting.delete(publication.topic);
        this.waiting.set(publication.topic, publication);
      }
    }
    for (const [key, publication] of later) this.waiting.set(key, publication);
    this.flying.clear();
    this.postponed.clear();
    this.cursor = this.waiting.entries();
  }

  private hasStateOf(topic: string): boolean {
    if (this.waiting.has(topic)) return true;
    for (const { retain, topic: flying } of this.flying) if (retain && flying === topic) return true;
    return false;
  }

  private noLongerWaits({ payload }: Publication): void {
    this.plain--;
    this.plainCharacters -= payload.length;
  }

  private dropOldest(): void {
    for (const [key, publication] of this.waiting) {
      if (!mayBeDropped(publication)) continue;
      this.waiting.delete(key);
      this.noLongerWaits(publication);
      this.lost++;
      return;
    }
  }
}
