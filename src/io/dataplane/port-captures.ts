// The captures of the ports, one each. What was wanted before there was a capture to be had is opened when there is.

import type { Mac } from '../../base/mac.ts';
import type { Result } from '../../base/result.ts';
import type { PortName } from '../../model/dataplane.ts';

export interface CaptureHandle {
  open(): Result<void, string>;
  /** Of these MACs only; undefined: of anybody. */
  hear(only: readonly Mac[] | undefined): void;
  /** Frames for which there was no room, since the last call. */
  takeLost(): number;
  close(): void;
}

export type OpenCapture = (
  port: PortName,
  onFrame: (frame: Uint8Array) => void,
  onError: (message: string) => void,
) => CaptureHandle;

interface Hearing {
  readonly onFrame: (port: PortName, bytes: Uint8Array) => void;
  readonly onError: (port: PortName, message: string) => void;
}

type Opened = (result: Result<void, string>) => void;

export class PortCaptures {
  private make: OpenCapture | undefined;
  private readonly wanted: { readonly port: PortName; readonly opened: Opened }[] = [];
  private readonly open = new Map<PortName, CaptureHandle>();

  constructor(private readonly hearing: Hearing) {}

  /** Captures can be had from now on. */
  use(make: OpenCapture): void {
    this.make = make;
    for (const { port, opened } of this.wanted.splice(0)) this.listen(port, opened);
  }

  /** Anew, if there is one on this port. */
  listen(port: PortName, opened: Opened): void {
    if (this.make === undefined) {
      this.wanted.push({ port, opened });
      return;
    }
    this.open.get(port)?.close();
    const { onFrame, onError } = this.hearing;
    const capture = this.make(
      port,
      (bytes) => onFrame(port, bytes),
      (message) => onError(port, message),
    );
    this.open.set(port, capture);
    const result = capture.open();
    opened(result);
    if (!result.ok) this.open.delete(port);
  }

  ports(): readonly PortName[] {
    return [...this.open.keys()];
  }

  hear(port: PortName, only: readonly Mac[] | undefined): void {
    this.open.get(port)?.hear(only);
  }

  takeLost(port: PortName): number {
    return this.open.get(port)?.takeLost() ?? 0;
  }

  close(port: PortName): void {
    this.open.get(port)?.close();
    this.open.delete(port);
  }

  closeAll(): void {
    for (const capture of this.open.values()) capture.close();
    this.open.clear();
  }
}
