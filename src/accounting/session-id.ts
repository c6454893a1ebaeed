// Acct-Session-Id: unique over restarts (RFC 2866 §5.5), from an id of this boot of the agent and a counter. Who hands in
// a boot id twice gets session ids twice: the shell makes it from randomness.

const COUNTER_DIGITS = 6;

export class SessionIds {
  private counter = 0;

  /** `bootId`: printable, at most 32 characters. */
  constructor(private readonly bootId: string) {}

  /** As `5f0c29aa-000001`. */
  next(): string {
    this.counter++;
    return `${this.bootId}-${this.counter.toString(16).padStart(COUNTER_DIGITS, '0')}`;
  }
}
