// Who gets in by their MAC alone: one machine per MAC on a port (pae/mab.ts). Sightings go in, from captured frames, the
// kernel's notices and its table; questions to the servers, admissions and ends of sessions come out. This file only
// carries, and keeps the bound of MACs remembered per port; how fast is asked is in mab-questions.ts, what an answer means for the
// client in mab-outcomes.ts.

import { isStationAddress, type Mac, macFromNumber } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import { after, earliest, type Instant, NEVER, seconds } from '../../base/time.ts';
import { isFallback } from '../../model/authorization.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Proof } from '../../model/kept.ts';
import type { SessionSelector } from '../../model/selector.ts';
import type { ReauthBy } from '../../pae/events.ts';
import { MabClient } from '../../pae/mab.ts';
import type { MabEffect, MabEvent, MabFacts } from '../../pae/mab-events.ts';
import type { MabSettings } from '../../pae/mab-settings.ts';
import type { Core } from '../core.ts';
import { noteTaken, refusedBeforehand } from '../session/host-modes.ts';
import type { L2Unit } from '../session/session-unit.ts';
import { MabOutcomes } from './mab-outcomes.ts';
import { MabPort, type MabStanding, MabUnit } from './mab-port.ts';
import { MabQuestions } from './mab-questions.ts';
import type { Method, ResumedClient } from './method.ts';

/** After MACs were turned away for want of room: whoever is still there by then is in the kernel's table. */
const LOOK_AFTER = seconds(5);
const NOBODY: MabStanding = { waiting: 0, asking: 0, quiet: 0 };

export class Mab implements Method {
  private readonly ports = new Map<PortName, MabPort>();
  private readonly questions: MabQuestions;
  private readonly outcomes: MabOutcomes;

  constructor(private readonly core: Core) {
    this.questions = new MabQuestions(core);
    this.outcomes = new MabOutcomes(core);
  }

  counters(port: PortName): Readonly<Record<string, number>> {
    return this.ports.get(port)?.counters.snapshot() ?? {};
  }

  standing(port: PortName): MabStanding {
    return this.ports.get(port)?.standing() ?? NOBODY;
  }

  /** One line about where each port's machine of this MAC stands. */
  describe(mac: Mac): readonly string[] {
    const lines: string[] = [];
    for (const { name, clients } of this.ports.values()) {
      const unit = clients.get(mac);
      if (unit !== undefined) lines.push(`${name}: ${unit.machine.describe(this.core.now.mono)}`);
    }
    return lines;
  }

  /** A MAC without a session on this port was seen there: it is asked who it is, or a server is asked about it. */
  sighted(mac: Mac, port: PortName): void {
    const settings = this.core.settings.port(port).mab;
    const session = this.core.sessions.ofMac(mac)?.session;
    if (this.core.parts.restoration.awaits(mac)) return;
    if (session?.grant.port === port) {
      // Who is in by a fallback may be known to the server by now.
      if (isFallback(session.method) && settings.enabled)
        this.seen({ mac, port, at: this.core.now.mono, makesRoom: true });
      return;
    }
    if (!settings.enabled || settings.order[0] === 'dot1x') this.core.parts.supplicants.sighted(mac, port);
    if (settings.enabled) this.seen({ mac, port, at: this.core.now.mono, makesRoom: true });
  }

  /** A locked entry of the kernel's table, last refreshed at `at`: somebody who may have been missed. */
  candidate(mac48: number, port: PortName, at: Instant): void {
    const { enabled, quietPeriod } = this.core.settings.port(port).mab;
    if (!enabled || this.core.now.mono - at > quietPeriod || this.core.sessions.ofMac48(mac48) !== undefined)
      return;
    this.seen({ mac: macFromNumber(mac48), port, at, makesRoom: false });
  }

  /** 802.1X is ignored for this MAC: it has a session by MAB, which has priority. */
  outranks(mac: Mac, port: PortName): boolean {
    if (this.core.settings.port(port).mab.priority[0] !== 'mab') return false;
    return this.ports.get(port)?.clients.get(mac)?.machine.authenticated ?? false;
  }

  /** A server refused the client by 802.1X. */
  dot1xFailed(mac: Mac, port: PortName): void {
    const unit = this.ports.get(port)?.clients.get(mac);
    if (unit !== undefined) this.tell(unit, { type: 'dot1x-failed' });
  }

  /** 802.1X came to nothing, by a refusal or by silence. */
  dot1xOver(mac: Mac, port: PortName): void {
    const unit = this.ports.get(port)?.clients.get(mac);
    if (unit?.rerunning !== true) return;
    unit.rerunning = false;
    this.tell(unit, { type: 'reauthenticate', by: 'timer' });
  }

  /** The client gets in by another method: what was under way here is nobody's business any more. */
  displaced(mac: Mac, port: PortName): void {
    const here = this.ports.get(port);
    const unit = here?.clients.get(mac);
    if (here === undefined || unit === undefined || unit.machine.authenticated) return;
    here.counters.add('mab-displaced');
    this.drop(here, unit);
  }

  /**
   * MACs that wait or are quiet are asked about now: how many. Not one with a session on another port: what is known of it
   * here may be a borrowed frame, and the owner's session would end with the server's Accept.
   */
  askNow(selector: SessionSelector): number {
    const held = [...this.ports.values()].flatMap((here) => here.held(selector));
    const meant = held.filter(({ mac, port }) => this.facts(mac, port).elsewhere === undefined);
    for (const unit of meant) this.tell(unit, { type: 'reauthenticate', by: 'admin' });
    return meant.length;
  }

  // What a method is told.

  grantDone(mac: Mac, port: PortName, error?: string): void {
    const unit = this.ports.get(port)?.clients.get(mac);
    if (unit?.granting === undefined) return;
    const ref = unit.granting;
    unit.granting = undefined;
    unit.refusal = error;
    this.tell(unit, error === undefined ? { type: 'grant-done', ref } : { type: 'grant-done', ref, error });
  }

  proofOf(mac: Mac, port: PortName): Proof | undefined {
    return this.ports.get(port)?.clients.get(mac)?.machine.proof;
  }

  resume({ mac, port, userName, proof, authorizedAt }: ResumedClient): void {
    const { core } = this;
    const machine = new MabClient({
      mac,
      settings: core.settings.port(port).mab,
      seenAt: core.now.mono,
      facts: { dot1x: 'absent' },
      proof: proof ?? { since: authorizedAt, failures: 0 },
    });
    const unit = new MabUnit(mac, port, machine, this);
    unit.acceptedAs = userName;
    this.portOf(port).clients.set(mac, unit);
    core.schedule.touch(unit);
  }

  sessionEnded(mac: Mac, port: PortName): void {
    const unit = this.ports.get(port)?.clients.get(mac);
    if (unit !== undefined) this.tell(unit, { type: 'session-ended' });
  }

  /** The device speaks no EAP. */
  failureFor(): undefined {
    return undefined;
  }

  obstacle(mac: Mac, port: PortName): string | undefined {
    const known = this.ports.get(port)?.clients.get(mac)?.machine.authenticated === true;
    return known ? undefined : 'MAB does not know the client any more';
  }

  reauthenticate(mac: Mac, port: PortName, by: ReauthBy): boolean {
    const unit = this.ports.get(port)?.clients.get(mac);
    if (unit?.machine.authenticated !== true) return false;
    this.tell(unit, { type: 'reauthenticate', by });
    return true;
  }

  /** As `reauthenticate`, beginning with 802.1X: the session goes on until one of the two has another word. */
  readonly rerun: Pick<Method, 'obstacle' | 'reauthenticate'> = {
    obstacle: (mac, port) => this.obstacle(mac, port) ?? this.core.parts.supplicants.obstacle(mac, port),
    reauthenticate: (mac, port, by) => {
      const unit = this.ports.get(port)?.clients.get(mac);
      if (unit === undefined) return false;
      unit.rerunning = this.core.parts.supplicants.reauthenticate(mac, port, by);
      return unit.rerunning;
    },
  };

  // What a port is told.

  /** The link went, or the port is not ours to authenticate on any more: nobody is there. */
  portClosed(port: PortName): void {
    const here = this.ports.get(port);
    if (here === undefined) return;
    for (const unit of [...here.clients.values()]) this.drop(here, unit);
    here.lookAt = NEVER;
    this.core.schedule.touch(here);
  }

  portGone(port: PortName): void {
    this.portClosed(port);
    const here = this.ports.get(port);
    if (here !== undefined) this.core.schedule.forget(here);
    this.ports.delete(port);
  }

  /** Where MAB is switched off, those whom it let in go, too. */
  configure(port: PortName, settings: MabSettings): void {
    const here = this.ports.get(port);
    if (here === undefined) return;
    if (!settings.enabled) {
      for (const unit of this.core.sessions.onPort(port)) {
        if (!this.isOut(unit)) continue;
        this.core.parts.life.end(unit, { cause: 'port-reinit', detail: 'MAB was switched off' });
      }
      this.portClosed(port);
      return;
    }
    here.queue.configure(settings.ratePerSecond);
    for (const unit of [...here.clients.values()]) this.tell(unit, { type: 'settings', settings });
    this.core.schedule.touch(here);
  }

  /** In by MAB, where that is switched off. */
  isOut({ session }: L2Unit): boolean {
    return session.method === 'mab' && !this.core.settings.port(session.grant.port).mab.enabled;
  }

  // The machines.

  tick(unit: MabUnit): void {
    this.tell(unit, { type: 'tick', facts: this.facts(unit.mac, unit.port) });
  }

  tell(unit: MabUnit, event: MabEvent): void {
    const before = unit.machine.current;
    for (const effect of unit.machine.handle(event, this.core.now.mono)) this.apply(unit, effect);
    const here = this.ports.get(unit.port);
    if (here?.clients.get(unit.mac) !== unit) return;
    if (unit.machine.authenticated) here.waiting.delete(unit);
    else here.waiting.add(unit);
    if (unit.machine.current === 'FORGOTTEN') this.drop(here, unit);
    else this.core.schedule.touch(unit);
    if (unit.machine.current !== before) this.core.parts.reporter.portChanged(unit.port);
    if (unit.machine.current !== 'ASKING' && this.questions.decided(unit)) this.turnAll();
  }

  /** Sends the questions whose turn has come, and looks for those whom there was no room for. */
  turn(here: MabPort): void {
    const { mono } = this.core.now;
    this.questions.turn(here);
    if (here.lookAt <= mono) {
      here.lookAt = NEVER;
      this.core.parts.watch.resweep();
    }
    this.core.schedule.touch(here);
  }

  /** There is room for more questions. */
  private turnAll(): void {
    for (const here of this.ports.values()) if (here.queue.pollAt() <= this.core.now.mono) this.turn(here);
  }

  private seen(sighting: {
    readonly mac: Mac;
    readonly port: PortName;
    readonly at: Instant;
    readonly makesRoom: boolean;
  }): void {
    const { mac, port, at } = sighting;
    const { core } = this;
    if (core.draining || !isStationAddress(mac) || core.parts.bridge.isOwnAddress(mac)) return;
    if (!core.parts.ports.isAuto(port)) return;
    if (core.parts.ports.isFlapping(port)) {
      core.drops.add('mab-flapping');
      return;
    }
    const here = this.portOf(port);
    const known = here.clients.get(mac);
    if (known !== undefined) {
      this.tell(known, { type: 'seen', at });
      if (known.question !== undefined) here.queue.add(known, known.machine.rank);
      return;
    }
    if (!this.mayEnter(here, mac) || !this.makeRoom(here, sighting.makesRoom)) return;
    const settings = core.settings.port(port).mab;
    const machine = new MabClient({ mac, settings, seenAt: at, facts: this.facts(mac, port) });
    const unit = new MabUnit(mac, port, machine, this);
    here.clients.set(mac, unit);
    here.waiting.add(unit);
    core.parts.reporter.portChanged(port);
    core.step(mac, port, 'sighted', machine.describe(core.now.mono));
    // Where nothing is waited for, now.
    this.tick(unit);
  }

  private mayEnter(here: MabPort, mac: Mac): boolean {
    const { core } = this;
    const refusal = refusedBeforehand(core, here.name, mac);
    if (refusal === undefined) return true;
    core.drops.add(`mab-${core.settings.port(here.name).hostMode}-taken`);
    noteTaken(core, mac, here.name, refusal);
    return false;
  }

  private makeRoom(here: MabPort, byForce: boolean): boolean {
    if (here.waiting.size < this.core.settings.port(here.name).mab.maxClients) return true;
    here.lookAt = earliest(here.lookAt, after(this.core.now.mono, LOOK_AFTER));
    this.core.schedule.touch(here);
    const gone = byForce ? here.dispensable() : undefined;
    this.core.drops.add(gone === undefined ? 'mab-too-many-clients' : 'mab-passed-over');
    if (gone === undefined) return false;
    this.drop(here, gone);
    return true;
  }

  private facts(mac: Mac, port: PortName): MabFacts {
    const dot1x = this.core.parts.supplicants.standing(mac, port);
    const session = this.core.sessions.ofMac(mac);
    if (session === undefined || session.session.grant.port === port) return { dot1x };
    return { dot1x, elsewhere: session.handshake.lastSeen };
  }

  private apply(unit: MabUnit, effect: MabEffect): void {
    const { core } = this;
    const { mac, port } = unit;
    switch (effect.type) {
      case 'ask':
        this.questions.ask(this.portOf(port), unit, effect);
        core.schedule.touch(this.portOf(port));
        return;
      case 'cancel':
        this.questions.withdraw(this.ports.get(port), unit);
        return;
      case 'accepted':
        this.count(port, 'mab-accepted');
        this.outcomes.accepted(unit, effect);
        return;
      case 'reauthenticated':
        this.count(port, 'mab-accepted');
        this.outcomes.reauthenticated(unit, effect);
        return;
      case 'reauthentication-due':
        this.outcomes.reauthenticationDue(unit);
        return;
      case 'unanswered':
        this.outcomes.unanswered(unit);
        return;
      case 'rejected':
        this.count(port, effect.reason === 'no-server' ? 'mab-no-server' : 'mab-rejected');
        this.outcomes.rejected(unit, effect);
        return;
      case 'ended':
        this.outcomes.ended(unit, effect);
        return;
      case 'look':
        core.parts.watch.resweep();
        return;
      case 'decision':
        if (effect.step) core.step(mac, port, effect.what, effect.detail);
        else core.decide(mac, port, effect.what, effect.detail);
        return;
      default:
        assertNever(effect);
    }
  }

  private drop(here: MabPort, unit: MabUnit): void {
    this.questions.withdraw(here, unit);
    here.clients.delete(unit.mac);
    if (here.waiting.delete(unit)) this.core.parts.reporter.portChanged(here.name);
    this.core.schedule.forget(unit);
  }

  private count(port: PortName, counter: Parameters<MabPort['counters']['add']>[0]): void {
    this.portOf(port).counters.add(counter);
  }

  private portOf(name: PortName): MabPort {
    const known = this.ports.get(name);
    if (known !== undefined) return known;
    const { ratePerSecond } = this.core.settings.port(name).mab;
    const here = new MabPort(name, ratePerSecond, this);
    this.ports.set(name, here);
    return here;
  }
}
