// The Authenticator PACP machine of one client: IEEE 802.1X-2020 §8.9, timers of §8.6, client interface of §8.4.
// It decides when an EAP conversation begins, how often it is tried, and what its outcome means for the session. It
// sees no packet: eap-passthrough.ts does, client.ts joins the two.
//
// It reads like the standard: its variables, an entry action per state, one step function. A condition is given as an
// argument instead of being latched in a variable, since every event is stepped to the end before the next one. RESTART
// (2004 edition, §8.2.4) and the visit to UNAUTHENTICATED between two attempts are passed through at once.

import { assertNever } from '../base/result.ts';
import { after, earliest, type Instant, type Millis, NEVER } from '../base/time.ts';
import type { Proof } from '../model/kept.ts';
import type { PaeCounter } from './counters.ts';
import { type PaeSettings, SERVER_RETRY_CEILING, serverBackOff } from './settings.ts';

export type PacpState = 'UNAUTHENTICATED' | 'AUTHENTICATING' | 'AUTHENTICATED' | 'HELD';

export type PacpCondition =
  | 'eapolStart'
  | 'eapolLogoff'
  /** By a timer or a sighting; by a command or by CoA it is `reAuthenticateNow`, which also ends a quiet period. */
  | 'reAuthenticate'
  | 'reAuthenticateNow'
  /** A Response/Identity to the port's multicast request is at hand. */
  | 'rxIdentity'
  | 'eapSuccess'
  | 'eapFail'
  /** The supplicant did not answer. */
  | 'eapTimeout'
  /** No server gave a verdict. Not in the standard, which knows one eapTimeout for both. */
  | 'aaaTimeout'
  /** `authenticate` cleared by the PAE's client: the session was ended elsewhere. */
  | 'revoke'
  /** quietWhile and reAuthWhen are looked at. */
  | 'timer';

/**
 * For the EAP machine: `eapStart` begins a conversation (and ends one that runs), `eapStop` ends it. `reAuthDue`: reAuthWhen
 * has come; the client's owner says `reAuthenticate` when there is a server to ask.
 */
export type PacpAction =
  | { readonly do: 'eapStart' | 'eapStop' | 'reAuthDue' }
  | { readonly do: 'count'; readonly counter: PaeCounter };

const NOTHING: readonly PacpAction[] = [];

export class Pacp {
  private state: PacpState = 'UNAUTHENTICATED';
  /** §8.4: a session exists. Stays set through a reauthentication. */
  private isAuthenticated = false;
  private retryCount = 0;
  private quietWhile: Instant = NEVER;
  private reAuthWhen: Instant = NEVER;
  /** It has come, and was said; not in the standard, which begins at once, server or not. */
  private reAuthSaid = false;
  private authenticatedAt: Instant = NEVER;
  /** Attempts in a row that no server decided. */
  private serverFailures = 0;
  /** Of the step that runs. */
  private actions: PacpAction[] | undefined;

  /** `proof`: of a client that an earlier run of ours has let in. */
  constructor(
    private settings: PaeSettings,
    proof?: Proof,
  ) {
    if (proof !== undefined) this.resume(proof);
  }

  /** What is to be known of an authenticated client after a restart of ours. */
  get proof(): Pick<Proof, 'since' | 'due' | 'failures'> {
    const { authenticatedAt: since, serverFailures: failures, reAuthWhen } = this;
    return { since, failures, ...(failures > 0 && reAuthWhen !== NEVER ? { due: reAuthWhen } : {}) };
  }

  get current(): PacpState {
    return this.state;
  }

  get authenticated(): boolean {
    return this.isAuthenticated;
  }

  /** When AUTHENTICATED was last entered; NEVER before that. */
  get since(): Instant {
    return this.authenticatedAt;
  }

  pollAt(): Instant {
    if (this.state === 'HELD') return this.quietWhile;
    return this.state === 'AUTHENTICATED' && !this.reAuthSaid ? this.reAuthWhen : NEVER;
  }

  /**
   * New settings: a running quiet period ends as it was begun, the reauthentication timer follows at once. A retry that
   * waits for a server is not put off by them.
   */
  configure(settings: PaeSettings): void {
    const changed = settings.reAuthPeriod !== this.settings.reAuthPeriod;
    this.settings = settings;
    if (!changed || this.state !== 'AUTHENTICATED') return;
    this.reAuthSaid = false;
    const due = this.reAuthDue(this.authenticatedAt);
    this.reAuthWhen = this.serverFailures > 0 ? earliest(this.reAuthWhen, due) : due;
  }

  /** At most one transition. The table of §8.9, by state. */
  step(condition: PacpCondition, now: Instant): readonly PacpAction[] {
    switch (this.state) {
      case 'UNAUTHENTICATED':
        // The standard leaves this state by itself for as long as `authenticate` is set. With one machine per MAC that
        // would ask for ever, so it waits until the client is heard or management wants it.
        if (begins(condition)) this.enterAuthenticating();
        break;
      case 'AUTHENTICATING':
        this.whileAuthenticating(condition, now);
        break;
      case 'AUTHENTICATED':
        this.whileAuthenticated(condition, now);
        break;
      case 'HELD':
        if ((condition === 'timer' && now >= this.quietWhile) || condition === 'reAuthenticateNow') {
          this.retryCount = 0;
          this.enterAuthenticating();
        } else if (condition === 'eapolStart') this.count('start-while-held');
        break;
      default:
        assertNever(this.state);
    }
    const taken = this.actions ?? NOTHING;
    this.actions = undefined;
    return taken;
  }

  private whileAuthenticating(condition: PacpCondition, now: Instant): void {
    switch (condition) {
      case 'eapolLogoff':
        this.count('auth-eap-logoff-while-authenticating');
        this.enterUnauthenticated();
        break;
      case 'eapolStart':
        this.count('auth-eap-starts-while-authenticating');
        // At retryMax the standard gives the attempt up, so that a client which repeats its Start never gets in.
        // Here the attempt goes on: it succeeds, or the supplicant's silence ends it.
        if (this.retryCount < this.settings.reAuthMax) this.enterAuthenticating();
        else this.count('start-duplicate');
        break;
      case 'eapTimeout':
        this.count('auth-timeouts-while-authenticating');
        if (this.retryCount < this.settings.reAuthMax) this.enterAuthenticating();
        else this.enterUnauthenticated();
        break;
      case 'eapFail':
        this.count('auth-fail-while-authenticating');
        this.serverFailures = 0;
        this.enterHeld(now, this.settings.quietPeriod);
        break;
      case 'aaaTimeout':
        this.count('auth-server-timeouts');
        this.serverFailures += 1;
        // No server's word is no reject: a session outlives its servers, and the reauthentication is tried again
        // later and later, so that clients are not driven through exchanges that cannot end.
        if (this.isAuthenticated)
          this.enterAuthenticated(now, serverBackOff(this.serverFailures, SERVER_RETRY_CEILING));
        else this.enterHeld(now, serverBackOff(this.serverFailures, this.settings.quietPeriod));
        break;
      case 'eapSuccess':
        this.count('auth-successes-while-authenticating');
        this.serverFailures = 0;
        this.enterAuthenticated(now);
        break;
      case 'revoke':
        this.enterUnauthenticated();
        break;
      case 'reAuthenticate':
      case 'reAuthenticateNow':
      case 'rxIdentity':
      case 'timer':
        break;
      default:
        assertNever(condition);
    }
  }

  private whileAuthenticated(condition: PacpCondition, now: Instant): void {
    if (condition === 'eapolLogoff') {
      this.count('auth-eap-logoff-while-authenticated');
      this.enterUnauthenticated();
    } else if (condition === 'revoke') {
      this.enterUnauthenticated();
    } else if (condition === 'timer') {
      if (now < this.pollAt()) return;
      this.reAuthSaid = true;
      this.act('reAuthDue');
    } else if (begins(condition)) {
      this.count(
        condition === 'eapolStart'
          ? 'auth-eap-starts-while-authenticated'
          : 'auth-reauths-while-authenticated',
      );
      this.enterAuthenticating();
    }
  }

  /** An earlier run has let the client in; an attempt that runs goes on, with a session. */
  resume(proof: Proof): void {
    this.isAuthenticated = true;
    this.authenticatedAt = proof.since;
    this.serverFailures = proof.failures;
    this.reAuthWhen = earliest(this.reAuthDue(proof.since), proof.due ?? NEVER);
    if (this.state !== 'AUTHENTICATING') this.state = 'AUTHENTICATED';
  }

  /** The session went away while something is being granted: the attempt goes on, without a session. */
  sessionReplaced(): void {
    this.isAuthenticated = false;
  }

  // Entry actions.

  private enterUnauthenticated(): void {
    this.act('eapStop');
    this.isAuthenticated = false;
    this.retryCount = 0;
    this.state = 'UNAUTHENTICATED';
  }

  private enterAuthenticating(): void {
    // RESTART: the EAP machine begins anew, whatever it was about.
    this.count('auth-enters-authenticating');
    this.retryCount += 1;
    this.state = 'AUTHENTICATING';
    this.act('eapStart');
  }

  private enterAuthenticated(now: Instant, retryIn?: Millis): void {
    this.isAuthenticated = true;
    this.retryCount = 0;
    this.authenticatedAt = now;
    this.reAuthSaid = false;
    this.reAuthWhen = retryIn === undefined ? this.reAuthDue(now) : after(now, retryIn);
    this.state = 'AUTHENTICATED';
  }

  private enterHeld(now: Instant, quietPeriod: Millis): void {
    this.isAuthenticated = false;
    this.quietWhile = after(now, quietPeriod);
    this.state = 'HELD';
  }

  private reAuthDue(from: Instant): Instant {
    return this.settings.reAuthPeriod > 0 ? after(from, this.settings.reAuthPeriod) : NEVER;
  }

  private act(action: 'eapStart' | 'eapStop' | 'reAuthDue'): void {
    this.wants({ do: action });
  }

  private count(counter: PaeCounter): void {
    this.wants({ do: 'count', counter });
  }

  private wants(action: PacpAction): void {
    this.actions ??= [];
    this.actions.push(action);
  }
}

function begins(condition: PacpCondition): boolean {
  return (
    condition === 'eapolStart' ||
    condition === 'rxIdentity' ||
    condition === 'reAuthenticate' ||
    condition === 'reAuthenticateNow'
  );
}
