// ARP and neighbour discovery on the ingress interfaces of the routed path. An interface that is not there, or goes down, is
// tried again every few seconds, and said once.

import type { PortName } from '../model/dataplane.ts';
import { Capture } from './capture.ts';

const RETRY_MS = 5000;

export class IngressCaptures {
  private readonly captures: readonly Capture[];
  private readonly failing = new Set<Capture>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    names: readonly string[],
    onFrame: (frame: Uint8Array) => void,
    private readonly onError: (message: string) => void,
  ) {
    this.captures = names.map(
      (name) =>
        new Capture(
          name as PortName,
          (_, frame) => onFrame(frame),
          (_, reason) => onError(reason),
        ),
    );
    this.openAll();
    this.timer = setInterval(() => this.openAll(), RETRY_MS);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
    for (const capture of this.captures) capture.close();
  }

  private openAll(): void {
    for (const capture of this.captures) {
      if (capture.isOpen) continue;
      const opened = capture.open();
      if (opened.ok) this.failing.delete(capture);
      else if (!this.failing.has(capture)) {
        this.failing.add(capture);
        this.onError(`${opened.error}; trying again`);
      }
    }
  }
}
