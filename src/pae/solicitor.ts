// Asks a whole port who is there: a Request/Identity to the PAE group address, for supplicants that wait to be asked
// (IEEE 802.1X-2020 §8.2; txPeriod as in the 2004 edition). One machine per port; a client's own requests, and their
// retransmission, are client.ts's.
//
// It asks when the link comes up, again when the capture has opened (the answer to the first one may have come in
// unheard), and then every txPeriod. It is silent while the port has a session: wpa_supplicant answers any
// Request/Identity, and one that nothing follows makes it restart after 32 s and fail after 60 (measured), so every
// round would send each client on the port through a whole reauthentication. Whoever joins later is heard by an
// EAPOL-Start, or asked by name when the port sees its MAC (`reauthenticate` by `sighting`).

import { after, earliest, type Instant, type Millis, NEVER } from '../base/time.ts';
import type { PortControl } from '../model/port.ts';
import { buildIdentityRequest, decodeEap, EAP_RESPONSE, EAP_TYPE_IDENTITY } from '../wire/eap.ts';
import { EAPOL_EAP } from '../wire/eapol.ts';
import { PAE_EAPOL_VERSION } from './settings.ts';

export type SolicitorEvent =
  | { readonly type: 'link'; readonly up: boolean }
  | { readonly type: 'capture-opened' }
  | { readonly type: 'port-control'; readonly control: PortControl }
  /** Sessions on the port, of whatever method. */
  | { readonly type: 'sessions'; readonly count: number }
  | { readonly type: 'settings'; readonly txPeriod: Millis }
  | { readonly type: 'tick' };

/** To PAE_GROUP_ADDRESS, out of this port; a `repeat` to one client. */
export interface Solicitation {
  readonly type: 'send-eapol';
  readonly version: number;
  readonly packetType: number;
  readonly body: Uint8Array;
}

export interface SolicitorOptions {
  readonly txPeriod: Millis;
  /** 0..255; random, as a client's. */
  readonly firstIdentifier: number;
}

export class Solicitor {
  private control: PortControl = 'auto';
  private txPeriod: Millis;
  private currentId: number;
  private linkUp = false;
  private sessions = 0;
  /** NEVER while it does not ask. */
  private txWhen: Instant = NEVER;
  private outstanding = false;

  constructor(options: SolicitorOptions) {
    this.txPeriod = options.txPeriod;
    this.currentId = options.firstIdentifier & 0xff;
  }

  pollAt(): Instant {
    return this.txWhen;
  }

  /**
   * True for a Response/Identity to the newest multicast request. The client's machine gets it as
   * `solicited-response`, and does not ask again. Any number of clients may answer one request.
   */
  matches(packet: Uint8Array): boolean {
    if (!this.outstanding) return false;
    const eap = decodeEap(packet);
    return (
      eap.ok &&
      eap.value.code === EAP_RESPONSE &&
      eap.value.type === EAP_TYPE_IDENTITY &&
      eap.value.identifier === this.currentId
    );
  }

  /**
   * The newest question again, to one client alone, who came when there was no room to remember anybody. Nothing is kept
   * of it: the answer `matches`, and only who answers costs a machine.
   */
  repeat(): Solicitation {
    this.outstanding = true;
    return this.question();
  }

  /** At most one request per event. */
  handle(event: SolicitorEvent, now: Instant): readonly Solicitation[] {
    const wasAsking = this.isAsking();
    switch (event.type) {
      case 'link':
        this.linkUp = event.up;
        if (!event.up) this.outstanding = false;
        break;
      case 'port-control':
        this.control = event.control;
        if (event.control !== 'auto') this.outstanding = false;
        break;
      case 'sessions':
        // An answer to the last question may still be under way from a neighbour of the one that has just got in.
        this.sessions = event.count;
        break;
      case 'settings':
        this.txPeriod = event.txPeriod;
        if (this.txWhen !== NEVER) this.txWhen = earliest(this.txWhen, after(now, event.txPeriod));
        return [];
      case 'capture-opened':
        return this.isAsking() ? this.ask(now) : [];
      case 'tick':
        return this.isAsking() && now >= this.txWhen ? this.ask(now) : [];
    }
    if (!this.isAsking()) {
      this.txWhen = NEVER;
      return [];
    }
    if (wasAsking) return [];
    // A session that has just ended leaves a client that is busy with its EAP-Failure, or gone: no hurry then.
    if (event.type === 'sessions') {
      this.txWhen = after(now, this.txPeriod);
      return [];
    }
    return this.ask(now);
  }

  private isAsking(): boolean {
    return this.linkUp && this.control === 'auto' && this.sessions === 0;
  }

  /** A new identifier each time, so that supplicants take it for a new question (RFC 3748 §4.1). */
  private ask(now: Instant): readonly Solicitation[] {
    this.currentId = (this.currentId + 1) & 0xff;
    this.outstanding = true;
    this.txWhen = after(now, this.txPeriod);
    return [this.question()];
  }

  private question(): Solicitation {
    const body = buildIdentityRequest(this.currentId);
    return { type: 'send-eapol', version: PAE_EAPOL_VERSION, packetType: EAPOL_EAP, body };
  }
}
