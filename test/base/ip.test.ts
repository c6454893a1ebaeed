import { describe, expect, it } from 'vitest';
import {
  type Ip,
  isHostAddress,
  isLinkLocal,
  isMulticast,
  parseIp,
  parseIpv6,
  withoutZone,
} from '../../src/base/ip.ts';

describe('an address', () => {
  it.each([
    ['192.0.2.1', true],
    ['169.254.7.7', true],
    ['223.255.255.255', true],
    ['0.0.0.0', false],
    ['0.1.2.3', false],
    ['127.0.0.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['2001:db8::1', true],
    ['fe80::1', true],
    ['::', false],
    ['::1', false],
    ['ff02::1', false],
    // Its first group is 00ff.
    ['ff::1', true],
  ])('%s: a host may have it: %s', (text, may) => {
    expect(isHostAddress(parseIp(text) as Ip)).toBe(may);
  });

  it.each([
    ['fe80::1', true, false],
    ['febf::1', true, false],
    ['fec0::1', false, false],
    ['fe8::1', false, false],
    ['ff02::1', false, true],
    ['ff::1', false, false],
  ])('%s is of its link alone: %s; of many: %s', (text, isLocal, isOfMany) => {
    const ip = parseIpv6(text)!;
    expect([isLinkLocal(ip), isMulticast(ip)]).toEqual([isLocal, isOfMany]);
  });

  it('may be said with an interface', () => {
    expect([withoutZone('fe80::1%eth0'), withoutZone('192.0.2.1')]).toEqual(['fe80::1', '192.0.2.1']);
  });

  it.each([
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::', '::'],
    ['192.0.2.255', '192.0.2.255'],
  ])('%s is written %s (RFC 5952)', (text, canonical) => {
    expect(parseIp(text)).toBe(canonical);
  });

  it.each([
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
  ])('%j is no IPv6 address', (text) => expect(parseIpv6(text)).toBeUndefined());

  it.each(['1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1.2.3.', ' 1.2.3.4', '::1.2.3', '::1.2.3.400'])(
    '%j is no address',
    (text) => expect(parseIp(text)).toBeUndefined(),
  );
});
