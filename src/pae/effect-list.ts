// The effects of one event, in the order in which they are to be done.

import { utf8 } from '../base/bytes.ts';
import type { EndCause } from '../model/cause.ts';
import { EAPOL_EAP } from '../wire/eapol.ts';
import type { PaeCounter } from './counters.ts';
import type { EapOutput } from './eap-passthrough.ts';
import type { PaeEffect } from './events.ts';
import { printable } from './identity.ts';
import { PAE_EAPOL_VERSION } from './settings.ts';

type Failure = Extract<EapOutput, { readonly signal: 'eapFail' }>;

const NOTHING: readonly PaeEffect[] = [];

export class EffectList {
  private effects: PaeEffect[] | undefined;

  add(effect: PaeEffect): void {
    this.effects ??= [];
    this.effects.push(effect);
  }

  /** An EAP packet to the client. */
  send(body: Uint8Array): void {
    this.count('eapol-auth-eap-frames-tx');
    this.add({ type: 'send-eapol', version: PAE_EAPOL_VERSION, packetType: EAPOL_EAP, body });
  }

  end(cause: EndCause, eapFailure: Uint8Array, detail: string): void {
    this.decide('ended', `${cause}: ${detail}`);
    this.add({ type: 'ended', cause, eapFailure });
  }

  /** The client is refused: its session ends, or it hears so now. `said`: the server's Reply-Message. */
  fail({ reason, data }: Failure, hadSession: boolean, said: string | undefined): void {
    // Of the Accept that could not be granted, the message is no longer true.
    const replyMessage = reason === 'grant-failed' ? undefined : said;
    const message = replyMessage === undefined ? {} : { replyMessage };
    const quoted = replyMessage === undefined ? '' : `: ${printable(utf8(replyMessage))}`;
    this.decide('rejected', `${reason}${quoted}`);
    if (hadSession) {
      const cause = reason === 'grant-failed' ? 'nas-error' : 'reauth-failed';
      this.add({ type: 'ended', cause, eapFailure: data, ...message });
    } else {
      this.send(data);
      this.add({ type: 'rejected', reason, ...message });
    }
  }

  count(counter: PaeCounter): void {
    this.add({ type: 'counted', counter });
  }

  decide(what: string, detail: string): void {
    this.add({ type: 'decision', what, detail });
  }

  /** Everything since the last time. Kept by nobody here: a packet must not outlive its event in 10,000 clients. */
  take(): readonly PaeEffect[] {
    const taken = this.effects ?? NOTHING;
    this.effects = undefined;
    return taken;
  }
}
