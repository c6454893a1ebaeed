// The scalar types that the configuration is made of. A `title` completes the sentence "'x' is not ..." in a fault, and
// tells a reader of the JSON Schema what the value is.

import { Type } from 'typebox';

/** Unknown keys are faults. */
export const strict = { additionalProperties: false } as const;

/** Longest time that a key may hold: 366 days. */
export const MAX_SECONDS = 31_622_400;

export function text(title: string, maxLength = 255) {
  return Type.String({ title, minLength: 1, maxLength });
}

export function pattern(title: string, regex: string) {
  return Type.String({ title, pattern: regex });
}

export function path(title: string) {
  return Type.String({ title, pattern: '^/[^\\u0000-\\u001f]*$', maxLength: 4096 });
}

/** Checked by our own parsers, see validate.ts. */
export function address(
  format: 'ip-address' | 'ipv4-address' | 'ipv6-address' | 'mac-address' | 'mac-prefix',
  title: string,
) {
  return Type.String({ format, title });
}

interface TimeOptions {
  readonly default?: number;
  readonly maximum?: number;
  readonly description: string;
}

/** Seconds: 0 (off) or 1 and more. */
export function timeOrOff({ maximum = MAX_SECONDS, ...options }: TimeOptions) {
  return Type.Number({
    title: `0 or 1..${maximum} seconds`,
    minimum: 0,
    maximum,
    format: 'zero-or-one-up',
    ...options,
  });
}

/** Seconds, from 1. */
export function time({ maximum = MAX_SECONDS, ...options }: TimeOptions) {
  return Type.Number({ title: `1..${maximum} seconds`, minimum: 1, maximum, ...options });
}

/** Seconds, from 0. */
export function delay({ maximum = 3600, ...options }: TimeOptions) {
  return Type.Number({ title: `0..${maximum} seconds`, minimum: 0, maximum, ...options });
}

export function count(minimum: number, maximum: number, options: { default?: number; description: string }) {
  return Type.Integer({ title: `a whole number ${minimum}..${maximum}`, minimum, maximum, ...options });
}

export function port(fallback: number, description: string) {
  return Type.Integer({
    title: 'a port number 1..65535',
    minimum: 1,
    maximum: 65535,
    default: fallback,
    description,
  });
}

export function flag(fallback: boolean, description: string) {
  return Type.Boolean({ title: 'true or false', default: fallback, description });
}

/** The value itself, or the file whose first line it is. */
export const Secret = Type.Union(
  [
    Type.String({ title: 'a secret of 1 to 255 characters', minLength: 1, maxLength: 255 }),
    Type.Object({ file: path('the absolute path of a file') }, { ...strict, title: '{file: PATH}' }),
  ],
  { title: 'a secret, or {file: PATH}', description: 'A secret, or the file whose first line holds it.' },
);
