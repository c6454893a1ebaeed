// Where somebody goes without a server's word: nobody answered EAPOL (guest), the server said no (auth-fail), or no server
// says anything (critical). A port's settings name the VLAN of each; without one, nobody is let in. A port with a portal has
// it in place of the first two: the client reaches the login page, and nothing else (confinement.ts).
//
// Such a session is visible and watched like any other, and is not authenticated. RADIUS hears nothing of it: no server
// has authorized it, so there is nobody whose records could hold it (RFC 2866 §2: accounting is of a service delivered to
// a user; a Start for an Acct-Session-Id that no Access-Accept knows is an error to most servers).
// It ends as soon as its client authenticates (`authorization-changed`), or when an authenticated one needs its place.

import { vlanOfWord, vlansOf } from '../../authz/vlan-plan.ts';
import type { Mac } from '../../base/mac.ts';
import type { PortFallbacks } from '../../config/config.ts';
import { roleSettings } from '../../config/ports.ts';
import { type FallbackMethod, isFallback } from '../../model/authorization.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { SessionAddresses } from '../../model/session.ts';
import type { RejectReason } from '../../pae/events.ts';
import type { Core } from '../core.ts';
import type { L2Unit } from '../session/session-unit.ts';
import type { Method } from './method.ts';

/** On one port: a flood of addresses, each of which was heard out, is not to fill the table. */
const MOST_STRANGERS = 64;

/** What a way of authenticating came to. */
export interface Failed {
  readonly by: 'dot1x' | 'mab';
  readonly failure: RejectReason;
}

export class Fallback implements Method {
  constructor(private readonly core: Core) {}

  /** A way of authenticating came to nothing. Where the port has another one, that is waited for. */
  failed(mac: Mac, port: PortName, failed: Failed): void {
    const { core } = this;
    const running = core.sessions.ofMac(mac);
    if (running !== undefined && !this.leavesCritical(running, port, failed)) return;
    const method = this.methodFor(mac, port, failed);
    if (method === undefined) return;
    if (method !== 'critical' && this.hasPortal(port)) this.toPortal(mac, port);
    else this.admit(mac, port, method);
  }

  /** As far as the login page, where the port lets strangers see it; with addresses that it is known to have. */
  toPortal(mac: Mac, port: PortName, addresses: SessionAddresses = {}): void {
    const { core } = this;
    if (!this.hasPortal(port) || core.sessions.ofMac(mac) !== undefined) return;
    const strangers = core.sessions.onPort(port).filter(({ session }) => session.method === 'portal').length;
    if (strangers < MOST_STRANGERS) this.admit(mac, port, 'portal', addresses);
    else core.drops.add('portal-full');
  }

  private hasPortal(port: PortName): boolean {
    const { portal, hostMode } = this.core.settings.port(port);
    return portal && hostMode !== 'multi-host' && this.core.parts.ports.isAuto(port);
  }

  /**
   * A question about a newcomer is on its way. Where it is known that no server answers, who asks does not wait for that;
   * the question goes out all the same, and its answer, if there is one, is the end of the critical session.
   */
  asked(mac: Mac, port: PortName): void {
    const { sessions, parts, draining } = this.core;
    if (parts.aaa.reachable || draining || sessions.ofMac(mac) !== undefined) return;
    this.admit(mac, port, 'critical');
  }

  private admit(mac: Mac, port: PortName, method: FallbackMethod, addresses: SessionAddresses = {}): void {
    const { core } = this;
    // A session of an earlier run that goes on as soon as the table is read needs none of this.
    if (core.parts.restoration.awaits(mac)) return;
    const vlan = this.vlanOf(port, method);
    if (vlan === undefined && method !== 'portal') return;
    const sessionId = core.parts.accountant.newSessionId();
    core.parts.life.admit({
      mac,
      port,
      method,
      authorization: {
        userName: mac,
        classes: [],
        reauthenticateAtTimeout: false,
        ...(vlan === undefined ? {} : { vlan }),
        server: '',
      },
      sessionId,
      multiId: sessionId,
      addresses,
    });
  }

  /**
   * A critical session waits for a server's word, no longer: it ends when there is one, whether that can be carried out or
   * not, or when its client has none to ask for.
   */
  private leavesCritical(running: L2Unit, port: PortName, { failure }: Failed): boolean {
    const { method, grant } = running.session;
    if (method !== 'critical' || grant.port !== port) return false;
    const { aaa, life } = this.core.parts;
    const wordless = failure === 'no-server' || failure === 'client-silent';
    if (wordless && !aaa.reachable) {
      this.awaitServer(running);
      return false;
    }
    life.end(running, { cause: 'authorization-changed', detail: failure });
    return true;
  }

  private methodFor(mac: Mac, port: PortName, { by, failure }: Failed): FallbackMethod | undefined {
    // A server that answers others is silent about this client only, as it may be about whoever chooses so: an identity of a
    // realm whose home server is dark, an EAP packet that is discarded. Which is no word of anybody, and lets nobody in.
    if (failure === 'no-server') return this.core.parts.aaa.reachable ? undefined : 'critical';
    if (failure !== 'client-silent' && failure !== 'access-reject') return undefined;
    const { mab, fallbacks } = this.core.settings.port(port);
    // Whom 802.1X has refused is asked about by MAC only where that is wanted.
    const macFollows = failure === 'client-silent' || by === 'mab' || mab.afterDot1xFailure;
    const last = mab.enabled && mab.order[0] === 'dot1x' && macFollows ? 'mab' : 'dot1x';
    if (by !== last) return undefined;
    if (failure === 'client-silent') return 'guest';
    if (by === 'dot1x') return 'auth-fail';
    // A MAC that the server does not know: of a client that speaks 802.1X and was refused there, or of one that does not.
    const standing = this.core.parts.supplicants.standing(mac, port);
    const refused = standing === 'held' || standing === 'talking';
    return refused || fallbacks.guestVlan === undefined ? 'auth-fail' : 'guest';
  }

  /** While no server answers this session cannot be reauthenticated, and is not to go on without. */
  denies({ session }: L2Unit): boolean {
    const { role, grant } = session;
    const { critical = this.core.settings.port(grant.port).critical } = roleSettings(this.core.config, role);
    return critical === 'deny';
  }

  /** No server answered the reauthentication of a running session. */
  unanswered(unit: L2Unit): void {
    if (!this.denies(unit)) return;
    this.core.parts.life.end(unit, { cause: 'reauth-failed', detail: 'no authentication server answers' });
  }

  /** A fallback session has begun. */
  begin(unit: L2Unit): void {
    if (unit.session.method === 'critical') this.awaitServer(unit);
  }

  /** Another configuration is in force: whoever is where nobody would be put any more is out. */
  reconfigure(): void {
    for (const unit of [...this.core.sessions.onPorts()]) {
      if (!this.isOut(unit)) continue;
      this.core.parts.life.end(unit, { cause: 'authorization-changed', detail: 'the configuration' });
    }
  }

  /** In by a fallback, and where nobody would be put by it. */
  isOut(unit: L2Unit): boolean {
    return isFallback(unit.session.method) && !this.isWhereItWouldBe(unit);
  }

  // As the way by which its sessions got in.

  grantDone(mac: Mac, port: PortName, error?: string): void {
    if (error !== undefined) this.core.decide(mac, port, 'no fallback', error);
  }

  proofOf(): undefined {
    return undefined;
  }

  resume(): void {
    // `begin` is told of it.
  }

  sessionEnded(): void {
    // Nobody else knows of it.
  }

  /** The client was told of its failure already. */
  failureFor(): undefined {
    return undefined;
  }

  obstacle(): undefined {
    return undefined;
  }

  /** It is asked who it is, as a stranger; false where nobody can be asked. */
  reauthenticate(mac: Mac, port: PortName): boolean {
    const { mab, supplicants } = this.core.parts;
    const asked = supplicants.reauthenticate(mac, port, 'sighting');
    const byMab = this.core.settings.port(port).mab.enabled && mab.askNow({ mac }) > 0;
    return asked || byMab;
  }

  /** As soon as a server answers, in its turn (agent/methods/reauthentication.ts). */
  private awaitServer(unit: L2Unit): void {
    this.core.parts.reauthentication.due(unit);
  }

  /** A name may mean another VLAN than it did. */
  private isWhereItWouldBe({ session }: L2Unit): boolean {
    const { method, grant, vlans, authorization } = session;
    const word = isFallback(method) ? this.vlanOf(grant.port, method) : undefined;
    if (method === 'portal' && !this.hasPortal(grant.port)) return false;
    if (method === 'portal' && word === undefined) return authorization.vlan === undefined;
    if (method !== 'portal' && this.hasPortal(grant.port) && method !== 'critical') return false;
    const vlan = word === undefined ? undefined : vlanOfWord(word, this.core.config.vlans);
    return vlan !== undefined && vlansOf(vlans).includes(vlan);
  }

  private vlanOf(port: PortName, method: FallbackMethod): string | undefined {
    const { critical, fallbacks } = this.core.settings.port(port);
    if (method === 'critical' && critical !== 'vlan') return undefined;
    return fallbacks[KEYS[method]];
  }
}

const KEYS = {
  guest: 'guestVlan',
  'auth-fail': 'authFailVlan',
  critical: 'criticalVlan',
  portal: 'guestVlan',
} as const satisfies Record<FallbackMethod, keyof PortFallbacks>;
