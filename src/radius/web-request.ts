// The attributes of an Access-Request for somebody who has written a user name and a password into a form. Service-Type Login
// (RFC 2865 §5.6), as web logins of other switches have it, is what servers tell them from 802.1X (Framed) and
// MAB (Call-Check) by.

import { type OutgoingAttribute, text, u32 } from '../wire/radius-attributes.ts';
import { SERVICE_TYPES } from '../wire/radius-dictionary.ts';
import { type AccessSubject, portAttributes } from './access-request.ts';
import { type PasswordProof, passwordAttributes } from './password-proof.ts';

export interface WebLogin {
  readonly subject: AccessSubject;
  readonly userName: string;
  readonly proof: PasswordProof;
}

export function webRequestAttributes({ subject, userName, proof }: WebLogin): OutgoingAttribute[] {
  return [
    text('User-Name', userName),
    u32('Service-Type', SERVICE_TYPES.Login),
    ...portAttributes(subject),
    ...passwordAttributes(proof),
  ];
}
