import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../src/base/bytes.ts';
import { firstResponse, responseTo } from '../../src/pae/mab-eap.ts';

const peer = { userName: utf8('aabb'), password: utf8('pass') };
const request = (id: number, type: number, ...data: number[]): Uint8Array =>
  Uint8Array.from([1, id, 0, 5 + data.length, type, ...data]);

describe('the peer that stands in for a device', () => {
  it('says who it is before anybody has asked', () => {
    expect(toHex(firstResponse(peer))).toBe('020000090161616262');
  });

  it('RFC 3748 section 5.4, RFC 1994 section 4.1: answers an MD5-Challenge', () => {
    const answer = responseTo(request(7, 4, 3, 0xca, 0xfe, 0x01, 0x6e, 0x61), peer);
    const value = createHash('md5')
      .update(Uint8Array.of(7))
      .update('pass')
      .update(Uint8Array.of(0xca, 0xfe, 0x01))
      .digest('hex');
    expect(toHex(answer ?? new Uint8Array(0))).toBe(`0207001a0410${value}61616262`);
  });

  it('RFC 3748 section 5.3.1: wants MD5 where another method is offered', () => {
    expect(toHex(responseTo(request(9, 25, 0x20), peer) ?? new Uint8Array(0))).toBe('020900060304');
  });

  it('repeats who it is, and takes note of a notification', () => {
    expect(toHex(responseTo(request(1, 1), peer) ?? new Uint8Array(0))).toBe('020100090161616262');
    expect(toHex(responseTo(request(2, 2, 0x68), peer) ?? new Uint8Array(0))).toBe('0202000502');
  });

  it.each([
    ['no challenge', request(1, 4)],
    ['an empty one', request(1, 4, 0)],
    ['one that runs past the end', request(1, 4, 9, 1, 2)],
    ['no Request', Uint8Array.from([3, 1, 0, 4])],
    ['nothing', new Uint8Array(0)],
  ])('has no answer to %s', (_, packet) => {
    expect(responseTo(packet, peer)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (packet) => {
        responseTo(packet, peer);
      }),
    );
  });
});
