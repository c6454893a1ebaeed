// Status-Server (RFC 5997) to one server for one kind of request: how its return from the dead is seen without letting a
// user's login find out, and on a connection (RFC 6613 §2.6.5 watchdog, RFC 3539 §3.4) that it is still there.
//
// Rules kept: only to a server that is dead, or over a connection that is idle; never retransmitted, each is a new packet
// with a new Request Authenticator; always with Message-Authenticator; with jitter; at an Identifier that no other request
// can have (of its own source port over UDP, Identifier 0 of a connection).
// `auto` believes a server's silence about Status-Server only once it has answered one: until then a server that knows
// none is judged by requests alone, as if there were no such packet; so is one that has unlearnt it, after half an hour.
// A server that has just died is asked at once, and twice more every 6 s (RFC 3539 §3.4.1: not more often), then every Tw: it
// may have been silent about one client only. The first answer brings it back; but a server that answers Status-Server and
// nothing else would cost a login each time, so it comes back half as often each time that its requests time out again. Its
// answers meanwhile say that it is there: whether it is *certainly* dead is for Status-Server to decide, where it knows it.

import { after, elapsed, type Instant, LONG_AGO, type Millis, millis, NEVER, seconds } from '../base/time.ts';

export type StatusServerMode = 'auto' | boolean;

export interface StatusSettings {
  readonly mode: StatusServerMode;
  /** RFC 3539 §3.4.1 Tw. */
  readonly interval: Millis;
  /** Over a connection: ask while it is up, too. */
  readonly watchdog: boolean;
}

/** One that is on the wire. */
export interface PendingStatus {
  readonly identifier: number;
  /** 16 octets, random. */
  readonly authenticator: Uint8Array;
  readonly sentAt: Instant;
}

/** Tw plus or minus a tenth. */
const JITTER = 0.2;
const MOST_DOUBLINGS = 5;
/** RFC 3539 §3.4.1: the least Tw. */
const ASKED_AGAIN_AFTER = seconds(6);
/** More than one may be lost on its way. */
const ASKED_TO_BE_SURE = 2;
/** Of silence about it: `auto` takes it for a server that knows Status-Server no more. */
const UNLEARNT_AFTER = seconds(1800);

export class StatusWatch {
  private dueAt: Instant;
  private dead = false;
  private hasAnswered = false;
  private outstanding: PendingStatus | undefined;
  private nextIdentifier = 0;
  /** Deaths in a row with nothing but a status answer before them. */
  private fruitless = 0;
  private servedSinceDeath = true;
  /** While it is dead: before this an answer does not bring it back. */
  private restsUntil = LONG_AGO;
  /** Since its death or its last answer: so many had their time, over a connection that stood all the while, and no answer. */
  private askedInVain = 0;
  /** Over UDP it always does. */
  private connectionStands: boolean;
  /** The pending one was sent while it stood. */
  private askedWhileItStood = false;
  private vainSince = LONG_AGO;
  /** Of those that were sent over the connection that stands, the pending one among them. */
  private unansweredAsks = 0;

  constructor(private settings: StatusSettings) {
    // A connection is made before the first login needs it.
    this.dueAt = this.watches ? LONG_AGO : NEVER;
    this.connectionStands = !settings.watchdog;
  }

  /** From the next one on. */
  configure(interval: Millis): void {
    this.settings = { ...this.settings, interval };
  }

  /** Its answer, or its silence, says whether the server is there: nobody needs to try it with a login. */
  get speaks(): boolean {
    return this.settings.mode === true || (this.settings.mode === 'auto' && this.hasAnswered);
  }

  /** Dead, and what it was asked about that since has not been answered in time: its silence can be believed. */
  get isSilent(): boolean {
    return this.dead && this.speaks && this.askedInVain >= ASKED_TO_BE_SURE;
  }

  /**
   * Whether a dead server is certainly so is for Status-Server to say, whatever clients hear: it knows it, or has not had its time
   * yet to answer the first one since its death.
   */
  get decides(): boolean {
    return this.speaks || (this.settings.mode === 'auto' && this.askedInVain === 0);
  }

  get pending(): PendingStatus | undefined {
    return this.outstanding;
  }

  /** What comes for the pending one may be the late answer to an earlier one. */
  get owesEarlier(): boolean {
    return this.unansweredAsks > 1;
  }

  pollAt(): Instant {
    return this.dueAt;
  }

  /** The next one is to be sent now; over a connection they all have Identifier 0. */
  next(authenticator: Uint8Array, fraction: number, now: Instant): PendingStatus {
    if (this.dead && this.outstanding !== undefined && this.askedWhileItStood) this.askedInVain++;
    this.askedWhileItStood = this.connectionStands;
    this.outstanding = { identifier: this.nextIdentifier, authenticator, sentAt: now };
    if (!this.settings.watchdog) this.nextIdentifier = (this.nextIdentifier + 1) & 0xff;
    this.unansweredAsks++;
    if (this.dead && elapsed(this.vainSince, now) >= UNLEARNT_AFTER) this.hasAnswered = false;
    const soon = this.dead && this.askedInVain < ASKED_TO_BE_SURE;
    this.dueAt = after(now, soon ? ASKED_AGAIN_AFTER : this.wait(fraction));
    return this.outstanding;
  }

  /** A verified answer to the pending one. False: it is there, and is not to be asked anything else yet. */
  answered(fraction: number, now: Instant): boolean {
    this.outstanding = undefined;
    this.unansweredAsks--;
    this.hasAnswered = true;
    if (!this.dead || now >= this.restsUntil) return true;
    this.askedInVain = 0;
    this.vainSince = now;
    this.dueAt = after(now, this.wait(fraction));
    return false;
  }

  /** A verified answer to a request. */
  served(fraction: number, now: Instant): void {
    this.servedSinceDeath = true;
    this.fruitless = 0;
    if (this.watches) this.dueAt = after(now, this.wait(fraction));
  }

  /** `ofRequest`: one timed out; it was not Status-Server that did, nor a connection that could not be made. */
  died(ofRequest: boolean, fraction: number, now: Instant): void {
    this.dead = true;
    this.outstanding = undefined;
    this.askedInVain = 0;
    this.vainSince = now;
    this.restsUntil = ofRequest ? this.restAfter(fraction, now) : now;
    this.dueAt = this.settings.mode === false ? NEVER : now;
  }

  /** Each time that requests time out again with nothing but a status answer before them it is longer. */
  private restAfter(fraction: number, now: Instant): Instant {
    this.fruitless = this.servedSinceDeath ? 0 : Math.min(this.fruitless + 1, MOST_DOUBLINGS);
    this.servedSinceDeath = false;
    return this.fruitless === 0 ? now : after(now, millis(this.wait(fraction) * 2 ** this.fruitless));
  }

  revived(fraction: number, now: Instant): void {
    this.dead = false;
    this.outstanding = undefined;
    this.dueAt = this.watches ? after(now, this.wait(fraction)) : NEVER;
  }

  /** What was sent over a connection that is no more is answered by nobody, and may not have reached it. */
  disconnected(): void {
    this.outstanding = undefined;
    this.unansweredAsks = 0;
    this.connectionStands = false;
  }

  /** A connection to it stands again. */
  connected(now: Instant): void {
    this.connectionStands = true;
    if (this.dead && this.settings.mode !== false) this.dueAt = now;
  }

  private get watches(): boolean {
    return this.settings.watchdog && this.settings.mode !== false;
  }

  private wait(fraction: number): Millis {
    const spread = 1 + JITTER * (fraction - 0.5);
    return millis(this.settings.interval * spread);
  }
}
