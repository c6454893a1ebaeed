// The other end of RFC 5176 in the lab: radclient for requests that a server would send, a sender of octets from source ports
// of one's choice for those that it would not, and a witness in Python that works every authenticator out for itself.

import { fromHex, toHex } from '../../../src/base/bytes.ts';
import type { Netns } from './netns.ts';
import { patience } from './patience.ts';

export interface RadclientReply {
  /** `none`: nothing came. */
  readonly code: string;
  /** By FreeRADIUS' dictionary. */
  readonly errorCause: string | undefined;
  readonly proxyStates: readonly string[];
  readonly output: string;
}

export interface RadclientRequest {
  readonly send: 'disconnect' | 'coa';
  readonly attributes: readonly string[];
  /** Default 127.0.0.1. */
  readonly to?: string;
  readonly secret?: string;
  readonly waitS?: number;
}

export async function radclient(netns: Netns, request: RadclientRequest): Promise<RadclientReply> {
  const { send, attributes, to = '127.0.0.1', secret = 'testing123', waitS = 3 } = request;
  const wait = ['-r', '1', '-t', `${patience(waitS)}`];
  const { stdout } = await netns.run(['radclient', '-x', ...wait, `${to}:3799`, send, secret], {
    input: `${attributes.join('\n')}\n`,
  });
  const received = stdout.slice(Math.max(0, stdout.indexOf('Received ')));
  return {
    code: /^Received (\S+)/.exec(received)?.[1] ?? 'none',
    errorCause: /Error-Cause = (\S+)/.exec(received)?.[1],
    proxyStates: [...received.matchAll(/Proxy-State = (\S+)/g)].map(([, said]) => said ?? ''),
    output: stdout,
  };
}

/**
 * Sends octets one after the other, each from the next of `sources` sockets; with `waitMs` it waits so long for each
 * one's answer. Undefined for those that had none.
 */
export async function sendAll(
  netns: Netns,
  packets: readonly Uint8Array[],
  options: {
    readonly sources: number;
    readonly waitMs: number;
    readonly from?: string;
    readonly to?: string;
    /** Default 3799. */
    readonly port?: number;
  },
): Promise<readonly (Uint8Array | undefined)[]> {
  const { sources, waitMs, from = '127.0.0.1', to = '127.0.0.1', port = 3799 } = options;
  const argv = ['python3', '-c', SENDER, from, to, `${port}`, `${sources}`, `${waitMs / 1000}`];
  const said = await netns.must(argv, {
    input: packets.map((bytes) => toHex(bytes)).join('\n'),
    timeoutMs: 120_000,
  });
  return said
    .split('\n')
    .slice(0, packets.length)
    .map((line) => (line === '-' ? undefined : fromHex(line)));
}

const SENDER = `
import socket, sys, time
source, target, port, count, wait = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
sockets = []
for _ in range(count):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 0))
    s.settimeout(wait or 0.001)
    sockets.append(s)
for n, line in enumerate(sys.stdin.read().split('\\n')):
    s = sockets[n % count]
    s.sendto(bytes.fromhex(line), (target, port))
    if wait == 0:
        print('-')
        if n % 50 == 49: time.sleep(0.005)
        continue
    try:
        print(s.recv(4096).hex())
    except socket.timeout:
        print('-')
`;

export interface Verdict {
  readonly requests: number;
  readonly replies: number;
  /** What is wrong, a line each. */
  readonly faults: readonly string[];
}

/** Of every reply in a capture: Response Authenticator and Message-Authenticator, worked out by hashlib and hmac. */
export async function authenticators(netns: Netns, file: string, secret = 'testing123'): Promise<Verdict> {
  return JSON.parse(await netns.must(['python3', '-c', WITNESS, file, secret])) as Verdict;
}

const WITNESS = `
import hashlib, hmac, json, struct, sys
data, secret = open(sys.argv[1], 'rb').read(), sys.argv[2].encode()
at, asked, faults, requests, replies = 24, {}, [], 0, 0

def answers(packet, request):
    return hashlib.md5(packet[:4] + request + packet[20:] + secret).digest() == packet[4:20]

while at < len(data):
    length = struct.unpack('<IIII', data[at:at + 16])[2]
    frame = data[at + 16:at + 16 + length]
    at += 16 + length
    if frame[12:14] != b'\\x08\\x00': continue
    ip = frame[14:]
    udp = ip[(ip[0] & 15) * 4:]
    source, target = struct.unpack('!HH', udp[:4])
    packet = udp[8:]
    if target == 3799 and len(packet) < 20: continue
    size = struct.unpack('!H', packet[2:4])[0]
    if target == 3799:
        asked.setdefault((source, packet[1]), []).append(packet[4:20])
        requests += 1
        continue
    replies += 1
    name = 'code %d id %d to port %d' % (packet[0], packet[1], target)
    if (target, packet[1]) not in asked:
        faults.append(name + ': nobody asked')
        continue
    if size != len(packet): faults.append(name + ': length')
    # There are 256 identifiers: the one that was asked last by this one may not be the one that is answered.
    request = next((each for each in reversed(asked[(target, packet[1])]) if answers(packet, each)), None)
    if request is None:
        faults.append(name + ': Response Authenticator')
        continue
    if packet[20:22] != b'\\x50\\x12':
        faults.append(name + ': Message-Authenticator is not first')
        continue
    blank = packet[:4] + request + packet[20:22] + bytes(16) + packet[38:]
    if hmac.new(secret, blank, hashlib.md5).digest() != packet[22:38]:
        faults.append(name + ': Message-Authenticator')
print(json.dumps({'requests': requests, 'replies': replies, 'faults': faults}))
`;
