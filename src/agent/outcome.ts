// What comes of a request: the verb's result, or a refusal with the answer's error.

import type { Fault } from '../config/fault.ts';
import type { ResultOf } from '../report/answers.ts';
import type { ErrorCode, Verb } from '../report/command-schemas.ts';

export interface Refused {
  readonly refused: true;
  readonly code: ErrorCode;
  readonly message: string;
  readonly path: string;
  /** Of a configuration: everything that is wrong with it. */
  readonly faults?: readonly Fault[];
}

export type Outcome<V extends Verb> = ResultOf<V> | Refused;

export function isRefused(outcome: object): outcome is Refused {
  return 'refused' in outcome;
}

export function refused(code: ErrorCode, message: string, path = ''): Refused {
  return { refused: true, code, message, path };
}
