// The book of who is logged in at which concentrator, whatever order its words come in.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import { instant, seconds } from '../../src/base/time.ts';
import { type Heard, SsoLogins } from '../../src/radius/sso-logins.ts';
import type { Nas, SsoLogin } from '../../src/radius/sso-notice.ts';
import type { Told } from '../../src/radius/sso-origin.ts';

const VPN = '192.0.2.10' as Ip;
const OTHER = '192.0.2.11' as Ip;
const A = '10.0.0.1' as Ip;
const B = '10.0.0.2' as Ip;
const S = 1000;

function login(sessionId: string, addresses: readonly Ip[], more: Partial<SsoLogin> = {}): SsoLogin {
  return { sessionId, userName: `user of ${sessionId}`, addresses, classes: [], ...more };
}

let logins: SsoLogins;
beforeEach(() => {
  logins = new SsoLogins(3);
});

const told = (at = 0, client = VPN, nas: Nas = {}): Told => ({ client, nas, at: instant(at) });
const start = (said: SsoLogin, at = 0, client = VPN, nas: Nas = {}): Heard =>
  logins.heard('start', told(at, client, nas), said);
const interim = (said: SsoLogin, at = 0, client = VPN, nas: Nas = {}): Heard =>
  logins.heard('interim', told(at, client, nas), said);
const holder = (ip: Ip): string | undefined => logins.ofAddress(ip)?.sessionId;
const leaving = (heard: Heard) =>
  heard.type === 'login' && heard.late
    ? 'late'
    : heard.type === 'login'
      ? heard.leaving.map(({ ip, cause }) => `${ip} ${cause}`)
      : heard.reason;

describe('a user', () => {
  it('is in by a Start, or by an Interim of a session that is not known, and out by its Stop', () => {
    expect(leaving(start(login('s1', [A])))).toEqual([]);
    expect(leaving(interim(login('s2', [B])))).toEqual([]);
    expect([holder(A), holder(B), logins.size]).toEqual(['s1', 's2', 2]);
    expect(logins.stop(told(), 's1')?.userName).toBe('user of s1');
    expect([holder(A), logins.size]).toEqual([undefined, 1]);
    expect(logins.stop(told(), 's9')).toBeUndefined();
  });

  it('does not come back after its Stop, by whatever was on its way', () => {
    start(login('s1', [A]), 0);
    logins.stop(told(), 's1');
    expect(leaving(interim(login('s1', [A]), 5 * S))).toBe('after-stop');
    expect(leaving(start(login('s1', [A]), 6 * S))).toBe('after-stop');
    // The Stop was faster than the Start.
    logins.stop(told(), 's2');
    expect(leaving(start(login('s2', [A]), 6 * S))).toBe('after-stop');
    expect(holder(A)).toBeUndefined();
    // Of another concentrator it is another session.
    expect(leaving(start(login('s1', [A]), 7 * S, OTHER))).toEqual([]);
  });

  it('whose Start comes twice is in once, as it was', () => {
    start(login('s1', [A]), 0);
    logins.stands(A, 'in');
    expect(start(login('s1', [A]), 0)).toMatchObject({
      leaving: [],
      renewed: false,
    });
    expect(logins.ofAddress(A)?.addresses.get(A)).toBe('in');
  });

  it('is told an address later than it logged in', () => {
    start(login('s1', []), 0);
    expect(logins.size).toBe(1);
    interim(login('s1', [A]), 5 * S);
    expect(holder(A)).toBe('s1');
    // One that does not say it again says nothing of it.
    expect(leaving(interim(login('s1', []), 6 * S))).toEqual([]);
    expect(holder(A)).toBe('s1');
  });

  it('who has got another address has moved', () => {
    start(login('s1', [A]), 0);
    expect(leaving(interim(login('s1', [B]), 5 * S))).toEqual([`${A} moved`]);
    expect([holder(A), holder(B)]).toEqual([undefined, 's1']);
  });

  it('is renewed by another Filter-Id or Class, and not by one that says neither', () => {
    start(login('s1', [A], { filterId: 'guest', classes: [Uint8Array.of(1)] }), 0);
    const renewed = (more: Partial<SsoLogin>, at: number) => {
      const heard = interim(login('s1', [A], more), at);
      return heard.type === 'login' && heard.renewed;
    };
    expect(renewed({}, 1 * S)).toBe(false);
    expect(renewed({ filterId: 'guest', classes: [Uint8Array.of(1)] }, 2 * S)).toBe(false);
    expect(renewed({ filterId: 'staff' }, 3 * S)).toBe(true);
    expect(renewed({ classes: [Uint8Array.of(2)] }, 4 * S)).toBe(true);
    expect(logins.ofAddress(A)).toMatchObject({ filterId: 'staff', classes: [Uint8Array.of(2)] });
  });

  it('under another name in the same session is another user', () => {
    start(login('s1', [A]), 0);
    expect(leaving(interim(login('s1', [A], { userName: 'mallory' }), S))).toEqual([
      `${A} authorization-changed`,
    ]);
    expect(logins.ofAddress(A)?.userName).toBe('mallory');
  });
});

describe('an address', () => {
  it('belongs to whoever started last, and the one before is over', () => {
    start(login('s1', [A]), 0);
    expect(leaving(start(login('s2', [A]), 60 * S))).toEqual([`${A} authorization-changed`]);
    expect(holder(A)).toBe('s2');
    // What was still on its way of the first one takes nothing back, nor does its Stop.
    expect(leaving(interim(login('s1', [A]), 61 * S))).toBe('address-taken');
    expect(leaving(start(login('s1', [A]), 0))).toBe('address-taken');
    logins.stop(told(), 's1');
    expect([holder(A), logins.size]).toEqual(['s2', 1]);
  });

  it('that two users have swapped is of each as it says, one after the other', () => {
    start(login('s1', [A]), 0);
    start(login('s2', [B]), 0);
    expect(leaving(interim(login('s1', [B]), 60 * S))).toEqual([`${A} moved`, `${B} authorization-changed`]);
    expect(leaving(interim(login('s2', [A]), 61 * S))).toEqual([]);
    expect([holder(A), holder(B)]).toEqual(['s2', 's1']);
  });

  it('is not given up to the Interim of an older session, and is to that of a newer one', () => {
    start(login('s1', [A]), 100 * S);
    expect(leaving(interim(login('s2', [A]), 200 * S))).toBe('address-taken');
    expect(leaving(interim(login('s2', [A], { sessionTime: seconds(150) }), 200 * S))).toBe('address-taken');
    // Began 50 s ago: after the other one, whose Stop was lost.
    expect(leaving(interim(login('s3', [A], { sessionTime: seconds(50) }), 200 * S))).toEqual([
      `${A} authorization-changed`,
    ]);
    expect(holder(A)).toBe('s3');
  });

  it('that a running session has got is its own, if that is the newer word', () => {
    start(login('s1', [A]), 100 * S);
    start(login('s2', [B]), 110 * S);
    interim(login('s1', [A]), 300 * S);
    expect(leaving(interim(login('s2', [A]), 260 * S))).toBe('address-taken');
    expect(leaving(interim(login('s2', [A]), 320 * S))).toEqual([`${B} moved`, `${A} authorization-changed`]);
    expect([holder(A), holder(B)]).toEqual(['s2', undefined]);
  });

  it('is not changed by what is older than what is known', () => {
    start(login('s1', [A]), 0);
    interim(login('s1', [B]), 100 * S);
    expect(leaving(interim(login('s1', [A]), 50 * S))).toBe('late');
    expect(holder(B)).toBe('s1');
  });
});

describe('a concentrator', () => {
  it('that stops takes all its users along, and nobody else', () => {
    start(login('s1', [A]), 0);
    start(login('s1', [B]), 0, OTHER);
    expect(logins.stopAll('off', told()).map(({ sessionId }) => sessionId)).toEqual(['s1']);
    expect([holder(A), holder(B)]).toEqual([undefined, 's1']);
    expect(leaving(interim(login('s1', [A]), S))).toBe('after-stop');
  });

  it('that has started counts its sessions anew', () => {
    start(login('s1', [A]), 0);
    logins.stop(told(), 's1');
    logins.stopAll('on', told());
    expect(leaving(start(login('s1', [A]), S))).toEqual([]);
  });
});

describe('what a concentrator says of all its users', () => {
  it('is of those who were logged in when it happened', () => {
    start(login('s1', [A]), 0);
    start(login('s2', [B]), 10 * S);
    expect(logins.stopAll('on', told(5 * S)).map(({ sessionId }) => sessionId)).toEqual(['s1']);
    expect(holder(B)).toBe('s2');
    expect(logins.stopAll('off', told(6 * S))).toEqual([]);
    expect(leaving(interim(login('s2', [B]), 20 * S))).toEqual([]);
  });

  it('makes what was said before it nothing, whenever that comes', () => {
    logins.stopAll('on', told(20 * S));
    expect(leaving(interim(login('s1', [A]), 10 * S))).toBe('before-on-or-off');
    expect(leaving(start(login('s1', [A]), 25 * S))).toEqual([]);
    // The Stop of the session that had this id before.
    expect(logins.stop(told(10 * S), 's1')).toBeUndefined();
    expect(leaving(interim(login('s1', [A]), 30 * S))).toEqual([]);
    expect(leaving(start(login('s1', [B]), 10 * S, OTHER))).toEqual([]);
  });
});

describe('several concentrators behind one address', () => {
  const [one, two]: readonly Nas[] = [{ identifier: 'vpn-1' }, { address: '10.9.9.2' as Ip }];

  it('have each their own session ids, and their own On and Off', () => {
    start(login('s1', [A]), 0, VPN, one);
    start(login('s1', [B], { userName: 'bob' }), 0, VPN, { identifier: 'vpn-2' });
    expect([holder(A), holder(B), logins.size]).toEqual(['s1', 's1', 2]);
    logins.stop(told(S, VPN, one), 's1');
    expect([holder(A), holder(B)]).toEqual([undefined, 's1']);
    expect(logins.stopAll('on', told(S, VPN, one))).toEqual([]);
    expect(holder(B)).toBe('s1');
  });

  it('that do not say which they are, or not in the same way, are all meant', () => {
    start(login('s1', [A]), 0, VPN, one);
    start(login('s2', [B]), 0, VPN, two);
    expect(logins.stopAll('on', told(S, VPN, {})).length).toBe(2);
    start(login('s1', [A]), 2 * S, VPN, one);
    expect(logins.stopAll('on', told(3 * S, VPN, two)).length).toBe(1);
  });
});

describe('a login that is barred', () => {
  const in_ = (...ips: readonly Ip[]): void => {
    for (const ip of ips) logins.stands(ip, 'in');
  };
  const bar = (ip: Ip): void => {
    const found = logins.ofAddress(ip);
    if (found === undefined) throw new Error(ip);
    logins.stands(ip, 'out');
    logins.bar(found, instant(0));
  };

  it.each<readonly [string, SsoLogin]>([
    ['the same word', login('s1', [A])],
    ['another address', login('s1', [B])],
    ['one more', login('s1', [A, B])],
    ['another name', login('s1', [A], { userName: 'mallory' })],
  ])('gets nothing by %s, until it begins anew', (_, said) => {
    start(login('s1', [A]), 0);
    in_(A);
    bar(A);
    expect(logins.size).toBe(0);
    expect(leaving(interim(said, S))).toBe('barred');
    expect(leaving(start(said, 2 * S))).toBe('barred');
    expect(leaving(start(login('s2', [A]), 3 * S))).toEqual([]);
  });

  it('keeps what is in, and nothing else', () => {
    start(login('s1', [A, B]), 0);
    in_(A, B);
    bar(A);
    expect([holder(A), holder(B)]).toEqual([undefined, 's1']);
    expect(leaving(interim(login('s1', [A, B]), S))).toBe('barred');
    expect(logins.stop(told(), 's1')?.addresses.size).toBe(1);
    expect(leaving(interim(login('s1', [A]), S))).toBe('after-stop');
  });

  it('is barred however many users come and go', () => {
    start(login('s1', [A]), 0);
    bar(A);
    for (let n = 2; n < 9; n++) {
      start(login(`s${n}`, [B]), n * S);
      logins.stop(told(), `s${n}`);
    }
    expect(leaving(interim(login('s1', [A]), 60 * S))).toBe('barred');
  });

  it('may begin anew when its concentrator does', () => {
    start(login('s1', [A]), 0);
    bar(A);
    logins.stopAll('on', told());
    expect(leaving(start(login('s1', [A]), S))).toEqual([]);
  });
});

describe('a full book', () => {
  it('forgets whoever is out for the longest time, and takes in nobody where all are in', () => {
    for (const [n, id] of ['s1', 's2', 's3'].entries()) start(login(id, [`10.0.0.${n}` as Ip]), n * S);
    logins.stands('10.0.0.0' as Ip, 'in');
    expect(leaving(start(login('s4', [A]), 9 * S))).toEqual(['10.0.0.1 authorization-changed']);
    expect(logins.size).toBe(3);
    expect(holder('10.0.0.0' as Ip)).toBe('s1');
    for (const { addresses } of logins.all()) for (const ip of addresses.keys()) logins.stands(ip, 'in');
    expect(leaving(start(login('s5', [B]), 10 * S))).toBe('full');
    expect(leaving(interim(login('s4', [A]), 11 * S))).toEqual([]);
  });

  it('remembers as many stopped sessions as it takes in', () => {
    for (const id of ['s1', 's2', 's3', 's4']) logins.stop(told(), id);
    expect(leaving(start(login('s1', [A])))).toEqual([]);
    expect(leaving(start(login('s4', [B])))).toBe('after-stop');
  });
});
