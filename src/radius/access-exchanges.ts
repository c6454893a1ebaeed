// Access-Requests: the order of servers, the loyalty of a conversation, and the end of patience.
//
// A retransmission is octet-identical, with the same identifier (RFC 5080 §2.2.2), also when the request comes back
// to a server after others were asked. Until the end every server that was asked may still answer, and the first
// answer counts.

import type { Decoded } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import { encodeAccessRequest } from '../wire/radius.ts';
import type { RadiusEffect } from './effects.ts';
import type { Exchange, Link } from './exchange.ts';
import { Exchanges, FIRST_VISIT_TRIES } from './exchanges.ts';
import type { LinksSettings } from './links.ts';
import { REQUEST_AUTHENTICATOR_LENGTH } from './server-link.ts';

/**
 * Sendings to the server of a conversation before it is given up while another server lives: 2 + 4 + 8 s. The
 * client can begin anew elsewhere then, instead of waiting out MRD for a State that only the dead server knew.
 */
const LOYAL_SENDS = FIRST_VISIT_TRIES + 1;

export class AccessExchanges extends Exchanges {
  protected override readonly repeatsOctets = true;

  constructor(settings: LinksSettings) {
    super('access', settings);
  }

  protected override encode(
    { request }: Exchange,
    link: Link,
    { identifier }: { readonly identifier: number },
  ): Decoded<Uint8Array> {
    return encodeAccessRequest({
      identifier,
      authenticator: this.entropy.bytes(REQUEST_AUTHENTICATOR_LENGTH),
      attributes: [...request.attributes, ...this.nas],
      secret: link.server.secret,
    });
  }

  protected override next(exchange: Exchange, now: Instant, out: RadiusEffect[]): void {
    const link = this.isOrphaned(exchange) ? undefined : this.choose(exchange, now);
    if (link === undefined) this.giveUp(exchange, 'silent', now, out);
    else this.visit(exchange, link, now, out);
  }

  protected override resume(): void {
    // Nothing waits: every Access-Request is on the wire from the start.
  }

  /** The least visited server first, of those one that is up, of those the first in the configuration. */
  private choose(exchange: Exchange, now: Instant): Link | undefined {
    const loyalTo = this.loyalTo(exchange);
    if (loyalTo !== undefined) return this.patient(exchange, loyalTo) ? loyalTo : undefined;
    let best: Link | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const link of this.links.all) {
      if (!this.mayAsk(exchange, link)) continue;
      const rank = 2 * this.visitsTo(exchange, link) + (link.preferred(now) ? 0 : 1);
      if (rank >= bestRank) continue;
      best = link;
      bestRank = rank;
    }
    return best;
  }

  /** The server that knows its State is in the configuration no more. */
  private isOrphaned({ request }: Exchange): boolean {
    const hint = request.kind === 'access' ? request.serverHint : undefined;
    return hint !== undefined && this.links.of(hint) === undefined;
  }

  private loyalTo({ request }: Exchange): Link | undefined {
    const hint = request.kind === 'access' ? request.serverHint : undefined;
    return hint === undefined ? undefined : this.links.of(hint);
  }

  private patient(exchange: Exchange, loyalTo: Link): boolean {
    if (!this.mayAsk(exchange, loyalTo)) return false;
    if (!this.links.all.some((link) => link !== loyalTo && link.health.up)) return true;
    // Whose connection cannot be made, or is silent, will not hear the rest either.
    if (loyalTo.reliable && !loyalTo.health.up) return false;
    return (exchange.tracks.get(loyalTo.index)?.sends ?? 0) < LOYAL_SENDS;
  }
}
