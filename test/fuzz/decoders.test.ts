// What a broken or hostile sender may do: no decoder throws or believes a forgery, each refusal has a word. A short run of each
// target of decoders.ts, the same each time, and the corpora; `make fuzz` goes on from there. A decoder that no target is for is told.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { corpusOf, TARGETS } from './decoders.ts';
import { Mutations, runOn } from './mutating.ts';

const SEED = 20_261_122;
const MUTATIONS = 8_000;
const OF_DEAR = 300;
const PATIENCE = { timeout: 120_000 };

/** Take only what one of the targets has decoded, or what nobody outside has a hand in. */
const NOT_FOR_STRANGERS: Readonly<Record<string, string>> = {
  'base/ip.ts readIpv4': 'a reader that is given four octets',
  'base/mac.ts readMac': 'a reader that is given six octets',
  'io/files.ts readText': 'hands on what is in a file',
  'io/files.ts readPem': "the administrator's files, read by OpenSSL",
  'io/files.ts readSecret': 'the one line of a file that the administrator has named',
  'io/shell.ts readClocks': 'no input',
  'io/dataplane/own-addresses.ts readInterfaces': "the system's own word",
  'io/dataplane/routed-path.ts readAddresses': 'asks the library, whose records have a target',
  'io/store/store-reading.ts readDatabase': 'LMDB; test/io/store.test.ts damages its file in every way',
  'io/tls.ts readTlsFiles': "the administrator's files, read by OpenSSL",
  'io/web/web-certificate.ts readCertificate': "the administrator's files, read by OpenSSL",
};

describe.each(TARGETS)('$name', (target) => {
  it('bears every truncation of every seed', PATIENCE, async () => {
    for (const seed of target.dear ? [] : target.seeds()) {
      const step = Math.max(1, Math.floor(seed.length / 200));
      for (let length = 0; length <= seed.length; length += step)
        await runOn(target, seed.subarray(0, length));
    }
  });

  it('bears its corpus, and mutations', PATIENCE, async () => {
    for (const bytes of corpusOf(target.name)) await runOn(target, bytes);
    const mutations = new Mutations(target, SEED);
    const seen = new Set<string>();
    for (let i = 0; i < (target.dear ? OF_DEAR : MUTATIONS); i++)
      seen.add(await runOn(target, mutations.next()));
    for (const seed of target.seeds()) seen.add(await runOn(target, seed));
    // Mutations that never get past the first check would prove nothing.
    expect(seen.size).toBeGreaterThan(1);
  });
});

describe('decoders', () => {
  const folders = [
    'wire',
    'report',
    'accounting',
    'policy',
    'config',
    'radius',
    'base',
    'pae',
    'web',
    'agent',
    'session',
    'liveness',
    'authz',
    'io',
  ];
  const found = folders.flatMap((folder) =>
    readdirSync(`src/${folder}`)
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => {
        const text = readFileSync(`src/${folder}/${file}`, 'utf8');
        const names = [
          ...text.matchAll(
            /^export (?:function|class) ((?:decode|parse|read|verify|reveal|forEach)[A-Z]\w*|\w+Framer)/gm,
          ),
        ];
        return names.map(([, name]) => `${folder}/${file} ${name}`);
      }),
  );

  it('each has a target', () => {
    const covered = new Set([...TARGETS.flatMap(({ covers }) => covers), ...Object.keys(NOT_FOR_STRANGERS)]);
    expect(found.length).toBeGreaterThan(25);
    expect(found.filter((each) => !covered.has(each))).toEqual([]);
  });

  it('corpora belong to targets', () => {
    const files = TARGETS.map(({ name }) => `${name}.txt`);
    expect(readdirSync('test/fuzz/corpus').filter((file) => !files.includes(file))).toEqual([]);
    for (const { name } of TARGETS)
      for (const bytes of corpusOf(name)) expect(toHex(bytes).length).toBeLessThan(8_000);
  });
});
