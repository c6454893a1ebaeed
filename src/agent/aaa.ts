// What the RADIUS servers are asked on behalf of the authenticators, and what their answers mean to them. Owns the one
// RADIUS client of the switch; accounting records go through it too, but their story is in accountant.ts.

import { fromUtf8 } from '../base/bytes.ts';
import { ZERO_ADDRESS } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { PaeEffect, PaeEvent } from '../pae/events.ts';
import { authorizationFrom, challengeFrom, rejectionFrom } from '../radius/accept.ts';
import { type AccessSubject, accessRequestAttributes } from '../radius/access-request.ts';
import { RadiusClient } from '../radius/client.ts';
import type { Datagram, RadiusEffect, RadiusRequest, RequestRef, ServerIndex } from '../radius/effects.ts';
import type { ServerStatistics } from '../radius/server-link.ts';
import { RADIUS_CODES, type RadiusPacket } from '../wire/radius.ts';
import type { Core } from './core.ts';
import type { ClientUnit } from './eapol-port.ts';
import type { Timed } from './schedule.ts';

type Question = Extract<PaeEffect, { readonly type: 'ask-server' }>;

/** One client's conversation with one server, from the Identity to the verdict. */
export interface Conversation {
  /** Of the session that is to be, or of the one that is being reauthenticated. */
  readonly sessionId: string;
  readonly multiId: string;
  identity: Uint8Array;
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
  readonly unit: ClientUnit;
  readonly ref: number;
}

export class Aaa implements Timed {
  private readonly client: RadiusClient;
  private readonly asked = new Map<RequestRef, Asked>();
  private readonly conversations = new Map<ClientUnit, Conversation>();
  private nextRef: RequestRef = 1;

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

  onTime(now: Instant): void {
    this.apply(this.client.tick(now));
  }

  conversationOf(unit: ClientUnit): Conversation | undefined {
    return this.conversations.get(unit);
  }

  /** Who the client says it is: hostile text. */
  identityOf(unit: ClientUnit): string | undefined {
    const identity = this.conversations.get(unit)?.identity;
    return identity === undefined || identity.length === 0 ? undefined : fromUtf8(identity);
  }

  /** The verdict is in, or nobody waits for one any more. */
  forgetConversation(unit: ClientUnit): void {
    this.conversations.delete(unit);
  }

  ask(unit: ClientUnit, question: Question): void {
    const conversation = this.conversationFor(unit, question);
    const subject = this.subjectOf(unit, conversation);
    const ref = this.nextRequest();
    conversation.request = ref;
    this.asked.set(ref, { unit, ref: question.ref });
    const { identity, eap } = question;
    const { state, server } = conversation;
    const attributes = accessRequestAttributes({
      subject,
      identity,
      eap,
      ...(state === undefined ? {} : { state }),
    });
    this.apply(
      this.client.request(
        { kind: 'access', ref, attributes, ...(server === undefined ? {} : { serverHint: server }) },
        this.core.now.mono,
      ),
    );
  }

  cancel(unit: ClientUnit): void {
    const request = this.conversations.get(unit)?.request;
    if (request === undefined || !this.asked.delete(request)) return;
    this.apply(this.client.cancel(request, this.core.now.mono));
  }

  /** Refs of both kinds are from one name space. */
  nextRequest(): RequestRef {
    return this.nextRef++;
  }

  withdraw(ref: RequestRef): void {
    this.apply(this.client.cancel(ref, this.core.now.mono));
  }

  /** On behalf of the accountant. */
  sendRecord(request: Extract<RadiusRequest, { readonly kind: 'accounting' }>): void {
    this.apply(this.client.request(request, this.core.now.mono));
  }

  /** At least one authentication server is not dead: true until a request has found out otherwise. */
  get reachable(): boolean {
    return this.client.reachable('access');
  }

  /** When a dead authentication server should be tried by somebody; NEVER where none is dead. */
  get trialAt(): Instant {
    return this.client.trialAt('access');
  }

  servers(): readonly ServerStatistics[] {
    return this.client.servers();
  }

  datagram(datagram: Datagram): void {
    this.apply(this.client.handleDatagram(datagram, this.core.now.mono));
  }

  private conversationFor(unit: ClientUnit, question: Question): Conversation {
    const known = this.conversations.get(unit);
    if (known !== undefined && !question.first) return known;
    const running = this.core.sessions.ofMac(unit.mac)?.session;
    const here = running?.grant.port === unit.port ? running : undefined;
    const sessionId = here?.id ?? this.core.parts.accountant.newSessionId();
    const multiId = running?.multiId ?? sessionId;
    const conversation: Conversation = { sessionId, multiId, identity: question.identity };
    this.conversations.set(unit, conversation);
    return conversation;
  }

  private subjectOf(unit: ClientUnit, conversation: Conversation): AccessSubject {
    const { ports } = this.core.parts;
    return {
      mac: unit.mac,
      port: unit.port,
      nasPort: ports.get(unit.port)?.machine.facts.index ?? 0,
      calledStation: ports.addressOf(unit.port) ?? ZERO_ADDRESS,
      sessionId: conversation.sessionId,
      multiSessionId: conversation.multiId,
    };
  }

  private apply(effects: readonly RadiusEffect[]): void {
    for (const effect of effects) this.applyOne(effect);
    this.core.schedule.touch(this);
    if (!this.reachable) this.core.schedule.touch(this.core.parts.reauthentication);
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
        else this.unanswered(effect.ref);
        return;
      case 'server-state':
        core.parts.reporter.radiusServer(
          this.client.serverName(effect.kind, effect.server),
          effect.kind,
          effect.up,
        );
        if (effect.kind === 'access') core.parts.reauthentication.serversChanged();
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
    const conversation = asked === undefined ? undefined : this.conversations.get(asked.unit);
    if (asked === undefined || conversation === undefined) return;
    this.core.parts.supplicants.tell(asked.unit, this.verdict(asked.ref, packet, { conversation, server }));
  }

  private verdict(ref: number, packet: RadiusPacket, from: AnswerFrom): PaeEvent {
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
        const { authorization, eap, warnings } = authorizationFrom(packet, {
          identity: fromUtf8(conversation.identity),
          server: this.client.serverName('access', server),
        });
        for (const { attribute, detail } of warnings) {
          this.core.out.log('warn', `Access-Accept: ${attribute}: ${detail}`);
        }
        return { type: 'aaa-accept', ref, authorization, ...(eap === undefined ? {} : { eap }) };
      }
      default:
        return { type: 'aaa-reject', ref, ...rejectionFrom(packet) };
    }
  }

  private unanswered(ref: RequestRef): void {
    const asked = this.asked.get(ref);
    this.asked.delete(ref);
    if (asked !== undefined)
      this.core.parts.supplicants.tell(asked.unit, { type: 'aaa-timeout', ref: asked.ref });
  }
}
