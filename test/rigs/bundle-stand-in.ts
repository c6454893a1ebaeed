// A small program that needs every part that dist/ carries beside the bundle: it tells what it found, as JSON.

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import radius from 'radius';

radius.load_dictionaries();
const library = koffi.load(fileURLToPath(new URL('./libportauth.so', import.meta.url)));
const abiVersion = library.func('uint32_t pa_abi_version(void)') as () => number;
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-stand-in-'));
const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');
const database = open({ path: path.join(folder, 'a.mdb'), overlappingSync: false });
await database.put('key', 'stored');
const stored = database.get('key') as string;
await database.close();
rmSync(folder, { recursive: true });
const pcap = createRequire(import.meta.url)('pcap') as { readonly lib_version: string };
process.stdout.write(
  `${JSON.stringify({
    abiVersion: abiVersion(),
    sessionTimeout: radius.attr_name_to_id('Session-Timeout'),
    pcap: pcap.lib_version,
    lmdb: stored,
    flags: process.execArgv,
    words: process.argv.slice(2),
  })}\n`,
);
