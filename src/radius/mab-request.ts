// The attributes of an Access-Request about a MAC that speaks for itself. Service-Type Call-Check (RFC 2865 §5.6) is what
// servers tell MAB from 802.1X by: a MAC must not be let in as a user of that name, nor the other way round.

import type { Entropy } from '../base/entropy.ts';
import { type OutgoingAttribute, octets, text, u32 } from '../wire/radius-attributes.ts';
import { chapPassword } from '../wire/radius-password.ts';
import { type AccessSubject, FRAMED_MTU, portAttributes } from './access-request.ts';

const SERVICE_TYPE_CALL_CHECK = 10;
const CHALLENGE_OCTETS = 16;

/** What proves the MAC, by the way of asking. */
export type MabProof =
  | { readonly by: 'pap'; readonly password: Uint8Array }
  | {
      readonly by: 'chap';
      readonly password: Uint8Array;
      /** 0..255, random. */
      readonly chapId: number;
      /** 16 random octets. */
      readonly challenge: Uint8Array;
    }
  | { readonly by: 'eap'; readonly eap: Uint8Array };

/** The proof that is wanted; `eap`: our Response, where that is the way. */
export function mabProof(
  wanted: {
    readonly authentication: string;
    readonly password: Uint8Array;
    readonly eap: Uint8Array | undefined;
  },
  entropy: Entropy,
): MabProof {
  const { authentication, password, eap } = wanted;
  if (eap !== undefined) return { by: 'eap', eap };
  if (authentication !== 'chap') return { by: 'pap', password };
  const chapId = entropy.bytes(1)[0] ?? 0;
  return { by: 'chap', password, chapId, challenge: entropy.bytes(CHALLENGE_OCTETS) };
}

export interface MabRequest {
  readonly subject: AccessSubject;
  readonly userName: string;
  readonly proof: MabProof;
  /** State of the last Access-Challenge of this conversation, untouched (RFC 2865 §5.24). */
  readonly state?: Uint8Array;
}

export function mabRequestAttributes({ subject, userName, proof, state }: MabRequest): OutgoingAttribute[] {
  return [
    text('User-Name', userName),
    u32('Service-Type', SERVICE_TYPE_CALL_CHECK),
    ...portAttributes(subject),
    ...proofAttributes(proof),
    ...(state === undefined ? [] : [octets('State', state)]),
  ];
}

function proofAttributes(proof: MabProof): OutgoingAttribute[] {
  switch (proof.by) {
    case 'pap':
      // In clear here: the codec hides it, with the secret of whichever server is asked.
      return [octets('User-Password', proof.password)];
    case 'chap':
      return [octets('CHAP-Password', chapPassword(proof)), octets('CHAP-Challenge', proof.challenge)];
    case 'eap':
      return [u32('Framed-MTU', FRAMED_MTU), octets('EAP-Message', proof.eap)];
  }
}
