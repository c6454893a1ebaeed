// Does this server answer? One judgement for each server and kind: accounting that is dead says nothing of
// authentication, not even at the same address (RFC 5997 §4 treats each port by itself).
//
// A server is dead when a request used up its tries there, or all the time that its asker had, and *nothing else* was answered
// since it was first sent: a server that drops one request but answers others is alive. Dead means: asked last. After `deadTime` one request
// is tried on it (the canary) while the others still go elsewhere, so a server that stays dead delays one client
// and not all of them. Any verified answer brings it back at once; where Status-Server asks (status.ts), no canary is needed.
//
// What a client asks is its own choice, and it may choose what a living server is silent about: a realm whose home server is
// dark, a packet that is discarded. For the order of servers that does no harm. To open a port for want of a server
// it must be *certain*: silence about Status-Server, about a record of ours, no connection; or silence towards clients of two
// ports, where Status-Server cannot decide it (status.ts). Silence makes it certain only if it lasted for one timeout at
// least. Over TLS nobody but the server can speak: whatever it says, believed or not, is the word of a server that is there.
// If such a word ends the connection (RFC 6613 §2.6.4), what is asked next may not reach it before another one stands, so
// until then no silence counts for that.

import { after, elapsed, type Instant, LONG_AGO, type Millis, NEVER } from '../base/time.ts';

/** Ports; one of them can send as many clients as it likes. */
const WITNESSES = 2;

export interface HealthTimes {
  readonly deadTime: Millis;
  /** How long one canary keeps the others away. */
  readonly trialTime: Millis;
  /** A shorter silence makes nothing certain, however little patience its asker has. */
  readonly leastSilence: Millis;
}

type State = { readonly name: 'up' } | { readonly name: 'dead'; readonly trialAt: Instant };

export class ServerHealth {
  private state: State = { name: 'up' };
  private changedAt: Instant | undefined;
  private lastAnswer = LONG_AGO;
  /** Silence about what was asked before makes nothing certain; NEVER: no silence does, until a connection stands again. */
  private audibleFrom = LONG_AGO;
  /** Since its last answer. */
  private readonly silentTo = new Set<string>();
  private proven = false;

  constructor(private times: HealthTimes) {}

  /** What holds already is not changed by it. */
  configure(times: HealthTimes): void {
    this.times = times;
  }

  get up(): boolean {
    return this.state.name === 'up';
  }

  /** Dead, and not by what one client asked; nor by what many did, if `onlyProven`. */
  certainlyDead(onlyProven: boolean): boolean {
    return !this.up && (this.proven || (!onlyProven && this.silentTo.size >= WITNESSES));
  }

  /** When it died or came back; undefined = it has been up from the start. */
  get since(): Instant | undefined {
    return this.changedAt;
  }

  /** When somebody should try it; NEVER while it is up. */
  get trialAt(): Instant {
    return this.state.name === 'up' ? NEVER : this.state.trialAt;
  }

  /** Up, or dead for long enough that somebody should try it. */
  preferred(now: Instant): boolean {
    return this.state.name === 'up' || now >= this.state.trialAt;
  }

  /** A request was just given to this server; if that was a canary, the others are kept away for a while. */
  chosen(now: Instant): void {
    if (this.state.name === 'dead' && now >= this.state.trialAt) {
      this.state = { name: 'dead', trialAt: after(now, this.times.trialTime) };
    }
  }

  /** A verified answer. True if the server was dead until now. */
  answered(now: Instant): boolean {
    this.lastAnswer = now;
    this.silentTo.clear();
    this.proven = false;
    const wasDead = !this.up;
    if (wasDead) this.changedAt = now;
    this.state = { name: 'up' };
    return wasDead;
  }

  /**
   * A request first sent at `since` has used up its tries; `origin` is the port that it was sent for. True if that makes the
   * server dead, and it was not.
   */
  silent(since: Instant, now: Instant, origin?: string): boolean {
    if (this.lastAnswer > since) return false;
    const believed = since >= this.audibleFrom && elapsed(since, now) >= this.times.leastSilence;
    if (believed) {
      if (origin === undefined) this.proven = true;
      else this.silentTo.add(origin);
    }
    return this.die(now);
  }

  /** It may be of no use, but is not certainly dead: a packet over TLS that answers nothing, an answer to Status-Server alone. */
  spoke(now: Instant): void {
    if (this.audibleFrom < now) this.audibleFrom = now;
    this.silentTo.clear();
    this.proven = false;
  }

  /** Its last word has ended a connection, and the next one may have to wait. */
  interrupted(): void {
    this.audibleFrom = NEVER;
  }

  /** A connection to it stands. */
  connected(now: Instant): void {
    if (this.audibleFrom === NEVER) this.audibleFrom = now;
  }

  /** It could not be reached at all. True if that makes the server dead, and it was not. */
  failed(now: Instant): boolean {
    this.proven = true;
    return this.die(now);
  }

  /** It is silent about Status-Server, too. */
  confirm(): void {
    if (this.audibleFrom !== NEVER) this.proven = true;
  }

  private die(now: Instant): boolean {
    const wasUp = this.up;
    if (wasUp) this.changedAt = now;
    this.state = { name: 'dead', trialAt: after(now, this.times.deadTime) };
    return wasUp;
  }
}
