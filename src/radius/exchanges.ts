// All requests of one kind, from the asking to the answer: sending, matching replies, timeouts, giving up. What the
// two kinds do differently (which server next, what a retransmission looks like) is in access-exchanges.ts and
// accounting-exchanges.ts. They share nothing at run time, so a dead accounting server cannot delay a login.
//
// An exchange *visits* a server: two tries the first time, 2 s and 4 s after RFC 5080 §2.2.1, so one lost packet
// does not count as a lost server and the next one is asked after 6 s; five servers fit into serverTimeout. Each
// later visit is one try, with the timeouts to that server still doubling.
//
// A reply that does not verify is dropped and counted, and nothing else happens: it must not end the request that
// it claims to answer. An identifier stays taken until its answer came or for `lingerTime` after nobody waits for it.
// Work: O(servers) a request, O(log in flight) a timer, O(1) a reply; at most 512 timeouts a tick.

import type { Entropy } from '../base/entropy.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { after, earliest, type Instant, type Millis, millis, NEVER, seconds } from '../base/time.ts';
import { RADIUS_CODES, type RadiusPacket } from '../wire/radius.ts';
import type { OutgoingAttribute } from '../wire/radius-attributes.ts';
import { verifyResponse } from '../wire/radius-verify.ts';
import { type Deadline, DeadlineHeap, newDeadline } from './deadlines.ts';
import type {
  Datagram,
  NoAnswerReason,
  RadiusEffect,
  RadiusRequest,
  RequestKind,
  RequestRef,
  ServerIndex,
} from './effects.ts';
import { Fifo } from './fifo.ts';
import { nextTimeout } from './retransmission.ts';
import { type Attempt, ServerLink, type ServerStatistics } from './server-link.ts';
import type { RadiusSettings, RetransmissionSettings } from './settings.ts';

export const FIRST_VISIT_TRIES = 2;
const TIMEOUTS_PER_TICK = 512;
/** An answer that is later than this is nobody's. */
const SHORTEST_LINGER = seconds(30);
const AUTHENTICATOR_AT = 4;
const ATTRIBUTES_AT = 20;

export type Link = ServerLink<Exchange>;

/** What one exchange has done with one server. */
export interface Track {
  visits: number;
  sends: number;
  timeout?: Millis;
  /** The last packet that went to it. */
  attempt?: Attempt<Exchange>;
}

/** Where the exchange is now. */
export interface Visit {
  readonly link: Link;
  triesLeft: number;
  /** First sending of this visit; absent if no identifier was free. */
  since?: Instant;
}

export interface Exchange {
  readonly deadline: Deadline;
  readonly request: RadiusRequest;
  /** Start plus MRD. */
  readonly expiresAt: Instant;
  readonly tracks: Map<ServerIndex, Track>;
  visit: Visit | undefined;
  /** The server that was visited last. */
  last: Link | undefined;
  /** Answered, given up or cancelled: later answers only prove that a server lives. */
  done: boolean;
}

interface Reply {
  readonly link: Link;
  readonly attempt: Attempt<Exchange>;
  readonly packet: RadiusPacket;
}

export interface ExchangesSettings {
  readonly radius: RadiusSettings;
  /** NAS-Identifier, NAS-IP-Address, NAS-IPv6-Address: part of every request. */
  readonly nas: readonly OutgoingAttribute[];
  readonly entropy: Entropy;
}

export abstract class Exchanges {
  protected readonly links: readonly Link[];
  protected readonly retransmission: RetransmissionSettings;
  protected readonly nas: readonly OutgoingAttribute[];
  protected readonly entropy: Entropy;
  private readonly byRef = new Map<RequestRef, Exchange>();
  private readonly timers = new DeadlineHeap<Exchange>();
  private readonly lingering = new Fifo<{ at: Instant; link: Link; attempt: Attempt<Exchange> }>();
  private readonly lingerTime: Millis;

  constructor(
    readonly kind: RequestKind,
    { radius, nas, entropy }: ExchangesSettings,
  ) {
    this.retransmission = radius[kind];
    this.nas = nas;
    this.entropy = entropy;
    this.lingerTime = millis(Math.max(SHORTEST_LINGER, 2 * this.retransmission.mrt));
    // A canary is judged after its first visit: IRT and twice IRT, each up to a tenth longer.
    const trialTime = millis(this.retransmission.irt * 3.5);
    const { deadTime } = radius;
    this.links = radius.servers.map(
      (server, index) => new ServerLink<Exchange>({ index, kind, server, deadTime, trialTime }),
    );
  }

  /** A retransmission is the same packet; else it is a new one, with an identifier of its own. */
  protected abstract readonly repeatsOctets: boolean;

  /** The octets of this exchange's next packet to `link`. */
  protected abstract encode(
    exchange: Exchange,
    link: Link,
    sending: { readonly identifier: number; readonly now: Instant },
  ): Decoded<Uint8Array>;

  /** The exchange is at no server now: find it one, let it wait, or give up. */
  protected abstract next(exchange: Exchange, now: Instant, out: RadiusEffect[]): void;

  /** Room may have been made: something was answered, ended, or its time came. */
  protected abstract resume(now: Instant, out: RadiusEffect[]): void;

  /** Requests that are neither answered nor given up. */
  get pending(): number {
    return this.byRef.size;
  }

  /** At least one server is not dead. */
  get reachable(): boolean {
    return this.links.some((link) => link.health.up);
  }

  get trialAt(): Instant {
    return this.links.reduce((at, link) => earliest(at, link.health.trialAt), NEVER);
  }

  request(request: RadiusRequest, now: Instant, out: RadiusEffect[]): void {
    this.cancel(request.ref, now, out);
    const { mrd } = this.retransmission;
    const exchange: Exchange = {
      deadline: newDeadline(),
      request,
      expiresAt: mrd > 0 ? after(now, mrd) : NEVER,
      tracks: new Map(),
      visit: undefined,
      last: undefined,
      done: false,
    };
    this.byRef.set(request.ref, exchange);
    if (this.links.length === 0) this.giveUp(exchange, 'no-server', now, out);
    else this.next(exchange, now, out);
  }

  /** Nobody wants the answer any more. Its identifiers stay taken for as long as an answer may come. */
  cancel(ref: RequestRef, now: Instant, out: RadiusEffect[]): boolean {
    const exchange = this.byRef.get(ref);
    if (exchange === undefined) return false;
    this.finish(exchange, now);
    this.resume(now, out);
    return true;
  }

  handleDatagram(datagram: Datagram, now: Instant, out: RadiusEffect[]): void {
    const examined = this.examine(datagram);
    if (!examined.ok) {
      const { reason, detail } = examined.error;
      this.links[datagram.socket.server]?.counters.add(`dropped_${reason.replaceAll('-', '_')}`);
      out.push({ type: 'dropped', kind: this.kind, reason, detail });
      return;
    }
    const { link, attempt, packet } = examined.value;
    const { exchange } = attempt;
    link.measure(attempt, now);
    link.close(attempt);
    link.window.answered();
    if (link.health.answered(now)) out.push(this.serverState(link, true));
    link.counters.add(exchange.done ? 'late_answers' : 'answers');
    if (!exchange.done) {
      this.finish(exchange, now);
      out.push({ type: 'answer', kind: this.kind, ref: exchange.request.ref, packet, server: link.index });
    }
    this.resume(now, out);
  }

  /** Finds the request that this may answer, and believes nothing else of it before the secret has spoken. */
  private examine({ socket, from, bytes }: Datagram): Decoded<Reply> {
    const link = this.links[socket.server];
    if (link === undefined) return malformed('socket', `no server ${socket.server}`);
    if (!link.isFrom(from)) return malformed('source', `from ${from.address} port ${from.port}`);
    if (bytes.length < ATTRIBUTES_AT) return malformed('short', `${bytes.length} octets`);
    const attempt = link.attemptAt(socket.n, bytes[1] ?? 0);
    if (attempt === undefined) return malformed('no-request', `identifier ${bytes[1]}`);
    const verified = verifyResponse({
      packetBytes: bytes,
      request: {
        code: RADIUS_CODES[this.kind === 'access' ? 'Access-Request' : 'Accounting-Request'],
        identifier: link.identifier(attempt.slot),
        authenticator: attempt.bytes.subarray(AUTHENTICATOR_AT, ATTRIBUTES_AT),
      },
      secret: link.server.secret,
      requireMessageAuthenticator: this.kind === 'access' && link.server.requireMessageAuthenticator,
    });
    return verified.ok ? ok({ link, attempt, packet: verified.value }) : verified;
  }

  tick(now: Instant, out: RadiusEffect[]): void {
    this.expire(now);
    for (let turn = 0; turn < TIMEOUTS_PER_TICK; turn++) {
      const exchange = this.timers.popDue(now);
      if (exchange === undefined) break;
      this.timedOut(exchange, now, out);
    }
    this.resume(now, out);
  }

  pollAt(): Instant {
    return earliest(this.timers.next, this.lingering.first?.at ?? NEVER);
  }

  nameOf(server: ServerIndex): string {
    return this.links[server]?.name ?? `server ${server}`;
  }

  statistics(): ServerStatistics[] {
    return this.links.map((link) => link.statistics());
  }

  /** False once MRC sendings were repeated to this server. */
  protected mayAsk(exchange: Exchange, link: Link): boolean {
    const { mrc } = this.retransmission;
    return mrc === 0 || (exchange.tracks.get(link.index)?.sends ?? 0) <= mrc;
  }

  protected visitsTo(exchange: Exchange, link: Link): number {
    return exchange.tracks.get(link.index)?.visits ?? 0;
  }

  protected visit(exchange: Exchange, link: Link, now: Instant, out: RadiusEffect[]): void {
    const track = exchange.tracks.get(link.index) ?? { visits: 0, sends: 0 };
    exchange.tracks.set(link.index, track);
    exchange.visit = { link, triesLeft: track.visits === 0 ? FIRST_VISIT_TRIES : 1 };
    exchange.last = link;
    track.visits++;
    link.window.enter();
    link.health.chosen(now);
    this.transmit(exchange, exchange.visit, track, now, out);
  }

  protected giveUp(exchange: Exchange, reason: NoAnswerReason, now: Instant, out: RadiusEffect[]): void {
    const at = exchange.visit?.link ?? exchange.last;
    const alternative = this.links.some((link) => link !== at && link.health.up);
    this.finish(exchange, now);
    out.push({ type: 'no-answer', kind: this.kind, ref: exchange.request.ref, reason, alternative });
  }

  private transmit(exchange: Exchange, visit: Visit, track: Track, now: Instant, out: RadiusEffect[]): void {
    const { link } = visit;
    visit.triesLeft--;
    track.timeout = nextTimeout(this.retransmission, track.timeout, this.entropy.fraction());
    this.timers.set(exchange, earliest(after(now, track.timeout), exchange.expiresAt));
    const attempt = this.attemptFor(exchange, link, track, now);
    if (attempt === 'no-identifier') {
      link.counters.add('no_identifier');
      return;
    }
    if (attempt === undefined) {
      this.giveUp(exchange, 'unencodable', now, out);
      return;
    }
    attempt.sends++;
    visit.since ??= now;
    track.attempt = attempt;
    link.counters.add(track.sends++ === 0 ? 'requests' : 'retransmissions');
    const { address } = link.server;
    out.push({
      type: 'send',
      socket: link.socket(attempt.slot),
      address,
      port: link.port,
      bytes: attempt.bytes,
    });
  }

  /** What goes out next: the same octets again, or a packet of its own for each sending (accounting). */
  private attemptFor(
    exchange: Exchange,
    link: Link,
    track: Track,
    now: Instant,
  ): Attempt<Exchange> | 'no-identifier' | undefined {
    if (track.attempt !== undefined) {
      if (this.repeatsOctets) return track.attempt;
      this.linger(link, track.attempt, now);
    }
    const slot = link.acquire();
    if (slot === undefined) return 'no-identifier';
    const encoded = this.encode(exchange, link, { identifier: link.identifier(slot), now });
    if (!encoded.ok) {
      link.abandon(slot);
      return undefined;
    }
    const attempt = { exchange, slot, bytes: encoded.value, sentAt: now, sends: 0 };
    link.open(attempt);
    return attempt;
  }

  private timedOut(exchange: Exchange, now: Instant, out: RadiusEffect[]): void {
    const { visit } = exchange;
    if (visit === undefined) return;
    const { link } = visit;
    link.counters.add('timeouts');
    link.window.timedOut(now);
    const track = exchange.tracks.get(link.index);
    const over = now >= exchange.expiresAt;
    if (!over && track !== undefined && visit.triesLeft > 0 && this.mayAsk(exchange, link)) {
      this.transmit(exchange, visit, track, now, out);
      return;
    }
    this.leave(exchange);
    if (!this.repeatsOctets && track?.attempt !== undefined) {
      // The next sending is another packet, and may be hours away.
      this.linger(link, track.attempt, now);
      delete track.attempt;
    }
    // Judged only when all its tries are used up: a server asked just before MRD is not dead for that.
    if (visit.triesLeft <= 0 && visit.since !== undefined && link.health.silent(visit.since, now)) {
      link.window.died();
      out.push(this.serverState(link, false));
    }
    if (over) this.giveUp(exchange, 'silent', now, out);
    else this.next(exchange, now, out);
  }

  /** Answered, given up or cancelled; what is still on the wire lingers. */
  private finish(exchange: Exchange, now: Instant): void {
    exchange.done = true;
    this.byRef.delete(exchange.request.ref);
    this.leave(exchange);
    for (const [index, { attempt }] of exchange.tracks) {
      const link = this.links[index];
      if (link !== undefined && attempt !== undefined) this.linger(link, attempt, now);
    }
  }

  /** Nobody waits for it any more, but its answer may still come: until then its identifier is taken. */
  private linger(link: Link, attempt: Attempt<Exchange>, now: Instant): void {
    if (link.isOpen(attempt)) this.lingering.push({ at: after(now, this.lingerTime), link, attempt });
  }

  private leave(exchange: Exchange): void {
    this.timers.remove(exchange);
    exchange.visit?.link.window.leave();
    exchange.visit = undefined;
  }

  private expire(now: Instant): void {
    for (;;) {
      const first = this.lingering.first;
      if (first === undefined || first.at > now) return;
      this.lingering.shift();
      first.link.close(first.attempt);
    }
  }

  private serverState(link: Link, up: boolean): RadiusEffect {
    return { type: 'server-state', server: link.index, kind: this.kind, up };
  }
}
