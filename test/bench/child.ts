// A program of this folder, run in a namespace of the bench: what it prints is one JSON object.

import path from 'node:path';
import { build } from 'esbuild';
import type { Netns } from '../rigs/lab/netns.ts';
import { ROOT } from './stage.ts';

/** It is given the native library, the bridge, and `count`. */
export async function runChild<T>(
  netns: Netns,
  name: 'table-child' | 'probe-child',
  { bridge, count }: { readonly bridge: string; readonly count: number },
): Promise<T> {
  const outfile = path.join(ROOT, `node_modules/.cache/rollcall/${name}.mjs`);
  await build({
    entryPoints: [path.join(ROOT, `test/bench/${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  const library = path.join(ROOT, 'native/build/libportauth.so');
  return JSON.parse(
    await netns.must(['node', outfile, library, bridge, `${count}`], { timeoutMs: 60_000 }),
  ) as T;
}
