// The machines that dist/ can be made for, and where the packages with native code for them come from.
//
// koffi and lmdb have one package for each system and processor, and both their builds, for glibc and for musl, are in it.
// npm installs those of this machine only. Another target's is brought when it is wanted, by npm, from the registry that npm is
// set to, into .cache/packages/ (ignored by git): the version and the hash are package-lock.json's, and what has another hash is
// not unpacked.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const GNU = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** This machine, in the same words as TARGETS; perhaps none of them. */
export const HOST = `${process.platform}-${process.arch}-${
  process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
}`;

export const TARGETS = {
  'linux-x64-glibc': target('x64', 'glibc'),
  'linux-x64-musl': target('x64', 'musl'),
  'linux-arm64-glibc': target('arm64', 'glibc'),
  'linux-arm64-musl': target('arm64', 'musl'),
};

/** Which file of koffi's and which of lmdb's package suits, and what takes debugging symbols out of its code. */
function target(cpu, libc) {
  return {
    koffi: {
      package: `@koromix/koffi-linux-${cpu}`,
      file: `${libc === 'musl' ? 'musl' : 'linux'}_${cpu}/koffi.node`,
    },
    // The builds on Node-API, which suit every Node; those for one Node each are as large again.
    lmdb: { package: `@lmdb/lmdb-linux-${cpu}`, file: `node.napi.${libc}.node` },
    strip: process.env.STRIP ?? (cpu === process.arch ? 'strip' : `${GNU[cpu]}-strip`),
  };
}

/**
 * The folder of an optional package of the lock file: the installed one, else one that is brought, once.
 * Throws an Error that says what is missing and why it could not be brought.
 */
export function packageFolder(name) {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json knows no ${name}`);
  const brought = path.join(root, '.cache/packages', `${name.replace('/', '+')}@${locked.version}`);
  for (const folder of [path.join(root, 'node_modules', name), brought])
    if (versionIn(folder) === locked.version) return folder;
  bring(name, locked, brought);
  return brought;
}

function versionIn(folder) {
  const file = path.join(folder, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
}

function bring(name, { version, integrity }, to) {
  const wanted = `${name}@${version}`;
  mkdirSync(path.dirname(to), { recursive: true });
  const work = mkdtempSync(`${to}.part-`);
  try {
    npmPack(wanted, work);
    const archive = path.join(work, readdirSync(work)[0]);
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== integrity)
      throw new Error(
        `${wanted} is not what package-lock.json names: its hash is ${found}, not ${integrity}`,
      );
    execFileSync('tar', ['-xzf', archive, '-C', work, '--no-same-owner']);
    if (versionIn(to) !== version) renameSync(path.join(work, 'package'), to);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function npmPack(wanted, into) {
  try {
    execFileSync('npm', ['pack', wanted, '--ignore-scripts', '--pack-destination', into], { stdio: 'pipe' });
  } catch (error) {
    throw new Error(
      `${wanted} is not installed here, and npm could not bring it: ${String(error.stderr ?? error).trim()}`,
    );
  }
}
