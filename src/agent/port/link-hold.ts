// A port that a RADIUS server has taken down (a CoA bounce or disable), and its way up again. A pure machine, one a port.
//
//   free ─▶ lowering ─▶ lowered ─▶ down ─▶ raising ─▶ free
//
// `lowered` waits for the word that all ports of the request are down: only then do the sessions end. A bounced port comes up
// after its time, a disabled one when an administrator gives a `port` command; either when somebody else sets it up. Raising
// is retried for ever, 1 s doubling to 30 s. The shell keeps the mark of it on disk from before the link goes until it
// is back: after our death a bounced port comes up with the next start, a disabled one stays down until the `port` command.

import { assertNever } from '../../base/result.ts';
import { retryDelay } from '../../base/retry.ts';
import { after, type Instant, type Millis, NEVER } from '../../base/time.ts';
import type { EndCause } from '../../model/cause.ts';
import type { HoldKind } from '../../model/port.ts';

/** What ends its sessions. */
const CAUSES: Readonly<Record<HoldKind, EndCause>> = { bounce: 'port-reinit', disable: 'port-disabled' };

export interface Hold {
  readonly kind: HoldKind;
  /** How long; NEVER ends by itself where absent. */
  readonly time?: Millis;
}

export type HoldEvent =
  | { readonly type: 'take-down'; readonly hold: Hold }
  /** The answer to `set-link`. */
  | { readonly type: 'link-set'; readonly error?: string }
  | { readonly type: 'keep-down' }
  | { readonly type: 'raise' }
  | { readonly type: 'facts'; readonly adminUp: boolean }
  /** At start: an earlier run has taken it down. */
  | { readonly type: 'found'; readonly kind: HoldKind; readonly adminUp: boolean }
  | { readonly type: 'tick' };

export type HoldEffect =
  | { readonly type: 'set-link'; readonly up: boolean; readonly kind: HoldKind }
  /** The link is down, or why not. */
  | { readonly type: 'lowered'; readonly error?: string }
  | { readonly type: 'end-sessions'; readonly cause: EndCause }
  | { readonly type: 'alarm'; readonly message: string }
  | { readonly type: 'alarm-over'; readonly message: string };

type HoldState =
  | { readonly name: 'free' }
  | { readonly name: 'lowering' | 'lowered'; readonly hold: Hold }
  /** `seen`: the kernel has told of it, so that word of a port that is up is news. */
  | { readonly name: 'down'; readonly kind: HoldKind; readonly upAt: Instant; readonly seen: boolean }
  | { readonly name: 'raising'; readonly kind: HoldKind; readonly tries: number }
  | { readonly name: 'retrying'; readonly kind: HoldKind; readonly tries: number; readonly at: Instant };

export class LinkHold {
  private state: HoldState = { name: 'free' };

  /** Taken down by a server, and not up again. */
  get kind(): HoldKind | undefined {
    const { state } = this;
    if (state.name === 'free') return undefined;
    return 'hold' in state ? state.hold.kind : state.kind;
  }

  pollAt(): Instant {
    if (this.state.name === 'down') return this.state.upAt;
    return this.state.name === 'retrying' ? this.state.at : NEVER;
  }

  handle(event: HoldEvent, now: Instant): HoldEffect[] {
    const { state } = this;
    switch (event.type) {
      case 'take-down':
        if (state.name !== 'free') return [];
        this.state = { name: 'lowering', hold: event.hold };
        return [{ type: 'set-link', up: false, kind: event.hold.kind }];
      case 'link-set':
        return this.linkSet(event.error, now);
      case 'keep-down': {
        if (state.name !== 'lowered') return [];
        const { kind, time } = state.hold;
        this.state = { name: 'down', kind, upAt: time === undefined ? NEVER : after(now, time), seen: false };
        return [{ type: 'end-sessions', cause: CAUSES[kind] }];
      }
      case 'raise':
        if (state.name === 'lowered') return this.raise(state.hold.kind);
        return state.name === 'down' ? this.raise(state.kind) : [];
      case 'facts':
        if (state.name !== 'down') return [];
        if (event.adminUp && state.seen) return this.raise(state.kind);
        this.state = { ...state, seen: state.seen || !event.adminUp };
        return [];
      case 'found':
        this.state = { name: 'down', kind: event.kind, upAt: NEVER, seen: true };
        return event.kind === 'bounce' || event.adminUp ? this.raise(event.kind) : [];
      case 'tick':
        return this.tick(now);
      default:
        return assertNever(event);
    }
  }

  private tick(now: Instant): HoldEffect[] {
    const { state } = this;
    if (state.name === 'down' && state.upAt <= now) return this.raise(state.kind);
    if (state.name === 'retrying' && state.at <= now) return this.raise(state.kind, state.tries + 1);
    return [];
  }

  private raise(kind: HoldKind, tries = 1): HoldEffect[] {
    this.state = { name: 'raising', kind, tries };
    return [{ type: 'set-link', up: true, kind }];
  }

  private linkSet(error: string | undefined, now: Instant): HoldEffect[] {
    const { state } = this;
    if (state.name === 'lowering') {
      this.state = error === undefined ? { name: 'lowered', hold: state.hold } : { name: 'free' };
      return [error === undefined ? { type: 'lowered' } : { type: 'lowered', error }];
    }
    if (state.name !== 'raising') return [];
    const { kind, tries } = state;
    if (error === undefined) {
      this.state = { name: 'free' };
      return tries > 1 ? [{ type: 'alarm-over', message: `set up at try ${tries}` }] : [];
    }
    const wait = retryDelay(tries);
    this.state = { name: 'retrying', kind, tries, at: after(now, wait) };
    return [{ type: 'alarm', message: error }];
  }
}
