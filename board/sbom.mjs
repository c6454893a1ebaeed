// What is in a bundle that others have written: dist/sbom.cdx.json (CycloneDX 1.5) and dist/LICENSES.txt, every licence word for
// word. Ends with 1 if one of them is not known to go with ours (Apache-2.0).
//
// Usage: node board/sbom.mjs [DIST [BUNDLE]]     default dist; as of board/shipped-packages.mjs
// Promises: the same bundle and package-lock.json give the same octets: no time, no random serial number; no network. From the
// lock alone, since the npm of Debian (9.2) has no `npm sbom`; test/board/sbom.test.ts holds it against one that has.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPackage, shippedPackages } from './shipped-packages.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const [dist = 'dist', bundle = dist] = process.argv.slice(2).map((folder) => path.resolve(folder));
const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
const own = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** Permissive: they ask for their text and a name to be kept, which LICENSES.txt does. */
const COMPATIBLE = [
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
];

/** Of packages whose package.json does not say: what their LICENSE says, as we read it. */
const READ = { radius: 'BSD-3-Clause' };

const packages = shippedPackages(dist, bundle).map((place) => {
  const locked = lock[place];
  if (locked === undefined) throw new Error(`${place} is shipped, and not in package-lock.json`);
  const { folder, name, version, license } = readPackage(place, bundle);
  if (version !== locked.version)
    throw new Error(`${place} is ${version}, and ${locked.version} in package-lock.json`);
  return {
    place,
    folder,
    name,
    version,
    license: licenseOf(license ?? locked.license ?? READ[name]),
    locked,
  };
});

/** Some old ones write an object. */
function licenseOf(license) {
  return typeof license === 'object' ? license.type : license;
}

/** `MIT OR Apache-2.0`: one of them is enough. */
function isCompatible(license = '') {
  const words = license.replace(/[()]/g, '').split(/ OR /);
  return words.some((each) => each.split(/ AND /).every((word) => COMPATIBLE.includes(word.trim())));
}

const wrong = packages.filter(({ license }) => !isCompatible(license));
for (const { name, version, license } of wrong)
  console.error(
    `sbom: ${name} ${version}: '${license ?? 'no licence'}' is not known to go with ${own.license}`,
  );

function refOf({ name, version }) {
  return `${name}@${version}`;
}

function purlOf({ name, version }) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

function componentOf(entry) {
  const { name, version, license, locked } = entry;
  const [algorithm, digest] = (locked.integrity ?? '').split(/-(.*)/s);
  const isExpression = /[ ()]/.test(license ?? '');
  return {
    'bom-ref': refOf(entry),
    type: 'library',
    name,
    version,
    scope: 'required',
    purl: purlOf(entry),
    ...(algorithm === 'sha512'
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }
      : {}),
    licenses: [isExpression ? { expression: license } : { license: { id: license } }],
  };
}

/** Where Node would find a dependency of the package at `place`, if it is shipped. */
function resolve(place, dependency) {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules') - 1))) {
    const found = packages.find(
      (each) => each.place === `${at === '' ? '' : `${at}/`}node_modules/${dependency}`,
    );
    if (found !== undefined || at === '') return found;
  }
}

function dependenciesOf(place, { dependencies = {}, optionalDependencies = {} }) {
  const found = Object.keys({ ...dependencies, ...optionalDependencies }).map((name) => resolve(place, name));
  return [...new Set(found.flatMap((each) => (each === undefined ? [] : [refOf(each)])))].sort();
}

const bom = {
  $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: {
    lifecycles: [{ phase: 'build' }],
    component: {
      'bom-ref': refOf(own),
      type: 'application',
      name: own.name,
      version: own.version,
      description: own.description,
      purl: purlOf(own),
      licenses: [{ license: { id: own.license } }],
    },
  },
  components: packages.map(componentOf),
  dependencies: [
    { ref: refOf(own), dependsOn: dependenciesOf('', own) },
    ...packages.map((each) => ({ ref: refOf(each), dependsOn: dependenciesOf(each.place, each.locked) })),
  ],
};

function texts({ folder }) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  return files.map((file) => readFileSync(path.join(folder, file), 'utf8').trim()).join('\n\n');
}

const head = `${own.name} ${own.version} is under ${own.license}. In its bundle are these packages, each under its own licence.\n`;
const licenses = packages.map((each) => {
  const text = texts(each) || 'It comes without a text of it.';
  return `${'='.repeat(78)}\n${each.name} ${each.version}: ${each.license}\n\n${text}\n`;
});

const content = JSON.stringify(bom);
const digits = createHash('sha256').update(content).digest('hex');
const uuid = `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
const { $schema, bomFormat, specVersion, ...rest } = bom;
const whole = { $schema, bomFormat, specVersion, serialNumber: `urn:uuid:${uuid}`, ...rest };
writeFileSync(path.join(bundle, 'sbom.cdx.json'), `${JSON.stringify(whole, null, 2)}\n`);
writeFileSync(path.join(bundle, 'LICENSES.txt'), [head, ...licenses].join('\n'));
console.log(
  `sbom: ${packages.length} packages in ${path.relative(root, bundle)}/sbom.cdx.json, their licences in LICENSES.txt`,
);
process.exit(wrong.length === 0 ? 0 : 1);
