// The radius package reads its dictionaries from files beside its own code, so a bundle must carry them. Here the
// RADIUS codec is bundled as board/bundle.mjs bundles the agent, moved to a folder of its own, and run there.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAM = `
import { loadRadiusDictionary } from './src/wire/radius-dictionary.ts';
import { text, u32 } from './src/wire/radius-attributes.ts';
import { encodeAccountingRequest } from './src/wire/radius.ts';
const attributes = [u32('Acct-Status-Type', 'Stop'), text('Acct-Session-Id', 's1')];
const encoded = encodeAccountingRequest({ identifier: 3, attributes, secret: new Uint8Array(3) });
const hex = encoded.ok ? Buffer.from(encoded.value.subarray(20)).toString('hex') : encoded.error.reason;
console.log(JSON.stringify({ loaded: loadRadiusDictionary(), hex }));
`;

describe('the bundled RADIUS codec', () => {
  let folder = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-radius-bundle-'));
    await build({
      stdin: { contents: PROGRAM, resolveDir: ROOT, loader: 'ts' },
      outfile: join(folder, 'program.js'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['radius'],
    });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    for (const part of ['package.json', 'lib', 'dictionaries']) {
      const at = join('node_modules/radius', part);
      cpSync(join(ROOT, at), join(folder, at), { recursive: true });
    }
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function run() {
    return spawnSync(process.execPath, [join(folder, 'program.js')], { cwd: '/', encoding: 'utf8' });
  }

  it('finds its dictionaries beside the package, whatever the working directory, and warns of nothing', () => {
    const { stdout, stderr } = run();
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ loaded: { ok: true }, hex: '2806000000022c047331' });
  });

  it('without them says so instead of throwing', () => {
    rmSync(join(folder, 'node_modules/radius/dictionaries'), { recursive: true });
    const { loaded, hex } = JSON.parse(run().stdout);
    expect(loaded.ok).toBe(false);
    expect(loaded.error).toContain('dictionaries');
    expect(hex).toBe('attribute-type');
  });
});
