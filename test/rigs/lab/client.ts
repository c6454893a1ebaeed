// What a client's machine is told to be and to do, apart from 802.1X.

import { anyFrame } from './frames.ts';
import type { SwitchClient } from './netns.ts';
import type { LabProcess } from './process.ts';

/** One ping; true when it was answered within `timeoutS`. */
export async function ping(client: SwitchClient, address: string, timeoutS = 1): Promise<boolean> {
  const finished = await client.netns.run(['ping', '-n', '-c', '1', '-W', `${timeoutS}`, address]);
  return finished.code === 0;
}

/** True as soon as a ping is answered, within 4 s: who was shut out a moment ago still waits for an address in vain. */
export async function canReach(client: SwitchClient, address: string): Promise<boolean> {
  const deadline = Date.now() + 4_000;
  while (Date.now() < deadline) if (await ping(client, address)) return true;
  return false;
}

/** Answers ARP, and sends nothing else of its own. */
export async function becomeArpOnly(client: SwitchClient): Promise<void> {
  await client.netns.setSysctl('net.ipv6.conf.eth0.disable_ipv6', 1);
  await dropOutput(client, 'ip');
}

/** Has no address at all: it neither answers ARP nor solicitations. */
export async function becomeAddressless(client: SwitchClient): Promise<void> {
  await client.netns.setSysctl('net.ipv6.conf.eth0.disable_ipv6', 1);
  await client.netns.ip('-4 addr flush dev eth0');
}

/** Has an IPv6 address and a link-local one, no IPv4. */
export async function becomeIpv6Only(client: SwitchClient): Promise<void> {
  await client.netns.ip('-4 addr flush dev eth0');
}

/**
 * Is there and says nothing, as one whose machine has crashed behind a desk switch: no link is lost, and others at that switch,
 * whose MACs are not its own, are heard.
 */
export async function fallSilent({ netns, mac }: SwitchClient): Promise<void> {
  const chain = 'add chain netdev silent out { type filter hook egress device eth0 priority 0; }';
  const rule = `add rule netdev silent out ether saddr ${mac} drop`;
  await netns.must(['nft', '-f', '-'], { input: `add table netdev silent\n${chain}\n${rule}\n` });
}

export async function speakAgain(client: SwitchClient): Promise<void> {
  await client.netns.must(['nft', 'delete', 'table', 'netdev', 'silent']);
}

/** Makes it say one thing, at once: a broadcast ARP request for an address of nobody's, which is not repeated. */
export async function speakOnce(client: SwitchClient): Promise<void> {
  const nobody = '10.99.0.250';
  const forget = `ip neigh del ${nobody} dev eth0`;
  await client.netns.run(['sh', '-c', `ping -n -q -c 1 -W 0.1 ${nobody}; ${forget}`]);
}

/** Sends a broadcast frame of no known protocol every `ms`: life that only the table sees. The first is out already. */
export async function talker(client: SwitchClient, ms: number): Promise<LabProcess> {
  const argv = ['python3', '-u', '-c', TALKER, anyFrame(client.mac), `${ms / 1000}`];
  const process = client.netns.start({ name: `talker on ${client.port}`, argv });
  await process.waitForLine(/talking/);
  return process;
}

async function dropOutput(client: SwitchClient, family: 'ip' | 'ip6'): Promise<void> {
  await client.netns.must(['nft', '-f', '-'], {
    input: `add table ${family} mute\nadd chain ${family} mute out { type filter hook output priority 0; policy drop; }\n`,
  });
}

const TALKER = `
import itertools, socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
began = time.monotonic()
for n in itertools.count(1):
    s.send(bytes.fromhex(sys.argv[1]))
    if n == 1:
        print('talking')
    time.sleep(max(0, began + n * float(sys.argv[2]) - time.monotonic()))
`;
/** The MAC that this machine knows for an address; undefined if it knows none. */
export async function neighbourOf(client: SwitchClient, address: string): Promise<string | undefined> {
  const known = JSON.parse(await client.netns.ip(`-j neigh show ${address} dev eth0`)) as readonly {
    readonly lladdr?: string;
  }[];
  return known[0]?.lladdr;
}

/** Forgets all of them. */
export async function forgetNeighbours(client: SwitchClient): Promise<void> {
  await client.netns.ip('neigh flush dev eth0');
}
