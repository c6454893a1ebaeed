// Ended sessions whose end is not complete: entries that are being removed, a port that is being shut, a Stop that is being
// stored. One machine each (session/logout.ts), which keeps the order; this file carries its effects.

import { keyText } from '../../authz/authorizer.ts';
import { assertNever } from '../../base/result.ts';
import { isFallback } from '../../model/authorization.ts';
import type { EndCause } from '../../model/cause.ts';
import {
  type AddressKey,
  type Grant,
  type GrantKey,
  isAddress,
  type PortName,
} from '../../model/dataplane.ts';
import { type EndDecision, Logout, type LogoutEffect, type LogoutEvent } from '../../session/logout.ts';
import type { Core } from '../core.ts';
import { isL2, type L2Unit, type SessionUnit } from './session-unit.ts';

/** A session that has just ended. */
export interface Ended {
  readonly unit: SessionUnit;
  readonly decision: EndDecision;
  readonly eapFailure?: Uint8Array;
  /** Entries to be revoked. */
  readonly keys: readonly Grant[];
  /** The client goes on under the same grant. */
  readonly handedOver: boolean;
}

interface Closing extends Ended {
  readonly logout: Logout;
  /** Which of its entries still are to be, and PORT_SHUT. */
  readonly waiting: Set<string>;
  /** The most that one of them took. */
  tries: number;
  /** One of them was not cleared: another session has it now. */
  isTakenOver: boolean;
}

const PORT_SHUT = 'shut';

/**
 * Who goes on elsewhere, or as another user, is in the middle of a success: a failure now would undo it. Who logged off
 * knows that it is out; wpa_supplicant, if it hears a failure after its next logon, sends no EAPOL-Start and waits for 30 s.
 */
const WITHOUT_FAILURE: ReadonlySet<EndCause> = new Set(['moved', 'supplicant-restart', 'supplicant-logoff']);

export class Closings {
  /** Those of whom something could not be removed yet: an entry, or the openness of the port. */
  private readonly stuck = new Set<SessionUnit>();
  /** Entries of nobody's session that could not be removed yet: one alarm for all of them. */
  private readonly stubborn = new Set<string>();
  /** By client and port, or by address: one at a time as a rule, two where a client came back before its last Stop was stored. */
  private readonly open = new Map<string, Closing[]>();

  constructor(
    private readonly core: Core,
    private readonly revoke: (key: Grant) => void,
  ) {}

  /** Clients with sessions whose end is not complete. */
  get size(): number {
    return this.open.size;
  }

  /** Its end cannot be completed: an entry of it will not go. */
  isStuck(unit: SessionUnit): boolean {
    return this.stuck.has(unit);
  }

  /** Those whose end cannot be completed. */
  get allStuck(): readonly SessionUnit[] {
    return [...this.stuck];
  }

  begin(ended: Ended): void {
    const { unit, decision, eapFailure, keys, handedOver } = ended;
    const logout = new Logout(decision, eapFailure !== undefined && !WITHOUT_FAILURE.has(decision.cause));
    const closing: Closing = {
      ...ended,
      logout,
      waiting: new Set(keys.map(keyText)),
      tries: 0,
      isTakenOver: false,
    };
    const text = placeOf(unit.session.grant);
    this.open.set(text, [...(this.open.get(text) ?? []), closing]);
    if (!handedOver && isL2(unit)) this.closePort(closing, unit);
    this.applyLogout(closing, logout.start(handedOver));
  }

  /** For another client; who has left it open before need not see it shut. */
  portOpened(port: PortName): void {
    for (const closing of this.closingsOn(port))
      if (closing.waiting.has(PORT_SHUT)) this.takenOver(closing, PORT_SHUT);
  }

  portShut(port: PortName, error?: string): void {
    for (const closing of this.closingsOn(port)) {
      if (!closing.waiting.has(PORT_SHUT)) continue;
      if (error === undefined) this.cleared(closing, PORT_SHUT, 1);
      else this.failed(closing, 1, error);
    }
  }

  revoked(key: Grant, tries: number): void {
    this.noMoreStubborn(key);
    for (const closing of this.closingsOf(key)) this.cleared(closing, keyText(key), tries);
  }

  superseded(key: Grant): void {
    this.noMoreStubborn(key);
    for (const closing of this.closingsOf(key)) this.takenOver(closing, keyText(key));
  }

  stopStored(key: Grant, sessionId: string): void {
    for (const closing of this.open.get(placeOf(key)) ?? [])
      if (closing.unit.session.id === sessionId) this.tellLogout(closing, { type: 'stop-stored' });
  }

  /** A port that stood open for all is shut with the last session on it: first of all, since it is the widest door. */
  private closePort(closing: Closing, { session }: L2Unit): void {
    const { ports } = this.core.parts;
    const { port } = session.grant;
    if (!ports.isOpened(port) || this.core.sessions.countOnPort(port) > 0) return;
    closing.waiting.add(PORT_SHUT);
    ports.close(port);
  }

  private closingsOf(key: Grant): readonly Closing[] {
    return (this.open.get(placeOf(key)) ?? []).filter(({ waiting }) => waiting.has(keyText(key)));
  }

  private closingsOn(port: PortName): readonly Closing[] {
    return [...this.open.values()]
      .flat()
      .filter(({ unit }) => isL2(unit) && unit.session.grant.port === port);
  }

  /** One of the things that a session's end has to clear is cleared. */
  private cleared(closing: Closing, what: string, tries: number): void {
    closing.tries = Math.max(closing.tries, tries);
    this.waitsNoMore(closing, what);
  }

  /** One of them is another session's now, which holds its VLANs itself. */
  private takenOver(closing: Closing, what: string): void {
    closing.isTakenOver = true;
    this.core.parts.cuts.takenOver(closing.unit);
    this.waitsNoMore(closing, what);
  }

  /** After the last of them its VLANs are free, and then it is told. */
  private waitsNoMore(closing: Closing, what: string): void {
    const { unit, waiting, tries, isTakenOver } = closing;
    waiting.delete(what);
    if (waiting.size > 0) return;
    this.stuck.delete(unit);
    if (isL2(unit)) this.core.parts.vlans.free(unit);
    this.core.parts.dynauth.lockedOut(unit);
    this.core.parts.sso.lockedOut(unit);
    this.core.parts.cuts.lockedOut(unit);
    this.tellLogout(closing, isTakenOver ? { type: 'superseded' } : { type: 'relocked', tries });
  }

  revokeFailed(key: Grant, { tries, error }: { readonly tries: number; readonly error: string }): void {
    const closings = this.closingsOf(key);
    for (const closing of closings) this.failed(closing, tries, error);
    if (closings.length === 0) this.noteStubborn(key, error);
    // Whoever waits for its VLANs is not to wait for ever.
    if (closings.length > 0 && !isAddress(key)) this.core.parts.vlans.freed(key.port);
  }

  private noteStubborn(key: Grant, error: string): void {
    if (this.stubborn.size === 0)
      this.core.parts.reporter.warning(
        'relock-failed',
        `it is nobody's, and stays for now: ${error}`,
        whoOf(key),
      );
    this.stubborn.add(keyText(key));
  }

  private noMoreStubborn(key: Grant): void {
    if (!this.stubborn.delete(keyText(key)) || this.stubborn.size > 0) return;
    const message = 'entries of nobody that could not be removed are gone';
    this.core.parts.reporter.warning('relock-recovered', message, {});
  }

  private failed(closing: Closing, tries: number, error: string): void {
    this.stuck.add(closing.unit);
    this.tellLogout(closing, { type: 'relock-failed', tries, error });
  }

  private tellLogout(closing: Closing, event: LogoutEvent): void {
    this.applyLogout(closing, closing.logout.handle(event, this.core.now.mono));
    const text = placeOf(closing.unit.session.grant);
    const open = this.open.get(text)?.filter(({ logout }) => !logout.finished) ?? [];
    if (open.length > 0) this.open.set(text, open);
    else this.open.delete(text);
  }

  private applyLogout(closing: Closing, effects: readonly LogoutEffect[]): void {
    for (const effect of effects) this.applyLogoutEffect(closing, effect);
  }

  private applyLogoutEffect({ unit, eapFailure, keys }: Closing, effect: LogoutEffect): void {
    const { accountant, dynauth, meter, reporter, sso, supplicants } = this.core.parts;
    const { session } = unit;
    switch (effect.type) {
      case 'clear-grant':
        for (const key of keys) this.revoke(key);
        return;
      case 'eap-failure':
        if (eapFailure !== undefined && session.layer === 2)
          supplicants.sendEap(session.mac, session.grant.port, eapFailure);
        return;
      case 'stop':
        if (isFallback(session.method)) {
          meter.forget(unit);
          this.core.parts.keptSessions.forget(session.id);
          this.stopStored(session.grant, session.id);
        } else accountant.stop(unit, effect.decision);
        return;
      case 'report-end':
        reporter.sessionEnded(unit, effect.decision, effect.proof);
        return;
      case 'relock-alarm':
        dynauth.notLockedOut(unit, effect.error);
        sso.lockedOut(unit);
        reporter.warning('relock-failed', effect.error, whoOf(session.grant));
        return;
      case 'relock-alarm-over': {
        const { tries } = effect;
        const how = tries === undefined ? 'a newer session has what would not go' : `locked at try ${tries}`;
        reporter.warning('relock-recovered', how, whoOf(session.grant));
        return;
      }
      default:
        assertNever(effect);
    }
  }
}

function placeOf(key: Grant): string {
  return isAddress(key) ? key.ip : `${key.port} ${key.mac}`;
}

/** For a warning. */
function whoOf(key: Grant): Pick<GrantKey, 'mac' | 'port'> | Pick<AddressKey, 'ip'> {
  return isAddress(key) ? { ip: key.ip } : { mac: key.mac, port: key.port };
}
