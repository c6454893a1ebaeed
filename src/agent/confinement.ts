// Who may reach the login page and nothing else: MACs in a set of the kernel's packet filter (io/stranger-guard.ts). Order is
// the promise: a stranger's entry in the table is written after its MAC stands in the set, and the MAC leaves the set when
// no entry of it is left, or when an authenticated session of it stands.
//
// One operation at a time for a MAC. One that cannot be put into the set is not let in; one that cannot be taken out is
// retried for ever, and alarmed: its user is in, and cannot do anything.

import type { Mac } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import { retryDelay } from '../base/retry.ts';
import { after, earliest, type Instant, NEVER } from '../base/time.ts';
import type { PortName } from '../model/dataplane.ts';
import type { Core } from './core.ts';
import type { Timed } from './schedule.ts';

type Told = (error?: string) => void;

type State =
  | { readonly name: 'confining' }
  | { readonly name: 'confined' }
  | { readonly name: 'lifting'; readonly tries: number }
  | { readonly name: 'retrying'; readonly tries: number; readonly at: Instant };

interface Entry {
  readonly mac: Mac;
  readonly port: PortName;
  wanted: boolean;
  state: State;
  told: Told[];
}

export class Confinement implements Timed {
  timer: Timed['timer'];
  private readonly entries = new Map<Mac, Entry>();
  /** Undefined: strangers can be confined. */
  private obstacle: string | undefined = 'the packet filter is not ready yet';

  constructor(private readonly core: Core) {}

  /** Why nobody can be let in as a stranger; undefined = they can. */
  get missing(): string | undefined {
    return this.obstacle;
  }

  /** The packet filter is ready, with the MACs that an earlier run left in it; or it cannot be had, or is lost. */
  news(left: readonly Mac[], error: string | undefined): void {
    const { life, reporter } = this.core.parts;
    this.obstacle = error;
    for (const mac of left) {
      if (this.entries.has(mac)) continue;
      // Of nobody any more, and harmless: it goes with the entry that it was for, or with the next login.
      this.entries.set(mac, {
        mac,
        port: '' as PortName,
        wanted: false,
        state: { name: 'confined' },
        told: [],
      });
    }
    reporter.infoChanged();
    if (error === undefined) return;
    if (this.core.settings.anyPortal) reporter.warning('confinement', `no stranger is let in: ${error}`, {});
    for (const unit of [...this.core.sessions.all()])
      if (unit.session.method === 'portal') life.end(unit, { cause: 'nas-error', detail: error });
  }

  /** The rules had been taken away. */
  restored(): void {
    this.obstacle = undefined;
    const message = 'the rules that hold strangers to the login page were gone, and are there again';
    this.core.parts.reporter.warning('confinement', message, {});
    this.core.parts.reporter.infoChanged();
  }

  /** `told` when the MAC stands in the set, or why it does not. */
  confine(mac: Mac, port: PortName, told: Told): void {
    if (this.obstacle !== undefined) {
      told(this.obstacle);
      return;
    }
    const entry = this.entries.get(mac);
    if (entry === undefined) {
      const added: Entry = { mac, port, wanted: true, state: { name: 'confining' }, told: [told] };
      this.entries.set(mac, added);
      this.ask(added, 'confine');
      return;
    }
    entry.wanted = true;
    if (entry.state.name === 'retrying') entry.state = { name: 'confined' };
    if (entry.state.name === 'confined') told();
    else entry.told.push(told);
    this.core.schedule.touch(this);
  }

  /** Something about this client has changed: if nothing of it needs the set any more, it leaves it. */
  review(mac: Mac): void {
    const entry = this.entries.get(mac);
    if (entry === undefined || this.isNeeded(mac)) return;
    entry.wanted = false;
    entry.told = [];
    if (entry.state.name === 'confined') this.lift(entry, 1);
  }

  /** The answer of the packet filter. */
  done(mac: Mac, error: string | undefined): void {
    const entry = this.entries.get(mac);
    if (entry === undefined) return;
    switch (entry.state.name) {
      case 'confining':
        this.confined(entry, error);
        return;
      case 'lifting':
        this.lifted(entry, entry.state.tries, error);
        return;
      case 'confined':
      case 'retrying':
        return;
      default:
        assertNever(entry.state);
    }
  }

  pollAt(): Instant {
    let at = NEVER;
    for (const { state } of this.entries.values()) if (state.name === 'retrying') at = earliest(at, state.at);
    return at;
  }

  onTime(now: Instant): void {
    for (const entry of [...this.entries.values()])
      if (entry.state.name === 'retrying' && entry.state.at <= now) this.lift(entry, entry.state.tries + 1);
  }

  private isNeeded(mac: Mac): boolean {
    const { life } = this.core.parts;
    const running = this.core.sessions.ofMac(mac);
    return (
      running?.session.method === 'portal' ||
      life.isEnteringAs(mac, 'portal') ||
      life.hasOtherEntries(mac, running)
    );
  }

  private confined(entry: Entry, error: string | undefined): void {
    const { told } = entry;
    entry.told = [];
    if (error !== undefined) this.entries.delete(entry.mac);
    else entry.state = { name: 'confined' };
    for (const tell of told) tell(error);
    if (error === undefined) this.review(entry.mac);
  }

  private lifted(entry: Entry, tries: number, error: string | undefined): void {
    const { core } = this;
    const { mac, port } = entry;
    if (error !== undefined) {
      entry.state = { name: 'retrying', tries, at: after(core.now.mono, retryDelay(tries)) };
      core.parts.reporter.warning(
        'confinement',
        `${mac} may still reach nothing but the login page: ${error}`,
        { mac, port },
      );
      core.schedule.touch(this);
    } else if (entry.wanted) {
      entry.state = { name: 'confining' };
      this.ask(entry, 'confine');
    } else this.entries.delete(mac);
  }

  private lift(entry: Entry, tries: number): void {
    entry.state = { name: 'lifting', tries };
    this.ask(entry, 'release');
  }

  private ask({ mac, port }: Entry, type: 'confine' | 'release'): void {
    this.core.out.ask(
      { about: 'confinement', mac },
      type === 'confine' ? { type, mac, port } : { type, mac },
    );
  }
}
