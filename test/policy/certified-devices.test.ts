// The list of certified devices, by fake clocks: who is on it, who gives way, what each clearing rule does when.

import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import { type Instant, millis, type WallTime } from '../../src/base/time.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import {
  type CertifiedChange,
  type CertifiedContent,
  EMPTY_CERTIFIED,
  readCertified,
  writing,
} from '../../src/policy/certified-codec.ts';
import { CertifiedDevices, type CertifiedEvent, type Passed } from '../../src/policy/certified-devices.ts';
import {
  CERTIFIED_DEFAULTS,
  type CertifiedSettings,
  type ClearRule,
} from '../../src/policy/certified-rules.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A Thursday, at noon. */
const NOON = Date.UTC(2026, 10, 26, 12) as WallTime;

function mac(n: number): Mac {
  return `02:00:00:00:00:${n.toString(16).padStart(2, '0')}` as Mac;
}

function device(n: number, over: Partial<Passed> = {}): Passed {
  return {
    mac: mac(n),
    userName: `u${n}`,
    port: `p${n}` as PortName,
    vlan: 0,
    role: 'default',
    method: 'dot1x',
    ...over,
  };
}

function rule(over: Partial<ClearRule>): ClearRule {
  const { minimumAge, oldest, batchEvery, keepOnline } = CERTIFIED_DEFAULTS;
  return {
    every: millis(7 * DAY),
    minimumAge,
    oldest,
    batchEvery,
    keepOnline,
    roles: [],
    ports: [],
    ...over,
  };
}

/** A switch with the list, a disk, and a clock that moves when told. */
class Rig {
  readonly online = new Set<Mac>();
  readonly disk = new Map<string, Uint8Array>();
  /** `time after the start in hours: devices that were cleared`. */
  readonly cleared: string[] = [];
  list: CertifiedDevices;
  /** By how much the clock has been set so far. */
  private steps = 0;
  private settings: CertifiedSettings;

  constructor(
    over: Partial<CertifiedSettings> = {},
    public now: WallTime = NOON,
  ) {
    this.settings = { enabled: true, capacity: 100, clear: [], ...over };
    this.list = new CertifiedDevices(this.settings, (each) => this.online.has(each));
    this.tell({ type: 'loaded', content: EMPTY_CERTIFIED });
  }

  tell(event: CertifiedEvent): void {
    const mono = (this.now - NOON - this.steps) as Instant;
    for (const effect of this.list.handle(event, { mono, wall: this.now })) {
      if (effect.type === 'store') this.write(effect.changes);
      else {
        const at = Math.round(((this.now - NOON) / HOUR) * 100) / 100;
        this.cleared.push(`${at}: ${effect.devices.map(({ userName }) => userName).join(' ')}`);
      }
    }
  }

  pass(n: number, over: Partial<Passed> = {}): void {
    this.tell({ type: 'passed', device: device(n, over) });
  }

  /** The clock moves on; what is due meanwhile is done when it is due. */
  advance(ms: number): void {
    const end = (this.now + ms) as WallTime;
    for (let due = this.list.dueAt; due !== undefined && due <= end; due = this.list.dueAt) {
      this.now = Math.max(this.now, due) as WallTime;
      this.tell({ type: 'tick' });
    }
    this.now = end;
  }

  /** The clock is set, and looked at. */
  setClock(by: number): void {
    this.steps += by;
    this.now = (this.now + by) as WallTime;
    this.tell({ type: 'tick' });
  }

  /** Off for so long, and on again with what was on disk. */
  restart(ms = 0, over: Partial<CertifiedSettings> = {}): CertifiedContent {
    this.now = (this.now + ms) as WallTime;
    this.settings = { ...this.settings, ...over };
    this.list = new CertifiedDevices(this.settings, (each) => this.online.has(each));
    const content = readCertified(this.disk);
    this.tell({ type: 'loaded', content });
    this.tell({ type: 'tick' });
    return content;
  }

  names(): readonly string[] {
    return this.list.select({}).map(({ userName }) => userName);
  }

  private write(changes: readonly CertifiedChange[]): void {
    for (const { key, value } of changes) {
      if (value === null) this.disk.delete(key);
      else this.disk.set(key, value);
    }
  }
}

describe('who is on the list', () => {
  it('who passed: first and last time, and what was so the last time', () => {
    const rig = new Rig();
    rig.pass(1);
    rig.advance(HOUR);
    rig.pass(1, { port: 'p9' as PortName, userName: 'other' });
    expect(rig.list.select({})).toEqual([
      { ...device(1), port: 'p9', userName: 'other', first: NOON, last: NOON + HOUR },
    ]);
  });

  it('a change of role without a new authentication is taken in, and nobody comes onto it so', () => {
    const rig = new Rig();
    rig.pass(1);
    rig.advance(HOUR);
    rig.tell({ type: 'changed', device: device(1, { role: 'staff' }) });
    rig.tell({ type: 'changed', device: device(2) });
    expect(rig.list.select({})).toMatchObject([{ role: 'staff', first: NOON, last: NOON }]);
  });

  it('is the same after a restart, and what cannot be read is counted', () => {
    const rig = new Rig();
    for (const n of [1, 2, 3]) rig.pass(n);
    const before = rig.list.select({});
    rig.disk.set(`d${mac(4)}`, Uint8Array.of(1, 2, 3));
    expect(rig.restart(DAY).damaged).toBe(1);
    expect(rig.list.select({})).toEqual(before);
    expect(rig.list.counters.get('damaged')).toBe(1);
  });

  it('full: who passed longest ago and is not online gives way; nobody is logged off', () => {
    const rig = new Rig({ capacity: 3 });
    for (const n of [1, 2, 3]) {
      rig.pass(n);
      rig.advance(1000);
    }
    rig.online.add(mac(2));
    rig.pass(1);
    rig.pass(4);
    expect(rig.names()).toEqual(['u2', 'u1', 'u4']);
    rig.pass(5);
    expect(rig.names()).toEqual(['u2', 'u4', 'u5']);
    expect(rig.cleared).toEqual([]);
    expect(rig.list.counters.snapshot()).toEqual({ displaced: 2 });
    for (const n of [4, 5]) rig.online.add(mac(n));
    rig.pass(6);
    expect(rig.names()).toEqual(['u2', 'u4', 'u5']);
    expect(rig.list.counters.get('not-listed')).toBe(1);
    rig.advance(1);
    rig.pass(4);
    rig.restart();
    expect(rig.names()).toEqual(['u2', 'u5', 'u4']);
  });

  it('a smaller capacity: those stay who passed last', () => {
    const rig = new Rig();
    for (const n of [1, 2, 3]) {
      rig.pass(n);
      rig.advance(1000);
    }
    rig.restart(0, { capacity: 2 });
    expect(rig.names()).toEqual(['u2', 'u3']);
    rig.restart(0, { capacity: 100 });
    expect(rig.names()).toEqual(['u2', 'u3']);
  });
});

describe('cleared by an administrator', () => {
  it.each([
    [{ mac: mac(2) }, 'u2', 'u1 u3'],
    [{ port: 'p3' as PortName }, 'u3', 'u1 u2'],
    [{ role: 'staff' }, 'u2', 'u1 u3'],
    [{ user: 'u1' }, 'u1', 'u2 u3'],
    [{ role: 'default', port: 'p1' as PortName }, 'u1', 'u2 u3'],
    [{}, 'u1 u2 u3', ''],
  ] as const)('%j', (selector, cleared, left) => {
    const rig = new Rig();
    for (const n of [1, 2, 3]) rig.pass(n, n === 2 ? { role: 'staff' } : {});
    rig.tell({ type: 'clear', selector });
    expect(rig.cleared).toEqual([`0: ${cleared}`]);
    rig.restart();
    expect(rig.names().join(' ')).toBe(left);
  });

  it('nobody fits: nothing happens', () => {
    const rig = new Rig();
    rig.pass(1);
    rig.tell({ type: 'clear', selector: { mac: mac(1), user: 'nobody' } });
    expect(rig.cleared).toEqual([]);
  });
});

describe('cleared by a rule', () => {
  it('every week, also on a switch that is restarted every day', () => {
    const rig = new Rig({ clear: [rule({})] });
    rig.pass(1);
    for (let day = 1; day <= 15; day++) {
      rig.advance(23 * HOUR);
      rig.restart(HOUR);
      if (day === 9) rig.pass(2);
    }
    expect(rig.cleared).toEqual([`${7 * 24}: u1`, `${14 * 24}: u2`]);
  });

  it('first at a time of day, and then by the interval', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY), firstAt: millis(3 * HOUR) })] });
    rig.pass(1);
    rig.advance(20 * HOUR);
    rig.pass(1);
    rig.advance(2 * DAY);
    expect(rig.cleared).toEqual(['15: u1', '39: u1']);
  });

  it('a time of day that is still to come today', () => {
    const rig = new Rig({ clear: [rule({ every: millis(2 * HOUR), firstAt: millis(18 * HOUR) })] });
    rig.pass(1);
    rig.advance(6 * HOUR - 1);
    expect(rig.cleared).toEqual([]);
    rig.advance(1);
    expect(rig.cleared).toEqual(['6: u1']);
  });

  it('a run that was missed is made up for once, and the next one is when it would have been', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY) })] });
    rig.pass(1);
    rig.restart(3 * DAY + 5 * HOUR);
    expect(rig.cleared).toEqual(['77: u1']);
    rig.pass(1);
    rig.advance(DAY);
    expect(rig.cleared).toEqual(['77: u1', '96: u1']);
  });

  it('passes over who has not been on the list for long enough, as of when the run was due', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY), minimumAge: millis(12 * HOUR) })] });
    rig.pass(1);
    rig.advance(12 * HOUR + 1);
    rig.pass(2);
    rig.advance(12 * HOUR);
    expect(rig.cleared).toEqual(['24: u1']);
    rig.advance(DAY);
    expect(rig.cleared).toEqual(['24: u1', '48: u2']);
  });

  it('the oldest two every half hour, until none is left; who comes meanwhile is not of this run', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY), oldest: 2, batchEvery: millis(HOUR / 2) })] });
    for (const n of [5, 4, 3, 2, 1]) {
      rig.pass(n);
      rig.advance(1000);
    }
    rig.advance(DAY);
    rig.pass(5);
    rig.advance(2 * HOUR);
    expect(rig.cleared).toEqual(['24: u5 u4', '24.5: u3 u2', '25: u1']);
    expect(rig.names()).toEqual(['u5']);
  });

  it('a run of several lots goes on after a restart in the middle of it', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY), oldest: 1, batchEvery: millis(HOUR) })] });
    for (const n of [1, 2, 3]) rig.pass(n);
    rig.advance(DAY);
    rig.restart(HOUR / 2);
    rig.advance(3 * HOUR);
    expect(rig.cleared).toEqual(['24: u1', '25: u2', '26: u3']);
  });

  it('keep_online passes over who has a session; they have their turn when they have none', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY), keepOnline: true })] });
    for (const n of [1, 2]) rig.pass(n);
    rig.online.add(mac(2));
    rig.advance(DAY);
    expect(rig.cleared).toEqual(['24: u1']);
    rig.online.clear();
    rig.advance(DAY);
    expect(rig.cleared).toEqual(['24: u1', '48: u2']);
  });

  it('of its roles and ports alone', () => {
    const rig = new Rig({
      clear: [rule({ every: millis(DAY), roles: ['guest'], ports: ['lab*', 'p[12]'] })],
    });
    rig.pass(1);
    rig.pass(2, { role: 'guest' });
    rig.pass(3, { role: 'guest' });
    rig.pass(4, { role: 'guest', port: 'lab7' as PortName });
    rig.advance(DAY);
    expect(rig.cleared).toEqual(['24: u2 u4']);
  });

  it('several rules, each by its own time', () => {
    const rig = new Rig({
      clear: [rule({ every: millis(DAY), roles: ['guest'] }), rule({ every: millis(2 * DAY) })],
    });
    rig.pass(1, { role: 'guest' });
    rig.pass(2);
    rig.advance(2 * DAY);
    expect(rig.cleared).toEqual(['24: u1', '48: u2']);
  });

  it('other rules: one that stays goes on, one that is new counts from now, one that is gone is forgotten', () => {
    const weekly = rule({});
    const rig = new Rig({ clear: [weekly, rule({ every: millis(DAY), roles: ['guest'] })] });
    rig.pass(1);
    rig.advance(6 * DAY);
    const clear = [weekly, rule({ every: millis(30 * DAY) })];
    rig.tell({ type: 'settings', settings: { enabled: true, capacity: 100, clear } });
    expect([...rig.disk.keys()].filter((key) => key.startsWith('r'))).toHaveLength(2);
    expect(rig.list.dueAt).toBe(NOON + 7 * DAY);
    rig.advance(DAY);
    expect(rig.cleared).toEqual(['168: u1']);
    rig.tell({ type: 'settings', settings: { enabled: true, capacity: 100, clear: [] } });
    expect(rig.list.dueAt).toBeUndefined();
    expect([...rig.disk.keys()].filter((key) => key.startsWith('r'))).toEqual([]);
  });

  it('a clock that is put back years: due again within one interval, and no age is below nothing', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY) })] });
    rig.pass(1);
    rig.restart(-400 * DAY);
    expect(rig.list.dueAt).toBe(rig.now + DAY);
    rig.advance(DAY);
    expect(rig.cleared).toEqual([`${-399 * 24}: u1`]);
  });
});

describe('a clock that is wrong', () => {
  const weekly = rule({ minimumAge: millis(30 * DAY) });

  it('behind at the start, as without an RTC, and put right: nothing is due, and nobody is older by it', () => {
    const rig = new Rig({ clear: [weekly] });
    rig.pass(1);
    rig.advance(DAY);
    rig.restart(-84 * DAY);
    rig.pass(2);
    rig.advance(60_000);
    rig.setClock(84 * DAY);
    rig.advance(29 * DAY);
    rig.pass(3);
    expect(rig.cleared).toEqual([]);
    // On the list for 34 days when it is due.
    rig.advance(6 * DAY);
    expect(rig.cleared).toEqual([`${35 * 24}: u1 u2`]);
    expect(rig.list.select({})).toMatchObject([{ userName: 'u3' }]);
  });

  it('behind, and put right after a device has passed: it passed when it did', () => {
    const rig = new Rig();
    rig.pass(1);
    rig.restart(-84 * DAY);
    for (const n of [1, 2]) rig.pass(n);
    rig.advance(HOUR);
    rig.setClock(84 * DAY);
    const at = { first: NOON, last: NOON };
    expect(rig.list.select({})).toMatchObject([at, at]);
    expect(readCertified(rig.disk).devices).toMatchObject([at, at]);
  });

  it('ahead, and put right while it runs: the rule goes on', () => {
    const rig = new Rig({ clear: [rule({ every: millis(HOUR) })] }, (NOON + 3650 * DAY) as WallTime);
    rig.pass(1);
    rig.advance(HOUR / 2);
    rig.setClock(-3650 * DAY);
    rig.advance(HOUR / 2);
    expect(rig.cleared).toEqual(['1: u1']);
    rig.pass(2);
    rig.advance(HOUR);
    expect(rig.cleared).toEqual(['1: u1', '2: u2']);
  });

  it('ahead in a run that is over: due again one interval after the start, and then as ever', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY) })] }, (NOON + 3650 * DAY) as WallTime);
    rig.pass(1);
    rig.restart(-3650 * DAY);
    rig.advance(DAY);
    rig.pass(2);
    rig.restart(HOUR);
    rig.advance(23 * HOUR);
    expect(rig.cleared).toEqual(['24: u1', '48: u2']);
  });

  it('a rule with a time of day keeps to it, and does not run earlier by it', () => {
    const rig = new Rig({ clear: [rule({ every: millis(DAY), firstAt: millis(3 * HOUR) })] });
    rig.pass(1);
    rig.setClock(5 * HOUR);
    rig.advance(10 * HOUR - 1);
    expect(rig.cleared).toEqual([]);
    rig.advance(2 * DAY);
    expect(rig.cleared).toEqual(['39: u1']);
  });

  it('that is a little slow or fast is not a clock that is set', () => {
    const rig = new Rig();
    rig.pass(1);
    rig.setClock(900);
    rig.setClock(-900);
    expect(rig.list.select({})).toMatchObject([{ first: NOON, last: NOON }]);
  });
});

describe('what is on disk', () => {
  const known = { ...device(1), first: NOON, last: NOON };

  it('is read as it was written, whatever the user is called', () => {
    const userName = 'käthe\u0000"\u202e'.repeat(30);
    const { key, value } = writing({ ...known, userName });
    expect(readCertified([[key, value as Uint8Array]]).devices).toEqual([{ ...known, userName }]);
  });

  it('each octet changed, each cut, each key of nobody: counted, and nothing else lost', () => {
    const { key, value } = writing(known);
    const octets = value as Uint8Array;
    const other = writing({ ...known, mac: mac(2) });
    const others = [[other.key, other.value as Uint8Array]] as const;
    for (let i = 0; i < octets.length; i++) {
      const changed = octets.slice();
      changed[i] = (changed[i] ?? 0) ^ 0x21;
      for (const damaged of [changed, octets.subarray(0, i)])
        expect(readCertified([[key, damaged], ...others])).toMatchObject({
          damaged: 1,
          devices: [{ mac: mac(2) }],
        });
    }
    for (const wrong of ['', 'd', 'dnobody', `x${mac(1)}`])
      expect(readCertified([[wrong, octets], ...others])).toMatchObject({ damaged: 1 });
    expect(readCertified([['r1', octets], ...others])).toMatchObject({ damaged: 1, runs: new Map() });
  });
});
