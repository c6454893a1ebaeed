// Captures beside those of the access ports, that are to be there whatever happens: one that cannot be opened, or ends since its
// interface went down, is tried again every few seconds, and said once.

import type { LeaseCapture } from '../../agent/ports.ts';
import type { PortName } from '../../model/dataplane.ts';
import { Capture, type CaptureScope, LEASE_SCOPES } from './capture.ts';

const RETRY_MS = 5000;

/** `scope` absent: what clients send. */
export interface KeptCapture {
  readonly device: string;
  readonly scope?: CaptureScope;
}

/** Of DHCP servers, for the DHCP watch: answers that come in by an uplink, or leave by the bridge from a server on this switch. */
export function leaseCapture({ device, direction }: LeaseCapture): KeptCapture {
  return { device, scope: LEASE_SCOPES[direction] };
}

export class KeptCaptures {
  private readonly captures = new Map<string, Capture>();
  private readonly failing = new Set<Capture>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly onFrame: (frame: Uint8Array, device: string) => void,
    private readonly onError: (message: string) => void,
  ) {
    this.timer = setInterval(() => this.openAll(), RETRY_MS);
    this.timer.unref();
  }

  /** These, and no others. */
  keep(wanted: readonly KeptCapture[]): void {
    const keys = new Set(wanted.map(keyOf));
    for (const [key, capture] of this.captures) {
      if (keys.has(key)) continue;
      capture.close();
      this.failing.delete(capture);
      this.captures.delete(key);
    }
    for (const each of wanted)
      if (!this.captures.has(keyOf(each))) this.captures.set(keyOf(each), this.make(each));
    this.openAll();
  }

  close(): void {
    clearInterval(this.timer);
    this.keep([]);
  }

  private make({ device, scope }: KeptCapture): Capture {
    const capture: Capture = new Capture(
      device as PortName,
      (_, frame) => this.onFrame(frame, device),
      (_, reason) => this.failed(capture, reason),
      scope,
    );
    return capture;
  }

  private openAll(): void {
    for (const capture of this.captures.values()) {
      if (capture.isOpen) continue;
      const opened = capture.open();
      if (opened.ok) this.failing.delete(capture);
      else this.failed(capture, opened.error);
    }
  }

  private failed(capture: Capture, reason: string): void {
    if (this.failing.has(capture)) return;
    this.failing.add(capture);
    this.onError(`${reason}; trying again`);
  }
}

function keyOf({ device, scope }: KeptCapture): string {
  return `${device} ${scope?.filter ?? ''}`;
}
