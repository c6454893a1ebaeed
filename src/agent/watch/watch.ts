// Is everybody still there? Evidence comes in from frames and from dumps of the kernel's table; periods end, probes go
// out, and a verdict of silence goes to `life`. The rules are in liveness/; this file carries, and owns the sweep. What a dump says
// is table-reading.ts's.
//
//   period over ─▶ seems silent ─▶ the next dump ─▶ heard: nothing   /   silent: a probe, at last a verdict
//   verdicts of one turn ─▶ the mass-loss guard ─▶ cut, or one more round

import type { Ip } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import { earliest, type Instant, type Millis, millis, NEVER } from '../../base/time.ts';
import { addressIn, isAnnouncement, isAnswer, type Sign } from '../../liveness/address-learning.ts';
import { Guard, type GuardEffect, survey } from '../../liveness/guard.ts';
import type { HandshakeEffect } from '../../liveness/handshake.ts';
import type { ProbeSource } from '../../liveness/settings.ts';
import { SweepSchedule, sweepInterval } from '../../liveness/sweep.ts';
import { isFallback } from '../../model/authorization.ts';
import type { Capabilities, GrantKey, PortName, TableDump, VlanId } from '../../model/dataplane.ts';
import type { SessionAddresses } from '../../model/session.ts';
import type { TimerEffect } from '../../policy/timers.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import { isL2, isL3, type L2Unit, type SessionUnit } from '../session/session-unit.ts';
import { type Asked, Asker } from './asker.ts';
import { Learning } from './learning.ts';
import { TableReading } from './table-reading.ts';

/** A session seen on another port is probed at most so often, whoever pretends to be it. */
const SIGHTING_SPACING = millis(1000);

/** The guard's words, and those of the contract. */
const GUARD_STATES = { armed: 'raised', cut: 'cut', released: 'cleared' } as const;
const GUARD_REASONS = { 'mass-loss': 'mass-silence', stall: 'agent-stalled' } as const;

export class Watch implements Timed {
  private readonly sweep: SweepSchedule;
  private readonly guard: Guard;
  private readonly asker: Asker;
  private readonly reading: TableReading;
  private readonly learning: Learning;
  /** Sessions whose period seems silent until a newer dump has been read. */
  private readonly awaiting = new Set<SessionUnit>();
  private readonly verdicts = new Set<SessionUnit>();
  /** Whose return is to be told of, as found in this turn. */
  private readonly away = new Set<GrantKey>();
  /** How many sessions have each T: the shortest decides how often the table is read. */
  private readonly periods = new Map<Millis, number>();
  /** Entries tell when they were last used; false = the port's counters have to do. */
  private tableTells = true;
  /** The kernel can tell of the return of a silent client. */
  private tellsReturn = false;
  private readonly sightings = new Map<SessionUnit, Instant>();

  constructor(private readonly core: Core) {
    this.sweep = new SweepSchedule(millis(NEVER), core.now.mono);
    this.guard = new Guard(core.config.guard);
    this.asker = new Asker(core);
    this.reading = new TableReading(core);
    this.learning = new Learning(core, (ip) => this.asker.isReserved(ip));
  }

  pollAt(): Instant {
    return earliest(this.sweepAt(), this.guard.pollAt());
  }

  /** Without a bridge there is no table. */
  private sweepAt(): Instant {
    return this.core.parts.bridge.isThere ? this.sweep.pollAt() : NEVER;
  }

  onTime(now: Instant): void {
    if (this.sweepAt() <= now) this.dump();
    this.report(this.guard.tick(now));
  }

  /** At start, and when a bridge has come. */
  can({ lastSeen, activityNotify }: Capabilities): void {
    this.tableTells = lastSeen;
    this.tellsReturn = activityNotify;
    this.resweep();
  }

  /** Entries tell when they were last used. */
  get tableTellsUse(): boolean {
    return this.tableTells;
  }

  /** The table is read at the end of this turn; without a bridge, when there is one. */
  readTable(): void {
    if (!this.core.parts.bridge.isThere) {
      this.resweep();
      return;
    }
    this.dump();
    this.core.schedule.touch(this);
  }

  private dump(): void {
    // First: what they tell belongs to the time before the dump.
    if (!this.tableTells) this.core.parts.meter.request();
    this.sweep.started();
    this.core.out.push({ type: 'dump-table' });
  }

  /** The table is to be read soon, whoever waits for it. */
  resweep(): void {
    this.sweep.requested(this.core.now.mono);
    this.core.schedule.touch(this);
  }

  ownAddresses(sources: ReadonlyMap<VlanId, ProbeSource>): void {
    this.asker.setSources(sources);
  }

  begin(unit: SessionUnit): void {
    this.countPeriod(sweptFor(unit), 1);
    const { framedIp } = unit.session.authorization;
    if (framedIp !== undefined) this.learning.given(unit, framedIp);
  }

  forget(unit: SessionUnit): void {
    this.countPeriod(sweptFor(unit), -1);
    this.awaiting.delete(unit);
    this.verdicts.delete(unit);
    this.sightings.delete(unit);
    if (isL2(unit)) this.remember(unit.session.mac, unit.session.grant.port, unit.session.addresses);
  }

  /** Where a client is asked that is back and says nothing: as its session knew it, which is over. */
  remember(mac: Mac, port: PortName, addresses: SessionAddresses): void {
    this.asker.remember(mac, port, addresses);
  }

  /** A frame of this MAC came in on this port. */
  heard(port: PortName, mac: Mac, sign: Sign): void {
    const unit = this.core.sessions.ofMac(mac);
    if (unit === undefined) {
      if (sign.kind !== 'eapol') this.core.parts.mab.sighted(mac, port);
      return;
    }
    if (unit.session.grant.port !== port) {
      this.sightedElsewhere(unit, port, sign);
      return;
    }
    if (isFallback(unit.session.method) && sign.kind !== 'eapol') this.core.parts.mab.sighted(mac, port);
    unit.heard(this.core.now.mono, sign.kind, isAnswer(sign));
    if (isAnnouncement(sign)) unit.announcedAt = this.core.now.mono;
    this.learning.learn(unit, addressIn(sign, mac));
  }

  /** The kernel knows the client at this address: it has come to the login page from there. */
  met(unit: L2Unit, ip: Ip): void {
    this.learning.learn(unit, { ip, proof: true });
  }

  /** The kernel says that a silent client has sent again. */
  activity(key: GrantKey): void {
    const unit = this.core.sessions.ofMac(key.mac);
    // It may be a probe's answer, told before the capture has it.
    if (unit?.session.grant.port === key.port) unit.heard(this.core.now.mono, 'activity', true);
  }

  /** Another configuration is in force: guard and probes. Sessions are configured one by one. */
  reconfigure(): void {
    this.guard.configure(this.core.config.guard);
    this.asker.configure();
  }

  /** What holds for the role or the port may have changed; true if what this session is told by has. */
  configure(unit: SessionUnit): boolean {
    const before = sweptFor(unit);
    const changed = unit.configure(this.sweptAt(unit));
    const period = sweptFor(unit);
    if (period !== before) {
      this.countPeriod(before, -1);
      this.countPeriod(period, 1);
    }
    this.core.schedule.touch(unit);
    return changed;
  }

  /**
   * The port, which the session has to itself, has received something. Taken for a sign of life only where the table
   * gives none, and not against a probe that was not answered: anybody's broadcast counts there.
   */
  counted(unit: L2Unit): void {
    if (this.tableTells || this.asker.isLeftWaiting(unit)) return;
    unit.heard(this.core.now.mono, 'counter');
  }

  /** The deadline of a session has come. */
  tick(unit: SessionUnit): void {
    const { mono } = this.core.now;
    const sweptAt = this.sweptAt(unit);
    this.applyTimers(unit, unit.tickTimers(sweptAt));
    // A timer may have ended it.
    if (this.core.sessions.get(unit.session.key) !== unit) return;
    this.apply(unit, unit.handshake.handle({ type: 'tick', sweptAt }, mono));
  }

  /** A probe by somebody's wish, not the handshake's. */
  probe(unit: SessionUnit): boolean {
    const sent = this.ask(unit, 0) === 'sent';
    if (sent) unit.handshake.handle({ type: 'probe-sent', number: 0 }, this.core.now.mono);
    return sent;
  }

  /** One dump of the kernel's table: signs of life of everybody at once, and entries that must not be. */
  table(dump: TableDump): void {
    const { sessions, parts } = this.core;
    parts.restoration.table(dump);
    const foreign = this.reading.read(dump);
    if (parts.restoration.settled) {
      this.reading.removeForeign(foreign);
      parts.vlans.tableRead();
      parts.confinement.tableRead();
      parts.reconciliation.table(dump);
    }
    this.sweep.done(dump);
    const awaiting = [...this.awaiting];
    this.awaiting.clear();
    for (const unit of awaiting) {
      this.tick(unit);
      if (sessions.get(unit.session.key) === unit) this.core.schedule.touch(unit);
    }
    this.core.schedule.touch(this);
  }

  tableFailed(error: string): void {
    this.sweep.failed(this.core.now.mono);
    this.core.parts.reporter.warning('table', error, {});
    this.core.schedule.touch(this);
  }

  /** The agent was to run at some time, and ran so much later. */
  stalled(by: Millis): void {
    const { now, sessions } = this.core;
    this.report(this.guard.stalled(by, survey(handshakes(sessions.all()), now.mono), now.mono));
  }

  /** What a turn has gathered: probes leave together, and verdicts are judged together, so that many can be told from one. */
  endTurn(): void {
    for (const key of this.away) this.core.out.push({ type: 'watch', key });
    this.away.clear();
    if (this.verdicts.size > 0) this.judge();
  }

  private ask(unit: SessionUnit, silentPeriods: number): Asked {
    if (isL2(unit)) return this.asker.ask(unit, silentPeriods);
    return isL3(unit) ? this.core.parts.routed.ask(unit, silentPeriods) : 'none';
  }

  /** Up to when all that the table could tell of it is known. */
  private sweptAt(unit: SessionUnit): Instant {
    return isL2(unit) ? this.sweep.sweptAt : this.core.now.mono;
  }

  private judge(): void {
    const { now, sessions, parts } = this.core;
    const units = [...this.verdicts];
    this.verdicts.clear();
    const fresh = units.filter(({ handshake }) => !handshake.extended).length;
    const facts = survey(handshakes(sessions.all()), now.mono);
    const verdicts = { fresh, extended: units.length - fresh };
    const { spare, effects } = this.guard.judge(verdicts, facts, now.mono);
    this.report(effects);
    for (const unit of units) {
      if (spare && !unit.handshake.extended) {
        this.apply(unit, unit.handshake.handle({ type: 'extra-round' }, now.mono));
        this.core.schedule.touch(unit);
      } else {
        const { times, period } = unit.handshake.settings;
        parts.life.end(unit, {
          cause: 'handshake-timeout',
          detail: `silent for ${times} periods of ${period / 1000} s`,
        });
      }
    }
    this.core.schedule.touch(this);
  }

  private apply(unit: SessionUnit, effects: readonly HandshakeEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'probe': {
          const { number } = effect;
          // Whoever lets a probe go unanswered is away: its return is news. To arm it at each first probe would cost the
          // quiet ones, who answer, two more calls a probe.
          if (number > 1 && this.tellsReturn && isL2(unit)) this.away.add(unit.session.grant);
          const asked = this.ask(unit, number);
          // Nobody to ask by address: the period counts, and no probe does.
          if (asked === 'none') break;
          const type = asked === 'sent' ? 'probe-sent' : 'probe-withheld';
          unit.handshake.handle({ type, number }, this.core.now.mono);
          break;
        }
        case 'sweep-needed':
          this.awaiting.add(unit);
          if (effect.urgent) this.sweep.requested(this.core.now.mono);
          this.core.schedule.touch(this);
          break;
        case 'silent':
          this.verdicts.add(unit);
          break;
        default:
          assertNever(effect);
      }
    }
  }

  private applyTimers(unit: SessionUnit, effects: readonly TimerEffect[]): void {
    const { life, reauthentication } = this.core.parts;
    for (const effect of effects) {
      switch (effect.type) {
        case 'end':
          life.end(unit, { cause: effect.cause });
          break;
        case 'reauthenticate':
          if (isL2(unit)) reauthentication.due(unit);
          else life.end(unit, { cause: 'session-timeout' });
          break;
        case 'probe':
          this.probe(unit);
          break;
        case 'sweep-needed':
          this.awaiting.add(unit);
          this.sweep.requested(this.core.now.mono);
          this.core.schedule.touch(this);
          break;
        default:
          assertNever(effect);
      }
    }
  }

  /** Only a question is due: one frame with a borrowed address must not end anybody's session. */
  private sightedElsewhere(unit: L2Unit, port: PortName, sign: Sign): void {
    const { now, parts } = this.core;
    parts.floods.heardElsewhere(port);
    const last = this.sightings.get(unit);
    if (last !== undefined && now.mono - last < SIGHTING_SPACING) return;
    if (!parts.floods.admitsSighting(port)) return;
    this.sightings.set(unit, now.mono);
    this.core.decide(unit.session.mac, port, 'sighted', `has a session on ${unit.session.grant.port}`);
    this.probe(unit);
    this.resweep();
    if (sign.kind !== 'eapol') parts.mab.sighted(unit.session.mac, port);
  }

  private countPeriod(period: Millis, by: 1 | -1): void {
    const count = (this.periods.get(period) ?? 0) + by;
    if (count > 0) this.periods.set(period, count);
    else this.periods.delete(period);
    let interval = millis(NEVER);
    for (const each of this.periods.keys()) {
      interval = millis(Math.min(interval, sweepInterval(each)));
    }
    this.sweep.adjust(interval, this.core.now.mono);
    this.core.schedule.touch(this);
  }

  private report(effects: readonly GuardEffect[]): void {
    for (const { state, reason, silent, watched } of effects) {
      this.core.parts.reporter.guard({
        scope: 'switch',
        state: GUARD_STATES[state],
        reason: GUARD_REASONS[reason],
        silent,
        sessions: watched,
      });
    }
    if (effects.length > 0) this.core.schedule.touch(this);
  }
}

/** How often the table is to be read for it: nothing of an address behind the switch is in there. */
function sweptFor(unit: SessionUnit): Millis {
  return isL2(unit) ? unit.handshake.settings.period : millis(0);
}

function* handshakes(units: Iterable<SessionUnit>): Generator<SessionUnit['handshake']> {
  for (const { handshake } of units) yield handshake;
}
