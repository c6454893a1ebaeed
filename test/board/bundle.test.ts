import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-bundle-'));
const moved = path.join(folder, 'somewhere else');

function bundle(...words: string[]) {
  const entry = path.join(ROOT, 'test/rigs/bundle-stand-in.ts');
  return spawnSync('node', [path.join(ROOT, 'board/bundle.mjs'), '--entry', entry, ...words], {
    encoding: 'utf8',
  });
}

beforeAll(() => {
  const made = path.join(folder, 'dist');
  expect(bundle('--out', made)).toMatchObject({ status: 0, stderr: '' });
  renameSync(made, moved);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(program: string, args: readonly string[]): unknown {
  return JSON.parse(execFileSync(program, args, { cwd: '/', encoding: 'utf8' }));
}

const FOUND = {
  abiVersion: expect.any(Number),
  sessionTimeout: '27',
  pcap: expect.stringContaining('libpcap'),
  lmdb: 'stored',
};

describe('dist/, moved to another folder and started from another', () => {
  test('finds its native library, its native packages and its dictionaries', () => {
    expect(start('node', [path.join(moved, 'rollcall.js'), 'status'])).toMatchObject({
      ...FOUND,
      words: ['status'],
    });
  });

  test('is started by its launcher with the flags that keep it small, and with the words as they were', () => {
    expect(start(path.join(moved, 'rollcall'), ['explain', 'a b'])).toMatchObject({
      ...FOUND,
      flags: ['--max-semi-space-size=1', '--heap-growing-percent=20', '--compact-on-every-full-gc'],
      words: ['explain', 'a b'],
    });
  });
});

/** Native code in a folder, by name, with the number of its processor (ELF's e_machine). */
function nativeCode(of: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of readdirSync(of, { recursive: true, encoding: 'utf8' })) {
    if (!/(\.(node|so)|^rollcall-lock)$/.test(name)) continue;
    const head = Buffer.alloc(20);
    const file = openSync(path.join(of, name), 'r');
    readSync(file, head);
    closeSync(file);
    found[name] = head.readUInt16LE(18);
  }
  return found;
}

const CPU = process.arch;
const MACHINE = { x64: 62, arm64: 183 }[CPU as 'x64' | 'arm64'];

describe('what is shipped', () => {
  test('has native code of one machine alone, each once', () => {
    expect(nativeCode(moved)).toEqual({
      'libportauth.so': MACHINE,
      'rollcall-lock': MACHINE,
      [`node_modules/@koromix/koffi-linux-${CPU}/linux_${CPU}/koffi.node`]: MACHINE,
      [`node_modules/@lmdb/lmdb-linux-${CPU}/node.napi.glibc.node`]: MACHINE,
      'node_modules/pcap/build/Release/pcap_binding.node': MACHINE,
    });
  });

  test('for musl has the builds for musl, no source map, and without what is built elsewhere if told so', () => {
    const nothing = path.join(folder, 'nothing');
    const out = path.join(folder, 'for musl');
    mkdirSync(nothing);
    const made = bundle('--target', `linux-${CPU}-musl`, '--native', nothing, '--partial', '--out', out);
    expect(made.status, made.stderr).toBe(0);
    expect(made.stderr).toMatch(
      /libportauth\.so: left out\n.*rollcall-lock: left out\n.*pcap_binding\.node: left out\n$/,
    );
    expect(nativeCode(out)).toEqual({
      [`node_modules/@koromix/koffi-linux-${CPU}/musl_${CPU}/koffi.node`]: MACHINE,
      [`node_modules/@lmdb/lmdb-linux-${CPU}/node.napi.musl.node`]: MACHINE,
    });
    expect(readdirSync(out).filter((name) => name.endsWith('.map'))).toEqual([]);
  });

  test('is not touched when a part is missing: both are named, and what would build them', () => {
    const out = path.join(folder, 'kept');
    mkdirSync(path.join(out, 'here'), { recursive: true });
    const made = bundle(
      '--target',
      'linux-arm64-musl',
      '--native',
      path.join(folder, 'no such'),
      '--out',
      out,
    );
    expect(made.status).toBe(1);
    expect(made.stderr).toMatch(
      /no such\/libportauth\.so: make -C native TARGET=linux-arm64-musl builds it, or --native says/,
    );
    expect(made.stderr).toMatch(
      /no such\/pcap_binding\.node: make -C native TARGET=linux-arm64-musl builds it/,
    );
    expect(existsSync(path.join(out, 'here'))).toBe(true);
  });

  test('is for a machine that there is', () => {
    const made = bundle('--target', 'linux-mips-musl', '--out', path.join(folder, 'mips'));
    expect(made.status).toBe(1);
    expect(made.stderr).toBe(
      'bundle: there is no target linux-mips-musl: it is one of linux-x64-glibc, linux-x64-musl, linux-arm64-glibc, linux-arm64-musl\n',
    );
  });
});
