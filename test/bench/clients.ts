// The load generator from outside: clients.c, started with what it needs, and its words decoded.

import type { LabProcess } from '../rigs/lab/process.ts';
import { PORTS, type Stage, SWITCH_MAC } from './stage.ts';

export interface LoginFigures {
  readonly begun: number;
  readonly in: number;
  readonly refused: number;
  readonly givenUp: number;
  readonly retries: number;
  /** From the first Start to the last success. */
  readonly seconds: number;
  /** Milliseconds from a client's first Start to its success. */
  readonly p50: number;
  readonly p99: number;
}

export interface Load {
  readonly first: number;
  readonly count: number;
  /** Logins under way at any time. */
  readonly window: number;
  /** No login begins after so long. */
  readonly seconds: number;
  /** 48 if absent. */
  readonly ports?: number;
  /** Logins begun per second at most; no bound if absent. */
  readonly rate?: number;
  /** Each sends an ARP request once it is in, from which its address is learnt. */
  readonly announce?: boolean;
}

export class Clients {
  private constructor(
    private readonly process: LabProcess,
    readonly logins: LoginFigures,
  ) {}

  /** All logins are over when this returns; the clients stay until `close`. */
  static async logIn(stage: Stage, load: Load): Promise<Clients> {
    const { first, count, window, seconds, ports = PORTS, rate = 0 } = load;
    const numbers = [ports, first, count, window, seconds, rate].map(String);
    const announce = load.announce === true ? [SWITCH_MAC] : [];
    const argv = [stage.compile('clients'), 'c', ...numbers, ...announce];
    const process = stage.far.start({ name: 'clients', argv });
    const said = await process.waitForLine(/^\{"begun"/, { timeoutMs: (seconds + 30) * 1000 });
    return new Clients(process, JSON.parse(said) as LoginFigures);
  }

  /** They answer ARP requests, or not. */
  answer(willing: boolean): void {
    this.process.write(willing ? 'answer\n' : 'mute\n');
  }

  /** ARP requests that came for a client so far. */
  async arpRequests(): Promise<number> {
    const fromLine = this.process.lines.length;
    this.process.write('count\n');
    const said = await this.process.waitForLine(/^\{"arpRequests"/, { fromLine });
    return (JSON.parse(said) as { readonly arpRequests: number }).arpRequests;
  }

  /** The first `count` that are in send an EAPOL-Logoff. */
  logOff(count: number): void {
    this.process.write(`logoff ${count}\n`);
  }

  /** From now on everybody logs in, stays for up to so long, logs off and begins again. */
  churn(stayMs: number): void {
    this.process.write(`churn ${stayMs}\n`);
  }

  /** No login begins any more; how many succeeded since `churn`. */
  async rest(): Promise<number> {
    const fromLine = this.process.lines.length;
    this.process.write('rest\n');
    const said = await this.process.waitForLine(/^\{"churned"/, { fromLine });
    return (JSON.parse(said) as { readonly churned: number }).churned;
  }

  async close(): Promise<void> {
    this.process.end();
    await this.process.exited;
  }
}
