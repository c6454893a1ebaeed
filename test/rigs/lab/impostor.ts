// A RADIUS server that says yes to everybody and should not be believed: it does not know the secret, or it leaves the
// Message-Authenticator out (CVE-2024-3596). In Python, since it has to sit in the switch's namespace.

import type { Netns } from './netns.ts';
import type { LabProcess } from './process.ts';

/**
 * What is wrong with its Access-Accepts. `nothing`: they are right, to prove that the rest of them is. `storm`: before each
 * right one come `STORM` that are forged, truncated, mutated, of another secret, replayed, and from another port.
 */
export type Flaw = 'wrong-secret' | 'no-message-authenticator' | 'nothing' | 'storm';

export const STORM = 1_000;

export interface ImpostorOptions {
  readonly port: number;
  readonly flaw: Flaw;
  readonly secret: string;
}

/** Answering when this resolves; it says `answered` for each request. */
export async function startImpostor(netns: Netns, options: ImpostorOptions): Promise<LabProcess> {
  const { port, flaw, secret } = options;
  const signing = flaw === 'wrong-secret' ? `not-${secret}` : secret;
  const process = netns.start({
    name: `impostor (${flaw})`,
    argv: ['python3', '-u', '-c', PROGRAM, `${port}`, signing, flaw, `${STORM}`],
  });
  await process.waitForLine(/ready/);
  return process;
}

/** RFC 2865 §3 Response Authenticator; RFC 3579 §3.2 Message-Authenticator; EAP-Success with the request's identifier. */
const PROGRAM = `
import hashlib, hmac, random, socket, struct, sys, time
port, secret, flaw, storm = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3], int(sys.argv[4])
random.seed(1126)
elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
elsewhere.bind(('127.0.0.1', 0))
earlier = []

def forge(honest, request):
    kind = random.randrange(6)
    if kind == 0:
        at = random.randrange(len(honest))
        return honest[:at] + bytes([honest[at] ^ (1 << random.randrange(8))]) + honest[at + 1:]
    if kind == 1:
        return honest[:random.randrange(len(honest))]
    if kind == 2:
        return honest[:4] + hashlib.md5(honest[:4] + request[4:20] + honest[20:] + b'another').digest() + honest[20:]
    if kind == 3:
        return bytes(random.randrange(256) for _ in range(random.randrange(200)))
    if kind == 4 and earlier:
        return random.choice(earlier)
    return honest[:4] + bytes(random.randrange(256) for _ in range(16)) + honest[20:]

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', port))
print('ready')
while True:
    request, peer = s.recvfrom(4096)
    eap_id, at = 0, 20
    while at < len(request):
        if request[at] == 79:
            eap_id = request[at + 3]
        at += request[at + 1]
    attributes = bytes([79, 6, 3, eap_id, 0, 4])
    signed = flaw != 'no-message-authenticator'
    if signed:
        attributes += bytes([80, 18]) + bytes(16)
    head = struct.pack('!BBH', 2, request[1], 20 + len(attributes))
    if signed:
        mac = hmac.new(secret, head + request[4:20] + attributes, 'md5').digest()
        attributes = attributes[:-16] + mac
    authenticator = hashlib.md5(head + request[4:20] + attributes + secret).digest()
    honest = head + authenticator + attributes
    if flaw == 'storm':
        for n in range(storm):
            if n % 10 == 9:
                elsewhere.sendto(honest, peer)
            else:
                s.sendto(forge(honest, request), peer)
            if n % 20 == 19:
                time.sleep(0.002)
    s.sendto(honest, peer)
    earlier.append(honest)
    print('answered')
`;
