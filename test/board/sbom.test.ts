// The bill of materials of a bundle, held against npm's own where there is one, and against what is really there.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly object[];
}

interface Bom {
  readonly serialNumber: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-sbom-'));
const dist = path.join(folder, 'dist');
// Without `--omit dev`, by which it leaves out what both we and a tool need.
const npms = spawnSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: ROOT,
  encoding: 'utf8',
});

const node = (...words: readonly string[]) =>
  spawnSync(
    'node',
    words.map((word) => (word.startsWith('board/') ? path.join(ROOT, word) : word)),
    { encoding: 'utf8' },
  );

function bom(): Bom {
  return JSON.parse(readFileSync(path.join(dist, 'sbom.cdx.json'), 'utf8')) as Bom;
}

beforeAll(() => {
  expect(node('board/bundle.mjs', '--out', dist)).toMatchObject({ status: 0 });
  expect(node('board/sbom.mjs', dist)).toMatchObject({ status: 0, stderr: '' });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what is bundled and what stands beside it is in it; what only builds and tests is not', () => {
  const names = bom().components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['mqtt', 'aedes', 'ajv', 'yaml', 'pino', 'commander']));
  expect(names).toEqual(expect.arrayContaining(['koffi', 'pcap', 'radius', 'lmdb', 'msgpackr']));
  for (const name of ['vitest', 'esbuild', 'typescript', 'debug']) expect(names).not.toContain(name);
  const beside = readdirSync(path.join(dist, 'node_modules')).filter((name) => !name.startsWith('@'));
  expect(names).toEqual(expect.arrayContaining(beside));
});

test('each has a version, a digest, a licence and its text', () => {
  const texts = readFileSync(path.join(dist, 'LICENSES.txt'), 'utf8');
  for (const { name, version, purl, hashes = [], licenses = [] } of bom().components) {
    expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
    expect(hashes[0]?.content, name).toMatch(/^[0-9a-f]{128}$/);
    expect(licenses, name).toHaveLength(1);
    expect(texts).toContain(`${name} ${version}: `);
  }
  expect(texts).toContain('Permission is hereby granted, free of charge');
});

test('every dependency that it names is there, and the agent leads to its own', () => {
  const { components, dependencies, metadata } = bom();
  const refs = new Set([metadata.component, ...components].map((component) => component['bom-ref']));
  expect(new Set(dependencies.map(({ ref }) => ref))).toEqual(refs);
  for (const { dependsOn } of dependencies) for (const ref of dependsOn) expect(refs).toContain(ref);
  expect(dependencies[0]?.dependsOn.map((ref) => ref.split('@')[0])).toEqual(
    expect.arrayContaining(['mqtt', 'koffi', 'lmdb']),
  );
});

// The npm of Debian 12 and 13 has none.
test.skipIf(npms.status !== 0)("says of each what npm's own says", () => {
  const theirs = new Map(
    (JSON.parse(npms.stdout) as Bom).components.map((component) => [component.purl, component]),
  );
  for (const { purl, hashes, licenses } of bom().components) {
    const other = theirs.get(purl);
    expect(other?.hashes, purl).toEqual(hashes);
    // Where a package.json says nothing we have read the text.
    if (other?.licenses !== undefined) expect(other.licenses, purl).toEqual(licenses);
  }
});

test('the same bundle gives the same octets', () => {
  const read = () =>
    ['sbom.cdx.json', 'LICENSES.txt'].map((name) => readFileSync(path.join(dist, name), 'utf8'));
  const before = read();
  expect(node('board/sbom.mjs', dist).status).toBe(0);
  expect(read()).toEqual(before);
  expect(bom().serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test('a licence that does not go with ours ends it', () => {
  const other = path.join(folder, 'other');
  mkdirSync(path.join(other, 'node_modules'), { recursive: true });
  writeFileSync(path.join(other, 'x.js.map'), '{"sources":["../node_modules/axe-core/axe.js"]}');
  const { status, stderr } = node('board/sbom.mjs', other);
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/^sbom: axe-core .*'MPL-2\.0' is not known to go with Apache-2\.0\n$/),
  ]);
});
