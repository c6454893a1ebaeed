import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AcctJournal } from '../../src/accounting/journal.ts';
import type { JournalEffect, JournalSettings, RefusedReason } from '../../src/accounting/journal-events.ts';
import { instant, type Now, type WallTime } from '../../src/base/time.ts';
import type { AcctRecord } from '../../src/model/acct.ts';
import { subject } from '../rigs/accounting-path.ts';

const WALL = Date.UTC(2026, 0, 1);

function at(ms: number): Now {
  return { mono: instant(ms), wall: (WALL + ms) as WallTime };
}

type Kind = AcctRecord['kind'];

/** A journal whose store and server are played by hand; effects as short lines, `submit 1 start a`. */
class Bench {
  readonly journal: AcctJournal;
  now = at(0);
  private readonly names = new Map<number, string>();

  constructor(settings?: JournalSettings) {
    this.journal = new AcctJournal(settings);
  }

  made(kind: Kind, id = ''): AcctRecord {
    const eventTime = this.now.wall;
    if (kind === 'on' || kind === 'off') return { kind, eventTime };
    if (kind === 'start') return { kind, eventTime, subject: subject(id) };
    if (kind === 'interim') return { kind, eventTime, subject: subject(id), sessionTimeS: 1 };
    return { kind, eventTime, subject: subject(id), sessionTimeS: 1, cause: 'web-logout' };
  }

  record(kind: Kind, id = ''): string[] {
    return this.said(this.journal.handle({ type: 'record', record: this.made(kind, id) }, this.now));
  }

  tell(type: 'stored' | 'store-failed' | 'answered' | 'unanswered' | 'unsendable', ref: number): string[] {
    return this.said(this.journal.handle({ type, ref }, this.now));
  }

  recovered(ref: number, kind: Kind, id: string, ageMs: number): JournalEffect[] {
    const record = { ...this.made(kind, id), eventTime: (this.now.wall - ageMs) as WallTime };
    return this.journal.handle({ type: 'recovered', ref, record }, this.now);
  }

  tick(ms: number): string[] {
    this.now = at(ms);
    return this.said(this.journal.tick(this.now));
  }

  said(effects: readonly JournalEffect[]): string[] {
    return effects.map((effect) => {
      if (effect.type === 'refused') return `refused ${effect.reason satisfies RefusedReason}`;
      if (effect.type === 'store') {
        const id = 'subject' in effect.record ? ` ${effect.record.subject.sessionId}` : '';
        this.names.set(effect.ref, `${effect.record.kind}${id}`);
      }
      return `${effect.type} ${effect.ref} ${this.names.get(effect.ref) ?? ''}`.trim();
    });
  }
}

describe('one session', () => {
  it('each record is durable before it is sent, and is erased when it was answered', () => {
    const bench = new Bench();
    expect(bench.record('start', 'a')).toEqual(['store 1 start a']);
    expect(bench.tell('stored', 1)).toEqual(['submit 1 start a']);
    expect(bench.journal.size).toBe(1);
    expect(bench.tell('answered', 1)).toEqual(['erase 1 start a']);
    expect(bench.journal.size).toBe(0);
    // A second answer, or one for nothing, is nothing.
    expect(bench.tell('answered', 1)).toEqual([]);
  });

  it('the Stop waits for the answer to the Start', () => {
    const bench = new Bench();
    bench.record('start', 'a');
    bench.tell('stored', 1);
    expect(bench.record('stop', 'a')).toEqual(['store 2 stop a']);
    expect(bench.tell('stored', 2)).toEqual([]);
    expect(bench.tell('answered', 1)).toEqual(['erase 1 start a', 'submit 2 stop a']);
  });

  it('a Stop that is durable before its Start still comes after it', () => {
    const bench = new Bench();
    bench.record('start', 'a');
    bench.record('stop', 'a');
    expect(bench.tell('stored', 2)).toEqual([]);
    expect(bench.tell('stored', 1)).toEqual(['submit 1 start a']);
    expect(bench.tell('answered', 1)).toEqual(['erase 1 start a', 'submit 2 stop a']);
  });

  it('a newer interim replaces the waiting one, once it is durable', () => {
    const bench = new Bench();
    bench.record('start', 'a');
    bench.tell('stored', 1);
    bench.record('interim', 'a');
    bench.tell('stored', 2);
    expect(bench.record('interim', 'a')).toEqual(['store 3 interim a']);
    expect(bench.tell('stored', 3)).toEqual(['erase 2 interim a']);
    expect(bench.tell('answered', 1)).toEqual(['erase 1 start a', 'submit 3 interim a']);
  });

  it('the Stop takes the place of an interim that is on the wire and gets no answer', () => {
    const bench = new Bench();
    bench.record('interim', 'a');
    bench.tell('stored', 1);
    bench.record('stop', 'a');
    expect(bench.tell('stored', 2)).toEqual(['withdraw 1 interim a', 'erase 1 interim a', 'submit 2 stop a']);
    expect(bench.tell('answered', 1)).toEqual([]);
    expect(bench.tell('answered', 2)).toEqual(['erase 2 stop a']);
  });

  it('an interim that is overtaken while it is being stored is erased when the store has it', () => {
    const bench = new Bench();
    bench.record('interim', 'a');
    bench.record('stop', 'a');
    expect(bench.tell('stored', 2)).toEqual(['submit 2 stop a']);
    expect(bench.tell('stored', 1)).toEqual(['erase 1 interim a']);
  });

  it('has exactly one Stop, and nothing after it, queued or answered', () => {
    const bench = new Bench();
    bench.record('start', 'a');
    bench.record('stop', 'a');
    for (const kind of ['stop', 'interim', 'start'] as const) {
      expect(bench.record(kind, 'a')).toEqual(['refused after-stop']);
    }
    for (const ref of [1, 2]) bench.tell('stored', ref);
    for (const ref of [1, 2]) bench.tell('answered', ref);
    expect(bench.journal.size).toBe(0);
    expect(bench.record('stop', 'a')).toEqual(['refused after-stop']);
    expect(bench.record('start', 'b')).toEqual(['store 3 start b']);
    expect(bench.record('start', 'b')).toEqual(['refused second-start']);
    expect(bench.journal.counters.snapshot()).toMatchObject({
      refused_after_stop: 4,
      refused_second_start: 1,
    });
  });

  it('a store that fails does not withhold the record', () => {
    const bench = new Bench();
    bench.record('stop', 'a');
    expect(bench.tell('store-failed', 1)).toEqual(['submit 1 stop a']);
    // The store may have got room, and taken it, since then.
    expect(bench.tell('answered', 1)).toEqual(['erase 1 stop a']);
    expect(bench.journal.counters.get('store_failed')).toBe(1);
  });

  it('a record that the client gave up is tried again after a minute; one that cannot be sent is dropped', () => {
    const bench = new Bench();
    bench.record('stop', 'a');
    bench.tell('stored', 1);
    expect(bench.tell('unanswered', 1)).toEqual([]);
    expect(bench.journal.pollAt()).toBe(60_000);
    expect(bench.tick(59_999)).toEqual([]);
    expect(bench.tick(60_000)).toEqual(['submit 1 stop a']);
    expect(bench.tell('unsendable', 1)).toEqual(['erase 1 stop a']);
    expect(bench.journal.size).toBe(0);
  });
});

describe('many sessions', () => {
  it('no more than `outstanding` are at the client; the next goes when one is answered', () => {
    const bench = new Bench({ capacity: 100, outstanding: 2 });
    for (const id of ['a', 'b', 'c', 'd']) bench.record('stop', id);
    const submitted = [1, 2, 3, 4].flatMap((ref) => bench.tell('stored', ref));
    expect(submitted).toEqual(['submit 1 stop a', 'submit 2 stop b']);
    expect(bench.tell('answered', 2)).toEqual(['erase 2 stop b', 'submit 3 stop c']);
    expect(bench.tell('answered', 1)).toEqual(['erase 1 stop a', 'submit 4 stop d']);
  });

  it('one session whose record gets no answer does not hold up the others', () => {
    const bench = new Bench();
    bench.record('start', 'a');
    bench.tell('stored', 1);
    for (let ref = 2; ref < 100; ref++) {
      bench.record('stop', `s${ref}`);
      expect(bench.tell('stored', ref)).toEqual([`submit ${ref} stop s${ref}`]);
      bench.tell('answered', ref);
    }
    expect(bench.journal.size).toBe(1);
  });
});

describe('when the journal is full', () => {
  /** Full with two interims and two Starts; nobody is at the client but `z`. */
  function full(): Bench {
    const bench = new Bench({ capacity: 5, outstanding: 1 });
    bench.record('start', 'z');
    bench.tell('stored', 1);
    const kinds = ['interim', 'interim', 'start', 'start'] as const;
    kinds.forEach((kind, i) => {
      bench.record(kind, `q${i + 2}`);
      bench.tell('stored', i + 2);
    });
    return bench;
  }

  it('the oldest interim goes first', () => {
    const bench = full();
    expect(bench.record('start', 'x')).toEqual(['erase 2 interim q2', 'store 6 start x']);
    expect(bench.record('interim', 'y')).toEqual(['erase 3 interim q3', 'store 7 interim y']);
    expect(bench.journal.size).toBe(5);
  });

  it('then interims and Starts find no room; a Stop takes that of its own Start, or more', () => {
    const bench = full();
    bench.record('stop', 'a');
    bench.record('stop', 'b');
    expect(bench.record('start', 'x')).toEqual(['refused full']);
    expect(bench.record('interim', 'x')).toEqual(['refused full']);
    expect(bench.record('stop', 'q4')).toEqual(['erase 4 start q4', 'store 8 stop q4']);
    expect(bench.record('stop', 'c')).toEqual(['store 9 stop c']);
    expect(bench.record('on')).toEqual(['store 10 on']);
    expect(bench.journal.size).toBe(7);
    expect(bench.journal.counters.snapshot()).toMatchObject({
      interims_dropped_full: 2,
      over_capacity: 2,
      refused_full: 2,
      starts_dropped_full: 1,
    });
  });
});

describe('Accounting-On and -Off', () => {
  it('On holds back what came after it until it is answered, not what was there before', () => {
    const bench = new Bench();
    bench.recovered(7, 'stop', 'old', 1000);
    expect(bench.record('on')).toEqual(['store 8 on']);
    bench.record('start', 'a');
    expect(bench.tell('stored', 9)).toEqual([]);
    expect(bench.tell('stored', 8)).toEqual(['submit 8 on']);
    expect(bench.tell('answered', 8)).toEqual(['erase 8 on', 'submit 9 start a']);
  });

  it('a server that ignores On holds nothing up for longer than 30 s', () => {
    const bench = new Bench();
    bench.record('on');
    bench.tell('stored', 1);
    bench.record('start', 'a');
    bench.tell('stored', 2);
    expect(bench.journal.pollAt()).toBe(30_000);
    expect(bench.tick(30_000)).toEqual(['submit 2 start a']);
  });

  it('Off waits until it is alone', () => {
    const bench = new Bench();
    bench.record('stop', 'a');
    bench.record('off');
    bench.tell('stored', 1);
    expect(bench.tell('stored', 2)).toEqual([]);
    expect(bench.tell('answered', 1)).toEqual(['erase 1 stop a', 'submit 2 off']);
  });

  it('the next boot’s On makes an unanswered Off needless', () => {
    const bench = new Bench();
    bench.recovered(3, 'stop', 'old', 1000);
    bench.recovered(4, 'off', '', 900);
    bench.record('on');
    expect(bench.tell('stored', 5)).toEqual(['erase 4', 'submit 5 on']);
  });
});

describe('after a crash', () => {
  it('records keep their refs and their age: the delay counts from the event', () => {
    const bench = new Bench();
    bench.now = at(10_000);
    const effects = bench.recovered(41, 'stop', 'a', 3_600_000);
    expect(effects).toMatchObject([{ type: 'submit', ref: 41, since: 10_000 - 3_600_000 }]);
    expect(bench.record('start', 'b')).toEqual(['store 42 start b']);
  });

  it('a wall clock that went back makes no negative delay', () => {
    const bench = new Bench();
    expect(bench.recovered(1, 'stop', 'a', -5000)).toMatchObject([{ type: 'submit', since: 0 }]);
  });

  it('of a clock that was set only later: how late they are nobody knows, and no half a century is said', () => {
    const bench = new Bench();
    const record = { ...bench.made('stop', 'a'), eventTime: 60_000 as WallTime };
    expect(bench.journal.handle({ type: 'recovered', ref: 1, record }, bench.now)).toMatchObject([
      { type: 'submit', since: bench.now.mono },
    ]);
  });
});

describe('whatever happens in whatever order', () => {
  const ids = ['a', 'b', 'c'];
  const step = fc.oneof(
    fc.record({
      kind: fc.constantFrom<Kind>('start', 'interim', 'interim', 'stop', 'on', 'off'),
      id: fc.constantFrom(...ids),
    }),
    fc.record({ store: fc.nat({ max: 20 }), fails: fc.boolean() }),
    fc.record({ answer: fc.nat({ max: 20 }), given: fc.constantFrom('answered', 'unanswered') }),
    fc.record({ pass: fc.integer({ min: 1, max: 40_000 }) }),
  );

  /** The shell, the store and the server of a random script; `broken` lists every promise that was not kept. */
  class Script {
    readonly journal = new AcctJournal({ capacity: 8, outstanding: 2 });
    readonly storing: number[] = [];
    readonly submitted: number[] = [];
    readonly stored = new Set<number>();
    readonly records = new Map<number, AcctRecord>();
    readonly answeredStops = new Map<string, number>();
    readonly broken: string[] = [];
    now = at(0);

    perform(effects: readonly JournalEffect[]): void {
      for (const effect of effects) {
        if (effect.type === 'refused') {
          if (effect.record.kind === 'stop' && effect.reason === 'full')
            this.broken.push('a Stop was refused');
          continue;
        }
        const { ref } = effect;
        if (effect.type === 'store') {
          this.storing.push(ref);
          this.records.set(ref, effect.record);
        } else if (effect.type === 'submit') this.submit(ref);
        else if (effect.type === 'withdraw') this.submitted.splice(this.submitted.indexOf(ref), 1);
        else if (!this.stored.delete(ref)) this.broken.push(`${ref} erased without being stored`);
      }
    }

    private submit(ref: number): void {
      const key = this.keyOf(ref);
      if (this.storing.includes(ref)) this.broken.push(`${ref} sent before it was stored`);
      if (this.submitted.some((other) => this.keyOf(other) === key))
        this.broken.push(`two of ${key} at once`);
      this.submitted.push(ref);
      if (this.submitted.length > 2) this.broken.push('too many outstanding');
    }

    keyOf(ref: number): string {
      const record = this.records.get(ref)!;
      return 'subject' in record ? record.subject.sessionId : 'system';
    }

    store(which: number, fails: boolean): void {
      const ref = this.storing.splice(which % Math.max(1, this.storing.length), 1)[0];
      if (ref === undefined) return;
      // One that fails is made up for when there is room again, so it must be erased like any other.
      this.stored.add(ref);
      const type = fails ? 'store-failed' : 'stored';
      this.perform(this.journal.handle({ type, ref }, this.now));
    }

    answer(which: number, type: 'answered' | 'unanswered'): void {
      const ref = this.submitted.splice(which % Math.max(1, this.submitted.length), 1)[0];
      if (ref === undefined) return;
      if (type === 'answered' && this.records.get(ref)?.kind === 'stop') {
        const key = this.keyOf(ref);
        this.answeredStops.set(key, (this.answeredStops.get(key) ?? 0) + 1);
      }
      this.perform(this.journal.handle({ type, ref }, this.now));
    }

    pass(ms: number): void {
      this.now = at(this.now.mono + ms);
      this.perform(this.journal.tick(this.now));
    }

    /** Everything works from now on: it must come to an end. */
    settle(): void {
      for (let i = 0; i < 200 && this.journal.size > 0; i++) {
        while (this.storing.length > 0) this.store(0, false);
        while (this.submitted.length > 0) this.answer(0, 'answered');
        this.pass(60_000);
      }
    }
  }

  it('durable before sent, one of a session at a time, one Stop each, and all of it ends', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const script = new Script();
        const stops = new Set<string>();
        const maker = new Bench();
        for (const todo of steps) {
          if ('kind' in todo) {
            maker.now = script.now;
            const record = maker.made(todo.kind, todo.id);
            script.perform(script.journal.handle({ type: 'record', record }, script.now));
            if (todo.kind === 'stop') stops.add(todo.id);
          } else if ('store' in todo) script.store(todo.store, todo.fails);
          else if ('answer' in todo) script.answer(todo.answer, todo.given as 'answered' | 'unanswered');
          else script.pass(todo.pass);
        }
        script.settle();
        expect(script.broken).toEqual([]);
        expect(script.journal.size).toBe(0);
        expect([...script.stored]).toEqual([]);
        expect([...script.answeredStops].sort()).toEqual([...stops].sort().map((id) => [id, 1]));
      }),
      { numRuns: 2000 },
    );
  });
});
