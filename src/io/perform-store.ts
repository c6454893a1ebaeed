// What is to outlive us, handed to the store and to small files. Without a store the journal keeps accounting in memory, and
// nothing else is kept.

import { erasing, keeping, type SpoolChange, storing } from '../accounting/spool.ts';
import { err, ok } from '../base/result.ts';
import type { CertifiedChange } from '../policy/certified-codec.ts';
import { type EventChange, type EventRef, erasingEvent } from '../report/event-codec.ts';
import type { Logger } from './log.ts';
import { type Answers, type EffectOf, each, last, type Performers } from './performing.ts';
import type { SsoBars } from './servers/sso-bars.ts';

/** The store on disk: io/store/store.ts. `done` when the changes of one call, all in one transaction, are durable. */
export interface Spool {
  write(changes: readonly SpoolChange[], done?: (error?: string) => void): void;
  writeCertified(changes: readonly CertifiedChange[]): void;
  /** `done` when everything that was written before is durable, or cannot be. */
  flushed(done: () => void): void;
}

type Kind =
  | 'spool-store'
  | 'spool-erase'
  | 'spool-keep'
  | 'session-store'
  | 'event-store'
  | 'certified-store'
  | 'remember-bars';

interface StoreParts {
  readonly answers: Answers;
  readonly ssoBars: SsoBars;
  readonly log: Logger;
}

export class StorePerformers {
  spool: Spool | undefined;

  constructor(private readonly parts: StoreParts) {}

  readonly performers: Performers<Kind> = {
    'spool-store': each((effect) => this.store(effect)),
    'spool-erase': each(({ id }) => this.spool?.write([erasing(id)])),
    'spool-keep': each(({ sessions }) => this.spool?.write(sessions.map(keeping))),
    'session-store': each(({ changes }) => this.spool?.write(changes)),
    'event-store': each(({ changes }) => this.storeEvents(changes)),
    'certified-store': each(({ changes }) => this.spool?.writeCertified(changes)),
    'remember-bars': last(({ bars }) => {
      const kept = this.parts.ssoBars.write(bars);
      if (!kept.ok) this.parts.log.log('error', kept.error);
    }),
  };

  /** When all that was handed in before is durable, or cannot be; at once without a store. */
  flushed(done: () => void): void {
    if (this.spool === undefined) done();
    else this.spool.flushed(done);
  }

  /** The broker has them, and the agent does not hear of it any more. */
  eraseEvents(refs: readonly EventRef[]): void {
    this.spool?.write(refs.map(erasingEvent));
  }

  /** What waits for the broker is written soon, since a kill may come; what does not wait any more, when there is company. */
  private storeEvents(changes: readonly EventChange[]): void {
    const isUrgent = changes.some(({ value }) => value !== null);
    this.spool?.write(changes, isUrgent ? () => undefined : undefined);
  }

  private store({ ref, id, record }: EffectOf<'spool-store'>): void {
    const { answers } = this.parts;
    if (this.spool === undefined) answers.one(ref, err('there is no store'));
    else
      this.spool.write(storing({ ref: id, record }), (error) =>
        answers.one(ref, error === undefined ? ok(undefined) : err(error)),
      );
  }
}
