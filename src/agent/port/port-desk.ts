// The access ports of the switch: orders and what bridge.ts tells of them in, locks, captures and ends of sessions out. The machine
// of one port is access-port.ts; this file has them all, and carries their effects.

import { assertNever } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import { same } from '../../config/diff.ts';
import { isUplink } from '../../config/ports.ts';
import { isFallback } from '../../model/authorization.ts';
import type { EndCause } from '../../model/cause.ts';
import {
  type Capabilities,
  type PortFacts,
  type PortName,
  type PortSetting,
  unlockCommand,
} from '../../model/dataplane.ts';
import type { PortControl } from '../../model/port.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import { AccessPort, type PortEffect, type PortEvent } from './access-port.ts';
import { KeptControls } from './kept-controls.ts';
import { LinkNews } from './link-news.ts';

export class PortUnit implements Timed {
  constructor(
    readonly name: PortName,
    readonly machine: AccessPort,
    private readonly desk: PortDesk,
  ) {}

  pollAt(): Instant {
    return this.machine.pollAt();
  }

  onTime(): void {
    this.desk.tell(this, { type: 'tick' });
  }
}

export class PortDesk {
  private readonly units = new Map<PortName, PortUnit>();
  /** The kernel can tell of unknown MACs on locked ports. */
  private kernelTells = false;
  private readonly linkNews: LinkNews;
  private readonly controls: KeptControls;

  constructor(private readonly core: Core) {
    this.controls = new KeptControls(core);
    this.linkNews = new LinkNews({
      link: (port, up) => core.parts.reporter.portLink(port, up),
      flaps: (port, message) => core.parts.reporter.warning('flapping', message, { port }),
      settled: (port, up, message) => {
        core.parts.reporter.warning('flapping-over', message, { port });
        if (up) this.lookAgain(port);
      },
    });
  }

  /** Whoever came while the port flapped was not listened to: supplicants are asked, the quiet are found in the table. */
  private lookAgain(port: PortName): void {
    const { supplicants, watch } = this.core.parts;
    supplicants.solicit(port, { type: 'capture-opened' });
    watch.resweep();
  }

  /** Locks everything first; all else waits for that. */
  boot(ports: readonly PortFacts[], capabilities: Capabilities): void {
    this.can(capabilities);
    const starts: { readonly unit: PortUnit; readonly effects: readonly PortEffect[] }[] = [];
    for (const facts of ports) {
      this.tellLocked(facts);
      const unit = this.take(facts);
      if (unit !== undefined) starts.push({ unit, effects: unit.machine.start() });
    }
    // All locks side by side: neighbours become one call, with one proof for all.
    const isLock = ({ type }: PortEffect): boolean => type === 'set';
    for (const { unit, effects } of starts) this.apply(unit, effects.filter(isLock));
    for (const { unit, effects } of starts) {
      const others = effects.filter((effect) => !isLock(effect));
      this.apply(unit, others);
    }
  }

  can({ mab }: Capabilities): void {
    this.kernelTells = mab;
  }

  all(): Iterable<PortUnit> {
    return this.units.values();
  }

  get(name: PortName): PortUnit | undefined {
    return this.units.get(name);
  }

  /** The kernel's table may be read as the truth about who is on this port. */
  isAuto(name: PortName): boolean {
    return this.units.get(name)?.machine.control === 'auto';
  }

  /** Nobody is to pass on this port but who has a grant of ours. */
  isShut(name: PortName): boolean {
    const machine = this.units.get(name)?.machine;
    const isOurs = machine?.control === 'auto' || machine?.control === 'force-unauthorized';
    return isOurs && !machine.isOpened;
  }

  /** Everybody passes, since one client is in (host mode multi-host). */
  isOpened(name: PortName): boolean {
    return this.units.get(name)?.machine.isOpened ?? false;
  }

  /** `life` hears when it is, or why it is not. */
  open(name: PortName): void {
    const unit = this.units.get(name);
    if (unit === undefined) this.core.parts.life.portOpened(name, 'the port is gone');
    else this.tell(unit, { type: 'open', open: true });
  }

  close(name: PortName): void {
    const unit = this.units.get(name);
    if (unit === undefined) this.core.parts.life.portShut(name);
    else this.tell(unit, { type: 'open', open: false });
  }

  /** A client of an earlier run has opened the port, by another name: one that is nobody's now is locked, and that is told. */
  shutLeftOpen(name: PortName): void {
    const unit = this.units.get(name);
    if (unit === undefined) return;
    const { facts } = unit.machine;
    this.tell(unit, { type: 'left-open' });
    if (!facts.locked) this.tellLocked({ ...facts, locked: true, mab: false });
  }

  /** The kernel is to report unknown MACs there, where that is wanted at all, or not to. */
  report(name: PortName, on: boolean): void {
    const unit = this.units.get(name);
    if (unit !== undefined) this.tell(unit, { type: 'reports', on });
  }

  /** Its link is being taken down, and may be back at once. */
  lowering(name: PortName): void {
    const unit = this.units.get(name);
    if (unit !== undefined) this.tell(unit, { type: 'lowering' });
  }

  /** Its link comes and goes faster than anybody could use it. */
  isFlapping(name: PortName): boolean {
    return this.linkNews.isFlapping(name);
  }

  linkUpAt(name: PortName): Instant {
    return this.units.get(name)?.machine.linkUpAt ?? this.core.now.mono;
  }

  /** Every managed port is proven to be as it was wanted. */
  get settled(): boolean {
    return [...this.units.values()].every(({ machine }) => machine.control !== 'auto' || machine.isSet);
  }

  /** The administrator's wish; false for a port that is not there or not ours. */
  control(name: PortName, control: PortControl): boolean {
    const unit = this.units.get(name);
    if (unit === undefined || isUplink(this.core.config, name)) return false;
    this.tell(unit, { type: 'control', control });
    this.core.parts.links.raise(name);
    return true;
  }

  /** Ports for which the configuration means something else than what is in force for them. */
  get behind(): readonly PortUnit[] {
    const differs = ({ name, machine }: PortUnit) => !same(machine.config, this.core.settings.port(name));
    return [...this.units.values()].filter(differs);
  }

  /** Another configuration is in force: ports for which it means something else, by name. */
  reconfigure(): readonly PortName[] {
    this.controls.reconfigure();
    return [...this.units.values()].filter((unit) => this.configure(unit)).map(({ name }) => name);
  }

  private configure(unit: PortUnit): boolean {
    const { name, machine } = unit;
    const before = machine.config;
    const config = this.core.settings.port(name);
    if (same(before, config)) return false;
    this.tell(unit, { type: 'config', config });
    if (!same(before.pae, config.pae)) this.core.parts.supplicants.configure(name, config.pae);
    if (!same(before.limits, config.limits)) {
      this.core.parts.supplicants.limit(name, config.limits);
      this.core.parts.floods.configure(name, config.limits);
    }
    if (!same(before.mab, config.mab)) this.core.parts.mab.configure(name, config.mab);
    this.core.parts.reporter.portChanged(name);
    return true;
  }

  /** Which sessions of an earlier run go on has been seen. */
  restored(): void {
    for (const name of this.units.keys()) this.review(name);
  }

  /** Somebody may have been let in there, or be on the way in no more. */
  review(name: PortName): void {
    const unit = this.units.get(name);
    const occupied = this.isOccupied(name);
    // That nobody is there is not known before.
    if (unit !== undefined && (occupied || this.core.parts.restoration.settled))
      this.tell(unit, { type: 'occupied', occupied });
  }

  private isOccupied(name: PortName): boolean {
    return this.core.sessions.countOnPort(name) > 0 || this.core.parts.life.isGranting(name);
  }

  sessionsChanged(name: PortName): void {
    const { supplicants, reporter } = this.core.parts;
    if (!this.units.has(name)) return;
    this.review(name);
    const authenticated = this.core.sessions
      .onPort(name)
      .filter(({ session }) => !isFallback(session.method));
    supplicants.solicit(name, { type: 'sessions', count: authenticated.length });
    reporter.portChanged(name);
  }

  tell(unit: PortUnit, event: PortEvent): void {
    this.apply(unit, unit.machine.handle(event, this.core.now.mono));
  }

  /** Of its capture: whether it could be opened, or that it is no more. */
  capture(name: PortName, event: PortEvent): void {
    const unit = this.units.get(name);
    if (unit === undefined) return;
    this.tell(unit, event);
    this.core.parts.reporter.portChanged(name);
  }

  portDone(name: PortName, setting: PortSetting, error: string | undefined): void {
    const unit = this.units.get(name);
    if (unit === undefined || !unit.machine.awaits(setting)) return;
    this.tell(unit, { type: 'port-set', setting, ...(error === undefined ? {} : { error }) });
    this.opening(unit, error);
    this.core.parts.reporter.portChanged(name);
  }

  /** Whoever waits for the port to be open, or shut again, hears of it. */
  private opening({ name, machine }: PortUnit, error: string | undefined): void {
    const { life } = this.core.parts;
    if (error === undefined && !machine.isSet) return;
    if (machine.isOpened) life.portOpened(name, error);
    else life.portShut(name, error);
  }

  /** It has joined the bridge. */
  added(facts: PortFacts): void {
    this.tellLocked(facts);
    const unit = this.take(facts);
    if (unit === undefined) return;
    this.apply(unit, unit.machine.start());
    this.core.parts.links.added(facts.name, facts.adminUp);
  }

  /** One that was renamed, say, from a name that is ours to one that is not: nobody would open it. */
  private tellLocked(facts: PortFacts): void {
    const { name, locked } = facts;
    if (!locked || this.controls.of(name) !== 'off') return;
    const by = this.core.settings.port(name).control === 'off' ? 'the configuration' : 'a command';
    const message = `${name} has come locked, and by ${by} it is none of ours: it stays so until \`${unlockCommand(facts)}\``;
    this.core.parts.reporter.warning('port', message, { port: name });
  }

  /** A machine for it, unless it is an uplink. */
  private take(facts: PortFacts): PortUnit | undefined {
    if (isUplink(this.core.config, facts.name)) return undefined;
    const machine = new AccessPort(facts, this.core.settings.port(facts.name), {
      now: this.core.now.mono,
      kernelTells: this.kernelTells,
      // Until it is seen whose sessions go on, a port is flooded, or is not, as it was.
      occupied: this.core.parts.restoration.settled ? this.isOccupied(facts.name) : !facts.unflooded,
      control: this.controls.take(facts.name),
    });
    const unit = new PortUnit(facts.name, machine, this);
    this.units.set(facts.name, unit);
    this.core.parts.reporter.portChanged(facts.name);
    return unit;
  }

  /** What the kernel says of it now. */
  changed(facts: PortFacts): void {
    const unit = this.units.get(facts.name);
    if (unit === undefined) return;
    const { linkChanges } = unit.machine.facts;
    this.tell(unit, { type: 'facts', facts });
    // A restart compares it with what it finds.
    if (linkChanges !== facts.linkChanges)
      for (const session of this.core.sessions.onPort(facts.name))
        this.core.parts.keptSessions.changed(session);
    this.core.parts.links.facts(facts.name, facts.adminUp);
    this.core.parts.reporter.portChanged(facts.name);
  }

  /** It has left the bridge, or is no more. */
  gone(name: PortName): void {
    const { life, supplicants, mab, reporter, web } = this.core.parts;
    const unit = this.units.get(name);
    if (unit === undefined) {
      // An uplink; one that was a port of ours by another name may have had entries.
      life.portGone(name);
      this.core.parts.vlans.portGone(name);
      return;
    }
    this.controls.keep(name, unit.machine);
    this.units.delete(name);
    this.linkNews.gone(name);
    this.core.schedule.forget(unit);
    this.core.parts.links.gone(name);
    this.core.out.push({ type: 'close-capture', port: name });
    life.endOnPort(name, { cause: 'port-removed' });
    life.cancelAdmissions(name);
    life.portGone(name);
    this.core.parts.vlans.portGone(name);
    supplicants.portGone(name);
    mab.portGone(name);
    this.core.parts.floods.portGone(name);
    web.portClosed(name);
    reporter.portGone(name);
  }

  /** Everybody is out, and who is on the way in too; a port that was open for one of them is shut. */
  endSessions(port: PortName, cause: EndCause): void {
    const { life, supplicants, mab, web } = this.core.parts;
    life.endOnPort(port, { cause });
    life.cancelAdmissions(port);
    supplicants.portClosed(port);
    mab.portClosed(port);
    web.portClosed(port);
    this.close(port);
  }

  private apply(unit: PortUnit, effects: readonly PortEffect[]): void {
    for (const effect of effects) this.applyOne(unit.name, effect);
    if (this.units.get(unit.name) === unit) this.core.schedule.touch(unit);
  }

  private applyOne(port: PortName, effect: PortEffect): void {
    const { out, parts } = this.core;
    const { supplicants, reporter } = parts;
    switch (effect.type) {
      case 'set':
        // Ends of sessions that came before it may have made it another one.
        if (this.units.get(port)?.machine.awaits(effect.setting) !== true) return;
        out.ask(
          { about: 'port', port, setting: effect.setting },
          { type: 'set-port', port, setting: effect.setting },
        );
        return;
      case 'open-capture':
        out.ask({ about: 'capture', port }, { type: 'open-capture', port });
        return;
      case 'close-capture':
        out.push({ type: 'close-capture', port });
        return;
      case 'end-sessions':
        this.endSessions(port, effect.cause);
        return;
      case 'listening':
        supplicants.solicit(port, { type: 'link', up: true });
        supplicants.solicit(port, { type: 'capture-opened' });
        return;
      case 'deaf':
        supplicants.solicit(port, { type: 'link', up: false });
        return;
      case 'control-changed':
        supplicants.solicit(port, { type: 'port-control', control: effect.control });
        reporter.portControl(port, effect.control);
        return;
      case 'link':
        this.linkNews.changed(port, effect.up, this.core.now.mono);
        this.core.schedule.touch(this.linkNews);
        return;
      case 'found-open':
        this.core.repairs.add('ports-locked-again');
        reporter.warning('port-open', 'the port was found unlocked, and is locked again', { port });
        return;
      case 'alarm':
        reporter.warning('port', effect.message, { port });
        return;
      case 'alarm-over':
        out.log('info', `port ${effect.message}`, { port });
        return;
      default:
        assertNever(effect);
    }
  }
}
