// What the RADIUS servers are asked on behalf of whoever authenticates a client (an `Applicant`, one per client and
// method), and what their answers mean to it. Owns the one RADIUS client of the switch; accounting records go through it too, but their story is in accountant.ts.

import { fromUtf8 } from '../../base/bytes.ts';
import type { Ip } from '../../base/ip.ts';
import { type Mac, ZERO_ADDRESS } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import { same } from '../../config/diff.ts';
import type { AuthMethod, CancelReason } from '../../model/authorization.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { AaaVerdict } from '../../pae/events.ts';
import { authorizationFrom, challengeFrom, rejectionFrom } from '../../radius/accept.ts';
import type { AccessSubject } from '../../radius/access-request.ts';
import { RadiusClient } from '../../radius/client.ts';
import type {
  ConnectionEvent,
  Datagram,
  NoAnswerReason,
  RadiusEffect,
  RadiusRequest,
  RequestRef,
  ServerIndex,
} from '../../radius/effects.ts';
import type { ServerStatistics } from '../../radius/server-link.ts';
import { RADIUS_CODES, type RadiusPacket } from '../../wire/radius.ts';
import type { OutgoingAttribute } from '../../wire/radius-attributes.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';

/** Who asks: one client on one port, by one method. */
export interface Applicant {
  readonly mac: Mac;
  readonly port: PortName;
  readonly method: AuthMethod;
  /** Exactly one for each question that is not cancelled, under its ref. */
  verdict(event: AaaVerdict): void;
}

/** What an Access-Request says beyond its question. */
export interface AskContext {
  readonly subject: AccessSubject;
  /** State of the last Access-Challenge of this conversation. */
  readonly state?: Uint8Array;
}

export interface Question {
  /** The applicant's own number. */
  readonly ref: number;
  /** Of its conversation: no State to echo. */
  readonly first: boolean;
  /** Who the client says it is: the user name of a session, unless the server gives another. */
  readonly identity: Uint8Array;
  /** Whom alone to ask, where no Access-Challenge says it. */
  readonly server?: ServerIndex;
  attributes(context: AskContext): readonly OutgoingAttribute[];
}

/** One client's conversation with one server, from the Identity to the verdict. */
export interface Conversation {
  /** Of the session that is to be, or of the one that is being reauthenticated. */
  readonly sessionId: string;
  readonly multiId: string;
  identity: Uint8Array;
  cui?: Uint8Array;
  /** The newest State, and the server that sent it. */
  state?: Uint8Array;
  server?: ServerIndex;
  /** The newest question: there is at most one outstanding. */
  request?: RequestRef;
}

interface AnswerFrom {
  readonly conversation: Conversation;
  readonly server: ServerIndex;
}

interface Asked {
  readonly applicant: Applicant;
  readonly ref: number;
}

/** RFC 4372 §2.1: asks for a Chargeable-User-Identity. */
const NUL = Uint8Array.of(0);

export class Aaa implements Timed {
  private readonly client: RadiusClient;
  private readonly asked = new Map<RequestRef, Asked>();
  private readonly conversations = new Map<Applicant, Conversation>();
  private nextRef: RequestRef = 1;
  private before = { answering: true, reachable: true };

  constructor(private readonly core: Core) {
    this.client = new RadiusClient({
      settings: core.config.radius,
      nas: core.config.nas,
      entropy: core.entropy,
    });
  }

  pollAt(): Instant {
    return this.client.pollAt();
  }

  /** Another configuration is in force. */
  configure(): void {
    const { core } = this;
    this.apply(this.client.configure(core.config.radius, same, core.now.mono));
    core.parts.reauthentication.serversChanged();
  }

  onTime(now: Instant): void {
    this.apply(this.client.tick(now));
  }

  conversationOf(applicant: Applicant): Conversation | undefined {
    return this.conversations.get(applicant);
  }

  /** Who the client says it is: hostile text. */
  identityOf(applicant: Applicant): string | undefined {
    const identity = this.conversations.get(applicant)?.identity;
    return identity === undefined || identity.length === 0 ? undefined : fromUtf8(identity);
  }

  /** The verdict is in, or nobody waits for one any more. */
  forgetConversation(applicant: Applicant): void {
    this.conversations.delete(applicant);
  }

  ask(applicant: Applicant, question: Question): void {
    const conversation = this.conversationFor(applicant, question);
    const subject = this.subjectOf(applicant, conversation);
    const ref = this.nextRequest();
    conversation.request = ref;
    this.asked.set(ref, { applicant, ref: question.ref });
    const { state, server = question.server } = conversation;
    const attributes = question.attributes({ subject, ...(state === undefined ? {} : { state }) });
    this.apply(
      this.client.request(
        {
          kind: 'access',
          ref,
          attributes,
          origin: applicant.port,
          ...(server === undefined ? {} : { serverHint: server }),
        },
        this.core.now.mono,
      ),
    );
    if (question.first && this.asked.has(ref)) this.core.parts.fallback.asked(applicant.mac, applicant.port);
  }

  cancel(applicant: Applicant, reason: CancelReason): void {
    const request = this.conversations.get(applicant)?.request;
    if (request === undefined || !this.asked.delete(request)) return;
    this.apply(this.client.cancel(request, reason, this.core.now.mono));
  }

  /** Refs of both kinds are from one name space. */
  nextRequest(): RequestRef {
    return this.nextRef++;
  }

  withdraw(ref: RequestRef): void {
    this.apply(this.client.cancel(ref, 'void', this.core.now.mono));
  }

  /** On behalf of the accountant. */
  sendRecord(request: Extract<RadiusRequest, { readonly kind: 'accounting' }>): void {
    this.apply(this.client.request(request, this.core.now.mono));
  }

  /** At least one authentication server answers, as far as anybody can tell: one silent exchange may be wrong about it. */
  get answering(): boolean {
    return this.client.answering('access');
  }

  /** At least one authentication server may answer: true until it is certain that none does (radius/health.ts). */
  get reachable(): boolean {
    return this.client.reachable('access');
  }

  /** When a dead authentication server should be tried by somebody; NEVER where none is dead. */
  get trialAt(): Instant {
    return this.client.trialAt('access');
  }

  /** The authentication server at this address. */
  serverAt(address: Ip): ServerIndex | undefined {
    return this.client.serverAt('access', address);
  }

  servers(): readonly ServerStatistics[] {
    return this.client.servers();
  }

  datagram(datagram: Datagram): void {
    this.apply(this.client.handleDatagram(datagram, this.core.now.mono));
  }

  connection(event: ConnectionEvent): void {
    if (event.state === 'lost') this.core.drops.add(`radsec-${event.reason}`);
    this.apply(this.client.handleConnection(event, this.core.now.mono));
  }

  private conversationFor(applicant: Applicant, question: Question): Conversation {
    const known = this.conversations.get(applicant);
    if (known !== undefined && !question.first) return known;
    const running = this.core.sessions.ofMac(applicant.mac)?.session;
    // Another method's session ends where this one begins.
    const goesOn = running?.grant.port === applicant.port && running.method === applicant.method;
    const sessionId = goesOn ? running.id : this.core.parts.accountant.newSessionId();
    const multiId = running?.multiId ?? sessionId;
    const conversation: Conversation = { sessionId, multiId, identity: question.identity };
    const before = goesOn ? running.authorization : undefined;
    // RFC 2865 §5.24: State of an Accept that wants RADIUS-Request at its end comes back with that request.
    if (before?.reauthenticateAtTimeout === true && before.state !== undefined)
      conversation.state = before.state;
    if (before?.cui !== undefined) conversation.cui = before.cui;
    else if (this.core.config.authorization.requestCui) conversation.cui = NUL;
    this.conversations.set(applicant, conversation);
    return conversation;
  }

  private subjectOf({ mac, port }: Applicant, conversation: Conversation): AccessSubject {
    const { bridge, ports } = this.core.parts;
    return {
      mac,
      port,
      nasPort: ports.get(port)?.machine.facts.index ?? 0,
      calledStation: bridge.addressOf(port) ?? ZERO_ADDRESS,
      sessionId: conversation.sessionId,
      multiSessionId: conversation.multiId,
      ...(conversation.cui === undefined ? {} : { cui: conversation.cui }),
    };
  }

  private apply(effects: readonly RadiusEffect[]): void {
    const { reauthentication } = this.core.parts;
    for (const effect of effects) this.applyOne(effect);
    this.core.schedule.touch(this);
    const { answering, reachable } = this;
    if (answering !== this.before.answering || reachable !== this.before.reachable) {
      if (!reachable) this.core.out.log('warn', 'no authentication server answers');
      this.before = { answering, reachable };
      reauthentication.serversChanged();
    } else if (!answering) this.core.schedule.touch(reauthentication);
  }

  private applyOne(effect: RadiusEffect): void {
    const { core } = this;
    switch (effect.type) {
      case 'send':
        core.out.push({ ...effect, type: 'send-datagram' });
        return;
      case 'answer':
        if (effect.kind === 'accounting') core.parts.accountant.answered(effect.ref);
        else this.answered(effect.ref, effect.packet, effect.server);
        return;
      case 'no-answer':
        if (effect.kind === 'accounting') core.parts.accountant.unanswered(effect.ref, effect.reason);
        else this.unanswered(effect.ref, effect.reason);
        return;
      case 'server-state':
        core.parts.reporter.radiusServer(
          this.client.serverName(effect.kind, effect.server),
          effect.kind,
          effect.up,
          effect.because,
        );
        return;
      case 'disconnect':
        if (effect.because !== undefined)
          core.out.log('warn', `RadSec: the connection is given up: ${effect.because}`, { ...effect.socket });
        core.out.push({ type: 'close-connection', socket: effect.socket });
        return;
      case 'dropped':
        core.drops.add(`radius-${effect.reason}`);
        core.out.log('debug', `RADIUS packet dropped: ${effect.detail}`, { reason: effect.reason });
        return;
      default:
        assertNever(effect);
    }
  }

  private answered(ref: RequestRef, packet: RadiusPacket, server: ServerIndex): void {
    const asked = this.asked.get(ref);
    this.asked.delete(ref);
    const conversation = asked === undefined ? undefined : this.conversations.get(asked.applicant);
    if (asked === undefined || conversation === undefined) return;
    asked.applicant.verdict(this.verdict(asked, packet, { conversation, server }));
  }

  private verdict(asked: Asked, packet: RadiusPacket, from: AnswerFrom): AaaVerdict {
    const { ref } = asked;
    const { conversation, server } = from;
    switch (packet.code) {
      case RADIUS_CODES['Access-Challenge']: {
        const { eap, state, suppTimeout } = challengeFrom(packet);
        conversation.server = server;
        if (state === undefined) delete conversation.state;
        else conversation.state = state;
        return {
          type: 'aaa-challenge',
          ref,
          ...(eap === undefined ? {} : { eap }),
          ...(suppTimeout === undefined ? {} : { sessionTimeout: suppTimeout }),
        };
      }
      case RADIUS_CODES['Access-Accept']: {
        const { authorization, eap, otherService, warnings } = authorizationFrom(packet, {
          identity: fromUtf8(conversation.identity),
          server: this.client.serverName('access', server),
          roleAttributes: this.core.config.authorization.roleAttributes,
        });
        for (const { attribute, detail } of warnings) {
          this.core.out.log('warn', `Access-Accept: ${attribute}: ${detail}`);
        }
        if (otherService !== undefined) return this.refuse(asked, otherService);
        return { type: 'aaa-accept', ref, authorization, ...(eap === undefined ? {} : { eap }) };
      }
      default:
        return { type: 'aaa-reject', ref, ...rejectionFrom(packet) };
    }
  }

  /** RFC 2865 §5.6: as though an Access-Reject had been received instead. */
  private refuse({ applicant: { mac, port }, ref }: Asked, service: number): AaaVerdict {
    this.core.drops.add('service-type');
    const what = `the server grants another service (Service-Type ${service}), not network access`;
    this.core.decide(mac, port, 'refused', what);
    return { type: 'aaa-reject', ref };
  }

  private unanswered(ref: RequestRef, reason: NoAnswerReason): void {
    const asked = this.asked.get(ref);
    this.asked.delete(ref);
    if (asked === undefined) return;
    const { applicant } = asked;
    if (reason !== 'unencodable') {
      applicant.verdict({ type: 'aaa-timeout', ref: asked.ref });
      return;
    }
    // A server has nothing to do with it, and asking again would change nothing.
    const { mac, port } = applicant;
    this.core.drops.add('access-request-unencodable');
    this.core.out.log('error', 'an Access-Request does not fit into a RADIUS packet: the client is refused', {
      mac,
      port,
    });
    applicant.verdict({ type: 'aaa-reject', ref: asked.ref, reason });
  }
}
