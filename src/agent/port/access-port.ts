// One port: what the administrator wants of it, what the kernel says it is, and the way between the two.
//
// A pure machine: the agent tells it news, it answers with what to do. It never opens a port that it did not manage
// to prove closed, and it never gives up: a lock that fails is retried for ever, 1 s doubling to 30 s.
// Fail closed: nothing here unlocks a port except the administrator's `force-authorized`. `off` means that we stop
// touching and watching it: it stays as it was, which for a port that was `auto` is locked. One that is open for a
// client's sake, or not proven locked yet, is locked first.

import { assertNever } from '../../base/result.ts';
import { retryDelay } from '../../base/retry.ts';
import { after, earliest, type Instant, type Millis, NEVER, seconds } from '../../base/time.ts';
import type { PortConfig } from '../../config/config.ts';
import { same } from '../../config/diff.ts';
import type { EndCause } from '../../model/cause.ts';
import type { PortFacts, PortSetting } from '../../model/dataplane.ts';
import type { PortControl } from '../../model/port.ts';
import { isTakenBack, settingFor } from './port-setting.ts';

/** So long a port that is taken down and set up again at once may be without a link. */
const BRIEFLY = seconds(5);

export type PortEvent =
  | { readonly type: 'facts'; readonly facts: PortFacts }
  | { readonly type: 'control'; readonly control: PortControl }
  | { readonly type: 'config'; readonly config: PortConfig }
  /** Somebody is in by an entry of ours, or about to be; or nobody is any more. */
  | { readonly type: 'occupied'; readonly occupied: boolean }
  /** Host mode multi-host: a client is in, and the port is open for all; or it is not any more. */
  | { readonly type: 'open'; readonly open: boolean }
  /** An earlier run has opened it, by another name, for a client who is in no more. */
  | { readonly type: 'left-open' }
  /** `links` takes it down, and may take that back: if it does not, it ends the sessions itself. */
  | { readonly type: 'lowering' }
  /** The answer to that `set`: the very object, since two that say the same may be under way. */
  | { readonly type: 'port-set'; readonly setting: PortSetting; readonly error?: string }
  | { readonly type: 'capture'; readonly error?: string }
  /** It was open; the port may be down, of which we are still to be told. */
  | { readonly type: 'capture-ended' }
  /** The kernel reports so many unknown MACs that it is to report none, for a while. */
  | { readonly type: 'reports'; readonly on: boolean }
  | { readonly type: 'tick' };

export type PortEffect =
  | { readonly type: 'set'; readonly setting: PortSetting }
  | { readonly type: 'open-capture' }
  | { readonly type: 'close-capture' }
  /** Everybody on the port is out; `open` false follows where it was open for one of them. */
  | { readonly type: 'end-sessions'; readonly cause: EndCause }
  /** Frames can come in and logins are wanted: begin, or begin anew, to ask who is there. */
  | { readonly type: 'listening' }
  | { readonly type: 'deaf' }
  | { readonly type: 'control-changed'; readonly control: PortControl }
  | { readonly type: 'link'; readonly up: boolean }
  /** It should be locked, and somebody has unlocked it; it is being locked again. */
  | { readonly type: 'found-open' }
  | { readonly type: 'alarm'; readonly message: string }
  | { readonly type: 'alarm-over'; readonly message: string };

/** The lock, as far as we know. It is open by the administrator's word, or (multi-host) by a client's login, only. */
type LockState =
  | { readonly name: 'unmanaged' }
  | { readonly name: 'setting'; readonly setting: PortSetting; readonly tries: number }
  | { readonly name: 'set'; readonly setting: PortSetting }
  | {
      readonly name: 'retrying';
      readonly setting: PortSetting;
      readonly tries: number;
      readonly at: Instant;
    };

type CaptureState =
  | { readonly name: 'closed' }
  | { readonly name: 'opening'; readonly tries: number }
  | { readonly name: 'open' }
  | { readonly name: 'retrying'; readonly tries: number; readonly at: Instant };

export class AccessPort {
  private lock: LockState = { name: 'unmanaged' };
  private capture: CaptureState = { name: 'closed' };
  private linkDownAt: Instant = NEVER;
  private linkUpSince: Instant;
  /** The kernel's word of a port that is down ends no session at once before that: it may come when the port is up again. */
  private sparedUntil: Instant | undefined;
  private wanted: PortControl;
  private opened = false;
  private reportsOff = false;
  private occupied: boolean;
  /** The kernel can report unknown MACs; else the captured frames have to do. */
  private readonly kernelTells: boolean;

  constructor(
    private known: PortFacts,
    private settings: PortConfig,
    {
      now,
      kernelTells,
      occupied,
      control = settings.control,
    }: {
      readonly now: Instant;
      readonly kernelTells: boolean;
      readonly occupied: boolean;
      /** By a command that holds still; of the configuration unless given. */
      readonly control?: PortControl | undefined;
    },
  ) {
    this.wanted = control;
    this.linkUpSince = now;
    // Whoever goes on from an earlier run has the delay from now on.
    if (known.adminUp && !known.linkUp && settings.linkDownDelay > 0)
      this.linkDownAt = after(now, settings.linkDownDelay);
    this.kernelTells = kernelTells;
    this.occupied = occupied;
  }

  get facts(): PortFacts {
    return this.known;
  }

  get config(): PortConfig {
    return this.settings;
  }

  /** The administrator's wish in force: of the configuration and the `port` commands, whichever spoke last. */
  get control(): PortControl {
    return this.wanted;
  }

  /** The port is proven locked by us. */
  get locked(): boolean {
    return this.lock.name === 'set' && this.lock.setting.locked;
  }

  /** Open for all, since a client is in (multi-host). */
  get isOpened(): boolean {
    return this.opened;
  }

  /** The port is proven to be as it was wanted, whatever that is; of one that is `off` nothing is wanted any more. */
  get isSet(): boolean {
    return this.lock.name === 'set' || this.lock.name === 'unmanaged';
  }

  /** This setting is the newest one, and its answer is still to come; what is said of older ones says nothing any more. */
  awaits(setting: PortSetting): boolean {
    return this.lock.name === 'setting' && this.lock.setting === setting;
  }

  get listening(): boolean {
    return this.capture.name === 'open';
  }

  /** When the link last came up, or when we first saw it up: probes keep a distance from this (RFC 5227 §2.1). */
  get linkUpAt(): Instant {
    return this.linkUpSince;
  }

  pollAt(): Instant {
    const lockAt = this.lock.name === 'retrying' ? this.lock.at : NEVER;
    const captureAt = this.capture.name === 'retrying' ? this.capture.at : NEVER;
    return earliest(earliest(lockAt, captureAt), this.linkDownAt);
  }

  /** The first thing to be done about a port, at start or when it is added: lock it. */
  start(): PortEffect[] {
    return [...this.applyLock(), ...this.applyCapture()];
  }

  handle(event: PortEvent, now: Instant): PortEffect[] {
    switch (event.type) {
      case 'facts':
        return this.factsChanged(event.facts, now);
      case 'control':
        return this.controlChanged(event.control);
      case 'config':
        return this.configured(event.config);
      case 'occupied':
        return this.setAnew(() => {
          this.occupied = event.occupied;
        });
      case 'open':
        if (event.open === this.opened) return [];
        this.opened = event.open;
        return this.applyLock();
      case 'left-open':
        // Any other is set to what is wanted of it as it is taken in.
        return this.wanted === 'off' && !this.known.locked ? this.shut() : [];
      case 'lowering':
        this.sparedUntil = after(now, BRIEFLY);
        return [];
      case 'port-set':
        return this.portSet(event, now);
      case 'capture':
        return this.captureAnswered(event.error, now);
      case 'capture-ended':
        return this.captureEnded(now);
      case 'reports':
        return this.setAnew(() => {
          this.reportsOff = !event.on;
        });
      case 'tick':
        return this.tick(now);
      default:
        return assertNever(event);
    }
  }

  /**
   * A `port` command holds until the configuration says another control than it did: a port that an administrator closed
   * is not opened by a change elsewhere. Who is on the port stays, unless `control` says otherwise.
   */
  private configured(config: PortConfig): PortEffect[] {
    const { controls, shuts } = this.consequences(config);
    const before = this.setting;
    this.settings = config;
    if (controls) return this.controlChanged(config.control);
    // The lock comes with the end of whoever opened the port: one that is made now would unlock it again after that.
    if (shuts) return [{ type: 'end-sessions', cause: 'port-reinit' }];
    return same(before, this.setting) ? [] : this.applyLock();
  }

  /** Everybody on the port would be out by it. */
  wouldEnd(config: PortConfig): boolean {
    const { controls, shuts } = this.consequences(config);
    return controls || shuts;
  }

  private consequences(config: PortConfig): { readonly controls: boolean; readonly shuts: boolean } {
    const { control, hostMode } = this.settings;
    return {
      controls: config.control !== control && config.control !== this.wanted,
      // Who came in by a port that is open for all was let in by nobody.
      shuts: this.opened && hostMode !== config.hostMode,
    };
  }

  /** Undefined: we do not touch it. */
  private get setting(): PortSetting | undefined {
    const { mab, egress } = this.settings;
    return settingFor(this.wanted, {
      mab: this.kernelTells && mab.enabled && mab.kernel && !this.reportsOff,
      opened: this.opened,
      unflooded: egress === 'closed' && !this.occupied,
    });
  }

  private setAnew(change: () => void): PortEffect[] {
    const before = this.setting;
    change();
    return same(before, this.setting) ? [] : this.applyLock();
  }

  private tick(now: Instant): PortEffect[] {
    const effects: PortEffect[] = [];
    if (this.lock.name === 'retrying' && this.lock.at <= now) {
      this.lock = { name: 'setting', setting: this.lock.setting, tries: this.lock.tries + 1 };
      effects.push({ type: 'set', setting: this.lock.setting });
    }
    if (this.capture.name === 'retrying' && this.capture.at <= now) {
      this.capture = { name: 'opening', tries: this.capture.tries + 1 };
      effects.push({ type: 'open-capture' });
    }
    if (this.linkDownAt <= now) {
      this.linkDownAt = NEVER;
      effects.push({ type: 'end-sessions', cause: this.known.adminUp ? 'port-down' : 'port-disabled' });
    }
    return effects;
  }

  private factsChanged(facts: PortFacts, now: Instant): PortEffect[] {
    const before = this.known;
    // The kernel tells of the link once a second: of a cable that was pulled and put back in between its count is all we hear.
    if (before.linkUp && facts.linkUp && facts.linkChanges > before.linkChanges)
      return [...this.factsChanged({ ...facts, linkUp: false }, now), ...this.factsChanged(facts, now)];
    this.known = facts;
    const effects: PortEffect[] = [];
    if (before.adminUp && !facts.adminUp) effects.push(...this.goneDown('port-disabled', 0, now));
    if (facts.adminUp && facts.linkUp) this.linkDownAt = NEVER;
    if (before.linkUp !== facts.linkUp) effects.push(...this.linkChanged(facts, now));
    // A capture is deaf for ever after an administrative down (libpcap), so it is made anew with the port.
    if (before.adminUp !== facts.adminUp) effects.push(...this.applyCapture());
    if (this.lock.name === 'set' && this.lock.setting.locked && !facts.locked) {
      effects.push({ type: 'found-open' }, ...this.applyLock());
    } else if (this.lock.name === 'set' && isTakenBack(this.lock.setting, facts)) {
      effects.push(...this.applyLock());
    }
    return effects;
  }

  private linkChanged(facts: PortFacts, now: Instant): PortEffect[] {
    const effects: PortEffect[] = [{ type: 'link', up: facts.linkUp }];
    if (facts.linkUp) {
      this.linkUpSince = now;
      if (this.listening && facts.adminUp) effects.push({ type: 'listening' });
      return effects;
    }
    effects.push({ type: 'deaf' });
    if (facts.adminUp) effects.push(...this.goneDown('port-down', this.settings.linkDownDelay, now));
    return effects;
  }

  private goneDown(cause: EndCause, delay: number, now: Instant): PortEffect[] {
    const spared = this.sparedUntil !== undefined && now < this.sparedUntil;
    const wait = spared ? Math.max(delay, BRIEFLY) : delay;
    this.linkDownAt = wait > 0 ? after(now, wait as Millis) : NEVER;
    return wait > 0 ? [] : [{ type: 'end-sessions', cause }];
  }

  private controlChanged(control: PortControl): PortEffect[] {
    if (control === this.wanted) return [];
    this.wanted = control;
    const cause: EndCause = control === 'force-unauthorized' ? 'force-unauthorized' : 'port-reinit';
    return [
      { type: 'end-sessions', cause },
      { type: 'control-changed', control },
      ...this.applyLock(),
      ...this.applyCapture(),
    ];
  }

  private applyLock(): PortEffect[] {
    const { setting } = this;
    if (setting === undefined) return this.leave();
    this.lock = { name: 'setting', setting, tries: 1 };
    return [{ type: 'set', setting }];
  }

  /** `off`: out of our hands once it is proven locked, if locking it is ours to do. */
  private leave(): PortEffect[] {
    const { lock } = this;
    if (this.opened) return this.shut();
    const locking = (lock.name === 'setting' || lock.name === 'retrying') && lock.setting.locked;
    if (!locking) this.lock = { name: 'unmanaged' };
    return [];
  }

  private shut(): PortEffect[] {
    const setting: PortSetting = { locked: true, mab: false, unflooded: false };
    this.lock = { name: 'setting', setting, tries: 1 };
    return [{ type: 'set', setting }];
  }

  private portSet(answer: Extract<PortEvent, { type: 'port-set' }>, now: Instant): PortEffect[] {
    const { setting, error } = answer;
    if (this.lock.name !== 'setting' || !this.awaits(setting)) return [];
    const { tries } = this.lock;
    if (error !== undefined) {
      this.lock = { name: 'retrying', setting, tries, at: after(now, retryDelay(tries)) };
      return [{ type: 'alarm', message: error }];
    }
    this.lock = this.wanted === 'off' ? { name: 'unmanaged' } : { name: 'set', setting };
    this.known = { ...this.known, ...setting };
    return tries > 1 ? [{ type: 'alarm-over', message: `set at try ${tries}` }] : [];
  }

  /** Frames are wanted where clients are watched: on `auto` ports that are administratively up. */
  private applyCapture(): PortEffect[] {
    const effects: PortEffect[] = [];
    if (this.capture.name !== 'closed') {
      this.capture = { name: 'closed' };
      effects.push({ type: 'close-capture' }, { type: 'deaf' });
    }
    if (this.wanted === 'auto' && this.known.adminUp) {
      this.capture = { name: 'opening', tries: 1 };
      effects.push({ type: 'open-capture' });
    }
    return effects;
  }

  private captureAnswered(error: string | undefined, now: Instant): PortEffect[] {
    if (this.capture.name !== 'opening') return [];
    const { tries } = this.capture;
    if (error !== undefined) {
      this.capture = { name: 'retrying', tries, at: after(now, retryDelay(tries)) };
      return [{ type: 'alarm', message: error }];
    }
    this.capture = { name: 'open' };
    return this.known.linkUp ? [{ type: 'listening' }] : [];
  }

  /** Tried again a little later: by then a port that went down has said so, and is no alarm. */
  private captureEnded(now: Instant): PortEffect[] {
    // One that is being opened is another one.
    if (this.capture.name !== 'open') return [];
    this.capture = { name: 'retrying', tries: 1, at: after(now, retryDelay(1)) };
    return [{ type: 'deaf' }];
  }
}
