// RADIUS servers in memory, real in wire format: EAP-MD5 for listed users, and an accounting log. Each request is verified as
// a server would, so a packet of ours that is wrong is an error of the test, whatever the scenario was about.

import { concatBytes, fromUtf8, toHex, utf8 } from '../../../src/base/bytes.ts';
import { digestsEqual, md5 } from '../../../src/base/hash.ts';
import type { Ipv4 } from '../../../src/base/ip.ts';
import type { Instant } from '../../../src/base/time.ts';
import { decodeEap, EAP_REQUEST, EAP_TYPE_IDENTITY, encodeEap } from '../../../src/wire/eap.ts';
import {
  encodeReply,
  RADIUS_CODES,
  type RadiusCodeName,
  type RadiusPacket,
} from '../../../src/wire/radius.ts';
import {
  attributeOctets,
  attributeText,
  attributeU32,
  eapMessage,
  ip,
  type OutgoingAttribute,
  octets,
  text,
  tunnel,
  u32,
  vendor,
} from '../../../src/wire/radius-attributes.ts';
import { chapPassword, revealUserPassword } from '../../../src/wire/radius-password.ts';
import { verifyAccessRequest, verifyAccountingOrDynamicRequest } from '../../../src/wire/radius-verify.ts';
import type { AccountingRow, Reply } from '../../scenarios/stage.ts';

const EAP_TYPE_MD5 = 4;
const SERVICE_TYPE_LOGIN = 1;
const SERVICE_TYPE_AUTHORIZE_ONLY = 17;
const STATUS_NAMES: Readonly<Record<number, AccountingRow['status']>> = {
  1: 'Start',
  2: 'Stop',
  3: 'Interim-Update',
  7: 'Accounting-On',
  8: 'Accounting-Off',
};

export interface RadiusAccount {
  password: string;
  reply: Reply;
  /** Who is behind an outer identity: the User-Name of the Accept, which is the identity otherwise. */
  inner?: string;
}

/** A row, and when the server got it. */
export interface TimedRow extends AccountingRow {
  readonly receivedAt: Instant;
}

interface Conversation {
  readonly user: string;
  readonly identifier: number;
  readonly challenge: Uint8Array;
}

export class RadiusPeer {
  readonly users = new Map<string, RadiusAccount>();
  /** False: whatever comes in is lost. */
  access = true;
  accounting = true;
  readonly rows: TimedRow[] = [];
  /** Access-Requests that were new, not retransmitted. */
  questions = 0;
  private readonly conversations = new Map<string, Conversation>();
  /** RFC 5080 §2.2.2: a request that comes again is answered as before. */
  private readonly answered = new Map<string, Uint8Array>();
  private nextState = 1;

  constructor(private readonly secret: Uint8Array) {}

  /** The reply, or nothing while it is not there. */
  receive(kind: 'access' | 'accounting', bytes: Uint8Array, now: Instant): Uint8Array | undefined {
    if (!this[kind]) return undefined;
    const key = toHex(bytes);
    const before = this.answered.get(key);
    if (before !== undefined) return before;
    const reply = kind === 'access' ? this.answerAccess(bytes) : this.answerAccounting(bytes, now);
    if (reply !== undefined) this.answered.set(key, reply);
    return reply;
  }

  /** No request from before comes again. */
  forgetAnswers(): void {
    this.answered.clear();
    this.conversations.clear();
  }

  private answerAccess(bytes: Uint8Array): Uint8Array | undefined {
    const packet = must(
      verifyAccessRequest({ packetBytes: bytes, secret: this.secret, requireMessageAuthenticator: true }),
    );
    if (packet.code === RADIUS_CODES['Status-Server']) return this.reply(packet, 'Access-Accept', []);
    this.questions++;
    if (eapMessage(packet) === undefined) return this.answerPassword(packet);
    const response = must(decodeEap(eapMessage(packet) ?? new Uint8Array(0)));
    if (response.type === EAP_TYPE_IDENTITY) {
      const challenge = md5(utf8(`challenge ${this.nextState}`));
      const state = utf8(`state ${this.nextState++}`);
      const identifier = (response.identifier + 1) & 0xff;
      this.conversations.set(toHex(state), { user: fromUtf8(response.data), identifier, challenge });
      const data = concatBytes([Uint8Array.of(challenge.length), challenge]);
      const eap = encodeEap({ code: EAP_REQUEST, identifier, type: EAP_TYPE_MD5, data });
      return this.reply(packet, 'Access-Challenge', [octets('State', state), octets('EAP-Message', eap)]);
    }
    const state = toHex(attributeOctets(packet, 'State') ?? new Uint8Array(0));
    const conversation = this.conversations.get(state);
    this.conversations.delete(state);
    const account = this.users.get(conversation?.user ?? '');
    const { identifier } = response;
    if (conversation === undefined || account === undefined || response.type !== EAP_TYPE_MD5) {
      return this.reject(packet, identifier);
    }
    const expected = md5(
      Uint8Array.of(conversation.identifier),
      utf8(account.password),
      conversation.challenge,
    );
    // Value-Size, the value, and perhaps a name behind it (RFC 3748 §5.4).
    const value = response.data.subarray(1, 1 + (response.data[0] ?? 0));
    if (!digestsEqual(value, expected)) return this.reject(packet, identifier);
    const eap = encodeEap({ code: 3, identifier, data: new Uint8Array(0) });
    return this.reply(packet, 'Access-Accept', [
      octets('EAP-Message', eap),
      text('User-Name', account.inner ?? conversation.user),
      octets('Class', utf8(`class of ${conversation.user}`)),
      ...replyAttributes(account.reply),
    ]);
  }

  /** PAP or CHAP (RFC 2865 §5.2, §5.3), and what a login by a page has to say beside. */
  private answerPassword(packet: RadiusPacket): Uint8Array | undefined {
    if (attributeU32(packet, 'Service-Type') === SERVICE_TYPE_AUTHORIZE_ONLY) return this.authorize(packet);
    if (attributeU32(packet, 'Service-Type') !== SERVICE_TYPE_LOGIN) throw new Error('no login by a page');
    const userName = attributeText(packet, 'User-Name') ?? '';
    const account = this.users.get(userName);
    const said = text('Reply-Message', 'refused by the lab');
    if (account === undefined || !this.proves(packet, utf8(account.password)))
      return this.reply(packet, 'Access-Reject', [said]);
    return this.reply(packet, 'Access-Accept', [
      text('User-Name', userName),
      octets('Class', utf8(`class of ${userName}`)),
      ...replyAttributes(account.reply),
    ]);
  }

  /** RFC 5176 §3.2: who is in is asked about anew, without a proof of its own. */
  private authorize(packet: RadiusPacket): Uint8Array {
    const userName = attributeText(packet, 'User-Name') ?? '';
    const account = this.users.get(userName);
    if (account === undefined) return this.reply(packet, 'Access-Reject', []);
    return this.reply(packet, 'Access-Accept', [
      text('User-Name', userName),
      ...replyAttributes(account.reply),
    ]);
  }

  private proves(packet: RadiusPacket, password: Uint8Array): boolean {
    const hidden = attributeOctets(packet, 'User-Password');
    const { authenticator } = packet;
    if (hidden !== undefined) {
      const revealed = revealUserPassword(hidden, { secret: this.secret, authenticator });
      return revealed !== undefined && digestsEqual(revealed, password);
    }
    const value = attributeOctets(packet, 'CHAP-Password');
    const challenge = attributeOctets(packet, 'CHAP-Challenge');
    if (value === undefined || challenge === undefined) return false;
    return digestsEqual(value, chapPassword({ chapId: value[0] ?? 0, password, challenge }));
  }

  private reject(packet: RadiusPacket, identifier: number): Uint8Array {
    const eap = encodeEap({ code: 4, identifier, data: new Uint8Array(0) });
    const said = text('Reply-Message', 'refused by the lab');
    return this.reply(packet, 'Access-Reject', [octets('EAP-Message', eap), said]);
  }

  private answerAccounting(bytes: Uint8Array, now: Instant): Uint8Array {
    if (bytes[0] === RADIUS_CODES['Status-Server']) {
      const check = { packetBytes: bytes, secret: this.secret, requireMessageAuthenticator: true };
      return this.reply(must(verifyAccessRequest(check)), 'Accounting-Response', []);
    }
    const packet = must(
      verifyAccountingOrDynamicRequest({
        packetBytes: bytes,
        secret: this.secret,
        requireMessageAuthenticator: false,
      }),
    );
    const status = STATUS_NAMES[attributeU32(packet, 'Acct-Status-Type') ?? 0];
    if (status === undefined) throw new Error('an accounting record without a status');
    const sessionTimeS = attributeU32(packet, 'Acct-Session-Time');
    const terminateCause = attributeU32(packet, 'Acct-Terminate-Cause');
    this.rows.push({
      receivedAt: now,
      status,
      sessionId: attributeText(packet, 'Acct-Session-Id') ?? '',
      userName: attributeText(packet, 'User-Name') ?? '',
      eventS: attributeU32(packet, 'Event-Timestamp') ?? 0,
      delayS: attributeU32(packet, 'Acct-Delay-Time') ?? 0,
      ...(sessionTimeS === undefined ? {} : { sessionTimeS }),
      ...(terminateCause === undefined ? {} : { terminateCause }),
    });
    return this.reply(packet, 'Accounting-Response', []);
  }

  private reply(
    request: RadiusPacket,
    code: RadiusCodeName,
    attributes: readonly OutgoingAttribute[],
  ): Uint8Array {
    return must(encodeReply({ request, code, attributes, secret: this.secret }));
  }
}

/** As attributes of an Accept, or of a CoA-Request. */
export function replyAttributes(reply: Reply): OutgoingAttribute[] {
  const { sessionTimeoutS, terminationAction, idleTimeoutS, framedIp } = reply;
  const { vlan, egress, voice, serviceType, filterRule, filterId, userRole, cui, state } = reply;
  return [
    ...(sessionTimeoutS === undefined ? [] : [u32('Session-Timeout', sessionTimeoutS)]),
    ...(terminationAction === undefined ? [] : [u32('Termination-Action', terminationAction)]),
    ...(idleTimeoutS === undefined ? [] : [u32('Idle-Timeout', idleTimeoutS)]),
    ...(framedIp === undefined ? [] : [ip('Framed-IP-Address', framedIp as Ipv4)]),
    ...(vlan === undefined
      ? []
      : [
          tunnel('Tunnel-Type', 1, 13),
          tunnel('Tunnel-Medium-Type', 1, 6),
          tunnel('Tunnel-Private-Group-Id', 1, vlan),
        ]),
    ...(egress ?? []).map((name) => octets('Egress-VLAN-Name', utf8(name))),
    ...(voice === true ? [vendor(9, 1, utf8('device-traffic-class=voice'))] : []),
    ...(serviceType === undefined ? [] : [u32('Service-Type', serviceType)]),
    ...(filterRule === undefined ? [] : [octets('NAS-Filter-Rule', utf8(filterRule))]),
    ...(filterId === undefined ? [] : [text('Filter-Id', filterId)]),
    ...(userRole === undefined ? [] : [vendor(14_823, 1, utf8(userRole))]),
    ...(cui === undefined ? [] : [octets('Chargeable-User-Identity', utf8(cui))]),
    ...(state === undefined ? [] : [octets('State', utf8(state))]),
  ];
}

function must<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown },
): T {
  if (!result.ok) throw new Error(`the agent sent what no server takes: ${JSON.stringify(result.error)}`);
  return result.value;
}
