// What RADIUS servers ask of running sessions (RFC 5176): the part that does it, and answers when it is done.

import type { Core } from './core.ts';
import type { SessionUnit } from './session-unit.ts';

/** What came of a new word for a running session (`Life.renew`). `pending`: `renewed` will tell. */
export type Renewal = 'done' | 'pending' | { readonly refused: string };

export class DynamicAuthorization {
  /** Sessions whose change the data plane has not answered yet, and who is to be told. */
  private readonly renewing = new Map<SessionUnit, (error?: string) => void>();

  constructor(readonly core: Core) {}

  /** A renewal that was `pending` is in force, or why it is not. */
  renewed(unit: SessionUnit, error?: string): void {
    const told = this.renewing.get(unit);
    this.renewing.delete(unit);
    told?.(error);
  }
}
