// Accounting-Requests: retried until they are acknowledged (RFC 5080 §2.2.1), in windows, from one queue.
//
// Each sending has a new identifier, since Acct-Delay-Time has grown (RFC 2866 §5.2). The reply to an earlier
// sending still counts while its identifier lingers: it proves delivery.
// A record that nobody answered goes to the *end* of the queue, so that one which the servers dislike cannot hold
// up the others; order within a session is the journal's affair, which has one record of it outstanding.
// Where no server is configured, all of it waits for a configuration that has one.
// Cost: what waits in the queue has no timer and no identifier, so ten thousand waiting records cost their memory.

import { Fifo } from '../base/fifo.ts';
import type { Decoded } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { CancelReason } from '../model/authorization.ts';
import { encodeAccountingRequest } from '../wire/radius.ts';
import { u32 } from '../wire/radius-attributes.ts';
import type { RadiusEffect, RequestRef } from './effects.ts';
import type { Exchange, Link } from './exchange.ts';
import { Exchanges } from './exchanges.ts';
import type { LinksSettings } from './links.ts';

const HIGHEST_U32 = 0xffffffff;

/** Whole seconds between the event and now (RFC 2866 §5.2). */
export function acctDelayTime(since: Instant, now: Instant): number {
  return Math.min(HIGHEST_U32, Math.max(0, Math.floor((now - since) / 1000)));
}

export class AccountingExchanges extends Exchanges {
  protected override readonly repeatsOctets = false;
  private readonly queue = new Fifo<Exchange>();

  constructor(settings: LinksSettings) {
    super('accounting', settings);
  }

  /** Where nobody can be asked for now, nothing else takes it out of the queue. */
  override cancel(ref: RequestRef, reason: CancelReason, now: Instant, out: RadiusEffect[]): void {
    if (!this.byRef.has(ref)) return;
    super.cancel(ref, reason, now, out);
    this.queue.drop(({ done }) => done);
  }

  protected override encode(
    { request }: Exchange,
    link: Link,
    { identifier, now }: { readonly identifier: number; readonly now: Instant },
  ): Decoded<Uint8Array> {
    const delay = request.kind === 'accounting' ? acctDelayTime(request.since, now) : 0;
    return encodeAccountingRequest({
      identifier,
      attributes: [...request.attributes, u32('Acct-Delay-Time', delay), ...this.nas],
      secret: link.server.secret,
    });
  }

  protected override next(exchange: Exchange, now: Instant, out: RadiusEffect[]): void {
    const { all } = this.links;
    if (all.length > 0 && all.every((link) => !this.mayAsk(exchange, link))) {
      this.giveUp(exchange, 'silent', now, out);
      return;
    }
    this.queue.push(exchange);
    this.resume(now, out);
  }

  protected override resume(now: Instant, out: RadiusEffect[]): void {
    for (;;) {
      const exchange = this.queue.first;
      if (exchange === undefined) return;
      if (!exchange.done) {
        if (now >= exchange.expiresAt) {
          this.queue.shift();
          this.giveUp(exchange, 'silent', now, out);
          continue;
        }
        const link = this.choose(exchange, now);
        if (link === undefined) return;
        this.queue.shift();
        this.visit(exchange, link, now, out);
      } else this.queue.shift();
    }
  }

  /** Undefined: wait for room. A living server is not passed over only because its window is full. */
  private choose(exchange: Exchange, now: Instant): Link | undefined {
    const candidates = this.links.all.filter((link) => this.mayAsk(exchange, link));
    // The server that has just let this record down comes last.
    const ordered = candidates.filter((link) => link !== exchange.last);
    if (exchange.last !== undefined && candidates.includes(exchange.last)) ordered.push(exchange.last);
    for (const link of ordered) {
      if (link.health.up) return link.window.open ? link : undefined;
      if (link.preferred(now) && link.window.open) return link;
    }
    return ordered.find((link) => link.window.open);
  }
}
