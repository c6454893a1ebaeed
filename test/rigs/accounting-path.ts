// The whole way of an accounting record in fake time: journal, a store that answers after a while, RADIUS client,
// scripted servers. The glue is what the agent does: effects of one machine become events of the next.

import { AcctJournal } from '../../src/accounting/journal.ts';
import type { JournalEffect, JournalEvent, JournalSettings } from '../../src/accounting/journal-events.ts';
import { acctAttributes } from '../../src/accounting/records.ts';
import { erasing, readSpool, type SpoolChange, stopOfLost, storing } from '../../src/accounting/spool.ts';
import type { Mac } from '../../src/base/mac.ts';
import { type Instant, instant, type Now, type WallTime } from '../../src/base/time.ts';
import type { AcctRecord, AcctSubject } from '../../src/model/acct.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { RadiusSettings } from '../../src/radius/settings.ts';
import { RadiusRig, SeededEntropy } from './radius-servers.ts';

/** 2026-01-01T00:00:00Z at the rig's instant 1,000,000. */
const EPOCH = Date.UTC(2026, 0, 1) - 1_000_000;

export function wallOf(at: Instant): WallTime {
  return (EPOCH + at) as WallTime;
}

export function subject(sessionId: string): AcctSubject {
  return {
    sessionId,
    multiSessionId: `m-${sessionId}`,
    userName: `user of ${sessionId}`,
    station: {
      mac: '02:00:00:00:00:01' as Mac,
      port: 'p1' as PortName,
      nasPort: 3,
      calledStation: '02:ff:00:00:00:01' as Mac,
    },
    classes: [],
  };
}

export class AccountingPath {
  readonly radius: RadiusRig;
  readonly journal: AcctJournal;
  /** What a crash leaves behind. */
  readonly disk: Map<string, Uint8Array>;
  private readonly durable = new Set<number>();
  /** Wall clock minus monotonic clock: another one after each start. */
  private readonly epoch: number;
  readonly effects: JournalEffect[] = [];
  /** Every Acct-Session-Id with the kinds of record that a server took in, in their order, repetitions included. */
  readonly taken = new Map<string, string[]>();
  storeTakes = 1;

  /** `before`: torn away, and this one started in its place so many milliseconds later. */
  constructor(
    settings: RadiusSettings,
    journal?: JournalSettings,
    before?: { path: AccountingPath; pauseMs: number },
  ) {
    this.radius = new RadiusRig(settings, new SeededEntropy(8));
    this.journal = new AcctJournal(journal);
    this.disk = before?.path.disk ?? new Map();
    if (before === undefined) this.epoch = EPOCH;
    else {
      this.radius.now = instant(5_000);
      this.epoch = before.path.now.wall + before.pauseMs - this.radius.now;
    }
    this.radius.onEffect = (effect) => {
      if (effect.type === 'answer' && effect.kind === 'accounting')
        this.tell({ type: 'answered', ref: effect.ref });
      if (effect.type === 'no-answer' && effect.kind === 'accounting') {
        this.tell({ type: effect.reason === 'unencodable' ? 'unsendable' : 'unanswered', ref: effect.ref });
      }
    };
  }

  get now(): Now {
    return { mono: this.radius.now, wall: (this.epoch + this.radius.now) as WallTime };
  }

  /** What was found, as the agent takes it in at its start. */
  recover(): void {
    const { records, sessions } = readSpool(this.disk);
    for (const { ref, record } of records) {
      this.durable.add(ref);
      this.tell({ type: 'recovered', ref, record });
    }
    for (const session of sessions) this.record(stopOfLost(session, 'nas-reboot'));
  }

  start(id: string): void {
    this.record({ kind: 'start', eventTime: this.now.wall, subject: subject(id) });
  }

  interim(id: string): void {
    this.record({ kind: 'interim', eventTime: this.now.wall, subject: subject(id), sessionTimeS: 1 });
  }

  stop(id: string): void {
    const eventTime = this.now.wall;
    this.record({ kind: 'stop', eventTime, subject: subject(id), sessionTimeS: 2, cause: 'port-down' });
  }

  record(record: AcctRecord): void {
    this.tell({ type: 'record', record });
  }

  advance(ms: number): void {
    const end = this.radius.now + ms;
    while (this.radius.now < end) {
      const next = Math.min(end, Math.max(this.radius.now + 1, this.journal.pollAt()));
      this.radius.advance(next - this.radius.now);
      if (this.journal.pollAt() <= this.radius.now) this.perform(this.journal.tick(this.now));
    }
  }

  tell(event: JournalEvent): void {
    this.perform(this.journal.handle(event, this.now));
  }

  private write(changes: readonly SpoolChange[]): void {
    for (const { key, value } of changes) {
      if (value === null) this.disk.delete(key);
      else this.disk.set(key, value);
    }
  }

  private perform(effects: readonly JournalEffect[]): void {
    for (const effect of effects) {
      this.effects.push(effect);
      switch (effect.type) {
        case 'store':
          this.radius.at(this.storeTakes, () => {
            this.write(storing(effect));
            this.durable.add(effect.ref);
            this.tell({ type: 'stored', ref: effect.ref });
          });
          break;
        case 'submit': {
          if (!this.durable.has(effect.ref)) throw new Error('on the wire before it was durable');
          const { ref, record, since } = effect;
          this.radius.request({ kind: 'accounting', ref, attributes: acctAttributes(record), since });
          break;
        }
        case 'withdraw':
          this.radius.client.cancel(effect.ref, 'void', this.radius.now);
          break;
        case 'erase':
          this.write([erasing(effect.ref)]);
          break;
        case 'refused':
          break;
      }
    }
  }
}
