// Devices that the servers are asked about: in turns, so many a second per port, and so many at once on the whole switch.

import { utf8 } from '../../base/bytes.ts';
import { mabProof, mabRequestAttributes } from '../../radius/mab-request.ts';
import type { Core } from '../core.ts';
import type { MabPort, MabQuestion, MabUnit } from './mab-port.ts';

/**
 * At the same time. Measured without a bound: 1,000 devices that came up at once, EAP-MD5, one FreeRADIUS: 390 a second.
 * What a request beyond this waited for there was not measured.
 */
const MOST_IN_FLIGHT = 128;

export class MabQuestions {
  private readonly inFlight = new Set<MabUnit>();

  constructor(private readonly core: Core) {}

  /** The first question of a conversation waits for its turn; what follows does not. */
  ask(here: MabPort, unit: MabUnit, question: MabQuestion): void {
    if (!question.first) {
      this.send(unit, question);
      return;
    }
    unit.question = question;
    unit.askedAt = this.core.now.mono;
    here.queue.add(unit, question.rank);
    this.turn(here);
  }

  /** Sends the questions whose turn has come. */
  turn(here: MabPort): void {
    while (this.inFlight.size < MOST_IN_FLIGHT) {
      const unit = here.queue.take(this.core.now.mono);
      if (unit === undefined) return;
      const { question } = unit;
      unit.question = undefined;
      if (question === undefined) continue;
      here.counters.add('mab-asked');
      this.inFlight.add(unit);
      this.send(unit, question);
    }
  }

  /** There is a verdict about it: true if that makes room for another. */
  decided(unit: MabUnit): boolean {
    return this.inFlight.delete(unit);
  }

  /** Nobody wants to know any more. */
  withdraw(here: MabPort | undefined, unit: MabUnit): void {
    unit.question = undefined;
    here?.queue.remove(unit);
    this.inFlight.delete(unit);
    this.core.parts.aaa.cancel(unit, 'void');
    this.core.parts.aaa.forgetConversation(unit);
  }

  private send(unit: MabUnit, { ref, first, userName, eap }: MabQuestion): void {
    const { authentication } = this.core.settings.port(unit.port).mab;
    const { password } = unit.machine.peer;
    const proof = mabProof({ authentication, password, eap }, this.core.entropy);
    this.core.parts.aaa.ask(unit, {
      ref,
      first,
      identity: utf8(userName),
      attributes: (context) => mabRequestAttributes({ ...context, userName, proof }),
    });
  }
}
