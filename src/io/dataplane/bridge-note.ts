// Which interface our bridge is, on disk: while no agent runs its name can go to another one, or be another one, and its ifindex
// cannot. One line, of this boot of the machine; what is of another one, or makes no sense, says nothing.

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ok, type Result } from '../../base/result.ts';
import { attempt, keepText, readText } from '../files.ts';
import { interfaceIndex } from './interfaces.ts';

const FILE = 'bridge';
const SYSFS = '/sys/class/net';
/** Within so long the ports of a bridge that was made anew have joined it. */
const JOINED_MS = 5_000;

/** Of the kernel's interfaces, in tests others. */
export interface Interfaces {
  readonly indexOf: (name: string) => number | undefined;
  /** Names of those that are bridges. */
  readonly bridges: () => readonly string[];
}

export class BridgeNote {
  private readonly path: string;

  /** `boot`: of the machine. */
  constructor(
    stateDir: string,
    private readonly boot: string,
    private readonly interfaces: Interfaces = KERNEL,
  ) {
    this.path = join(stateDir, FILE);
  }

  /** What it is called now that was the bridge of this name; undefined: it is gone, or nobody has noted it. */
  calledNow(name: string): string | undefined {
    const text = readText(this.path);
    if (!text.ok) return undefined;
    const [noted, index, boot] = text.value.trim().split(' ');
    if (noted !== name || boot !== this.boot) return undefined;
    const { indexOf, bridges } = this.interfaces;
    return bridges().find((each) => indexOf(each) === Number(index));
  }

  /** From now on it is this one; one that is not there is nobody's. */
  keep(name: string): Result<void, string> {
    const index = this.interfaces.indexOf(name);
    if (index !== undefined) return keepText(this.path, `${name} ${index} ${this.boot}\n`);
    return attempt(() => {
      rmSync(this.path, { force: true });
      return ok(undefined);
    });
  }

  /** The same, a little later: a port that joins the bridge is open until it is locked, and is not to wait for a disk. */
  keepLater(name: string, onDone: (result: Result<void, string>) => void): void {
    setTimeout(() => onDone(this.keep(name)), JOINED_MS).unref();
  }
}

const KERNEL: Interfaces = {
  indexOf: interfaceIndex,
  bridges: () => {
    const names = attempt(() => ok(readdirSync(SYSFS)));
    return names.ok ? names.value.filter((name) => existsSync(join(SYSFS, name, 'bridge'))) : [];
  },
};
