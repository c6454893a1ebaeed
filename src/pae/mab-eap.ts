// The EAP peer that stands in for a device without one: MAB by EAP-MD5 (RFC 3748 §5.4). We are the peer here, the
// server is the authenticator; nothing of this goes to the device.

import { ByteReader, concatBytes } from '../base/bytes.ts';
import { md5 } from '../base/hash.ts';
import {
  decodeEap,
  EAP_REQUEST,
  EAP_RESPONSE,
  EAP_TYPE_IDENTITY,
  EAP_TYPE_MD5_CHALLENGE,
  EAP_TYPE_NAK,
  EAP_TYPE_NOTIFICATION,
  encodeEap,
} from '../wire/eap.ts';

export interface MabPeer {
  readonly userName: Uint8Array;
  readonly password: Uint8Array;
}

/** The first message of the conversation: nobody has asked (RFC 3579 §2.1 has the NAS begin). */
export function firstResponse(peer: MabPeer): Uint8Array {
  return encodeEap({ code: EAP_RESPONSE, identifier: 0, type: EAP_TYPE_IDENTITY, data: peer.userName });
}

/**
 * The Response to a server's Request; undefined for what is none, and for an MD5-Challenge without a challenge. Any
 * method but MD5-Challenge is answered with a Nak that wants it (§5.3.1).
 */
export function responseTo(packet: Uint8Array, peer: MabPeer): Uint8Array | undefined {
  const decoded = decodeEap(packet);
  if (!decoded.ok || decoded.value.code !== EAP_REQUEST) return undefined;
  const { identifier, type, data } = decoded.value;
  const response = (ofType: number, typeData: Uint8Array): Uint8Array =>
    encodeEap({ code: EAP_RESPONSE, identifier, type: ofType, data: typeData });
  switch (type) {
    case EAP_TYPE_IDENTITY:
      return response(EAP_TYPE_IDENTITY, peer.userName);
    case EAP_TYPE_NOTIFICATION:
      return response(EAP_TYPE_NOTIFICATION, new Uint8Array(0));
    case EAP_TYPE_MD5_CHALLENGE: {
      const reader = new ByteReader(data);
      const challenge = reader.bytes(reader.u8());
      if (reader.failed || challenge.length === 0) return undefined;
      // RFC 1994 §4.1: identifier, secret, challenge. Value-Size stands before the value, the name behind it.
      const value = md5(Uint8Array.of(identifier), peer.password, challenge);
      return response(
        EAP_TYPE_MD5_CHALLENGE,
        concatBytes([Uint8Array.of(value.length), value, peer.userName]),
      );
    }
    default:
      return response(EAP_TYPE_NAK, Uint8Array.of(EAP_TYPE_MD5_CHALLENGE));
  }
}
