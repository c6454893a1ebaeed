// Outcomes as values. Nothing below `io` throws on input; it returns one of these.

export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/**
 * Why octets from the wire were refused. `reason` is a short fixed word, the label under which it is counted;
 * `detail` is for people and may quote lengths and code points, never octets.
 */
export interface Malformed {
  readonly reason: string;
  readonly detail: string;
}

export type Decoded<T> = Result<T, Malformed>;

export function malformed(reason: string, detail: string): { readonly ok: false; readonly error: Malformed } {
  return { ok: false, error: { reason, detail } };
}

/** What was thrown, in words. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The end of an exhaustive switch: a new variant that nobody handles does not compile. */
export function assertNever(value: never): never {
  throw new Error(`unreachable variant: ${JSON.stringify(value)}`);
}
