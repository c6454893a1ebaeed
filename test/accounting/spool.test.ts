import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../src/accounting/record-codec.ts';
import {
  erasing,
  keeping,
  readSpool,
  type SessionRecord,
  type SpoolChange,
  stopOfLost,
  storing,
} from '../../src/accounting/spool.ts';
import type { WallTime } from '../../src/base/time.ts';
import type { AcctRecord } from '../../src/model/acct.ts';
import { subject } from '../rigs/accounting-path.ts';

const AT = Date.UTC(2026, 0, 1) as WallTime;
const later = (ms: number): WallTime => (AT + ms) as WallTime;
const start = (id: string): SessionRecord => ({ kind: 'start', eventTime: AT, subject: subject(id) });
const stop = (id: string): AcctRecord => ({
  kind: 'stop',
  eventTime: later(5000),
  subject: subject(id),
  sessionTimeS: 5,
  cause: 'port-down',
});

class Disk {
  readonly entries = new Map<string, Uint8Array>();

  apply(...changes: readonly SpoolChange[]): void {
    for (const { key, value } of changes) {
      if (value === null) this.entries.delete(key);
      else this.entries.set(key, value);
    }
  }

  read(): ReturnType<typeof readSpool> {
    return readSpool(this.entries);
  }
}

describe('what a crash finds', () => {
  it('a living session after its Start, a Stop and no session after its Stop, nothing after the answers', () => {
    const disk = new Disk();
    disk.apply(...storing({ ref: 1, record: start('a') }));
    expect(disk.read()).toEqual({
      records: [{ ref: 1, record: start('a') }],
      sessions: [start('a')],
      damaged: 0,
    });
    disk.apply(erasing(1));
    expect(disk.read()).toMatchObject({ records: [], sessions: [start('a')] });
    disk.apply(...storing({ ref: 2, record: stop('a') }));
    expect(disk.read()).toMatchObject({ records: [{ ref: 2, record: stop('a') }], sessions: [] });
    disk.apply(erasing(2));
    expect(disk.entries.size).toBe(0);
  });

  it('records come in the order of their numbers, not of their keys', () => {
    const disk = new Disk();
    for (const ref of [300, 4, 70_000, 17]) disk.apply(...storing({ ref, record: stop(`s${ref}`) }));
    expect(disk.read().records.map(({ ref }) => ref)).toEqual([4, 17, 300, 70_000]);
  });

  it('the Stop of a lost session is at its last evidence, with its counters and our cause', () => {
    const counters = { inputOctets: 1, outputOctets: 2, inputPackets: 3, outputPackets: 4 };
    const last: SessionRecord = {
      kind: 'interim',
      eventTime: later(60_000),
      subject: subject('a'),
      sessionTimeS: 60,
      counters,
    };
    const disk = new Disk();
    disk.apply(...storing({ ref: 1, record: start('a') }), keeping(last));
    const [session] = disk.read().sessions;
    expect(session && stopOfLost(session, 'nas-reboot')).toEqual({
      ...last,
      kind: 'stop',
      cause: 'nas-reboot',
    });
    expect(stopOfLost(start('b'), 'nas-reboot')).toMatchObject({
      eventTime: AT,
      sessionTimeS: 0,
      cause: 'nas-reboot',
    });
  });

  it('what cannot be read is counted, and hides nothing else', () => {
    const disk = new Disk();
    disk.apply(...storing({ ref: 1, record: start('a') }));
    disk.entries.set('r000000000002', Uint8Array.of(1, 2, 3));
    disk.entries.set('sb', encodeRecord(stop('b')));
    disk.entries.set('zz', encodeRecord(stop('b')));
    expect(disk.read()).toMatchObject({ damaged: 3, records: [{ ref: 1 }], sessions: [start('a')] });
  });
});
