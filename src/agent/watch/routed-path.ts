// What the data plane of the routed path is asked for beside grants: of whom a packet has come in that waits for one, whether
// all that is granted still is, and, where the first hop answers ARP for its clients, whether those are there.
//
// The sets are read every half second while somebody's next packet is awaited, and every ten to see that nobody has changed
// them: firewalls flush all of nftables when they are reloaded.

import { type Ip, isIpv4 } from '../../base/ip.ts';
import { isStationAddress } from '../../base/mac.ts';
import { after, earliest, type Instant, millis, NEVER, seconds } from '../../base/time.ts';
import { addressIn, isAnswer } from '../../liveness/address-learning.ts';
import { type IngressInterface, interfaceOf, routedProbeFrame } from '../../liveness/routed-probe.ts';
import { l3SessionKey } from '../../report/topics.ts';
import { decodeEthernet } from '../../wire/ethernet.ts';
import type { Core } from '../core.ts';
import { readFrameSign } from '../frames.ts';
import type { Input } from '../ports.ts';
import type { Timed } from '../schedule.ts';
import { isL3, type L3Unit, type SessionUnit } from '../session/session-unit.ts';
import type { Asked } from './asker.ts';

const LISTEN_EVERY = millis(500);
const AUDIT_EVERY = seconds(10);

type OwnAddressesInput = Extract<Input, { readonly type: 'own-addresses' }>;

export class RoutedPath implements Timed {
  timer: Timed['timer'];
  private readonly awaited = new Set<Ip>();
  private auditAt: Instant = NEVER;
  private listenAt: Instant = NEVER;
  private interfaces: ReadonlyMap<string, IngressInterface> = new Map();
  private enslaved: ReadonlyMap<string, string> = new Map();
  /** Families that somebody could not be asked in. */
  private readonly unasked = new Set<string>();

  constructor(private readonly core: Core) {}

  boot(): void {
    if (this.core.config.l3 === undefined) return;
    this.auditAt = after(this.core.now.mono, AUDIT_EVERY);
    this.core.schedule.touch(this);
  }

  /** Addresses whose next packet is waited for. */
  get waiting(): number {
    return this.awaited.size;
  }

  /** Its next packet is to be told of, or not any more. */
  listenFor(ip: Ip, on: boolean): void {
    if (this.awaited.has(ip) === on) return;
    if (on) this.awaited.add(ip);
    else this.awaited.delete(ip);
    this.core.out.push({ type: 'await-address', ip, on });
    if (this.awaited.size === 0) this.listenAt = NEVER;
    else if (this.listenAt === NEVER) this.listenAt = after(this.core.now.mono, LISTEN_EVERY);
    this.core.schedule.touch(this);
  }

  pollAt(): Instant {
    return earliest(this.auditAt, this.listenAt);
  }

  onTime(now: Instant): void {
    const audit = this.auditAt <= now;
    if (audit) this.auditAt = after(now, AUDIT_EVERY);
    if (this.awaited.size > 0) this.listenAt = after(now, LISTEN_EVERY);
    this.core.out.push({ type: 'read-addresses', granted: audit });
  }

  /** The sets as they were read; `granted` where it was asked for. */
  read({ heard, granted }: { readonly heard: readonly Ip[]; readonly granted?: ReadonlySet<Ip> }): void {
    const { sso } = this.core.parts;
    if (granted !== undefined) this.core.parts.restoration.addresses(granted);
    for (const ip of heard) if (this.awaited.has(ip)) sso.heard(ip);
    if (granted !== undefined && this.core.parts.restoration.addressesSettled) this.audit(granted);
  }

  readFailed(error: string): void {
    this.core.parts.reporter.warning('routed-path', error, {});
  }

  /** Somebody has removed the table or changed its rules; it stands again, and lets nobody pass until all are let in anew. */
  lost(): void {
    const again = this.core.parts.life.addressesLost([...behind(this.core.sessions.all())]);
    const message = `somebody has removed or changed our table of nftables: the routed path was open; it is shut again, and ${again} users are let in anew`;
    this.core.parts.reporter.warning('routed-path', message, {});
    for (const ip of this.awaited) this.core.out.push({ type: 'await-address', ip, on: true });
  }

  /** Our own addresses on the ingress interfaces, and which of these the rules do not see any more. */
  ownAddresses({ ingress, enslaved }: Pick<OwnAddressesInput, 'ingress' | 'enslaved'>): void {
    const { reporter, watch } = this.core.parts;
    this.interfaces = ingress;
    this.unasked.clear();
    for (const unit of behind(this.core.sessions.all())) {
      if (watch.configure(unit)) reporter.sessionChanged(unit);
      this.entered(unit);
    }
    for (const [name, master] of enslaved) {
      if (this.enslaved.get(name) === master) continue;
      const message = `${name} has been put into ${master}: what it forwards comes in by ${master} and passes without a session`;
      reporter.warning('routed-path', message, {});
    }
    this.enslaved = enslaved;
  }

  /** The first hop can be asked for it; where it cannot, its silence says nothing. */
  asksFor(ip: Ip): boolean {
    return this.core.config.l3?.firstHop === true && interfaceOf(ip, this.interfaces) !== undefined;
  }

  /** Its session has begun: that nobody can ask for it is said once a family, until our addresses change. */
  entered({ session }: L3Unit): void {
    const { ip } = session.grant;
    const family = isIpv4(ip) ? 'IPv4' : 'IPv6';
    if (this.core.config.l3?.firstHop !== true || this.asksFor(ip) || this.unasked.has(family)) return;
    this.unasked.add(family);
    const message = `no ingress interface that is up has an ${family} address on the subnet of ${ip}: nobody can be asked there, and silence ends no session`;
    this.core.parts.reporter.warning('routed-path', message, { ip });
  }

  /** Asks for the address where its subnet is. */
  ask(unit: L3Unit, silentPeriods: number): Asked {
    const { core } = this;
    const { ip } = unit.session.grant;
    const at = interfaceOf(ip, this.interfaces);
    if (at === undefined) return 'withheld';
    const { kind } = at.target;
    core.out.push({ type: 'inject-routed', interface: at.name, bytes: routedProbeFrame(at.target) });
    unit.probed(kind, core.now.mono);
    core.parts.reporter.probed(unit, { probe: kind, target: ip }, silentPeriods);
    return 'sent';
  }

  /** A frame came in on an ingress interface: whoever is answered for there, where it belongs, is there. */
  frame({ interface: name, bytes }: { readonly interface: string; readonly bytes: Uint8Array }): void {
    const { core } = this;
    const frame = decodeEthernet(bytes);
    if (!frame.ok || !isStationAddress(frame.value.source)) {
      core.drops.add('routed-frame');
      return;
    }
    const sign = readFrameSign(frame.value);
    const learnt = sign === undefined ? undefined : addressIn(sign, frame.value.source);
    const unit = learnt === undefined ? undefined : core.sessions.get(l3SessionKey(learnt.ip));
    if (sign === undefined || learnt === undefined || unit === undefined) return;
    if (interfaceOf(learnt.ip, this.interfaces)?.name === name)
      unit.heard(core.now.mono, sign.kind, isAnswer(sign));
  }

  private audit(granted: ReadonlySet<Ip>): void {
    const { life, reporter } = this.core.parts;
    const missing = [...behind(this.core.sessions.all())].filter(
      ({ session }) => !granted.has(session.grant.ip),
    );
    const again = life.addressesLost(missing);
    const ip = missing[0]?.session.grant.ip;
    if (again > 0 && ip !== undefined) {
      const message = `${again} addresses were taken out of the routed path by somebody and are put into it again, ${ip} among them`;
      this.core.repairs.add('grants-written-again', again);
      reporter.warning('grant-lost', message, { ip });
    }
    this.removeForeign(granted);
  }

  private removeForeign(granted: ReadonlySet<Ip>): void {
    const { life, reporter } = this.core.parts;
    const foreign = [...granted].filter((ip) => !life.isGranted({ ip }));
    const [first] = foreign;
    if (first === undefined) return;
    const message = `${foreign.length} addresses that nobody was given are taken out of the routed path, ${first} first`;
    this.core.repairs.add('foreign-entries-removed', foreign.length);
    reporter.warning('foreign-entry', message, { ip: first });
    for (const ip of foreign) life.removeForeign({ ip });
  }
}

function* behind(units: Iterable<SessionUnit>): Generator<L3Unit> {
  for (const unit of units) if (isL3(unit)) yield unit;
}
