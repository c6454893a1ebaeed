// Requests that take ports down: all ports of one or none. What has been taken down when another fails is set up again, and
// sessions end only when all are down. A request for a port that is on its way down already joins the one before it.

import type { PortName } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import type { Hold } from '../port/link-hold.ts';

interface Attempt<Work> {
  readonly hold: Hold;
  readonly ports: readonly PortName[];
  readonly waiting: Set<PortName>;
  readonly works: Work[];
  error: string | undefined;
}

export class Lowering<Work> {
  private readonly attempts = new Map<PortName, Attempt<Work>>();

  constructor(private readonly core: Core) {}

  /** False where one of the ports is held, or on its way down with others or for another reason. */
  begin(work: Work, ports: readonly PortName[], hold: Hold): boolean {
    const [only] = ports;
    const running = only === undefined ? undefined : this.attempts.get(only);
    if (running !== undefined && ports.length === 1 && running.hold.kind === hold.kind) {
      running.works.push(work);
      return true;
    }
    const { links } = this.core.parts;
    if (ports.some((port) => links.kindOf(port) !== undefined)) return false;
    const attempt: Attempt<Work> = { hold, ports, waiting: new Set(ports), works: [work], error: undefined };
    for (const port of ports) this.attempts.set(port, attempt);
    for (const port of ports) links.takeDown(port, hold);
    return true;
  }

  /** A port is down, or why not; the whole attempt once nothing more is waited for. */
  lowered(
    port: PortName,
    error: string | undefined,
  ): { readonly works: readonly Work[]; readonly error: string | undefined } | undefined {
    const attempt = this.attempts.get(port);
    if (attempt === undefined) return undefined;
    this.attempts.delete(port);
    attempt.waiting.delete(port);
    attempt.error ??= error;
    if (attempt.waiting.size > 0) return undefined;
    const { links } = this.core.parts;
    for (const each of attempt.ports) {
      if (attempt.error === undefined) links.keepDown(each);
      else links.raise(each);
    }
    return attempt;
  }
}
