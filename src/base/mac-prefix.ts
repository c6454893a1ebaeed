// The first bits of a MAC address: a maker's OUI (IEEE 802-2014 §8.2.1: MA-L 24, MA-M 28, MA-S 36 bits), or any other number of
// them, up to a whole address.

import { type Mac, macFromNumber, macToNumber } from './mac.ts';

export interface MacPrefix {
  /** The bits as an integer. */
  readonly value: number;
  /** 1..48. */
  readonly bits: number;
}

const ADDRESS_BITS = 48;

/**
 * Digits in groups of 2, 4 or 6 by `:`, `-` or `.`, or in one; the last group may be cut anywhere, and a separator or `*` may
 * follow: `00:50:56`, `0050.56`, `00-50-56-a*`, `005056`. With `/n` only the first n bits count. Undefined for all else.
 */
export function parseMacPrefix(text: string): MacPrefix | undefined {
  const [, written = '', length] = /^([0-9a-f:.-]+)\*?(?:\/([0-9]{1,2}))?$/i.exec(text.trim()) ?? [];
  const digits = digitsOf(written.replace(/[:.-]$/, ''));
  if (digits === undefined) return undefined;
  const written4 = 4 * digits.length;
  const bits = length === undefined ? written4 : Number(length);
  if (bits < 1 || bits > written4) return undefined;
  return { value: Math.floor(Number.parseInt(digits, 16) / 2 ** (written4 - bits)), bits };
}

function digitsOf(text: string): string | undefined {
  const separator = /[:.-]/.exec(text)?.[0];
  const groups = separator === undefined ? [text] : text.split(separator);
  const [first = ''] = groups;
  const length = separator === undefined ? 12 : first.length;
  if (separator !== undefined && ![2, 4, 6].includes(length)) return undefined;
  const last = groups.length - 1;
  const fits = groups.every((group, i) => (i < last ? group.length === length : group.length <= length));
  const digits = groups.join('');
  return fits && /^[0-9a-f]{1,12}$/i.test(digits) && groups.every((group) => group !== '')
    ? digits.toLowerCase()
    : undefined;
}

/** `00:50:50:00:00:00/20`: the same text for every spelling. */
export function macPrefixText({ value, bits }: MacPrefix): string {
  return `${macFromNumber(value * 2 ** (ADDRESS_BITS - bits))}/${bits}`;
}

/** What is said of addresses by their beginnings: the longest one that fits counts, of equal ones the first. */
export class MacPrefixTable<T> {
  /** By length, the longest first. */
  private readonly lengths: readonly (readonly [bits: number, values: ReadonlyMap<number, T>])[];

  constructor(entries: Iterable<readonly [MacPrefix, T]>) {
    const byLength = new Map<number, Map<number, T>>();
    for (const [{ value, bits }, what] of entries) {
      const values = byLength.get(bits) ?? new Map<number, T>();
      byLength.set(bits, values);
      if (!values.has(value)) values.set(value, what);
    }
    this.lengths = [...byLength].sort(([a], [b]) => b - a);
  }

  find(mac: Mac): T | undefined {
    if (this.lengths.length === 0) return undefined;
    const number = macToNumber(mac);
    for (const [bits, values] of this.lengths) {
      const found = values.get(Math.floor(number / 2 ** (ADDRESS_BITS - bits)));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
