// What the agent's state folder is on, as a file system of its own that can be made to fail: ext4 in a file of some MiB, mounted by a
// loop device. `state_dir: medium.path` puts the agent on it. Root.
//
// One that has gone read-only is so for good (ext4 after an error): `renew` mounts it anew, while no agent runs.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { atExit } from './at-exit.ts';
import { LabFolder } from './folder.ts';

const SIZE = 8 * 1024 * 1024;
const BALLAST = 'ballast';

export class Medium {
  readonly path: string;
  readonly #folder: LabFolder;
  readonly #image: string;
  readonly #stay: () => void;
  #isFrozen = false;

  private constructor(folder: LabFolder) {
    this.#folder = folder;
    this.path = folder.file('state');
    this.#image = folder.file('image');
    this.#stay = atExit(() => this.close());
  }

  static create(): Medium {
    const medium = new Medium(new LabFolder('medium'));
    mkdirSync(medium.path);
    // Who has been started meanwhile, in a mount namespace of its own (`ip netns exec`), loses it with us.
    execFileSync('mount', ['--bind', medium.#folder.path, medium.#folder.path]);
    execFileSync('mount', ['--make-shared', medium.#folder.path]);
    writeFileSync(medium.#image, '');
    truncateSync(medium.#image, SIZE);
    // No block is held back for root, and none is written behind our back.
    execFileSync('mkfs.ext4', ['-q', '-m', '0', '-O', '^has_journal', medium.#image]);
    medium.#mount();
    return medium;
  }

  #mount(): void {
    execFileSync('mount', ['-o', 'loop,errors=remount-ro', this.#image, this.path]);
  }

  /** Not one octet more goes on it. */
  fill(): void {
    // It ends when there is no room for more.
    spawnSync('dd', ['if=/dev/zero', `of=${this.path}/${BALLAST}`, 'bs=4k'], { stdio: 'ignore' });
  }

  makeRoom(): void {
    rmSync(`${this.path}/${BALLAST}`, { force: true });
  }

  /** What is written to it waits, and who writes it with it, until `thaw`. */
  freeze(): void {
    execFileSync('fsfreeze', ['--freeze', this.path]);
    this.#isFrozen = true;
  }

  thaw(): void {
    if (this.#isFrozen) execFileSync('fsfreeze', ['--unfreeze', this.path]);
    this.#isFrozen = false;
  }

  /** As at an error of the flash: whoever has it open, too, gets `Read-only file system` from now on. */
  becomeReadOnly(): void {
    const device = execFileSync('findmnt', ['-no', 'SOURCE', this.path], { encoding: 'utf8' }).trim();
    writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, 'the lab');
  }

  /** Checked, and mounted anew. */
  renew(): void {
    this.#unmount();
    execFileSync('sh', ['-c', 'fsck.ext4 -fp "$1" >/dev/null || [ $? -eq 1 ]', 'sh', this.#image]);
    this.#mount();
  }

  #unmount(): void {
    this.thaw();
    execFileSync('umount', ['--lazy', this.path]);
  }

  close(): void {
    this.#stay();
    this.#unmount();
    execFileSync('umount', ['--lazy', this.#folder.path]);
    this.#folder.remove();
  }
}
