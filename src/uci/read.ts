// What `uci export` prints, and what a file under /etc/config holds, as sections. Values are texts: what they mean is
// decided elsewhere. Never throws, and no fault shows a value: it may be a secret.
//
// The language, as libuci reads it: `package NAME`, `config TYPE [NAME]`, `option NAME VALUE`, `list NAME VALUE`, one to a
// line or with `;` between; single quotes keep everything, line ends included; in double quotes and without quotes a
// backslash keeps the next character; `#` outside quotes begins a comment; pieces without a blank between are one word.

import { err, ok, type Result } from '../base/result.ts';
import type { UciFault } from './places.ts';

export interface UciOption {
  /** At least one; none is empty: to UCI an empty option is one that is not there. */
  readonly values: readonly string[];
  readonly isList: boolean;
}

export interface UciSection {
  readonly type: string;
  /** Absent: anonymous. */
  readonly name?: string;
  /** As `uci set` names it: `rollcall.main`, or `rollcall.@server[0]`. */
  readonly place: string;
  readonly options: ReadonlyMap<string, UciOption>;
}

export const PACKAGE = 'rollcall';

/** Far more than anybody writes (10,000 silent devices take 1.5 MB). */
const MAX_CHARACTERS = 2_000_000;
/** libuci's own rule for types, options and names of sections. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

interface Draft {
  readonly type: string;
  readonly name?: string;
  readonly place: string;
  readonly options: Map<string, { values: string[]; isList: boolean }>;
}

/** What has been read so far. */
interface Reading {
  readonly sections: Draft[];
  readonly names: Set<string>;
  /** How many there are of each type. */
  readonly counts: Map<string, number>;
}

export function readUci(text: string): Result<readonly UciSection[], readonly UciFault[]> {
  if (text.length > MAX_CHARACTERS) return refuse(1, `the file has more than ${MAX_CHARACTERS} characters`);
  const reading: Reading = { sections: [], names: new Set(), counts: new Map() };
  for (const { words, line } of statements(text)) {
    const wrong = words === undefined ? 'a quote is not closed' : take(words, reading);
    if (wrong !== undefined) return refuse(line, wrong);
  }
  return ok(reading.sections);
}

function refuse(line: number, message: string): Result<never, readonly UciFault[]> {
  return err([{ place: `${PACKAGE} (line ${line})`, message }]);
}

/** Adds what one statement says; a text is what is wrong with it. */
function take(words: readonly string[], reading: Reading): string | undefined {
  const [keyword = '', first, second, ...rest] = words;
  if (rest.length > 0) return 'there are more words than can be; a value with blanks needs quotes';
  switch (keyword) {
    case 'package':
      return undefined;
    case 'config':
      return addSection(first, second, reading);
    case 'option':
    case 'list':
      return addOption(keyword, first, second, reading.sections.at(-1));
    default:
      return 'a line begins with config, option, list or package';
  }
}

function addSection(
  type: string | undefined,
  name: string | undefined,
  { sections, names, counts }: Reading,
): string | undefined {
  if (type === undefined || !NAME.test(type)) return 'the type of a section is letters, digits, _ and -';
  if (name !== undefined && name !== '' && !NAME.test(name))
    return 'the name of a section is letters, digits and _';
  const index = counts.get(type) ?? 0;
  counts.set(type, index + 1);
  const named = name === undefined || name === '' ? {} : { name };
  if (named.name !== undefined && names.has(named.name)) return `there are two sections named ${named.name}`;
  if (named.name !== undefined) names.add(named.name);
  const place = named.name === undefined ? `${PACKAGE}.@${type}[${index}]` : `${PACKAGE}.${named.name}`;
  sections.push({ type, ...named, place, options: new Map() });
  return undefined;
}

function addOption(
  keyword: 'option' | 'list',
  name: string | undefined,
  value: string | undefined,
  section: Draft | undefined,
): string | undefined {
  if (section === undefined) return `${keyword} stands before the first section`;
  if (name === undefined || !NAME.test(name)) return 'the name of an option is letters, digits and _';
  if (value === undefined) return `${section.place}.${name} has no value`;
  const before = section.options.get(name);
  // As libuci has it: the last `option` counts, a `list` goes on.
  const values = keyword === 'list' ? [...(before?.values ?? [])] : [];
  if (value !== '') values.push(value);
  if (values.length === 0) section.options.delete(name);
  else section.options.set(name, { values, isList: keyword === 'list' });
  return undefined;
}

interface Statement {
  /** Missing where a quote is not closed. */
  readonly words?: readonly string[];
  /** On which it begins. */
  readonly line: number;
}

function* statements(text: string): Generator<Statement> {
  let words: string[] = [];
  let line = 1;
  let begun = 1;
  let at = 0;
  while (at < text.length) {
    const gap = /[^\S\n]+|#[^\n]*|[\n;]/y;
    gap.lastIndex = at;
    const [blank] = gap.exec(text) ?? [];
    if (blank === undefined) {
      const word = wordAt(text, at);
      if (word === undefined) {
        yield { line };
        return;
      }
      if (words.length === 0) begun = line;
      words.push(word.value);
      line += text.slice(at, word.end).split('\n').length - 1;
      at = word.end;
      continue;
    }
    at += blank.length;
    if (blank === '\n') line++;
    if ((blank === '\n' || blank === ';') && words.length > 0) {
      yield { words, line: begun };
      words = [];
    }
  }
  if (words.length > 0) yield { words, line: begun };
}

/** The word that begins here, its quotes taken off, and where it ends; undefined: a quote is not closed. */
function wordAt(text: string, start: number): { readonly value: string; readonly end: number } | undefined {
  let value = '';
  let at = start;
  while (at < text.length && !/[\s#;]/.test(text[at] ?? '')) {
    const piece = PIECES.map((pattern) => pieceAt(pattern, text, at)).find((found) => found !== undefined);
    if (piece === undefined) return undefined;
    const [whole, inside = ''] = piece;
    value += whole.startsWith("'") ? inside : inside.replace(/\\([\s\S])/g, '$1');
    at += whole.length;
  }
  return { value, end: at };
}

/** In single quotes, in double quotes, in none. */
const PIECES = [/'([^']*)'/y, /"((?:[^"\\]|\\[\s\S])*)"/y, /((?:[^\s#;'"\\]|\\[\s\S])+)/y];

function pieceAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
