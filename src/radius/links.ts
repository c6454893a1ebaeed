// The servers for one kind of request, and whether each is there: what makes one dead, what brings it back, and
// Status-Server, which asks. Who is asked next is not decided here (access-exchanges.ts, accounting-exchanges.ts).

import type { Entropy } from '../base/entropy.ts';
import type { Ip } from '../base/ip.ts';
import { earliest, type Instant, millis, NEVER } from '../base/time.ts';
import { encodeStatusServer } from '../wire/radius.ts';
import type { OutgoingAttribute } from '../wire/radius-attributes.ts';
import type { RadiusEffect, ServerIndex } from './effects.ts';
import { REQUEST_AUTHENTICATOR_LENGTH, ServerLink, type ServerStatistics } from './server-link.ts';
import type { RadiusServer, RadiusSettings, RequestKind } from './settings.ts';

export interface LinksSettings {
  readonly radius: RadiusSettings;
  /** NAS-Identifier, NAS-IP-Address, NAS-IPv6-Address: part of every request. */
  readonly nas: readonly OutgoingAttribute[];
  readonly entropy: Entropy;
}

export type SameServer = (before: RadiusServer, after: RadiusServer) => boolean;

/** Nothing that was sent over it will be answered. */
export interface LostConnection<Exchange> {
  readonly link: ServerLink<Exchange>;
  readonly n: number;
  /** `invalid`: the server said something over it that cannot be believed. `closed`: it, or we, ended it otherwise. */
  readonly because: 'invalid' | 'closed';
}

/** What was sent over it is to be asked elsewhere, or anew. */
type Abandon<Exchange> = (lost: LostConnection<Exchange>, now: Instant, out: RadiusEffect[]) => void;

/** A request first sent at `since`, for a client of this port, if for any. */
interface Unheard {
  readonly since: Instant;
  readonly origin?: string | undefined;
  /** It was Status-Server: no request has timed out. */
  readonly ofStatus?: boolean;
}

export class Links<Exchange> {
  private ordered: readonly ServerLink<Exchange>[] = [];
  private byIndex: ReadonlyMap<ServerIndex, ServerLink<Exchange>> = new Map();
  /** Of a server that another configuration brings. */
  private nextIndex: ServerIndex = 0;
  private readonly nas: readonly OutgoingAttribute[];
  private readonly entropy: Entropy;

  constructor(
    private readonly kind: RequestKind,
    { radius, nas, entropy }: LinksSettings,
    private readonly abandon: Abandon<Exchange>,
  ) {
    this.nas = nas;
    this.entropy = entropy;
    this.configure(radius, () => false);
  }

  /**
   * Another configuration: a server that is the same in it keeps its identifiers, its health and its figures, wherever it
   * stands in the list. Returns those that are in it no more.
   */
  configure(radius: RadiusSettings, same: SameServer): readonly ServerLink<Exchange>[] {
    const { kind } = this;
    const { deadTime, statusInterval } = radius;
    const { irt } = radius[kind];
    // A canary is judged after its first visit: IRT and twice IRT, each up to a tenth longer.
    const times = { deadTime, statusInterval, trialTime: millis(irt * 3.5), leastSilence: irt };
    const before = new Set(this.ordered);
    const links: ServerLink<Exchange>[] = [];
    for (const server of radius.servers) {
      const index = this.nextIndex++;
      if (!server.use.includes(kind)) continue;
      const known = [...before].find((link) => same(link.server, server));
      if (known === undefined) links.push(new ServerLink<Exchange>({ index, kind, server, ...times }));
      else {
        before.delete(known);
        known.configure(times);
        links.push(known);
      }
    }
    this.ordered = links;
    this.byIndex = new Map(links.map((link) => [link.index, link]));
    return [...before];
  }

  /** In order of preference. */
  get all(): readonly ServerLink<Exchange>[] {
    return this.ordered;
  }

  of(index: ServerIndex): ServerLink<Exchange> | undefined {
    return this.byIndex.get(index);
  }

  /** The first one at this address. */
  at(address: Ip): ServerLink<Exchange> | undefined {
    return this.all.find((link) => link.isAt(address));
  }

  /** At least one server may be there: it is not certain that all of them are dead. */
  get reachable(): boolean {
    return this.all.some((link) => !link.certainlyDead);
  }

  /** At least one server is not dead, as far as anybody can tell. */
  get answering(): boolean {
    return this.all.some((link) => link.health.up);
  }

  get trialAt(): Instant {
    return this.all.reduce((at, link) => earliest(at, link.trialAt), NEVER);
  }

  nameOf(server: ServerIndex): string {
    return this.of(server)?.name ?? `server ${server}`;
  }

  statistics(): ServerStatistics[] {
    return this.all.map((link) => link.statistics());
  }

  pollAt(): Instant {
    return this.all.reduce((at, link) => earliest(at, link.status.pollAt()), NEVER);
  }

  /** Sends what Status-Server is due. */
  tick(now: Instant, out: RadiusEffect[]): void {
    for (const link of this.all) if (link.status.pollAt() <= now) this.askStatus(link, now, out);
  }

  /** A verified answer to a request. */
  served(link: ServerLink<Exchange>, now: Instant, out: RadiusEffect[]): void {
    link.status.served(this.entropy.fraction(), now);
    this.answered(link, 'it answered a request', now, out);
  }

  /** A verified answer to a Status-Server. */
  statusAnswered(link: ServerLink<Exchange>, now: Instant, out: RadiusEffect[]): void {
    link.counters.add('status_answers');
    if (link.status.answered(this.entropy.fraction(), now))
      this.answered(link, 'it answered Status-Server', now, out);
    else link.health.spoke(now);
  }

  /** A request has used up its tries. */
  silent(link: ServerLink<Exchange>, unheard: Unheard, now: Instant, out: RadiusEffect[]): void {
    const { since, origin, ofStatus = false } = unheard;
    if (this.of(link.index) !== link || !link.health.silent(since, now, origin)) return;
    this.died(link, { because: 'no answer', ofRequest: !ofStatus }, now, out);
    // A connection may be dead without a word: the next one is made anew.
    if (!link.reliable) return;
    for (let n = 0; n < link.sockets; n++) {
      out.push({ type: 'disconnect', socket: { server: link.index, kind: this.kind, n } });
      this.abandon({ link, n, because: 'closed' }, now, out);
    }
  }

  /** A connection to it could not be made. */
  failed(link: ServerLink<Exchange>, detail: string, now: Instant, out: RadiusEffect[]): void {
    if (link.health.failed(now)) this.died(link, { because: detail, ofRequest: false }, now, out);
  }

  private answered(link: ServerLink<Exchange>, because: string, now: Instant, out: RadiusEffect[]): void {
    if (!link.health.answered(now)) return;
    link.status.revived(this.entropy.fraction(), now);
    out.push({ type: 'server-state', server: link.index, kind: this.kind, up: true, because });
  }

  private died(
    link: ServerLink<Exchange>,
    { because, ofRequest }: { readonly because: string; readonly ofRequest: boolean },
    now: Instant,
    out: RadiusEffect[],
  ): void {
    link.window.died();
    link.status.died(ofRequest, this.entropy.fraction(), now);
    out.push({ type: 'server-state', server: link.index, kind: this.kind, up: false, because });
  }

  private askStatus(link: ServerLink<Exchange>, now: Instant, out: RadiusEffect[]): void {
    const { pending } = link.status;
    if (pending !== undefined && link.health.up && link.status.speaks) {
      this.silent(link, { since: pending.sentAt, ofStatus: true }, now, out);
      if (!link.health.up) return;
    }
    const { identifier, authenticator } = link.status.next(
      this.entropy.bytes(REQUEST_AUTHENTICATOR_LENGTH),
      this.entropy.fraction(),
      now,
    );
    if (link.status.isSilent) link.health.confirm();
    const { secret } = link.server;
    const encoded = encodeStatusServer({ identifier, authenticator, attributes: this.nas, secret });
    if (!encoded.ok) return;
    link.counters.add('status_requests');
    out.push(link.send(link.statusSocket, encoded.value));
  }
}
