// A password as an Access-Request carries it: User-Password (PAP, RFC 2865 §5.2) or CHAP-Password (§5.3).

import type { Entropy } from '../base/entropy.ts';
import { type OutgoingAttribute, octets } from '../wire/radius-attributes.ts';
import { chapPassword } from '../wire/radius-password.ts';

const CHALLENGE_OCTETS = 16;

export type PasswordProof =
  | { readonly by: 'pap'; readonly password: Uint8Array }
  | {
      readonly by: 'chap';
      readonly password: Uint8Array;
      /** 0..255, random. */
      readonly chapId: number;
      /** 16 random octets. */
      readonly challenge: Uint8Array;
    };

export function passwordProof(
  by: PasswordProof['by'],
  password: Uint8Array,
  entropy: Entropy,
): PasswordProof {
  if (by === 'pap') return { by, password };
  return { by, password, chapId: entropy.bytes(1)[0] ?? 0, challenge: entropy.bytes(CHALLENGE_OCTETS) };
}

export function passwordAttributes(proof: PasswordProof): OutgoingAttribute[] {
  // In clear here: the codec hides it, with the secret of whichever server is asked.
  if (proof.by === 'pap') return [octets('User-Password', proof.password)];
  return [octets('CHAP-Password', chapPassword(proof)), octets('CHAP-Challenge', proof.challenge)];
}
