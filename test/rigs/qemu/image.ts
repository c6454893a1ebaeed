// The image of the bootable switch: made by board/qemu/image.sh from our own package, or found in its cache.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { must } from '../lab/process.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SCRIPT = path.join(ROOT, 'board/qemu/image.sh');
const MADE_WITHIN_MS = 600_000;

/** The folder of the image, for `Machine.boot`. `make deb` comes first, unless ROLLCALL_DEB names a package. */
export async function switchImage(): Promise<string> {
  const made = await must(['sh', SCRIPT, debPackage()], { timeoutMs: MADE_WITHIN_MS });
  return made.trim();
}

function debPackage(): string {
  const given = process.env.ROLLCALL_DEB;
  if (given !== undefined) return given;
  const folder = path.join(ROOT, 'dist-deb');
  const found = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^rollcall_.*_amd64\.deb$/.test(name))
    : [];
  const [newest] = found.sort().reverse();
  if (newest === undefined)
    throw new Error(`there is no rollcall_*_amd64.deb in ${folder}: run \`make deb\``);
  return path.join(folder, newest);
}
