// Events that the broker does not have: what of them goes to disk, when, and what the next start makes of it.

import { describe, expect, test } from 'vitest';
import { FieldWriter } from '../../src/base/fields.ts';
import { instant, type Now } from '../../src/base/time.ts';
import {
  decodeEvent,
  type EventChange,
  encodeEvent,
  eventKey,
  NO_EVENTS,
  readEvents,
} from '../../src/report/event-codec.ts';
import type { EventPayload, ReportableEvent } from '../../src/report/event-payloads.ts';
import { EventLog, type EventLogOptions } from '../../src/report/events.ts';
import { AT, EVENTS, NOW } from './samples.ts';

const EVENT = EVENTS.at(-1) as ReportableEvent;
const PROBES = EVENTS.find(({ type }) => type === 'handshake-probe') as Extract<
  ReportableEvent,
  { readonly type: 'handshake-probe' }
>;

function at(mono: number): Now {
  return { mono: instant(mono), wall: AT };
}

/** A queue, and its disk, which outlives it. */
class Life {
  readonly log: EventLog;
  writes = 0;

  constructor(
    readonly disk = new Map<string, Uint8Array>(),
    options: Partial<EventLogOptions> = {},
  ) {
    this.log = new EventLog({ bootId: 'b1', ...options });
  }

  open(): this {
    this.log.open(readEvents(this.disk), NOW.mono);
    return this;
  }

  record(count: number, mono = 0): this {
    for (let i = 0; i < count; i++) this.log.record(EVENT, at(mono));
    return this;
  }

  store(mono: number, all = false): readonly EventChange[] {
    const changes = this.log.toStore(instant(mono), all);
    if (changes.length > 0) this.writes++;
    for (const { key, value, isNew } of changes) {
      if (isNew) expect(this.disk.has(key)).toBe(false);
      if (value === null) this.disk.delete(key);
      else this.disk.set(key, value);
    }
    return changes;
  }

  /** All that can be had, acknowledged. */
  deliver(mono: number): readonly EventPayload[] {
    const events: EventPayload[] = [];
    for (let next = this.log.take(); next !== undefined; next = this.log.take()) {
      events.push(next.event);
      this.log.acknowledged([next.ref], instant(mono));
    }
    return events;
  }

  get kept(): readonly number[] {
    return readEvents(this.disk).events.map(({ event }) => event.seq);
  }
}

/** As the store would have it. */
function entry({ version = 1, kind = 1, text = '{}' }): Uint8Array {
  const out = new FieldWriter(version, kind);
  out.text(1, text);
  return out.finish();
}

const numbers = (events: readonly EventPayload[]): readonly string[] =>
  events.map(({ boot_id, seq }) => `${boot_id} ${seq}`);

describe('what goes to disk', () => {
  test('nothing of a broker that answers', () => {
    const life = new Life().open();
    for (let second = 0; second < 100; second++) {
      life.record(3, second * 1_000).deliver(second * 1_000 + 20);
      life.store(second * 1_000 + 999);
    }
    expect(life.writes).toBe(0);
    expect(life.log.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  test('what a broker that hangs has not acknowledged within a second, handed out or not, in one go', () => {
    const life = new Life().open().record(1, 0).record(2, 500);
    life.log.take();
    expect(life.log.pollAt()).toBe(1_000);
    expect(life.store(999)).toEqual([]);
    life.store(1_000);
    expect(life.kept).toEqual([1, 2, 3]);
    expect(life.writes).toBe(1);
  });

  test('everything at once when the broker has gone, and what happens until it is back', () => {
    const life = new Life().open().record(2);
    life.log.take();
    life.log.linkChanged(false);
    life.store(1);
    expect(life.kept).toEqual([1, 2]);
    life.record(1, 2).record(1, 3);
    expect(life.store(1_000), 'once a second at most').toEqual([]);
    expect(life.log.pollAt()).toBe(1_001);
    life.store(1_001);
    expect(life.kept).toEqual([1, 2, 3, 4]);
    life.record(1, 3_000).store(3_000);
    expect(life.kept).toEqual([1, 2, 3, 4, 5]);
    life.log.linkChanged(true);
    life.record(1, 5_000).store(5_000);
    expect(life.kept).toEqual([1, 2, 3, 4, 5]);
  });

  test('probes wait for company, and for a minute at most', () => {
    const life = new Life().open();
    life.log.linkChanged(false);
    life.log.record(PROBES, at(0));
    expect(life.store(59_999)).toEqual([]);
    life.store(60_000);
    expect(life.kept).toEqual([1]);
    life.log.record(PROBES, at(70_000));
    life.record(1, 71_000).store(71_000);
    expect(life.kept).toEqual([1, 2, 3]);
    expect(life.log.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  test('what is acknowledged meanwhile makes nothing else be written before its time', () => {
    const life = new Life().open().record(1, 0).record(1, 900);
    life.log.acknowledged([life.log.take()?.ref ?? 0], instant(950));
    expect(life.store(1_000)).toEqual([]);
    expect(life.log.pollAt()).toBe(1_900);
    life.store(1_900);
    expect(life.kept).toEqual([2]);
  });

  test('what is acknowledged is erased, within a second and together', () => {
    const life = new Life().open().record(5);
    life.log.linkChanged(false);
    life.store(0);
    life.log.linkChanged(true);
    life.deliver(100);
    expect(life.store(500)).toEqual([]);
    expect(life.log.pollAt()).toBe(1_100);
    life.store(1_100);
    expect(life.disk.size).toBe(0);
    expect(life.writes).toBe(2);
    expect(life.log.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  test('at a stop all that is not acknowledged', () => {
    const life = new Life().open().record(4);
    const first = life.log.take();
    life.log.take();
    life.log.acknowledged([first?.ref ?? 0], instant(1));
    life.store(2, true);
    expect(life.kept).toEqual([2, 3, 4]);
  });

  test('nothing where the broker is our own, but what an earlier run left goes', () => {
    const before = new Life().open().record(2);
    before.store(0, true);
    const life = new Life(before.disk, { bootId: 'b2', memoryOnly: true, limit: 3 }).open().record(2);
    life.log.linkChanged(false);
    life.store(5, true);
    expect(life.kept).toEqual([2]);
    expect(numbers(life.deliver(6))).toEqual(['b1 2', 'b2 1', 'b2 2']);
    life.store(2_000);
    expect(life.disk.size).toBe(0);
  });
});

describe('the next start', () => {
  test('old ones first, with their numbers, in their order; then what has happened before the store was read', () => {
    const before = new Life().open().record(300);
    before.log.linkChanged(false);
    before.store(0);
    const life = new Life(before.disk, { bootId: 'b2' }).record(2);
    expect(life.log.take(), 'nothing before it is known what was').toBeUndefined();
    life.open().record(1);
    const expected = [...Array.from({ length: 300 }, (_, i) => `b1 ${i + 1}`), 'b2 1', 'b2 2', 'b2 3'];
    life.store(0, true);
    expect(life.disk.size).toBe(303);
    const third = new Life(life.disk, { bootId: 'b3' }).open();
    expect(numbers(third.deliver(1))).toEqual(expected);
    expect(numbers(life.deliver(1))).toEqual(expected);
    life.store(2_000);
    expect(life.disk.size).toBe(0);
  });

  test('one whose acknowledgement was not written comes twice, with the same number', () => {
    const before = new Life().open().record(2);
    before.log.linkChanged(false);
    before.store(0);
    before.log.linkChanged(true);
    expect(numbers(before.deliver(1))).toEqual(['b1 1', 'b1 2']);
    expect(numbers(new Life(before.disk, { bootId: 'b2' }).open().deliver(1))).toEqual(['b1 1', 'b1 2']);
  });

  test('a payload beyond 64 KiB comes back whole', () => {
    const probes = Array(500).fill(PROBES.body.probes[0]) as typeof PROBES.body.probes;
    const life = new Life().open();
    const payload = life.log.record({ type: 'handshake-probe', body: { probes } }, NOW);
    expect(encodeEvent(payload).length).toBeGreaterThan(0xffff);
    expect(decodeEvent(encodeEvent(payload))).toEqual({
      ok: true,
      value: JSON.parse(JSON.stringify(payload)),
    });
  });

  test.each(EVENTS)('$type comes back as it was', (event) => {
    const payload = new EventLog({ bootId: 'b' }).record(event, NOW);
    expect(decodeEvent(encodeEvent(payload))).toEqual({
      ok: true,
      value: JSON.parse(JSON.stringify(payload)),
    });
  });
});

describe('bounds and damage', () => {
  test('more than there is room for: the oldest go from the disk, too, and the hole outlives the agent', () => {
    const life = new Life(undefined, { limit: 10 }).open();
    life.log.linkChanged(false);
    for (let i = 0; i < 25; i++) {
      life.record(1, i * 1_000).store(i * 1_000);
      expect(life.disk.size).toBeLessThanOrEqual(11);
    }
    expect(life.disk.size).toBe(10);
    const next = new Life(life.disk, { bootId: 'b2', limit: 10 }).open().record(2);
    const events = next.deliver(100);
    expect(events[0]).toMatchObject({ boot_id: 'b1', seq: 18, dropped: 17 });
    expect(events.filter(({ dropped }) => dropped !== undefined)).toHaveLength(1);
    expect(numbers(events.slice(-3))).toEqual(['b1 25', 'b2 1', 'b2 2']);
  });

  test('probes alone, more than there is room for: the disk is written once a minute, and is as the queue then', () => {
    const room = 200;
    const life = new Life(undefined, { limit: room * PROBES.body.probes.length }).open();
    life.log.linkChanged(false);
    for (let second = 0; second < 1_000; second++) {
      life.log.record(PROBES, at(second * 1_000));
      if (life.store(second * 1_000).length > 0) expect(life.kept).toHaveLength(Math.min(room, second + 1));
    }
    expect(life.writes).toBeLessThanOrEqual(1_000 / 60);
    life.store(1_000_000, true);
    const next = new Life(life.disk, { bootId: 'b2' }).open().deliver(1_000_000);
    expect(next.map(({ seq }) => seq)).toEqual(Array.from({ length: room }, (_, i) => 801 + i));
    expect(next.map(({ dropped }) => dropped)).toEqual([800, ...Array(room - 1).fill(undefined)]);
  });

  test('an erasure takes along what it makes untrue: a hole on disk is told there', () => {
    const life = new Life(undefined, { limit: 3 * PROBES.body.probes.length }).open().record(1);
    const first = life.log.take();
    for (let i = 0; i < 3; i++) life.log.record(PROBES, at(0));
    life.store(60_000, true);
    life.log.acknowledged([first?.ref ?? 0], instant(60_100));
    life.log.record(PROBES, at(60_200));
    life.store(61_100);
    expect(life.kept).toEqual([3, 4]);
    const next = new Life(life.disk, { bootId: 'b2' }).open().deliver(0);
    expect(next.map(({ dropped }) => dropped)).toEqual([1, undefined]);
    life.store(120_200);
    expect(life.kept).toEqual([3, 4, 5]);
  });

  test('a hole before an old event is not written in each turn', () => {
    const life = new Life(undefined, { limit: 10 }).open().record(10, 0);
    life.store(1_000);
    for (let turn = 0; turn < 10; turn++) life.record(1, 5_000 + turn).store(5_000 + turn);
    expect(life.writes).toBe(1);
    life.store(6_000);
    expect(life.writes).toBe(2);
    expect(life.kept).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  });

  test('an entry that cannot be read is told of as missing, and erased', () => {
    const before = new Life().open().record(3);
    before.store(0, true);
    const { disk } = before;
    (disk.get(eventKey(2)) as Uint8Array)[9] = 0xff;
    disk.set('ezz', Uint8Array.of(1));
    const stored = readEvents(disk);
    expect(stored.damaged).toEqual([eventKey(2), 'ezz']);
    expect(stored.lastRef).toBe(3);
    const life = new Life(disk, { bootId: 'b2' }).open();
    const events = life.deliver(1);
    expect(numbers(events)).toEqual(['b1 1', 'b1 3']);
    expect(events[0]).toMatchObject({ dropped: 2 });
    life.store(1_001);
    expect(disk.size).toBe(0);
  });

  test('nothing else is left: the next that happens tells of them', () => {
    const life = new Life(new Map([[eventKey(9), Uint8Array.of(1, 2, 3)]])).open();
    expect(life.log.take()).toBeUndefined();
    expect(
      life
        .record(2)
        .deliver(1)
        .map(({ dropped }) => dropped),
    ).toEqual([1, undefined]);
  });

  test.each([
    ['a newer version', entry({ version: 2 }), 'version'],
    ['another kind', entry({ kind: 2 }), 'kind'],
    ['a payload that is no JSON', entry({ text: '{' }), 'payload'],
    ['a payload that is no object', entry({ text: 'null' }), 'payload'],
    [
      'an event that is not known',
      entry({ text: '{"seq":1,"boot_id":"b","time":"t","type":"x"}' }),
      'payload',
    ],
    ['an event without a number', entry({ text: '{"boot_id":"b","time":"t","type":"warning"}' }), 'payload'],
    ['no octets', new Uint8Array(0), 'short'],
  ])('%s is refused', (_, bytes, reason) => {
    expect(decodeEvent(bytes)).toMatchObject({ ok: false, error: { reason } });
  });

  test('an acknowledgement of nothing, or a second store, changes nothing', () => {
    const life = new Life().open().record(1);
    life.log.acknowledged([7], instant(1));
    life.log.open(NO_EVENTS, instant(1));
    expect(numbers(life.deliver(2))).toEqual(['b1 1']);
  });
});
