// The MAB machine of one MAC, on a clock that only moves when told, and whoever may break a promise to watch it.

import type { Mac } from '../../src/base/mac.ts';
import { after, type Instant, instant, millis } from '../../src/base/time.ts';
import type { Authorization } from '../../src/model/authorization.ts';
import type { EndCause } from '../../src/model/cause.ts';
import { MabClient } from '../../src/pae/mab.ts';
import type { MabEffect, MabEvent, MabFacts } from '../../src/pae/mab-events.ts';
import { MAB_DEFAULTS, type MabSettings } from '../../src/pae/mab-settings.ts';

export const PRINTER = '02:99:00:00:00:aa' as Mac;

export const GRANTED: Authorization = {
  userName: '0299000000aa',
  classes: [],
  reauthenticateAtTimeout: false,
  server: '127.0.0.1:1812',
};

type Of<T extends MabEffect['type']> = Extract<MabEffect, { readonly type: T }>;

export class MabRig {
  now: Instant;
  facts: MabFacts = { dot1x: 'absent' };
  readonly client: MabClient;
  readonly seen: { readonly at: Instant; readonly effect: MabEffect }[] = [];
  /** A session stands, as the agent would have it. */
  session = false;

  constructor(settings: Partial<MabSettings> = {}, facts?: MabFacts, now = 0) {
    this.now = instant(now);
    if (facts !== undefined) this.facts = facts;
    this.client = new MabClient({
      mac: PRINTER,
      settings: { ...MAB_DEFAULTS, enabled: true, ...settings },
      seenAt: this.now,
      facts: this.facts,
    });
    this.tick();
  }

  give(event: MabEvent): readonly MabEffect[] {
    const effects = this.client.handle(event, this.now);
    for (const effect of effects) this.seen.push({ at: this.now, effect });
    return effects;
  }

  tick(): readonly MabEffect[] {
    return this.give({ type: 'tick', facts: this.facts });
  }

  /** Time goes on, with every deadline in between. */
  pass(ms: number): void {
    const until = after(this.now, millis(ms));
    for (let turn = 0; this.client.pollAt() <= until; turn++) {
      if (turn > 1_000) throw new Error('it never comes to rest');
      this.now = instant(Math.max(this.now, this.client.pollAt()));
      this.tick();
    }
    this.now = until;
  }

  sight(): void {
    this.give({ type: 'seen', at: this.now });
  }

  all<T extends MabEffect['type']>(type: T): readonly Of<T>[] {
    return this.seen.map(({ effect }) => effect).filter((effect): effect is Of<T> => effect.type === type);
  }

  /** The newest question. */
  get ref(): number {
    return this.all('ask').at(-1)?.ref ?? -1;
  }

  accept(): void {
    for (const effect of this.give({ type: 'aaa-accept', ref: this.ref, authorization: GRANTED })) {
      if (effect.type === 'accepted') this.give({ type: 'grant-done', ref: effect.ref });
    }
  }

  reject(replyMessage?: string): void {
    this.give({
      type: 'aaa-reject',
      ref: this.ref,
      ...(replyMessage === undefined ? {} : { replyMessage }),
    });
  }

  noServer(): void {
    this.give({ type: 'aaa-timeout', ref: this.ref });
  }

  get ends(): readonly EndCause[] {
    return this.all('ended').map(({ cause }) => cause);
  }
}
