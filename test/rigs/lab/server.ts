// A server of the lab's own: one process on files of its own, which can go, come back, and hang.

import type { LabFolder } from './folder.ts';
import type { Netns } from './netns.ts';
import type { LabProcess } from './process.ts';

export abstract class LabServer {
  private running: LabProcess | null = null;

  protected constructor(
    protected readonly netns: Netns,
    protected readonly folder: LabFolder,
  ) {}

  /** Starts it, or starts it again after `stop`; it serves when this returns. */
  abstract start(): Promise<void>;

  protected async launch(argv: readonly string[], serves: RegExp): Promise<void> {
    // FreeRADIUS writes times with the abbreviation of a zone, which nobody can read back.
    this.running = this.netns.start({ name: argv[0] ?? '', argv, env: { TZ: 'UTC' } });
    await this.running.waitForLine(serves, { timeoutMs: 20_000 });
  }

  /** It is gone: its ports answer with ICMP. */
  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = null;
  }

  /** It hangs: its ports are open, connections stand, and nothing answers until `thaw`. */
  freeze(): void {
    this.running?.signal('SIGSTOP');
  }

  thaw(): void {
    this.running?.signal('SIGCONT');
  }

  /** What it said, since it was last started. */
  get output(): string {
    return this.running?.output ?? '';
  }

  async close(): Promise<void> {
    this.thaw();
    await this.stop();
    this.folder.remove();
  }
}
