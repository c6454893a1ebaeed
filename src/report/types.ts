// The small types that payloads are made of, each with a description that the AsyncAPI document repeats.

import { type Static, type TSchema, Type } from 'typebox';
import { HIGHEST_VLAN_ID } from '../wire/ethernet.ts';

export const closed = { additionalProperties: false } as const;

export function object<P extends Record<string, TSchema>>(description: string, properties: P) {
  return Type.Object(properties, { ...closed, description });
}

/** RFC 3339, UTC, milliseconds: base/time.ts `rfc3339`. */
export function time(description: string) {
  return Type.String({
    description,
    pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
    examples: ['2025-01-31T12:00:00.000Z'],
  });
}

export function seconds(description: string) {
  return Type.Number({ description, minimum: 0 });
}

export function count(description: string) {
  return Type.Integer({ description, minimum: 0 });
}

export function word(description: string) {
  return Type.String({ description });
}

export function oneOf<const T extends readonly string[]>(description: string, values: T) {
  return Type.Unsafe<T[number]>(Type.Enum([...values], { description }));
}

export const MacText = Type.String({
  description: 'MAC address, lower case, colons.',
  pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$',
});
export const PortName = Type.String({
  description: 'Interface name of a bridge port.',
  minLength: 1,
  maxLength: 64,
});
export const Vlan = Type.Integer({
  description: 'VLAN id; 0 = the bridge does not filter VLANs.',
  minimum: 0,
  maximum: HIGHEST_VLAN_ID,
});
export const SessionKeyText = Type.String({
  description: 'aa-bb-cc-dd-ee-ff, or ip-<address>.',
  minLength: 1,
  maxLength: 64,
});

/** Deeply readonly: what is published is never changed afterwards. */
export type Payload<S extends TSchema> = DeepReadonly<Static<S>>;

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;
