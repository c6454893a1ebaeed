// The accounting server for concentrators: what it believes, what it answers, and what it makes of a packet.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { Ip } from '../../src/base/ip.ts';
import { instant } from '../../src/base/time.ts';
import { type SsoEffect, SsoServer } from '../../src/radius/sso.ts';
import { encodeAccountingRequest, encodeStatusServer } from '../../src/wire/radius.ts';
import { ip, octets, text, u32 } from '../../src/wire/radius-attributes.ts';
import { verifyResponse } from '../../src/wire/radius-verify.ts';
import { accountingRequest, type Said, SSO_SECRET } from '../rigs/sso.ts';

const CLIENT = '192.0.2.10' as Ip;
const ALICE: Said = { session: 's1', user: 'alice', ips: ['10.0.0.1'] };

const UNNAMED = { nas: {}, delay: 0 };

function server(requireMessageAuthenticator = false): SsoServer {
  return new SsoServer([{ address: CLIENT, secret: utf8(SSO_SECRET), requireMessageAuthenticator }]);
}

function tell(to: SsoServer, bytes: Uint8Array, from: string = CLIENT, atMs = 0): readonly SsoEffect[] {
  return to.receive({ address: from, port: 40_000, bytes }, instant(atMs));
}

const reasons = (effects: readonly SsoEffect[]): readonly string[] =>
  effects.map((effect) => (effect.type === 'dropped' ? effect.reason : effect.type));

/** What the one notice says. */
function notice(status: Parameters<typeof accountingRequest>[0], said: Said) {
  const [effect] = tell(server(), accountingRequest(status, said));
  if (effect?.type !== 'notice') throw new Error(JSON.stringify(effect));
  return effect.notice;
}

describe('a packet', () => {
  it('of an address that is not listed is dropped, and so is one by another secret, and one that is cut', () => {
    const bytes = accountingRequest('start', ALICE);
    expect(reasons(tell(server(), bytes, '192.0.2.11'))).toEqual(['client']);
    expect(reasons(tell(server(), bytes, 'nonsense'))).toEqual(['client']);
    expect(reasons(server().receive({ address: CLIENT, port: 0, bytes }, instant(0)))).toEqual(['client']);
    expect(reasons(tell(server(), accountingRequest('start', { ...ALICE, secret: 'another' })))).toEqual([
      'request-authenticator',
    ]);
    for (let length = 0; length < bytes.length; length++)
      expect(reasons(tell(server(), bytes.subarray(0, length)))).not.toContain('notice');
    for (let at = 0; at < bytes.length; at++) {
      const bent = bytes.slice();
      bent[at] = (bent[at] ?? 0) ^ 0x40;
      expect(reasons(tell(server(), bent))).not.toContain('notice');
    }
  });

  it('of another kind is dropped', () => {
    const secret = utf8(SSO_SECRET);
    const request = { identifier: 1, attributes: [], secret, authenticator: new Uint8Array(16).fill(7) };
    const status = encodeStatusServer(request);
    if (!status.ok) throw new Error(status.error.detail);
    expect(reasons(tell(server(), status.value))).toEqual(['code']);
  });

  it('without Message-Authenticator is dropped where one is required', () => {
    expect(reasons(tell(server(true), accountingRequest('start', ALICE)))).toEqual([
      'message-authenticator-missing',
    ]);
  });

  it.each<readonly [string, Parameters<typeof accountingRequest>[0], Said, string]>([
    ['no Acct-Session-Id', 'start', { user: 'alice' }, 'acct-session-id-missing'],
    ['no User-Name', 'interim', { session: 's1' }, 'user-name-missing'],
    ['a Stop without Acct-Session-Id', 'stop', {}, 'acct-session-id-missing'],
    ['loopback', 'start', { ...ALICE, ips: ['127.0.0.1'] }, 'framed-ip-address'],
    ['a group', 'start', { ...ALICE, ips: ['ff02::1'] }, 'framed-ipv6-address'],
    ['a link-local address', 'start', { ...ALICE, ips: ['fe80::1'] }, 'framed-ipv6-address'],
    [
      'an address of five octets',
      'start',
      { ...ALICE, ips: [], more: [octets('Framed-IP-Address', new Uint8Array(5))] },
      'framed-ip-address',
    ],
  ])('that makes no sense is dropped: %s', (_, status, said, reason) => {
    expect(reasons(tell(server(), accountingRequest(status, said)))).toEqual([reason]);
  });

  it('without Acct-Status-Type, or with one of three octets, is dropped', () => {
    const send = (attributes: Parameters<typeof encodeAccountingRequest>[0]['attributes']) => {
      const bytes = encodeAccountingRequest({ identifier: 1, attributes, secret: utf8(SSO_SECRET) });
      if (!bytes.ok) throw new Error(bytes.error.detail);
      return reasons(tell(server(), bytes.value));
    };
    expect(send([text('Acct-Session-Id', 's')])).toEqual(['acct-status-type-missing']);
    expect(send([octets('Acct-Status-Type', new Uint8Array(3))])).toEqual(['acct-status-type']);
  });
});

describe('a notice', () => {
  it('of a Start has the user, its addresses of both families, and what may give a role', () => {
    const said = { ...ALICE, ips: ['10.0.0.1', '2001:db8::1'], filterId: 'staff', className: 'c', delayS: 4 };
    expect(notice('start', said)).toEqual({
      kind: 'start',
      nas: {},
      delay: 4000,
      login: {
        sessionId: 's1',
        userName: 'alice',
        addresses: ['10.0.0.1', '2001:db8::1'],
        filterId: 'staff',
        classes: [utf8('c')],
      },
    });
  });

  it('of a user who has no address yet names none', () => {
    expect(notice('start', { ...ALICE, ips: [] })).toMatchObject({ login: { addresses: [] } });
    expect(notice('start', { ...ALICE, ips: ['255.255.255.254'] })).toMatchObject({
      login: { addresses: [] },
    });
  });

  it('of an Interim has its time, of a Stop its cause, of a concentrator none of a session', () => {
    expect(notice('interim', { ...ALICE, timeS: 60 })).toMatchObject({ login: { sessionTime: 60_000 } });
    expect(notice('stop', { session: 's1', cause: 4 })).toEqual({
      ...UNNAMED,
      kind: 'stop',
      sessionId: 's1',
      terminateCause: 4,
    });
    expect(notice('on', {})).toEqual({ ...UNNAMED, kind: 'on' });
    expect(notice('off', { cause: 7 })).toEqual({ ...UNNAMED, kind: 'off', terminateCause: 7 });
    expect(notice(15, {})).toEqual({ ...UNNAMED, kind: 'other', status: 15 });
  });

  it('has the delay of all of them, the name that the concentrator gives itself, and no cause that is 0', () => {
    const more = [text('NAS-Identifier', 'vpn-a'), ip('NAS-IP-Address', '10.9.9.9' as Ip)];
    expect(notice('off', { cause: 0, delayS: 15, more })).toEqual({
      kind: 'off',
      delay: 15_000,
      nas: { identifier: 'vpn-a', address: '10.9.9.9' },
    });
    expect(notice('stop', { session: 's1', cause: 0 })).toEqual({
      ...UNNAMED,
      kind: 'stop',
      sessionId: 's1',
    });
  });
});

describe('an answer', () => {
  it('is one that the concentrator believes, and comes when it is done', () => {
    const to = server();
    const bytes = accountingRequest('start', { ...ALICE, more: [octets('Proxy-State', utf8('p'))] });
    const [asked] = tell(to, bytes);
    expect(asked).toMatchObject({ type: 'notice', client: CLIENT });
    const [sent] = to.answer(1, instant(0));
    if (sent?.type !== 'send') throw new Error('not sent');
    expect(sent).toMatchObject({ address: CLIENT, port: 40_000 });
    const verified = verifyResponse({
      packetBytes: sent.bytes,
      request: { code: 4, identifier: bytes[1] ?? 0, authenticator: bytes.subarray(4, 20) },
      secret: utf8(SSO_SECRET),
      requireMessageAuthenticator: false,
    });
    expect(verified).toMatchObject({ ok: true, value: { code: 5, attributes: [{ type: 33 }] } });
    expect(to.answer(1, instant(0))).toEqual([]);
  });

  it('to a packet that comes again is the first one, and nothing is done twice', () => {
    const to = server();
    const bytes = accountingRequest('start', ALICE);
    tell(to, bytes);
    expect(reasons(tell(to, bytes))).toEqual(['duplicate']);
    const [first] = to.answer(1, instant(0));
    const again = tell(to, bytes);
    expect(reasons(again)).toEqual(['duplicate', 'send']);
    expect(again[1]).toEqual(first);
  });

  it('is given again for half a minute, and to On and Off for some seconds', () => {
    for (const [status, said, kept] of [
      ['start', ALICE, 30_000],
      ['on', {}, 5000],
      ['off', {}, 5000],
    ] as const) {
      const to = server();
      const bytes = accountingRequest(status, said);
      tell(to, bytes);
      to.answer(1, instant(0));
      expect(reasons(tell(to, bytes, CLIENT, kept - 1))).toEqual(['duplicate', 'send']);
      expect(reasons(tell(to, bytes, CLIENT, kept))).toEqual(['notice']);
    }
  });

  it('is of one address and port: another concentrator may say the same by the same secret', () => {
    const address = '192.0.2.11' as Ip;
    const to = server();
    const secret = utf8(SSO_SECRET);
    to.configure(
      [CLIENT, address].map((each) => ({ address: each, secret, requireMessageAuthenticator: false })),
    );
    const bytes = accountingRequest('on', {});
    tell(to, bytes);
    to.answer(1, instant(0));
    expect(reasons(tell(to, bytes, address))).toEqual(['notice']);
    expect(reasons(to.receive({ address: CLIENT, port: 40_001, bytes }, instant(0)))).toEqual(['notice']);
  });

  it('is not given where it cannot be done, and the packet is heard anew when it comes again', () => {
    const to = server();
    const bytes = accountingRequest('start', ALICE);
    tell(to, bytes);
    to.forget(1);
    expect(to.answer(1, instant(0))).toEqual([]);
    expect(reasons(tell(to, bytes))).toEqual(['notice']);
  });

  it('is forgotten by the oldest first, whatever comes', () => {
    const to = server();
    const first = accountingRequest('start', ALICE);
    for (let n = 0; n < 5000; n++) {
      const bytes = n === 0 ? first : accountingRequest('interim', { ...ALICE, more: [u32('NAS-Port', n)] });
      const [effect] = tell(to, bytes);
      if (effect?.type === 'notice') to.answer(effect.ref, instant(0));
    }
    expect(reasons(tell(to, first))).toEqual(['notice']);
  });
});
