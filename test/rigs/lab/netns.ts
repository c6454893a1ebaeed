// Network namespaces, and the switch that the lab is built on.
//
//   client 1..n (eth0) --veth-- p1..pn  br0  up0 --veth-- (eth0) uplink
//                              [ the switch's namespace: br0 is 10.99.0.1 and fd00:99::1; services on its loopback ]
//
// Client n is 10.99.0.(10+n), fd00:99::(10+n), 02:99:00:00:00:0n; the uplink's far end is 10.99.0.254, fd00:99::fe.
// Names are rc-<pid>-<n>: those whose process has gone are swept by the next run (`sweepNamespaces`).

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { atExit } from './at-exit.ts';
import { type FdbEntry, flagsOf, tableOf } from './bridge.ts';
import type { Finished, ProcessOptions } from './process.ts';
import { LabProcess, must, run } from './process.ts';

const RUN_NETNS = '/run/netns';
const NAME = /^rc-(\d+)-\d+$/;

export class Netns {
  readonly name: string;
  readonly #stay: () => void;

  private constructor(name: string) {
    this.name = name;
    this.#stay = atExit(() => this.close());
  }

  static create(): Netns {
    for (let n = 1; ; n++) {
      const name = `rc-${process.pid}-${n}`;
      if (existsSync(`${RUN_NETNS}/${name}`)) continue;
      execFileSync('ip', ['netns', 'add', name]);
      const netns = new Netns(name);
      execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
      return netns;
    }
  }

  /** Runs a command inside; a non-zero exit is an answer. */
  run(
    argv: readonly string[],
    options: { readonly timeoutMs?: number; readonly input?: string } = {},
  ): Promise<Finished> {
    return run(['ip', 'netns', 'exec', this.name, ...argv], options);
  }

  /** Runs a command inside; a non-zero exit throws. Returns its standard output. */
  must(
    argv: readonly string[],
    options: { readonly timeoutMs?: number; readonly input?: string } = {},
  ): Promise<string> {
    return must(['ip', 'netns', 'exec', this.name, ...argv], options);
  }

  /** `ip ...` inside, without entering: the words as one string. */
  ip(words: string): Promise<string> {
    return must(['ip', '-n', this.name, ...words.split(' ')]);
  }

  start(options: Omit<ProcessOptions, 'netns'>): LabProcess {
    return new LabProcess({ ...options, netns: this.name });
  }

  async setSysctl(key: string, value: string | number): Promise<void> {
    await this.must(['sh', '-c', `echo ${value} >/proc/sys/${key.replaceAll('.', '/')}`]);
  }

  /** Kills, by pid, whatever still runs inside, and deletes the namespace with its interfaces. Safe to call twice. */
  close(): void {
    this.#stay();
    removeNamespace(this.name);
  }
}

function removeNamespace(name: string): void {
  if (!existsSync(`${RUN_NETNS}/${name}`)) return;
  const pids = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  for (const pid of pids.split('\n').filter((line) => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It went by itself between the two calls.
    }
  }
  execFileSync('ip', ['netns', 'delete', name]);
}

/** Removes the lab's namespaces whose test process is no more. Returns their names. */
export function sweepNamespaces(): readonly string[] {
  if (!existsSync(RUN_NETNS)) return [];
  const stale = readdirSync(RUN_NETNS).filter((name) => {
    const pid = NAME.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
  for (const name of stale) removeNamespace(name);
  return stale;
}

export interface SwitchClient {
  readonly index: number;
  /** The bridge port that it is plugged into. */
  readonly port: string;
  readonly netns: Netns;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

export const SWITCH_IPV4 = '10.99.0.1';
export const SWITCH_IPV6 = 'fd00:99::1';
export const SWITCH_MAC = '02:99:00:00:00:fe';
export const UPLINK_IPV4 = '10.99.0.254';
export const UPLINK_IPV6 = 'fd00:99::fe';

export class LabSwitch {
  readonly netns: Netns;
  readonly clients: readonly SwitchClient[];
  readonly uplink: Netns;

  private constructor(netns: Netns, clients: readonly SwitchClient[], uplink: Netns) {
    this.netns = netns;
    this.clients = clients;
    this.uplink = uplink;
  }

  /** Everything up, ports unlocked; clients have their addresses and have sent nothing yet but what IPv6 sends. */
  static async create(options: { readonly ports: number }): Promise<LabSwitch> {
    const netns = Netns.create();
    const uplink = Netns.create();
    const clients: SwitchClient[] = [];
    await keepQuiet(netns);
    await keepQuiet(uplink);
    await netns.ip(
      `link add br0 address ${SWITCH_MAC} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
    );
    await netns.ip(`link add up0 type veth peer name eth0 netns ${uplink.name}`);
    await netns.ip('link set up0 master br0 up');
    for (let index = 1; index <= options.ports; index++) {
      const client: SwitchClient = {
        index,
        port: `p${index}`,
        netns: Netns.create(),
        mac: `02:99:00:00:00:${index.toString(16).padStart(2, '0')}`,
        ipv4: `10.99.0.${10 + index}`,
        ipv6: `fd00:99::${10 + index}`,
      };
      await keepQuiet(client.netns);
      await netns.ip(
        `link add ${client.port} type veth peer name eth0 address ${client.mac} netns ${client.netns.name}`,
      );
      await netns.ip(`link set ${client.port} master br0 up`);
      clients.push(client);
    }
    await netns.ip('link set br0 up');
    await giveAddress(netns, 'br0', { ipv4: SWITCH_IPV4, ipv6: SWITCH_IPV6 });
    await uplink.ip('link set eth0 up');
    await giveAddress(uplink, 'eth0', { ipv4: UPLINK_IPV4, ipv6: UPLINK_IPV6 });
    for (const client of clients) {
      await client.netns.ip('link set eth0 up');
      await giveAddress(client.netns, 'eth0', client);
    }
    return new LabSwitch(netns, clients, uplink);
  }

  /** Client 1..n. */
  client(index: number): SwitchClient {
    const client = this.clients[index - 1];
    if (client === undefined) throw new Error(`the lab switch has no client ${index}`);
    return client;
  }

  /** The bridge's table: entries of `mac` on any port, or all that are not the bridge's own. */
  fdb(mac?: string): Promise<readonly FdbEntry[]> {
    return tableOf(this.netns, mac);
  }

  /** Bridge port flags as `bridge -d link` has them: locked, learning, mab, ... */
  portFlags(port: string): Promise<Readonly<Record<string, unknown>>> {
    return flagsOf(this.netns, port);
  }

  /** The client's end loses its cable: the port loses carrier, and stays administratively up. */
  async unplug(index: number): Promise<void> {
    await this.client(index).netns.ip('link set eth0 down');
  }

  async plug(index: number): Promise<void> {
    await this.client(index).netns.ip('link set eth0 up');
  }

  async setPort(port: string, state: 'up' | 'down'): Promise<void> {
    await this.netns.ip(`link set ${port} ${state}`);
  }

  close(): void {
    for (const netns of [...this.clients.map((client) => client.netns), this.uplink, this.netns])
      netns.close();
  }
}

/** As a boot of the machine does it: no grant is left in the bridge's table. To be done while no agent runs. */
export async function loseTable(netns: Netns): Promise<void> {
  const lines = (await tableOf(netns))
    .filter(({ state }) => state === 'static')
    .map(({ mac, ifname, vlan }) => {
      const where = vlan === undefined ? '' : ` vlan ${vlan}`;
      return `fdb del ${mac} dev ${ifname} master${where}\n`;
    });
  if (lines.length > 0) await netns.must(['bridge', '-batch', '-'], { input: lines.join('') });
}

/** No duplicate address detection and no router solicitations: addresses work at once, and nothing is sent unasked. */
export async function keepQuiet(netns: Netns): Promise<void> {
  for (const scope of ['all', 'default']) {
    await netns.setSysctl(`net.ipv6.conf.${scope}.accept_dad`, 0);
    await netns.setSysctl(`net.ipv6.conf.${scope}.dad_transmits`, 0);
    await netns.setSysctl(`net.ipv6.conf.${scope}.router_solicitations`, 0);
  }
}

export async function giveAddress(
  netns: Netns,
  device: string,
  { ipv4, ipv6 }: Pick<SwitchClient, 'ipv4' | 'ipv6'>,
): Promise<void> {
  await netns.ip(`addr add ${ipv4}/24 dev ${device}`);
  await netns.ip(`addr add ${ipv6}/64 dev ${device} nodad`);
}
