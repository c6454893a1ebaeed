// All requests of one kind, from the asking to the answer: sending, matching replies, timeouts, giving up. What the
// two kinds do differently (which server next, what a retransmission looks like) is in access-exchanges.ts and
// accounting-exchanges.ts. They share nothing at run time, so a dead accounting server cannot delay a login.
//
// An exchange *visits* a server: two tries the first time, 2 s and 4 s after RFC 5080 §2.2.1, so one lost packet
// does not count as a lost server and the next one is asked after 6 s; five servers fit into serverTimeout. Each
// later visit is one try, with the timeouts to that server still doubling.
//
// A reply that does not verify is dropped and counted, and over UDP nothing else happens: it must not end the request that
// it claims to answer. A connection it ends (replies.ts), and what waits there is asked elsewhere, or anew: the server has
// spoken, so that is no silence. An identifier stays taken until its answer came, or nobody expects it (lingering.ts).
// Work: O(servers) a request, O(log in flight) a timer, O(1) a reply; at most 512 timeouts a tick.

import type { Entropy } from '../base/entropy.ts';
import type { Ip } from '../base/ip.ts';
import type { Decoded } from '../base/result.ts';
import { after, earliest, type Instant, type Millis, millis, NEVER } from '../base/time.ts';
import type { CancelReason } from '../model/authorization.ts';
import type { OutgoingAttribute } from '../wire/radius-attributes.ts';
import { DeadlineHeap, newDeadline } from './deadlines.ts';
import type {
  ConnectionEvent,
  Datagram,
  NoAnswerReason,
  RadiusEffect,
  RadiusRequest,
  RequestRef,
  ServerIndex,
} from './effects.ts';
import type { Exchange, Link, Track, Visit } from './exchange.ts';
import { Lingering } from './lingering.ts';
import { Links, type LinksSettings, type LostConnection, type SameServer } from './links.ts';
import { endsConnection, examineReply, REPLY_COUNTERS } from './replies.ts';
import { nextTimeout } from './retransmission.ts';
import type { Attempt, ServerStatistics } from './server-link.ts';
import type { RadiusSettings, RequestKind, RetransmissionSettings } from './settings.ts';

export const FIRST_VISIT_TRIES = 2;
const TIMEOUTS_PER_TICK = 512;

export abstract class Exchanges {
  protected readonly links: Links<Exchange>;
  protected retransmission: RetransmissionSettings;
  protected readonly nas: readonly OutgoingAttribute[];
  protected readonly entropy: Entropy;
  protected readonly byRef = new Map<RequestRef, Exchange>();
  private readonly timers = new DeadlineHeap<Exchange>();
  private readonly lingering: Lingering;

  constructor(
    readonly kind: RequestKind,
    settings: LinksSettings,
  ) {
    const { radius, nas, entropy } = settings;
    this.retransmission = radius[kind];
    this.nas = nas;
    this.entropy = entropy;
    this.lingering = new Lingering(this.retransmission);
    this.links = new Links<Exchange>(kind, settings, (...lost) => this.abandon(...lost));
  }

  /** Another configuration: what waits for a server that is in it no more is asked elsewhere. */
  configure(radius: RadiusSettings, same: SameServer, now: Instant, out: RadiusEffect[]): void {
    this.retransmission = radius[this.kind];
    this.lingering.configure(this.retransmission);
    for (const link of this.links.configure(radius, same)) {
      for (const socket of link.openSockets) {
        out.push({ type: 'disconnect', socket });
        this.abandon({ link, n: socket.n, because: 'closed' }, now, out);
      }
    }
    this.resume(now, out);
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

  get reachable(): boolean {
    return this.links.reachable;
  }

  get answering(): boolean {
    return this.links.answering;
  }

  get trialAt(): Instant {
    return this.links.trialAt;
  }

  request(request: RadiusRequest, now: Instant, out: RadiusEffect[]): void {
    this.cancel(request.ref, 'void', now, out);
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
    this.next(exchange, now, out);
  }

  /** Nobody wants the answer any more. Its identifiers stay taken for as long as an answer may come. */
  cancel(ref: RequestRef, reason: CancelReason, now: Instant, out: RadiusEffect[]): void {
    const exchange = this.byRef.get(ref);
    if (exchange === undefined) return;
    const { visit } = exchange;
    this.finish(exchange, now);
    if (visit !== undefined && reason === 'unanswered') this.cutShort(exchange, visit, now, out);
    this.resume(now, out);
  }

  handleDatagram(datagram: Datagram, now: Instant, out: RadiusEffect[]): void {
    const { server } = datagram.socket;
    const link = this.links.of(server);
    if (link === undefined) {
      out.push({ type: 'dropped', kind: this.kind, reason: 'socket', detail: `no server ${server}` });
      return;
    }
    const examined = examineReply(link, datagram);
    if (!examined.ok) {
      const { reason, detail } = examined.error;
      link.counters.add(`dropped_${reason.replaceAll('-', '_')}`);
      out.push({ type: 'dropped', kind: this.kind, reason, detail });
      if (link.reliable) link.health.spoke(now);
      if (endsConnection(link, datagram, reason)) {
        link.counters.add('connection_invalid');
        out.push({ type: 'disconnect', socket: datagram.socket, because: `${reason}: ${detail}` });
        this.lost({ link, n: datagram.socket.n, because: 'invalid' }, now, out);
      }
      return;
    }
    const { attempt, packet } = examined.value;
    if (attempt === undefined) {
      this.links.statusAnswered(link, now, out);
      this.resume(now, out);
      return;
    }
    const { exchange } = attempt;
    link.measure(attempt, now);
    link.close(attempt);
    link.window.answered();
    this.links.served(link, now, out);
    link.counters.add(exchange.done ? 'late_answers' : 'answers');
    const counted = REPLY_COUNTERS.get(packet.code);
    if (counted !== undefined) link.counters.add(counted);
    if (!exchange.done) {
      this.finish(exchange, now);
      out.push({ type: 'answer', kind: this.kind, ref: exchange.request.ref, packet, server: link.index });
    }
    this.resume(now, out);
  }

  /** A connection stands, or is no more: what waited on it is asked elsewhere, or anew. */
  handleConnection(event: ConnectionEvent, now: Instant, out: RadiusEffect[]): void {
    const link = this.links.of(event.socket.server);
    if (link === undefined) return;
    if (event.state === 'open') {
      link.counters.add('connections');
      link.health.connected(now);
      link.status.connected(now);
      return;
    }
    link.counters.add(`connection_${event.reason.replaceAll('-', '_')}`);
    if (!event.wasOpen) this.links.failed(link, event.detail, now, out);
    const because = event.reason === 'framing' ? 'invalid' : 'closed';
    this.lost({ link, n: event.socket.n, because }, now, out);
  }

  private lost(connection: LostConnection<Exchange>, now: Instant, out: RadiusEffect[]): void {
    if (connection.because === 'invalid') connection.link.health.interrupted();
    this.abandon(connection, now, out);
    this.resume(now, out);
  }

  tick(now: Instant, out: RadiusEffect[]): void {
    this.lingering.expire(now);
    this.links.tick(now, out);
    for (let turn = 0; turn < TIMEOUTS_PER_TICK; turn++) {
      const exchange = this.timers.popDue(now);
      if (exchange === undefined) break;
      this.timedOut(exchange, now, out);
    }
    this.resume(now, out);
  }

  pollAt(): Instant {
    const next = earliest(this.timers.next, this.lingering.pollAt());
    return earliest(next, this.links.pollAt());
  }

  serverAt(address: Ip): ServerIndex | undefined {
    return this.links.at(address)?.index;
  }

  nameOf(server: ServerIndex): string {
    return this.links.nameOf(server);
  }

  statistics(): ServerStatistics[] {
    return this.links.statistics();
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
    const tries = track.visits === 0 && !link.reliable ? FIRST_VISIT_TRIES : 1;
    exchange.visit = { link, tries, triesLeft: tries };
    exchange.last = link;
    track.visits++;
    link.window.enter();
    link.health.chosen(now);
    this.transmit(exchange, exchange.visit, track, now, out);
  }

  protected giveUp(exchange: Exchange, reason: NoAnswerReason, now: Instant, out: RadiusEffect[]): void {
    this.finish(exchange, now);
    out.push({ type: 'no-answer', kind: this.kind, ref: exchange.request.ref, reason });
  }

  private transmit(exchange: Exchange, visit: Visit, track: Track, now: Instant, out: RadiusEffect[]): void {
    const { link } = visit;
    visit.triesLeft--;
    track.timeout = this.timeout(link, track);
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
    visit.since ??= now;
    if (link.reliable && attempt.sends > 0) return;
    attempt.sends++;
    track.attempt = attempt;
    link.counters.add(track.sends++ === 0 ? 'requests' : 'retransmissions');
    out.push(link.send(link.socket(attempt.slot), attempt.bytes));
  }

  /** Where nothing is sent twice, one sending is waited for as long as elsewhere two. */
  private timeout(link: Link, { timeout: previous }: Track): Millis {
    const next = nextTimeout(this.retransmission, previous, this.entropy.fraction());
    return link.reliable && previous === undefined ? millis(3 * next) : next;
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
      this.lingering.add(link, track.attempt, now);
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
      this.lingering.add(link, track.attempt, now);
      delete track.attempt;
    }
    if (over) {
      this.cutShort(exchange, visit, now, out);
      this.giveUp(exchange, 'silent', now, out);
      return;
    }
    // Of one that MRC cuts short nothing follows.
    if (visit.triesLeft <= 0) this.unheard(exchange, visit, now, out);
    this.next(exchange, now, out);
  }

  /**
   * MRD, or the patience of whoever asked, ends the visit before its tries are used up. A server that was asked after others,
   * and just before the end, is not dead for that; it is if it had all the time that there was, or let one timeout pass: else
   * a patience that is shorter than a visit would keep every request at the same silent server.
   */
  private cutShort(exchange: Exchange, visit: Visit, now: Instant, out: RadiusEffect[]): void {
    const sendings = visit.tries - visit.triesLeft;
    if (exchange.tracks.size === 1 || sendings > 1) this.unheard(exchange, visit, now, out);
  }

  private unheard({ request }: Exchange, { link, since }: Visit, now: Instant, out: RadiusEffect[]): void {
    const origin = request.kind === 'access' ? request.origin : undefined;
    if (since !== undefined) this.links.silent(link, { since, origin }, now, out);
  }

  /** Answered, given up or cancelled; what is still on the wire lingers. */
  private finish(exchange: Exchange, now: Instant): void {
    exchange.done = true;
    this.byRef.delete(exchange.request.ref);
    this.leave(exchange);
    for (const [index, { attempt }] of exchange.tracks) {
      const link = this.links.of(index);
      if (link !== undefined && attempt !== undefined) this.lingering.add(link, attempt, now);
    }
  }

  private leave(exchange: Exchange): void {
    this.timers.remove(exchange);
    exchange.visit?.link.window.leave();
    exchange.visit = undefined;
  }

  private abandon(connection: LostConnection<Exchange>, now: Instant, out: RadiusEffect[]): void {
    const { link, n, because } = connection;
    for (const attempt of link.disconnected(n)) {
      const { exchange } = attempt;
      const track = exchange.tracks.get(link.index);
      if (track?.attempt === attempt) delete track.attempt;
      const { visit } = exchange;
      if (exchange.done || visit?.link !== link) continue;
      this.leave(exchange);
      // A server that closes what it was asked over, and has answered nothing since, is as good as silent.
      if (because !== 'invalid') this.unheard(exchange, visit, now, out);
      if (now >= exchange.expiresAt) this.giveUp(exchange, 'silent', now, out);
      else this.next(exchange, now, out);
    }
  }
}
