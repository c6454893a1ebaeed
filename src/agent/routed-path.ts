// What the data plane of the routed path is asked for beside grants: of whom a packet has come in that waits for one, whether
// all that is granted still is, and, where the first hop answers ARP for its clients, whether those are there.
//
// The sets are read every half second while somebody's next packet is awaited, and every ten to see that nobody has changed
// them: firewalls flush all of nftables when they are reloaded.

import { type Ip, type Ipv6, isIpv4 } from '../base/ip.ts';
import { isStationAddress } from '../base/mac.ts';
import { after, type Instant, millis, NEVER, seconds } from '../base/time.ts';
import { addressIn, isAnswer } from '../liveness/address-learning.ts';
import { type RoutedTarget, routedProbeFrame } from '../liveness/routed-probe.ts';
import type { ProbeSource } from '../liveness/settings.ts';
import { l3SessionKey } from '../report/topics.ts';
import { decodeEthernet } from '../wire/ethernet.ts';
import type { Asked } from './asker.ts';
import type { Core } from './core.ts';
import { readFrameSign } from './frames.ts';
import type { Timed } from './schedule.ts';
import { isL3, type L3Unit, type SessionUnit } from './session-unit.ts';

const LISTEN_EVERY = millis(500);
const AUDIT_EVERY = seconds(10);

export class RoutedPath implements Timed {
  timer: Timed['timer'];
  private readonly awaited = new Set<Ip>();
  private auditAt: Instant = NEVER;
  private listenAt: Instant = NEVER;
  /** Our own addresses on the ingress interfaces. */
  private sources: ReadonlyMap<string, ProbeSource> = new Map();

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
    return Math.min(this.auditAt, this.listenAt) as Instant;
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
    for (const ip of heard) if (this.awaited.has(ip)) sso.heard(ip);
    if (granted !== undefined) this.audit(granted);
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

  /** Our own addresses on the ingress interfaces: what probes may bear. */
  ownAddresses(sources: ReadonlyMap<string, ProbeSource>): void {
    this.sources = sources;
  }

  /** Asks for the address on every ingress interface that we have an address of its family on. */
  ask(unit: L3Unit, silentPeriods: number): Asked {
    const { core } = this;
    const { ip } = unit.session.grant;
    const kind = isIpv4(ip) ? 'arp' : 'nd';
    let asked: Asked = 'none';
    for (const [name, source] of this.sources) {
      const target = targetOf(ip, source);
      if (target === undefined) continue;
      core.out.push({ type: 'inject-routed', interface: name, bytes: routedProbeFrame(target) });
      asked = 'sent';
    }
    if (asked !== 'sent') return asked;
    unit.probed(kind, core.now.mono);
    core.parts.reporter.probed(unit, kind, silentPeriods);
    return asked;
  }

  /** A frame came in on an ingress interface: whoever is answered for there is there. */
  frame(bytes: Uint8Array): void {
    const { core } = this;
    const frame = decodeEthernet(bytes);
    if (!frame.ok || !isStationAddress(frame.value.source)) {
      core.drops.add('routed-frame');
      return;
    }
    const sign = readFrameSign(frame.value);
    const learnt = sign === undefined ? undefined : addressIn(sign, frame.value.source);
    const unit = learnt === undefined ? undefined : core.sessions.get(l3SessionKey(learnt.ip));
    if (sign !== undefined) unit?.heard(core.now.mono, sign.kind, isAnswer(sign));
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
    reporter.warning('foreign-entry', message, { ip: first });
    for (const ip of foreign) life.removeForeign({ ip });
  }
}

function targetOf(ip: Ip, { mac, ipv4, ipv6 }: ProbeSource): RoutedTarget | undefined {
  if (isIpv4(ip))
    return ipv4 === undefined ? undefined : { kind: 'arp', target: ip, sourceIp: ipv4, sourceMac: mac };
  return ipv6 === undefined ? undefined : { kind: 'nd', target: ip as Ipv6, sourceIp: ipv6, sourceMac: mac };
}

function* behind(units: Iterable<SessionUnit>): Generator<L3Unit> {
  for (const unit of units) if (isL3(unit)) yield unit;
}
