// The DHCP watch (policy/dhcp-watch.ts), carried: leases as the servers give them, against the timers of running sessions.
//
// Only servers that can be believed are listened to: those behind an uplink, whose answers come in there, and those on this
// switch itself, whose answers leave by the bridge. Nothing is captured while no session has a timer that ends it, unless there is
// a login page: its users have their lease before they have a session.

import { type Ipv4, ipv4ToBytes, ipv6FromBytes, ipv6ToBytes } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import type { Malformed } from '../../base/result.ts';
import { isUplink } from '../../config/ports.ts';
import { DhcpWatch, type GivenLease } from '../../policy/dhcp-watch.ts';
import { assignedIp, type DhcpMessage, decodeDhcp, INFINITE_LEASE_S } from '../../wire/dhcp.ts';
import {
  DHCP6_REPLY,
  type Dhcp6Lease,
  type Dhcp6Message,
  decodeDhcp6,
  INFINITE_LIFETIME_S,
} from '../../wire/dhcp6.ts';
import { decodeEthernet, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../../wire/ethernet.ts';
import type { Core } from '../core.ts';
import type { LeaseCapture } from '../ports.ts';
import { isL2, type L2Unit, type SessionUnit } from '../session/session-unit.ts';

/** Octets of a prefix of 64 bits: what hosts of one link share (RFC 4291 §2.5.1). */
const LINK_PREFIX_OCTETS = 8;

export class Leases {
  private readonly watch: DhcpWatch;
  /** A session had a timer that ends it, since the configuration in force came. */
  private isNeeded = false;
  /** As it was wanted last, in one text. */
  private wanted = '';

  constructor(private readonly core: Core) {
    this.watch = new DhcpWatch(core.config.dhcpWatch);
  }

  /** The ports are known, or others than before. */
  portsChanged(): void {
    this.listen();
  }

  /** Its session has begun, or has other timers. */
  consider(unit: SessionUnit): void {
    if (unit.endsAfter === undefined) return;
    this.judgeAll(unit);
    if (this.isNeeded) return;
    this.isNeeded = true;
    this.listen();
  }

  /** Another configuration is in force, or other timers. */
  configure(): void {
    const { config, sessions } = this.core;
    this.watch.configure(config.dhcpWatch);
    this.isNeeded = [...sessions.all()].some(({ endsAfter }) => endsAfter !== undefined);
    for (const unit of sessions.onPorts()) this.judgeAll(unit);
    this.listen();
  }

  /** A frame from a DHCP server that can be believed. */
  receive(bytes: Uint8Array): void {
    const frame = decodeEthernet(bytes);
    if (!frame.ok) {
      this.drop('ethernet', frame.error);
      return;
    }
    const { etherType, payload, destination } = frame.value;
    if (etherType === ETHERTYPE_IPV4) {
      const message = decodeDhcp(payload);
      if (message.ok) this.acknowledged(message.value);
      else this.drop('dhcp', message.error);
    } else if (etherType === ETHERTYPE_IPV6) {
      const message = decodeDhcp6(payload);
      if (message.ok) this.replied(message.value, destination);
      else this.drop('dhcp6', message.error);
    }
  }

  private acknowledged(message: DhcpMessage): void {
    const ip = assignedIp(message);
    const { leaseTimeS, chaddr, serverId = message.source } = message;
    if (ip === undefined || leaseTimeS === undefined) return;
    const scope = `${serverId} in ${subnetOf(ip, message.subnetMask)}`;
    this.given(chaddr, scope, leaseTimeS === INFINITE_LEASE_S ? Number.POSITIVE_INFINITY : leaseTimeS);
  }

  private replied({ messageType, serverId, source, leases }: Dhcp6Message, client: Mac): void {
    if (messageType !== DHCP6_REPLY) return;
    const server = serverId === undefined ? source : `DUID ${serverId}`;
    for (const lease of leases) {
      const { validLifetimeS } = lease;
      const leaseS = validLifetimeS === INFINITE_LIFETIME_S ? Number.POSITIVE_INFINITY : validLifetimeS;
      this.given(client, `${server} in ${prefixOf(lease)}`, leaseS);
    }
  }

  private given(client: Mac, scope: string, leaseS: number): void {
    const { sessions, now } = this.core;
    this.watch.given(client, { scope, leaseS }, now.mono);
    const unit = sessions.ofMac(client);
    if (unit !== undefined) this.judge(unit, { scope, leaseS });
  }

  /** What the client has been given so far. */
  private judgeAll(unit: SessionUnit): void {
    if (!isL2(unit)) return;
    for (const lease of this.watch.leasesOf(unit.session.mac, this.core.now.mono)) this.judge(unit, lease);
  }

  private judge(unit: L2Unit, { scope, leaseS }: GivenLease): void {
    const session = unit.endsAfter;
    if (!this.core.config.dhcpWatch.enabled || session === undefined) return;
    if (!this.watch.isNews({ scope, leaseS, session })) return;
    const { role, grant, mac } = unit.session;
    const lasts = leaseS === Number.POSITIVE_INFINITY ? 'for ever' : `for ${leaseS} s`;
    const message = `leases of DHCP server ${scope} last ${lasts}, sessions of role ${role} for ${session / 1000} s: addresses stay taken when their users are gone`;
    this.core.parts.reporter.warning('dhcp-lease', message, { mac, port: grant.port });
  }

  /** The shell is told when that is something else than before. */
  private listen(): void {
    const captures = this.captures();
    const wanted = JSON.stringify(captures);
    if (wanted === this.wanted || (this.wanted === '' && captures.length === 0)) return;
    this.wanted = wanted;
    this.core.out.push({ type: 'watch-leases', captures });
  }

  private captures(): readonly LeaseCapture[] {
    const { config, parts } = this.core;
    const timed = this.isNeeded || [...config.roles.values()].some(({ timers }) => timers.session > 0);
    const portal = config.ports.some((rule) => rule.portal === true);
    if (!config.dhcpWatch.enabled || (!timed && !portal)) return [];
    const uplinks = parts.bridge.names().filter((name) => isUplink(config, name));
    return [
      ...uplinks.map((device) => ({ device, direction: 'in' }) as const),
      { device: config.switch.bridge, direction: 'out' },
    ];
  }

  private drop(protocol: string, { reason }: Malformed): void {
    this.core.drops.add(`${protocol}-${reason}`);
  }
}

function subnetOf(ip: Ipv4, mask: Ipv4 | undefined): string {
  if (mask === undefined) return `the subnet of ${ip}`;
  const bits = ipv4ToBytes(mask);
  const network = ipv4ToBytes(ip).map((octet, i) => octet & (bits[i] ?? 0));
  const length = bits.reduce((sum, octet) => sum + octet.toString(2).replaceAll('0', '').length, 0);
  return `${network.join('.')}/${length}`;
}

/** Of addresses that of their link; delegated prefixes are a scope whatever each client has. */
function prefixOf(lease: Dhcp6Lease): string {
  if (lease.kind === 'prefix') return `delegated prefixes of /${lease.length}`;
  const octets = ipv6ToBytes(lease.address).fill(0, LINK_PREFIX_OCTETS);
  return `${ipv6FromBytes(octets)}/64`;
}
