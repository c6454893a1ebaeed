// A supplicant of EAP-MD5 (RFC 3748 §5.4), in wire format: what it gets and says are EAP packets. It asks to be asked until
// it is, answers what it is asked, and believes Success and Failure.

import { utf8 } from '../../../src/base/bytes.ts';
import { md5 } from '../../../src/base/hash.ts';
import {
  decodeEap,
  EAP_FAILURE,
  EAP_REQUEST,
  EAP_RESPONSE,
  EAP_SUCCESS,
  EAP_TYPE_IDENTITY,
  encodeEap,
} from '../../../src/wire/eap.ts';
import { EAPOL_EAP, EAPOL_LOGOFF, EAPOL_START, encodeEapol } from '../../../src/wire/eapol.ts';

const EAP_TYPE_MD5 = 4;
const VERSION = 2;
const START_PERIOD_MS = 5_000;
const START_TIMES = 3;

export interface SimUser {
  readonly identity: string;
  readonly password: string;
}

export interface SupplicantWire {
  readonly send: (eapol: Uint8Array) => void;
  readonly in: (ms: number, run: () => void) => void;
}

export class SimSupplicant {
  authorized = false;
  failures = 0;
  successes = 0;
  /** False: the program is not there; nothing is heard and nothing said. */
  running = false;
  /** Name at the end of an MD5-Challenge response (RFC 3748 §5.4): of any length. */
  name: Uint8Array = new Uint8Array(0);
  private asked = false;
  private round = 0;

  constructor(
    public user: SimUser,
    private readonly wire: SupplicantWire,
  ) {}

  start(): void {
    this.running = true;
    this.round++;
    this.asked = false;
    this.sendStart(this.round, START_TIMES);
  }

  /** It answers, and asks for nothing. */
  listen(): void {
    this.running = true;
  }

  /** A bare EAPOL-Start. */
  sendBareStart(): void {
    this.eapol(EAPOL_START);
  }

  logoff(): void {
    this.eapol(EAPOL_LOGOFF);
    this.authorized = false;
    this.kill();
  }

  kill(): void {
    this.running = false;
    this.authorized = false;
    this.round++;
  }

  receive(packet: Uint8Array): void {
    if (!this.running) return;
    const eap = decodeEap(packet);
    if (!eap.ok) return;
    const { code, identifier, type, data } = eap.value;
    if (code === EAP_SUCCESS) {
      this.authorized = true;
      this.successes++;
    } else if (code === EAP_FAILURE) {
      this.authorized = false;
      this.failures++;
    } else if (code === EAP_REQUEST && type === EAP_TYPE_IDENTITY) {
      this.asked = true;
      this.respond(identifier, EAP_TYPE_IDENTITY, utf8(this.user.identity));
    } else if (code === EAP_REQUEST && type === EAP_TYPE_MD5) {
      const challenge = data.subarray(1, 1 + (data[0] ?? 0));
      const digest = md5(Uint8Array.of(identifier), utf8(this.user.password), challenge);
      this.respond(identifier, EAP_TYPE_MD5, Uint8Array.of(digest.length, ...digest, ...this.name));
    }
  }

  private respond(identifier: number, type: number, data: Uint8Array): void {
    this.eapol(EAPOL_EAP, encodeEap({ code: EAP_RESPONSE, identifier, type, data }));
  }

  private sendStart(round: number, times: number): void {
    if (round !== this.round || this.asked || times === 0) return;
    this.eapol(EAPOL_START);
    this.wire.in(START_PERIOD_MS, () => this.sendStart(round, times - 1));
  }

  private eapol(type: number, body: Uint8Array = new Uint8Array(0)): void {
    this.wire.send(encodeEapol({ version: VERSION, type, body }));
  }
}
