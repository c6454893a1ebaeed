// When the certified-device list is cleared by itself. By the wall clock, since it has to hold over restarts.
//
//   a rule comes into force ─▶ a run is due every so often, from then or from a time of day ─▶ of the devices that are old
//   enough: all at once, or the oldest few now and as many again a while later, until none is left
//
// What is kept of a rule is when its last run was due, so a switch that is restarted every day still clears every week. A run
// that was missed is made up for once, and the next one is due when it would have been anyhow.

import { toHex, utf8 } from '../base/bytes.ts';
import { globMatches } from '../base/glob.ts';
import { md5 } from '../base/hash.ts';
import { type Millis, millis, type WallTime } from '../base/time.ts';
import type { CertifiedDevice, RunState } from './certified-codec.ts';

export interface ClearRule {
  /** Between two runs. */
  readonly every: Millis;
  /** Time of day of the first run, since midnight UTC; absent: `every` after the rule came into force. */
  readonly firstAt?: Millis;
  /** Who has been on the list for less, when a run is due, is passed over. */
  readonly minimumAge: Millis;
  /** Devices that are cleared together, the oldest first; 0 = all. */
  readonly oldest: number;
  /** Between two lots of `oldest`. */
  readonly batchEvery: Millis;
  /** Who has a session is passed over. */
  readonly keepOnline: boolean;
  /** Of these roles only, and on ports that match these globs; empty = all. */
  readonly roles: readonly string[];
  readonly ports: readonly string[];
}

export interface CertifiedSettings {
  readonly enabled: boolean;
  /** Devices on the list. */
  readonly capacity: number;
  readonly clear: readonly ClearRule[];
}

export const CERTIFIED_DEFAULTS = {
  enabled: false,
  capacity: 10_000,
  minimumAge: millis(0),
  oldest: 0,
  batchEvery: millis(600_000),
  keepOnline: false,
} as const;

const DAY_MS = 86_400_000;

/** The same for rules that say the same, wherever they stand: one that is changed counts anew. */
export function ruleKey(rule: ClearRule): string {
  const { every, firstAt, minimumAge, oldest, batchEvery, keepOnline, roles, ports } = rule;
  const text = JSON.stringify([every, firstAt, minimumAge, oldest, batchEvery, keepOnline, roles, ports]);
  return toHex(md5(utf8(text)));
}

/** Of a rule that comes into force. */
export function begun(rule: ClearRule, now: WallTime): RunState {
  if (rule.firstAt === undefined) return { since: now };
  const today = now - (now % DAY_MS) + rule.firstAt;
  const first = today > now ? today : today + DAY_MS;
  return { since: (first - rule.every) as WallTime };
}

/**
 * As it was kept, unless that is of a clock that was ahead of this one: then as if the rule had begun when the list was read,
 * so that nothing is due only years from now. Which of the two clocks is wrong cannot be told: what was kept holds again as
 * soon as the clock has come near it.
 */
export function resumed(rule: ClearRule, state: RunState, loadedAt: WallTime, now: WallTime): RunState {
  const longest = rule.firstAt === undefined ? rule.every : Math.max(rule.every, DAY_MS);
  if (state.since + rule.every > now + longest) return begun(rule, loadedAt);
  const { since, batchAt } = state;
  if (batchAt === undefined || batchAt <= now + rule.batchEvery) return state;
  return { since, batchAt: (loadedAt + rule.batchEvery) as WallTime };
}

/** The clock that made it was set by so much; a time of day stays one, and comes later rather than too early. */
export function shifted(rule: ClearRule, { since, batchAt }: RunState, by: number): RunState {
  const { every, firstAt } = rule;
  const period = every % DAY_MS === 0 ? DAY_MS : every;
  const moved = since + by;
  const late = firstAt === undefined ? 0 : (((firstAt - moved) % period) + period) % period;
  const state = { since: (moved + late) as WallTime };
  return batchAt === undefined ? state : { ...state, batchAt: (batchAt + by) as WallTime };
}

/** When there is something to do next. */
export function dueAt(rule: ClearRule, { since, batchAt }: RunState): WallTime {
  return Math.min(since + rule.every, batchAt ?? Number.POSITIVE_INFINITY) as WallTime;
}

/** The run that is due, or under way, at this time; undefined where `dueAt` is later. */
export function due(rule: ClearRule, state: RunState, now: WallTime): RunState | undefined {
  const runs = Math.floor((now - state.since) / rule.every);
  if (runs >= 1) return { since: (state.since + runs * rule.every) as WallTime };
  return state.batchAt !== undefined && state.batchAt <= now ? state : undefined;
}

/** It is one of those that the rule is about, and was old enough when the run was due. */
export function applies(rule: ClearRule, { since }: RunState, device: CertifiedDevice): boolean {
  if (device.first > since - rule.minimumAge) return false;
  if (rule.roles.length > 0 && !rule.roles.includes(device.role)) return false;
  return rule.ports.length === 0 || rule.ports.some((glob) => globMatches(glob, device.port));
}
