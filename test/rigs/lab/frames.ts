// Sends ready frames from a namespace, through an AF_PACKET socket of Python's: nothing else in the lab can.

import type { Netns } from './netns.ts';

const SENDER = `
import socket, sys
device, *frames = sys.argv[1:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((device, 0))
for frame in frames:
    s.send(bytes.fromhex(frame))
`;

/** Frames in hexadecimal, Ethernet header first, no FCS. */
export async function sendFrames(netns: Netns, device: string, frames: readonly string[]): Promise<void> {
  await netns.must(['python3', '-c', SENDER, device, ...frames]);
}

function plain(mac: string): string {
  return mac.replaceAll(':', '');
}

function ipv4Hex(address: string): string {
  return address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('');
}

/** An 802.1Q tag with the given VLAN, to stand before the EtherType; none for 0. */
function tag(vlan: number): string {
  return vlan === 0 ? '' : `8100${vlan.toString(16).padStart(4, '0')}`;
}

/** EAPOL-Start, version 2, to the PAE group address (IEEE 802.1X-2020 §11.1.1, §11.3). */
export function eapolStart(mac: string, vlan = 0): string {
  return `0180c2000003${plain(mac)}${tag(vlan)}888e02010000`.padEnd(120, '0');
}

/** EAPOL-Logoff, version 2, as `eapolStart`. */
export function eapolLogoff(mac: string): string {
  return `0180c2000003${plain(mac)}888e02020000`.padEnd(120, '0');
}

/** A broadcast frame of a protocol that nobody speaks (IEEE 802 local experimental EtherType 1). */
export function anyFrame(mac: string): string {
  return `ffffffffffff${plain(mac)}88b5`.padEnd(120, '0');
}

/** RFC 5227 §2.3: the client says that the address is its own. */
export function arpAnnouncement(mac: string, ip: string): string {
  return arpRequest({ mac, senderIp: ip, targetIp: ip });
}

/** RFC 5227 §2.1.1: the client asks whether anybody else has the address that it wants. */
export function arpProbe(mac: string, ip: string): string {
  return arpRequest({ mac, senderIp: '0.0.0.0', targetIp: ip });
}

/** A broadcast ARP request (RFC 826). */
export function arpRequest(options: {
  readonly mac: string;
  readonly senderIp: string;
  readonly targetIp: string;
  readonly vlan?: number;
}): string {
  const body = `0001080006040001${plain(options.mac)}${ipv4Hex(options.senderIp)}000000000000${ipv4Hex(options.targetIp)}`;
  return `ffffffffffff${plain(options.mac)}${tag(options.vlan ?? 0)}0806${body}`.padEnd(120, '0');
}
