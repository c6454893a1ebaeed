// When the VLANs of the bridge are read: one reading at a time. What is under way when somebody asks will do for that; what may have missed
// a change, or a port that has joined since, is followed by another. One that came to nothing is tried again for ever, 1 s doubling to 30 s.

import { retryDelay } from '../../base/retry.ts';
import { after, type Instant, NEVER } from '../../base/time.ts';
import type { Core } from '../core.ts';

interface Failed {
  readonly tries: number;
  readonly at: Instant;
  /** It was to tell of a port that had joined. */
  readonly ofJoined: boolean;
}

export class VlanReadings {
  private reading = false;
  /** A port has joined the bridge since it was last asked to be read, or what is being read is about one that had. */
  private joined = false;
  private readsJoined = false;
  /** Somebody may have changed what is being read, after it was. */
  private doubted = false;
  private failed: Failed | undefined;

  constructor(private readonly core: Core) {}

  get isUnderWay(): boolean {
    return this.reading;
  }

  /** A port has joined that no reading tells of yet. */
  get hasJoined(): boolean {
    return this.joined;
  }

  pollAt(): Instant {
    return this.failed?.at ?? NEVER;
  }

  onTime(now: Instant): void {
    if (this.failed === undefined || this.failed.at > now) return;
    this.failed = { ...this.failed, at: NEVER };
    this.read();
  }

  read(): void {
    if (this.reading) return;
    this.reading = true;
    this.readsJoined = this.joined;
    this.joined = this.doubted = false;
    this.core.out.push({ type: 'read-vlans' });
  }

  portJoined(): void {
    this.joined = true;
    this.read();
  }

  /** Somebody may have changed something. */
  readAnew(): void {
    if (this.reading) this.doubted = true;
    else this.read();
  }

  /** The answer is here. True if it is about a port that had joined, also where that one was missed by a reading that came to nothing. */
  answered(done: boolean): boolean {
    const ofJoined = this.readsJoined || this.failed?.ofJoined === true;
    const tries = (this.failed?.tries ?? 0) + 1;
    this.reading = this.readsJoined = false;
    this.failed = done ? undefined : { tries, at: after(this.core.now.mono, retryDelay(tries)), ofJoined };
    return ofJoined;
  }

  /** What it has missed is read next. */
  next(): void {
    if (this.joined || this.doubted) this.read();
  }
}
