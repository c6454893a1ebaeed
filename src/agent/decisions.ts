// Why is somebody not in? The last decisions about each MAC, for `rollcall explain`.
//
// Bound: 20 decisions a MAC, 4,096 MACs; the MAC that was decided about longest ago is forgotten first.

import type { Mac } from '../base/mac.ts';
import type { WallTime } from '../base/time.ts';

const PER_MAC = 20;
const MACS = 4096;

export interface Decision {
  readonly at: WallTime;
  readonly port: string;
  /** A short fixed phrase: `rejected`, `session ended`, … */
  readonly what: string;
  /** The particulars: cause, Reply-Message, server, counts. */
  readonly detail: string;
}

export class Decisions {
  private readonly byMac = new Map<Mac, Decision[]>();

  note(mac: Mac, decision: Decision): void {
    const list = this.byMac.get(mac) ?? [];
    const last = list.at(-1);
    // The same again, as a flood has it: only its time is news.
    if (last?.what === decision.what && last.detail === decision.detail && last.port === decision.port)
      list.pop();
    list.push(decision);
    if (list.length > PER_MAC) list.shift();
    // Deleted and set again, so that the map's order is the order of the last decision.
    this.byMac.delete(mac);
    this.byMac.set(mac, list);
    if (this.byMac.size > MACS) {
      const oldest = this.byMac.keys().next();
      if (!oldest.done) this.byMac.delete(oldest.value);
    }
  }

  about(mac: Mac): readonly Decision[] {
    return this.byMac.get(mac) ?? [];
  }
}
