// Thousands of frames from a client's wire: nonsense made from valid frames by seeded mutation, or floods of one kind.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { mutate } from '../mutate.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { SwitchClient } from './netns.ts';

const VECTORS = path.resolve(import.meta.dirname, '../../vectors');

/** EtherTypes of what the agent listens to; the names are those of the vector files. */
const KINDS = { eapol: '888e', arp: '0806', nd: '86dd', dhcp: '0800' } as const;
type Kind = keyof typeof KINDS;

/** The packets of a vector file, in hexadecimal. */
function vectors(kind: Kind): readonly string[] {
  const text = readFileSync(path.join(VECTORS, `${kind}.txt`), 'utf8');
  return [...text.matchAll(/(?:<>|^decode) ([0-9a-f]{8,})/gm)].map(([, hex = '']) => hex);
}

/** `count` frames, each from a MAC of its own, kinds in turn. The same seed makes the same storm. */
export function nonsense(count: number, seed: number): readonly string[] {
  const random = new SeededRandom(seed);
  const kinds = (Object.keys(KINDS) as Kind[]).map((kind) => ({ type: KINDS[kind], valid: vectors(kind) }));
  return Array.from({ length: count }, (_, n) => {
    const kind = kinds[n % kinds.length];
    if (kind === undefined) throw new Error('no kinds of frames');
    const valid = kind.valid[random.below(kind.valid.length)] ?? '';
    const payload = toHex(mutate(fromHex(valid) ?? new Uint8Array(), random).subarray(0, 1400));
    return `0180c2000003${randomMac(random)}${kind.type}${payload}`.padEnd(120, '0');
  });
}

/** EAPOL-Starts, each from a MAC of its own. */
export function starts(count: number, seed: number): readonly string[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => `0180c2000003${randomMac(random)}888e02010000`.padEnd(120, '0'));
}

/** Sends them all, `perSecond`; resolves when the last is out. */
export async function send(
  client: Pick<SwitchClient, 'netns'>,
  frames: readonly string[],
  perSecond: number,
): Promise<void> {
  const timeoutMs = 30_000 + (frames.length / perSecond) * 1000;
  await client.netns.must(['python3', '-c', SENDER, `${perSecond}`], { input: frames.join('\n'), timeoutMs });
}

/** Locally administered, unicast. */
function randomMac(random: SeededRandom): string {
  const octets = Array.from({ length: 5 }, () => random.below(256).toString(16).padStart(2, '0'));
  return `02${octets.join('')}`;
}

const SENDER = `import errno, socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
began = time.monotonic()
for n, line in enumerate(sys.stdin):
    early = began + n / float(sys.argv[1]) - time.monotonic()
    if early > 0:
        time.sleep(early)
    while True:
        try:
            s.send(bytes.fromhex(line.strip()))
            break
        except OSError as error:
            # At a link that is down, a frame is lost.
            if error.errno == errno.ENETDOWN:
                break
            # The device's queue is full.
            if error.errno != errno.ENOBUFS:
                raise
            time.sleep(0.001)`;
