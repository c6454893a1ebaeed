// The certified devices: a list of MACs whose user has passed 802.1X, MAC authentication bypass or the web login. Being on it
// gives nothing; being taken off it logs the device's user off, who has to pass again.
//
//   passed ─▶ on the list, or its entry renewed        logged out ─▶ stays on the list
//   cleared, by an administrator or by a rule (certified-rules.ts) ─▶ off the list, and out
//
// Bounded: where the list is full, the device gives way whose user passed longest ago and that has no session; that is no
// clearing, and logs nobody off. Where all have one, the newcomer is in and not on the list. Both are counted.
//
// All times are those of the wall clock, which may be wrong when a switch starts, and be set later. What is on disk stays as it
// is: a time that is still to come is of a clock that was ahead, or the clock is behind now, and until that is known it counts
// as the time at which the list was read. What this run has made moves with the clock when that is set: the monotonic clock
// tells by how much.
//
// Kept on disk by the shell (`store`); nothing is done before `loaded`.

import { Counters } from '../base/counters.ts';
import type { Mac } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import type { Now, WallTime } from '../base/time.ts';
import type { DeviceSelector } from '../model/selector.ts';
import {
  type CertifiedChange,
  type CertifiedContent,
  type CertifiedDevice,
  erasing,
  keepingRun,
  type RunState,
  writing,
} from './certified-codec.ts';
import {
  applies,
  begun,
  type CertifiedSettings,
  type ClearRule,
  due,
  dueAt,
  resumed,
  ruleKey,
  shifted,
} from './certified-rules.ts';

/** Who has passed, and as what. */
export type Passed = Omit<CertifiedDevice, 'first' | 'last'>;

export type CertifiedEvent =
  /** What an earlier run left, or nothing: the first event. */
  | { readonly type: 'loaded'; readonly content: CertifiedContent }
  /** A user was authenticated, for the first time or again. */
  | { readonly type: 'passed'; readonly device: Passed }
  /** A session is something else now, by a server's word and without a new authentication. */
  | { readonly type: 'changed'; readonly device: Passed }
  | { readonly type: 'clear'; readonly selector: DeviceSelector }
  | { readonly type: 'settings'; readonly settings: CertifiedSettings }
  /** A deadline of `dueAt` may have come. */
  | { readonly type: 'tick' };

export type CertifiedEffect =
  | { readonly type: 'store'; readonly changes: readonly CertifiedChange[] }
  /** Off the list. Their users are to be logged off. */
  | { readonly type: 'cleared'; readonly devices: readonly CertifiedDevice[]; readonly why: ClearReason };

export type ClearReason =
  /** Of an administrator. */
  | { readonly by: 'command'; readonly selector: DeviceSelector }
  | { readonly by: 'timer'; readonly rule: ClearRule };

export type CertifiedCounter = 'cleared' | 'displaced' | 'not-listed' | 'damaged';

/** Less is the clock being slewed, or read a little later. */
const SMALLEST_STEP_MS = 1000;

export class CertifiedDevices {
  /** Whose user passed longest ago comes first. */
  private readonly devices = new Map<Mac, CertifiedDevice>();
  private readonly runs = new Map<string, RunState>();
  /** Whose `first`, whose `last`, and of which rule the state is by the clock of this run. */
  private readonly made = { first: new Set<Mac>(), last: new Set<Mac>(), runs: new Set<string>() };
  private loadedAt = 0 as WallTime;
  /** Both clocks as they were last. */
  private clock: Now | undefined;
  readonly counters = new Counters<CertifiedCounter>();

  /** `isOnline`: whether the device has a session of an authenticated user now. */
  constructor(
    private settings: CertifiedSettings,
    private readonly isOnline: (mac: Mac) => boolean,
  ) {}

  get size(): number {
    return this.devices.size;
  }

  /** When a rule has something to do next, as of the last event; undefined where there is none. */
  get dueAt(): WallTime | undefined {
    const times = this.settings.clear.flatMap((rule) => {
      const state = this.stateOf(rule);
      return state === undefined ? [] : [dueAt(rule, state)];
    });
    return times.length === 0 ? undefined : (Math.min(...times) as WallTime);
  }

  /** Those whom all of it fits, whose user passed longest ago first. */
  select({ mac, user, port, role }: DeviceSelector): readonly CertifiedDevice[] {
    const known = mac === undefined ? undefined : this.devices.get(mac);
    const candidates = mac === undefined ? [...this.devices.values()] : known === undefined ? [] : [known];
    return candidates.filter(
      (device) =>
        (user === undefined || device.userName === user) &&
        (port === undefined || device.port === port) &&
        (role === undefined || device.role === role),
    );
  }

  handle(event: CertifiedEvent, clock: Now): CertifiedEffect[] {
    const shifts = this.follow(clock);
    return [...shifts, ...this.perform(event, clock.wall)];
  }

  private perform(event: CertifiedEvent, now: WallTime): CertifiedEffect[] {
    switch (event.type) {
      case 'loaded':
        return this.load(event.content, now);
      case 'passed':
        return this.pass(event.device, now);
      case 'changed': {
        const known = this.devices.get(event.device.mac);
        return known === undefined ? [] : this.put({ ...known, ...event.device });
      }
      case 'clear':
        return this.clear(this.select(event.selector), { by: 'command', selector: event.selector });
      case 'settings':
        this.settings = event.settings;
        return stored(this.adoptRules(this.runs, now));
      case 'tick':
        return this.settings.clear.flatMap((rule) => this.run(rule, now));
      default:
        return assertNever(event);
    }
  }

  /** Where the clock has been set since the last event, what was made by it moves along. */
  private follow(clock: Now): CertifiedEffect[] {
    const before = this.clock ?? clock;
    this.clock = clock;
    const by = clock.wall - before.wall - (clock.mono - before.mono);
    if (Math.abs(by) < SMALLEST_STEP_MS) return [];
    const moved = (at: WallTime): WallTime => Math.max(0, at + by) as WallTime;
    this.loadedAt = moved(this.loadedAt);
    const changes: CertifiedChange[] = [];
    for (const mac of this.made.last) {
      const device = this.devices.get(mac);
      if (device === undefined) continue;
      const first = this.made.first.has(mac) ? moved(device.first) : device.first;
      const next = { ...device, first, last: moved(device.last) };
      this.devices.set(mac, next);
      changes.push(writing(next));
    }
    for (const rule of this.settings.clear) {
      const key = ruleKey(rule);
      const state = this.runs.get(key);
      if (state === undefined || !this.made.runs.has(key)) continue;
      const next = shifted(rule, state, by);
      this.runs.set(key, next);
      changes.push(keepingRun(key, next));
    }
    return stored(changes);
  }

  private load({ devices, runs, damaged }: CertifiedContent, now: WallTime): CertifiedEffect[] {
    this.loadedAt = now;
    if (damaged > 0) this.counters.add('damaged', damaged);
    const sorted = [...devices].sort((a, b) => a.last - b.last);
    const surplus = sorted.splice(0, Math.max(0, sorted.length - this.settings.capacity));
    if (surplus.length > 0) this.counters.add('displaced', surplus.length);
    for (const device of sorted) this.devices.set(device.mac, device);
    return stored([...surplus.map(({ mac }) => erasing(mac)), ...this.adoptRules(runs, now)]);
  }

  /** Each rule in force goes on from what is kept of it, or begins; those that are not are forgotten. */
  private adoptRules(kept: ReadonlyMap<string, RunState>, now: WallTime): CertifiedChange[] {
    const changes: CertifiedChange[] = [];
    const before = new Map(kept);
    this.runs.clear();
    for (const rule of this.settings.clear) {
      const key = ruleKey(rule);
      const state = before.get(key);
      before.delete(key);
      if (state === undefined) changes.push(this.keepRun(key, begun(rule, now)));
      else this.runs.set(key, state);
    }
    for (const key of before.keys()) {
      this.made.runs.delete(key);
      changes.push(keepingRun(key, undefined));
    }
    return changes;
  }

  /** By the clock of this run. */
  private keepRun(key: string, state: RunState): CertifiedChange {
    this.runs.set(key, state);
    this.made.runs.add(key);
    return keepingRun(key, state);
  }

  private stateOf(rule: ClearRule): RunState | undefined {
    const state = this.runs.get(ruleKey(rule));
    if (state === undefined || this.clock === undefined) return undefined;
    return resumed(rule, state, this.loadedAt, this.clock.wall);
  }

  private pass(passed: Passed, now: WallTime): CertifiedEffect[] {
    const known = this.devices.get(passed.mac);
    const displaced = known === undefined ? this.takeDisplaced() : [];
    if (known === undefined && this.devices.size >= this.settings.capacity) {
      this.counters.add('not-listed');
      return [];
    }
    // Goes to the end: whose user passed last.
    this.devices.delete(passed.mac);
    if (known === undefined) this.made.first.add(passed.mac);
    this.made.last.add(passed.mac);
    const effects = this.put({ ...passed, first: known?.first ?? now, last: now });
    return [...stored(displaced), ...effects];
  }

  /** Makes room, if that is needed and can be. */
  private takeDisplaced(): CertifiedChange[] {
    if (this.devices.size < this.settings.capacity) return [];
    for (const mac of this.devices.keys()) {
      if (this.isOnline(mac)) continue;
      this.remove(mac);
      this.counters.add('displaced');
      return [erasing(mac)];
    }
    return [];
  }

  private remove(mac: Mac): void {
    this.devices.delete(mac);
    this.made.first.delete(mac);
    this.made.last.delete(mac);
  }

  private put(device: CertifiedDevice): CertifiedEffect[] {
    this.devices.set(device.mac, device);
    return stored([writing(device)]);
  }

  private clear(devices: readonly CertifiedDevice[], why: ClearReason): CertifiedEffect[] {
    if (devices.length === 0) return [];
    for (const { mac } of devices) this.remove(mac);
    this.counters.add('cleared', devices.length);
    return [
      { type: 'store', changes: devices.map(({ mac }) => erasing(mac)) },
      { type: 'cleared', devices, why },
    ];
  }

  private run(rule: ClearRule, now: WallTime): CertifiedEffect[] {
    const state = this.stateOf(rule);
    const run = state === undefined ? undefined : due(rule, state, now);
    if (run === undefined) return [];
    const all = this.select({})
      .map((device) => (device.first > now ? { ...device, first: this.loadedAt } : device))
      .filter((device) => applies(rule, run, device))
      .filter(({ mac }) => !rule.keepOnline || !this.isOnline(mac))
      .sort((a, b) => a.first - b.first);
    const batch = rule.oldest === 0 ? all : all.slice(0, rule.oldest);
    const isOver = batch.length === all.length;
    const next: RunState = isOver
      ? { since: run.since }
      : { since: run.since, batchAt: (now + rule.batchEvery) as WallTime };
    const kept = this.keepRun(ruleKey(rule), next);
    return [...stored([kept]), ...this.clear(batch, { by: 'timer', rule })];
  }
}

function stored(changes: readonly CertifiedChange[]): CertifiedEffect[] {
  return changes.length === 0 ? [] : [{ type: 'store', changes }];
}
