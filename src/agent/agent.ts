// The agent: one input in, effects out. Read this file first; each part that it names is one chapter, and each folder a book.
//
//   a frame comes in ─▶ port/floods.ts: has the port had its share? ─▶ frames.ts says what it is
//       ─▶ methods/supplicants.ts (EAPOL) or watch/watch.ts (a sign of life)
//   a MAC is seen that nobody knows ─▶ methods/mab.ts, which waits for 802.1X before it asks
//   supplicants and mab ask ─▶ methods/aaa.ts ─▶ a server answers ─▶ the verdict goes back to the client's machine
//   accepted ─▶ session/life.ts writes the grant ─▶ the session begins: told/accountant.ts, told/reporter.ts and watch hear of it
//   an earlier run has left sessions ─▶ kept/restoration.ts: they go on, or end
//   silence ─▶ watch/watch.ts gives the verdict ─▶ session/life.ts ends the session, as for every other cause
//   a form of the login page comes in ─▶ methods/web.ts asks aaa, and shows what came of it
//   a command comes in ─▶ orders/commands.ts does it ─▶ orders/reconfigure.ts, if it brings another configuration
//
// A turn handles one input, then whatever timers are due, and ends by handing out what is to be done. Nothing here
// waits, reads a clock, or calls back.

import { assertNever } from '../base/result.ts';
import { elapsed, type Instant, millis, type Now } from '../base/time.ts';
import type { Standing, Visitor } from '../web/visit.ts';
import { Core, type CoreOptions } from './core.ts';
import { Frames } from './frames.ts';
import { KeptSessions } from './kept/kept-sessions.ts';
import { Restoration } from './kept/restoration.ts';
import { Aaa } from './methods/aaa.ts';
import { Confinement } from './methods/confinement.ts';
import { Fallback } from './methods/fallback.ts';
import { Mab } from './methods/mab.ts';
import { Reauthentication } from './methods/reauthentication.ts';
import { Sso } from './methods/sso.ts';
import { Supplicants } from './methods/supplicants.ts';
import { Web } from './methods/web.ts';
import { Commands } from './orders/commands.ts';
import { Cuts } from './orders/cuts.ts';
import { DynamicAuthorization } from './orders/dynamic-authorization.ts';
import { type ConfigSource, Reconfigure } from './orders/reconfigure.ts';
import { Bridge } from './port/bridge.ts';
import { Floods } from './port/floods.ts';
import { Links } from './port/links.ts';
import { PortDesk } from './port/port-desk.ts';
import { Reconciliation } from './port/reconciliation.ts';
import { VlanDesk } from './port/vlan-desk.ts';
import type { Effect, Input, Pending } from './ports.ts';
import { Life } from './session/life.ts';
import { Accountant } from './told/accountant.ts';
import { Meter } from './told/meter.ts';
import { Reporter } from './told/reporter.ts';
import { standing } from './told/standing.ts';
import { Certified } from './watch/certified.ts';
import { Fleet } from './watch/fleet.ts';
import { Leases } from './watch/leases.ts';
import { RoutedPath } from './watch/routed-path.ts';
import { Watch } from './watch/watch.ts';

/** A turn that comes so much later than it was wanted: the agent did not run. */
const STALL = millis(1000);

export interface AgentOptions extends CoreOptions {
  readonly source: ConfigSource;
}

export class Agent {
  private readonly core: Core;
  private readonly frames: Frames;
  private readonly reconfigure: Reconfigure;
  private readonly commands: Commands;

  constructor(options: AgentOptions) {
    const core = new Core(options);
    core.join({
      bridge: new Bridge(core),
      ports: new PortDesk(core),
      supplicants: new Supplicants(core),
      mab: new Mab(core),
      aaa: new Aaa(core),
      accountant: new Accountant(core),
      reauthentication: new Reauthentication(core),
      life: new Life(core),
      meter: new Meter(core),
      watch: new Watch(core),
      reporter: new Reporter(core),
      fleet: new Fleet(core),
      floods: new Floods(core),
      dynauth: new DynamicAuthorization(core),
      vlans: new VlanDesk(core),
      fallback: new Fallback(core),
      links: new Links(core),
      web: new Web(core),
      confinement: new Confinement(core),
      certified: new Certified(core),
      leases: new Leases(core),
      sso: new Sso(core),
      routed: new RoutedPath(core),
      cuts: new Cuts(core),
      keptSessions: new KeptSessions(core),
      restoration: new Restoration(core),
      reconciliation: new Reconciliation(core),
    });
    this.core = core;
    this.frames = new Frames(core);
    this.reconfigure = new Reconfigure(core, options.source);
    this.commands = new Commands(core, this.reconfigure);
  }

  /** When a `tick` is due at the latest. */
  pollAt(): Instant {
    return this.core.schedule.pollAt();
  }

  /** A retained topic that the broker kept from an earlier life of ours, and that has no state behind it now. */
  isStaleTopic(topic: string, payloadOctets: number): boolean {
    return this.core.parts.reporter.isStale(topic, payloadOctets);
  }

  /** How things stand, in one sentence. */
  standing(): string {
    return standing(this.core);
  }

  /** Whom a visitor of the login page is counted with. */
  standingOf(visitor: Visitor): Standing {
    return this.core.parts.web.standingOf(visitor);
  }

  handle(input: Input, now: Now): readonly Effect[] {
    const { core } = this;
    const due = this.pollAt();
    core.now = now;
    if (elapsed(due, now.mono) > STALL) core.parts.watch.stalled(elapsed(due, now.mono));
    this.dispatch(input);
    core.schedule.advance(now.mono);
    core.parts.watch.endTurn();
    core.parts.sso.endTurn();
    this.commands.endTurn();
    core.parts.reporter.endTurn();
    core.parts.keptSessions.endTurn();
    return core.out.take();
  }

  private dispatch(input: Input): void {
    const { core } = this;
    const { ports, aaa, watch, reporter } = core.parts;
    switch (input.type) {
      case 'boot':
        core.parts.floods.boot(input.optmemMax);
        core.parts.bridge.boot(input.ports, input.absence);
        ports.boot(input.ports, input.capabilities);
        this.reconfigure.keepLockFile();
        if (input.formerBridge !== undefined) reporter.warning('former-bridge', input.formerBridge, {});
        core.parts.vlans.boot(input.vlans, input.foundVlans, input.capabilities.macVlan);
        core.parts.links.boot(input.heldDown);
        reporter.boot(input);
        watch.can(input.capabilities);
        core.parts.reconciliation.boot();
        core.parts.leases.portsChanged();
        core.parts.routed.boot();
        core.parts.sso.boot(input.ssoBars);
        return;
      case 'capabilities':
        ports.can(input.capabilities);
        core.parts.vlans.bridgeBack(input.capabilities.macVlan);
        watch.can(input.capabilities);
        reporter.can(input.capabilities);
        return;
      case 'dataplane':
        core.parts.bridge.news(input.event);
        return;
      case 'frame':
        this.frames.receive(input.port, input.bytes);
        return;
      case 'frames-lost':
        core.parts.floods.lost(input.port, input.count);
        return;
      case 'capture-ended':
        ports.capture(input.port, { type: 'capture-ended' });
        return;
      case 'lease-frame':
        core.parts.leases.receive(input.bytes);
        return;
      case 'table':
        watch.table(input.dump);
        return;
      case 'ports':
        core.parts.reconciliation.ports(input.ports);
        return;
      case 'table-failed':
        watch.tableFailed(input.error);
        return;
      case 'vlans':
        core.parts.vlans.readDone(input.map, undefined);
        return;
      case 'vlans-failed':
        core.parts.vlans.readDone(undefined, input.error);
        return;
      case 'counters':
        core.parts.meter.read(input.counters);
        return;
      case 'datagram':
        aaa.datagram({
          socket: input.socket,
          from: { address: input.address, port: input.port },
          bytes: input.bytes,
        });
        return;
      case 'connection':
        aaa.connection(input.event);
        return;
      case 'dynamic-requests':
        core.parts.dynauth.receive(input.datagrams);
        return;
      case 'sso-requests':
        core.parts.sso.receive(input.datagrams);
        return;
      case 'routed-frame':
        core.parts.routed.frame(input);
        return;
      case 'addresses':
        core.parts.routed.read(input);
        return;
      case 'addresses-failed':
        core.parts.routed.readFailed(input.error);
        return;
      case 'routed-path-lost':
        core.parts.routed.lost();
        return;
      case 'own-addresses':
        watch.ownAddresses(input.sources);
        core.parts.routed.ownAddresses(input);
        core.parts.dynauth.ownAddresses(input.addresses);
        return;
      case 'uplink-guard':
        reporter.uplinkGuard(input.error);
        return;
      case 'descriptors':
        reporter.descriptors(input.shortage);
        return;
      case 'confinement':
        core.parts.confinement.news(input.left, input.error);
        return;
      case 'confinement-restored':
        core.parts.confinement.restored();
        return;
      case 'web':
        core.parts.web.visit(input.ref, input.visit);
        return;
      case 'login-page':
        core.parts.web.served(input.isServing, input.error);
        return;
      case 'web-refused':
        core.drops.add(`web-${input.reason}`);
        return;
      case 'broker':
        reporter.broker(input.connected);
        if (input.connected) core.parts.fleet.renew();
        return;
      case 'published':
        reporter.published(input.refs);
        return;
      case 'followed':
        core.parts.fleet.followed(input.topic, input.payload);
        return;
      case 'command':
        this.commands.execute(input);
        return;
      case 'spool':
        reporter.opened(input.events);
        core.parts.restoration.opened(input);
        return;
      case 'spool-status':
        core.parts.accountant.spoolStatus(input.status);
        return;
      case 'certified':
        core.parts.certified.opened(input.content);
        return;
      case 'stopping':
        core.parts.accountant.stopping();
        reporter.stopping();
        return;
      case 'reload':
        this.reconfigure.reload(input.text);
        return;
      case 'done': {
        const pending = core.out.settle(input.ref);
        if (pending !== undefined) this.settle(pending, input.error);
        return;
      }
      case 'tick':
        return;
      default:
        assertNever(input);
    }
  }

  /** The world's answer to an effect. */
  private settle(pending: Pending, error: string | undefined): void {
    const { ports, life, accountant } = this.core.parts;
    switch (pending.about) {
      case 'port':
        ports.portDone(pending.port, pending.setting, error);
        return;
      case 'capture':
        ports.capture(pending.port, { type: 'capture', ...(error === undefined ? {} : { error }) });
        return;
      case 'vlans':
        this.core.parts.vlans.done(pending.port, error);
        return;
      case 'link':
        this.core.parts.links.linkSet(pending.port, error);
        return;
      case 'grant':
        life.tableDone(error === undefined ? { key: pending.key } : { key: pending.key, error });
        return;
      case 'confinement':
        this.core.parts.confinement.done(pending.mac, error);
        return;
      case 'record':
        accountant.stored(pending.record, error);
        return;
      default:
        assertNever(pending);
    }
  }
}
