// Two clocks, three units. The core never asks for the time: it is told, with every event.

/** A length of time in milliseconds. */
export type Millis = number & { readonly __brand: 'Millis' };
/** A point on the monotonic clock, in milliseconds since an arbitrary origin. Never stepped, never persisted. */
export type Instant = number & { readonly __brand: 'Instant' };
/** A point on the wall clock, in milliseconds since 1970-01-01T00:00:00Z. May be stepped at any time. */
export type WallTime = number & { readonly __brand: 'WallTime' };

/**
 * A point on the machine's own clock, in milliseconds since its boot: not stepped, and the same for every process; of
 * another boot it says nothing. What is to be known after a restart of ours is kept so.
 */
export type MachineTime = number & { readonly __brand: 'MachineTime' };

/** Later than any instant: "no deadline". */
export const NEVER = Number.POSITIVE_INFINITY as Instant;
/** Earlier than any instant: "not yet". */
export const LONG_AGO = Number.NEGATIVE_INFINITY as Instant;

export function millis(value: number): Millis {
  return value as Millis;
}

export function seconds(value: number): Millis {
  return (value * 1000) as Millis;
}

export function instant(value: number): Instant {
  return value as Instant;
}

export function after(start: Instant, length: Millis): Instant {
  return (start + length) as Instant;
}

export function elapsed(from: Instant, to: Instant): Millis {
  return (to - from) as Millis;
}

/** Of two: asked at every turn of every machine, and a list of any length would be an array each time. */
export function earliest(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}

export function latest(a: Instant, b: Instant): Instant {
  return a > b ? a : b;
}

/** Both clocks at one moment, as the shell reads them: the only source of time below `io`. */
export interface Now {
  readonly mono: Instant;
  readonly wall: WallTime;
}

/** RFC 3339 in UTC with milliseconds. */
export function rfc3339(wall: WallTime): string {
  return new Date(wall).toISOString();
}

/** The wall time of a monotonic instant, by the clock pair `now`. */
export function wallAt(now: Now, at: Instant): WallTime {
  return (now.wall - (now.mono - at)) as WallTime;
}

/** The machine's clock, as a process finds it. */
export interface MachineClock {
  /** Which boot of the machine this is; other words for another one. */
  readonly boot: string;
  /** What it shows at the origin of the process's instants. */
  readonly origin: number;
}

export function machineTime({ origin }: MachineClock, at: Instant): MachineTime {
  return (at + origin) as MachineTime;
}

export function fromMachineTime({ origin }: MachineClock, at: MachineTime): Instant {
  return (at - origin) as Instant;
}
