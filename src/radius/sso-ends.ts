// Which logins do not begin again, whatever the concentrator still says of them: those that it has stopped (Acct-Session-Id is of
// one session only, RFC 2866 §5.5), those of before its last On or Off, and those that somebody else has barred. Pure.
//
// Bound: `capacity` stopped ones and as many barred ones, the oldest forgotten first, and the last On or Off of CLOSINGS
// concentrators.

import { after, type Instant, seconds } from '../base/time.ts';
import { isOf, keyOf, type Origin, type Told } from './sso-origin.ts';

/** Two Acct-Delay-Times are each in whole seconds, rounded either way: by so much two words of one event may differ. */
export const ROUNDING = seconds(2);
const CLOSINGS = 1024;

/** A login that gets nothing more. */
export interface Bar extends Origin {
  /** The concentrator's. */
  readonly sessionId: string;
}

export class SsoEnds {
  /** By the login's key, oldest first. */
  private readonly stopped = new Map<string, Told>();
  /** By the login's key, oldest first. */
  private readonly bars = new Map<string, Told & Bar>();
  /** The newest On or Off of each concentrator. */
  private readonly closings = new Map<string, Told>();

  constructor(private capacity: number) {}

  configure(capacity: number): void {
    this.capacity = capacity;
  }

  get barred(): number {
    return this.bars.size;
  }

  isBarred(key: string): boolean {
    return this.bars.has(key);
  }

  /** An On or Off of its concentrator came after it: its session id may be another session's by now. */
  isOver(told: Told): boolean {
    for (const closing of this.closings.values())
      if (isOf(told, closing) && after(told.at, ROUNDING) < closing.at) return true;
    return false;
  }

  /** Why a word of this login changes nothing; undefined if it counts. */
  objection(key: string, told: Told): 'after-stop' | 'barred' | 'before-on-or-off' | undefined {
    if (this.stopped.has(key)) return 'after-stop';
    if (this.bars.has(key)) return 'barred';
    return this.isOver(told) ? 'before-on-or-off' : undefined;
  }

  stop(key: string, told: Told): void {
    this.bars.delete(key);
    remember(this.stopped, { key, told, capacity: this.capacity });
  }

  /** `logins`: keys of those that are over by it. After its start a concentrator may count its sessions from the beginning. */
  stopAll(kind: 'on' | 'off', told: Told, logins: readonly string[]): void {
    remember(this.closings, { key: keyOf(told, ''), told, capacity: CLOSINGS });
    if (kind === 'off')
      for (const key of logins) remember(this.stopped, { key, told, capacity: this.capacity });
    if (kind === 'on')
      for (const keys of [this.stopped, this.bars])
        for (const [key, of] of keys) if (isOf(of, told) && of.at <= told.at) keys.delete(key);
  }

  bar({ client, nas, sessionId }: Bar, at: Instant): void {
    const key = keyOf({ client, nas }, sessionId);
    remember(this.bars, { key, told: { client, nas, sessionId, at }, capacity: this.capacity });
  }

  /** To be kept across our own start. */
  allBars(): readonly Bar[] {
    return [...this.bars.values()].map(({ client, nas, sessionId }) => ({ client, nas, sessionId }));
  }
}

function remember<T extends Told>(
  words: Map<string, T>,
  { key, told, capacity }: { readonly key: string; readonly told: T; readonly capacity: number },
): void {
  words.delete(key);
  words.set(key, told);
  for (const oldest of words.keys()) {
    if (words.size <= capacity) break;
    words.delete(oldest);
  }
}
