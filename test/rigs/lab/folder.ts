// Temporary folders of the lab, removed with the test process. Those of a process that was killed outright are swept by
// the next run (`sweepFolders`).

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const folder = path.join(tmpdir(), name);
    unmountAt(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** File systems of the lab's own (medium.ts). */
function unmountAt(folder: string): void {
  const places = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const place of places.reverse())
    if (place === folder || place.startsWith(`${folder}/`)) execFileSync('umount', ['--lazy', place]);
}
