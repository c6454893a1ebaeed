// What goes out to others: RADIUS servers, whoever has asked us by RADIUS, the broker, those who have sent a command, and the
// login page's visitors. The broker's link and the listeners come late: what is said before is said to nobody.

import type { Effect, Ref } from '../agent/ports.ts';
import type { SocketKey } from '../radius/effects.ts';
import type { RadiusServer } from '../radius/settings.ts';
import type { EventRef } from '../report/event-codec.ts';
import type { Answer } from '../web/page.ts';
import type { Visit } from '../web/visit.ts';
import type { CommandRequest } from './command-request.ts';
import type { Logger } from './log.ts';
import type { Publication } from './mqtt/publish-queue.ts';
import { type Answers, type EffectOf, each, type Performers } from './performing.ts';
import { RadSecConnections } from './servers/radsec.ts';
import { type DatagramFrom, UdpSockets } from './servers/udp.ts';

/** Loaded after the ports are locked. */
export interface Senders {
  readonly publish: (publication: Publication) => void;
  readonly broadcast: (event: object) => void;
  readonly follow: (topic: string) => void;
  readonly unfollow: (topic: string) => void;
  readonly sendDynamicReply: (address: string, port: number, bytes: Uint8Array) => void;
  readonly sendSsoReply: (address: string, port: number, bytes: Uint8Array) => void;
}

type Kind = Extract<
  Effect['type'],
  | 'send-datagram'
  | 'close-connection'
  | 'send-dynamic-reply'
  | 'send-sso-reply'
  | 'publish'
  | 'follow'
  | 'unfollow'
  | 'event'
  | 'answer'
  | 'web-answer'
>;

interface NetworkParts {
  readonly answers: Answers;
  readonly log: Logger;
  /** When what was given to the store is durable. */
  readonly flushed: (done: () => void) => void;
}

export class NetworkPerformers {
  private senders: Senders | undefined;
  private closed = false;
  private readonly replies = new Map<Ref, (answer: object) => void>();
  private readonly visits = new Map<Ref, (answer: Answer) => void>();
  private lastReply: Ref = 0;
  /** Events that the broker has, of this turn of the event loop. */
  private published: EventRef[] = [];
  private readonly udp: UdpSockets<SocketKey>;
  private readonly radSec: RadSecConnections<SocketKey>;

  constructor(private readonly parts: NetworkParts) {
    const { answers, log } = parts;
    const nameOf = ({ server, kind, n }: SocketKey): string => `${server} ${kind} ${n}`;
    const receive = (packet: DatagramFrom<SocketKey>): void => answers.post({ ...packet, type: 'datagram' });
    this.udp = new UdpSockets(nameOf, receive, (message) => log.log('warn', `RADIUS: ${message}`));
    this.radSec = new RadSecConnections(nameOf, {
      onPacket: receive,
      onOpen: (socket) => answers.post({ type: 'connection', event: { socket, state: 'open' } }),
      onEnd: (socket, end) => {
        log.log('warn', `RadSec: ${end.detail}`, { server: socket.server, kind: socket.kind });
        answers.post({ type: 'connection', event: { socket, state: 'lost', ...end } });
      },
    });
  }

  readonly performers: Performers<Kind> = {
    'send-datagram': each((effect) => this.sendToServer(effect)),
    'close-connection': each(({ socket }) => {
      this.radSec.disconnect(socket);
      this.udp.forget(socket);
    }),
    'send-dynamic-reply': each((effect) => this.replyDynamic(effect)),
    'send-sso-reply': each(({ address, port, bytes }) => this.senders?.sendSsoReply(address, port, bytes)),
    publish: each((effect) => this.publish(effect)),
    follow: each(({ topic }) => this.senders?.follow(topic)),
    unfollow: each(({ topic }) => this.senders?.unfollow(topic)),
    event: each(({ payload }) => this.senders?.broadcast(payload)),
    answer: each(({ ref, payload }) => taken(this.replies, ref)?.(payload)),
    'web-answer': each(({ ref, answer }) => taken(this.visits, ref)?.(answer)),
  };

  use(senders: Senders): void {
    this.senders = senders;
  }

  /** What can be had of them before it is needed. */
  prepareServers(servers: readonly RadiusServer[]): void {
    for (const [server, { address, tls }] of servers.entries()) {
      if (tls !== undefined) continue;
      for (const kind of ['access', 'accounting'] as const) this.udp.prepare({ server, kind, n: 0 }, address);
    }
  }

  /** A request that gets one answer. */
  command({ reply, ...request }: CommandRequest): void {
    const ref = ++this.lastReply;
    this.replies.set(ref, reply);
    this.parts.answers.post({ type: 'command', ref, ...request });
  }

  /** A request for the login page; one that is never answered is none of ours. */
  visit(visit: Visit, reply: (answer: Answer) => void): void {
    const ref = ++this.lastReply;
    this.visits.set(ref, reply);
    this.parts.answers.post({ type: 'web', ref, visit });
  }

  close(): void {
    this.closed = true;
    this.udp.close();
    this.radSec.close();
  }

  private publish({ topic, payload, retain, ref }: EffectOf<'publish'>): void {
    const text = payload === null ? '' : JSON.stringify(payload);
    const onSettled = ref === undefined ? {} : { onSettled: () => this.settled(ref) };
    this.senders?.publish({ topic, payload: text, retain, ...onSettled });
  }

  private settled(ref: EventRef): void {
    if (this.published.push(ref) > 1) return;
    setImmediate(() => {
      const refs = this.published;
      this.published = [];
      this.parts.answers.post({ type: 'published', refs });
    });
  }

  private sendToServer({ socket: key, address, port, tls, bytes }: EffectOf<'send-datagram'>): void {
    if (tls === undefined) this.udp.send(key, address, port, bytes);
    else this.radSec.send({ key, address, port, settings: tls }, bytes);
  }

  /** What a server was told to be done must not be undone by a power cut. While the store cannot be written nobody waits for it. */
  private replyDynamic({ address, port, bytes, ack }: EffectOf<'send-dynamic-reply'>): void {
    const send = (): void => {
      if (!this.closed) this.senders?.sendDynamicReply(address, port, bytes);
    };
    if (ack) this.parts.flushed(send);
    else send();
  }
}

function taken<T>(waiting: Map<Ref, T>, ref: Ref): T | undefined {
  const one = waiting.get(ref);
  waiting.delete(ref);
  return one;
}
