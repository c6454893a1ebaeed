// The architecture as a test: imports point one way, siblings do not know each other, and below `io` there is no
// clock, no randomness, no promise, no logger and nothing of Node.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '..', 'src');

/** From the bottom up; what stands in one row must not import its neighbours. */
const LAYERS: readonly (readonly string[])[] = [
  ['base'],
  ['model', 'wire', 'timer'],
  ['pae', 'radius', 'session', 'liveness', 'policy', 'authz', 'accounting', 'report', 'web'],
  ['config'],
  ['agent', 'uci'],
  ['io', 'cli'],
  ['main.ts'],
];

/**
 * The books of `agent`, likewise. Their parts call each other by way of `core.ts`, in all directions; what they import of each
 * other, types too, points one way. Of the files beside them all but the loop may be imported by any.
 */
const BOOKS: readonly (readonly string[])[] = [
  ['session'],
  ['port', 'methods', 'kept'],
  ['told', 'watch'],
  ['orders'],
];

/** What puts the books together: each may import all of them. */
const BINDING: readonly string[] = ['agent.ts', 'core.ts'];

/** The packages that a file of the core may use, each for a reason that stands in docs/architecture.md. */
const CORE_PACKAGES: Readonly<Record<string, RegExp>> = {
  'node:crypto': /^base\/hash\.ts$/,
  radius: /^wire\/radius[a-z-]*\.ts$/,
  typebox: /^(report|config)\//,
  'typebox/compile': /^(report|config)\//,
  'typebox/value': /^(report|config)\//,
  ajv: /^(report|config)\//,
  yaml: /^config\//,
};

const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\b/, 'a clock'],
  [/(?<!\.)\bsetTimeout\b|(?<!\.)\bsetInterval\b|\bsetImmediate\b|\bqueueMicrotask\b/, 'a timer'],
  [/\bMath\.random\b|\brandomBytes\b/, 'randomness'],
  [/\bPromise\b|\basync\b|\bawait\b/, 'a promise'],
  [/\bconsole\.|\bprocess\./, 'the process'],
  [/\bBuffer\b/, 'Buffer'],
];

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
    return { path, text, imports };
  });

function layerOf(path: string): number {
  const top = path.split('/')[0] ?? '';
  return LAYERS.findIndex((names) => names.includes(top));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}

/** Code only: words inside string literals say nothing of what the code does. */
function codeOf(text: string): string {
  return withoutComments(text).replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

const core = files.filter(({ path }) => layerOf(path) < LAYERS.findIndex((names) => names.includes('io')));

describe('layers', () => {
  it('every file stands in a layer', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter(({ path }) => layerOf(path) < 0).map(({ path }) => path)).toEqual([]);
  });

  it('imports point down, never up or sideways', () => {
    const wrong: string[] = [];
    for (const { path, imports } of files) {
      for (const target of imports.filter((name) => name.startsWith('.'))) {
        const to = normalize(relative(SRC, join(SRC, dirname(path), target)));
        const sameFolder = to.split('/')[0] === path.split('/')[0];
        if (!sameFolder && layerOf(to) >= layerOf(path)) wrong.push(`${path} -> ${to}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('so do those among the books of the agent', () => {
    const bookOf = (path: string): number =>
      BOOKS.findIndex((names) => names.includes(path.split('/')[1] ?? ''));
    const wrong: string[] = [];
    for (const { path, imports } of files.filter((file) => file.path.startsWith('agent/'))) {
      const [, book, ...rest] = path.split('/');
      if (book === undefined || BINDING.includes(book)) continue;
      if (rest.length > 0 && bookOf(path) < 0) wrong.push(`${path}: in no book`);
      for (const target of imports.filter((name) => name.startsWith('.'))) {
        const to = normalize(relative(SRC, join(SRC, dirname(path), target)));
        if (!to.startsWith('agent/') || to.split('/')[1] === book) continue;
        if (bookOf(to) >= bookOf(path) && bookOf(to) >= 0) wrong.push(`${path} -> ${to}`);
        if (to === 'agent/agent.ts') wrong.push(`${path} -> ${to}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('relative imports name the file, with its extension, and there are no barrels', () => {
    const wrong = files.flatMap(({ path, imports }) =>
      imports
        .filter((name) => name.startsWith('.') && !/\.(ts|json)$/.test(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(wrong).toEqual([]);
    expect(files.filter(({ path }) => path.endsWith('index.ts')).map(({ path }) => path)).toEqual([]);
  });

  it('the core uses only the packages that it is allowed, where it is allowed', () => {
    const wrong: string[] = [];
    for (const { path, imports } of core) {
      for (const name of imports.filter((target) => !target.startsWith('.'))) {
        if (!(CORE_PACKAGES[name]?.test(path) ?? false)) wrong.push(`${path}: ${name}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('the core has no clock, timer, randomness, promise, process or Buffer', () => {
    const wrong: string[] = [];
    for (const { path, text } of core) {
      const code = codeOf(text);
      for (const [pattern, what] of FORBIDDEN) {
        if (what === 'Buffer' && /^wire\/radius/.test(path)) continue;
        if (pattern.test(code)) wrong.push(`${path}: ${what}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('no file below the shell keeps mutable state at module level', () => {
    const wrong = core.filter(({ text }) => /^(export )?let /m.test(withoutComments(text)));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});
