// The certified devices: a list of MACs whose user has passed 802.1X, MAC authentication bypass or the web login. Being on it
// gives nothing; being taken off it logs the device's user off, who has to pass again.
//
//   passed ─▶ on the list, or its entry renewed        logged out ─▶ stays on the list
//   cleared, by an administrator or by a rule (certified-rules.ts) ─▶ off the list, and out
//
// Bounded: where the list is full, the device gives way whose user passed longest ago and that has no session; that is no
// clearing, and logs nobody off. Where all have one, the newcomer is in and not on the list. Both are counted.
//
// All times are those of the wall clock. Kept on disk by the shell (`store`); nothing is done before `loaded`.

import { Counters } from '../base/counters.ts';
import type { Mac } from '../base/mac.ts';
import { assertNever } from '../base/result.ts';
import type { WallTime } from '../base/time.ts';
import type { DeviceSelector } from '../model/selector.ts';
import {
  type CertifiedChange,
  type CertifiedContent,
  type CertifiedDevice,
  erasing,
  keepingRun,
  writing,
} from './certified-codec.ts';
import {
  applies,
  begun,
  type CertifiedSettings,
  type ClearRule,
  due,
  dueAt,
  type RunState,
  resumed,
  ruleKey,
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

export class CertifiedDevices {
  /** Whose user passed longest ago comes first. */
  private readonly devices = new Map<Mac, CertifiedDevice>();
  private readonly runs = new Map<string, RunState>();
  readonly counters = new Counters<CertifiedCounter>();

  /** `isOnline`: whether the device has a session of an authenticated user now. */
  constructor(
    private settings: CertifiedSettings,
    private readonly isOnline: (mac: Mac) => boolean,
  ) {}

  get size(): number {
    return this.devices.size;
  }

  /** When a rule has something to do next; undefined where there is none. */
  get dueAt(): WallTime | undefined {
    const times = this.settings.clear.flatMap((rule) => {
      const state = this.runs.get(ruleKey(rule));
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

  handle(event: CertifiedEvent, now: WallTime): CertifiedEffect[] {
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

  private load({ devices, runs, damaged }: CertifiedContent, now: WallTime): CertifiedEffect[] {
    if (damaged > 0) this.counters.add('damaged', damaged);
    const sorted = [...devices].sort((a, b) => a.last - b.last);
    const surplus = sorted.splice(0, Math.max(0, sorted.length - this.settings.capacity));
    if (surplus.length > 0) this.counters.add('displaced', surplus.length);
    for (const device of sorted) {
      // Of a clock that was ahead: it is not older than nothing.
      const first = Math.min(device.first, now) as WallTime;
      this.devices.set(device.mac, { ...device, first });
    }
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
      const next = state === undefined ? begun(rule, now) : resumed(rule, state, now);
      before.delete(key);
      this.runs.set(key, next);
      if (next !== state) changes.push(keepingRun(key, next));
    }
    for (const key of before.keys()) changes.push(keepingRun(key, undefined));
    return changes;
  }

  private pass(passed: Passed, now: WallTime): CertifiedEffect[] {
    const known = this.devices.get(passed.mac);
    const displaced = known === undefined ? this.displaced() : [];
    if (known === undefined && this.devices.size >= this.settings.capacity) {
      this.counters.add('not-listed');
      return [];
    }
    this.devices.delete(passed.mac);
    const effects = this.put({ ...passed, first: known?.first ?? now, last: now });
    return [...stored(displaced), ...effects];
  }

  /** Makes room, if that is needed and can be. */
  private displaced(): CertifiedChange[] {
    if (this.devices.size < this.settings.capacity) return [];
    for (const mac of this.devices.keys()) {
      if (this.isOnline(mac)) continue;
      this.devices.delete(mac);
      this.counters.add('displaced');
      return [erasing(mac)];
    }
    return [];
  }

  private put(device: CertifiedDevice): CertifiedEffect[] {
    this.devices.set(device.mac, device);
    return stored([writing(device)]);
  }

  private clear(devices: readonly CertifiedDevice[], why: ClearReason): CertifiedEffect[] {
    if (devices.length === 0) return [];
    for (const { mac } of devices) this.devices.delete(mac);
    this.counters.add('cleared', devices.length);
    return [
      { type: 'store', changes: devices.map(({ mac }) => erasing(mac)) },
      { type: 'cleared', devices, why },
    ];
  }

  private run(rule: ClearRule, now: WallTime): CertifiedEffect[] {
    const key = ruleKey(rule);
    const state = this.runs.get(key);
    const run = state === undefined ? undefined : due(rule, state, now);
    if (run === undefined) return [];
    const all = this.select({})
      .filter((device) => applies(rule, run, device))
      .filter(({ mac }) => !rule.keepOnline || !this.isOnline(mac))
      .sort((a, b) => a.first - b.first);
    const batch = rule.oldest === 0 ? all : all.slice(0, rule.oldest);
    const isOver = batch.length === all.length;
    const next: RunState = isOver
      ? { since: run.since }
      : { since: run.since, batchAt: (now + rule.batchEvery) as WallTime };
    this.runs.set(key, next);
    return [...stored([keepingRun(key, next)]), ...this.clear(batch, { by: 'timer', rule })];
  }
}

function stored(changes: readonly CertifiedChange[]): CertifiedEffect[] {
  return changes.length === 0 ? [] : [{ type: 'store', changes }];
}
