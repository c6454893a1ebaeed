// The accounting server for VPN concentrators (RFC 2866): datagrams in, what they say of their users and replies out. Pure.
//
// In this order, and nothing of a packet is believed before its turn: a listed client by its source address, lengths, Request
// Authenticator (RFC 2866 §3), Message-Authenticator where there is one; a duplicate (its first answer again); what it says.
// What is not believed, or makes no sense, is dropped without an answer and counted by reason. What is left is told to the
// agent, once; `answer` when it is done, `forget` where it could not be: the concentrator then tells it again.
//
// A duplicate has the source address, port, Identifier and octets of one of the last half minute (RFC 2866 §2, RFC 5080 §2.2.2).
// The On of a second boot may have the octets of the first one's: On and Off count as duplicates for some seconds only, and
// are done again after that, which does no harm.
//
// Costs of a forged packet: a lookup, or one MD5 of its length; nothing is kept of it. Bound: the newest `REMEMBERED` answers.

import { toHex } from '../base/bytes.ts';
import type { Ip } from '../base/ip.ts';
import { after, type Instant, NEVER, seconds } from '../base/time.ts';
import { encodeReply, RADIUS_CODES, type RadiusPacket, radiusCodeName } from '../wire/radius.ts';
import { verifyAccountingOrDynamicRequest } from '../wire/radius-verify.ts';
import { type ClientDatagram, type ListedClient, ListedClients } from './listed-clients.ts';
import { readNotice, type SsoNotice } from './sso-notice.ts';

export type SsoRef = number;

export type SsoEffect =
  | { readonly type: 'notice'; readonly ref: SsoRef; readonly client: Ip; readonly notice: SsoNotice }
  | { readonly type: 'send'; readonly address: string; readonly port: number; readonly bytes: Uint8Array }
  /** Not answered, unless with an answer of before. */
  | { readonly type: 'dropped'; readonly reason: string; readonly detail: string };

interface Pending {
  readonly key: string;
  readonly packet: RadiusPacket;
  readonly client: ListedClient;
  readonly address: string;
  readonly port: number;
  readonly kind: SsoNotice['kind'];
}

interface Answer {
  /** Undefined while what was told is being done. */
  readonly reply: Uint8Array | undefined;
  readonly until: Instant;
}

const REMEMBERED = 4096;
const KEPT = seconds(30);
/** Shorter than any start of a concentrator, longer than a network keeps a packet. */
const KEPT_OF_ALL = seconds(5);

export class SsoServer {
  private readonly pending = new Map<SsoRef, Pending>();
  /** Oldest first. */
  private readonly answers = new Map<string, Answer>();
  private clients: ListedClients;
  private nextRef: SsoRef = 1;

  constructor(clients: readonly ListedClient[]) {
    this.clients = new ListedClients(clients);
  }

  configure(clients: readonly ListedClient[]): void {
    this.clients = new ListedClients(clients);
  }

  /** Whatever came in; never throws, whatever it is. */
  receive(datagram: ClientDatagram, now: Instant): SsoEffect[] {
    const { address, port, bytes } = datagram;
    const client = this.clients.of(datagram);
    if (client === undefined) return [dropped('client', `${address}, port ${port}, is not listed`)];
    const verified = verifyAccountingOrDynamicRequest({
      packetBytes: bytes,
      secret: client.secret,
      requireMessageAuthenticator: client.requireMessageAuthenticator,
    });
    if (!verified.ok) return [dropped(verified.error.reason, `from ${address}: ${verified.error.detail}`)];
    const packet = verified.value;
    if (packet.code !== RADIUS_CODES['Accounting-Request'])
      return [dropped('code', `from ${address}: ${radiusCodeName(packet.code)} is not served here`)];
    // The Request Authenticator is a digest of the whole packet and the secret.
    const key = `${address} ${port} ${packet.identifier} ${toHex(packet.authenticator)}`;
    const known = this.answers.get(key);
    if (known !== undefined && now < known.until) return again(known, { address, port });
    const notice = readNotice(packet);
    if (!notice.ok) return [dropped(notice.error.reason, `from ${address}: ${notice.error.detail}`)];
    const ref = this.nextRef++;
    this.remember(key, { reply: undefined, until: NEVER });
    this.pending.set(ref, { key, packet, client, address, port, kind: notice.value.kind });
    return [{ type: 'notice', ref, client: client.address, notice: notice.value }];
  }

  /** What a notice said is done. */
  answer(ref: SsoRef, now: Instant): SsoEffect[] {
    const pending = this.pending.get(ref);
    this.pending.delete(ref);
    if (pending === undefined) return [];
    const { key, packet, client, address, port, kind } = pending;
    const reply = encodeReply({
      request: packet,
      code: 'Accounting-Response',
      attributes: [],
      secret: client.secret,
    });
    if (!reply.ok) return [dropped(reply.error.reason, `the answer to ${address}: ${reply.error.detail}`)];
    const kept = kind === 'on' || kind === 'off' ? KEPT_OF_ALL : KEPT;
    this.remember(key, { reply: reply.value, until: after(now, kept) });
    return [{ type: 'send', address, port, bytes: reply.value }];
  }

  /** It cannot be done now: no answer, and the same packet is heard again when it comes again. */
  forget(ref: SsoRef): void {
    const pending = this.pending.get(ref);
    this.pending.delete(ref);
    if (pending !== undefined) this.answers.delete(pending.key);
  }

  /** What is pushed out may be told again: whoever hears a notice twice does nothing new the second time. */
  private remember(key: string, answer: Answer): void {
    this.answers.delete(key);
    this.answers.set(key, answer);
    for (const [oldest] of this.answers) {
      if (this.answers.size <= REMEMBERED) break;
      this.answers.delete(oldest);
    }
  }
}

function again({ reply }: Answer, to: { readonly address: string; readonly port: number }): SsoEffect[] {
  const effect = dropped('duplicate', `of ${to.address}: it came again`);
  return reply === undefined ? [effect] : [effect, { type: 'send', ...to, bytes: reply }];
}

function dropped(reason: string, detail: string): SsoEffect {
  return { type: 'dropped', reason, detail };
}
