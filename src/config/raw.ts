// What assembling needs everywhere: the file as it is once it is valid, and the way from its values to ours.

import type { Static } from 'typebox';
import { type Millis, seconds } from '../base/time.ts';
import type { ConfigSchema } from './schema.ts';

export type RawConfig = Static<typeof ConfigSchema>;

/** The secret at this place of the file, files already read. */
export type SecretOf = (value: string | { readonly file: string }) => string;

export function time(inSeconds: number | undefined): Millis | undefined {
  return inSeconds === undefined ? undefined : seconds(inSeconds);
}

/** `{key: value}`, or nothing where the value is undefined: an absent key is absent, not undefined. */
export function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
