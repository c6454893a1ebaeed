// A VPN concentrator and a server, on either side of the switch's routed path:
//
//   concentrator (eth0) --veth-- vpn0 [ switch, routes ] srv0 --veth-- (eth0) server
//   10.98.0.1, fd00:98::1                                              10.97.0.2, fd00:97::2
//
// A client of its tunnels is an address on the concentrator's own interface: it answers ARP and neighbour discovery for those
// that are there, as a first hop does. Its accounting is told by radclient.

import type { LabSwitch } from './netns.ts';
import { giveAddress, keepQuiet, Netns } from './netns.ts';
import { Pinging } from './pinging.ts';

export const CONCENTRATOR = '10.98.0.1';
export const CONCENTRATOR_IPV6 = 'fd00:98::1';
export const SWITCH_AT_VPN = '10.98.0.254';
export const SERVER_IPV4 = '10.97.0.2';
export const SERVER_IPV6 = 'fd00:97::2';
export const SSO_PORT = 1913;

export class Concentrator {
  private constructor(
    readonly netns: Netns,
    readonly server: Netns,
  ) {}

  /** The switch routes between them when this returns. */
  static async create(lab: LabSwitch): Promise<Concentrator> {
    const netns = Netns.create();
    const server = Netns.create();
    for (const each of [netns, server]) await keepQuiet(each);
    for (const key of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])
      await lab.netns.setSysctl(key, 1);
    const sides = [
      { device: 'vpn0', far: netns, net: 98, own: 1 },
      { device: 'srv0', far: server, net: 97, own: 2 },
    ];
    for (const { device, far, net, own } of sides) {
      await lab.netns.ip(`link add ${device} type veth peer name eth0 netns ${far.name}`);
      await lab.netns.ip(`link set ${device} up`);
      await far.ip('link set eth0 up');
      await giveAddress(lab.netns, device, { ipv4: `10.${net}.0.254`, ipv6: `fd00:${net}::254` });
      await giveAddress(far, 'eth0', { ipv4: `10.${net}.0.${own}`, ipv6: `fd00:${net}::${own}` });
      await far.ip(`route add default via 10.${net}.0.254`);
      await far.ip(`-6 route add default via fd00:${net}::254`);
    }
    return new Concentrator(netns, server);
  }

  /** A tunnel with this address comes up. */
  async connect(ip: string): Promise<void> {
    await this.netns.ip(
      `addr add ${ip.includes(':') ? `${ip}/128` : `${ip}/32`} dev eth0${ip.includes(':') ? ' nodad' : ''}`,
    );
  }

  async disconnect(ip: string): Promise<void> {
    await this.netns.ip(`addr del ${ip.includes(':') ? `${ip}/128` : `${ip}/32`} dev eth0`);
  }

  /** One echo from this address to the server and back. */
  async passes(ip: string): Promise<boolean> {
    const to = ip.includes(':') ? SERVER_IPV6 : SERVER_IPV4;
    return (await this.netns.run(['ping', '-c', '1', '-W', '0.3', '-I', ip, to])).code === 0;
  }

  /** Echoes from this address to the server and back, until they are counted. */
  pinging(ip: string): Pinging {
    return new Pinging(this.netns, ip.includes(':') ? SERVER_IPV6 : SERVER_IPV4, ip);
  }

  /** One echo from the server to this address and back. */
  async reached(ip: string): Promise<boolean> {
    return (await this.server.run(['ping', '-c', '1', '-W', '0.3', ip])).code === 0;
  }

  /** An Accounting-Request, attributes as FreeRADIUS' dictionary writes them; true if it was answered. */
  async tell(
    attributes: readonly string[],
    options: { readonly secret?: string; readonly waitS?: number } = {},
  ): Promise<boolean> {
    const { secret = 'concentrator-secret', waitS = 2 } = options;
    const argv = [
      'radclient',
      '-x',
      '-r',
      '1',
      '-t',
      `${waitS}`,
      `${SWITCH_AT_VPN}:${SSO_PORT}`,
      'acct',
      secret,
    ];
    const { stdout } = await this.netns.run(argv, { input: `${attributes.join('\n')}\n` });
    return stdout.includes('Received Accounting-Response');
  }

  close(): void {
    this.netns.close();
    this.server.close();
  }
}

export interface TunnelUser {
  readonly user: string;
  readonly session: string;
  readonly ips: readonly string[];
}

/** The attributes of a Start, Interim-Update or Stop of this user. */
export function accounting(
  status: 'Start' | 'Interim-Update' | 'Stop',
  { user, session, ips }: TunnelUser,
  more: readonly string[] = [],
): readonly string[] {
  return [
    `Acct-Status-Type = ${status}`,
    `Acct-Session-Id = "${session}"`,
    `User-Name = "${user}"`,
    ...ips.map((ip) => (ip.includes(':') ? `Framed-IPv6-Address = ${ip}` : `Framed-IP-Address = ${ip}`)),
    ...more,
  ];
}
