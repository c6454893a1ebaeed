// Scripted RADIUS servers around a client, in fake time. The rig carries datagrams both ways with a latency, keeps
// everything that the client said, and watches the rule that is easiest to break: an identifier on a source port
// must not carry a new request while the old one may still be answered (RFC 5080 §2.2.2).

import { toHex } from '../../src/base/bytes.ts';
import type { Entropy } from '../../src/base/entropy.ts';
import { md5 } from '../../src/base/hash.ts';
import type { Ipv4 } from '../../src/base/ip.ts';
import type { Decoded } from '../../src/base/result.ts';
import { type Instant, instant, seconds } from '../../src/base/time.ts';
import type { CancelReason } from '../../src/model/authorization.ts';
import { RadiusClient } from '../../src/radius/client.ts';
import type {
  ConnectionEvent,
  Datagram,
  RadiusEffect,
  RadiusRequest,
  SocketKey,
} from '../../src/radius/effects.ts';
import type { SameServer } from '../../src/radius/links.ts';
import {
  ACCESS_RETRANSMISSION,
  ACCOUNTING_RETRANSMISSION,
  type RadiusServer,
  type RadiusSettings,
  type RequestKind,
} from '../../src/radius/settings.ts';
import { encodeReply, RADIUS_CODES, type RadiusCodeName, type RadiusPacket } from '../../src/wire/radius.ts';
import { type OutgoingAttribute, octets, text } from '../../src/wire/radius-attributes.ts';
import { verifyAccessRequest, verifyAccountingOrDynamicRequest } from '../../src/wire/radius-verify.ts';

/** mulberry32: the same octets and fractions in every run. */
export class SeededEntropy implements Entropy {
  constructor(private state = 1) {}

  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => Math.floor(this.fraction() * 256));
  }
}

/** No jitter: RAND is 0, so that timeouts are exactly 2, 4, 8 s. */
export class SteadyEntropy extends SeededEntropy {
  override fraction(): number {
    super.fraction();
    return 0.5;
  }

  override bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => Math.floor(super.fraction() * 256));
  }
}

export function serverSettings(n: number): RadiusServer {
  return {
    address: `192.0.2.${n}`,
    use: ['access', 'accounting'],
    authPort: 1812,
    acctPort: 1813,
    // Canaries are looked at where there is none of it.
    statusServer: false,
    secret: new TextEncoder().encode(`secret-${n}`),
    requireMessageAuthenticator: true,
  };
}

export function radiusSettings(servers: number, changes: Partial<RadiusSettings> = {}): RadiusSettings {
  return {
    servers: Array.from({ length: servers }, (_, i) => serverSettings(i + 1)),
    access: ACCESS_RETRANSMISSION,
    accounting: ACCOUNTING_RETRANSMISSION,
    deadTime: seconds(60),
    statusInterval: seconds(30),
    ...changes,
  };
}

export type Send = Extract<RadiusEffect, { type: 'send' }>;

/** One request as a server received it, at `at`. */
export interface Received {
  readonly at: Instant;
  readonly socket: SocketKey;
  readonly bytes: Uint8Array;
  readonly packet: RadiusPacket;
}

export interface ScriptedServer {
  readonly settings: RadiusServer;
  /** False: hears and says nothing. */
  access: boolean;
  accounting: boolean;
  /** False: it answers no Status-Server. */
  knowsStatus: boolean;
  /** One way, in milliseconds. */
  latency: number;
  answer: (
    packet: RadiusPacket,
  ) => { code: RadiusCodeName; attributes?: readonly OutgoingAttribute[] } | undefined;
  readonly received: Received[];
}

interface Event {
  readonly at: number;
  readonly run: () => void;
}

export class RadiusRig {
  now = instant(1_000_000);
  readonly client: RadiusClient;
  /** By the engine's own number; a server of a later configuration is added behind the others. */
  readonly servers: ScriptedServer[];
  readonly effects: RadiusEffect[] = [];
  /** Effects with their time, `send` excepted. */
  readonly said: { readonly at: Instant; readonly effect: RadiusEffect }[] = [];
  readonly sends: { readonly at: Instant; readonly send: Send }[] = [];
  /** Every breach of RFC 5080 §2.2.2 that was seen. */
  readonly reused: string[] = [];
  onEffect: (effect: RadiusEffect) => void = () => {};
  private events: Event[] = [];
  /** How often each connection has ended. */
  private readonly ended = new Map<string, number>();
  private readonly waiting = new Map<number, RequestKind>();
  private readonly taken = new Map<string, { hex: string; at: number }>();

  constructor(settings: RadiusSettings, entropy: Entropy = new SteadyEntropy()) {
    const nas = { identifier: 'sw1', ipv4: '192.0.2.200' as Ipv4 };
    this.client = new RadiusClient({ settings, nas, entropy });
    this.servers = settings.servers.map(scripted);
  }

  /** Another configuration is in force, now. */
  reconfigure(settings: RadiusSettings, same: SameServer): void {
    this.servers.push(...settings.servers.map(scripted));
    this.perform(this.client.configure(settings, same, this.now));
  }

  request(request: RadiusRequest): void {
    this.waiting.set(request.ref, request.kind);
    this.perform(this.client.request(request, this.now));
  }

  /** Nobody waits for its answer any more. */
  cancel(ref: number, reason: CancelReason): void {
    this.waiting.delete(ref);
    this.perform(this.client.cancel(ref, reason, this.now));
  }

  /** `origin`: the port whose client it is about. */
  access(ref: number, serverHint?: number, origin?: string): void {
    const attributes = [
      text('User-Name', `user${ref}`),
      octets('EAP-Message', Uint8Array.of(2, 1, 0, 6, 1, 97)),
    ];
    this.request({
      kind: 'access',
      ref,
      attributes,
      ...(serverHint === undefined ? {} : { serverHint }),
      ...(origin === undefined ? {} : { origin }),
    });
  }

  accounting(ref: number, since: Instant = this.now): void {
    this.request({ kind: 'accounting', ref, attributes: [text('Acct-Session-Id', `s${ref}`)], since });
  }

  /** A datagram that nobody scripted, now. */
  inject(datagram: Datagram): readonly RadiusEffect[] {
    const effects = this.client.handleDatagram(datagram, this.now);
    this.perform(effects);
    return effects;
  }

  /** What became of a connection, now. */
  connection(event: ConnectionEvent): void {
    if (event.state === 'lost') this.end(event.socket);
    this.perform(this.client.handleConnection(event, this.now));
  }

  /** Lets time pass: timers and datagrams in their order. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const timer = this.client.pollAt();
      const event = this.events[0];
      const at = Math.min(timer, event?.at ?? Number.POSITIVE_INFINITY);
      if (at > end) break;
      this.now = instant(Math.max(this.now, at));
      if (event !== undefined && event.at <= timer) {
        this.events.shift();
        event.run();
      } else this.perform(this.client.tick(this.now));
    }
    this.now = instant(end);
  }

  at(ms: number, run: () => void): void {
    const at = this.now + ms;
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    this.events.splice(low, 0, { at, run });
  }

  of<Type extends RadiusEffect['type']>(type: Type): Extract<RadiusEffect, { type: Type }>[] {
    return this.effects.filter((e): e is Extract<RadiusEffect, { type: Type }> => e.type === type);
  }

  /** Requests of this kind that are neither answered, nor given up, nor cancelled. */
  pending(kind: RequestKind): number {
    return [...this.waiting.values()].filter((each) => each === kind).length;
  }

  answeredRefs(): number[] {
    return this.of('answer').map((effect) => effect.ref);
  }

  /** The answer of a server to a request that it received. */
  reply(
    server: ScriptedServer,
    packet: RadiusPacket,
    kind: RequestKind = packet.code === RADIUS_CODES['Accounting-Request'] ? 'accounting' : 'access',
  ): Uint8Array | undefined {
    const plan = this.plan(server, packet, kind);
    if (plan === undefined) return undefined;
    const { secret } = server.settings;
    return mustEncode(encodeReply({ request: packet, attributes: [], ...plan, secret }));
  }

  private plan(
    server: ScriptedServer,
    packet: RadiusPacket,
    kind: RequestKind,
  ): ReturnType<ScriptedServer['answer']> {
    const status = packet.code === RADIUS_CODES['Status-Server'];
    if (status && !server.knowsStatus) return undefined;
    if (kind === 'accounting') return { code: 'Accounting-Response' };
    return status ? { code: 'Access-Accept' } : server.answer(packet);
  }

  private perform(effects: readonly RadiusEffect[]): void {
    for (const effect of effects) {
      this.effects.push(effect);
      if (effect.type === 'answer' || effect.type === 'no-answer') this.waiting.delete(effect.ref);
      if (effect.type === 'disconnect') this.end(effect.socket);
      if (effect.type === 'send') this.carry(effect);
      else this.said.push({ at: this.now, effect });
      this.onEffect(effect);
    }
  }

  private carry(send: Send): void {
    this.sends.push({ at: this.now, send });
    const server = this.servers[send.socket.server];
    if (server === undefined) throw new Error('sent to a server that does not exist');
    this.watchIdentifier(send);
    const name = socketName(send.socket);
    const connection = this.ended.get(name);
    this.at(server.latency, () => {
      const packet = this.receive(server, send);
      if (!server[send.socket.kind]) return;
      const bytes = this.reply(server, packet, send.socket.kind);
      if (bytes === undefined) return;
      this.at(server.latency, () => {
        if (send.tls !== undefined && this.ended.get(name) !== connection) return;
        this.taken.delete(slotName(send));
        this.inject({ socket: send.socket, from: { address: send.address, port: send.port }, bytes });
      });
    });
  }

  /** Nothing that was sent over it will be answered. */
  private end(socket: SocketKey): void {
    const name = socketName(socket);
    this.ended.set(name, (this.ended.get(name) ?? 0) + 1);
  }

  private receive(server: ScriptedServer, send: Send): RadiusPacket {
    const { secret } = server.settings;
    const check = { packetBytes: send.bytes, secret, requireMessageAuthenticator: true };
    const packet =
      send.socket.kind === 'access' || send.bytes[0] === RADIUS_CODES['Status-Server']
        ? verifyAccessRequest(check)
        : verifyAccountingOrDynamicRequest({ ...check, requireMessageAuthenticator: false });
    if (!packet.ok) throw new Error(`the client sent a bad packet: ${packet.error.detail}`);
    const { socket, bytes } = send;
    server.received.push({ at: this.now, socket, bytes, packet: packet.value });
    return packet.value;
  }

  private watchIdentifier(send: Send): void {
    const name = slotName(send);
    const hex = toHex(send.bytes);
    const before = this.taken.get(name);
    if (before !== undefined && before.hex !== hex && this.now - before.at < seconds(30))
      this.reused.push(name);
    this.taken.set(name, { hex, at: this.now });
  }
}

function scripted(settings: RadiusServer): ScriptedServer {
  return {
    settings,
    access: true,
    accounting: true,
    knowsStatus: true,
    latency: 5,
    answer: () => ({ code: 'Access-Accept' }),
    received: [],
  };
}

function socketName({ kind, server, n }: SocketKey): string {
  return `${kind} ${server}.${n}`;
}

function slotName({ socket, bytes }: Send): string {
  return `${socketName(socket)} ${bytes[1]}`;
}

export function mustEncode(encoded: Decoded<Uint8Array>): Uint8Array {
  if (!encoded.ok) throw new Error(encoded.error.detail);
  return encoded.value;
}

/** A reply with these attributes and no other: its Response Authenticator is right, and of Message-Authenticator it has what is given. */
export function signedAs(
  request: Parameters<typeof encodeReply>[0]['request'],
  code: number,
  attributes: Uint8Array,
  secret: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(20 + attributes.length);
  bytes.set([code, request.identifier, 0, bytes.length]);
  bytes.set(request.authenticator, 4);
  bytes.set(attributes, 20);
  bytes.set(md5(bytes, secret), 4);
  return bytes;
}
