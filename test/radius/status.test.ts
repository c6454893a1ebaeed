// Status-Server (RFC 5997): how the return of a dead server is seen, and what is never sent.

import { describe, expect, it } from 'vitest';
import { type Millis, seconds } from '../../src/base/time.ts';
import type { RadiusServer } from '../../src/radius/settings.ts';
import type { StatusServerMode } from '../../src/radius/status.ts';
import { encodeReply, RADIUS_CODES, type RadiusPacket } from '../../src/wire/radius.ts';
import { verifyAccessRequest } from '../../src/wire/radius-verify.ts';
import { mustEncode, RadiusRig, radiusSettings, SeededEntropy, type Send } from '../rigs/radius-servers.ts';

interface RigOptions {
  readonly servers?: number;
  readonly mode?: StatusServerMode;
  readonly entropy?: SeededEntropy;
  readonly interval?: Millis;
}

/** Server 0 has the given mode, the others have none. */
function rigWith({
  servers = 2,
  mode = 'auto',
  entropy,
  interval = seconds(30),
}: RigOptions = {}): RadiusRig {
  const settings = radiusSettings(servers, { statusInterval: interval });
  const first = { ...(settings.servers[0] as RadiusServer), statusServer: mode };
  return new RadiusRig({ ...settings, servers: [first, ...settings.servers.slice(1)] }, entropy);
}

const isStatus = (send: Send): boolean => send.bytes[0] === RADIUS_CODES['Status-Server'];
const statusSends = (rig: RadiusRig) => rig.sends.filter(({ send }) => isStatus(send));
const secondsOf = (rig: RadiusRig): number[] =>
  statusSends(rig).map(({ at }) => (at - (rig.sends[0]?.at ?? 0)) / 1000);

/** Its access side is dead after 6 s; at the second server everybody gets in. */
function dead(rig: RadiusRig): void {
  const [first] = rig.servers;
  if (first === undefined) throw new Error('no server');
  first.access = false;
  rig.access(1);
  rig.advance(6_500);
}

describe('a server that is dead', () => {
  it('is asked at once, twice more every 6 s, then every 30 s, and nothing else is sent to it', () => {
    const rig = rigWith({ mode: true });
    dead(rig);
    rig.advance(100_000);
    expect(secondsOf(rig)).toEqual([6, 12, 18, 48, 78]);
    for (let ref = 2; ref < 50; ref++) rig.access(ref);
    rig.advance(20);
    expect(
      rig.sends.filter(({ at, send }) => send.socket.server === 0 && at > 10_000 && !isStatus(send)),
    ).toHaveLength(2);
    expect(rig.of('answer').every(({ server }) => server === 1)).toBe(true);
  });

  it('is back with the first answer: at once it is preferred again', () => {
    const rig = rigWith();
    dead(rig);
    rig.advance(10_000);
    (rig.servers[0] as { access: boolean }).access = true;
    rig.advance(20_000);
    expect(rig.of('server-state').at(-1)).toMatchObject({
      server: 0,
      kind: 'access',
      up: true,
      because: 'it answered Status-Server',
    });
    rig.access(2);
    rig.advance(20);
    expect(rig.of('answer').at(-1)).toMatchObject({ ref: 2, server: 0 });
    const before = statusSends(rig).length;
    rig.advance(600_000);
    expect(statusSends(rig)).toHaveLength(before);
    expect(rig.client.servers()[0]?.counters).toMatchObject({ status_requests: 3, status_answers: 1 });
  });

  it('is asked for each kind at its own port: accounting that is dead says nothing of authentication', () => {
    const rig = rigWith({ mode: true });
    (rig.servers[0] as { accounting: boolean }).accounting = false;
    rig.accounting(1);
    rig.advance(60_000);
    const asked = new Set(statusSends(rig).map(({ send }) => `${send.socket.kind} ${send.port}`));
    expect([...asked]).toEqual(['accounting 1813']);
  });
});

describe('each Status-Server', () => {
  it('is a packet of its own: fresh Identifier and Authenticator, signed, from a source port of its own', () => {
    const rig = rigWith({ mode: true, entropy: new SeededEntropy(7) });
    dead(rig);
    rig.advance(600_000);
    const sends = statusSends(rig).map(({ send }) => send);
    expect(sends.length).toBeGreaterThan(15);
    const hex = (send: Send, from: number, to: number) =>
      Buffer.from(send.bytes.subarray(from, to)).toString('hex');
    expect(new Set(sends.map((send) => hex(send, 4, 20))).size).toBe(sends.length);
    expect(new Set(sends.map((send) => send.bytes[1])).size).toBe(sends.length);
    const requests = new Set(
      rig.sends.filter(({ send }) => !isStatus(send)).map(({ send }) => send.socket.n),
    );
    for (const send of sends) {
      expect(requests.has(send.socket.n)).toBe(false);
      const { secret } = rig.servers[0]!.settings;
      const verified = verifyAccessRequest({
        packetBytes: send.bytes,
        secret,
        requireMessageAuthenticator: true,
      });
      expect(verified.ok && verified.value.attributes.map(({ type }) => type)).toEqual([80, 32, 4]);
    }
    const gaps = secondsOf(rig)
      .slice(2)
      .map((s, i, all) => s - (all[i - 1] ?? s - 30));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(27);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(33);
    expect(new Set(gaps).size).toBeGreaterThan(10);
  });

  it('is believed only if its answer is: forged, late and foreign ones change nothing and are counted', () => {
    const rig = rigWith({ mode: true });
    dead(rig);
    rig.advance(30_000);
    const { send } = statusSends(rig).at(-1)!;
    const request: RadiusPacket = {
      code: send.bytes[0]!,
      identifier: send.bytes[1]!,
      authenticator: send.bytes.slice(4, 20),
      attributes: [],
    };
    const { secret } = rig.servers[0]!.settings;
    const from = { address: send.address, port: send.port };
    const honest = mustEncode(encodeReply({ request, code: 'Access-Accept', attributes: [], secret }));
    const forged = honest.slice();
    forged[20 + 3] = (forged[20 + 3] ?? 0) ^ 1;
    const answers = [
      { bytes: forged, from, reason: 'response-authenticator' },
      { bytes: honest, from: { ...from, port: 9 }, reason: 'source' },
      {
        bytes: mustEncode(encodeReply({ request, code: 'Access-Reject', attributes: [], secret })),
        from,
        reason: 'code',
      },
      { bytes: honest, from, socket: { ...send.socket, n: 1 }, reason: 'no-request' },
    ];
    for (const { bytes, from, reason, socket = send.socket } of answers) {
      expect(rig.inject({ socket, from, bytes })).toMatchObject([{ type: 'dropped', reason }]);
    }
    expect(rig.client.reachable('access')).toBe(true);
    expect(rig.client.servers()[0]?.up).toBe(false);
    expect(rig.inject({ socket: send.socket, from, bytes: honest })).toMatchObject([
      { type: 'server-state', up: true },
    ]);
    // The same once more answers nothing.
    expect(rig.inject({ socket: send.socket, from, bytes: honest })).toMatchObject([
      { reason: 'no-request' },
    ]);
  });
});

describe('a server that is silent about what clients of one port ask', () => {
  /** So many requests for different clients of one port, all of them unanswered. */
  function ignored(rig: RadiusRig, origin = 'p1', count = 3): void {
    for (let ref = 0; ref < count; ref++) rig.access(1000 + ref, undefined, origin);
    rig.advance(6_500);
  }
  const certain = (rig: RadiusRig): boolean => !rig.client.reachable('access');
  const one = (mode: StatusServerMode): { rig: RadiusRig; server: RadiusRig['servers'][number] } => {
    const rig = rigWith({ servers: 1, mode });
    const server = rig.servers[0]!;
    server.answer = (packet) =>
      packet.code === RADIUS_CODES['Status-Server'] ? { code: 'Access-Accept' } : undefined;
    return { rig, server };
  };

  it.each(['auto', true] as const)('is back at once where it answers Status-Server (%s)', (mode) => {
    const { rig } = one(mode);
    ignored(rig);
    expect(certain(rig)).toBe(false);
    expect(rig.client.servers()[0]?.up).toBe(true);
    expect(rig.of('server-state').map(({ up }) => up)).toEqual([false, true]);
  });

  it('is certainly dead where two about Status-Server are not answered either: 12 s later', () => {
    const { rig, server } = one(true);
    server.access = false;
    ignored(rig);
    rig.advance(11_000);
    expect(certain(rig)).toBe(false);
    rig.advance(1_000);
    expect(certain(rig)).toBe(true);
  });

  it.each(['auto', false] as const)(
    'is never certainly dead for that, where it knows no Status-Server (%s); with another port it is',
    (mode) => {
      const { rig, server } = one(mode);
      server.knowsStatus = false;
      for (let round = 0; round < 20; round++) {
        ignored(rig);
        rig.advance(30_000);
        expect(certain(rig)).toBe(false);
      }
      expect(rig.client.servers()[0]?.up).toBe(false);
      ignored(rig, 'p2', 1);
      expect(certain(rig)).toBe(true);
      server.answer = () => ({ code: 'Access-Reject' });
      rig.access(1);
      rig.advance(20);
      expect(certain(rig)).toBe(false);
      // What was before its answer counts no more.
      server.answer = () => undefined;
      ignored(rig, 'p2');
      expect(certain(rig)).toBe(false);
    },
  );
});

describe('a server that is silent about what clients of two ports ask', () => {
  interface Watched {
    readonly rig: RadiusRig;
    readonly server: RadiusRig['servers'][number];
    /** The seconds, counted from 1, in which it was certainly dead at some moment. */
    readonly certain: (forS: number) => number[];
  }
  /** A client of each port asks, every 40 s. */
  function two(mode: StatusServerMode, tls = false): Watched {
    const settings = radiusSettings(1);
    const [first] = settings.servers as [RadiusServer];
    const over = tls ? { tls: { port: 2083, certFile: '/cert', keyFile: '/key' } } : {};
    const rig = new RadiusRig({ ...settings, servers: [{ ...first, ...over, statusServer: mode }] });
    const server = rig.servers[0]!;
    server.answer = () => undefined;
    let ref = 0;
    let ended = -1;
    /** As the shell does: what was ended stands again at once. */
    const stands = (): void => {
      const now = rig.of('disconnect').length;
      if (now === ended) return;
      ended = now;
      rig.connection({ socket: { server: 0, kind: 'access', n: 0 }, state: 'open' });
    };
    const certain = (forS: number): number[] => {
      const seen: number[] = [];
      for (let s = 0; s < forS; s++) {
        if (s % 40 === 0) for (const port of ['p1', 'p2']) rig.access(ref++, undefined, port);
        let dead = false;
        for (let ms = 0; ms < 1_000; ms += 5) {
          if (tls) stands();
          rig.advance(5);
          dead ||= !rig.client.reachable('access');
        }
        if (dead) seen.push(s + 1);
      }
      return seen;
    };
    return { rig, server, certain };
  }

  it.each([
    [true, false],
    ['auto', false],
    [true, true],
    ['auto', true],
  ] as const)(
    'is never certainly dead, while it answers Status-Server (%s, TLS %s); when that ends it is',
    (mode, tls) => {
      const { rig, server, certain } = two(mode, tls);
      expect(certain(1_000)).toEqual([]);
      expect(rig.of('server-state').filter(({ up }) => !up).length).toBeGreaterThan(2);
      server.access = false;
      expect(certain(60).at(-1)).toBe(60);
      server.access = true;
      rig.advance(40_000);
      expect(rig.client.reachable('access')).toBe(true);
    },
  );

  it('auto: is certainly dead where it has not answered a first Status-Server for 6 s', () => {
    const { server, certain } = two('auto');
    server.knowsStatus = false;
    expect(certain(20)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20]);
  });

  it('is certainly dead at once where it is asked no Status-Server', () => {
    expect(two(false).certain(8)).toEqual([6, 7, 8]);
  });
});

describe('auto: a server that knows no Status-Server', () => {
  it('is judged by a canary, as if there were none; its silence about Status-Server counts for nothing', () => {
    const rig = rigWith({ mode: 'auto' });
    const first = rig.servers[0]!;
    first.knowsStatus = false;
    dead(rig);
    rig.advance(60_000);
    first.access = true;
    rig.access(2);
    rig.advance(20);
    expect(rig.of('answer').at(-1)).toMatchObject({ ref: 2, server: 0 });
    expect(rig.of('server-state').at(-1)).toMatchObject({ up: true, because: 'it answered a request' });
  });

  it('once it has answered one, no login is spent on finding out', () => {
    const rig = rigWith({ mode: 'auto' });
    const first = rig.servers[0]!;
    dead(rig);
    first.access = true;
    rig.advance(40_000);
    expect(rig.client.servers()[0]?.up).toBe(true);
    first.access = false;
    rig.access(2);
    rig.advance(7_000);
    const asked = rig.sends.length;
    rig.advance(120_000);
    for (let ref = 10; ref < 20; ref++) rig.access(ref);
    const requests = rig.sends.slice(asked).filter(({ send }) => !isStatus(send));
    expect(requests.map(({ send }) => send.socket.server)).toEqual(Array(10).fill(1));
  });

  it('one that comes back without what it knew before is tried by a request, after half an hour', () => {
    const rig = rigWith({ mode: 'auto' });
    const first = rig.servers[0]!;
    dead(rig);
    first.access = true;
    rig.advance(40_000);
    first.access = false;
    rig.access(2);
    rig.advance(7_000);
    first.knowsStatus = false;
    first.access = true;
    const state = () => rig.client.servers()[0];
    for (let minute = 0; minute < 29; minute++) {
      rig.access(10 + minute);
      rig.advance(60_000);
    }
    expect(state()).toMatchObject({ up: false });
    for (let minute = 29; minute < 35; minute++) {
      rig.access(10 + minute);
      rig.advance(60_000);
    }
    expect(state()).toMatchObject({ up: true, counters: { status_answers: 1 } });
    // From now on as one that never knew it.
    first.access = false;
    rig.access(3);
    rig.advance(7_000);
    first.access = true;
    rig.advance(60_000);
    rig.access(4);
    rig.advance(20);
    expect(state()).toMatchObject({ up: true });
  });

  it('never asks where it is switched off', () => {
    const rig = rigWith({ mode: false });
    dead(rig);
    rig.advance(600_000);
    expect(statusSends(rig)).toEqual([]);
  });
});

describe('a server that answers Status-Server, and no request', () => {
  it('is brought back half as often each time, so that ever fewer logins find out', () => {
    const rig = rigWith({ mode: true, interval: seconds(10) });
    const first = rig.servers[0]!;
    first.answer = () => undefined;
    for (let ref = 1; ref < 2_000; ref++) {
      rig.access(ref);
      rig.advance(500);
    }
    const ups = rig.said.filter(({ effect }) => effect.type === 'server-state' && effect.up);
    const gaps = ups.map(({ at }, i) => (at - (ups[i - 1]?.at ?? at)) / 1000).slice(1);
    expect(gaps.length).toBeGreaterThan(3);
    for (const [i, gap] of gaps.entries())
      if (i > 0 && i < 4) expect(gap).toBeGreaterThan(1.4 * (gaps[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(340);
    const asks = statusSends(rig).map(({ at }) => at);
    for (const [i, at] of asks.entries()) if (i > 0) expect(at - asks[i - 1]!).toBeGreaterThanOrEqual(6_000);
  });
});

describe('over a connection', () => {
  const TLS = { port: 2083, certFile: '/cert', keyFile: '/key' };
  const socket = { server: 0, kind: 'access', n: 0 } as const;
  function one(mode: StatusServerMode) {
    const settings = radiusSettings(1);
    const [first] = settings.servers as [RadiusServer];
    const rig = new RadiusRig({ ...settings, servers: [{ ...first, tls: TLS, statusServer: mode }] });
    const stands = () => rig.connection({ socket, state: 'open' });
    const ends = (wasOpen: boolean) =>
      rig.connection({ socket, state: 'lost', wasOpen, reason: 'closed', detail: 'closed' });
    return { rig, server: rig.servers[0]!, stands, ends };
  }

  it('a server that could not be reached for a while is back with its first answer, each time', () => {
    const { rig, server, stands, ends } = one('auto');
    stands();
    rig.advance(60_000);
    for (let outage = 1; outage <= 6; outage++) {
      server.knowsStatus = false;
      ends(true);
      for (let s = 0; s < 60; s++) {
        ends(false);
        rig.advance(1_000);
      }
      server.knowsStatus = true;
      expect(rig.client.servers()[0]?.up).toBe(false);
      stands();
      rig.advance(1_000);
      expect([outage, rig.client.servers()[0]?.up]).toEqual([outage, true]);
      rig.advance(3_600_000);
    }
  });

  it.each([true, 'auto'] as const)(
    'a silent server is certainly dead, however often the connection ends and stands again: %s',
    (mode) => {
      const { rig, server, stands, ends } = one(mode);
      server.access = false;
      server.knowsStatus = false;
      stands();
      const certain: number[] = [];
      for (let s = 1; s <= 120; s++) {
        if (s % 40 === 1)
          for (const [i, port] of ['p1', 'p2'].entries()) rig.access(10 * s + i, undefined, port);
        rig.advance(1_000);
        if (!rig.client.reachable('access')) certain.push(s);
        if (s % 11 === 0) {
          ends(true);
          stands();
        }
      }
      const first = certain[0] ?? Number.POSITIVE_INFINITY;
      expect(first).toBeLessThan(40);
      expect(certain).toHaveLength(121 - first);
    },
  );
});
