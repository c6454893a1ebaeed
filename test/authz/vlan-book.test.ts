import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VlanBook } from '../../src/authz/vlan-book.ts';
import type {
  PortName,
  SessionVlans,
  VlanChange,
  VlanId,
  VlanMap,
  VlanMember,
} from '../../src/model/dataplane.ts';

const P1 = 'p1' as PortName;
const UP = 'up0' as PortName;
const NATIVE: VlanMember = { vlan: 1, pvid: true, untagged: true };
const tagged = (vlan: number): VlanMember => ({ vlan, pvid: false, untagged: false });

const MAP: VlanMap = {
  filtering: true,
  bridge: [NATIVE],
  ports: new Map([
    [P1, [NATIVE]],
    [UP, [NATIVE, tagged(30), tagged(40)]],
  ]),
};

/** A data plane that does what it is told, beside the book. */
class World {
  readonly book: VlanBook<string>;
  map: VlanMap;

  constructor(map: VlanMap = MAP, settings = { create: false, uplinks: true }) {
    this.book = new VlanBook(settings);
    this.map = map;
    this.book.see(map);
    this.book.markUplink(UP, true);
  }

  settle(port: PortName = P1): readonly VlanChange[] {
    const changes = this.book.changes(port);
    for (const change of changes) this.map = apply(this.map, change);
    this.book.done(changes);
    return changes;
  }

  of(port: PortName | 'the bridge' = P1): readonly string[] {
    const members = port === 'the bridge' ? this.map.bridge : (this.map.ports.get(port as PortName) ?? []);
    return members.map(text).sort();
  }
}

/** The kernel's rules: one PVID a port. */
function apply(map: VlanMap, { port, vlan, member }: VlanChange): VlanMap {
  const before = port === undefined ? map.bridge : (map.ports.get(port) ?? []);
  const others = before
    .filter((each) => each.vlan !== vlan)
    .map((each) => (member?.pvid ? { ...each, pvid: false } : each));
  const after = member === undefined ? others : [...others, { vlan, ...member }];
  if (port === undefined) return { ...map, bridge: after };
  return { ...map, ports: new Map([...map.ports, [port, after]]) };
}

function text({ vlan, pvid, untagged }: VlanMember): string {
  return `${vlan}${pvid ? ' pvid' : ''}${untagged ? ' untagged' : ''}`;
}

const data = (untagged: number, ...more: number[]): SessionVlans => ({ untagged, tagged: more });
const FOUND = ['1 pvid untagged'];

describe('what is gone', () => {
  const in77: SessionVlans = { untagged: 77 as VlanId, tagged: [] };
  const made = (): World => {
    const world = new World(MAP, { create: true, uplinks: true });
    world.book.hold('a', P1, in77);
    world.settle();
    return world;
  };

  it('an uplink: what was made for a session stays made, and is made on it when it is back', () => {
    const world = made();
    expect(world.of(UP)).toContain(text(tagged(77)));
    world.book.portGone(UP);
    expect(world.settle()).toEqual([]);
    world.book.see({ ...world.map, ports: new Map([...world.map.ports, [UP, [NATIVE]]]) });
    expect(world.settle()).toEqual([{ port: UP, vlan: 77, member: { pvid: false, untagged: false } }]);
  });

  it('a note of an uplink, left by an earlier life: what somebody needs meanwhile stays, and it comes to rest', () => {
    const world = made();
    const next = new World(world.map, { create: true, uplinks: true });
    next.book.remember(world.book.memory());
    next.book.hold('b', P1, in77);
    next.settle();
    expect(next.settle(UP)).toEqual([]);
    expect(next.of(UP)).toContain(text(tagged(77)));
    next.book.release('b');
    next.settle(UP);
    expect(next.of(UP)).not.toContain(text(tagged(77)));
  });

  it('the bridge: nothing is to be put back', () => {
    const { book } = made();
    expect(book.memory()).not.toEqual([]);
    book.bridgeGone();
    expect(book.memory()).toEqual([]);
    expect(book.changes(P1)).toEqual([]);
  });
});

describe('who holds which VLAN of a port', () => {
  it('a session in another VLAN: the port is in that one alone, and goes back', () => {
    const world = new World();
    world.book.hold('alice', P1, data(30));
    world.settle();
    expect(world.of()).toEqual(['30 pvid untagged']);
    expect(world.book.native(P1)).toBe(1);
    expect(world.book.memory()).toEqual([
      { port: P1, vlan: 30 },
      { port: P1, vlan: 1, member: { pvid: true, untagged: true } },
    ]);
    world.book.release('alice');
    world.settle();
    expect(world.of()).toEqual(FOUND);
    expect(world.book.memory()).toEqual([]);
  });

  it("a session in the port's own VLAN changes nothing, and others cannot change it under it", () => {
    const world = new World();
    world.book.hold('alice', P1, data(1));
    expect(world.settle()).toEqual([]);
    expect(world.book.rivals(P1, data(30))).toEqual(['alice']);
    expect(world.book.rivals(P1, data(1))).toEqual([]);
    expect(world.book.rivals(P1, { untagged: undefined, tagged: [40] })).toEqual([]);
  });

  it('tagged and untagged of one VLAN are rivals, too', () => {
    const world = new World();
    world.book.hold('phone', P1, { untagged: undefined, tagged: [40] });
    expect(world.book.rivals(P1, data(40))).toEqual(['phone']);
    expect(world.book.rivals(P1, data(30, 40))).toEqual([]);
  });

  it('a data plane that goes by the MAC has several untagged VLANs on one port, and its PVID stays', () => {
    const world = new World();
    world.book.macVlan = true;
    world.book.hold('alice', P1, data(30));
    world.book.hold('bob', P1, data(40));
    expect(world.book.rivals(P1, data(1))).toEqual([]);
    world.settle();
    expect(world.of()).toEqual(['1 pvid untagged', '30 untagged', '40 untagged']);
    world.book.release('alice');
    world.settle();
    expect(world.of()).toEqual(['1 pvid untagged', '40 untagged']);
  });

  it('a change of VLANs keeps the former one until it is settled', () => {
    const world = new World();
    world.book.hold('alice', P1, data(30));
    world.settle();
    world.book.change('alice', data(40));
    world.settle();
    expect(world.of()).toEqual(['30 untagged', '40 pvid untagged']);
    world.book.settle('alice');
    world.settle();
    expect(world.of()).toEqual(['40 pvid untagged']);
    world.book.change('alice', data(1));
    world.settle();
    world.book.settle('alice', true);
    world.settle();
    expect(world.of()).toEqual(['40 pvid untagged']);
  });

  it('what an administrator changes meanwhile, beside it, stays', () => {
    const world = new World();
    world.book.hold('alice', P1, data(30));
    world.settle();
    world.map = apply(world.map, { port: P1, vlan: 50, member: { pvid: false, untagged: false } });
    world.book.see(world.map);
    world.book.release('alice');
    world.settle();
    expect(world.of()).toEqual(['1 pvid untagged', '50']);
  });

  it('what was created for a session, and was taken away everywhere: made again, unless none may be made any more', () => {
    for (const create of [true, false]) {
      const world = new World(MAP, { create, uplinks: true });
      world.book.hold('alice', P1, data(30));
      world.settle();
      const without = [NATIVE, tagged(40)];
      world.map = { ...world.map, ports: new Map([...world.map.ports, [UP, without], [P1, [NATIVE]]]) };
      expect(world.book.see(world.map)).toEqual(new Set([P1, UP]));
      world.settle();
      expect(world.of()).toEqual(['30 pvid untagged']);
      expect(world.of(UP).includes('30')).toBe(create);
      expect(world.of('the bridge').includes('30')).toBe(create);
    }
  });

  it("a session in the port's own VLAN, which is away when we look: what the port goes back to is that VLAN, given back or not", () => {
    for (const between of [[], [tagged(1)], [tagged(50)]]) {
      const world = new World();
      world.book.hold('alice', P1, data(1, 40));
      world.settle();
      world.map = { ...world.map, ports: new Map([...world.map.ports, [P1, between]]) };
      world.book.see(world.map);
      world.book.heed(P1);
      world.settle();
      expect(world.settle()).toEqual([]);
      expect(world.of()).toEqual([...FOUND, '40', ...between.filter(({ vlan }) => vlan === 50).map(text)]);
      // No change by now, and no news.
      world.map = apply(world.map, { port: P1, vlan: 1, member: { pvid: true, untagged: true } });
      expect(world.book.see(world.map)).toEqual(new Set());
      world.book.release('alice');
      world.settle();
      expect(world.of()).toEqual([...FOUND, ...between.filter(({ vlan }) => vlan === 50).map(text)]);
      expect(world.book.memory()).toEqual([]);
    }
  });

  it('a tagged VLAN that the port had already is not taken away with the session', () => {
    const map = { ...MAP, ports: new Map([...MAP.ports, [P1, [NATIVE, tagged(40)]] as const]) };
    const world = new World(map);
    world.book.hold('phone', P1, { untagged: undefined, tagged: [40] });
    expect(world.settle()).toEqual([]);
    world.book.release('phone');
    expect(world.settle()).toEqual([]);
  });

  it('makes a VLAN that nobody has, on the bridge and its uplinks, for as long as somebody is in it', () => {
    const world = new World(MAP, { create: true, uplinks: true });
    expect(world.book.exists(77)).toBe(true);
    world.book.hold('alice', P1, data(77));
    world.settle();
    expect(world.of(UP)).toContain('77');
    expect(world.of('the bridge')).toContain('77');
    world.book.release('alice');
    world.settle();
    expect(world.of(UP)).toEqual(['1 pvid untagged', '30', '40']);
    expect(world.of('the bridge')).toEqual(FOUND);
    expect(world.of()).toEqual(FOUND);
    expect(world.book.memory()).toEqual([]);
  });

  it('after a kill the next one finds the way back from what was remembered', () => {
    const world = new World(MAP, { create: true, uplinks: true });
    world.book.hold('alice', P1, data(77, 40));
    world.settle();
    const next = new World(world.map);
    expect(next.book.remember(world.book.memory())).toEqual([UP, P1]);
    next.settle(P1);
    next.settle(UP);
    expect(next.of()).toEqual(FOUND);
    expect(next.of(UP)).toEqual(['1 pvid untagged', '30', '40']);
    expect(next.of('the bridge')).toEqual(FOUND);
    expect(next.book.memory()).toEqual([]);
  });

  it('whatever comes and goes, and however often the port is given another VLAN of its own meanwhile: it goes back to the last of these', () => {
    const vlans = fc.record({
      untagged: fc.option(fc.constantFrom(1, 30, 40), { nil: undefined }),
      tagged: fc.subarray([30, 40, 50]),
    });
    const session = fc.tuple(fc.constantFrom('alice', 'bob'), fc.option(vlans, { nil: undefined }));
    // Taken out of all VLANs, or in its own tagged at first, and seen so by us, too, before it has one of its own.
    const before = fc.constantFrom('nothing', 'all away', 'tagged');
    const own = fc.record({ own: fc.constantFrom(1, 60, 61), whole: fc.boolean(), before });
    fc.assert(
      fc.property(fc.array(fc.oneof(session, own), { maxLength: 30 }), (steps) => {
        const world = new World();
        let last = 1;
        for (const step of steps) {
          if ('own' in step) {
            if (step.before !== 'nothing') {
              const members = step.before === 'tagged' ? [tagged(step.own)] : [];
              world.map = { ...world.map, ports: new Map([...world.map.ports, [P1, members]]) };
              world.book.see(world.map);
              world.book.heed(P1);
              world.settle();
            }
            // What a session is in is its own already, and nobody can tell that it was set once more.
            const isSo = world.of().includes(`${step.own} pvid untagged`);
            if (!isSo) last = step.own;
            const change = { port: P1, vlan: step.own, member: { pvid: true, untagged: true } };
            const given = apply(world.map, change);
            // As a file does it that is loaded anew, or a command.
            const alone = {
              ...given,
              ports: new Map([...given.ports, [P1, [{ vlan: step.own, ...change.member }]]]),
            };
            world.map = step.whole ? alone : given;
            world.book.see(world.map);
            world.book.heed(P1);
          } else {
            const [who, wanted] = step;
            world.book.release(who);
            const fits = wanted !== undefined && !wanted.tagged.includes(wanted.untagged ?? -1);
            if (fits && world.book.rivals(P1, wanted).length === 0) world.book.hold(who, P1, wanted);
          }
          world.settle();
          expect(world.settle(), 'what is settled stays so').toEqual([]);
        }
        for (const who of ['alice', 'bob']) world.book.release(who);
        world.settle();
        // A command leaves it in the one of before, untagged, where that was not ours to take away.
        if (steps.every((step) => !('own' in step) || step.whole)) expect(world.of()).toHaveLength(1);
        expect(world.of()).toContain(`${last} pvid untagged`);
        expect(world.book.memory()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('whatever comes and goes, in whatever order, a port without sessions is as it was found', () => {
    const vlans = fc.record({
      untagged: fc.option(fc.constantFrom(1, 30, 40, 77), { nil: undefined }),
      tagged: fc.subarray([30, 40, 50, 77]),
    });
    const step = fc.tuple(fc.constantFrom('alice', 'bob', 'carol'), fc.option(vlans, { nil: undefined }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, settleEach) => {
        const world = new World(MAP, { create: true, uplinks: true });
        for (const [who, wanted] of steps) {
          world.book.release(who);
          const fits = wanted !== undefined && !wanted.tagged.includes(wanted.untagged ?? -1);
          if (fits && world.book.rivals(P1, wanted).length === 0) world.book.hold(who, P1, wanted);
          if (!settleEach) continue;
          world.settle();
          const pvids = (world.map.ports.get(P1) ?? []).filter(({ pvid }) => pvid);
          expect(pvids).toHaveLength(1);
          expect(world.settle(), 'what is settled stays so').toEqual([]);
        }
        for (const who of ['alice', 'bob', 'carol']) world.book.release(who);
        world.settle();
        expect(world.of()).toEqual(FOUND);
        expect(world.of(UP)).toEqual(['1 pvid untagged', '30', '40']);
        expect(world.of('the bridge')).toEqual(FOUND);
        expect(world.book.memory()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
