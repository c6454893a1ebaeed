// How many file descriptors this process has left. What it lives by is opened at the start and kept: the data plane's socket, the
// store, the captures, the control socket. A port that comes up, a server that is asked anew and a program that is run need more.

import { readdirSync, readFileSync } from 'node:fs';

/** Of all, and none of the usual few hundred comes near it with the service's 65,536. */
const FULL = 0.9;
/** It is over below this. */
const EASED = 0.8;

export class Descriptors {
  private limit: number | undefined;
  private isShort = false;

  /** Why there are too few, a sentence; undefined = there are enough, or the system does not say. */
  shortage(): string | undefined {
    try {
      const open = readdirSync('/proc/self/fd').length;
      this.limit = softLimit(readFileSync('/proc/self/limits', 'latin1'));
      this.isShort = open > this.limit * (this.isShort ? EASED : FULL);
      return this.isShort ? `${open} of ${this.limit} file descriptors are open` : undefined;
    } catch (cause) {
      this.isShort = isExhaustion(cause);
      return this.isShort ? 'no file descriptor is left' : undefined;
    }
  }
}

function softLimit(limits: string): number {
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}

function isExhaustion(cause: unknown): boolean {
  const { code } = cause as { readonly code?: string };
  return code === 'EMFILE' || code === 'ENFILE';
}
