// Captures of what DHCP servers say, for the DHCP watch: answers that come in by an uplink, and those that leave by the bridge
// from a server on this switch. Told as a whole which there are to be; one that fails or ends (its interface went down) is
// tried again every few seconds, and told of once.

import type { LeaseCapture } from '../agent/ports.ts';
import type { PortName } from '../model/dataplane.ts';
import { Capture } from './capture.ts';

const RETRY_MS = 5000;

const FROM_SERVER = '(ip and udp src port 67) or (ip6 and udp src port 547)';
/** `vlan` shifts every offset that follows it (pcap-filter(7)), hence the same words twice. */
const TAGGED_TOO = `${FROM_SERVER} or (vlan and (${FROM_SERVER}))`;
/** The word loses the first frame after opening: here that is borne. */
const FILTERS = { in: TAGGED_TOO, out: `outbound and (${TAGGED_TOO})` } as const;

interface Held {
  readonly capture: Capture;
  isOpen: boolean;
  /** Its failure was told. */
  told: boolean;
}

export class LeaseCaptures {
  private readonly held = new Map<string, Held>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly onFrame: (frame: Uint8Array) => void,
    private readonly onError: (message: string) => void,
  ) {}

  /** These, and no others. */
  watch(captures: readonly LeaseCapture[]): void {
    const wanted = new Map(captures.map((each) => [`${each.device} ${each.direction}`, each]));
    for (const [key, { capture }] of this.held) {
      if (wanted.has(key)) continue;
      capture.close();
      this.held.delete(key);
    }
    for (const [key, each] of wanted) if (!this.held.has(key)) this.held.set(key, this.make(each));
    this.openAll();
  }

  close(): void {
    this.watch([]);
    clearTimeout(this.timer);
  }

  private make({ device, direction }: LeaseCapture): Held {
    const capture = new Capture(
      device as PortName,
      (_, frame) => this.onFrame(frame),
      (_, reason) => this.ended(held, reason),
      { filter: FILTERS[direction], inbound: direction === 'in' },
    );
    const held: Held = { capture, isOpen: false, told: false };
    return held;
  }

  private ended(held: Held, reason: string): void {
    held.isOpen = false;
    if (!held.told) this.onError(`DHCP watch: ${reason}`);
    held.told = true;
    this.arm();
  }

  private openAll(): void {
    for (const held of this.held.values()) {
      if (held.isOpen) continue;
      const opened = held.capture.open();
      held.isOpen = opened.ok;
      if (opened.ok) held.told = false;
      else this.ended(held, opened.error);
    }
  }

  private arm(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.openAll(), RETRY_MS);
    this.timer.unref();
  }
}
