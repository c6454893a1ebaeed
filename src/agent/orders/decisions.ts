// Why is somebody not in? The last decisions about each MAC, and each address behind the switch, for `rollcall explain`.
//
// Bound: 20 decisions each, 4,096 of them; the one that was decided about longest ago is forgotten first.

import type { Ip } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import type { WallTime } from '../../base/time.ts';

const PER_CLIENT = 20;
const CLIENTS = 4096;

export interface Decision {
  readonly at: WallTime;
  /** Absent for an address behind the switch. */
  readonly port?: string;
  /** A short fixed phrase: `rejected`, `session ended`, … */
  readonly what: string;
  /** The particulars: cause, Reply-Message, server, counts. */
  readonly detail: string;
}

export class Decisions {
  private readonly byClient = new Map<Mac | Ip, Decision[]>();

  note(who: Mac | Ip, decision: Decision): void {
    const list = this.byClient.get(who) ?? [];
    const last = list.at(-1);
    // The same again, as a flood has it: only its time is news.
    if (last?.what === decision.what && last.detail === decision.detail && last.port === decision.port)
      list.pop();
    list.push(decision);
    if (list.length > PER_CLIENT) list.shift();
    // Deleted and set again, so that the map's order is the order of the last decision.
    this.byClient.delete(who);
    this.byClient.set(who, list);
    if (this.byClient.size > CLIENTS) {
      const oldest = this.byClient.keys().next();
      if (!oldest.done) this.byClient.delete(oldest.value);
    }
  }

  about(who: Mac | Ip): readonly Decision[] {
    return this.byClient.get(who) ?? [];
  }
}
