// Runs a TypeScript program of this repository (the demo, the benchmarks) on a Node that cannot read TypeScript itself.
// Usage: node board/run.mjs FILE.ts [argument ...]. The bundle lives in node_modules/.cache, so that packages resolve.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [entry, ...rest] = process.argv.slice(2);
if (entry === undefined) {
  console.error('usage: node board/run.mjs FILE.ts [argument ...]');
  process.exit(2);
}
const outfile = path.join(root, 'node_modules/.cache/rollcall', `${entry.replace(/[^a-z0-9]+/gi, '-')}.mjs`);
await build({
  entryPoints: [path.resolve(entry)],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
// A first line `// flags: --expose-gc` gives Node flags.
const flags = /^\/\/ flags: (.*)/.exec(readFileSync(entry, 'utf8'))?.[1]?.split(' ') ?? [];
const child = spawn(process.execPath, ['--enable-source-maps', ...flags, outfile, ...rest], {
  stdio: 'inherit',
  cwd: root,
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
