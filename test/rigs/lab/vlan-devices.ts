// VLANs of a namespace's eth0, a device each: the kernel's own, or where it has none (the lab's may not) a pair of veths each
// with a program between them and eth0 that puts the tags on and takes them off (IEEE 802.1Q §9).

import type { Netns } from './netns.ts';
import type { LabProcess } from './process.ts';

export interface VlanDevices {
  /** eth0.<vlan> for each; after that of what is not tagged, if it was asked for. None of them is up. */
  readonly names: readonly string[];
  /** What stands in for the kernel. */
  readonly relay?: LabProcess;
}

/** The name of what is not tagged, where eth0 itself is not it. */
const UNTAGGED = 'untagged';

/** `mac`: of the devices, where they are not the kernel's; its own have eth0's. */
export async function addVlanDevices(
  netns: Netns,
  vlans: readonly number[],
  options: { readonly untagged?: boolean; readonly mac?: string } = {},
): Promise<VlanDevices> {
  const { untagged = false, mac } = options;
  const names = vlans.map((vlan) => `eth0.${vlan}`);
  if (await kernelHasVlans(netns)) {
    for (const vlan of vlans) await netns.ip(`link add link eth0 name eth0.${vlan} type vlan id ${vlan}`);
    return { names: untagged ? ['eth0', ...names] : names };
  }
  const ends = [
    ...(untagged ? [[0, UNTAGGED] as const] : []),
    ...vlans.map((vlan) => [vlan, `eth0.${vlan}`] as const),
  ];
  const address = mac === undefined ? '' : ` address ${mac}`;
  for (const [vlan, name] of ends) {
    await netns.ip(`link add tag${vlan} type veth peer name ${name}${address}`);
    await netns.ip(`link set tag${vlan} up`);
  }
  const argv = ['python3', '-c', RELAY, 'eth0', ...ends.map(([vlan]) => `${vlan}=tag${vlan}`)];
  const relay = netns.start({ name: 'the tags of eth0', argv });
  await relay.waitForLine(/relaying/);
  return { names: ends.map(([, name]) => name), relay };
}

async function kernelHasVlans(netns: Netns): Promise<boolean> {
  const tried = await netns.run([
    'ip',
    'link',
    'add',
    'link',
    'eth0',
    'name',
    'tried',
    'type',
    'vlan',
    'id',
    '1',
  ]);
  if (tried.code === 0) await netns.ip('link del tried');
  return tried.code === 0;
}

/** A tag that was received is beside the frame (packet(7), PACKET_AUXDATA: status, its bit 4; TCI at octet 16). */
const RELAY = `
import selectors, socket, struct, sys
ALL, ADDRESSES, AUXDATA, OUTGOING, VLAN_VALID = 3, 263, 8, 4, 0x10
def opened(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    s.setsockopt(ADDRESSES, AUXDATA, 1)
    s.bind((name, ALL))
    return s
wire = opened(sys.argv[1])
ends = {int(vlan): opened(name) for vlan, name in (each.split('=') for each in sys.argv[2:])}
select = selectors.DefaultSelector()
select.register(wire, selectors.EVENT_READ, None)
for vlan, end in ends.items():
    select.register(end, selectors.EVENT_READ, vlan)
print('relaying', flush=True)
while True:
    for key, _ in select.select():
        frame, extra, _, address = key.fileobj.recvmsg(65535, 256)
        if address[2] == OUTGOING:
            continue
        if key.data is not None:
            tag = b'' if key.data == 0 else struct.pack('!HH', 0x8100, key.data)
            wire.send(frame[:12] + tag + frame[12:])
            continue
        vlan = 0
        for level, kind, data in extra:
            if (level, kind) == (ADDRESSES, AUXDATA) and struct.unpack_from('I', data)[0] & VLAN_VALID:
                vlan = struct.unpack_from('H', data, 16)[0] & 0xfff
        if vlan in ends:
            ends[vlan].send(frame)
`;
