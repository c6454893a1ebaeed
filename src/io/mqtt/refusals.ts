// What the broker does not take (MQTT 5 §3.4.2.1): said once for each reason and connection, and where the reason may pass, tried
// again. An event would be lost otherwise, and an old state would stay retained in the place of the new one; only an answer is not
// worth it, since who asked will ask again.
//
// Some brokers mean "for good" by a reason that may pass: such a message is given up after TRIES, so that it does not stand in the
// way of others for ever. Waits double while nothing that was refused is taken.

import type { ErrorWithReasonCode } from 'mqtt';
import { mayBeDropped, type Publication, type PublishQueue } from './publish-queue.ts';

/** Packet identifier in use, quota exceeded. */
const FOR_NOW: ReadonlySet<number> = new Set([0x91, 0x97]);
/** Unspecified, implementation specific. */
const PERHAPS_FOR_NOW: ReadonlySet<number> = new Set([0x80, 0x83]);
const TRIES = 5;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;

interface RefusalsOptions {
  readonly queue: PublishQueue;
  readonly count: (name: 'refused' | 'postponed') => void;
  readonly say: (message: string) => void;
  /** Some of what was refused may be published again. */
  readonly onAgain: () => void;
}

export class Refusals {
  private readonly tries = new WeakMap<Publication, number>();
  private readonly said = new Set<string>();
  private rounds = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: RefusalsOptions) {}

  connected(): void {
    this.said.clear();
  }

  refused(publication: Publication, { code, message }: ErrorWithReasonCode): void {
    const { queue, count } = this.options;
    const tries = (this.tries.get(publication) ?? 0) + 1;
    this.tries.set(publication, tries);
    const again = !mayBeDropped(publication) && mayPass(code, tries);
    count(again ? 'postponed' : 'refused');
    this.tell(`${publication.topic}${again ? ' for now' : ''}: ${message}`, `${again} ${code}`);
    if (again) {
      queue.postpone(publication);
      this.wait();
    } else queue.settle(publication);
  }

  taken(publication: Publication): void {
    if (this.tries.has(publication)) this.rounds = 0;
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private wait(): void {
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        this.rounds++;
        this.options.queue.resume();
        this.options.onAgain();
      },
      Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.rounds, 20)),
    ).unref();
  }

  private tell(message: string, reason: string): void {
    if (this.said.has(reason)) return;
    this.said.add(reason);
    this.options.say(`it does not take ${message}`);
  }
}

function mayPass(reason: number, tries: number): boolean {
  return FOR_NOW.has(reason) || (PERHAPS_FOR_NOW.has(reason) && tries < TRIES);
}
