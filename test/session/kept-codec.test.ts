import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ip, ipFromBytes } from '../../src/base/ip.ts';
import { type Mac, macFromNumber } from '../../src/base/mac.ts';
import { present } from '../../src/base/present.ts';
import { type MachineTime, millis, type WallTime } from '../../src/base/time.ts';
import type { Authorization } from '../../src/model/authorization.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { KeptPlace, KeptSession } from '../../src/model/kept.ts';
import { decodeKept, encodeKept, keepingSession, readKept } from '../../src/session/kept-codec.ts';

const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const whole = fc.nat({ max: 2 ** 52 });
const octets = fc.uint8Array({ maxLength: 60 });
const words = fc.array(fc.string({ maxLength: 12 }), { maxLength: 3 });
const mac: fc.Arbitrary<Mac> = fc.nat({ max: 2 ** 48 - 1 }).map(macFromNumber);
const ip: fc.Arbitrary<Ip> = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((bytes) => ipFromBytes(bytes) as Ip);
const machine = whole.map((value) => value as MachineTime);
const length = maybe(whole.map(millis));

const authorization: fc.Arbitrary<Authorization> = fc
  .record({
    userName: fc.string(),
    classes: fc.array(octets, { maxLength: 3 }),
    sessionTimeout: length,
    reauthenticateAtTimeout: fc.boolean(),
    idleTimeout: length,
    interimInterval: length,
    filterId: maybe(fc.string()),
    vendorRole: maybe(fc.string()),
    vlan: maybe(fc.string()),
    egress: maybe(fc.record({ tagged: words, untagged: words })),
    voice: maybe(fc.constant(true as const)),
    filterRules: maybe(words),
    state: maybe(octets),
    others: maybe(fc.array(fc.record({ name: fc.string(), value: fc.string() }), { maxLength: 3 })),
    framedIp: maybe(ip),
    replyMessage: maybe(fc.string()),
    cui: maybe(octets),
    server: fc.string(),
  })
  .map((given) => present(given) as Authorization);

const counters = fc.record({
  inputOctets: whole,
  outputOctets: whole,
  inputPackets: whole,
  outputPackets: whole,
});
const vlan = fc.nat({ max: 4094 });
const station = fc
  .record({
    layer: fc.constant(2 as const),
    mac,
    port: fc.string({ minLength: 1, maxLength: 15 }).map((name) => name as PortName),
    nasPort: fc.nat(),
    calledStation: mac,
    vlan,
    domain: fc.constantFrom('data' as const, 'voice' as const),
    wish: fc.record({ untagged: words, tagged: words, voice: fc.boolean() }),
    opened: maybe(fc.constant(true as const)),
    baseline: maybe(counters),
  })
  .chain((place) =>
    fc
      .record({ untagged: maybe(vlan), tagged: fc.array(vlan, { maxLength: 4 }) })
      .map(({ untagged, tagged }) => ({ ...(present(place) as typeof place), vlans: { untagged, tagged } })),
  );
const address = fc.record({ layer: fc.constant(3 as const), ip, concentrator: ip });

const kept: fc.Arbitrary<KeptSession> = fc
  .record({
    boot: fc.string(),
    place: fc.oneof(station, address) as fc.Arbitrary<KeptPlace>,
    id: fc.string({ minLength: 1 }),
    multiId: fc.string(),
    method: fc.constantFrom(
      'dot1x' as const,
      'mab' as const,
      'web' as const,
      'sso' as const,
      'portal' as const,
    ),
    startedWall: whole.map((value) => value as WallTime),
    startedAt: machine,
    authorizedAt: machine,
    authorization,
    role: fc.string(),
    ipv4: maybe(ip),
    ipv6: maybe(ip),
    heardIpv6: maybe(fc.array(ip, { minLength: 2, maxLength: 4 })),
    proof: maybe(
      fc
        .record({
          since: machine,
          due: maybe(machine),
          failures: fc.nat({ max: 100 }),
          identity: maybe(octets),
          identifier: maybe(fc.nat({ max: 255 })),
        })
        .map((proof) => present(proof) as NonNullable<KeptSession['proof']>),
    ),
  })
  .map((session) => present(session) as KeptSession);

describe('a kept session', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(kept, (session) => {
        expect(decodeKept(encodeKept(session))).toEqual({ ok: true, value: session });
      }),
    );
  });

  it('of which one octet has changed, or the end is missing, is refused; anything may be read, and nothing is thrown', () => {
    fc.assert(
      fc.property(kept, fc.nat(), fc.integer({ min: 1, max: 255 }), (session, where, flip) => {
        const bytes = encodeKept(session);
        const at = where % bytes.length;
        const bent = bytes.slice();
        bent[at] = (bent[at] ?? 0) ^ flip;
        expect(decodeKept(bent).ok).toBe(false);
        expect(decodeKept(bytes.subarray(0, at)).ok).toBe(false);
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeKept(bytes).ok || true));
  });

  it('is believed under its own key alone; other keys are others’ business', () => {
    const session = fc.sample(kept, { numRuns: 1, seed: 4 })[0] as KeptSession;
    const { key, value } = keepingSession(session);
    const entry = value ?? new Uint8Array();
    expect(
      readKept([
        [key, entry],
        ['r1', entry],
        ['s1', entry],
      ]),
    ).toEqual({ sessions: [session], damaged: [] });
    expect(readKept([['uother', entry]])).toEqual({ sessions: [], damaged: ['uother'] });
  });
});
