// The dynamic authorization server without an agent: what it believes, what it answers by itself, and what it forgets.

import { describe, expect, it, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { Ip, Ipv4 } from '../../src/base/ip.ts';
import { instant, seconds, type WallTime } from '../../src/base/time.ts';
import {
  type DynAuthEffect,
  type DynAuthSettings,
  DynamicAuthorizationServer,
} from '../../src/radius/dynauth.ts';
import type { DynamicRequest, NasNames } from '../../src/radius/dynauth-request.ts';
import type { ListedClient } from '../../src/radius/listed-clients.ts';
import { encodeAccountingRequest } from '../../src/wire/radius.ts';
import {
  ip,
  type OutgoingAttribute,
  octets,
  text,
  tunnel,
  u32,
  vendor,
} from '../../src/wire/radius-attributes.ts';
import { DYNAUTH_SECRET, dynamicRequest, forgeries, nowAt, type Reply, readReply } from '../rigs/dynauth.ts';

const CLIENT = '192.0.2.9';
const NAS: NasNames = {
  identifier: 'sw1',
  ipv4: '192.0.2.1' as Ipv4,
  addresses: new Set<Ip>(['10.0.0.1' as Ip, '2001:db8::1' as Ip]),
};
const BOB = text('User-Name', 'bob');
const SETTINGS: DynAuthSettings = {
  clients: [{ address: CLIENT as Ip, secret: utf8(DYNAUTH_SECRET), requireMessageAuthenticator: false }],
  eventTimestampWindow: seconds(300),
  roleAttributes: [],
  requireEventTimestamp: false,
};

class Rig {
  ms = 1_000_000;
  readonly server: DynamicAuthorizationServer;

  constructor(change: Partial<DynAuthSettings> = {}, capacity?: number) {
    this.server = new DynamicAuthorizationServer({ ...SETTINGS, ...change }, nowAt(0).mono, capacity);
  }

  get wall(): WallTime {
    return nowAt(this.ms).wall;
  }

  give(bytes: Uint8Array, from: { address?: string; port?: number } = {}): DynAuthEffect[] {
    const { address = CLIENT, port = 40_000 } = from;
    return this.server.receive({ address, port, bytes }, NAS, nowAt(this.ms));
  }

  /** What it asks of the agent. */
  asked(bytes: Uint8Array): DynamicRequest | undefined {
    const effect = this.give(bytes).find(({ type }) => type === 'request');
    return effect?.type === 'request' ? effect.request : undefined;
  }

  /** What it answers by itself. */
  refused(bytes: Uint8Array): Reply | undefined {
    const sent = this.give(bytes).find(({ type }) => type === 'send');
    return sent?.type === 'send' ? readReply(bytes, sent.bytes) : undefined;
  }
}

const kinds = (effects: readonly DynAuthEffect[]) =>
  effects.map((effect) => (effect.type === 'dropped' ? effect.reason : effect.type));
const disconnect = (...attributes: readonly OutgoingAttribute[]) =>
  dynamicRequest({ code: 'Disconnect-Request', attributes });
const coa = (...attributes: readonly OutgoingAttribute[]) =>
  dynamicRequest({ code: 'CoA-Request', attributes });

describe('what is believed (RFC 5176 §6)', () => {
  it('a listed client with the right secret, from whatever port', () => {
    const rig = new Rig();
    expect(kinds(rig.give(disconnect(BOB), { port: 1 }))).toEqual(['request']);
    expect(kinds(rig.give(disconnect(BOB), { address: '192.0.2.10' }))).toEqual(['client']);
    expect(kinds(rig.give(disconnect(BOB), { address: 'fe80::1%eth0' }))).toEqual(['client']);
    // Also a copy of what was answered: nothing can be sent to no port.
    expect(kinds(rig.give(disconnect(BOB), { port: 0 }))).toEqual(['client']);
    const other = dynamicRequest({ code: 'CoA-Request', attributes: [BOB], secret: utf8('other') });
    expect(kinds(rig.give(other))).toEqual(['request-authenticator']);
  });

  it('a client is one address, in whatever spelling it comes', () => {
    const address = '2001:db8::9' as Ip;
    const clients = [{ address, secret: utf8(DYNAUTH_SECRET), requireMessageAuthenticator: false }];
    const rig = new Rig({ clients });
    expect(kinds(rig.give(disconnect(BOB), { address: '2001:db8:0:0::9' }))).toEqual(['request']);
  });

  it('a Message-Authenticator must be right, and must be there where that is set', () => {
    const bytes = disconnect(BOB);
    const rig = new Rig();
    const forged = Uint8Array.from(bytes);
    forged[23] = (forged[23] ?? 0) ^ 1;
    expect(kinds(rig.give(forged))).toEqual(['request-authenticator']);
    expect(kinds(rig.give(bytes))).toEqual(['request']);
  });

  it('no other kind of packet', () => {
    const accounting = encodeAccountingRequest({
      identifier: 1,
      attributes: [BOB],
      secret: utf8(DYNAUTH_SECRET),
    });
    expect(accounting.ok && kinds(new Rig().give(accounting.value))).toEqual(['code']);
  });

  it('an Event-Timestamp within the window, either way, and not before our start', () => {
    const rig = new Rig();
    const at = (offset: number) => {
      const stamp = (rig.wall + offset * 1000) as WallTime;
      return kinds(rig.give(dynamicRequest({ code: 'Disconnect-Request', attributes: [BOB], at: stamp })));
    };
    expect(at(0)).toEqual(['request']);
    expect(at(-300)).toEqual(['request']);
    expect(at(300)).toEqual(['request']);
    expect(at(-301)).toEqual(['event-timestamp']);
    expect(at(301)).toEqual(['event-timestamp']);
    rig.ms = 10_000;
    expect(at(-10)).toEqual(['request']);
    expect(at(-11)).toEqual(['before-start']);
  });

  it('our start is where it was by a clock that was set meanwhile', () => {
    const rig = new Rig({ requireEventTimestamp: true });
    const wall = Date.UTC(2026, 0, 1) as WallTime;
    const bytes = (ago: number) =>
      dynamicRequest({ code: 'Disconnect-Request', attributes: [BOB], at: (wall - ago) as WallTime });
    const now = { mono: instant(20_000), wall };
    const give = (ago: number) =>
      kinds(rig.server.receive({ address: CLIENT, port: 40_000, bytes: bytes(ago) }, NAS, now));
    expect(give(100_000)).toEqual(['before-start']);
    expect(give(10_000)).toEqual(['request']);
  });

  it('one without Event-Timestamp only where that is allowed; none is looked at with a window of 0', () => {
    expect(kinds(new Rig().give(disconnect(BOB)))).toEqual(['request']);
    const strict = new Rig({ requireEventTimestamp: true });
    expect(kinds(strict.give(disconnect(BOB)))).toEqual(['event-timestamp-missing']);
    const off = new Rig({ eventTimestampWindow: seconds(0) });
    const old = dynamicRequest({ code: 'CoA-Request', attributes: [BOB], at: 0 as WallTime });
    expect(kinds(off.give(old))).toEqual(['refused', 'send']);
  });
});

describe('duplicates (RFC 5176 §2.3, §6.3)', () => {
  it('are answered as the first time, from whatever port, and asked of nobody', () => {
    const rig = new Rig();
    const bytes = dynamicRequest({ code: 'Disconnect-Request', attributes: [BOB], at: rig.wall });
    const [request] = rig.give(bytes);
    if (request?.type !== 'request') throw new Error('not asked');
    expect(kinds(rig.give(bytes))).toEqual(['duplicate']);
    const [first] = rig.server.answer(request.ref, 'done');
    if (first?.type !== 'send') throw new Error('not answered');
    expect(readReply(bytes, first.bytes).code).toBe('Disconnect-ACK');
    rig.ms += 299_000;
    const [, again] = rig.give(bytes, { port: 50_000 });
    expect(again).toEqual({ ...first, port: 50_000 });
  });

  it('a second answer goes nowhere', () => {
    const rig = new Rig();
    const [request] = rig.give(disconnect(BOB));
    if (request?.type !== 'request') throw new Error('not asked');
    expect(rig.server.answer(request.ref, 'done')).toHaveLength(1);
    expect(rig.server.answer(request.ref, 'done')).toEqual([]);
  });

  it('1,000 of them, a day of replays: none is asked again that bears an Event-Timestamp', () => {
    const rig = new Rig();
    const captured = Array.from({ length: 1000 }, (_, i) => {
      const code = i % 2 === 0 ? 'Disconnect-Request' : 'CoA-Request';
      const change = i % 2 === 0 ? [] : [u32('Session-Timeout', i)];
      const who = text('User-Name', `u${i}`);
      // Clocks of servers are off by up to the window.
      const at = (rig.wall + ((i % 601) - 300) * 1000) as WallTime;
      return dynamicRequest({ code, attributes: [who, ...change], at });
    });
    for (const bytes of captured) expect(kinds(rig.give(bytes))).toEqual(['request']);
    const again = new Map<string, number>();
    for (let round = 0; round < 60; round++) {
      rig.ms += round < 40 ? 30_000 : 3_600_000;
      for (const bytes of captured) {
        for (const kind of kinds(rig.give(bytes, { port: 1024 + round })))
          again.set(kind, (again.get(kind) ?? 0) + 1);
      }
    }
    expect([...again.keys()].sort()).toEqual(['duplicate', 'event-timestamp']);
  });

  it('none is forgotten before its time: a full memory refuses instead', () => {
    const rig = new Rig({}, 2);
    const first = disconnect(BOB);
    rig.give(first);
    rig.give(coa(BOB));
    expect(rig.refused(disconnect(BOB))).toMatchObject({ code: 'Disconnect-NAK', errorCause: 506 });
    expect(kinds(rig.give(first))).toEqual(['duplicate']);
    rig.ms += 610_001;
    expect(kinds(rig.give(disconnect(BOB)))).toEqual(['request']);
  });

  it('a client that asks for more than it has room takes none from the others', () => {
    const other = { ...SETTINGS.clients[0], address: '192.0.2.99' as Ip } as ListedClient;
    const rig = new Rig({ clients: [...SETTINGS.clients, other] }, 8);
    const greedy = Array.from({ length: 10 }, () => disconnect(BOB));
    const taken = greedy.map((bytes) => kinds(rig.give(bytes))[0]);
    // Its own share, and all that is anybody's.
    expect(taken).toEqual([...Array(6).fill('request'), ...Array(4).fill('refused')]);
    const from = { address: other.address };
    const modest = [1, 2].map(() => disconnect(BOB));
    for (const bytes of modest) expect(kinds(rig.give(bytes, from))).toEqual(['request']);
    expect(kinds(rig.give(disconnect(BOB), from))).toEqual(['refused', 'send']);
    for (const bytes of modest) expect(kinds(rig.give(bytes, from))).toEqual(['duplicate']);
    for (const bytes of greedy.slice(0, 6)) expect(kinds(rig.give(bytes))).toEqual(['duplicate']);
  });

  it('what a client has asked that is listed no more takes room only until its time is over', () => {
    const rig = new Rig({}, 4);
    const bytes = Array.from({ length: 4 }, () => disconnect(BOB));
    for (const each of bytes) rig.give(each);
    const other = { ...SETTINGS.clients[0], address: '192.0.2.99' as Ip } as ListedClient;
    const from = { address: other.address };
    rig.server.configure({ ...SETTINGS, clients: [other] });
    expect(bytes.map((each) => kinds(rig.give(each, from))[0])).toEqual(Array(4).fill('duplicate'));
    const asked = () => Array.from({ length: 4 }, () => kinds(rig.give(disconnect(BOB), from))[0]);
    expect(asked()).toEqual(['request', 'request', 'refused', 'refused']);
    rig.ms += 610_001;
    expect(asked()).toEqual(Array(4).fill('request'));
  });

  it('from another listed address with the same secret it is the same packet', () => {
    const other = { ...SETTINGS.clients[0], address: '192.0.2.99' as Ip } as ListedClient;
    const rig = new Rig({ clients: [...SETTINGS.clients, other] });
    const bytes = disconnect(BOB);
    rig.give(bytes);
    expect(kinds(rig.give(bytes, { address: other.address }))).toEqual(['duplicate']);
  });

  it('what was done under a shorter window is not done again under a longer one', () => {
    const rig = new Rig({ eventTimestampWindow: seconds(30) });
    const bytes = dynamicRequest({ code: 'Disconnect-Request', attributes: [BOB], at: rig.wall });
    rig.give(bytes);
    rig.server.configure({ ...SETTINGS, eventTimestampWindow: seconds(300) });
    rig.ms += 100_000;
    expect(kinds(rig.give(bytes))).toEqual(['duplicate']);
  });

  it('one without Event-Timestamp is one for a window; after it the same is asked anew, and known again', () => {
    const rig = new Rig();
    const bytes = disconnect(BOB);
    const ask = (): void => {
      const [request] = rig.give(bytes);
      if (request?.type !== 'request') throw new Error('not asked');
      rig.server.answer(request.ref, 'done');
    };
    ask();
    rig.ms += 300_000;
    expect(kinds(rig.give(bytes))).toEqual(['duplicate', 'send']);
    rig.ms += 1;
    ask();
    rig.ms += 1_000;
    expect(kinds(rig.give(bytes))).toEqual(['duplicate', 'send']);
  });

  it('one without Event-Timestamp from another port is somebody who asks the same once more', () => {
    const rig = new Rig();
    const bytes = disconnect(BOB);
    for (const port of [40_000, 40_001]) {
      const [request] = rig.give(bytes, { port });
      if (request?.type !== 'request') throw new Error('not asked');
      expect(kinds(rig.give(bytes, { port: 40_002 })), 'while it is being done').toEqual(['duplicate']);
      rig.server.answer(request.ref, 'done');
      expect(kinds(rig.give(bytes, { port }))).toEqual(['duplicate', 'send']);
    }
  });

  it('one that is still being done is one, however long that takes', () => {
    const rig = new Rig();
    const bytes = disconnect(BOB);
    rig.give(bytes);
    rig.ms += 86_400_000;
    expect(kinds(rig.give(bytes))).toEqual(['duplicate']);
  });
});

const CISCO = (pair: string) => vendor(9, 1, utf8(pair));
const STATE = octets('State', utf8('a state'));
const AUTHORIZE_ONLY = u32('Service-Type', 17);
const TIMEOUT = u32('Session-Timeout', 60);
const vlan = (id: string) => [
  tunnel('Tunnel-Type', 0, 13),
  tunnel('Tunnel-Medium-Type', 0, 6),
  tunnel('Tunnel-Private-Group-Id', 0, id),
];
const short = (name: Parameters<typeof octets>[0]) => octets(name, new Uint8Array(3));

describe('what is refused by itself (RFC 5176 §3.5)', () => {
  test.each<readonly [string, number, () => Uint8Array]>([
    ['an attribute that asks for what we have not', 401, () => coa(BOB, u32('Framed-MTU', 1400))],
    ['an EAP-Message', 401, () => disconnect(BOB, octets('EAP-Message', utf8('x')))],
    ['Service-Type in a Disconnect-Request', 401, () => disconnect(BOB, u32('Service-Type', 1))],
    ['State in a Disconnect-Request', 401, () => disconnect(BOB, STATE)],
    ['a change in a Disconnect-Request', 401, () => disconnect(BOB, TIMEOUT)],
    [
      'a command in a Disconnect-Request',
      401,
      () => disconnect(BOB, CISCO('subscriber:command=reauthenticate')),
    ],
    ['a vendor that we do not know', 401, () => coa(BOB, vendor(311, 1, utf8('x')))],
    ['an AV pair that we do not know', 401, () => coa(BOB, CISCO('shell:priv-lvl=15'))],
    ['another of the extended space', 401, () => disconnect(BOB, octets(241, Uint8Array.of(1, 2, 3)))],
    ['a change beside Authorize-Only', 401, () => coa(BOB, AUTHORIZE_ONLY, STATE, TIMEOUT)],
    [
      'a command beside Authorize-Only',
      401,
      () => coa(BOB, AUTHORIZE_ONLY, STATE, CISCO('subscriber:command=reauthenticate')),
    ],
    ['nobody named', 402, () => disconnect(text('NAS-Identifier', 'sw1'))],
    ['nobody but every port of Ethernet', 402, () => disconnect(u32('NAS-Port-Type', 15))],
    ['nothing asked', 402, () => coa(BOB)],
    ['a message alone', 402, () => coa(BOB, text('Reply-Message', 'hello'))],
    ['Authorize-Only without State', 402, () => coa(BOB, AUTHORIZE_ONLY)],
    ['a VLAN without its type', 402, () => coa(BOB, tunnel('Tunnel-Private-Group-Id', 0, '7'))],
    ['another NAS-Identifier', 403, () => disconnect(BOB, text('NAS-Identifier', 'sw2'))],
    ['another NAS-IP-Address', 403, () => disconnect(BOB, ip('NAS-IP-Address', '10.0.0.1' as Ip))],
    ['another NAS-IPv6-Address', 403, () => disconnect(BOB, ip('NAS-IPv6-Address', '2001:db8::2' as Ip))],
    ['another Operator-NAS-Identifier', 403, () => disconnect(BOB, octets(241, utf8('\u0008sw2')))],
    ['an attribute of the wrong length', 404, () => disconnect(short('NAS-Port'))],
    ['a change of the wrong length', 404, () => coa(BOB, short('Session-Timeout'))],
    ['an address of the wrong length', 404, () => disconnect(short('Framed-IP-Address'))],
    ['an IPv6 address where IPv4 belongs', 404, () => disconnect(ip('Framed-IP-Address', '::1' as Ip))],
    ['a NAS-IP-Address that is none', 404, () => disconnect(BOB, short('NAS-IP-Address'))],
    ['two of a kind', 404, () => disconnect(BOB, BOB)],
    [
      'a misformed Vendor-Specific',
      404,
      () => coa(BOB, octets('Vendor-Specific', Uint8Array.of(0, 0, 0, 9, 1, 9))),
    ],
    ['a command and a change', 404, () => coa(BOB, TIMEOUT, CISCO('subscriber:command=reauthenticate'))],
    [
      'two commands',
      404,
      () =>
        coa(BOB, CISCO('subscriber:command=reauthenticate'), CISCO('subscriber:command=bounce-host-port')),
    ],
    ['a type without a command', 404, () => coa(BOB, CISCO('subscriber:reauthenticate-type=last'))],
    ['an Event-Timestamp of the wrong length', 404, () => disconnect(BOB, short('Event-Timestamp'))],
    ['another Service-Type', 405, () => coa(BOB, u32('Service-Type', 2))],
    ['a station that is no MAC', 407, () => disconnect(text('Calling-Station-Id', 'aa:bb'))],
    ['a VLAN that is none', 407, () => coa(BOB, ...vlan('4095'))],
    ['a Termination-Action that is none', 407, () => coa(BOB, u32('Termination-Action', 7))],
    ['a command that we do not know', 407, () => coa(BOB, CISCO('subscriber:command=session-query'))],
    [
      'a type of reauthentication that we do not know',
      407,
      () =>
        coa(BOB, CISCO('subscriber:command=reauthenticate'), CISCO('subscriber:reauthenticate-type=first')),
    ],
    ['a bounce that is too long', 407, () => coa(BOB, vendor(11, 23, Uint8Array.of(0, 0, 0, 61)))],
    ['a bounce of no time', 407, () => coa(BOB, vendor(14_823, 40, Uint8Array.of(0, 0, 0, 0)))],
  ])('%s: %i', (_, errorCause, make) => {
    const bytes = make();
    const code = bytes[0] === 40 ? 'Disconnect-NAK' : 'CoA-NAK';
    expect(new Rig().refused(bytes)).toMatchObject({ code, errorCause });
  });
});

describe('what is asked', () => {
  it('of any MAC spelling', () => {
    const spellings = [
      '02:99:ab:00:00:0a',
      '02-99-AB-00-00-0A',
      '0299.ab00.000a',
      '0299ab00000A',
      '0299AB-00000a',
    ];
    for (const spelling of spellings) {
      const asked = new Rig().asked(disconnect(text('Calling-Station-Id', spelling)));
      expect(asked?.keys).toEqual({ callingStation: '02:99:ab:00:00:0a' });
    }
  });

  it('NAS identification that is ours is taken, of the configuration or of the host', () => {
    const ours = [
      text('NAS-Identifier', 'sw1'),
      ip('NAS-IP-Address', '192.0.2.1' as Ip),
      ip('NAS-IPv6-Address', '2001:db8::1' as Ip),
      octets(241, utf8('\u0008sw1')),
      octets(126, utf8('1example.org')),
    ];
    expect(new Rig().asked(disconnect(BOB, ...ours))?.action).toEqual({ type: 'disconnect', classes: [] });
  });

  test.each<readonly [string, readonly OutgoingAttribute[], object]>([
    [
      'Cisco reauthenticate',
      [CISCO('subscriber:command=reauthenticate')],
      { type: 'reauthenticate', rerun: false },
    ],
    [
      'Cisco rerun',
      [CISCO('subscriber:command=reauthenticate'), CISCO('subscriber:reauthenticate-type=rerun')],
      { type: 'reauthenticate', rerun: true },
    ],
    ['Cisco bounce', [CISCO('subscriber:command=bounce-host-port')], { type: 'bounce' }],
    ['Cisco disable', [CISCO('subscriber:command=disable-host-port')], { type: 'disable' }],
    ['HP bounce', [vendor(11, 23, Uint8Array.of(0, 0, 0, 12))], { type: 'bounce', time: 12_000 }],
    ['Aruba bounce', [vendor(14_823, 40, Uint8Array.of(0, 0, 0, 5))], { type: 'bounce', time: 5_000 }],
    ['Authorize-Only', [AUTHORIZE_ONLY, STATE], { type: 'authorize-only', state: utf8('a state') }],
    ['a time', [TIMEOUT], { type: 'change', keys: ['sessionTimeout'], to: { sessionTimeout: 60_000 } }],
    ['no time any more', [u32('Idle-Timeout', 0)], { type: 'change', keys: ['idleTimeout'] }],
    ['a VLAN', vlan('guests'), { type: 'change', keys: ['vlan'], to: { vlan: 'guests' } }],
    [
      'a role',
      [text('Filter-Id', 'staff')],
      { type: 'change', keys: ['filterId', 'vendorRole'], to: { filterId: 'staff' } },
    ],
  ])('%s', (_, attributes, action) => {
    expect(new Rig().asked(coa(BOB, ...attributes))?.action).toMatchObject(action);
  });

  it('audit-session-id names a session', () => {
    expect(new Rig().asked(disconnect(CISCO('audit-session-id=0A01')))?.keys).toEqual({
      auditSessionId: '0A01',
    });
  });
});

describe('answers', () => {
  it('have State and every Proxy-State in their order, Message-Authenticator first', () => {
    const rig = new Rig();
    const proxies = ['one', 'two', 'three'].map((said) => octets('Proxy-State', utf8(said)));
    const bytes = coa(BOB, TIMEOUT, STATE, ...proxies);
    const [request] = rig.give(bytes);
    if (request?.type !== 'request') throw new Error('not asked');
    const [sent] = rig.server.answer(request.ref, { cause: 'Resources-Unavailable', detail: '' });
    if (sent?.type !== 'send') throw new Error('not answered');
    expect(readReply(bytes, sent.bytes)).toEqual({
      code: 'CoA-NAK',
      errorCause: 506,
      types: [80, 101, 24, 33, 33, 33],
    });
    expect(Buffer.from(sent.bytes).toString('latin1')).toMatch(/one.*two.*three/s);
  });

  // Somebody who replays a listed client's packets makes the switch send to that client, and to nobody else.
  it('are larger than what was asked by 30 octets at most, and nothing that is not proven is answered', () => {
    const state = octets('State', new Uint8Array(253).fill(7));
    const proxies = Array.from({ length: 10 }, (_, i) => octets('Proxy-State', new Uint8Array(253).fill(i)));
    for (const bytes of [
      disconnect(),
      coa(),
      coa(BOB, AUTHORIZE_ONLY, STATE),
      coa(BOB, state, state, state),
      disconnect(BOB, ...proxies),
      coa(BOB, TIMEOUT, state, ...proxies),
    ]) {
      const rig = new Rig();
      const first = rig.give(bytes);
      const asked = first.find(({ type }) => type === 'request');
      const answers =
        asked?.type === 'request'
          ? rig.server.answer(asked.ref, { cause: 'Request-Initiated', detail: '' })
          : first;
      // The first time, and each time that it comes again.
      for (const effects of [answers, rig.give(bytes), rig.give(bytes)]) {
        const sent = effects.flatMap((effect) => (effect.type === 'send' ? [effect] : []));
        expect(sent).toHaveLength(1);
        expect((sent[0]?.bytes.length ?? 0) - bytes.length).toBeLessThanOrEqual(30);
        expect(sent[0]?.address).toBe(CLIENT);
      }
      const forged = Uint8Array.from(bytes);
      forged[4] = (forged[4] ?? 0) ^ 1;
      expect(kinds(rig.give(forged))).toEqual(['request-authenticator']);
      expect(kinds(rig.give(bytes, { address: '198.51.100.1' }))).toEqual(['client']);
    }
  });

  it('507 says Authorize-Only, too (§3.2)', () => {
    const rig = new Rig();
    const bytes = coa(BOB, AUTHORIZE_ONLY, STATE);
    const [request] = rig.give(bytes);
    if (request?.type !== 'request') throw new Error('not asked');
    const [sent] = rig.server.answer(request.ref, { cause: 'Request-Initiated', detail: '' });
    if (sent?.type !== 'send') throw new Error('not answered');
    expect(readReply(bytes, sent.bytes).types).toEqual([80, 6, 101, 24]);
  });
});

describe('hostile packets', () => {
  it('100,000 mutants, cut, grown and flipped: nothing is asked, nothing kept, none throws', () => {
    const rig = new Rig();
    const whole = [
      disconnect(BOB),
      coa(BOB, TIMEOUT, STATE),
      coa(BOB, CISCO('subscriber:command=bounce-host-port')),
    ];
    const reasons = new Map<string, number>();
    for (const bytes of forgeries(whole, 100_000, 7)) {
      for (const kind of kinds(rig.give(bytes))) reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
    }
    expect([...reasons.keys()].sort()).toEqual([
      'attribute-length',
      'code',
      'length',
      'request-authenticator',
      'short',
    ]);
    expect([...reasons.values()].reduce((sum, count) => sum + count, 0)).toBe(100_000);
  });
});
