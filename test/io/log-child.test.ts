// The log of a process: what stderr is like must not matter to it.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-log-'));
const program = path.join(folder, 'child.mjs');

/** Logs a warning and 3,000 lines, ticks meanwhile, and says on stdout that it came to its end. */
const CHILD = `
import { createLogger } from '${path.resolve('src/io/log.ts')}';
const log = createLogger({ level: 'info', pretty: false });
log.log('warn', 'first');
for (let i = 0; i < 3000; i++) log.log('info', 'line ' + i, { text: 'x'.repeat(100) });
await new Promise((resolve) => setTimeout(resolve, 100));
log.log('info', 'last');
process.stdout.write('done');
`;

beforeAll(async () => {
  await build({
    stdin: { contents: CHILD, resolveDir: process.cwd(), loader: 'ts' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('stderr', () => {
  test('read: every line in its order, the last one too', () => {
    const said = execFileSync('sh', ['-c', `node ${program} 2>&1 >/dev/null`], {
      encoding: 'utf8',
      maxBuffer: 1e7,
    });
    const lines = said.trimEnd().split('\n');
    expect(lines).toHaveLength(3002);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', message: 'first' });
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ message: 'last' });
  });

  test('closed by its reader, or full: the process goes on, and ends', () => {
    for (const where of ['2> >(exit 0)', '2>/dev/full']) {
      const said = execFileSync('bash', ['-c', `node ${program} ${where}`], {
        encoding: 'utf8',
        timeout: 10_000,
      });
      expect(said).toBe('done');
    }
  });

  test('a pipe that nobody reads: the process goes on', async () => {
    const child = spawn('node', [program], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr.pause();
    let said = '';
    child.stdout.on('data', (chunk: Uint8Array) => {
      said += String(chunk);
    });
    await expect.poll(() => said, { timeout: 10_000 }).toBe('done');
    child.kill('SIGKILL');
  });
});
