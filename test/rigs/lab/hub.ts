// A hub on a client's desk: several machines behind one port of the switch. It is a bridge in the client's namespace that
// passes EAPOL on, which a bridge by itself does not (IEEE 802.1D reserved addresses; group_fwd_mask bit 3). Machines do
// not hear each other: wpa_supplicant takes a neighbour's Response, which goes to the group address, for its own
// authenticator's, stops sending EAPOL-Start, and gets in half a minute later or never.

import { giveAddress, keepQuiet, Netns, type SwitchClient } from './netns.ts';

/** PAE group address 01-80-C2-00-00-03. */
const FORWARD_EAPOL = 1 << 3;

export interface Hub {
  /** Machines 1..n, each with an address of its own in the switch's network. */
  readonly hosts: readonly SwitchClient[];
  close(): Promise<void>;
}

/** The client's own machine falls silent for good: it is the hub now. Hosts are 02:99:00:00:<port>:0<n>. */
export async function hubBehind(client: SwitchClient, machines: number): Promise<Hub> {
  const { netns } = client;
  await netns.setSysctl('net.ipv6.conf.all.disable_ipv6', 1);
  await netns.ip('addr flush dev eth0');
  await netns.ip(
    `link add hub type bridge forward_delay 0 stp_state 0 mcast_snooping 0 group_fwd_mask ${FORWARD_EAPOL}`,
  );
  await netns.ip('link set eth0 master hub');
  await netns.ip('link set hub up');
  const hosts: SwitchClient[] = [];
  for (let n = 1; n <= machines; n++) {
    const index = 100 + 10 * client.index + n;
    const host: SwitchClient = {
      index,
      port: client.port,
      netns: Netns.create(),
      mac: `02:99:00:00:${client.index.toString(16).padStart(2, '0')}:${n.toString(16).padStart(2, '0')}`,
      ipv4: `10.99.0.${index}`,
      ipv6: `fd00:99::${index}`,
    };
    await keepQuiet(host.netns);
    await netns.ip(`link add h${n} type veth peer name eth0 address ${host.mac} netns ${host.netns.name}`);
    await netns.ip(`link set h${n} master hub up`);
    await netns.ip(`link set h${n} type bridge_slave isolated on`);
    await host.netns.ip('link set eth0 up');
    await giveAddress(host.netns, 'eth0', host);
    hosts.push(host);
  }
  return {
    hosts,
    close: async () => {
      for (const host of hosts) host.netns.close();
    },
  };
}
