// 10,000 replies that nobody should believe, seeded, against the whole client engine with requests of both kinds and a
// Status-Server on the wire: each is dropped and counted by a reason, and nothing else changes. The honest answers that come
// after them are all taken.

import { describe, expect, it } from 'vitest';
import { bytesEqual } from '../../src/base/bytes.ts';
import type { Datagram, SocketKey } from '../../src/radius/effects.ts';
import type { RadiusServer } from '../../src/radius/settings.ts';
import { encodeReply, RADIUS_CODES, type RadiusCodeName, type RadiusPacket } from '../../src/wire/radius.ts';
import { octets, text } from '../../src/wire/radius-attributes.ts';
import { mutate } from '../rigs/mutate.ts';
import { mustEncode, RadiusRig, radiusSettings, type Send } from '../rigs/radius-servers.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';

const PACKETS = 10_000;
const REQUESTS = 40;

interface Waiting {
  readonly send: Send;
  readonly request: RadiusPacket;
  readonly secret: Uint8Array;
  readonly honest: Uint8Array;
}

/** Requests of both kinds, and one Status-Server to a server that is dead; no answer to any of them. */
function underWay(): { readonly rig: RadiusRig; readonly waiting: readonly Waiting[] } {
  const settings = radiusSettings(3);
  const third: RadiusServer = { ...(settings.servers[2] as RadiusServer), statusServer: true };
  const servers = [settings.servers[0], settings.servers[1], third] as readonly RadiusServer[];
  const rig = new RadiusRig({ ...settings, servers });
  for (const server of rig.servers) server.access = server.accounting = false;
  rig.access(1000, 2);
  rig.advance(29_000);
  rig.advance(13_000);
  const before = rig.sends.length;
  for (let ref = 0; ref < REQUESTS; ref++) {
    if (ref % 2 === 0) rig.access(ref);
    else rig.accounting(ref);
  }
  const status = rig.sends.filter(({ send }) => send.bytes[0] === RADIUS_CODES['Status-Server']).at(-1);
  if (status === undefined) throw new Error('no Status-Server is under way');
  const sends = [...rig.sends.slice(before), status].map(({ send }) => send);
  return { rig, waiting: sends.map((send) => waitingFor(send, servers)) };
}

function waitingFor(send: Send, servers: readonly RadiusServer[]): Waiting {
  const { bytes, socket } = send;
  const { secret } = servers[socket.server] as RadiusServer;
  const request: RadiusPacket = {
    code: bytes[0] ?? 0,
    identifier: bytes[1] ?? 0,
    authenticator: bytes.slice(4, 20),
    attributes: [],
  };
  const code = socket.kind === 'access' ? 'Access-Accept' : 'Accounting-Response';
  const attributes = [text('Reply-Message', 'come in'), octets('Class', Uint8Array.of(1, 2, 3))];
  return { send, request, secret, honest: mustEncode(encodeReply({ request, code, attributes, secret })) };
}

const CODES: readonly RadiusCodeName[] = [
  ...(['Access-Accept', 'Access-Reject', 'Access-Challenge', 'Accounting-Response'] as const),
  ...(['Disconnect-ACK', 'CoA-NAK'] as const),
];

/** What no server answers to this; either answer to a Status-Server is taken (RFC 5997 §4, RFC 6613 §2.6.5). */
function strange({ code }: RadiusPacket): readonly RadiusCodeName[] {
  if (code === RADIUS_CODES['Access-Request']) return CODES.slice(3);
  return code === RADIUS_CODES['Accounting-Request'] ? ['Access-Reject', 'CoA-NAK'] : CODES.slice(4);
}

type Forger = (target: Waiting, random: SeededRandom, all: readonly Waiting[]) => Partial<Datagram>;

const pick = <T>(from: readonly T[], random: SeededRandom): T => from[random.below(from.length)] as T;
const noise = (length: number, random: SeededRandom): Uint8Array =>
  Uint8Array.from({ length }, () => random.below(256));

const FORGERS: Readonly<Record<string, Forger>> = {
  mutated: ({ honest }, random) => ({ bytes: mutate(honest, random) }),
  truncated: ({ honest }, random) => ({ bytes: honest.subarray(0, random.below(honest.length)) }),
  'of another secret': ({ request }, random) => ({
    bytes: mustEncode(
      encodeReply({
        request,
        code: pick(CODES, random),
        attributes: [],
        secret: noise(1 + random.below(30), random),
      }),
    ),
  }),
  'for another request': (target, random, all) => ({
    bytes: pick(
      all.filter((other) => other !== target),
      random,
    ).honest.with(1, target.request.identifier),
  }),
  'of a code that answers something else': ({ request, secret }, random) => ({
    bytes: mustEncode(encodeReply({ request, code: pick(strange(request), random), attributes: [], secret })),
  }),
  'from another address': ({ honest }, random) => ({
    bytes: honest,
    from: { address: `192.0.2.${100 + random.below(100)}`, port: 1812 },
  }),
  'from another port': ({ honest, send }, random) => ({
    bytes: honest,
    from: { address: send.address, port: 2000 + random.below(60_000) },
  }),
  'at another socket': ({ honest, send }, random) => ({
    bytes: honest,
    socket: { ...send.socket, n: 1 + random.below(60) },
  }),
  'at a server that is not there': ({ honest, send }, random) => ({
    bytes: honest,
    socket: { ...send.socket, server: 3 + random.below(5) },
  }),
  noise: (_, random) => ({ bytes: noise(random.below(200), random) }),
  'noise behind a right header': ({ honest }, random) => {
    const body = noise(random.below(300), random);
    const bytes = new Uint8Array(20 + body.length);
    bytes.set(honest.subarray(0, 20));
    bytes.set([(20 + body.length) >> 8, (20 + body.length) & 0xff], 2);
    bytes.set(body, 20);
    return { bytes };
  },
};

/** What is behind Length is padding (RFC 2865 §3): that is the honest packet still. */
function isHonest(bytes: Uint8Array, { honest }: Waiting): boolean {
  return bytesEqual(bytes.subarray(0, honest.length), honest);
}

describe(`${PACKETS} hostile replies`, () => {
  it('are dropped and counted by reason; no request, no server and no identifier is touched', () => {
    const { rig, waiting } = underWay();
    const random = new SeededRandom(20_261_126);
    const names = Object.keys(FORGERS);
    const drops = new Map<string, number>();
    const state = () => ({
      next: rig.client.pollAt(),
      servers: rig.client.servers().map(({ counters: _, ...rest }) => rest),
    });
    const before = state();
    const countedBefore = counted(rig);
    for (let sent = 0, i = 0; sent < PACKETS; i++) {
      const target = pick(waiting, random);
      const name = names[i % names.length] as string;
      const { socket, address, port } = target.send;
      const forged = (FORGERS[name] as Forger)(target, random, waiting);
      const datagram: Datagram = { socket, from: { address, port }, bytes: new Uint8Array(0), ...forged };
      if (forged.from === undefined && forged.socket === undefined && isHonest(datagram.bytes, target))
        continue;
      sent++;
      const effects = rig.client.handleDatagram(datagram, rig.now);
      expect(effects, `${name}, packet ${i}`).toMatchObject([{ type: 'dropped', kind: socket.kind }]);
      const [dropped] = effects;
      if (dropped?.type === 'dropped') drops.set(dropped.reason, (drops.get(dropped.reason) ?? 0) + 1);
    }
    expect(state()).toEqual(before);
    const elsewhere = drops.get('socket') ?? 0;
    expect(counted(rig) - countedBefore).toBe(PACKETS - elsewhere);
    // Each way of being wrong has its word.
    expect([...drops.keys()].sort()).toEqual(
      expect.arrayContaining([
        ...['code', 'length', 'no-request', 'response-authenticator', 'short', 'socket', 'source'],
      ]),
    );
    for (const { send, honest } of waiting) {
      const from = { address: send.address, port: send.port };
      const effects = rig.inject({ socket: send.socket as SocketKey, from, bytes: honest });
      expect(effects.some(({ type }) => type === 'answer' || type === 'server-state')).toBe(true);
      // Replayed, it answers nothing any more.
      expect(rig.inject({ socket: send.socket, from, bytes: honest })).toMatchObject([
        { type: 'dropped', reason: 'no-request' },
      ]);
    }
    expect(rig.pending('access') + rig.pending('accounting')).toBe(0);
  });
});

function counted(rig: RadiusRig): number {
  return rig.client
    .servers()
    .flatMap(({ counters }) => Object.entries(counters))
    .filter(([name]) => name.startsWith('dropped_'))
    .reduce((sum, [, count]) => sum + count, 0);
}
