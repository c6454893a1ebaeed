// Which code has run, as V8 counts it (block coverage, by the inspector): what coverage-guided fuzzing needs to know, without
// instrumenting anything. Only for a program that is one bundle (board/run.mjs).
//
// A question takes milliseconds, so it is asked after many inputs, and only if something was new they are run again one by one.
// V8 joins blocks that ran equally often, so what is new may also be a block that for once ran more often than the one around it.

import { Session } from 'node:inspector/promises';

export class Coverage {
  private readonly session = new Session();
  private readonly known = new Set<string>();

  async start(): Promise<void> {
    this.session.connect();
    await this.session.post('Profiler.enable');
    await this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  async stop(): Promise<void> {
    await this.session.post('Profiler.stopPreciseCoverage');
    this.session.disconnect();
  }

  /** Blocks that have run since the last question. */
  async ran(): Promise<ReadonlySet<string>> {
    const { result } = await this.session.post('Profiler.takePreciseCoverage');
    const ran = new Set<string>();
    for (const { url, functions } of result) {
      if (!url.includes('node_modules/.cache')) continue;
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) ran.add(`${startOffset} ${endOffset}`);
    }
    return ran;
  }

  /** Those of them that never ran before. */
  async fresh(): Promise<Set<string>> {
    const fresh = new Set<string>();
    for (const block of await this.ran()) {
      if (this.known.has(block)) continue;
      this.known.add(block);
      fresh.add(block);
    }
    return fresh;
  }

  get blocks(): number {
    return this.known.size;
  }
}
