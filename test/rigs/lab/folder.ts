// Temporary folders of the lab, removed with the test process. Those of a process that was killed outright are swept by
// the next run (`sweepFolders`).

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from './at-exit.ts';

export class LabFolder {
  readonly path: string;
  readonly #stay: () => void;

  constructor(purpose: string) {
    this.path = mkdtempSync(path.join(tmpdir(), `rc-${process.pid}-${purpose}-`));
    this.#stay = atExit(() => this.remove());
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  /** Writes a file and returns its path. */
  write(name: string, text: string): string {
    writeFileSync(this.file(name), text, { mode: 0o600 });
    return this.file(name);
  }

  remove(): void {
    this.#stay();
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Removes the lab's folders whose test process is no more. */
export function sweepFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^rc-(\d+)-[a-z]+-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}
