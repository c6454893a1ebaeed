// Notices of concentrators that are being done. One may have many users let in and many sessions ended; it is over when all that it
// waits for is known.

import type { Ip } from '../../base/ip.ts';
import type { SsoRef } from '../../radius/sso.ts';
import type { SessionUnit } from '../session/session-unit.ts';

/** An address on its way in, or a session on its way out. */
type Awaited = Ip | SessionUnit;

export interface Work {
  readonly ref: SsoRef;
  readonly waiting: Set<Awaited>;
  failed: boolean;
  /** All that it waits for is known. */
  begun: boolean;
}

export class SsoWorks {
  private readonly works = new Map<Awaited, Set<Work>>();

  /** `over`: false if some of it could not be done. */
  constructor(private readonly over: (ref: SsoRef, done: boolean) => void) {}

  of(ref: SsoRef): Work {
    return { ref, waiting: new Set(), failed: false, begun: false };
  }

  wait(work: Work, what: Awaited): void {
    work.waiting.add(what);
    const works = this.works.get(what) ?? new Set();
    this.works.set(what, works.add(work));
  }

  /** Nothing is added to what it waits for. */
  begun(work: Work): void {
    work.begun = true;
    this.finish(work);
  }

  /** Whoever waits for this waits no more. */
  settle(what: Awaited, failed: boolean): void {
    const works = this.works.get(what) ?? [];
    this.works.delete(what);
    for (const work of works) {
      work.waiting.delete(what);
      work.failed ||= failed;
      this.finish(work);
    }
  }

  private finish({ ref, begun, waiting, failed }: Work): void {
    if (begun && waiting.size === 0) this.over(ref, !failed);
  }
}
