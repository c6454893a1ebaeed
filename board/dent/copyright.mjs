// Prints debian/copyright for a bundle: our own licence, and that of each package in it, word for word.
// Usage: node board/dent/copyright.mjs DIST BUNDLE
//   DIST    what `make build` made: its *.js.map say what was bundled
//   BUNDLE  what is shipped; the packages in its node_modules are named, too

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const [dist = 'dist', bundle = dist] = process.argv.slice(2).map((folder) => path.resolve(folder));

/** `koffi`, `@lmdb/lmdb-linux-x64` ...: packages whose files stand in a list of paths. */
function packagesIn(paths) {
  return paths.flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
}

const maps = readdirSync(dist).filter((name) => name.endsWith('.js.map'));
if (maps.length === 0) throw new Error(`${dist} has no *.js.map`);
const bundled = packagesIn(
  maps.flatMap((name) => JSON.parse(readFileSync(path.join(dist, name), 'utf8')).sources),
);
const beside = packagesIn(
  readdirSync(path.join(bundle, 'node_modules'), { recursive: true }).map((file) => `node_modules/${file}/`),
).filter((name) => existsSync(path.join(bundle, 'node_modules', name, 'package.json')));

/** As Debian's machine-readable format wants a text: indented, empty lines as dots. */
function indented(text) {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}

function stanza(name) {
  const folder = [path.join(root, 'node_modules', name), path.join(bundle, 'node_modules', name)].find((it) =>
    existsSync(path.join(it, 'package.json')),
  );
  if (folder === undefined) throw new Error(`the package ${name} is in the bundle, and not in node_modules`);
  const { version, license, author } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((it) => /^licen[cs]e/i.test(it));
  const text = file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8');
  const holders = [...text.matchAll(/^.{0,4}\s*(?:copyright)\s+(?:\(c\)|©|\d).*$/gim)].map(([line]) =>
    line.trim(),
  );
  const by = typeof author === 'object' ? author.name : author;
  const holder = holders[0] ?? `the authors of ${name}${by === undefined ? '' : `: ${by}`}`;
  const apache =
    license === 'Apache-2.0'
      ? 'The Apache License, version 2.0: /usr/share/common-licenses/Apache-2.0.'
      : text;
  const words = apache === '' ? `As its package.json says: ${license ?? 'not stated'}.` : apache;
  return `Files: ${beside.includes(name) ? `usr/lib/rollcall/node_modules/${name}/*` : 'usr/lib/rollcall/*.js'}
Copyright: ${holder}
License: ${name.replace(/[^A-Za-z0-9.+-]/g, '-').replace(/^-/, '')}-license
${indented(`${name} ${version}, of its own licence ${license ?? ''}:\n\n${words}`)}
`;
}

const names = [...new Set([...bundled, ...beside])].sort();
console.log(`Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: rollcall
Comment: The JavaScript of the packages named here is in usr/lib/rollcall/*.js, or in
 the folder that stands with its licence.

Files: *
Copyright: 2026 the authors of Rollcall
License: Apache-2.0
 On Debian systems the full text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
`);
for (const name of names) console.log(stanza(name));
