// A server that lives and says over TLS what cannot be believed: whoever can bring that about (by the realm that they
// log in with, say) must not make it a dead server, since `critical` lets people in where all servers are certainly dead.

import { describe, expect, it } from 'vitest';
import type { SocketKey } from '../../src/radius/effects.ts';
import type { StatusServerMode } from '../../src/radius/status.ts';
import { RADIUS_CODES } from '../../src/wire/radius.ts';
import {
  RadiusRig,
  type Received,
  radiusSettings,
  type ScriptedServer,
  signedAs,
} from '../rigs/radius-servers.ts';

const TLS = { port: 2083, certFile: '/cert', keyFile: '/key', caFile: '/ca' };
const FROM = { address: '192.0.2.1', port: 2083 };
const SECRET = new TextEncoder().encode('secret-1');
const SOCKET: SocketKey = { server: 0, kind: 'access', n: 0 };

/** One server, asked over TLS, that answers nothing by itself. */
function silentServer(statusServer: StatusServerMode = false): { rig: RadiusRig; server: ScriptedServer } {
  const settings = radiusSettings(1);
  const rig = new RadiusRig({ ...settings, servers: [{ ...settings.servers[0]!, tls: TLS, statusServer }] });
  const server = rig.servers[0]!;
  server.access = false;
  return { rig, server };
}

/** Clients of two ports log in at the same time. */
function twoPorts(rig: RadiusRig, ref: number): void {
  rig.access(ref, undefined, 'p1');
  rig.access(ref + 1, undefined, 'p2');
}

const stands = (rig: RadiusRig): void => rig.connection({ socket: SOCKET, state: 'open' });
const comes = (rig: RadiusRig, bytes: Uint8Array): void =>
  void rig.inject({ socket: SOCKET, from: FROM, bytes });
const bareReject = ({ packet }: Received): Uint8Array =>
  signedAs(packet, RADIUS_CODES['Access-Reject'], new Uint8Array(0), SECRET);
const wrongProof = ({ packet }: Received): Uint8Array =>
  signedAs(packet, RADIUS_CODES['Access-Reject'], Uint8Array.of(80, 18, ...new Uint8Array(16)), SECRET);

describe('an Access-Reject without Message-Authenticator, as an old home server behind a proxy sends it', () => {
  it('is dropped and counted, as over UDP: the connection stands, and who waits is answered', () => {
    const { rig, server } = silentServer();
    twoPorts(rig, 1);
    rig.advance(300);
    comes(rig, bareReject(server.received[0]!));
    expect(rig.of('disconnect')).toEqual([]);
    expect(rig.of('server-state')).toEqual([]);
    expect(rig.client.reachable('access')).toBe(true);
    expect(rig.pending('access')).toBe(2);
    comes(rig, rig.reply(server, server.received[1]!.packet)!);
    expect(rig.answeredRefs()).toEqual([2]);
    expect(rig.client.servers()[0]?.counters).toMatchObject({ dropped_message_authenticator_missing: 1 });
  });

  it('is the word of a server that lives: silence about what was asked before it is not certain death', () => {
    const { rig, server } = silentServer();
    twoPorts(rig, 1);
    rig.advance(300);
    comes(rig, bareReject(server.received[0]!));
    rig.advance(7_000);
    expect(rig.of('server-state')).toMatchObject([{ up: false }]);
    expect(rig.client.reachable('access')).toBe(true);
  });

  it('clears no server that says nothing more: what is asked after it counts', () => {
    const { rig, server } = silentServer();
    twoPorts(rig, 1);
    rig.advance(300);
    comes(rig, bareReject(server.received[0]!));
    rig.advance(31_000);
    twoPorts(rig, 3);
    rig.advance(7_000);
    expect(rig.client.reachable('access')).toBe(false);
  });
});

describe('a packet that ends its connection', () => {
  it('is no silence: all that waited is asked anew, the server is up', () => {
    const { rig, server } = silentServer();
    twoPorts(rig, 1);
    rig.advance(300);
    comes(rig, wrongProof(server.received[0]!));
    expect(rig.of('disconnect')).toMatchObject([{ socket: SOCKET }]);
    expect(rig.sends).toHaveLength(4);
    expect(rig.of('server-state')).toEqual([]);
    expect(rig.client.reachable('access')).toBe(true);
  });

  it('is no silence either where no packet can have its length, as the shell finds it', () => {
    const { rig } = silentServer();
    twoPorts(rig, 1);
    rig.advance(3_000);
    rig.connection({ socket: SOCKET, state: 'lost', wasOpen: true, reason: 'framing', detail: 'length 7' });
    expect(rig.of('server-state')).toEqual([]);
    expect(rig.client.reachable('access')).toBe(true);
  });

  it('what is asked while the next connection must wait may not have been sent: its silence is not certain death', () => {
    const { rig, server } = silentServer();
    twoPorts(rig, 1);
    rig.advance(300);
    comes(rig, wrongProof(server.received[0]!));
    rig.advance(60_000);
    twoPorts(rig, 3);
    rig.advance(35_000);
    expect(rig.of('server-state').at(-1)).toMatchObject({ up: false });
    expect(rig.client.reachable('access')).toBe(true);
    // Another one stands: from here on silence is silence.
    stands(rig);
    twoPorts(rig, 5);
    rig.advance(35_000);
    expect(rig.client.reachable('access')).toBe(false);
  });

  it('silence about Status-Server neither, before another connection stands', () => {
    const { rig, server } = silentServer(true);
    stands(rig);
    twoPorts(rig, 1);
    rig.advance(300);
    comes(
      rig,
      wrongProof(server.received.find(({ packet }) => packet.code === RADIUS_CODES['Access-Request'])!),
    );
    rig.advance(60_000);
    expect(rig.of('server-state').at(-1)).toMatchObject({ up: false });
    expect(rig.client.reachable('access')).toBe(true);
    stands(rig);
    rig.advance(11_000);
    expect(rig.client.reachable('access')).toBe(true);
    rig.advance(2_000);
    expect(rig.client.reachable('access')).toBe(false);
  });

  it('a connection that cannot be made is proof', () => {
    const { rig, server } = silentServer();
    twoPorts(rig, 1);
    rig.advance(300);
    comes(rig, wrongProof(server.received[0]!));
    rig.connection({ socket: SOCKET, state: 'lost', wasOpen: false, reason: 'refused', detail: 'refused' });
    expect(rig.client.reachable('access')).toBe(false);
  });
});

describe('an answer that is late beyond all expectation', () => {
  it('to an identifier that is used again is dropped: it may be right for the earlier request', () => {
    const { rig, server } = silentServer();
    server.access = true;
    // Whatever has the first identifier is asked of a home server that is slow.
    server.answer = ({ identifier }) => (identifier === 1 ? undefined : { code: 'Access-Accept' });
    rig.access(1);
    rig.advance(5);
    const first = server.received[0]!;
    const again = () =>
      server.received.find(({ packet }, i) => i > 0 && packet.identifier === first.packet.identifier);
    for (let ref = 10; again() === undefined && ref < 5_000; ref++) {
      rig.access(ref);
      rig.advance(200);
    }
    expect(first.packet.identifier).toBe(1);
    expect(rig.pending('access')).toBe(1);
    comes(rig, rig.reply({ ...server, answer: () => ({ code: 'Access-Accept' }) }, first.packet)!);
    expect(rig.of('dropped')).toMatchObject([{ reason: 'response-authenticator' }]);
    expect(rig.of('disconnect')).toEqual([]);
    expect(rig.pending('access')).toBe(1);
  });

  it('to a Status-Server is dropped: all of them have Identifier 0', () => {
    const { rig, server } = silentServer('auto');
    const asked = () => server.received.filter(({ socket: { kind } }) => kind === 'access');
    rig.advance(31_000);
    const [first, second] = asked();
    expect(asked()).toHaveLength(2);
    comes(rig, rig.reply(server, first!.packet)!);
    expect(rig.of('dropped')).toMatchObject([{ reason: 'response-authenticator' }]);
    expect(rig.of('disconnect')).toEqual([]);
    comes(rig, rig.reply(server, second!.packet)!);
    expect(rig.client.servers()[0]?.counters).toMatchObject({ status_answers: 1 });
  });
});
