// A dynamic authorization client (RFC 5176) for tests: requests made, signed and numbered; replies verified and read.

import { instant, type Now, type WallTime, wallAt } from '../../src/base/time.ts';
import { encodeDynamicAuthorizationRequest, radiusCodeName } from '../../src/wire/radius.ts';
import { attributeU32, date, type OutgoingAttribute } from '../../src/wire/radius-attributes.ts';
import { verifyResponse } from '../../src/wire/radius-verify.ts';
import { mutate } from './mutate.ts';
import { SeededRandom } from './seeded-random.ts';

export const DYNAUTH_SECRET = 'a-secret-of-the-servers';
const SECRET = new TextEncoder().encode(DYNAUTH_SECRET);

export interface Wanted {
  readonly code: 'Disconnect-Request' | 'CoA-Request';
  readonly attributes: readonly OutgoingAttribute[];
  readonly identifier?: number;
  readonly secret?: Uint8Array;
  /** Event-Timestamp. */
  readonly at?: WallTime;
}

let identifier = 0;

export function dynamicRequest({ code, attributes, secret = SECRET, at, ...wanted }: Wanted): Uint8Array {
  identifier = (identifier + 1) & 0xff;
  const stamp = at === undefined ? [] : [date('Event-Timestamp', at)];
  const encoded = encodeDynamicAuthorizationRequest({
    code,
    identifier: wanted.identifier ?? identifier,
    attributes: [...attributes, ...stamp],
    secret,
  });
  if (!encoded.ok) throw new Error(encoded.error.detail);
  return encoded.value;
}

export interface Reply {
  readonly code: string;
  readonly errorCause: number | undefined;
  /** Types of its attributes, in order. */
  readonly types: readonly number[];
}

/** Verified against its request; throws if it is not genuine. */
export function readReply(request: Uint8Array, reply: Uint8Array): Reply {
  const verified = verifyResponse({
    packetBytes: reply,
    request: { code: request[0] ?? 0, identifier: request[1] ?? 0, authenticator: request.subarray(4, 20) },
    secret: SECRET,
    requireMessageAuthenticator: true,
  });
  if (!verified.ok) throw new Error(`a bad reply: ${verified.error.reason}: ${verified.error.detail}`);
  const { code, attributes } = verified.value;
  return {
    code: radiusCodeName(code),
    errorCause: attributeU32(verified.value, 'Error-Cause'),
    types: attributes.map(({ type }) => type),
  };
}

/** A moment of both clocks. */
export function nowAt(ms: number): Now {
  const origin: Now = { mono: instant(0), wall: Date.UTC(2026, 0, 1) as WallTime };
  return { mono: instant(ms), wall: wallAt(origin, instant(ms)) };
}

/** Mutants of genuine packets, none of which is one: octets behind Length are padding (RFC 2865 §3), and change nothing. */
export function forgeries(
  genuine: readonly Uint8Array[],
  count: number,
  seed: number,
): readonly Uint8Array[] {
  const random = new SeededRandom(seed);
  const out: Uint8Array[] = [];
  while (out.length < count) {
    const original = genuine[random.below(genuine.length)] ?? new Uint8Array(0);
    const mutant = mutate(original, random);
    const same = mutant.length >= original.length && original.every((octet, i) => octet === mutant[i]);
    if (!same) out.push(mutant);
  }
  return out;
}
