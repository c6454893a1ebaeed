// A DHCP server of the lab's own (dnsmasq, for IPv4 and IPv6) in any namespace, and a client's question to whoever answers.

import { LabFolder } from './folder.ts';
import type { Netns, SwitchClient } from './netns.ts';
import { type LabProcess, until } from './process.ts';

export interface DhcpServerOptions {
  readonly device: string;
  /** As `dhcp-range` has it, one each. */
  readonly ranges: readonly string[];
  /** Further lines of its configuration. */
  readonly lines?: readonly string[];
}

export class DhcpServer {
  private constructor(
    private readonly process: LabProcess,
    private readonly folder: LabFolder,
  ) {}

  /** Ready to answer when this returns. */
  static async start(netns: Netns, { device, ranges, lines = [] }: DhcpServerOptions): Promise<DhcpServer> {
    const folder = new LabFolder('dnsmasq');
    const config = [
      'port=0',
      `interface=${device}`,
      'bind-dynamic',
      'except-interface=lo',
      'dhcp-authoritative',
      'no-ping',
      'log-dhcp',
      `dhcp-leasefile=${folder.file('leases')}`,
      ...ranges.map((range) => `dhcp-range=${range}`),
      ...lines,
    ];
    folder.write('dnsmasq.conf', `${config.join('\n')}\n`);
    const argv = ['dnsmasq', '--keep-in-foreground', '--log-facility=-', '--user=root', '--pid-file='];
    const started = netns.start({ name: 'dnsmasq', argv: [...argv, '-C', folder.file('dnsmasq.conf')] });
    await started.waitForLine(/DHCP.*, (IP range|sockets)/);
    return new DhcpServer(started, folder);
  }

  /** How many leases it has given, of both families. */
  get given(): number {
    return this.process.lines.filter((line) => /DHCPACK|DHCPREPLY/.test(line)).length;
  }

  async close(): Promise<void> {
    await this.process.stop();
    this.folder.remove();
  }
}

/** Asks for an address, once, and does nothing with what it is given; true if somebody gave one within `timeoutS`. */
export async function askForLease(
  { netns }: Pick<SwitchClient, 'netns'>,
  family: 4 | 6 = 4,
  timeoutS = 8,
): Promise<boolean> {
  const folder = new LabFolder('dhclient');
  folder.write('dhclient.conf', `timeout ${timeoutS};\ninitial-interval 1;\n`);
  const files = [
    '-cf',
    folder.file('dhclient.conf'),
    '-lf',
    folder.file('leases'),
    '-pf',
    folder.file('pid'),
  ];
  const client = netns.start({
    name: 'dhclient',
    argv: ['dhclient', `-${family}`, '-d', '-1', '-sf', '/bin/true', ...files, 'eth0'],
  });
  try {
    return await until(
      'a lease, or the end',
      () =>
        client.lines.some((line) => /^DHCPACK|Reply message on|bound to|^RCV: Reply/.test(line))
          ? true
          : client.isRunning
            ? null
            : false,
      (timeoutS + 5) * 1000,
    );
  } finally {
    await client.stop();
    folder.remove();
  }
}
