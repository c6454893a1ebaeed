// A ping that goes on, so that whoever is shut out for a moment is found out by it.

import type { Netns } from './netns.ts';
import type { LabProcess } from './process.ts';

const EVERY_S = 0.05;
const LEAST = 20;

export class Pinging {
  private readonly process: LabProcess;

  /** `from`: one of the machine's own addresses. */
  constructor(netns: Netns, to: string, from?: string) {
    const source = from === undefined ? [] : ['-I', from];
    const argv = ['ping', '-n', '-i', `${EVERY_S}`, '-W', '1', ...source, to];
    this.process = netns.start({ name: `ping ${to}`, argv });
  }

  /** Ends it: how many were not answered. Throws if it has hardly begun. */
  async lost(): Promise<number> {
    this.process.signal('SIGINT');
    await this.process.exited;
    const said = this.process.lines.find((line) => line.includes('packets transmitted')) ?? '';
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(said) ?? [];
    if (!(Number(sent) >= LEAST)) throw new Error(`too few pings to say anything: ${this.process.output}`);
    // One may be on its way at the moment of the interruption.
    return Math.max(0, Number(sent) - Number(received) - 1);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
