// The attributes of an Access-Request about a MAC that speaks for itself. Service-Type Call-Check (RFC 2865 §5.6) is what
// servers tell MAB from 802.1X by: a MAC must not be let in as a user of that name, nor the other way round.

import type { Entropy } from '../base/entropy.ts';
import { type OutgoingAttribute, octets, text, u32 } from '../wire/radius-attributes.ts';
import { SERVICE_TYPES } from '../wire/radius-dictionary.ts';
import { type AccessSubject, FRAMED_MTU, portAttributes } from './access-request.ts';
import { type PasswordProof, passwordAttributes, passwordProof } from './password-proof.ts';

/** What proves the MAC, by the way of asking. */
export type MabProof = PasswordProof | { readonly by: 'eap'; readonly eap: Uint8Array };

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
  return passwordProof(authentication === 'chap' ? 'chap' : 'pap', password, entropy);
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
    u32('Service-Type', SERVICE_TYPES['Call-Check']),
    ...portAttributes(subject),
    ...proofAttributes(proof),
    ...(state === undefined ? [] : [octets('State', state)]),
  ];
}

function proofAttributes(proof: MabProof): OutgoingAttribute[] {
  if (proof.by === 'eap') return [u32('Framed-MTU', FRAMED_MTU), octets('EAP-Message', proof.eap)];
  return passwordAttributes(proof);
}
