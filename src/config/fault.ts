// What is wrong with a configuration file, and where. A fault names the key, the line, what is there and what would be
// right; a warning has the same shape and does not stop the agent.

import { escapeUnprintable } from '../base/unprintable.ts';

export interface Fault {
  /** As a person writes it: `ports."p*".mab.delay_s`; empty for the file as a whole. */
  readonly path: string;
  /** From 1; absent when the text has no such place. */
  readonly line?: number;
  readonly message: string;
}

export type KeyPath = readonly (string | number)[];

/** `a.b[0]."c d"`: plain keys bare, all others quoted. */
export function pathText(path: KeyPath): string {
  let out = '';
  for (const key of path) {
    if (typeof key === 'number') out += `[${key}]`;
    else out += `${out === '' ? '' : '.'}${/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)}`;
  }
  return out;
}

/** One sentence: `ports."p*".control (line 7): 'autoo' is none of ...`. */
export function describeFault(fault: Fault): string {
  const place = describePlace(fault);
  return place === '' ? fault.message : `${place}: ${fault.message}`;
}

/** `ports."p*".control (line 7)`; empty for the file as a whole. */
export function describePlace({ path, line }: Fault): string {
  if (line === undefined) return path;
  return path === '' ? `line ${line}` : `${path} (line ${line})`;
}

/** A value as a fault quotes it: short, and harmless on a terminal. */
export function quoteValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = escapeUnprintable(JSON.stringify(String(value)).slice(1, -1).replaceAll('\\"', '"'));
  return `'${text.length > 60 ? `${text.slice(0, 57)}...` : text}'`;
}

/** The candidate that a typing slip would have been, or undefined. Work bounded: 64 characters, every candidate once. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment: insert, delete, replace, swap neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, (before[j - 2] ?? 0) + 1);
      }
      row.push(distance);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
