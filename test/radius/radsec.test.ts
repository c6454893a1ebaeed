// RADIUS over TLS as the engine sees it: connections that stand, end, or cannot be made.

import { describe, expect, it } from 'vitest';
import type { SocketKey } from '../../src/radius/effects.ts';
import type { RadiusServer } from '../../src/radius/settings.ts';
import type { StatusServerMode } from '../../src/radius/status.ts';
import { RADIUS_CODES } from '../../src/wire/radius.ts';
import { RadiusRig, radiusSettings } from '../rigs/radius-servers.ts';

const TLS = { port: 2083, certFile: '/cert', keyFile: '/key', caFile: '/ca' };

/** Server 0 is asked over TLS. */
function rigWith(servers = 2, statusServer: StatusServerMode = false): RadiusRig {
  const settings = radiusSettings(servers);
  const first: RadiusServer = { ...(settings.servers[0] as RadiusServer), tls: TLS, statusServer };
  return new RadiusRig({ ...settings, servers: [first, ...settings.servers.slice(1)] });
}

const socket = (n = 0, kind: SocketKey['kind'] = 'access'): SocketKey => ({ server: 0, kind, n });
const lost = (rig: RadiusRig, n = 0, wasOpen = true): void =>
  rig.connection({ socket: socket(n), state: 'lost', wasOpen, reason: 'closed', detail: 'closed' });
const sentTo = (rig: RadiusRig, server: number) =>
  rig.sends.filter(({ send }) => send.socket.server === server);

describe('over a connection', () => {
  it('requests go to the port of TLS, and identifier 0 is left to Status-Server', () => {
    const rig = rigWith();
    for (let ref = 0; ref < 600; ref++) rig.access(ref);
    const sends = rig.sends.map(({ send }) => send);
    expect(new Set(sends.map(({ port, tls }) => `${tls?.certFile} ${port}`))).toEqual(
      new Set(['/cert 2083']),
    );
    expect(sends.some(({ bytes }) => bytes[1] === 0)).toBe(false);
    // More than 255 in flight: another connection.
    expect(new Set(sends.map(({ socket: { n } }) => n))).toEqual(new Set([0, 1, 2]));
    rig.advance(50);
    expect(rig.answeredRefs()).toHaveLength(600);
    expect(rig.reused).toEqual([]);
  });

  it('nothing is sent twice: a request is waited for, and then asked elsewhere', () => {
    const rig = rigWith();
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.advance(5_900);
    expect(rig.sends).toHaveLength(1);
    rig.advance(200);
    expect(rig.sends.map(({ send }) => send.socket.server)).toEqual([0, 1]);
    expect(rig.of('answer')).toMatchObject([{ ref: 1, server: 1 }]);
    // It may be dead without a word.
    expect(rig.of('disconnect')).toEqual([{ type: 'disconnect', socket: socket() }]);
    expect(rig.of('server-state')).toMatchObject([{ server: 0, up: false, because: 'no answer' }]);
  });

  it('a patience of 5 s: the server that had all of it is dead, one that was asked just before the end is not', () => {
    const rig = rigWith();
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.advance(5_000);
    rig.cancel(1, 'unanswered');
    expect(rig.of('server-state')).toMatchObject([{ server: 0, up: false }]);
    expect(rig.of('disconnect')).toEqual([{ type: 'disconnect', socket: socket() }]);
    const behind = rigWith(1);
    const { servers } = radiusSettings(2);
    behind.reconfigure(
      { ...radiusSettings(0), servers: [servers[1]!, { ...servers[0]!, tls: TLS }] },
      () => false,
    );
    for (const server of behind.servers) server.access = false;
    behind.access(1);
    behind.advance(6_100);
    behind.cancel(1, 'unanswered');
    expect(behind.of('server-state')).toMatchObject([{ server: 1, up: false }]);
  });

  it('accounting has its own: what is lost there is not lost here', () => {
    const rig = rigWith();
    rig.servers[0]!.latency = 500;
    rig.access(1);
    rig.accounting(2);
    rig.connection({
      socket: socket(0, 'accounting'),
      state: 'lost',
      wasOpen: true,
      reason: 'closed',
      detail: '',
    });
    rig.advance(1_100);
    expect(rig.of('answer').find(({ ref }) => ref === 1)).toMatchObject({ server: 0 });
  });
});

describe('a connection that ends', () => {
  it('with requests on it: each is asked elsewhere at once, and none is lost', () => {
    const rig = rigWith();
    rig.servers[0]!.access = false;
    for (let ref = 0; ref < 50; ref++) rig.access(ref);
    rig.advance(100);
    lost(rig);
    rig.advance(50);
    expect(rig.answeredRefs()).toHaveLength(50);
    expect(rig.of('answer').every(({ server }) => server === 1)).toBe(true);
    expect(rig.of('server-state')).toMatchObject([{ server: 0, up: false }]);
  });

  it('with no other server: asked anew over the next one, as another packet', () => {
    const rig = rigWith(1);
    const [first] = rig.servers;
    if (first === undefined) throw new Error('no server');
    first.access = false;
    rig.access(1);
    rig.advance(100);
    first.access = true;
    lost(rig);
    rig.advance(50);
    expect(rig.answeredRefs()).toEqual([1]);
    const [one, two] = sentTo(rig, 0).map(({ send }) =>
      Buffer.from(send.bytes.subarray(4, 20)).toString('hex'),
    );
    expect(one).not.toBe(two);
  });

  it('while nothing waits for it: nothing happens', () => {
    const rig = rigWith();
    rig.access(1);
    rig.advance(50);
    const before = rig.effects.length;
    lost(rig);
    expect(rig.effects).toHaveLength(before);
    expect(rig.client.servers()[0]?.counters).toMatchObject({ connection_closed: 1 });
  });

  it('frees its identifiers, and an answer that was meant for it answers nothing', () => {
    const rig = rigWith(1);
    rig.servers[0]!.latency = 1_000;
    for (let ref = 0; ref < 255; ref++) rig.access(ref);
    rig.advance(500);
    lost(rig);
    for (let ref = 300; ref < 400; ref++) rig.access(ref);
    expect(Math.max(...rig.sends.map(({ send }) => send.socket.n))).toBeLessThanOrEqual(1);
    rig.advance(2_000);
    expect(new Set(rig.answeredRefs()).size).toBe(355);
  });
});

describe('RFC 6613 §2.6.4: a packet that cannot be believed ends its connection', () => {
  const FROM = { address: '192.0.2.1', port: 2083 };
  /** Request 1 is on its way to server 0, which is silent, and this comes in on its connection. */
  const come = (rig: RadiusRig, spoil: (reply: Uint8Array) => void): void => {
    const [server] = rig.servers;
    if (server === undefined) throw new Error('no server');
    server.access = false;
    rig.access(1);
    rig.access(2);
    rig.advance(100);
    const reply = rig.reply(server, server.received.at(-2)!.packet);
    if (reply === undefined) throw new Error('no reply');
    spoil(reply);
    rig.inject({ socket: socket(), from: FROM, bytes: reply });
  };

  it.each<readonly [string, (reply: Uint8Array) => void]>([
    ['response_authenticator', (reply) => reply.fill(0, 4, 20)],
    ['attribute_length', (reply) => reply.fill(1, 21, 22)],
    // In answer to nothing, too.
    ['attribute_length', (reply) => reply.fill(99, 1, 2).fill(1, 21, 22)],
  ])('%s: all that waits there is asked elsewhere at once', (reason, spoil) => {
    const rig = rigWith();
    come(rig, spoil);
    expect(rig.of('disconnect')).toContainEqual({
      type: 'disconnect',
      socket: socket(),
      because: expect.stringContaining(reason.replace('_', '-')),
    });
    rig.advance(50);
    expect(rig.of('answer')).toMatchObject([
      { ref: 1, server: 1 },
      { ref: 2, server: 1 },
    ]);
    expect(rig.client.servers()[0]?.counters).toMatchObject({
      [`dropped_${reason}`]: 1,
      connection_invalid: 1,
    });
  });

  it('with no other server, all of it is asked anew, after the end and not before', () => {
    const rig = rigWith(1);
    come(rig, (reply) => reply.fill(0, 4, 20));
    const order = rig.effects.map(({ type }) => type);
    expect(order.slice(order.lastIndexOf('disconnect') + 1)).toEqual(['send', 'send']);
    rig.servers[0]!.access = true;
    rig.access(3);
    rig.advance(50);
    expect(rig.answeredRefs()).toContain(3);
  });

  it.each<readonly [string, (reply: Uint8Array) => void]>([
    ['no_request', (reply) => reply.fill(99, 1, 2)],
    ['code', (reply) => reply.fill(5, 0, 1)],
  ])('%s: dropped, and nothing else', (reason, spoil) => {
    const rig = rigWith();
    come(rig, spoil);
    expect(rig.of('disconnect')).toEqual([]);
    expect(rig.client.servers()[0]?.counters).toMatchObject({ [`dropped_${reason}`]: 1 });
    expect(rig.pending('access')).toBe(2);
  });

  it('a status answer that is wrong: what is asked next is asked over the next one', () => {
    const rig = rigWith(1, true);
    rig.servers[0]!.access = false;
    rig.advance(10);
    const bytes = rig.reply(rig.servers[0]!, rig.servers[0]!.received.at(-1)!.packet)!.fill(0, 4, 20);
    rig.inject({ socket: socket(), from: FROM, bytes });
    expect(rig.of('disconnect')).toMatchObject([{ socket: socket() }]);
    rig.inject({ socket: socket(), from: FROM, bytes });
    expect(rig.of('disconnect')).toHaveLength(1);
  });

  it('over UDP it ends nothing', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.servers[0]!.latency = 200;
    rig.access(1);
    rig.advance(300);
    const bytes = rig.reply(rig.servers[0]!, rig.servers[0]!.received[0]!.packet)!.fill(0, 4, 20);
    rig.inject({ socket: socket(), from: { address: '192.0.2.1', port: 1812 }, bytes });
    expect(rig.of('disconnect')).toEqual([]);
    rig.advance(200);
    expect(rig.answeredRefs()).toEqual([1]);
  });
});

describe('a connection that cannot be made', () => {
  it('makes the server dead at once, says why, and sends the login elsewhere', () => {
    const rig = rigWith();
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.connection({
      socket: socket(),
      state: 'lost',
      wasOpen: false,
      reason: 'certificate',
      detail: 'the certificate of the server has expired',
    });
    rig.advance(20);
    expect(rig.of('answer')).toMatchObject([{ ref: 1, server: 1 }]);
    expect(rig.of('server-state')).toMatchObject([
      { server: 0, up: false, because: 'the certificate of the server has expired' },
    ]);
    expect(rig.client.servers()[0]?.counters).toMatchObject({ connection_certificate: 1 });
  });

  it('a conversation with it is given up where another server lives', () => {
    const rig = rigWith();
    rig.servers[0]!.access = false;
    rig.access(1, 0);
    lost(rig, 0, false);
    rig.advance(20);
    expect(rig.of('no-answer')).toMatchObject([{ ref: 1 }]);
  });

  it('with no other server, requests do not chase each other: bounded by MRC and MRD', () => {
    const rig = rigWith(1);
    rig.servers[0]!.access = false;
    rig.access(1);
    for (let i = 0; i < 100; i++) lost(rig, 0, false);
    expect(rig.sends.length).toBeLessThanOrEqual(6);
    rig.advance(60_000);
    expect(rig.of('no-answer')).toHaveLength(1);
  });
});

describe('the watchdog of a connection (RFC 3539 §3.4)', () => {
  const statusAt = (rig: RadiusRig): number[] =>
    sentTo(rig, 0)
      .filter(({ send }) => send.bytes[0] === RADIUS_CODES['Status-Server'] && send.socket.kind === 'access')
      .map(({ at }) => (at - (rig.sends[0]?.at ?? 0)) / 1000);

  it('asks at the start, and again when the connection was idle for so long; at Identifier 0', () => {
    const rig = rigWith(1, true);
    rig.advance(100_000);
    expect(statusAt(rig)).toEqual([0, 30, 60, 90]);
    expect(sentTo(rig, 0).every(({ send }) => send.bytes[1] === 0 && send.socket.n === 0)).toBe(true);
    for (let i = 0; i < 60; i++) {
      rig.access(i);
      rig.advance(1_000);
    }
    expect(statusAt(rig)).toHaveLength(4);
  });

  it('one that is not answered makes the server dead, and the connection is given up', () => {
    const rig = rigWith(1, true);
    rig.advance(40_000);
    rig.servers[0]!.access = false;
    rig.advance(51_000);
    expect(rig.of('server-state')).toMatchObject([{ kind: 'access', up: false }]);
    expect(rig.of('disconnect')).toMatchObject([{ socket: socket() }]);
    rig.servers[0]!.access = true;
    rig.connection({ socket: socket(), state: 'open' });
    rig.advance(20);
    expect(rig.of('server-state').at(-1)).toMatchObject({ kind: 'access', up: true });
  });

  it('auto: a server that knows no Status-Server is not taken for dead by it', () => {
    const rig = rigWith(1, 'auto');
    rig.servers[0]!.knowsStatus = false;
    rig.advance(600_000);
    expect(rig.of('server-state')).toEqual([]);
  });
});
