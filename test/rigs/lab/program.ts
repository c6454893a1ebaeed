// Child programs of the lab, written in TypeScript: bundled when first needed, since Node 20 reads JavaScript only.

import path from 'node:path';
import { build } from 'esbuild';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** Bundles one entry (path from the repository's root) and returns the file to give to `node`. Packages stay outside. */
export async function bundledProgram(entry: string): Promise<string> {
  const outfile = path.join(
    ROOT,
    'node_modules/.cache/rollcall',
    `${entry.replace(/[^a-z0-9]+/gi, '-')}.mjs`,
  );
  await build({
    entryPoints: [path.join(ROOT, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return outfile;
}
