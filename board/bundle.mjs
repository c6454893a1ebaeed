// Makes dist/: the agent as a bundle, beside it what cannot be bundled, and a launcher.
//
//   node board/bundle.mjs [--target TARGET] [--out FOLDER] [--native FOLDER] [--partial] [--entry FILE]
//
//   --target TARGET   makes a folder to ship, for linux-x64-glibc, linux-x64-musl, linux-arm64-glibc or linux-arm64-musl: without
//                     source maps, from what `make -C native TARGET=...` has built. Default: this machine, from what
//                     `make deps native` has built
//   --out FOLDER      default: dist-TARGET, or dist. What was in it before is removed
//   --native FOLDER   where libportauth.so, rollcall-lock and pcap_binding.node are, if not where the above leave them
//   --partial         leaves out which of them is not there, says so, and is content: for who builds it elsewhere
//
// `make bundle TARGET=...` does all of it.
//
//   dist/rollcall          launcher (sh) with the V8 flags that keep the agent small
//   dist/rollcall.js       the bundle, an ES module; its *.js.map are for whoever debugs it
//   dist/*-HASH.js         what the agent imports only when it needs it: in one file it would start 40 ms later
//   dist/libportauth.so    the native library
//   dist/rollcall-lock     shuts the ports before the agent is there: a program of its own, which needs no Node
//   dist/node_modules/     koffi, pcap and lmdb (native code), radius (reads its dictionaries from files)
//
// Promise: the folder works from wherever it is moved to, from any working directory, without anything outside it but
// Node and libpcap, and holds native code of no machine but the target (debugging symbols are taken out). pcap's binding is
// for the version of Node's ABI that it was built with (20: 115). Only white space is squeezed out of the scripts, no name, so
// that a stack trace can be read as it is.

import { execFileSync } from 'node:child_process';
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
import { HOST, packageFolder, TARGETS } from './targets.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    out: { type: 'string' },
    native: { type: 'string' },
    partial: { type: 'boolean', default: false },
    entry: { type: 'string' },
  },
});
const shipped = values.target !== undefined;
const target = TARGETS[values.target ?? HOST];
if (target === undefined)
  fail(`there is no target ${values.target ?? HOST}: it is one of ${Object.keys(TARGETS).join(', ')}`);
const entry = path.resolve(values.entry ?? path.join(root, 'src/main.ts'));
const out = path.resolve(values.out ?? path.join(root, shipped ? `dist-${values.target}` : 'dist'));
const { library, locker, binding } = nativeParts();

const isLicense = (file) => /^licen[cs]e/i.test(file);
const EXTERNAL = ['koffi', 'pcap', 'radius', 'lmdb'];

// Packages inside the bundle that are CommonJS expect these three, which an ES module has not.
const PRELUDE = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module';
import { fileURLToPath as __fileURLToPath } from 'node:url';
const require = __createRequire(import.meta.url);
const __filename = __fileURLToPath(import.meta.url);
const __dirname = __fileURLToPath(new URL('.', import.meta.url));`;

const LAUNCHER = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
# Secrets are in its memory.
# shellcheck disable=SC3045 # dash and the shell of busybox know it.
ulimit -c 0
# Of a package that says whose the agent is: what root checks is checked as its user, so that a secret that this one may not
# read is told. Another file, or a lock file, is root's own to read and write.
if [ -z "\${ROLLCALL_USER:-}" ] && [ "\${1:-}" = check ] && [ -r "$here/user" ]; then
    case " $* " in
    *' -c'* | *' --config'* | *' --write-lock'*) ;;
    *) ROLLCALL_USER=$(cat "$here/user") ;;
    esac
fi
# A third less memory under load, for a sixth of the speed: little is kept for new objects, the heap is collected when it has
# grown by a fifth, and is packed then. V8's own --optimize-for-size, beside the first, takes 8 MB more with 10,000 sessions
# and a sixth of the logins a second: it throws compiled code away, too. Accepted on the command line only (Node 20).
set -- "\${ROLLCALL_NODE:-node}" --max-semi-space-size=1 --heap-growing-percent=20 --compact-on-every-full-gc "$here/rollcall.js" "$@"
# Started by root, as the user ROLLCALL_USER, with the two rights that it needs and none besides, for good.
if [ -n "\${ROLLCALL_USER:-}" ] && [ "$(id -u)" = 0 ]; then
    rights=-all,+net_admin,+net_raw
    set -- setpriv --reuid "$ROLLCALL_USER" --regid "$(id -g "$ROLLCALL_USER")" --init-groups --no-new-privs \\
        --inh-caps "$rights" --ambient-caps "$rights" --bounding-set "$rights" -- "$@"
fi
exec "$@"
`;

function fail(text) {
  console.error(`bundle: ${text}`);
  process.exit(1);
}

/** Where the three things that are compiled from source are; undefined for one that is left out. */
function nativeParts() {
  const built = path.join(root, 'native/build', values.target ?? '');
  const binding = shipped ? built : path.join(root, 'node_modules/pcap/build/Release');
  const parts = {
    library: path.join(values.native ?? built, 'libportauth.so'),
    locker: path.join(values.native ?? built, 'rollcall-lock'),
    binding: path.join(values.native ?? binding, 'pcap_binding.node'),
  };
  const remedy = shipped ? `make -C native TARGET=${values.target}` : 'make deps native';
  for (const [part, file] of Object.entries(parts)) {
    if (existsSync(file)) continue;
    const end = values.partial ? 'left out' : `${remedy} builds it, or --native says where it is`;
    console.error(`bundle: there is no ${path.relative(root, file)}: ${end}`);
    delete parts[part];
  }
  if (!values.partial && Object.keys(parts).length < 3) process.exit(1);
  if (!existsSync(entry)) fail(`there is no ${path.relative(root, entry)}`);
  return parts;
}

/** Copies a file of native code to where it belongs in the output, without its debugging symbols. */
function shipNative(from, place) {
  const to = path.join(out, place);
  mkdirSync(path.dirname(to), { recursive: true });
  cpSync(from, to);
  try {
    execFileSync(target.strip, ['--strip-unneeded', to], { stdio: 'pipe' });
  } catch (error) {
    fail(
      `${target.strip} could not take the symbols out of ${place}: ${String(error.stderr ?? error).trim()}`,
    );
  }
}

function folderOf(name) {
  try {
    return packageFolder(name);
  } catch (error) {
    return fail(error.message);
  }
}

/** Ships a platform package: of its native code the one file that suits. */
function shipPlatform({ package: name, file }) {
  const folder = folderOf(name);
  if (!existsSync(path.join(folder, file))) fail(`${name} has no ${file}`);
  copy(folder, name, (found) => isLicense(found) || ['package.json', 'index.js'].includes(found));
  shipNative(path.join(folder, file), path.join('node_modules', name, file));
}

/** Copies those files of a package that \`wanted\` (given the path inside it) says. */
function ship(name, wanted) {
  copy(path.join(root, 'node_modules', name), name, wanted);
}

function copy(from, name, wanted) {
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
  sourcemap: shipped ? false : 'external',
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
if (library !== undefined) shipNative(library, 'libportauth.so');
if (locker !== undefined) shipNative(locker, 'rollcall-lock');
ship(
  'koffi',
  (file) => isLicense(file) || (/\.(c?js|json)$/.test(file) && !/^(doc|vendor|cnoke)/.test(file)),
);
shipPlatform(target.koffi);
// Of pcap the capture alone: its decoders are loaded when first used, and we never do.
ship('pcap', (file) => isLicense(file) || ['package.json', 'pcap.js'].includes(file));
if (binding !== undefined) shipNative(binding, 'node_modules/pcap/build/Release/pcap_binding.node');
ship('radius', (file) => isLicense(file) || /^(lib|dictionaries)\/|^package\.json$/.test(file));

ship('lmdb', (file) => isLicense(file) || ['package.json', 'dist/index.cjs'].includes(file));
shipPlatform(target.lmdb);
for (const name of ['msgpackr', 'ordered-binary', 'weak-lru-cache', '@harperfast/extended-iterable'])
  ship(name, (file) => isLicense(file) || /^(package\.json|dist\/(index|node)\.cjs)$/.test(file));
for (const name of ['node-gyp-build-optional-packages', 'detect-libc'])
  ship(name, (file) => isLicense(file) || /^(package\.json|(lib\/)?[a-z-]+\.js)$/.test(file));

const parts = readdirSync(out).filter((name) => name.endsWith('.js'));
for (const name of [
  ...parts,
  ...(library ? ['libportauth.so'] : []),
  ...(locker ? ['rollcall-lock'] : []),
  'node_modules',
]) {
  console.log(
    `${String(Math.ceil(sizeOf(path.join(out, name)) / 1024)).padStart(7)} KiB  ${path.relative(root, out)}/${name}`,
  );
}
