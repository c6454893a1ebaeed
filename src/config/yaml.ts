// From YAML text to plain values that remember their lines.
//
// Narrower than YAML on purpose: one document, core schema, no anchors, no aliases, no tags, no keys that are not scalars. What is
// refused is refused with its line. Never throws: a text that exhausts the parser's stack is a fault too. A secret that is
// not in quotes may be anything to YAML (`*x9!k` an alias, `!k9` a tag, `|k9` a block), so no fault from here quotes any.

import {
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { err, ok, type Result } from '../base/result.ts';
import { type Fault, type KeyPath, pathText, quoteValue } from './fault.ts';

/** Larger than any sensible file (10,000 silent devices take 600 kB). */
const MAX_CHARACTERS = 2_000_000;
const MAX_DEPTH = 32;
const QUOTE_IT = 'a value with special characters needs quotes';

export interface LocatedYaml {
  /** Objects have no prototype, so that a key named `__proto__` is only a key. */
  readonly value: unknown;
  /** Line of the key (or list item) at a path; of its nearest parent that has one. */
  lineOf(path: KeyPath): number | undefined;
  /** Keys of the mapping at a path in the file's order: objects sort keys that look like numbers. */
  keysOf(path: KeyPath): readonly string[];
}

export function readYaml(text: string): Result<LocatedYaml, readonly Fault[]> {
  if (text.length > MAX_CHARACTERS) {
    return err([{ path: '', message: `the file has more than ${MAX_CHARACTERS} characters` }]);
  }
  try {
    return read(text);
  } catch (error) {
    const reason = error instanceof RangeError ? ': it is nested too deeply' : '';
    return err([{ path: '', message: `the file cannot be read as YAML${reason}` }]);
  }
}

/** As every text of a configuration is parsed: what one place takes, no other one calls an error. */
export function parseText(text: string, lineCounter = new LineCounter()) {
  return parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
}

function read(text: string): Result<LocatedYaml, readonly Fault[]> {
  const lines = new LineCounter();
  const document = parseText(text, lines);
  const faults = yamlFaults([...document.warnings, ...document.errors], lines);
  if (faults.length > 0) return err(faults);
  if (document.contents === null) {
    return err([{ path: '', message: 'the file is empty; it must be a mapping of keys to values' }]);
  }
  const walk = new Walk(lines);
  const value = walk.value(document.contents as Node, [], 0);
  if (walk.faults.length > 0) return err(walk.faults);
  if (!isMap(document.contents)) {
    const line = walk.lineAt(document.contents as Node) ?? 1;
    return err([{ path: '', line, message: 'the file must be a mapping of keys to values' }]);
  }
  return ok({
    value,
    lineOf: (path) => {
      for (let length = path.length; length >= 0; length--) {
        const line = walk.lines.get(JSON.stringify(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return undefined;
    },
    keysOf: (path) => walk.keys.get(JSON.stringify(path)) ?? [],
  });
}

/**
 * One for each line, and the first of those outside the document: all others follow from them. A warning (an alias, a tag) is the
 * cause of the errors in its line.
 */
function yamlFaults(found: readonly YAMLError[], lines: LineCounter): readonly Fault[] {
  const faults = new Map<number, Fault>();
  let isOutside = false;
  for (const { code, message, pos } of found) {
    const { line } = lines.linePos(pos[0]);
    const follows = isOutside && OUTSIDE.test(message);
    isOutside ||= OUTSIDE.test(message);
    if (!follows && !faults.has(line)) faults.set(line, { path: '', line, message: sentence(code, message) });
  }
  return [...faults.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)).slice(0, 20);
}

/** Of the library: the document is over, since something in it could not be. */
const OUTSIDE = /in YAML stream/;

function sentence(code: ErrorCode, message: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'a tab is used for indentation; YAML allows spaces only';
    case 'MULTIPLE_DOCS':
      return 'the file holds more than one YAML document; one is allowed';
    case 'TAG_RESOLVE_FAILED':
    case 'BAD_COLLECTION_TYPE':
      return `tags are not supported; ${QUOTE_IT}`;
    // The library's own words quote the text.
    case 'UNEXPECTED_TOKEN':
      return `not YAML: there is something here that cannot be; ${QUOTE_IT}`;
    case 'BAD_ALIAS':
      return 'not YAML: what begins with * needs quotes';
    case 'BAD_DQ_ESCAPE':
      return 'not YAML: an escape sequence that there is not; a backslash in double quotes is written twice';
    case 'BAD_DIRECTIVE':
      return 'not YAML: a directive that there is not';
    default:
      return `not YAML: ${message}`;
  }
}

class Walk {
  readonly faults: Fault[] = [];
  readonly lines = new Map<string, number>();
  readonly keys = new Map<string, readonly string[]>();

  constructor(private readonly counter: LineCounter) {}

  lineAt(node: Node | null | undefined): number | undefined {
    return node?.range ? this.counter.linePos(node.range[0]).line : undefined;
  }

  value(node: Node | null, path: KeyPath, depth: number): unknown {
    if (node === null) return null;
    if (depth > MAX_DEPTH) return this.refuse(node, path, `nested more than ${MAX_DEPTH} levels deep`);
    if (isAlias(node) || node.anchor !== undefined)
      return this.refuse(node, path, `anchors and aliases are not supported; ${QUOTE_IT}`);
    if (node.tag !== undefined && !node.tag.startsWith('tag:yaml.org,2002:')) {
      return this.refuse(node, path, `tags are not supported; ${QUOTE_IT}`);
    }
    if (isScalar(node)) return this.scalar(node.value, node, path);
    if (isSeq(node)) return this.list(node.items as (Node | null)[], path, depth);
    if (isMap(node)) return this.mapping(node.items as { key: Node; value: Node | null }[], path, depth);
    return this.refuse(node, path, 'not a value, a list or a mapping');
  }

  private scalar(value: unknown, node: Node, path: KeyPath): unknown {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.refuse(node, path, `${quoteValue(value)} is not a usable value`);
  }

  private list(items: readonly (Node | null)[], path: KeyPath, depth: number): unknown {
    return items.map((item, index) => {
      const at = [...path, index];
      this.mark(at, item);
      return this.value(item, at, depth + 1);
    });
  }

  private mapping(
    items: readonly { key: Node; value: Node | null }[],
    path: KeyPath,
    depth: number,
  ): unknown {
    const out: Record<string, unknown> = Object.create(null);
    const order: string[] = [];
    for (const { key, value } of items) {
      if (!isScalar(key) || (typeof key.value !== 'string' && typeof key.value !== 'number')) {
        this.refuse(key, path, 'a key must be a word or a number');
        continue;
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
      const at = [...path, name];
      if (name in out) {
        const first = this.lines.get(JSON.stringify(at));
        this.refuse(
          key,
          at,
          `the key is there twice${first === undefined ? '' : `, first on line ${first}`}`,
        );
        continue;
      }
      this.mark(at, key);
      order.push(name);
      out[name] = this.value(value, at, depth + 1);
    }
    this.keys.set(JSON.stringify(path), order);
    return out;
  }

  private mark(path: KeyPath, node: Node | null): void {
    const line = this.lineAt(node);
    if (line !== undefined) this.lines.set(JSON.stringify(path), line);
  }

  private refuse(node: Node, path: KeyPath, message: string): null {
    const line = this.lineAt(node);
    if (this.faults.length < 100) {
      this.faults.push({ path: pathText(path), ...(line === undefined ? {} : { line }), message });
    }
    return null;
  }
}
