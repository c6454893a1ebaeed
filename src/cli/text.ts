// Words, times and tables for people. Everything that came from a network is made harmless before it meets a terminal.

import Table from 'cli-table3';
import pc from 'picocolors';
import { UNPRINTABLE } from '../base/unprintable.ts';

export type Colors = ReturnType<typeof pc.createColors>;

export function colors(enabled: boolean): Colors {
  return pc.createColors(enabled);
}

/** Hostile text on one line: what is not to be printed becomes `\xNN` or `\u{N}`; longer than `most` characters is cut. */
export function clean(text: string, most = 80): string {
  let out = '';
  let length = 0;
  for (const character of text) {
    if (++length > most) return `${out}…`;
    out += UNPRINTABLE.test(character) ? escaped(character) : character;
  }
  return out;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** The two largest units: `3 min 12 s`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const first = UNITS.findIndex(([size]) => whole >= size);
  if (first < 0) return '0 s';
  const [size, name] = UNITS[first] ?? [1, 's'];
  const [nextSize, nextName] = UNITS[first + 1] ?? [1, ''];
  const rest = Math.floor((whole % size) / nextSize);
  return `${Math.floor(whole / size)} ${name}${nextName === '' || rest === 0 ? '' : ` ${rest} ${nextName}`}`;
}

/** `12 s ago`, or `-`. */
export function ago(time: string | undefined, now: number): string {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(at) ? '-' : `${duration((now - at) / 1000)} ago`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const NO_BORDER = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((key) => [key, '']),
);

/** Columns aligned, two blanks between them, no lines; a column that is empty in every row is left out. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], paint: Colors): string {
  const kept = head.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''));
  const pick = (row: readonly string[]) => row.filter((_, column) => kept[column]);
  const out = new Table({
    head: pick(head).map((title) => paint.dim(title.toUpperCase())),
    chars: { ...NO_BORDER, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  out.push(...rows.map((row) => [...pick(row)]));
  return trimLines(out.toString());
}

/** `name   value` lines, the names aligned. */
export function facts(pairs: readonly (readonly [string, string])[], paint: Colors): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${paint.dim(name.padEnd(width))}  ${value}`.trimEnd()).join('\n');
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** p2 before p10. */
export function natural(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
