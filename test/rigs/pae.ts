// A client's authenticator between a scripted supplicant and a scripted server, on a clock that only moves when told.
// EAP packets are written out here by hand, so that the codec is not its own judge.

import { toHex, utf8 } from '../../src/base/bytes.ts';
import { type Instant, instant } from '../../src/base/time.ts';
import type { Authorization } from '../../src/model/authorization.ts';
import { AuthenticatorClient, type ClientOptions } from '../../src/pae/client.ts';
import type { PaeEffect, PaeEvent } from '../../src/pae/events.ts';
import { PAE_DEFAULTS, type PaeSettings } from '../../src/pae/settings.ts';

export const ALICE: Authorization = {
  userName: 'alice',
  classes: [],
  reauthenticateAtTimeout: false,
  server: '127.0.0.1:1812',
};

export function eapPacket(code: number, identifier: number, rest: readonly number[] = []): Uint8Array {
  const length = 4 + rest.length;
  return Uint8Array.from([code, identifier, length >> 8, length & 0xff, ...rest]);
}

export const identityRequest = (id: number) => eapPacket(1, id, [1]);
export const identityResponse = (id: number, name = 'alice') => eapPacket(2, id, [1, ...utf8(name)]);
export const md5Request = (id: number) => eapPacket(1, id, [4, 2, 0xca, 0xfe]);
export const md5Response = (id: number) => eapPacket(2, id, [4, 2, 0xbe, 0xef]);
export const success = (id: number) => eapPacket(3, id);
export const failure = (id: number) => eapPacket(4, id);

export interface Sighted {
  readonly at: number;
  readonly effect: PaeEffect;
}

type Of<T extends PaeEffect['type']> = Extract<PaeEffect, { type: T }>;

export class PaeRig {
  now: Instant = instant(0);
  readonly client: AuthenticatorClient;
  /** Everything that came out, in order, with its time in ms. */
  readonly seen: Sighted[] = [];

  constructor(settings: Partial<PaeSettings> = {}, options: Partial<ClientOptions> = {}) {
    this.client = new AuthenticatorClient({
      settings: { ...PAE_DEFAULTS, ...settings },
      firstIdentifier: 9,
      ...options,
    });
  }

  /** Hands in one event; the effects of this event alone. */
  give(event: PaeEvent): readonly PaeEffect[] {
    const effects = this.client.handle(event, this.now);
    for (const effect of effects) this.seen.push({ at: this.now, effect });
    // There is a server, and nobody before it.
    if (effects.some(({ type }) => type === 'reauthentication-due'))
      this.give({ type: 'reauthenticate', by: 'timer' });
    return effects;
  }

  /** Moves the clock on by `s` seconds, with a tick at each deadline on the way. */
  pass(s: number): void {
    const until = instant(this.now + s * 1000);
    for (let ticks = 0; this.client.pollAt() <= until; ticks++) {
      if (ticks > 1000) throw new Error('the client is always due');
      this.now = instant(Math.max(this.now, this.client.pollAt()));
      this.give({ type: 'tick' });
    }
    this.now = until;
  }

  all<T extends PaeEffect['type']>(type: T): Of<T>[] {
    return this.seen.map((s) => s.effect).filter((e): e is Of<T> => e.type === type);
  }

  last<T extends PaeEffect['type']>(type: T): Of<T> {
    const found = this.all(type).at(-1);
    if (found === undefined) throw new Error(`no effect '${type}' so far`);
    return found;
  }

  /** `[second, octets in hexadecimal]` of every frame sent. */
  frames(): [number, string][] {
    return this.seen.flatMap(({ at, effect }) =>
      effect.type === 'send-eapol' ? [[at / 1000, toHex(effect.body)] as [number, string]] : [],
    );
  }

  counted(counter: string): number {
    return this.all('counted').filter((e) => e.counter === counter).length;
  }

  /** Effects from here on. */
  forget(): void {
    this.seen.length = 0;
  }

  /** Identifier of the newest request to the client. */
  get requestId(): number {
    return this.last('send-eapol').body[1] ?? -1;
  }

  /** The client says who it is: up to the first question to the server. */
  identify(name = 'alice'): void {
    if (this.client.describe(this.now).includes('(EAP IDLE)') === false) this.give({ type: 'eapol-start' });
    this.give({ type: 'eap-response', packet: identityResponse(this.requestId, name) });
  }

  /** One round of an MD5-like method: up to the last question to the server, whose identifier is returned. */
  challenge(): number {
    const id = (this.requestId + 1) & 0xff;
    this.give({ type: 'aaa-challenge', ref: this.last('ask-server').ref, eap: md5Request(id) });
    this.give({ type: 'eap-response', packet: md5Response(id) });
    return id;
  }

  accept(authorization: Authorization = ALICE): void {
    const { ref, eap } = this.last('ask-server');
    this.give({ type: 'aaa-accept', ref, eap: success(eap[1] ?? 0), authorization });
  }

  reject(replyMessage?: string): void {
    const { ref, eap } = this.last('ask-server');
    const said = replyMessage === undefined ? {} : { replyMessage };
    this.give({ type: 'aaa-reject', ref, eap: failure(eap[1] ?? 0), ...said });
  }

  grant(error?: string): void {
    const asked = this.seen
      .map((s) => s.effect)
      .filter((e) => e.type === 'accepted' || e.type === 'reauthenticated')
      .at(-1);
    if (asked === undefined || !('ref' in asked)) throw new Error('no grant was asked for');
    this.give({ type: 'grant-done', ref: asked.ref, ...(error === undefined ? {} : { error }) });
  }

  /** A whole login, and two seconds after it. */
  login(name = 'alice'): void {
    this.identify(name);
    this.challenge();
    this.accept();
    this.grant();
    this.pass(2);
    this.forget();
  }

  serverSilent(): void {
    this.give({ type: 'aaa-timeout', ref: this.last('ask-server').ref });
  }
}
