// What is found wrong with a file beyond its schema.

import type { KeyPath } from './fault.ts';

/** A finding without its line: parse.ts adds it. */
export interface Finding {
  readonly path: KeyPath;
  readonly message: string;
  readonly severity: 'fault' | 'warning';
}

export function fault(path: KeyPath, message: string): Finding {
  return { path, message, severity: 'fault' };
}

export function warning(path: KeyPath, message: string): Finding {
  return { path, message, severity: 'warning' };
}
