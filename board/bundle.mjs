// Makes dist/: the agent as a bundle, beside it what cannot be bundled, and a launcher.
//
//   node board/bundle.mjs [--entry FILE] [--out FOLDER]
//
//   dist/rollcall          launcher (sh) with the V8 flags that keep the agent small
//   dist/rollcall.js       the bundle, an ES module; its *.js.map are for whoever debugs it
//   dist/*-HASH.js         what the agent imports only when it needs it: in one file it would start 40 ms later
//   dist/libportauth.so    the native library
//   dist/node_modules/     koffi, pcap and lmdb (native code), radius (reads its dictionaries from files)
//
// Promise: the folder works from wherever it is moved to, from any working directory, without anything outside it but
// Node and libpcap. Only white space is squeezed out, no name, so that a stack trace can be read as it is.

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { entry: { type: 'string' }, out: { type: 'string' } } });
const entry = path.resolve(values.entry ?? path.join(root, 'src/main.ts'));
const out = path.resolve(values.out ?? path.join(root, 'dist'));

const EXTERNAL = ['koffi', 'pcap', 'radius', 'lmdb'];

// Packages inside the bundle that are CommonJS expect these three, which an ES module has not.
const PRELUDE = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module';
import { fileURLToPath as __fileURLToPath } from 'node:url';
const require = __createRequire(import.meta.url);
const __filename = __fileURLToPath(import.meta.url);
const __dirname = __fileURLToPath(new URL('.', import.meta.url));`;

const LAUNCHER = `#!/bin/sh
# A third less memory under load, for a sixth of the speed: little is kept for new objects, the heap is collected when it has
# grown by a fifth, and is packed then. V8's own --optimize-for-size, beside the first, takes 8 MB more with 10,000 sessions
# and a sixth of the logins a second: it throws compiled code away, too. Accepted on the command line only (Node 20).
here=$(dirname "$(readlink -f "$0")")
exec "\${ROLLCALL_NODE:-node}" --max-semi-space-size=1 --heap-growing-percent=20 --compact-on-every-full-gc "$here/rollcall.js" "$@"
`;

/** Copies those files of a package that \`wanted\` (given the path inside it) says. */
function ship(name, wanted) {
  const from = path.join(root, 'node_modules', name);
  const to = path.join(out, 'node_modules', name);
  cpSync(from, to, {
    recursive: true,
    filter: (source) => statSync(source).isDirectory() || wanted(path.relative(from, source)),
  });
  pruneEmpty(to);
}

function pruneEmpty(folder) {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    if (item.isDirectory()) pruneEmpty(path.join(folder, item.name));
  }
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}

function sizeOf(target) {
  const facts = statSync(target);
  if (!facts.isDirectory()) return facts.size;
  return readdirSync(target).reduce((sum, name) => sum + sizeOf(path.join(target, name)), 0);
}

const library = path.join(root, 'native/build/libportauth.so');
for (const [file, remedy] of [
  [entry, 'the entry is missing'],
  [library, 'make native'],
  [path.join(root, 'node_modules/pcap/build/Release/pcap_binding.node'), 'make deps'],
]) {
  if (!existsSync(file)) {
    console.error(`bundle: there is no ${path.relative(root, file)}: ${remedy}`);
    process.exit(1);
  }
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  entryPoints: [{ in: entry, out: 'rollcall' }],
  outdir: out,
  splitting: true,
  // All in one folder, so that `import.meta.url` leads to it from every part.
  chunkNames: '[name]-[hash]',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: EXTERNAL,
  alias: { debug: path.join(root, 'board/no-debug.cjs') },
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  sourcemap: 'external',
  banner: { js: PRELUDE },
  logLevel: 'warning',
});
const { version, license } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
writeFileSync(
  path.join(out, 'package.json'),
  `${JSON.stringify({ name: 'rollcall', version, license, private: true, type: 'module', bin: { rollcall: 'rollcall' } }, null, 2)}\n`,
);
writeFileSync(path.join(out, 'rollcall'), LAUNCHER);
chmodSync(path.join(out, 'rollcall'), 0o755);
chmodSync(path.join(out, 'rollcall.js'), 0o755);
cpSync(library, path.join(out, 'libportauth.so'));

const isLicense = (file) => /^licen[cs]e/i.test(file);
ship(
  'koffi',
  (file) => isLicense(file) || (/\.(c?js|json)$/.test(file) && !/^(doc|vendor|cnoke)/.test(file)),
);
for (const name of readdirSync(path.join(root, 'node_modules/@koromix')))
  ship(`@koromix/${name}`, () => true);
// Of pcap the capture alone: its decoders are loaded when first used, and we never do.
ship(
  'pcap',
  (file) => isLicense(file) || ['package.json', 'pcap.js', 'build/Release/pcap_binding.node'].includes(file),
);
ship('radius', (file) => isLicense(file) || /^(lib|dictionaries)\/|^package\.json$/.test(file));

// Of lmdb the builds on Node-API, which suit every Node; those for one Node each are as large again.
ship('lmdb', (file) => isLicense(file) || ['package.json', 'dist/index.cjs'].includes(file));
for (const name of readdirSync(path.join(root, 'node_modules/@lmdb')))
  ship(`@lmdb/${name}`, (file) => isLicense(file) || /^(package\.json|index\.js|node\.napi\..*)$/.test(file));
for (const name of ['msgpackr', 'ordered-binary', 'weak-lru-cache', '@harperfast/extended-iterable'])
  ship(name, (file) => isLicense(file) || /^(package\.json|dist\/(index|node)\.cjs)$/.test(file));
for (const name of ['node-gyp-build-optional-packages', 'detect-libc'])
  ship(name, (file) => isLicense(file) || /^(package\.json|(lib\/)?[a-z-]+\.js)$/.test(file));

const parts = readdirSync(out).filter((name) => name.endsWith('.js'));
for (const name of [...parts, 'libportauth.so', 'node_modules']) {
  console.log(
    `${String(Math.ceil(sizeOf(path.join(out, name)) / 1024)).padStart(7)} KiB  ${path.relative(root, out)}/${name}`,
  );
}
