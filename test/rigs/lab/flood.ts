// Floods at line rate from a client's wire (flooder.c), and what they must not do to others: the resident memory of the
// agent, and how long somebody else's login takes.
//
// The flooder has the idle class of the scheduler (SCHED_IDLE): it takes what time the machine has left over, on all cores, so that
// what is measured is the switch and not a fight for the cores. What its frames cost the kernel is paid all the same.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LabFolder } from './folder.ts';
import type { SwitchClient } from './netns.ts';
import { sleep, until } from './process.ts';
import type { Supplicant } from './supplicant.ts';

const SOURCE = path.resolve(import.meta.dirname, 'flooder.c');

export interface FloodOptions {
  /** Hexadecimal, with flooder.c's patches behind it. */
  readonly frames: readonly string[];
  /** A second; 0 = as many as go. */
  readonly rate?: number;
  /** Source MACs: of chance (default), the frames' own, or so many in turn. */
  readonly macs?: 'chance' | 'fixed' | number;
}

export interface Flooded {
  readonly sent: number;
  readonly seconds: number;
}

export interface Flood {
  /** What was sent. */
  stop(): Promise<Flooded>;
}

export class Flooders {
  readonly #folder = new LabFolder('flooder');
  readonly #program: string;

  constructor() {
    this.#program = this.#folder.file('flooder');
    execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', this.#program, SOURCE]);
  }

  /** Runs when this returns. */
  async start({ netns }: Pick<SwitchClient, 'netns'>, options: FloodOptions): Promise<Flood> {
    const { frames, rate = 0, macs = 'chance' } = options;
    const flood = netns.start({
      name: 'flooder',
      argv: [
        'chrt',
        '--idle',
        '0',
        this.#program,
        'eth0',
        `${rate}`,
        macs === 'chance' ? '0' : `${macs}`,
        '0',
        ...frames,
      ],
    });
    await flood.waitForLine(/^ready$/);
    return {
      stop: async () => {
        flood.end();
        const told = await flood.waitForLine(/^\{/);
        await flood.exited;
        return JSON.parse(told) as Flooded;
      },
    };
  }

  remove(): void {
    this.#folder.remove();
  }
}

/** Of a supplicant that has a session: it logs off and on again. From its EAPOL-Start to its EAP-Success, in ms, by its own clock. */
export async function loginMs(supplicant: Supplicant): Promise<number> {
  await supplicant.logoff();
  await sleep(100);
  const from = supplicant.output.length;
  await supplicant.logon();
  const said = await until(
    'an EAP-Success',
    () => {
      const text = supplicant.output.slice(from);
      return text.includes('CTRL-EVENT-EAP-SUCCESS') ? text : null;
    },
    20_000,
  );
  const at = (words: string): number => {
    const line = said.split('\n').find((text) => text.includes(words)) ?? '';
    return Number(line.slice(0, line.indexOf(':'))) * 1000;
  };
  return at('CTRL-EVENT-EAP-SUCCESS') - at('EAPOL: txStart');
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Resident memory of a process in MiB, and the most that it was since `forgetPeak`. */
export function residentMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (key: string): number =>
    Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
  return { now: mb('VmRSS'), peak: mb('VmHWM') };
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
