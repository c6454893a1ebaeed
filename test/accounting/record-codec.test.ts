import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../../src/accounting/record-codec.ts';
import { acctAttributes } from '../../src/accounting/records.ts';
import { toHex } from '../../src/base/bytes.ts';
import { crc32 } from '../../src/base/crc32.ts';
import type { Ip } from '../../src/base/ip.ts';
import { macFromBytes } from '../../src/base/mac.ts';
import type { WallTime } from '../../src/base/time.ts';
import type { AcctRecord } from '../../src/model/acct.ts';
import { AUTH_METHODS } from '../../src/model/authorization.ts';
import { END_CAUSES, type EndCause } from '../../src/model/cause.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { SEEN_BY } from '../../src/model/session.ts';
import { subject } from '../rigs/accounting-path.ts';
import { mutate } from '../rigs/mutate.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';

const octets = (maxLength: number) => fc.uint8Array({ maxLength }).map((value) => Uint8Array.from(value));
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes));
const large = fc.maxSafeNat();
const causes = Object.keys(END_CAUSES) as EndCause[];

const wall = fc.nat({ max: 8_640_000_000_000 }).map((ms) => ms as WallTime);
const story = fc.record(
  {
    method: fc.constantFrom(...AUTH_METHODS),
    role: fc.string({ maxLength: 60 }),
    started: wall,
    vlan: fc.nat({ max: 4094 }),
    lastSeenBy: fc.constantFrom(...SEEN_BY),
    probesSent: fc.nat(),
    probesAnswered: fc.nat(),
  },
  { requiredKeys: ['method', 'role', 'started', 'lastSeenBy', 'probesSent', 'probesAnswered'] },
);

const anySubject = fc.record(
  {
    sessionId: fc.string({ unit: 'grapheme', maxLength: 60 }),
    multiSessionId: fc.string({ maxLength: 60 }),
    userName: fc.string({ unit: 'grapheme', maxLength: 253 }),
    station: fc.record({
      mac,
      port: fc.string({ maxLength: 15 }).map((name) => name as PortName),
      nasPort: fc.nat({ max: 0xffffffff }),
      calledStation: mac,
    }),
    classes: fc.array(octets(253), { maxLength: 4 }),
    cui: octets(253),
    ipv4: fc.ipV4().map((ip) => ip as Ip),
    ipv6: fc.constantFrom('2001:db8::1', 'fe80::2', '::').map((ip) => ip as Ip),
    story,
  },
  {
    requiredKeys: ['sessionId', 'multiSessionId', 'userName', 'classes'],
  },
);
const counters = fc.record({
  inputOctets: large,
  outputOctets: large,
  inputPackets: large,
  outputPackets: large,
});
const eventTime = wall;
const cause = fc.constantFrom(...causes);
const sessionTimeS = fc.nat({ max: 0xffffffff });

const anyRecord = fc.oneof(
  fc.record(
    { kind: fc.constantFrom('on' as const, 'off' as const), eventTime, cause },
    { requiredKeys: ['kind', 'eventTime'] },
  ),
  fc.record({ kind: fc.constant('start' as const), eventTime, subject: anySubject }),
  fc.record(
    { kind: fc.constant('interim' as const), eventTime, subject: anySubject, sessionTimeS, counters },
    { requiredKeys: ['kind', 'eventTime', 'subject', 'sessionTimeS'] },
  ),
  fc.record(
    {
      kind: fc.constant('stop' as const),
      eventTime,
      subject: anySubject,
      sessionTimeS,
      counters,
      cause,
      foreignCause: fc.nat({ max: 0xffffffff }),
    },
    { requiredKeys: ['kind', 'eventTime', 'subject', 'sessionTimeS', 'cause'] },
  ),
) as fc.Arbitrary<AcctRecord>;

const STOP: AcctRecord = {
  kind: 'stop',
  eventTime: 1_738_324_800_123 as WallTime,
  subject: { ...subject('b007-000001'), classes: [Uint8Array.of(1, 2)], ipv4: '192.0.2.1' as Ip },
  sessionTimeS: 192,
  cause: 'handshake-timeout',
};

describe('a record on disk', () => {
  it('is what it was when it is read again', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual({ ok: true, value: record });
      }),
      { numRuns: 2000 },
    );
  });

  it('says the same second to a server when it is sent again, after a restart, too', () => {
    const made = { kind: 'off', eventTime: 1_795_711_103_999.7 as WallTime } as const;
    const read = decodeRecord(encodeRecord(made));
    expect(read.ok && acctAttributes(read.value)).toEqual(acctAttributes(made));
  });

  it('has octets that do not change from one version of the program to the next', () => {
    expect(toHex(encodeRecord({ kind: 'off', eventTime: 1 as WallTime, cause: 'drain' }))).toBe(
      '01040100080000000000000001030005647261696e925c64a5',
    );
    expect(encodeRecord(STOP).length).toBeLessThan(180);
  });

  it('that was changed is refused, or is as it was: 20,000 times, and never throws', () => {
    const random = new SeededRandom(7);
    const valid = encodeRecord(STOP);
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const decoded = decodeRecord(mutate(valid, random));
      if (decoded.ok) expect(decoded.value).toEqual(STOP);
      else refused++;
    }
    expect(refused).toBeGreaterThan(15_000);
  });

  it('whose checksum fits and whose content does not is refused by reason, and never throws', () => {
    const random = new SeededRandom(8);
    const body = encodeRecord(STOP).subarray(0, -4);
    const reasons = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      const changed = mutate(body, random);
      const bytes = new Uint8Array(changed.length + 4);
      bytes.set(changed);
      new DataView(bytes.buffer).setUint32(changed.length, crc32(changed));
      const decoded = decodeRecord(bytes);
      if (!decoded.ok) reasons.add(decoded.error.reason);
    }
    expect([...reasons].sort()).toEqual(['field-length', 'kind', 'missing', 'short', 'version']);
  });

  it('is read with fields that this version does not know', () => {
    const body = [...encodeRecord(STOP).subarray(0, -4), 200, 0, 2, 9, 9];
    const bytes = new Uint8Array(body.length + 4);
    bytes.set(body);
    new DataView(bytes.buffer).setUint32(body.length, crc32(Uint8Array.from(body)));
    expect(decodeRecord(bytes)).toEqual({ ok: true, value: STOP });
  });
});

describe('CRC-32', () => {
  it('has the check value of its catalogue', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });
});
