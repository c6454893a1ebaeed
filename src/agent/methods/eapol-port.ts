// Who is known to EAPOL: a port, and the clients on it, each with its authenticator. What they are told, and what comes of
// it, is in supplicants.ts.

import { Counters } from '../../base/counters.ts';
import type { Mac } from '../../base/mac.ts';
import type { Instant } from '../../base/time.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { AuthenticatorClient } from '../../pae/client.ts';
import type { PaeCounter } from '../../pae/counters.ts';
import type { AaaVerdict, PaeRef } from '../../pae/events.ts';
import { ClientAdmission, type ClientLimits, type PortLoad, responsePace } from '../../pae/limits.ts';
import type { Solicitor } from '../../pae/solicitor.ts';
import type { Timed } from '../schedule.ts';
import type { Applicant } from './aaa.ts';
import type { Supplicants } from './supplicants.ts';

/** One client on one port. */
export class ClientUnit implements Timed, Applicant {
  readonly method = 'dot1x';
  timer: Timed['timer'];
  /** As whom the server has accepted it last. */
  acceptedAs: string | undefined;
  /** What the machine waits for: an entrance, or (`isRenewal`) another word for the session that there is. */
  granting: { readonly ref: PaeRef; readonly isRenewal: boolean } | undefined;
  /** Why the last one failed. */
  refusal: string | undefined;
  /** Of its responses: each costs a server a question. */
  readonly responses: TokenBucket;

  constructor(
    readonly mac: Mac,
    readonly port: PortName,
    readonly machine: AuthenticatorClient,
    limits: ClientLimits,
    private readonly owner: Supplicants,
  ) {
    this.responses = new TokenBucket(responsePace(limits));
  }

  pollAt(): Instant {
    return this.machine.pollAt();
  }

  onTime(): void {
    this.owner.tell(this, { type: 'tick' });
  }

  verdict(event: AaaVerdict): void {
    this.owner.answered(this, event);
  }
}

/** What EAPOL needs of one port. */
export class EapolPort implements Timed {
  readonly clients = new Map<Mac, ClientUnit>();
  /** Those of them without a session: few, whoever floods. */
  readonly waiting = new Set<ClientUnit>();
  readonly admission: ClientAdmission;
  /** Of newcomers who have answered: a flood of other frames does not use it up. */
  readonly answered: ClientAdmission;
  readonly counters = new Counters<PaeCounter>();

  constructor(
    readonly name: PortName,
    readonly solicitor: Solicitor,
    limits: ClientLimits,
    private readonly owner: Supplicants,
  ) {
    this.admission = new ClientAdmission(limits);
    this.answered = new ClientAdmission(limits);
  }

  /** What the limits go by. */
  load(): PortLoad {
    return { inProgress: this.waiting.size, silent: [...this.waiting].filter(isSilent).length };
  }

  /** Who gives way to a newcomer. */
  firstSilent(): ClientUnit | undefined {
    return [...this.waiting].find(isSilent);
  }

  pollAt(): Instant {
    return this.solicitor.pollAt();
  }

  onTime(): void {
    this.owner.solicit(this.name, { type: 'tick' });
  }
}

function isSilent({ machine }: ClientUnit): boolean {
  return machine.isSilent();
}
