import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { millis, seconds } from '../../src/base/time.ts';
import { WINDOW_DEAD } from '../../src/radius/window.ts';
import { encodeReply, RADIUS_CODES } from '../../src/wire/radius.ts';
import { attributeU32, octets, text } from '../../src/wire/radius-attributes.ts';
import { mustEncode, RadiusRig, radiusSettings, SeededEntropy, signedAs } from '../rigs/radius-servers.ts';

function timesOf(rig: RadiusRig, server: number): number[] {
  const start = rig.sends[0]?.at ?? rig.now;
  return rig.sends.filter(({ send }) => send.socket.server === server).map(({ at }) => at - start);
}

describe('one server that answers', () => {
  it('gives the answer to whoever asked, verified, and says who we are', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.access(7);
    rig.advance(20);
    expect(rig.of('answer')).toMatchObject([{ kind: 'access', ref: 7, server: 0, packet: { code: 2 } }]);
    const types = rig.servers[0]?.received[0]?.packet.attributes.map(({ type }) => type);
    // Message-Authenticator first; then what was asked; NAS-Identifier and NAS-IP-Address by the client.
    expect(types).toEqual([80, 1, 79, 32, 4]);
    expect(rig.pending('access')).toBe(0);
    expect(rig.client.servers()[0]).toMatchObject({ roundTripMs: 10, inFlight: 0, counters: { answers: 1 } });
  });

  it('holds 1,000 requests in flight on four source ports, and never uses an identifier twice', () => {
    const rig = new RadiusRig(radiusSettings(1), new SeededEntropy(3));
    const server = rig.servers[0]!;
    server.latency = 900;
    for (let ref = 0; ref < 1000; ref++) rig.access(ref);
    const slots = new Set(rig.sends.map(({ send }) => `${send.socket.n}/${send.bytes[1]}`));
    expect(slots.size).toBe(1000);
    expect(Math.max(...rig.sends.map(({ send }) => send.socket.n))).toBe(3);
    rig.advance(2000);
    expect(new Set(rig.answeredRefs()).size).toBe(1000);
    for (let ref = 1000; ref < 5000; ref++) {
      rig.access(ref);
      rig.advance(1);
    }
    rig.advance(60_000);
    expect(rig.of('answer')).toHaveLength(5000);
    expect(rig.reused).toEqual([]);
    expect(rig.client.servers()[0]?.sockets).toBeLessThanOrEqual(8);
  });

  it('takes the late reply to an earlier sending, octet-identical retransmissions having the same identifier', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.servers[0]!.latency = 1500;
    rig.access(1);
    rig.advance(10_000);
    expect(timesOf(rig, 0)).toEqual([0, 2000]);
    expect(toHex(rig.sends[1]!.send.bytes)).toBe(toHex(rig.sends[0]!.send.bytes));
    expect(rig.of('answer')).toHaveLength(1);
    // The second reply answers nothing any more.
    expect(rig.of('dropped')).toMatchObject([{ reason: 'no-request' }]);
  });

  it('lets go of a cancelled request, and keeps its identifier until the answer came', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.access(1);
    rig.cancel(1, 'void');
    for (let ref = 2; ref < 600; ref++) rig.access(ref);
    expect(rig.reused).toEqual([]);
    rig.advance(60_000);
    expect(rig.answeredRefs()).not.toContain(1);
    expect(rig.of('answer')).toHaveLength(598);
    expect(rig.client.servers()[0]?.counters).toMatchObject({ late_answers: 1 });
  });
});

describe('RFC 5080 §2.2.1: a server that is silent', () => {
  it('is asked at 0, 2, 6, 14 s, and given up after MRD', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.servers[0]!.access = false;
    rig.access(1);
    // Its identifier lingers for 32 s more; then nothing is left to do.
    rig.advance(63_000);
    expect(timesOf(rig, 0)).toEqual([0, 2000, 6000, 14_000]);
    expect(rig.of('no-answer')).toMatchObject([{ ref: 1, kind: 'access', reason: 'silent' }]);
    const gaveUp = rig.said.find(({ effect }) => effect.type === 'no-answer');
    expect(gaveUp!.at - rig.sends[0]!.at).toBe(30_000);
    expect(rig.client.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('is asked with jitter of a tenth, differently by each request', () => {
    const rig = new RadiusRig(radiusSettings(1), new SeededEntropy(9));
    rig.servers[0]!.access = false;
    const start = rig.now;
    for (let ref = 0; ref < 200; ref++) rig.access(ref);
    rig.advance(2500);
    const second = rig.sends.slice(200).map(({ at }) => at - start);
    expect(second).toHaveLength(200);
    expect(Math.min(...second)).toBeGreaterThanOrEqual(1800);
    expect(Math.max(...second)).toBeLessThanOrEqual(2200);
    expect(new Set(second.map(Math.round)).size).toBeGreaterThan(100);
  });

  it('MRC ends it earlier', () => {
    const access = { irt: seconds(1), mrt: seconds(1), mrc: 2, mrd: millis(0) };
    const rig = new RadiusRig(radiusSettings(1, { access }));
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.advance(60_000);
    expect(timesOf(rig, 0)).toEqual([0, 1000, 2000]);
    expect(rig.of('no-answer')).toHaveLength(1);
  });
});

describe('failover', () => {
  it('asks the next server after two tries, marks the first dead, and goes to the second at once from then on', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.advance(7000);
    expect(timesOf(rig, 0)).toEqual([0, 2000]);
    expect(timesOf(rig, 1)).toEqual([6000]);
    expect(rig.of('answer')).toMatchObject([{ ref: 1, server: 1 }]);
    expect(rig.of('server-state')).toEqual([
      { type: 'server-state', server: 0, kind: 'access', up: false, because: 'no answer' },
    ]);
    rig.access(2);
    rig.advance(20);
    expect(rig.of('answer')[1]).toMatchObject({ ref: 2, server: 1 });
  });

  describe('whoever asked waits for less than a visit', () => {
    /** Gives up request `ref` after so long, for want of an answer or for another reason. */
    function patience(rig: RadiusRig, ref: number, ms: number, reason: 'unanswered' | 'void'): void {
      rig.access(ref);
      rig.advance(ms);
      rig.cancel(ref, reason);
    }

    it.each([5000, 1000])('for %i ms: the server is dead, and the next request goes elsewhere', (ms) => {
      const rig = new RadiusRig(radiusSettings(2));
      rig.servers[0]!.access = false;
      patience(rig, 1, ms, 'unanswered');
      expect(rig.of('server-state')).toMatchObject([{ server: 0, up: false, because: 'no answer' }]);
      rig.access(2);
      rig.advance(20);
      expect(rig.of('answer')).toMatchObject([{ ref: 2, server: 1 }]);
      // As a canary after deadTime, which may be as short: its place is not kept for the next one.
      rig.advance(60_000);
      patience(rig, 3, ms, 'unanswered');
      rig.access(4);
      rig.advance(20);
      expect(rig.of('answer')).toMatchObject([{ ref: 2 }, { ref: 4, server: 1 }]);
    });

    it('for another reason, or at a server that answered others meanwhile: it is not dead', () => {
      const rig = new RadiusRig(radiusSettings(2));
      const [first] = rig.servers;
      first!.access = false;
      patience(rig, 1, 5000, 'void');
      rig.access(2);
      rig.advance(1000);
      first!.access = true;
      rig.access(3);
      rig.advance(500);
      rig.cancel(2, 'unanswered');
      expect(rig.of('server-state')).toEqual([]);
    });

    it.each([
      [6100, false],
      [8100, true],
    ])('a server that was asked after another, for %i - 6000 ms: dead %s', (ms, dead) => {
      const rig = new RadiusRig(radiusSettings(2));
      for (const server of rig.servers) server.access = false;
      patience(rig, 1, ms, 'unanswered');
      expect(rig.client.servers().filter(({ kind, up }) => kind === 'access' && !up)).toHaveLength(
        dead ? 2 : 1,
      );
    });

    it.each([
      [1000, false],
      [2000, true],
    ])('for %i ms, clients of two ports: certainly dead %s', (ms, certain) => {
      const rig = new RadiusRig(radiusSettings(1));
      rig.servers[0]!.access = false;
      for (const [ref, origin] of [
        [1, 'p1'],
        [2, 'p2'],
      ] as const) {
        rig.access(ref, undefined, origin);
        rig.advance(ms);
        rig.cancel(ref, 'unanswered');
      }
      expect(rig.of('server-state')).toMatchObject([{ up: false }]);
      expect(rig.client.reachable('access')).toBe(!certain);
    });

    it('by MRD itself', () => {
      const access = { irt: seconds(2), mrt: seconds(16), mrc: 5, mrd: seconds(1) };
      const rig = new RadiusRig(radiusSettings(2, { access }));
      rig.servers[0]!.access = false;
      rig.access(1);
      rig.advance(1500);
      expect(rig.of('no-answer')).toMatchObject([{ ref: 1, reason: 'silent' }]);
      rig.access(2);
      rig.advance(20);
      expect(rig.of('answer')).toMatchObject([{ ref: 2, server: 1 }]);
    });
  });

  it('after deadTime one request tries the first server while the others do not wait for it', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.advance(6000 + 60_000);
    const before = rig.sends.length;
    rig.access(10);
    rig.access(11);
    rig.access(12);
    expect(rig.sends.slice(before).map(({ send }) => send.socket.server)).toEqual([0, 1, 1]);
    rig.advance(100);
    expect(rig.answeredRefs()).toEqual([1, 11, 12]);
    rig.advance(7000);
    expect(rig.answeredRefs()).toEqual([1, 11, 12, 10]);
    // It is still dead: no second notice, and no preference for another minute.
    expect(rig.of('server-state')).toHaveLength(1);
    rig.access(13);
    rig.advance(20);
    expect(rig.of('answer').at(-1)).toMatchObject({ ref: 13, server: 1 });
  });

  it('comes back to the first server when it answers again', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.advance(70_000);
    rig.servers[0]!.access = true;
    rig.access(2);
    rig.access(3);
    rig.advance(20);
    rig.access(4);
    rig.advance(20);
    expect(rig.of('answer').map(({ ref, server }) => [ref, server])).toEqual([
      [1, 1],
      [2, 0],
      [3, 1],
      [4, 0],
    ]);
    expect(rig.of('server-state').at(-1)).toMatchObject({ server: 0, up: true });
  });

  it('a server that drops one request but answers others is not dead', () => {
    const rig = new RadiusRig(radiusSettings(2));
    const hears = rig.servers[0]!;
    hears.answer = (packet) =>
      packet.attributes.some(({ value }) => toHex(value) === toHex(new TextEncoder().encode('user666')))
        ? undefined
        : { code: 'Access-Accept' };
    rig.access(666);
    for (let ref = 0; ref < 10; ref++) {
      rig.advance(700);
      rig.access(ref);
    }
    rig.advance(1000);
    expect(rig.of('server-state')).toEqual([]);
    expect(rig.of('answer').find(({ ref }) => ref === 666)).toMatchObject({ server: 1 });
    expect(rig.of('answer').filter(({ server }) => server === 0)).toHaveLength(10);
  });

  it('takes the first answer of any server that was asked', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.latency = 3100;
    rig.servers[1]!.access = false;
    rig.access(1);
    rig.advance(20_000);
    expect(timesOf(rig, 1)).toEqual([6000]);
    expect(rig.of('answer')).toMatchObject([{ ref: 1, server: 0 }]);
  });

  it('with every server dead, still asks all of them until MRD', () => {
    const rig = new RadiusRig(radiusSettings(3));
    for (const server of rig.servers) server.access = false;
    rig.access(1);
    rig.advance(31_000);
    expect([timesOf(rig, 0), timesOf(rig, 1), timesOf(rig, 2)]).toEqual([
      [0, 2000, 18_000],
      [6000, 8000, 26_000],
      [12_000, 14_000],
    ]);
    expect(rig.of('no-answer')).toHaveLength(1);
    expect(rig.client.reachable('access')).toBe(false);
    expect(rig.client.reachable('accounting')).toBe(true);
    rig.servers[2]!.access = true;
    rig.access(2);
    rig.advance(30_000);
    expect(rig.answeredRefs()).toEqual([2]);
    expect(rig.client.reachable('access')).toBe(true);
  });

  it('without any server there is no answer to a login, at once; a record waits for a configuration with one', () => {
    const rig = new RadiusRig(radiusSettings(0));
    rig.access(1);
    rig.accounting(2);
    rig.advance(3_600_000);
    expect(rig.of('no-answer').map(({ ref, reason }) => [ref, reason])).toEqual([[1, 'silent']]);
    expect(rig.sends).toEqual([]);
    rig.reconfigure(radiusSettings(1), () => false);
    rig.advance(50);
    expect(rig.answeredRefs()).toEqual([2]);
    expect(attributeU32(rig.servers[0]!.received[0]!.packet, 'Acct-Delay-Time')).toBe(3600);
  });
});

it('without any server a record that a newer one takes the place of is kept no longer', () => {
  const rig = new RadiusRig(radiusSettings(0));
  rig.accounting(1);
  for (let ref = 2; ref <= 1_000; ref++) {
    rig.accounting(ref);
    rig.cancel(ref, 'void');
  }
  const { accounting } = Reflect.get(rig.client, 'kinds') as { readonly accounting: object };
  expect(Reflect.get(Reflect.get(accounting, 'queue') as object, 'items')).toHaveLength(1);
});

describe('a conversation with State', () => {
  it('stays with the server that sent the Challenge, even one that counts as dead', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.advance(7000);
    rig.servers[0]!.access = true;
    rig.access(2, 0);
    rig.advance(20);
    expect(rig.of('answer').at(-1)).toMatchObject({ ref: 2, server: 0 });
    rig.access(3, 1);
    rig.advance(20);
    expect(rig.of('answer').at(-1)).toMatchObject({ ref: 3, server: 1 });
  });

  it('is given up after three tries if another server lives, and says that one does', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.access = false;
    rig.access(1, 0);
    rig.advance(30_000);
    expect(timesOf(rig, 0)).toEqual([0, 2000, 6000]);
    expect(timesOf(rig, 1)).toEqual([]);
    expect(rig.of('no-answer')).toMatchObject([{ ref: 1, reason: 'silent' }]);
    expect(rig.said.at(-1)!.at - rig.sends[0]!.at).toBe(14_000);
  });
});

describe('a request that cannot be encoded', () => {
  it('is answered with no-answer, and costs no identifier', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.request({ kind: 'access', ref: 1, attributes: [text('User-Name', 'x'.repeat(254))] });
    expect(rig.effects).toMatchObject([{ type: 'no-answer', ref: 1, reason: 'unencodable' }]);
    rig.access(2);
    rig.advance(20);
    expect(rig.answeredRefs()).toEqual([2]);
    expect(rig.client.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('forged and broken replies (one bad reply must not end a request)', () => {
  const secret = new TextEncoder().encode('secret-1');

  /** A rig with one request on the wire, and what the honest answer to it would be. */
  function waiting(kind: 'access' | 'accounting' = 'access') {
    const rig = new RadiusRig(radiusSettings(2));
    for (const server of rig.servers) server.access = server.accounting = false;
    if (kind === 'access') rig.access(1);
    else rig.accounting(1);
    rig.advance(10);
    const sent = rig.sends[0]!.send;
    const request = rig.servers[0]!.received[0]!.packet;
    const code = kind === 'access' ? ('Access-Accept' as const) : ('Accounting-Response' as const);
    const honest = mustEncode(
      encodeReply({ request, code, attributes: [text('Reply-Message', 'hi')], secret }),
    );
    const from = { address: sent.address, port: sent.port };
    return { rig, sent, request, honest, from };
  }

  type Waiting = ReturnType<typeof waiting>;
  type Forge = (given: Waiting) => { bytes: Uint8Array; from?: { address: string; port: number } };

  function changed(bytes: Uint8Array, at: number): Uint8Array {
    const copy = bytes.slice();
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  }

  const other = new TextEncoder().encode('not the secret');
  const forgeries: readonly (readonly [string, string, Forge])[] = [
    [
      'another secret',
      'response-authenticator',
      ({ request }) => ({
        bytes: mustEncode(encodeReply({ request, code: 'Access-Accept', attributes: [], secret: other })),
      }),
    ],
    [
      'a flipped bit in the authenticator',
      'response-authenticator',
      ({ honest }) => ({ bytes: changed(honest, 4) }),
    ],
    [
      'a flipped bit in an attribute',
      'response-authenticator',
      ({ honest }) => ({ bytes: changed(honest, 40) }),
    ],
    [
      'an answer made for another request',
      'response-authenticator',
      ({ request }) => ({
        bytes: mustEncode(
          encodeReply({
            request: { ...request, authenticator: new Uint8Array(16) },
            code: 'Access-Accept',
            attributes: [],
            secret,
          }),
        ),
      }),
    ],
    [
      'an Access-Accept without Message-Authenticator',
      'message-authenticator-missing',
      (given) => ({
        bytes: withoutMessageAuthenticator(given, 'Access-Accept'),
      }),
    ],
    [
      'an Access-Reject without Message-Authenticator',
      'message-authenticator-missing',
      (given) => ({
        bytes: withoutMessageAuthenticator(given, 'Access-Reject'),
      }),
    ],
    [
      'a wrong Message-Authenticator in an Access-Reject',
      'message-authenticator',
      (given) => ({
        bytes: wrongMessageAuthenticator(given),
      }),
    ],
    [
      'another address',
      'source',
      ({ honest, from }) => ({
        bytes: honest,
        from: { address: '192.0.2.99', port: from.port },
      }),
    ],
    ['another port', 'source', ({ honest, from }) => ({ bytes: honest, from: { ...from, port: 9999 } })],
    [
      'the other server',
      'source',
      ({ honest, from }) => ({
        bytes: honest,
        from: { address: '192.0.2.2', port: from.port },
      }),
    ],
    ['an identifier that was not sent', 'no-request', ({ honest }) => ({ bytes: changed(honest, 1) })],
    [
      'a code that answers something else',
      'code',
      ({ request }) => ({
        bytes: mustEncode(encodeReply({ request, code: 'Accounting-Response', attributes: [], secret })),
      }),
    ],
    ['nothing at all', 'short', () => ({ bytes: new Uint8Array(0) })],
    ['a header cut short', 'short', ({ honest }) => ({ bytes: honest.subarray(0, 19) })],
    ['a length that lies', 'length', ({ honest }) => ({ bytes: honest.subarray(0, honest.length - 1) })],
  ];

  it.each(forgeries)('%s: dropped as %s, counted, and the honest answer still counts', (_, reason, forge) => {
    const given = waiting();
    const { rig, sent, from, honest } = given;
    const effects = rig.inject({ socket: sent.socket, from, ...forge(given) });
    expect(effects).toMatchObject([{ type: 'dropped', kind: 'access', reason }]);
    expect(rig.client.servers()[0]?.counters).toMatchObject({
      [`dropped_${reason.replaceAll('-', '_')}`]: 1,
    });
    expect(rig.pending('access')).toBe(1);
    // It neither stops nor hurries the retransmission.
    rig.advance(1995);
    expect(timesOf(rig, 0)).toEqual([0, 2000]);
    rig.inject({ socket: sent.socket, from, bytes: honest });
    expect(rig.answeredRefs()).toEqual([1]);
  });

  it('a reply on a socket of a server that does not exist is dropped', () => {
    const { rig, honest, from } = waiting();
    const socket = { server: 7, kind: 'access' as const, n: 0 };
    expect(rig.inject({ socket, from, bytes: honest })).toMatchObject([
      { type: 'dropped', reason: 'socket' },
    ]);
  });

  it('the same answer twice is one answer', () => {
    const { rig, sent, honest, from } = waiting();
    rig.inject({ socket: sent.socket, from, bytes: honest });
    rig.inject({ socket: sent.socket, from, bytes: honest });
    expect(rig.answeredRefs()).toEqual([1]);
    expect(rig.of('dropped')).toMatchObject([{ reason: 'no-request' }]);
  });

  it('an Accounting-Response needs no Message-Authenticator, but the right secret', () => {
    const { rig, sent, request, honest, from } = waiting('accounting');
    const forged = mustEncode(
      encodeReply({ request, code: 'Accounting-Response', attributes: [], secret: other }),
    );
    rig.inject({ socket: sent.socket, from, bytes: forged });
    expect(rig.of('dropped')).toMatchObject([{ kind: 'accounting', reason: 'response-authenticator' }]);
    rig.inject({ socket: sent.socket, from, bytes: honest });
    expect(rig.answeredRefs()).toEqual([1]);
  });

  it.each([
    ['MAB, an Access-Accept', 'User-Name', 'Access-Accept', true],
    ['EAP, an Access-Reject', 'EAP-Message', 'Access-Reject', true],
    ['EAP, an Access-Accept (RFC 3579 §3.2)', 'EAP-Message', 'Access-Accept', false],
  ] as const)(
    'excused from Message-Authenticator, a server may leave it out: to %s',
    (_, with_, code, taken) => {
      const settings = radiusSettings(1);
      const lenient = { ...settings.servers[0]!, requireMessageAuthenticator: false };
      const rig = new RadiusRig({ ...settings, servers: [lenient] });
      rig.servers[0]!.access = false;
      rig.request({ kind: 'access', ref: 1, attributes: [octets(with_, Uint8Array.of(2, 1, 0, 6, 1, 97))] });
      rig.advance(10);
      const { send } = rig.sends[0]!;
      const given = { request: rig.servers[0]!.received[0]!.packet };
      const bytes = withoutMessageAuthenticator(given, code);
      rig.inject({ socket: send.socket, from: { address: send.address, port: send.port }, bytes });
      expect(rig.answeredRefs()).toEqual(taken ? [1] : []);
      expect(rig.of('dropped').map(({ reason }) => reason)).toEqual(
        taken ? [] : ['message-authenticator-missing'],
      );
    },
  );

  it('every truncation of an honest answer is dropped, none throws', () => {
    const { rig, sent, honest, from } = waiting();
    for (let length = 0; length < honest.length; length++) {
      rig.inject({ socket: sent.socket, from, bytes: honest.subarray(0, length) });
    }
    expect(rig.of('dropped')).toHaveLength(honest.length);
    expect(rig.pending('access')).toBe(1);
  });
});

/** The response authenticator is right: what an attacker gets by a prefix collision (CVE-2024-3596). */
function withoutMessageAuthenticator(
  { request }: { request: Parameters<typeof encodeReply>[0]['request'] },
  code: 'Access-Accept' | 'Access-Reject',
): Uint8Array {
  return signedAs(request, RADIUS_CODES[code], new Uint8Array(0), new TextEncoder().encode('secret-1'));
}

function wrongMessageAuthenticator({
  request,
}: {
  request: Parameters<typeof encodeReply>[0]['request'];
}): Uint8Array {
  const attribute = Uint8Array.of(80, 18, ...new Uint8Array(16).fill(7));
  return signedAs(request, RADIUS_CODES['Access-Reject'], attribute, new TextEncoder().encode('secret-1'));
}

describe('accounting', () => {
  it('a retransmission has a new identifier, a grown Acct-Delay-Time, and goes on until it is answered', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.servers[0]!.accounting = false;
    rig.accounting(1, (rig.now - 3000) as typeof rig.now);
    rig.advance(100_000);
    const seen = rig.servers[0]!.received;
    expect(timesOf(rig, 0)).toEqual([0, 2000, 6000, 14_000, 30_000, 46_000, 62_000, 78_000, 94_000]);
    expect(seen.map(({ packet }) => attributeU32(packet, 'Acct-Delay-Time'))).toEqual([
      3, 5, 9, 17, 33, 49, 65, 81, 97,
    ]);
    expect(new Set(seen.map(({ packet }) => packet.identifier)).size).toBe(seen.length);
    rig.servers[0]!.accounting = true;
    rig.advance(20_000);
    expect(rig.answeredRefs()).toEqual([1]);
    expect(rig.of('no-answer')).toEqual([]);
    expect(rig.reused).toEqual([]);
  });

  it('the reply to an earlier identifier proves delivery', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.servers[0]!.accounting = false;
    rig.accounting(1);
    rig.advance(5000);
    const first = rig.servers[0]!.received[0]!;
    const { secret, address, acctPort } = rig.servers[0]!.settings;
    const reply = { request: first.packet, code: 'Accounting-Response' as const, attributes: [], secret };
    const from = { address, port: acctPort };
    rig.inject({ socket: first.socket, from, bytes: mustEncode(encodeReply(reply)) });
    expect(rig.answeredRefs()).toEqual([1]);
    rig.advance(60_000);
    expect(rig.sends).toHaveLength(2);
  });

  it('keeps no more on the wire than the window, the rest in the queue', () => {
    const rig = new RadiusRig(radiusSettings(1), new SeededEntropy(4));
    rig.servers[0]!.latency = 50;
    let most = 0;
    rig.onEffect = () => {
      most = Math.max(most, rig.client.servers()[1]!.inFlight);
    };
    for (let ref = 0; ref < 3000; ref++) rig.accounting(ref);
    rig.advance(10_000);
    expect(rig.of('answer')).toHaveLength(3000);
    expect(most).toBe(256);
    expect(rig.reused).toEqual([]);
  });

  it('one record that no server wants does not hold up the others, nor make the servers dead', () => {
    const rig = new RadiusRig(radiusSettings(1));
    const server = rig.servers[0]!;
    const honest = rig.reply.bind(rig);
    const isBad = (value: Uint8Array) => toHex(value) === toHex(new TextEncoder().encode('s666'));
    rig.reply = (to, packet) =>
      packet.attributes.some(({ value }) => isBad(value)) ? undefined : honest(to, packet);
    rig.accounting(666);
    for (let ref = 0; ref < 100; ref++) {
      rig.accounting(ref);
      rig.advance(1000);
    }
    expect(rig.of('answer')).toHaveLength(100);
    expect(rig.of('server-state')).toEqual([]);
    expect(server.received.length).toBeGreaterThan(105);
    expect(rig.pending('accounting')).toBe(1);
  });

  it('a record that the first server does not answer goes to the second, though the first is alive', () => {
    const rig = new RadiusRig(radiusSettings(2));
    const honest = rig.reply.bind(rig);
    const isBad = (value: Uint8Array) => toHex(value) === toHex(new TextEncoder().encode('s666'));
    rig.reply = (to, packet) =>
      to === rig.servers[0] && packet.attributes.some(({ value }) => isBad(value))
        ? undefined
        : honest(to, packet);
    rig.accounting(666);
    for (let ref = 0; ref < 10; ref++) {
      rig.accounting(ref);
      rig.advance(1000);
    }
    expect(rig.of('answer').find(({ ref }) => ref === 666)).toMatchObject({ server: 1 });
    expect(rig.of('answer').filter(({ server }) => server === 0)).toHaveLength(10);
    expect(rig.of('server-state')).toEqual([]);
  });

  it('a dead first server sends the records to the second, and one of them tries the first now and then', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.accounting = false;
    const windows: number[] = [];
    rig.onEffect = (effect) => {
      if (effect.type === 'server-state') windows.push(rig.client.servers()[2]!.window);
    };
    for (let ref = 0; ref < 500; ref++) rig.accounting(ref);
    rig.advance(10_000);
    expect(windows).toEqual([WINDOW_DEAD]);
    expect(rig.of('answer')).toHaveLength(500);
    for (let ref = 500; ref < 700; ref++) {
      rig.advance(1000);
      rig.accounting(ref);
    }
    rig.advance(10_000);
    expect(rig.of('answer')).toHaveLength(700);
    const tries = rig.servers[0]!.received.filter(({ at }) => at > rig.sends[0]!.at + 10_000);
    expect(tries.length).toBeGreaterThan(2);
    expect(tries.length).toBeLessThan(12);
  });
});

describe('a blackout of accounting with 10,000 Stops', () => {
  it('every Stop is acknowledged once, with its delay; logins do not notice; the server is not drowned', () => {
    const rig = new RadiusRig(radiusSettings(1), new SeededEntropy(5));
    const server = rig.servers[0]!;
    server.accounting = false;
    const start = rig.now;
    for (let ref = 0; ref < 10_000; ref++) {
      rig.accounting(ref);
      if (ref % 100 === 99) rig.advance(100);
    }
    // Ten minutes of darkness, with logins all the while.
    let canaries = 0;
    for (let login = 0; login < 600; login++) {
      rig.access(20_000 + login);
      rig.advance(1000);
      canaries = Math.max(canaries, login < 60 ? 0 : rig.client.servers()[1]!.inFlight);
    }
    expect(canaries).toBe(WINDOW_DEAD);
    expect(rig.client.servers()[1]).toMatchObject({ window: WINDOW_DEAD });
    const dark = server.received.filter(({ socket }) => socket.kind === 'accounting').length;
    // A few canaries, not 10,000 requests every 16 s.
    expect(dark).toBeLessThan(3000);
    const logins = rig.said.filter(({ effect }) => effect.type === 'answer');
    expect(logins).toHaveLength(600);
    const statistics = rig.client.servers();
    expect(statistics[0]).toMatchObject({ kind: 'access', up: true, counters: { answers: 600 } });
    expect(statistics[1]).toMatchObject({ kind: 'accounting', up: false });
    expect(rig.client.servers()[0]?.counters.retransmissions).toBeUndefined();

    server.accounting = true;
    const light = rig.now;
    let most = 0;
    rig.onEffect = () => {
      most = Math.max(most, rig.client.servers()[1]!.inFlight);
    };
    rig.advance(60_000);
    const refs = rig.of('answer').filter(({ kind }) => kind === 'accounting');
    expect(refs).toHaveLength(10_000);
    expect(new Set(refs.map(({ ref }) => ref)).size).toBe(10_000);
    expect(rig.pending('accounting')).toBe(0);
    expect(most).toBeLessThanOrEqual(256);
    expect(rig.reused).toEqual([]);
    const after = server.received.filter(({ at, socket }) => socket.kind === 'accounting' && at > light);
    expect(after.length).toBeLessThan(10_100);
    for (const { at, packet } of after) {
      const ref = Number(new TextDecoder().decode(packet.attributes[0]!.value).slice(1));
      const happened = start + Math.floor(ref / 100) * 100;
      const delay = attributeU32(packet, 'Acct-Delay-Time')!;
      expect(Math.abs(delay - (at - happened) / 1000)).toBeLessThanOrEqual(1.1);
    }
  });
});
