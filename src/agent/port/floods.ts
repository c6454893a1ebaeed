// How much of each port is listened to: a gate per port (pae/flood-gate.ts), before anything else looks at a frame. What a
// gate wants heard goes to the port's capture, so that the rest of a flood ends in the kernel.

import { Counters } from '../../base/counters.ts';
import type { Mac } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import { earliest, type Instant } from '../../base/time.ts';
import { type Pace, TokenBucket } from '../../base/token-bucket.ts';
import type { PortName } from '../../model/dataplane.ts';
import {
  type FloodContext,
  type FloodEffect,
  FloodGate,
  type FloodRefusal,
  filterRoom,
  OPTMEM_DEFAULT,
  timesShut,
} from '../../pae/flood-gate.ts';
import type { PortLimits } from '../../pae/limits.ts';
import { REPORTS, ReportGate } from '../../pae/report-gate.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';

/** MACs of sessions elsewhere that are probed since they were heard on one port: whoever knows many MACs can name them all. */
const SIGHTINGS: Pace = { perSecond: 10, burst: 64 };

type PortCounter =
  | 'mab-flooded'
  | FloodRefusal
  | 'capture-ring-full'
  | 'mac-of-session-elsewhere'
  | 'too-many-sightings';

class GuardedPort implements Timed {
  readonly gate: FloodGate;
  readonly reports = new ReportGate();
  readonly sightings = new TokenBucket(SIGHTINGS);
  readonly counters = new Counters<PortCounter>();

  constructor(
    readonly name: PortName,
    limits: PortLimits,
    readonly context: FloodContext,
    private readonly owner: Floods,
  ) {
    this.gate = new FloodGate(limits);
  }

  pollAt(): Instant {
    return earliest(this.gate.pollAt(), this.reports.pollAt());
  }

  onTime(now: Instant): void {
    this.owner.tick(this, now);
  }
}

export class Floods {
  private readonly ports = new Map<PortName, GuardedPort>();
  /** MACs that the filter of a port may name. */
  private room = filterRoom(OPTMEM_DEFAULT);

  constructor(private readonly core: Core) {}

  boot(optmemMax: number | undefined): void {
    this.room = filterRoom(optmemMax ?? OPTMEM_DEFAULT);
  }

  counters(port: PortName): Readonly<Record<string, number>> {
    return this.ports.get(port)?.counters.snapshot() ?? {};
  }

  /** Whether a frame of this MAC, which came in on this port, is looked at. */
  admits(name: PortName, mac: Mac): boolean {
    const here = this.portOf(name);
    const { refusal, effects } = here.gate.frame(mac, this.core.now.mono, here.context);
    if (effects.length > 0) this.apply(here, effects);
    if (refusal === undefined) return true;
    this.count(here, refusal);
    return false;
  }

  /** A MAC that has its session on another port was heard here. */
  heardElsewhere(name: PortName): void {
    this.count(this.portOf(name), 'mac-of-session-elsewhere');
  }

  /** Whether the session of such a MAC is probed for that. */
  admitsSighting(name: PortName): boolean {
    const here = this.portOf(name);
    if (here.sightings.take(this.core.now.mono)) return true;
    this.count(here, 'too-many-sightings');
    return false;
  }

  /** Frames for which the capture had no room. */
  lost(name: PortName, frames: number): void {
    this.count(this.portOf(name), 'capture-ring-full', frames);
  }

  configure(name: PortName, limits: PortLimits): void {
    this.ports.get(name)?.gate.configure(limits);
  }

  portGone(name: PortName): void {
    const here = this.ports.get(name);
    if (here !== undefined) this.core.schedule.forget(here);
    this.ports.delete(name);
  }

  tick(here: GuardedPort, now: Instant): void {
    this.apply(here, here.gate.tick(now));
    if (here.reports.tick(now)) this.core.parts.ports.report(here.name, true);
  }

  /** Whether the kernel's report of an unknown MAC is looked at. */
  admitsReport(name: PortName): boolean {
    const here = this.portOf(name);
    const verdict = here.reports.report(this.core.now.mono);
    if (verdict === 'taken') return true;
    this.count(here, 'mab-flooded');
    if (verdict === 'refused') return false;
    const { ports, reporter } = this.core.parts;
    ports.report(name, false);
    this.core.schedule.touch(here);
    if (verdict.isNews)
      reporter.warning(
        'mab-flooded',
        `more unknown MACs on the port than it may have (${REPORTS.perSecond} a second): the kernel reports none of them until it is calm`,
        { port: name },
      );
    return false;
  }

  private count({ counters }: GuardedPort, reason: PortCounter, by = 1): void {
    counters.add(reason, by);
    this.core.drops.add(reason, by);
  }

  private apply(here: GuardedPort, effects: readonly FloodEffect[]): void {
    for (const effect of effects) this.applyOne(here, effect);
    this.core.schedule.touch(here);
  }

  private applyOne({ name }: GuardedPort, effect: FloodEffect): void {
    const { out, parts, settings } = this.core;
    switch (effect.type) {
      case 'hear':
        out.push({ ...effect, port: name });
        return;
      case 'flooded': {
        const { framesPerSecond } = settings.port(name).limits;
        const message = `the port is flooded: more than ${framesPerSecond} frames a second; strangers on it are heard in part until it is calm`;
        parts.reporter.warning('port-flooded', message, { port: name });
        return;
      }
      case 'over': {
        const message = `the flood is over: the port was shut to strangers ${effect.shut} times, and ${effect.refused} frames were refused`;
        parts.reporter.warning('port-flood-over', message, { port: name });
        return;
      }
      default:
        assertNever(effect);
    }
  }

  private knownOn(name: PortName): readonly Mac[] {
    const { sessions, parts } = this.core;
    const inside = sessions.onPort(name).map(({ session }) => session.mac);
    return [...new Set([...inside, ...parts.supplicants.under(name)])];
  }

  /** Ports that are flooded at the same time. */
  private flooded(): number {
    let count = 0;
    for (const { gate } of this.ports.values()) if (gate.isFlooded) count += 1;
    return count;
  }

  private portOf(name: PortName): GuardedPort {
    const known = this.ports.get(name);
    if (known !== undefined) return known;
    const { limits } = this.core.settings.port(name);
    const context: FloodContext = {
      known: () => this.knownOn(name),
      room: () => this.room,
      times: () => timesShut(this.flooded(), this.core.settings.port(name).limits),
    };
    const here = new GuardedPort(name, limits, context, this);
    this.ports.set(name, here);
    return here;
  }
}
