// Runs a benchmark: `node test/bench/run.mjs wheel [arguments]` bundles test/bench/wheel.bench.ts with esbuild into
// a temporary folder and runs it there in a Node of its own, so that one benchmark's garbage is not another's.
// Without a name: lists what there is. A first line `// flags: --expose-gc` gives Node flags.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const [name, ...args] = process.argv.slice(2);
const known = readdirSync(here)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length));

if (name === undefined || !known.includes(name)) {
  console.error(`usage: node test/bench/run.mjs NAME [arguments]; NAME is one of: ${known.join(' ')}`);
  process.exit(2);
}

const source = join(here, `${name}.bench.ts`);
const flags = /^\/\/ flags: (.*)/.exec(readFileSync(source, 'utf8'))?.[1]?.split(' ') ?? [];
const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
try {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  // The packages that stay outside the bundle are found from here.

  symlinkSync(join(here, '..', '..', 'node_modules'), join(folder, 'node_modules'));
  const run = spawnSync(process.execPath, [...flags, outfile, ...args], { stdio: 'inherit' });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
