// A role: what its users' sessions may last, and how their silence is judged.

import type { Millis } from '../base/time.ts';

export interface RoleTimers {
  /** Absolute, from login; 0 = none. RADIUS Session-Timeout wins over it. */
  readonly session: Millis;
  /** Since the last evidence; absent = not set. */
  readonly heartbeat?: Millis;
}
