// Prints debian/copyright for a bundle: our own licence, and that of each package in it, word for word.
// Usage: node board/dent/copyright.mjs DIST BUNDLE
//   DIST    what `make build` made: its *.js.map say what was bundled
//   BUNDLE  what is shipped; the packages in its node_modules are named, too

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readPackage, shippedPackages } from '../shipped-packages.mjs';

const [dist = 'dist', bundle = dist] = process.argv.slice(2).map((folder) => path.resolve(folder));

/** As Debian's machine-readable format wants a text: indented, empty lines as dots. */
function indented(text) {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}

function stanza(place) {
  const { folder, name, version, license, author } = readPackage(place, bundle);
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
  return `Files: ${existsSync(path.join(bundle, place)) ? `usr/lib/rollcall/${place}/*` : 'usr/lib/rollcall/*.js'}
Copyright: ${holder}
License: ${name.replace(/[^A-Za-z0-9.+-]/g, '-').replace(/^-/, '')}-license
${indented(`${name} ${version}, of its own licence ${license ?? ''}:\n\n${words}`)}
`;
}

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
for (const place of shippedPackages(dist, bundle)) console.log(stanza(place));
