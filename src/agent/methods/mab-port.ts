// Who is known to MAB: a port, and the MACs on it, each with its machine. What they are told, and what comes of it, is in
// mab.ts.

import { Counters } from '../../base/counters.ts';
import type { Mac } from '../../base/mac.ts';
import { earliest, type Instant, NEVER } from '../../base/time.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { SessionSelector } from '../../model/selector.ts';
import { AskQueue } from '../../pae/ask-queue.ts';
import type { AaaVerdict, PaeRef } from '../../pae/events.ts';
import type { MabClient } from '../../pae/mab.ts';
import type { MabEffect } from '../../pae/mab-events.ts';
import type { Timed } from '../schedule.ts';
import type { Applicant } from './aaa.ts';
import type { Mab } from './mab.ts';

export type MabQuestion = Extract<MabEffect, { readonly type: 'ask' }>;

/** What is counted of MAB on a port, beside the counters of EAPOL. */
export type MabCounter = 'mab-asked' | 'mab-accepted' | 'mab-rejected' | 'mab-no-server' | 'mab-displaced';

/** MACs of a port without a session, by what becomes of them. */
export interface MabStanding {
  readonly waiting: number;
  readonly asking: number;
  readonly quiet: number;
}

/** One MAC on one port. */
export class MabUnit implements Timed, Applicant {
  readonly method = 'mab';
  timer: Timed['timer'];
  /** As whom the server has accepted it last. */
  acceptedAs: string | undefined;
  /** The table write that the machine waits for. */
  granting: PaeRef | undefined;
  /** Why the last one failed. */
  refusal: string | undefined;
  /** 802.1X is being tried once more; if it comes to nothing, this is next. */
  rerunning = false;
  /** When the exchange that runs began, its wait for a turn included. */
  askedAt: Instant = NEVER;
  /** The question that waits for its turn. */
  question: MabQuestion | undefined;

  constructor(
    readonly mac: Mac,
    readonly port: PortName,
    readonly machine: MabClient,
    private readonly owner: Mab,
  ) {}

  /** It may go, if there is no room: seen once, and not asked about yet. */
  get passing(): boolean {
    const waits = this.machine.current === 'WAITING' || this.question !== undefined;
    return waits && !this.machine.seenAgain && !this.machine.authenticated;
  }

  pollAt(): Instant {
    return this.machine.pollAt();
  }

  onTime(): void {
    this.owner.tick(this);
  }

  verdict(event: AaaVerdict): void {
    this.owner.tell(this, event);
  }
}

/** What MAB needs of one port. */
export class MabPort implements Timed {
  readonly clients = new Map<Mac, MabUnit>();
  /** Those of them without a session, the longest known first: few, whoever floods. */
  readonly waiting = new Set<MabUnit>();
  readonly queue: AskQueue<MabUnit>;
  readonly counters = new Counters<MabCounter>();
  /** When the kernel's table is to be read for those whom there was no room for. */
  lookAt: Instant = NEVER;

  constructor(
    readonly name: PortName,
    ratePerSecond: number,
    private readonly owner: Mab,
  ) {
    this.queue = new AskQueue(ratePerSecond);
  }

  /** The one that goes if another comes: who was seen once only, else the one that has been refused for the longest time. */
  dispensable(): MabUnit | undefined {
    let refused: MabUnit | undefined;
    for (const unit of this.waiting) {
      if (unit.passing) return unit;
      if (unit.machine.current === 'QUIET') refused ??= unit;
    }
    return refused;
  }

  /** Those that wait or are quiet, and that the selector names. */
  held(selector: SessionSelector): readonly MabUnit[] {
    const { mac, port, ...ofSessions } = selector;
    if (Object.keys(ofSessions).length > 0 || (port !== undefined && port !== this.name)) return [];
    const isMeant = (unit: MabUnit): boolean => mac === undefined || mac === unit.mac;
    return [...this.waiting].filter((unit) => isMeant(unit) && unit.pollAt() !== NEVER);
  }

  standing(): MabStanding {
    const standing = { waiting: 0, asking: 0, quiet: 0 };
    for (const { machine } of this.waiting) {
      if (machine.current === 'WAITING') standing.waiting++;
      else if (machine.current === 'QUIET') standing.quiet++;
      else standing.asking++;
    }
    return standing;
  }

  pollAt(): Instant {
    return earliest(this.queue.pollAt(), this.lookAt);
  }

  onTime(): void {
    this.owner.turn(this);
  }
}
