// One port against whoever sends more than its share.

import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import { after, type Instant, instant, millis, NEVER } from '../../src/base/time.ts';
import {
  CALM,
  FLOOD_LIMITS,
  FLOODED_TOTAL,
  type FloodEffect,
  FloodGate,
  type FloodLimits,
  filterRoom,
  KNOWN_MOST,
  OPTMEM_DEFAULT,
  SHUT_FOR,
  timesShut,
} from '../../src/pae/flood-gate.ts';

const LIMITS = { framesPerSecond: 100, framesBurst: 200, macFramesPerSecond: 40 };
const [ALICE, BOB] = ['02:aa:00:00:00:01', '02:aa:00:00:00:02'] as [Mac, Mac];

function stranger(n: number): Mac {
  return `06:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` as Mac;
}

class Port {
  readonly gate: FloodGate;
  readonly effects: FloodEffect[] = [];
  now: Instant = instant(0);
  times = 1;
  room = KNOWN_MOST;
  known: readonly Mac[] = [ALICE, BOB];

  constructor(limits: FloodLimits = LIMITS) {
    this.gate = new FloodGate(limits);
  }

  /** True: it was looked at. */
  frame(mac: Mac): boolean {
    const context = { known: () => this.known, room: () => this.room, times: () => this.times };
    const { refusal, effects } = this.gate.frame(mac, this.now, context);
    this.effects.push(...effects);
    return refusal === undefined;
  }

  /** How many of so many were looked at. */
  flood(count: number, from: (n: number) => Mac = stranger): number {
    return Array.from({ length: count }, (_, n) => this.frame(from(n))).filter((heard) => heard).length;
  }

  pass(ms: number): void {
    const end = after(this.now, millis(ms));
    for (let at = this.gate.pollAt(); at <= end; at = this.gate.pollAt()) {
      this.now = at;
      this.effects.push(...this.gate.tick(at));
    }
    this.now = end;
  }

  told(type: FloodEffect['type']): readonly FloodEffect[] {
    return this.effects.filter((effect) => effect.type === type);
  }
}

describe('a port within its share', () => {
  it('is heard whole, and nothing is told or awaited', () => {
    const port = new Port();
    for (let second = 0; second < 60; second++) {
      expect(port.flood(100)).toBe(100);
      port.pass(1000);
    }
    expect(port.effects).toEqual([]);
    expect(port.gate.pollAt()).toBe(NEVER);
  });

  it('may send as much at once as a burst is', () => {
    const port = new Port();
    expect(port.flood(LIMITS.framesBurst)).toBe(LIMITS.framesBurst);
    expect(port.effects).toEqual([]);
  });
});

describe('a flood of random MACs', () => {
  it('gets the burst and then the share, whatever its rate; the capture is told to hear the known', () => {
    const port = new Port();
    expect(port.flood(50_000)).toBe(200);
    expect(port.effects).toEqual([{ type: 'flooded' }, { type: 'hear', only: [ALICE, BOB] }]);
    let heard = 0;
    for (let n = 0; n < 40; n++) {
      port.pass(SHUT_FOR);
      heard += port.flood(50_000);
    }
    // Ten seconds of 100 a second, however many came.
    expect(heard).toBe(1000);
    expect(port.told('flooded')).toHaveLength(1);
    expect(port.told('over')).toEqual([]);
  });

  it('does not keep those whom the port knows from being heard', () => {
    const port = new Port();
    port.flood(50_000);
    expect(port.frame(ALICE)).toBe(true);
    expect(port.frame(stranger(1))).toBe(false);
    expect(port.frame(BOB)).toBe(true);
  });

  it('is over after a calm, and told of once however often it comes in gusts', () => {
    const port = new Port();
    for (let gust = 0; gust < 10; gust++) {
      port.flood(1000);
      port.pass(CALM / 2);
    }
    expect(port.told('flooded')).toHaveLength(1);
    expect(port.told('over')).toEqual([]);
    port.pass(CALM);
    expect(port.told('over')).toEqual([{ type: 'over', shut: 10, refused: 10 * 1000 - 200 * 10 }]);
    expect(port.gate.isFlooded).toBe(false);
    expect(port.gate.pollAt()).toBe(NEVER);
  });
});

describe('a flood with a borrowed MAC', () => {
  it('silences that MAC alone, until the port is open again', () => {
    const port = new Port();
    expect(port.flood(50_000, () => ALICE)).toBe(200 + 10);
    expect(port.effects.at(-1)).toEqual({ type: 'hear', only: [BOB] });
    expect(port.frame(ALICE)).toBe(false);
    expect(port.frame(BOB)).toBe(true);
    port.pass(SHUT_FOR);
    expect(port.effects.at(-1)).toEqual({ type: 'hear' });
    expect(port.frame(ALICE)).toBe(true);
  });

  it('of many in turn gets no more than the share, and changes the filter a few times at most', () => {
    const port = new Port();
    port.known = Array.from({ length: KNOWN_MOST + 50 }, (_, n) => stranger(n));
    expect(port.flood(50_000)).toBe(200 + 25);
    expect(port.told('hear').length).toBeLessThan(12);
    expect(port.effects.at(-1)).toEqual({ type: 'hear', only: [] });
  });

  it('takes no more than there is room for in the kernel', () => {
    const port = new Port();
    port.known = Array.from({ length: KNOWN_MOST + 50 }, (_, n) => stranger(n));
    port.room = 40;
    port.flood(201, () => ALICE);
    expect(port.told('hear')).toEqual([{ type: 'hear', only: port.known.slice(0, 40) }]);
    expect(port.frame(stranger(39))).toBe(true);
    expect(port.frame(stranger(40))).toBe(false);
  });
});

describe('the room that a filter has for MACs', () => {
  it.each([
    ['of Linux before 6.8', OPTMEM_DEFAULT, 40],
    ['of Linux since 6.8', 131_072, KNOWN_MOST],
    ['set to very little', 2_048, 8],
    ['without a bound', Number.MAX_SAFE_INTEGER, KNOWN_MOST],
  ])('with an optmem_max %s', (_, optmemMax, macs) => {
    expect(filterRoom(optmemMax)).toBe(macs);
  });
});

describe('many flooded ports', () => {
  it('have their turns less often, so that all together get no more than one number', () => {
    expect(timesShut(1, FLOOD_LIMITS)).toBe(1);
    expect(timesShut(4, FLOOD_LIMITS)).toBe(1);
    expect(timesShut(48, FLOOD_LIMITS)).toBe(12);
  });

  it('are never shut for so long that the flood seems to be over', () => {
    const most = { ...FLOOD_LIMITS, framesPerSecond: FLOODED_TOTAL };
    expect(timesShut(1, most)).toBe(1);
    expect(timesShut(48, most)).toBe(12);
    expect(timesShut(10_000, most) * SHUT_FOR).toBeLessThan(CALM);
  });

  it('hear those whom they know for as long as they are shut, and no one at the cost of the others', () => {
    const port = new Port(FLOOD_LIMITS);
    const of = (times: number): readonly number[] => {
      port.times = times;
      port.flood(FLOOD_LIMITS.framesBurst + 1);
      const heard = [port.flood(1_000, () => ALICE), port.flood(20, () => BOB)];
      port.pass(CALM * 2);
      return heard;
    };
    expect(of(1)).toEqual([25, 20]);
    expect(of(2)).toEqual([50, 20]);
    // A quarter of what the port may have.
    expect(of(12)).toEqual([62, 20]);
  });

  it('hear what is set of one, if that is more', () => {
    const port = new Port({ ...FLOOD_LIMITS, macFramesPerSecond: 400 });
    port.times = 12;
    port.flood(FLOOD_LIMITS.framesBurst + 1);
    expect(port.flood(1_000, () => ALICE)).toBe(100);
  });

  it('get one share each time', () => {
    const port = new Port();
    port.times = 12;
    port.flood(50_000);
    port.pass(SHUT_FOR * 12 - 1);
    expect(port.frame(stranger(1))).toBe(false);
    port.pass(1);
    expect(port.flood(50_000)).toBe(25);
  });
});

describe('another limit', () => {
  it('holds at once', () => {
    const port = new Port();
    port.gate.configure({ ...LIMITS, framesBurst: 5 });
    expect(port.flood(100)).toBe(5);
  });
});
