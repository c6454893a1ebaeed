// Who says what in EAPOL: one authenticator machine per client, MAC on a port. Frames go in, questions to the servers come out,
// and what an exchange comes to (eapol-outcomes.ts). The machines are in pae/; this file only carries.

import type { Mac } from '../../base/mac.ts';
import { PAE_GROUP_ADDRESS } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Proof } from '../../model/kept.ts';
import { AuthenticatorClient } from '../../pae/client.ts';
import type { AaaVerdict, PaeEffect, PaeEvent, PaeRef, ReauthBy } from '../../pae/events.ts';
import { type ClientAdmission, type PortLimits, responsePace } from '../../pae/limits.ts';
import type { Dot1xStanding } from '../../pae/mab-events.ts';
import { PAE_EAPOL_VERSION, type PaeSettings } from '../../pae/settings.ts';
import { Solicitor } from '../../pae/solicitor.ts';
import { accessRequestAttributes } from '../../radius/access-request.ts';
import { EAPOL_EAP, EAPOL_LOGOFF, EAPOL_START, type EapolPdu, encodeEapol } from '../../wire/eapol.ts';
import { ETHERTYPE_PAE, encodeEthernet } from '../../wire/ethernet.ts';
import type { Core } from '../core.ts';
import { noteTaken, refusedBeforehand } from '../session/host-modes.ts';
import { EapolOutcomes } from './eapol-outcomes.ts';
import { ClientUnit, EapolPort } from './eapol-port.ts';
import type { Method, ResumedClient } from './method.ts';

type Question = Extract<PaeEffect, { readonly type: 'ask-server' }>;

/** Of an exchange that goes well: its end is what the log tells. */
const STEPS: ReadonlySet<string> = new Set(['began', 'identity', 'accepted']);

export class Supplicants implements Method {
  private readonly ports = new Map<PortName, EapolPort>();
  private readonly outcomes: EapolOutcomes;

  constructor(private readonly core: Core) {
    this.outcomes = new EapolOutcomes(core, (...answer) => this.granted(...answer));
  }

  /** IEEE 802.1X-2020 §12.8 statistics of one port. */
  counters(port: PortName): Readonly<Record<string, number>> {
    return this.ports.get(port)?.counters.snapshot() ?? {};
  }

  /** One line about where the authentication of this client stands. */
  describe(mac: Mac): string | undefined {
    for (const { clients } of this.ports.values()) {
      const unit = clients.get(mac);
      if (unit !== undefined) return `${unit.port}: ${unit.machine.describe(this.core.now.mono)}`;
    }
    return undefined;
  }

  /** How far the client has come here, for MAB, which waits for 802.1X. */
  standing(mac: Mac, port: PortName): Dot1xStanding {
    const unit = this.ports.get(port)?.clients.get(mac);
    if (unit === undefined) return 'absent';
    if (unit.granting !== undefined) return 'granting';
    return unit.machine.standing;
  }

  /** A port that has its clients already, by its host mode. */
  isTaken(port: PortName, mac: Mac): boolean {
    return refusedBeforehand(this.core, port, mac) !== undefined;
  }

  /** An EAPOL PDU from a client of an `auto` port. */
  receive(port: PortName, mac: Mac, pdu: EapolPdu): void {
    if (this.core.parts.mab.outranks(mac, port)) {
      this.core.drops.add('eapol-outranked');
      return;
    }
    const here = this.portOf(port);
    if (pdu.type === EAPOL_LOGOFF) {
      const unit = here.clients.get(mac);
      if (unit !== undefined) this.tell(unit, { type: 'eapol-logoff' });
    } else if (pdu.type === EAPOL_START) {
      const unit = this.clientFor(here, mac);
      if (unit !== undefined) this.tell(unit, { type: 'eapol-start' });
    } else if (pdu.type === EAPOL_EAP) {
      this.receiveEap(here, mac, pdu.body);
    } else {
      this.core.drops.add('eapol-type');
    }
  }

  obstacle(mac: Mac, port: PortName): string | undefined {
    const here = this.portOf(port);
    if (here.clients.has(mac)) return undefined;
    if (this.core.draining) return 'the switch is being drained';
    const hasRoom = here.admission.hasRoom(here.load(), this.core.now.mono);
    return refusedBeforehand(this.core, port, mac) ?? (hasRoom ? undefined : 'the port has no room for it');
  }

  /** Asks a MAC that was merely seen who it is, or a client with a session to prove itself again. */
  reauthenticate(mac: Mac, port: PortName, by: ReauthBy): boolean {
    const unit = this.clientFor(this.portOf(port), mac);
    if (unit === undefined) return false;
    this.tell(unit, { type: 'reauthenticate', by });
    return true;
  }

  /** Asks the client of a session whether it is there; false while its server is asked about it, and it cannot be. */
  probe(mac: Mac, port: PortName): boolean {
    const here = this.portOf(port);
    const unit = here.clients.get(mac);
    if (unit?.machine.authenticated !== true) {
      // The session has outlived its machine: the link was down for a while.
      this.askUnremembered(here, mac);
      return true;
    }
    if (!unit.machine.canBeProbed) return false;
    this.tell(unit, { type: 'probe' });
    return true;
  }

  /** The answer of the data plane to the client's admission. */
  grantDone(mac: Mac, port: PortName, error?: string): void {
    const unit = this.ports.get(port)?.clients.get(mac);
    if (unit?.granting !== undefined) this.granted(unit, unit.granting.ref, error);
  }

  private granted(unit: ClientUnit, ref: PaeRef, error?: string): void {
    if (unit.granting?.ref !== ref || this.ports.get(unit.port)?.clients.get(unit.mac) !== unit) return;
    unit.granting = undefined;
    unit.refusal = error;
    this.tell(unit, error === undefined ? { type: 'grant-done', ref } : { type: 'grant-done', ref, error });
  }

  proofOf(mac: Mac, port: PortName): Proof | undefined {
    return this.ports.get(port)?.clients.get(mac)?.machine.proof;
  }

  resume({ mac, port, userName, proof, authorizedAt }: ResumedClient): void {
    const here = this.portOf(port);
    const known = here.clients.get(mac);
    if (known !== undefined) {
      known.acceptedAs = userName;
      this.tell(known, { type: 'session-found', proof: proof ?? { since: authorizedAt, failures: 0 } });
    } else if (proof !== undefined) {
      // Without one the session has outlived its machine already.
      const unit = this.add(here, mac, proof);
      unit.acceptedAs = userName;
      this.core.schedule.touch(unit);
    }
  }

  /** The EAP-Failure that this client takes for its own; undefined for one that does not speak EAP. */
  failureFor(mac: Mac, port: PortName): Uint8Array | undefined {
    return this.ports.get(port)?.clients.get(mac)?.machine.buildFailure();
  }

  sessionEnded(mac: Mac, port: PortName): void {
    const unit = this.ports.get(port)?.clients.get(mac);
    if (unit === undefined) return;
    const replaced = unit.granting?.isRenewal === false;
    if (!replaced) unit.granting = undefined;
    this.tell(unit, { type: replaced ? 'session-replaced' : 'session-ended' });
  }

  /** The link went, or the port is not ours to authenticate on any more: nobody is there. */
  portClosed(port: PortName): void {
    const here = this.ports.get(port);
    if (here === undefined) return;
    for (const unit of here.clients.values()) this.drop(here, unit);
  }

  portGone(port: PortName): void {
    this.portClosed(port);
    const here = this.ports.get(port);
    if (here !== undefined) this.core.schedule.forget(here);
    this.ports.delete(port);
  }

  /** New timers of the authenticators of a port: what runs ends as it was begun. */
  configure(port: PortName, settings: PaeSettings): void {
    const here = this.ports.get(port);
    if (here === undefined) return;
    this.solicit(port, { type: 'settings', txPeriod: settings.txPeriod });
    for (const unit of [...here.clients.values()]) this.tell(unit, { type: 'settings', settings });
  }

  limit(port: PortName, limits: PortLimits): void {
    const here = this.ports.get(port);
    here?.admission.configure(limits);
    here?.answered.configure(limits);
    for (const { responses } of here?.clients.values() ?? []) responses.configure(responsePace(limits));
  }

  /** Who has an authenticator here. */
  under(port: PortName): Iterable<Mac> {
    return this.ports.get(port)?.clients.keys() ?? [];
  }

  /** A MAC that nobody knows was seen on a locked port: ask it who it is. */
  sighted(mac: Mac, port: PortName): void {
    if (this.core.sessions.ofMac(mac)?.session.grant.port === port) return;
    if (this.ports.get(port)?.clients.has(mac) ?? false) return;
    this.reauthenticate(mac, port, 'sighting');
  }

  solicit(port: PortName, event: Parameters<Solicitor['handle']>[0]): void {
    const here = this.portOf(port);
    for (const { version, packetType, body } of here.solicitor.handle(event, this.core.now.mono)) {
      this.send(PAE_GROUP_ADDRESS, port, { version, type: packetType, body });
    }
    this.core.schedule.touch(here);
  }

  sendEap(mac: Mac, port: PortName, packet: Uint8Array): void {
    this.send(mac, port, { version: PAE_EAPOL_VERSION, type: EAPOL_EAP, body: packet });
  }

  /** A server's word is about what an earlier run has let in, too, though the table could not be read yet. */
  answered(unit: ClientUnit, verdict: AaaVerdict): void {
    if (verdict.type === 'aaa-accept' || verdict.type === 'aaa-reject')
      this.core.parts.restoration.claim(unit.mac, unit.port);
    this.tell(unit, verdict);
  }

  tell(unit: ClientUnit, event: PaeEvent): void {
    for (const effect of unit.machine.handle(event, this.core.now.mono)) this.apply(unit, effect);
    const here = this.portOf(unit.port);
    if (here.clients.get(unit.mac) !== unit) return;
    if (unit.machine.authenticated) here.waiting.delete(unit);
    else here.waiting.add(unit);
    if (unit.machine.isForgettable() && unit.granting === undefined) this.drop(here, unit);
    else this.core.schedule.touch(unit);
  }

  private receiveEap(here: EapolPort, mac: Mac, packet: Uint8Array): void {
    const known = here.clients.get(mac);
    const solicited = here.solicitor.matches(packet);
    // Without a machine only the answer to the port's own question makes one: anything else was asked by nobody.
    const unit = known ?? (solicited ? this.clientFor(here, mac, here.answered) : undefined);
    if (unit === undefined) {
      this.core.drops.add('eap-unsolicited');
      return;
    }
    if (!unit.responses.take(this.core.now.mono)) {
      this.core.drops.add('eap-too-many-responses');
      return;
    }
    this.tell(unit, { type: solicited ? 'solicited-response' : 'eap-response', packet });
  }

  private apply(unit: ClientUnit, effect: PaeEffect): void {
    const { core, outcomes } = this;
    const { mac, port } = unit;
    switch (effect.type) {
      case 'send-eapol':
        this.send(mac, port, { version: effect.version, type: effect.packetType, body: effect.body });
        return;
      case 'ask-server':
        this.ask(unit, effect);
        return;
      case 'cancel-server':
        core.parts.aaa.cancel(unit, effect.reason);
        return;
      case 'accepted':
        outcomes.accepted(unit, effect);
        return;
      case 'reauthenticated':
        outcomes.reauthenticated(unit, effect);
        return;
      case 'reauthentication-due':
        outcomes.reauthenticationDue(unit);
        return;
      case 'rejected':
        outcomes.rejected(unit, effect);
        return;
      case 'unanswered':
        outcomes.unanswered(unit);
        return;
      case 'ended':
        outcomes.ended(unit, effect);
        return;
      case 'counted':
        this.portOf(port).counters.add(effect.counter);
        return;
      case 'decision':
        // `life` tells of the end, with all that goes with it.
        if (effect.what === 'ended') return;
        if (STEPS.has(effect.what)) core.step(mac, port, effect.what, effect.detail);
        else core.decide(mac, port, effect.what, effect.detail);
        return;
      default:
        assertNever(effect);
    }
  }

  private ask(unit: ClientUnit, { ref, first, identity, eap }: Question): void {
    this.core.parts.aaa.ask(unit, {
      ref,
      first,
      identity,
      attributes: (context) => accessRequestAttributes({ ...context, identity, eap }),
    });
  }

  /** The switch is being drained: nobody is asked who it is any more. */
  solicitNobody(): void {
    for (const { name } of [...this.ports.values()]) {
      this.solicit(name, { type: 'port-control', control: 'off' });
    }
  }

  /** The client's machine, made if the port's limits allow one more. */
  private clientFor(
    here: EapolPort,
    mac: Mac,
    admission: ClientAdmission = here.admission,
  ): ClientUnit | undefined {
    const known = here.clients.get(mac);
    if (known !== undefined) return known;
    const { core } = this;
    if (core.draining) return undefined;
    if (core.parts.ports.isFlapping(here.name)) {
      core.drops.add('eapol-flapping');
      return undefined;
    }
    const refusal = refusedBeforehand(core, here.name, mac);
    if (refusal !== undefined) {
      core.drops.add(`eapol-${core.settings.port(here.name).hostMode}-taken`);
      noteTaken(core, mac, here.name, refusal);
      return undefined;
    }
    if (!this.makeRoom(here, admission)) {
      if (admission === here.admission) this.askUnremembered(here, mac);
      return undefined;
    }
    const unit = this.add(here, mac);
    here.waiting.add(unit);
    return unit;
  }

  private add(here: EapolPort, mac: Mac, proof?: Proof): ClientUnit {
    const { pae, limits } = this.core.settings.port(here.name);
    const machine = new AuthenticatorClient({
      settings: pae,
      firstIdentifier: randomIdentifier(this.core),
      ...(proof === undefined ? {} : { proof }),
    });
    const unit = new ClientUnit(mac, here.name, machine, limits, this);
    here.clients.set(mac, unit);
    return unit;
  }

  private makeRoom(here: EapolPort, limits: ClientAdmission): boolean {
    const admission = limits.admit(here.load(), this.core.now.mono);
    switch (admission.verdict) {
      case 'admitted':
        return true;
      case 'in-place-of-silent': {
        const silent = here.firstSilent();
        if (silent !== undefined) this.drop(here, silent);
        return true;
      }
      case 'refused':
        here.counters.add('eapol-port-unavailable');
        this.core.drops.add(`eapol-${admission.reason}`);
        return false;
      default:
        return assertNever(admission);
    }
  }

  /** One frame for one frame, and nothing kept: only who answers costs a machine. */
  private askUnremembered(here: EapolPort, mac: Mac): void {
    const { version, packetType, body } = here.solicitor.repeat();
    this.send(mac, here.name, { version, type: packetType, body });
  }

  private drop(here: EapolPort, unit: ClientUnit): void {
    here.clients.delete(unit.mac);
    here.waiting.delete(unit);
    this.core.parts.aaa.cancel(unit, 'void');
    this.core.parts.aaa.forgetConversation(unit);
    this.core.schedule.forget(unit);
  }

  private send(destination: Mac, port: PortName, pdu: EapolPdu): void {
    const source = this.core.parts.bridge.addressOf(port);
    if (source === undefined) return;
    const frame = { destination, source, etherType: ETHERTYPE_PAE, payload: encodeEapol(pdu) };
    this.core.out.push({ type: 'inject', port, bytes: encodeEthernet(frame) });
  }

  private portOf(name: PortName): EapolPort {
    const known = this.ports.get(name);
    if (known !== undefined) return known;
    const { pae, limits } = this.core.settings.port(name);
    const solicitor = new Solicitor({ txPeriod: pae.txPeriod, firstIdentifier: randomIdentifier(this.core) });
    const here = new EapolPort(name, solicitor, limits, this);
    this.ports.set(name, here);
    return here;
  }
}

function randomIdentifier(core: Core): number {
  return core.entropy.bytes(1)[0] ?? 0;
}
