// RADIUS over TLS on real sockets: what is told of servers that lie, hang, close, or show a certificate that is not theirs.

import { readFileSync } from 'node:fs';
import { createServer as createTcpServer, type Server } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ConnectionEnd, RadSecConnections } from '../../src/io/servers/radsec.ts';
import type { RadSecSettings } from '../../src/radius/settings.ts';
import { authority, type Issued, issue, labCertificates } from '../rigs/lab/certificates.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import { until } from '../rigs/lab/process.ts';

const NAMES = 'DNS:radius.lab,IP:127.0.0.1';

let folder: LabFolder;
let certificates: Readonly<
  Record<'server' | 'client' | 'expired' | 'elsewhere' | 'foreign' | 'foreignClient', Issued>
>;
let ca: string;

beforeAll(async () => {
  folder = new LabFolder('radsec');
  ca = (await labCertificates()).ca;
  const other = await authority(folder.path, 'other');
  const server = { commonName: 'radius.lab', usage: 'serverAuth', names: NAMES } as const;
  const client = { commonName: 'sw1', usage: 'clientAuth', names: 'DNS:sw1' } as const;
  const make = (name: string, request: Parameters<typeof issue>[2]) => issue(folder.path, name, request);
  certificates = {
    server: await make('server', server),
    client: await make('client', client),
    expired: await make('expired', { ...server, expired: true }),
    elsewhere: await make('elsewhere', { ...server, names: 'DNS:other.lab,IP:192.0.2.1' }),
    foreign: await make('foreign', { ...server, authority: other }),
    foreignClient: await make('foreignclient', { ...client, authority: other }),
  };
});
afterAll(() => folder.remove());

/** A peer, and one client of it. */
class Rig {
  readonly packets: Uint8Array[] = [];
  readonly ends: ConnectionEnd[] = [];
  opened = 0;
  onPacket: () => void = () => undefined;
  readonly accepted: TLSSocket[] = [];
  /** What the peer read. */
  received = Buffer.alloc(0);
  readonly connections: RadSecConnections<string>;

  constructor(
    readonly server: Server,
    readonly port: number,
    readonly settings: RadSecSettings,
  ) {
    this.connections = new RadSecConnections<string>((key) => key, {
      onPacket: ({ bytes }) => {
        this.packets.push(bytes);
        this.onPacket();
      },
      onOpen: () => this.opened++,
      onEnd: (_, end) => this.ends.push(end),
    });
  }

  send(bytes: Uint8Array = packet(1), key = 'a'): void {
    const { port, settings } = this;
    this.connections.send({ key, address: '127.0.0.1', port, settings }, bytes);
  }

  close(): void {
    this.connections.close();
    for (const socket of this.accepted) socket.destroy();
    this.server.close();
  }
}

let rig: Rig | undefined;
afterEach(() => {
  rig?.close();
  rig = undefined;
});

function settingsFor(changes: Partial<RadSecSettings> = {}): RadSecSettings {
  const { client } = certificates;
  return { port: 0, caFile: ca, certFile: client.certificate, keyFile: client.key, ...changes };
}

async function peer(shown: Issued, changes: Partial<RadSecSettings> = {}): Promise<Rig> {
  const { certificate, key } = shown;
  const files = { cert: readFileSync(certificate), key: readFileSync(key), ca: readFileSync(ca) };
  const server = createServer({ ...files, requestCert: true, rejectUnauthorized: true });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const made = new Rig(server, port, settingsFor(changes));
  server.on('secureConnection', (socket) => {
    made.accepted.push(socket);
    socket.on('data', (chunk) => {
      made.received = Buffer.concat([made.received, chunk]);
    });
    socket.on('error', () => undefined);
  });
  server.on('tlsClientError', () => undefined);
  rig = made;
  return made;
}

function packet(identifier: number, length = 20): Uint8Array {
  const bytes = new Uint8Array(length).fill(7, 20);
  bytes.set([2, identifier, length >> 8, length & 0xff]);
  return bytes;
}

describe('a server that is believed', () => {
  it('gets what was sent before the connection stood, in order; its answers come out packet by packet', async () => {
    const rig = await peer(certificates.server);
    for (let id = 0; id < 100; id++) rig.send(packet(id, 20 + id));
    await until('all of it', () => rig.received.length === 100 * 20 + 4950);
    expect(rig.opened).toBe(1);
    const answers = Buffer.concat([packet(1, 300), packet(2, 20), packet(3, 4096)]);
    rig.accepted[0]?.write(answers.subarray(0, 310));
    await until('the first', () => rig.packets.length === 1);
    rig.accepted[0]?.write(answers.subarray(310));
    await until('the others', () => rig.packets.length === 3);
    expect(rig.packets.map((bytes) => [bytes[1], bytes.length])).toEqual([
      [1, 300],
      [2, 20],
      [3, 4096],
    ]);
    expect(rig.ends).toEqual([]);
  });

  it('that closes the connection is connected to again with the next packet', async () => {
    const rig = await peer(certificates.server);
    rig.send();
    await until('the connection', () => rig.accepted.length === 1);
    rig.accepted[0]?.end();
    await until('the end', () => rig.ends.length === 1);
    expect(rig.ends[0]).toMatchObject({ wasOpen: false, reason: 'closed' });
    rig.send();
    // One that did not stand for long: a second's wait, and then it is made without being asked again.
    await until('the next one', () => rig.accepted.length === 2, 4_000);
    expect(rig.opened).toBe(2);
  });

  it('that is given up for each packet is connected to later and later, and no packet behind it is told', async () => {
    const rig = await peer(certificates.server);
    rig.onPacket = () => rig.connections.disconnect('a');
    const times: number[] = [];
    rig.server.on('secureConnection', (socket) => {
      times.push(Date.now());
      socket.write(Buffer.concat([packet(1), packet(2)]));
    });
    const asking = setInterval(() => rig.send(), 20);
    await until('three connections', () => times.length === 3, 10_000);
    clearInterval(asking);
    const [first = 0, second = 0, third = 0] = times;
    // 1 and 2 s, a quarter less at most.
    expect(second - first).toBeGreaterThan(700);
    expect(third - second).toBeGreaterThan(1_400);
    await until('its packet', () => rig.packets.length === 3);
    expect(rig.packets.map((bytes) => bytes[1])).toEqual([1, 1, 1]);
  });

  it('that is given up is told of no more', async () => {
    const rig = await peer(certificates.server);
    rig.send();
    await until('the connection', () => rig.opened === 1);
    rig.connections.disconnect('a');
    await until(
      'the close',
      () => rig.accepted[0]?.destroyed === true || rig.accepted[0]?.readableEnded === true,
    );
    expect(rig.ends).toEqual([]);
    rig.send();
    await until('the next one', () => rig.opened === 2);
  });

  it('by its name, or by its fingerprint alone', async () => {
    const named = await peer(certificates.elsewhere, { serverName: 'other.lab' });
    named.send();
    await until('the connection', () => named.opened === 1);
    named.close();
    const { X509Certificate } = await import('node:crypto');
    const { fingerprint256 } = new X509Certificate(readFileSync(certificates.foreign.certificate));
    const { caFile: _, ...own } = settingsFor();
    const { certificate, key } = certificates.foreign;
    const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const port = (server.address() as { port: number }).port;
    const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
    rig = new Rig(server, port, { ...own, fingerprint });
    server.on('secureConnection', (socket) => rig?.accepted.push(socket));
    const pinned = rig;
    pinned.send();
    await until('the pinned connection', () => pinned.opened === 1);
  });
});

describe('a server that is not believed: nothing is sent to it, and it is said why', () => {
  const cases: readonly (readonly [string, keyof typeof certificates, Partial<RadSecSettings>, RegExp])[] = [
    ['expired', 'expired', {}, /certificate of the server has expired/],
    ['signed by somebody else', 'foreign', {}, /signed by an authority that is not in ca_file/],
    ['for another address', 'elsewhere', {}, /not for 127\.0\.0\.1: .*192\.0\.2\.1/],
    ['for another name', 'server', { serverName: 'elsewhere.lab' }, /not for elsewhere\.lab/],
    [
      'with another fingerprint',
      'server',
      { fingerprint: '00'.repeat(32) },
      /another fingerprint: [0-9a-f]{64}/,
    ],
  ];
  it.each(cases)('%s', async (_, shown, changes, words) => {
    const rig = await peer(certificates[shown], changes);
    rig.send();
    await until('the end', () => rig.ends.length > 0);
    expect(rig.ends).toMatchObject([{ wasOpen: false, reason: 'certificate' }]);
    expect(rig.ends[0]?.detail).toMatch(words);
    expect(rig.received).toHaveLength(0);
  });

  it('a server that does not believe us is named as the one who refuses', async () => {
    const { certificate, key } = certificates.foreignClient;
    const rig = await peer(certificates.server, { certFile: certificate, keyFile: key });
    rig.send();
    await until('the end', () => rig.ends.length > 0);
    expect(rig.ends[0]?.wasOpen).toBe(false);
    expect(rig.ends[0]?.detail).toMatch(/(refused us|before it said anything).*foreignclient\.pem/);
  });
});

describe('a server that is no RADIUS server', () => {
  it.each([0, 19, 4097])('a length of %i closes the connection, and is told as framing', async (length) => {
    const rig = await peer(certificates.server);
    rig.send();
    await until('the connection', () => rig.accepted.length === 1);
    rig.accepted[0]?.write(Uint8Array.of(2, 1, length >> 8, length & 0xff, 0, 0));
    await until('the end', () => rig.ends.length === 1);
    expect(rig.ends[0]).toMatchObject({ wasOpen: true, reason: 'framing' });
    expect(rig.packets).toEqual([]);
  });

  it('nobody listens: refused, and tried again later and later, without a packet from the time before', async () => {
    const rig = await peer(certificates.server);
    rig.server.close();
    for (let i = 0; i < 20; i++) rig.send(packet(i));
    await until('the end', () => rig.ends.length === 1);
    expect(rig.ends[0]).toMatchObject({ wasOpen: false, reason: 'refused' });
    for (let i = 0; i < 20; i++) rig.send(packet(i));
    await until('another try', () => rig.ends.length === 2, 4_000);
    expect(rig.ends).toHaveLength(2);
  });

  it('nobody listens, and the clock goes back by two hours: it is tried again as soon', async () => {
    const rig = await peer(certificates.server);
    rig.server.close();
    rig.send();
    await until('the end', () => rig.ends.length === 1);
    const now = Date.now.bind(Date);
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 2 * 3_600_000);
    rig.send();
    await until('another try', () => rig.ends.length === 2, 4_000).finally(() => clock.mockRestore());
  });

  it('one that is given up for good is forgotten when another is connected to', async () => {
    const rig = await peer(certificates.server);
    const known = () => [
      ...(rig.connections as unknown as { connections: Map<string, unknown> }).connections.keys(),
    ];
    rig.send(packet(1), 'before');
    await until('the connection', () => rig.opened === 1);
    rig.connections.disconnect('before');
    rig.send(packet(1), 'soon');
    expect(known()).toEqual(['before', 'soon']);
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000);
    rig.send(packet(1), 'later');
    clock.mockRestore();
    expect(known()).toEqual(['soon', 'later']);
  });

  it('one that speaks no TLS ends in an error', async () => {
    const server = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    rig = new Rig(server, (server.address() as { port: number }).port, settingsFor());
    const plain = rig;
    plain.send();
    await until('the end', () => plain.ends.length === 1);
    expect(plain.ends[0]).toMatchObject({ wasOpen: false });
  });
});

describe('our own files', () => {
  it.each([
    ['a key that is not there', { keyFile: '/nowhere/sw1.key' }, /key_file \/nowhere\/sw1\.key: ENOENT/],
    ['no PEM', { certFile: '/dev/null' }, /cert_file \/dev\/null: it is no PEM file/],
  ] as const)('%s: said, and nothing is connected', async (_, changes, words) => {
    const rig = await peer(certificates.server, changes);
    rig.send();
    await until('the end', () => rig.ends.length === 1);
    expect(rig.ends[0]).toMatchObject({ wasOpen: false, reason: 'files' });
    expect(rig.ends[0]?.detail).toMatch(words);
    expect(rig.accepted).toEqual([]);
  });

  it('a key of another certificate, and a certificate that has expired', async () => {
    const { server, client, expired } = certificates;
    for (const [changes, words] of [
      [{ certFile: client.certificate, keyFile: server.key }, /cannot be used: .*key/i],
      [{ certFile: expired.certificate, keyFile: expired.key }, /expired\.pem: it expired on/],
    ] as const) {
      const rig = await peer(server, changes);
      rig.send();
      await until('the end', () => rig.ends.length === 1);
      expect(rig.ends[0]?.detail).toMatch(words);
      rig.close();
    }
  });
});
