// One login by the page, as the servers and the clock see it: an applicant with a machine (web/attempt.ts).

import type { Ip } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { AaaVerdict } from '../../pae/events.ts';
import { Attempt, type Verdict } from '../../web/attempt.ts';
import type { Wish } from '../../web/visit.ts';
import type { Core } from '../core.ts';
import type { Ref } from '../ports.ts';
import type { Timed } from '../schedule.ts';
import type { Applicant } from './aaa.ts';
import type { Web } from './web.ts';

export type LoginWish = Extract<Wish, { readonly type: 'login' }>;

export class WebUnit implements Timed, Applicant {
  readonly method = 'web';
  timer: Timed['timer'];
  readonly machine: Attempt;

  constructor(
    readonly mac: Mac,
    readonly port: PortName,
    /** The request that waits for its end. */
    readonly ref: Ref,
    readonly ip: Ip,
    readonly wish: LoginWish,
    private readonly owner: Web,
    core: Core,
  ) {
    this.machine = new Attempt(core.settings.port(port).pae.serverTimeout);
  }

  pollAt(): Instant {
    return this.machine.pollAt();
  }

  onTime(): void {
    this.owner.tell(this, { type: 'tick' });
  }

  verdict(event: AaaVerdict): void {
    this.owner.tell(this, { type: 'verdict', verdict: verdictOf(event) });
  }
}

function verdictOf(event: AaaVerdict): Verdict {
  switch (event.type) {
    case 'aaa-accept':
      return { type: 'accept', authorization: event.authorization };
    case 'aaa-reject':
      return {
        type: 'reject',
        ...(event.replyMessage === undefined ? {} : { replyMessage: event.replyMessage }),
      };
    case 'aaa-challenge':
      return { type: 'challenge' };
    case 'aaa-timeout':
      return { type: 'no-answer' };
    default:
      return assertNever(event);
  }
}
