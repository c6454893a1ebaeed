// Who may reach the login page and nothing else: MACs in a set of the kernel's packet filter (io/dataplane/stranger-guard.ts). Order is
// the promise: a stranger's entry in the table is written after its MAC stands in the set, and the MAC leaves the set when
// no entry of it is left, or when an authenticated session of it stands.
//
//   confine ──▶ confining ──▶ held ──▶ lifting ──▶ gone         an answer that is no: unknown ──▶ confining or lifting
//
// One operation at a time for a MAC. One that has failed may have been done all the same (nft was killed after it had
// committed), so nothing is taken for granted after it: whoever was to be confined is not let in, and the MAC is taken out of the
// set until that has succeeded, which is alarmed: its user may be in, and cannot do anything.

import type { Mac } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import { retryDelay } from '../../base/retry.ts';
import { after, earliest, type Instant, type Millis, millis, NEVER } from '../../base/time.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';

type Told = (error?: string) => void;

type State =
  | { readonly name: 'confining'; readonly port: PortName }
  /** It stands in the set; undefined: by an earlier run. */
  | { readonly name: 'held'; readonly port: PortName | undefined }
  | { readonly name: 'lifting'; readonly tries: number }
  /** The last operation has failed. */
  | { readonly name: 'unknown'; readonly tries: number; readonly at: Instant };

interface Entry {
  readonly mac: Mac;
  /** Where it is, or was last, to be confined. */
  port: PortName | undefined;
  state: State;
  /** Who wants to know that it is confined on `port`. */
  waiting: Told[];
}

export class Confinement implements Timed {
  timer: Timed['timer'];
  private readonly entries = new Map<Mac, Entry>();
  /** Undefined: strangers can be confined. */
  private obstacle: string | undefined = 'the packet filter is not ready yet';
  /** Entries that an earlier run has written are known, and are being removed. */
  private tableKnown = false;

  constructor(private readonly core: Core) {}

  /** Why nobody can be let in as a stranger; undefined = they can. */
  get missing(): string | undefined {
    return this.obstacle;
  }

  /** MACs that stand in the set, or may. */
  get size(): number {
    return this.entries.size;
  }

  /** The packet filter is ready, with the MACs that an earlier run left in it; or it cannot be had, or is lost. */
  news(left: readonly Mac[], error: string | undefined): void {
    const { life, reporter } = this.core.parts;
    this.obstacle = error;
    for (const mac of left)
      if (!this.entries.has(mac))
        this.entries.set(mac, {
          mac,
          port: undefined,
          state: { name: 'held', port: undefined },
          waiting: [],
        });
    this.reviewAll();
    reporter.infoChanged();
    if (error === undefined) return;
    if (this.core.settings.anyPortal) reporter.warning('confinement', `no stranger is let in: ${error}`, {});
    for (const unit of [...this.core.sessions.all()])
      if (unit.session.method === 'portal') life.end(unit, { cause: 'nas-error', detail: error });
  }

  /** The rules had been taken away. */
  restored(): void {
    this.obstacle = undefined;
    const message = 'the rules that hold strangers to the login page were not whole, and are again';
    this.core.parts.reporter.warning('confinement', message, {});
    this.core.parts.reporter.infoChanged();
  }

  /** The table was read: what an earlier run has left of strangers in it is on its way out. */
  tableRead(): void {
    if (this.tableKnown) return;
    this.tableKnown = true;
    this.reviewAll();
  }

  /** `told` when the MAC stands in the set, or why it does not. */
  confine(mac: Mac, port: PortName, told: Told): void {
    if (this.obstacle !== undefined) {
      told(this.obstacle);
      return;
    }
    const known = this.entries.get(mac);
    if (known?.state.name === 'held' && known.state.port === port) {
      told();
      return;
    }
    const entry: Entry = known ?? { mac, port, state: this.unknown(0), waiting: [] };
    this.entries.set(mac, entry);
    entry.port = port;
    entry.waiting.push(told);
    if (entry.state.name === 'held' || entry.state.name === 'unknown') this.hold(entry, port);
  }

  /** Something about this client has changed: if nothing of it needs the set any more, it leaves it. */
  review(mac: Mac): void {
    const entry = this.entries.get(mac);
    if (entry === undefined || this.isNeeded(mac)) return;
    entry.waiting = [];
    if (entry.state.name === 'held') this.lift(entry, 1);
  }

  /** The answer of the packet filter. */
  done(mac: Mac, error: string | undefined): void {
    const entry = this.entries.get(mac);
    if (entry === undefined) return;
    switch (entry.state.name) {
      case 'confining':
        this.confined(entry, entry.state.port, error);
        return;
      case 'lifting':
        this.lifted(entry, entry.state.tries, error);
        return;
      case 'held':
      case 'unknown':
        return;
      default:
        assertNever(entry.state);
    }
  }

  pollAt(): Instant {
    let at = NEVER;
    for (const { state } of this.entries.values()) if (state.name === 'unknown') at = earliest(at, state.at);
    return at;
  }

  onTime(now: Instant): void {
    for (const entry of [...this.entries.values()]) {
      const { state } = entry;
      if (state.name !== 'unknown' || state.at > now) continue;
      // An entry of it is on its way out of the table.
      if (this.isNeeded(entry.mac)) entry.state = this.unknown(state.tries, retryDelay(1));
      else this.lift(entry, state.tries + 1);
    }
  }

  private reviewAll(): void {
    for (const mac of [...this.entries.keys()]) this.review(mac);
  }

  private isNeeded(mac: Mac): boolean {
    const { life } = this.core.parts;
    const running = this.core.sessions.ofMac(mac);
    return (
      !this.tableKnown ||
      running?.session.method === 'portal' ||
      life.isEnteringAs(mac, 'portal') ||
      life.hasOtherEntries(mac, running)
    );
  }

  private unknown(tries: number, delay: Millis = millis(0)): State {
    return { name: 'unknown', tries, at: after(this.core.now.mono, delay) };
  }

  private confined(entry: Entry, port: PortName, error: string | undefined): void {
    const { waiting } = entry;
    if (waiting.length > 0 && entry.port !== undefined && entry.port !== port) {
      this.hold(entry, entry.port);
      return;
    }
    entry.waiting = [];
    entry.state = error === undefined ? { name: 'held', port } : this.unknown(0);
    this.core.schedule.touch(this);
    for (const tell of waiting) tell(error);
    this.review(entry.mac);
  }

  private lifted(entry: Entry, tries: number, error: string | undefined): void {
    const { mac, port, waiting } = entry;
    if (waiting.length > 0 && port !== undefined) this.hold(entry, port);
    else if (error === undefined) this.entries.delete(mac);
    else {
      entry.state = this.unknown(tries, retryDelay(tries));
      this.core.schedule.touch(this);
      this.core.parts.reporter.warning(
        'confinement',
        `${mac} may still reach nothing but the login page: ${error}`,
        port === undefined ? { mac } : { mac, port },
      );
    }
  }

  private hold(entry: Entry, port: PortName): void {
    entry.state = { name: 'confining', port };
    this.core.out.ask({ about: 'confinement', mac: entry.mac }, { type: 'confine', mac: entry.mac, port });
    this.core.schedule.touch(this);
  }

  private lift(entry: Entry, tries: number): void {
    entry.state = { name: 'lifting', tries };
    this.core.out.ask({ about: 'confinement', mac: entry.mac }, { type: 'release', mac: entry.mac });
    this.core.schedule.touch(this);
  }
}
