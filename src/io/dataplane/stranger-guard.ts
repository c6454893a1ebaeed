// Strangers who may reach the login page and nothing else (nftables, bridge family). What a MAC in the set may do:
//
//   ask who has an address (ARP, ND), ask for one (DHCP), ask the named servers for names (DNS), open the page (TCP)
//
// and only with the switch itself or by an uplink, never with another port. It may not say that an address is its own which
// the switch or its servers and routers have. DHCP is asked of the link and ND stays on it (hop limit 255): both have ports or
// types that somebody beyond a router would speak as well. What ARP says of the sender's MAC is made what the frame says
// (RFC 826 has no reason for another), of everybody who is behind an access port and speaks to the switch. All else of it is dropped, and so is whatever comes
// to it but the answers. Locked or not does not matter here: this is beside the table of the bridge, and before it.
//
// Fail closed: whoever does not stand in the set, with an answer of the kernel to prove it, is not let in (agent/methods/confinement.ts).
// The table stays when we stop, with whoever is in it. Whoever flushes the packet filter's rules, or that set, takes it away: it
// is looked at every second while somebody is confined, made anew at once, and alarmed; where that fails, it is tried again every
// second. What a switch chip forwards by itself never comes by here: there nobody is confined, so nobody is let in.

import { readFileSync } from 'node:fs';
import { toHex } from '../../base/bytes.ts';
import { type Ip, type Ipv6, ipv6ToBytes, isIpv4 } from '../../base/ip.ts';
import { type Mac, parseMac } from '../../base/mac.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { PortName } from '../../model/dataplane.ts';
import { nft, nftNow } from './nft.ts';
import { strangersTable } from './table-name.ts';

const LOOK_MS = 1000;

export interface StrangerGuardOptions {
  readonly bridge: string;
  readonly uplinks: readonly PortName[];
  /** TCP port of the page. */
  readonly port: number;
  readonly dnsServers: readonly Ip[];
  /** Of this host. */
  readonly own: ReadonlySet<Ip>;
  /** Of others, whom the switch cannot do without: servers, routers. Asked for whenever `own` is another. */
  readonly needed: () => readonly Ip[];
  /** Why this MAC must not stand on an access port. */
  readonly objection: (mac: Mac, uplinks: readonly PortName[]) => string | undefined;
  /** The rules were not whole and are again; or, with an error, are not, and nobody can be confined until they are. */
  readonly onLost: (error: string | undefined) => void;
}

type Done = (result: Result<void, string>) => void;

interface Change {
  readonly verb: 'confine' | 'release';
  readonly mac: Mac;
  readonly done: Done;
}

export class StrangerGuard {
  private readonly table: string;
  private readonly confined = new Set<Mac>();
  private waiting: Change[] = [];
  private own: ReadonlySet<Ip>;
  private uplinks: readonly PortName[];
  /** The kernel does not have our addresses and uplinks as they are now. */
  private stale = false;
  private running = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  /** It could not be made anew. */
  private lost = false;
  /** As the kernel tells of the rules while nobody has touched them: without counters, and without what is in the sets. */
  private whole = '';

  private constructor(private readonly options: StrangerGuardOptions) {
    this.table = strangersTable(options.bridge);
    this.own = options.own;
    this.uplinks = options.uplinks;
  }

  /** `left`: who stands in the set from an earlier run. The error is a sentence: no nft, or a kernel without nftables for bridges. */
  static open(
    options: StrangerGuardOptions,
  ): Result<{ readonly guard: StrangerGuard; readonly left: readonly Mac[] }, string> {
    const guard = new StrangerGuard(options);
    const made = nftNow(['-f', '-'], guard.rules());
    if (!made.ok) return made;
    const listed = nftNow(guard.listing());
    if (!listed.ok) return listed;
    guard.whole = withoutElements(listed.value);
    const left = confinedIn(listed.value);
    for (const mac of left) guard.confined.add(mac);
    guard.arm();
    return ok({ guard, left });
  }

  /** Whether `open` would come to something; changes nothing. */
  static check(options: StrangerGuardOptions): Result<void, string> {
    const checked = nftNow(['-c', '-f', '-'], new StrangerGuard(options).rules());
    return checked.ok ? ok(undefined) : checked;
  }

  /** What an earlier run with a login page has left, where there is anything; nobody waits for it. */
  static remove(bridge: string): void {
    nft(['delete', 'table', 'bridge', strangersTable(bridge)], '', () => undefined);
  }

  confine(mac: Mac, port: PortName, done: Done): void {
    if (forwardsByItself(port)) {
      done(
        err(`the switch chip behind ${port} forwards by itself, past the rules that would hold a stranger`),
      );
      return;
    }
    const objection = this.options.objection(mac, this.uplinks);
    if (objection === undefined) this.change({ verb: 'confine', mac, done });
    else done(err(objection));
  }

  release(mac: Mac, done: Done): void {
    this.change({ verb: 'release', mac, done });
  }

  setOwn(own: ReadonlySet<Ip>): void {
    this.own = own;
    this.stale = true;
    this.run();
  }

  setUplinks(uplinks: readonly PortName[]): void {
    this.uplinks = uplinks;
    this.stale = true;
    this.run();
  }

  /** Who is confined stays so; without anybody nothing stays. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    if (this.confined.size === 0 && !this.running) nftNow(['delete', 'table', 'bridge', this.table]);
  }

  private change(change: Change): void {
    this.waiting.push(change);
    this.run();
  }

  /** All that waits, in one transaction: all of it is done, or none. */
  private run(): void {
    if (this.running || this.closed || (this.waiting.length === 0 && !this.stale)) return;
    const changes = this.waiting;
    const lines = this.stale ? this.hostElements() : [];
    this.waiting = [];
    this.stale = false;
    for (const { verb, mac } of changes) {
      // Added first in any case: to take out what is not there would fail.
      lines.push(`add element bridge ${this.table} confined { ${mac} }`);
      if (verb === 'release') lines.push(`delete element bridge ${this.table} confined { ${mac} }`);
    }
    this.running = true;
    nft(['-f', '-'], lines.join('\n'), (result) => {
      this.running = false;
      if (result.ok) for (const change of changes) this.note(change);
      // Done or not, or the table is gone: nobody knows.
      else this.restore();
      for (const { done } of changes) done(result.ok ? ok(undefined) : result);
      this.arm();
      this.run();
    });
  }

  private note({ verb, mac }: Change): void {
    if (verb === 'confine') this.confined.add(mac);
    else this.confined.delete(mac);
  }

  private arm(): void {
    if (this.closed || this.timer !== undefined || (this.confined.size === 0 && !this.lost)) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.running) this.arm();
      else if (this.lost) this.restore();
      else this.look();
    }, LOOK_MS);
    this.timer.unref();
  }

  private look(): void {
    this.running = true;
    nft(this.listing(), '', (listed) => {
      this.running = false;
      if (!listed.ok || !this.isWhole(listed.value)) this.restore();
      this.arm();
      this.run();
    });
  }

  private isWhole(listing: string): boolean {
    const held = confinedIn(listing);
    return (
      withoutElements(listing) === this.whole &&
      held.length === this.confined.size &&
      held.every((mac) => this.confined.has(mac))
    );
  }

  /** The whole table in one transaction, with everybody who stood in it. */
  private restore(): void {
    if (this.closed) return;
    this.running = true;
    this.stale = false;
    const head = `table bridge ${this.table} {}\ndelete table bridge ${this.table}\n`;
    const elements = [...this.confined].map(
      (mac) => `add element bridge ${this.table} confined { ${mac} }\n`,
    );
    nft(['-f', '-'], head + this.rules() + elements.join(''), (result) => {
      this.running = false;
      const news = result.ok || !this.lost;
      this.lost = !result.ok;
      if (news) this.options.onLost(result.ok ? undefined : result.error);
      this.arm();
      this.run();
    });
  }

  private listing(): readonly string[] {
    return ['-s', 'list', 'table', 'bridge', this.table];
  }

  /** What this host is now: its addresses, and the ports behind which others are not ours to hold. */
  private hostElements(): string[] {
    const own = [...this.own];
    const kept = [...new Set([...own, ...this.options.dnsServers, ...this.options.needed()])];
    const isIpv6 = (ip: Ip): ip is Ipv6 => !isIpv4(ip);
    const set = (name: string, elements: readonly string[]) => elementsOf(this.table, name, elements);
    return [
      ...set('own4', own.filter(isIpv4)),
      ...set('own6', own.filter(isIpv6)),
      ...set('kept4', kept.filter(isIpv4)),
      ...set('kept6', kept.filter(isIpv6)),
      ...set(
        'targets6',
        kept.filter(isIpv6).map((ip) => `0x${toHex(ipv6ToBytes(ip))}`),
      ),
      ...set(
        'uplinks',
        this.uplinks.map((name) => `"${name}"`),
      ),
    ];
  }

  /** Can be run over a table that is there: rules and addresses are made anew, who is confined stays. */
  private rules(): string {
    const { port, dnsServers } = this.options;
    const { table } = this;
    const chains = ['forward', 'input', 'output', 'from_stranger', 'to_stranger', 'at_switch', 'resolution'];
    return `
      table bridge ${table} {
        set confined { type ether_addr; }
        set uplinks { type ifname; }
        set own4 { type ipv4_addr; }
        set own6 { type ipv6_addr; }
        set kept4 { type ipv4_addr; }
        set kept6 { type ipv6_addr; }
        set targets6 { typeof @th,64,128; }
        set dns4 { type ipv4_addr; }
        set dns6 { type ipv6_addr; }
        chain forward { type filter hook forward priority -250; policy accept; }
        chain input { type filter hook input priority -250; policy accept; }
        chain output { type filter hook output priority -250; policy accept; }
        chain from_stranger { }
        chain to_stranger { }
        chain at_switch { }
        chain resolution { }
      }
      ${chains.map((chain) => `flush chain bridge ${table} ${chain}`).join('\n')}
      ${this.hostElements().join('\n')}
      ${elementsOf(table, 'dns4', dnsServers.filter(isIpv4)).join('\n')}
      ${elementsOf(
        table,
        'dns6',
        dnsServers.filter((ip) => !isIpv4(ip)),
      ).join('\n')}
      table bridge ${table} {
        chain resolution {
          arp saddr ip @kept4 counter drop
          arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp saddr ether set ether saddr accept
          ip6 hoplimit != 255 counter drop
          icmpv6 type nd-neighbor-advert @th,64,128 @targets6 counter drop
          ip6 daddr { fe80::/10, ff02::/16 } accept
          ip6 daddr @own6 accept
          ip6 daddr @dns6 accept
          counter drop
        }
        chain from_stranger {
          ip saddr @kept4 counter drop
          ip6 saddr @kept6 counter drop
          meta protocol arp jump resolution
          icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } jump resolution
          ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
          ip6 daddr ff02::1:2 udp sport 546 udp dport 547 accept
          ip daddr @dns4 meta l4proto { tcp, udp } th dport 53 accept
          ip6 daddr @dns6 meta l4proto { tcp, udp } th dport 53 accept
        }
        chain to_stranger {
          meta protocol arp accept
          ip6 hoplimit 255 icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
          udp sport 67 udp dport 68 accept
          ip6 daddr fe80::/10 udp sport 547 udp dport 546 accept
          ip saddr @dns4 meta l4proto { tcp, udp } th sport 53 accept
          ip6 saddr @dns6 meta l4proto { tcp, udp } th sport 53 accept
        }
        chain at_switch {
          ip daddr @own4 tcp dport ${port} accept
          ip6 daddr @own6 tcp dport ${port} accept
          ip daddr @own4 meta l4proto { tcp, udp } th dport 53 accept
          ip6 daddr @own6 meta l4proto { tcp, udp } th dport 53 accept
          ip daddr @own4 udp sport 68 udp dport 67 accept
          ip6 daddr @own6 udp sport 546 udp dport 547 accept
        }
        chain forward {
          iifname != @uplinks ether saddr @confined oifname @uplinks jump from_stranger
          iifname != @uplinks ether saddr @confined counter drop
          ether daddr @confined iifname @uplinks jump to_stranger
          ether daddr @confined counter drop
        }
        chain input {
          iifname != @uplinks arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp saddr ether set ether saddr
          iifname != @uplinks ether saddr @confined jump from_stranger
          iifname != @uplinks ether saddr @confined jump at_switch
          iifname != @uplinks ether saddr @confined counter drop
        }
        chain output {
          ether daddr @confined jump to_stranger
          ether daddr @confined ip saddr @own4 tcp sport ${port} accept
          ether daddr @confined ip6 saddr @own6 tcp sport ${port} accept
          ether daddr @confined ip saddr @own4 meta l4proto { tcp, udp } th sport 53 accept
          ether daddr @confined ip6 saddr @own6 meta l4proto { tcp, udp } th sport 53 accept
          ether daddr @confined counter drop
        }
      }
    `;
  }
}

function elementsOf(table: string, set: string, elements: readonly string[]): string[] {
  const flush = `flush set bridge ${table} ${set}`;
  return elements.length === 0
    ? [flush]
    : [flush, `add element bridge ${table} ${set} { ${elements.join(', ')} }`];
}

function withoutElements(listing: string): string {
  return listing.replace(/^\t\telements = \{[^}]*\}\n/gm, '');
}

function confinedIn(listing: string): readonly Mac[] {
  const elements = /\bset confined \{[^}]*\belements = \{([^}]*)\}/.exec(listing)?.[1] ?? '';
  return elements.split(',').flatMap((text) => parseMac(text.trim()) ?? []);
}

/** It has a chip behind it that may forward without asking the kernel. A port without one has no such id, or one that cannot be read. */
export function forwardsByItself(port: PortName): boolean {
  try {
    return readFileSync(`/sys/class/net/${port}/phys_switch_id`, 'utf8').trim() !== '';
  } catch {
    return false;
  }
}
