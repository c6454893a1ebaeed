// docs/asyncapi.yaml is what the schemas say. Written anew by: ROLLCALL_WRITE=1 npx vitest run test/report/asyncapi.test.ts

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { version } from '../../package.json';
import { asyncApiDocument } from '../../src/report/asyncapi.ts';
import { VERBS } from '../../src/report/command-schemas.ts';
import { EVENT_TYPES } from '../../src/report/event-payloads.ts';

const FILE = new URL('../../docs/asyncapi.yaml', import.meta.url);
const HEAD = '# Made from the schemas in src/report by test/report/asyncapi.test.ts; do not edit.\n';

interface Document {
  readonly channels: Readonly<Record<string, { readonly address: string; readonly parameters: object }>>;
  readonly operations: Readonly<Record<string, unknown>>;
}

const wanted = asyncApiDocument(version);
if (process.env.ROLLCALL_WRITE === '1') {
  writeFileSync(FILE, HEAD + stringify(wanted, { aliasDuplicateObjects: false, lineWidth: 120 }));
}

describe('docs/asyncapi.yaml', () => {
  const document = parse(readFileSync(FILE, 'utf8')) as Document;

  test('is what the schemas say', () => {
    expect(document).toEqual(wanted);
  });

  test('has every verb, its answer and every event', () => {
    const names = [
      ...VERBS.flatMap((verb) => [`command-${verb}`, `response-${verb}`]),
      ...EVENT_TYPES.map((type) => `event-${type}`),
    ];
    expect(Object.keys(document.channels)).toEqual(expect.arrayContaining(names));
    expect(Object.keys(document.operations)).toEqual(expect.arrayContaining([...VERBS]));
  });

  test('no reference leads nowhere, and every parameter of an address is described', () => {
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer]) => pointer ?? '');
    expect(references.length).toBeGreaterThan(100);
    for (const pointer of references) {
      let at: unknown = document;
      for (const key of pointer.split('/')) at = (at as Record<string, unknown> | undefined)?.[key];
      expect(at, pointer).toBeDefined();
    }
    for (const { address, parameters } of Object.values(document.channels)) {
      expect([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()).toEqual(
        Object.keys(parameters).sort(),
      );
    }
  });
});
